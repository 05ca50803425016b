"""Make text from files and other packages safe for a terminal and for the cells of a table.

Such text can contain escape sequences, which clear the terminal or rewrite earlier lines, or a formula, which a
spreadsheet computes (a cell that begins with an equals sign).
"""

import logging
import re
import unicodedata

_OBEYED = frozenset(("Cc", "Cf", "Cs", "Co", "Zl", "Zp"))
"""Unicode categories that are not visible text: control and format characters (of direction, too), surrogates,
private use, line and paragraph separators."""
_FORMULA = re.compile(r"[=+@]|-(?!\w+$)")
"""Start of a formula. A minus before one word is a name: FSL-MRS's -CrCH2."""


def printable(text: str, *, lines: bool = False) -> str:
    r"""Return a text with control characters written out, an escape character as ``\x1b``.

    Parameters
    ----------
    text : str
    lines : bool
        Keep line feeds and tabs.
    """
    whitespace = "\n\t" if lines else ""
    return "".join(
        letter
        if letter in whitespace or unicodedata.category(letter) not in _OBEYED
        else letter.encode("unicode_escape").decode("ascii")
        for letter in text
    )


def csv_cell(text: str) -> str:
    """Return a text as the cell of a table; an apostrophe in front keeps a spreadsheet from reading a formula.

    A formula begins with ``=``, ``+``, ``-`` or ``@``, also behind a tab or a line end (OWASP, CSV injection);
    control characters are written out. A minus before a single word stays: ``-CrCH2`` is a name of FSL-MRS.
    """
    text = printable(text)
    return f"'{text}" if _FORMULA.match(text) else text


class PrintableFormatter(logging.Formatter):
    """Format messages so that a name in them cannot command the terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the message, see :func:`printable`."""
        return printable(super().format(record), lines=True)
