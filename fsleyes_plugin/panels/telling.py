"""How an error is told: in FSLeyes' own window, without a traceback; and how a user is asked for a place."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import fsleyes_widgets.utils.status as status
import wx

from fsl_mrs_dl.errors import MRSDLError

Method = TypeVar("Method", bound=Callable[..., Any])


def tell(title: str, error: Exception) -> None:
    """Say what went wrong.

    Parameters
    ----------
    title : str
        What was tried.
    error : Exception
        Its text says what was found, what is needed and what to do.
    """
    status.reportError(title, f"{title}: this did not work.", error)


def telling(method: Method) -> Method:
    """Wrap a method of a panel that has a ``TITLE``: what cannot be read or done is told, and the panel stays."""

    @functools.wraps(method)
    def wrapped(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return method(self, *args, **kwargs)
        except MRSDLError as error:
            tell(self.TITLE, error)
            return None

    return wrapped  # type: ignore[return-value]


def asked(dialog: Any) -> Path | None:
    """Show a dialog for a file or folder; return what was chosen, or None."""
    with dialog:
        return Path(dialog.GetPath()) if dialog.ShowModal() == wx.ID_OK else None
