"""How an error is told: in FSLeyes' own window, without a traceback; and how a user is asked for a place."""

from pathlib import Path
from typing import Any

import fsleyes_widgets.utils.status as status
import wx


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


def asked(dialog: Any) -> Path | None:
    """Show a dialog for a file or folder; return what was chosen, or None."""
    with dialog:
        return Path(dialog.GetPath()) if dialog.ShowModal() == wx.ID_OK else None
