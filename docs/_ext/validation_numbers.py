"""Copies the ten numbers of the summary of validation from the tables of its pages.

After a page was made anew, ``python docs/_ext/validation_numbers.py`` writes them into
``docs/validation/index.md``; a test fails where one of them is old.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

VALIDATION = Path(__file__).parents[1] / "validation"
SUMMARY = VALIDATION / "index.md"
TABLE = re.compile(r"(?<=<!-- numbers -->\n\n).*?(?=\n\n<!-- end of numbers -->)", re.DOTALL)


@dataclass(frozen=True)
class Number:
    """One line of the summary.

    Attributes
    ----------
    question : str
        What was asked.
    page : str
        Name of the page, without ending.
    answer : str
        With a ``{place}`` for each value.
    cells : tuple of (mapping, str)
        For each place: the values that tell the row of the table, by column, and the column to copy.
    """

    question: str
    page: str
    answer: str
    cells: tuple[tuple[Mapping[str, str], str], ...]


GN_10 = {"SNR_t0": "10", "method": "gn"}
WIDTH = "Cr linewidth ON (Hz)"
ALL_WORLDS = {"setting": "default", "worlds": ""}
NUMBERS = (
    Number(
        "How precise is `align` on simulated transients of SNR 10?",
        "registration",
        "its shifts scatter {} times the Cramér-Rao bound; {} of {} are more than 3 Hz off",
        ((GN_10, "ratio"), (GN_10, "failures > 3 Hz"), (GN_10, "n")),
    ),
    Number(
        "Does it help on a measured scan with drift?",
        "invivo",
        "creatine is {} Hz wide before and {} Hz after",
        tuple(({"method": name}, WIDTH) for name in ("before", "gn")),
    ),
    Number(
        "Is a network better than the default of `align`?",
        "fpc",
        "no: SD of the shift {} Hz for the best network, {} Hz for the default, {} Hz is the bound",
        (
            ({"method": "ma", "shift SD all (Hz)": ""}, "shift SD all (Hz)"),
            ({"method": "gn", "shift SD all (Hz)": ""}, "shift SD all (Hz)"),
            ({"method": "gn", "shift SD all (Hz)": ""}, "bound (Hz)"),
        ),
    ),
    Number(
        "How precise is the fit if its model is right?",
        "fit",
        "errors are {} times the Cramér-Rao bound (mean over members), {} failures",
        (({"case": "window 0.2-4.2"}, "mean RMS"), ({"case": "window 0.2-4.2"}, "failures")),
    ),
    Number(
        "Do 95 % intervals hold 95 % of true amounts if the model is right?",
        "trust",
        "at SNR 67, mean over members, lowest and highest: {} %",
        (({"SNR_f": "67", "95 %": ""}, "95 %"),),
    ),
    Number(
        "And in simulated worlds that the model did not make?",
        "worlds",
        "of {} worlds, mean, lowest and highest: {} %; with `poly, 2` {} %",
        (
            (ALL_WORLDS, "worlds"),
            (ALL_WORLDS, "95 % covers"),
            ({"setting": "poly, 2", "worlds": ""}, "95 % covers"),
        ),
    ),
    Number(
        "Is the default the best setting everywhere?",
        "worlds",
        "no: within 10 % of the best fixed baseline in {} worlds, and up to {} times its error",
        (
            (ALL_WORLDS, "within 10 % of the best fixed one"),
            (ALL_WORLDS, "largest"),
        ),
    ),
    Number(
        "What if the basis set is of another sequence (sLASER for PRESS)?",
        "trust",
        "Glu+Gln is off by {} %; the 95 % intervals hold the truth in {} % (mean, lowest)",
        (
            ({"world": "another sequence"}, "Glu+Gln, bias %"),
            ({"world": "another sequence"}, "95 % covers"),
        ),
    ),
    Number(
        "Does the verdict see damage that was made on purpose?",
        "verdict",
        "of {} damaged copies of measured spectra {} were called good",
        (({"damage": "**all**", "size": ""}, "copies"), ({"damage": "**all**", "size": ""}, "good")),
    ),
    Number(
        "What do damaged files do to the program?",
        "fuzzing",
        "of {} files {} were refused in one line, {} ended in a traceback",
        tuple(({"damage": "all"}, column) for column in ("files", "refused", "traceback")),
    ),
)


def rows_of(page: str) -> list[dict[str, str]]:
    """Return every row of every table of a page, in order, as column -> cell."""
    rows: list[dict[str, str]] = []
    header: Sequence[str] | None = None
    for line in (VALIDATION / f"{page}.md").read_text(encoding="utf-8").splitlines():
        if not line.startswith("|"):
            header = None
            continue
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if header is None:
            header = cells
        elif set("".join(cells)) - set("- "):
            # Of two columns of one name the first counts.
            rows.append(dict(reversed(list(zip(header, cells, strict=True)))))
    return rows


def value(page: str, known: Mapping[str, str], column: str) -> str:
    """Return a cell of the first row that has the columns and, where not empty, the values that are known."""
    for row in rows_of(page):
        if column in row and all(name in row and said in ("", row[name]) for name, said in known.items()):
            return row[column]
    raise LookupError(f"{page}.md has no row with {dict(known)} and the column {column!r}; mend NUMBERS.")


def table() -> str:
    """Return the table of the summary."""
    lines = ["| question | answer | page |", "|---|---|---|"]
    for number in NUMBERS:
        said = number.answer.format(*(value(number.page, *cell) for cell in number.cells))
        lines.append(f"| {number.question} | {said} | [{number.page}]({number.page}.md) |")
    return "\n".join(lines)


def anew(text: str) -> str:
    """Return the text of the summary with the numbers of the pages as they are now."""
    return TABLE.sub(lambda _: table(), text)


if __name__ == "__main__":
    SUMMARY.write_text(anew(SUMMARY.read_text(encoding="utf-8")), encoding="utf-8")
