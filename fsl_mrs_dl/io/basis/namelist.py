"""Read namelists and formatted numbers of FORTRAN programs, as in LCModel's files."""

import re
from dataclasses import dataclass

import numpy as np

from fsl_mrs_dl.data import Real
from fsl_mrs_dl.errors import DataError

_START = re.compile(r"^[ \t]*[$&](?!end\b)(\w+)", re.IGNORECASE | re.MULTILINE)
_TOKEN = re.compile(
    r"""'[^'\n]*'|"[^"\n]*"|(?P<end>(?<![^\s,])/(?=[ \t]*$)\n?|[$&]end\b[^\n]*\n?)|[^'"/$&]+|.""",
    re.IGNORECASE | re.DOTALL | re.MULTILINE,
)
"""A part of a namelist, or its end: $END, &END or, as gfortran writes it, a slash. Text in quotes may hold any.

One pattern for the whole would need possessive quantifiers, which Python 3.11.2 (Debian 12) matches wrongly.
"""
_LONGEST = 20_000
"""Characters after which the search for an end mark ends: no namelist of LCModel is longer than a page."""
_PAIR = re.compile(r"(\w+)\s*(?:\(\d+\))?\s*=\s*('(?:[^']|'')*'|\"[^\"]*\"|[^=,'\"\s]*)")
_WIDTH = re.compile(r"\d*\s*[EFGD](\d+)\.\d+", re.IGNORECASE)
_BARE_EXPONENT = re.compile(r"(?<=\d)([+-]\d{3})$")


@dataclass(frozen=True)
class Section:
    """One namelist and the text that follows it.

    Attributes
    ----------
    name : str
        In lower case.
    values : dict
        Keys in lower case -> text without quotes; only the first number of a list.
    after : str
        All text up to the next namelist.
    """

    name: str
    values: dict[str, str]
    after: str

    def number(self, key: str) -> float:
        """Return a number; NaN where the key is missing, empty, or no number."""
        try:
            return float(self.values.get(key, "").upper().replace("D", "E"))
        except ValueError:
            return float("nan")


def sections(text: str) -> list[Section]:
    """Return the namelists of a file, in order; ``$NAME .. $END``, ``&NAME .. &END`` and ``&NAME .. /``."""
    marks: list[tuple[re.Match[str], re.Match[str]]] = []
    start = _START.search(text)
    while start is not None:
        end = _end_of(text, start.end())
        if end is not None:
            marks.append((start, end))
        start = _START.search(text, (end or start).end())
    ends = [*(start.start() for start, _ in marks), len(text)]
    return [
        Section(start[1].lower(), _values(text[start.end() : end.start()]), text[end.end() : following])
        for (start, end), following in zip(marks, ends[1:], strict=True)
    ]


def _end_of(text: str, at: int) -> re.Match[str] | None:
    """Return the end mark of the namelist whose first value stands at a place, or None."""
    for token in _TOKEN.finditer(text, at):
        if token["end"] is not None:
            return token
        if token.end() - at > _LONGEST:
            break
    return None


def _values(text: str) -> dict[str, str]:
    pairs = _PAIR.findall(text)
    return {
        key.lower(): value[1:-1].replace("''", "'") if value[:1] in "'\"" and value else value
        for key, value in pairs
    }


def numbers(text: str, fortran_format: str, where: str) -> Real:
    """Read formatted numbers.

    Numbers with spaces between them are read without the format: many programs write other widths than their
    format says. The format is used only if numbers touch.

    Parameters
    ----------
    text : str
    fortran_format : str
        For example ``(6E13.5)``.
    where : str
        Name of the text in messages.

    Returns
    -------
    ndarray, float64, shape (number,)

    Raises
    ------
    DataError
        If something in the text is not a number.
    """
    plain = text.replace("D", "E").replace("d", "e")
    try:
        return np.array(plain.split(), dtype=np.float64)
    except ValueError:
        pass
    width = _WIDTH.search(fortran_format)
    if width is None:
        raise DataError(f"{where} holds text between its numbers, and no format (found {fortran_format!r}).")
    size = int(width[1])
    lines = [line.rstrip() for line in plain.splitlines()]
    fields = [line[n : n + size].strip() for line in lines for n in range(0, len(line), size)]
    try:
        return np.array([_BARE_EXPONENT.sub(r"E\1", field) for field in fields if field], dtype=np.float64)
    except ValueError as error:
        raise DataError(
            f"{where} holds what is not a number ({error}); export the damaged file again."
        ) from error


def text_of(path: object) -> str:
    """Return the text of a file; any bytes are accepted.

    Raises
    ------
    DataError
        If it cannot be read.
    """
    try:
        with open(str(path), encoding="latin-1") as file:  # noqa: PTH123
            return file.read()
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); check its name and rights.") from error
