"""Show errors in FSLeyes' own window, without a traceback, and ask the user for a file or folder."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import fsleyes_widgets.utils.status as status
import wx

from fsl_mrs_dl.errors import MRSDLError

Method = TypeVar("Method", bound=Callable[..., Any])


def show_error(title: str, error: Exception) -> None:
    """Show an error.

    Parameters
    ----------
    title : str
        The action that failed.
    error : Exception
        With a text for the user.
    """
    status.reportError(title, f"{title}: this did not work.", error)


def show_errors(method: Method) -> Method:
    """Wrap a method of a panel with a ``TITLE``: errors are shown, and the panel stays open."""

    @functools.wraps(method)
    def wrapped(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return method(self, *args, **kwargs)
        except MRSDLError as error:
            show_error(self.TITLE, error)
            return None

    return wrapped  # type: ignore[return-value]


def chosen_path(dialog: Any) -> Path | None:
    """Show a dialog for a file or folder; return the chosen path, or None."""
    with dialog:
        return Path(dialog.GetPath()) if dialog.ShowModal() == wx.ID_OK else None
