"""The table of a study: one row for each scan, metabolite and scaling, and the dictionary of its columns."""

import csv
import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fsl_mrs_dl.io.untrusted_text import csv_cell
from fsl_mrs_dl.study.jobs import DONE, Job, JobState

COLUMNS = {
    "scan": "File of the scan below the folder of the study, without its ending",
    "verdict": "good, usable, unusable, or failed where there is no result",
    "reason": "Why, in a sentence",
    "snr": "Height of the fitted NAA line after matched damping over the SD of the noise",
    "linewidth_hz": "Full width at half maximum of NAA, in Hz",
    "snr_before": "Height of NAA over the SD of the noise, in the mean of the transients before align",
    "snr_after": "The same after align",
    "linewidth_before_hz": "Full width at half maximum of NAA in the mean of the transients before align, in Hz",
    "linewidth_after_hz": "The same after align",
    "metabolite": "Metabolite, or sum of metabolites",
    "scaling": "internal: ratio to the internal reference; molality, molarity: by the water; raw: amplitude",
    "unit": "Of the values",
    "posterior_mean": "Posterior mean: the number to report of a scan",
    "posterior_sd": "Its standard deviation",
    "ci68_low": "Lower end of the 68 % credible interval",
    "ci68_high": "Upper end of the 68 % credible interval",
    "ci95_low": "Lower end of the 95 % credible interval",
    "ci95_high": "Upper end of the 95 % credible interval",
    "mean": "Estimate without prior (maximum likelihood), as in FSL-MRS: to compare groups",
    "std": "Its standard deviation: the Cramer-Rao bound, and the spread between hypotheses of the background",
    "crlb": "The Cramer-Rao bound alone",
}
_LEVELS = {
    "good": "within the published limits and the misfit of good spectra",
    "usable": "limited, see the reason",
    "unusable": "not usable, see the reason",
    "failed": "could not be processed, see the reason",
}
UNITS = {"internal": "1", "molality": "mmol/kg", "molarity": "mmol/L", "raw": "arbitrary"}
_VALUES = (
    "posterior_mean",
    "posterior_sd",
    "ci68_low",
    "ci68_high",
    "ci95_low",
    "ci95_high",
    "mean",
    "std",
    "crlb",
)


@dataclass(frozen=True)
class Result:
    """Result of one scan.

    Attributes
    ----------
    job : Job
    state : State
    verdict, reason : str
    snr, linewidth_hz : float or None
        Of NAA.
    amounts : mapping of (metabolite, scaling) to mapping of column to value
    before, after : tuple of (float or None)
        SNR and linewidth of NAA in Hz in the mean of the transients before and after ``align``; None where that
        step was not run, or there is no line.
    """

    job: Job
    state: JobState
    verdict: str
    reason: str
    snr: float | None
    linewidth_hz: float | None
    amounts: dict[tuple[str, str], dict[str, float | None]]
    before: tuple[float | None, float | None] = (None, None)
    after: tuple[float | None, float | None] = (None, None)

    @classmethod
    def of(cls, job: Job, state: JobState) -> "Result":
        """Read the results of a scan."""
        if state.status != DONE:
            return cls(job, state, "failed", state.message, None, None, {})
        record = json.loads((job.results / "run.json").read_text(encoding="utf-8"))
        verdict: dict[str, Any] = record.get("verdict") or {}
        measures = verdict.get("measures") or {}
        amounts = _amounts(job.results / "concentrations.csv")
        reason = str(verdict.get("reason", ""))
        return cls(
            job,
            state,
            str(verdict.get("verdict", "")),
            reason,
            measures.get("snr"),
            measures.get("fwhm_hz"),
            amounts,
            *_alignment(record.get("processing") or []),
        )

    def value(self, metabolite: str, scaling: str, column: str = "posterior_mean") -> float | None:
        """Return one number; None if it is not known."""
        return self.amounts.get((metabolite, scaling), {}).get(column)


def _alignment(steps: Sequence[dict[str, Any]]) -> tuple[tuple[float | None, float | None], ...]:
    """Return SNR and linewidth before and after ``align``, from the record of the steps."""
    ran = [one for one in steps if one["step"]]
    for before, after in itertools.pairwise(ran):
        if after["step"] == "align":
            return (before["snr"], before["linewidth_hz"]), (after["snr"], after["linewidth_hz"])
    return (None, None), (None, None)


def _amounts(path: Path) -> dict[tuple[str, str], dict[str, float | None]]:
    with path.open(encoding="utf-8", newline="") as handle:
        columns, scalings, *rows = csv.reader(handle)
    amounts: dict[tuple[str, str], dict[str, float | None]] = {}
    for name, *values in rows:
        for column, scaling, value in zip(columns[1:], scalings[1:], values, strict=True):
            amounts.setdefault((name, scaling), {})[column] = float(value) if value else None
    return amounts


def label_names(results: Sequence[Result]) -> list[str]:
    """Return the placeholders of the scans of a study, in the order of the tree."""
    return list(dict.fromkeys(key for result in results for key in result.job.scan.labels))


def write_table(results: Sequence[Result], table: Path, dictionary: Path) -> None:
    """Write the table of a study, and the description of its columns.

    Parameters
    ----------
    results : sequence of Result
    table, dictionary : Path
        A CSV file, and a JSON file with the description of the columns in the form of BIDS.
    """
    labels = label_names(results)
    with table.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow([csv_cell(label) for label in (*labels, *COLUMNS)])
        for result in results:
            first = [result.job.scan.labels.get(key, "") for key in labels]
            first += [result.job.scan.name, result.verdict, result.reason]
            first = [csv_cell(text) for text in first]  # names of files and folders
            pairs = zip(result.before, result.after, strict=True)
            measures = [result.snr, result.linewidth_hz, *itertools.chain.from_iterable(pairs)]
            first += [_text(value) for value in measures]
            if not result.amounts:
                writer.writerow([*first, *[""] * (3 + len(_VALUES))])
            for (metabolite, scaling), values in result.amounts.items():
                numbers = [_text(values.get(column)) for column in _VALUES]
                writer.writerow([*first, csv_cell(metabolite), scaling, UNITS.get(scaling, ""), *numbers])
    description: dict[str, dict[str, Any]] = {
        key: {"Description": f"{key}, from the name of the file"} for key in labels
    }
    description |= {name: {"Description": text} for name, text in COLUMNS.items()}
    description["verdict"]["Levels"] = _LEVELS
    dictionary.write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")


def _text(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"
