"""The MRSinMRS table of a study: what its scans have in common, and where they differ."""

import csv
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from fsl_mrs_dl.report.reporting_table import COLUMNS, reporting_csv, reporting_markdown
from fsl_mrs_dl.steps.results_folder import REPORTING
from fsl_mrs_dl.study.table import Result

_MOST = 5
"""Different values of an item that the text lists, the most frequent first; the table of scans has all."""


def write_reporting(results: Sequence[Result], table: Path, text: Path) -> None:
    """Write the MRSinMRS table of all scans, and a short one in Markdown.

    Parameters
    ----------
    results : sequence of Result
    table : Path
        CSV file with one row for each scan and item.
    text : Path
        Markdown with one row for each item; values that differ are listed with their number of scans.
    """
    rows = [(result.job.scan.name, *row) for result in results for row in _rows(result)]
    table.write_text(reporting_csv(rows, ("scan", *COLUMNS)), encoding="utf-8")
    values: dict[tuple[str, str], Counter[str]] = {}
    for _, part, item, value in rows:
        values.setdefault((part, item), Counter())[value] += 1
    text.write_text(
        reporting_markdown([(*names, _listed(counts)) for names, counts in values.items()]), encoding="utf-8"
    )


def _rows(result: Result) -> list[tuple[str, str, str]]:
    """Return the rows of the table of one scan; none if it failed."""
    path = result.job.results / REPORTING[0]
    if not result.amounts or not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as handle:
        _, *rows = csv.reader(handle)
    return [(part, item, value) for part, item, value in rows]


def _listed(counts: Counter[str]) -> str:
    if len(counts) == 1:
        return next(iter(counts))
    shown = [f"{value} ({n})" for value, n in counts.most_common(_MOST)]
    return "; ".join(shown) + (f"; and {len(counts) - _MOST} other values" if len(counts) > _MOST else "")
