"""Show text that files, names and other packages bring along: on a terminal, and in the cells of a table.

Such text may hold what a terminal obeys (escape sequences that clear the screen or rewrite earlier lines) or what
a spreadsheet computes (a cell that begins with an equals sign).
"""

import logging
import re
import unicodedata

_OBEYED = frozenset(("Cc", "Cf", "Cs", "Co", "Zl", "Zp"))
"""Unicode categories that are no visible text: control and format characters (of direction, too), halves of
surrogates, private use, line and paragraph separators."""
_FORMULA = re.compile(r"[=+@]|-(?!\w+$)")
"""How a formula begins. A minus before one word is a name: FSL-MRS's -CrCH2."""


def printable(text: str, *, lines: bool = False) -> str:
    r"""Return a text with what a terminal would obey written out, an escape character as ``\x1b``.

    Parameters
    ----------
    text : str
    lines : bool
        Keep line feeds and tabs.
    """
    kept = "\n\t" if lines else ""
    return "".join(
        letter
        if letter in kept or unicodedata.category(letter) not in _OBEYED
        else letter.encode("unicode_escape").decode("ascii")
        for letter in text
    )


def csv_cell(text: str) -> str:
    """Return a text as the cell of a table that no spreadsheet takes for a formula: with an apostrophe in front.

    Spreadsheets take ``=``, ``+``, ``-`` and ``@`` at the beginning for one, also behind a tab or a line end
    (OWASP, CSV injection); control characters are written out. A minus before a single word stays: ``-CrCH2`` is
    a name of FSL-MRS and computes nothing.
    """
    text = printable(text)
    return f"'{text}" if _FORMULA.match(text) else text


class PrintableFormatter(logging.Formatter):
    """Format messages so that a name in them cannot command the terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the message, see :func:`printable`."""
        return printable(super().format(record), lines=True)
