"""Write the page of a report with a result; without a drawing package, the result is written without it."""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fsl_mrs_dl.extras import explained


def write_page(report: str, path: Callable[[], Path], *arguments: Any) -> ImportError | None:
    """Write the page of a report.

    Parameters
    ----------
    report : str
        Name of a function of :mod:`fsl_mrs_dl.report` that returns the page.
    path : callable
        Returns the path of the file; called once the page is there.
    *arguments
        Of the report.

    Returns
    -------
    ImportError or None
        If a drawing package cannot be imported. Raise it after the result is written, so that no result is lost.
    """
    page = getattr(importlib.import_module("fsl_mrs_dl.report"), report)
    try:
        text = page(*arguments)
    except ImportError as error:
        return explained(error, "The result is written. Its report")
    path().write_text(text, encoding="utf-8", errors="backslashreplace")
    return None
