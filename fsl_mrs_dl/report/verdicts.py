"""Describe the verdict: one line for the terminal, and the top of the report."""

import html
from collections import Counter

import numpy as np

from fsl_mrs_dl.data import VERDICTS
from fsl_mrs_dl.io.results.outcome import Outcome
from fsl_mrs_dl.report.page import AFTER, BEFORE, FLAGGED, section, table

_COLOURS = {"good": AFTER, "usable": "#b26a00", "unusable": FLAGGED, "not fitted": BEFORE}
_MOST_CAUSES = 5  # listed; the others are in qc/verdict.csv


def verdict_of(outcome: Outcome, row: int) -> str:
    """Return the verdict on one spectrum, a key of :data:`fsl_mrs_dl.data.VERDICTS`; empty if there is none."""
    if outcome.verdict is None:
        return ""
    return next(word for word, level in VERDICTS.items() if level.code == int(outcome.verdict[row]))


def verdict_text(outcome: Outcome) -> str:
    """Return the verdict with its reason in one line; for many spectra, the counts and most frequent causes.

    Parameters
    ----------
    outcome : Outcome

    Returns
    -------
    str
        Without full stop; empty if there is no verdict.
    """
    if outcome.verdict is None:
        return ""
    if outcome.single_voxel:
        return f"{verdict_of(outcome, 0)}: {outcome.reasons[0]}"
    counts = _counts(outcome)
    summary = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    causes = ", ".join(f"{cause} ({count})" for cause, count in _causes(outcome))
    return f"{len(outcome.verdict)} voxels: {summary}" + (
        f"; most frequent reasons: {causes}" if causes else ""
    )


def verdict_part(outcome: Outcome) -> str:
    """Return the HTML of the verdict for the top of the report; empty if there is none."""
    if outcome.verdict is None:
        return ""
    if outcome.single_voxel:
        word = verdict_of(outcome, 0)
        style = f"font-size: 1.3em; border-left: 6px solid {_COLOURS[word]}; padding-left: 12px"
        return f'<p style="{style}"><strong>{word}</strong>: {html.escape(outcome.reasons[0])}</p>'
    rows = [(word, count, VERDICTS[word].meaning) for word, count in _counts(outcome).items() if count]
    parts = [table(rows, ("Verdict", "Voxels", "Meaning"))]
    if causes := _causes(outcome):
        parts.append(table(causes, ("First cause", "Voxels")))
    text = "Which voxel and why: qc/verdict.nii.gz and qc/verdict.csv."
    return section("Verdict", *parts, text=text)


def _counts(outcome: Outcome) -> dict[str, int]:
    assert outcome.verdict is not None
    return {word: int(np.sum(outcome.verdict == level.code)) for word, level in VERDICTS.items()}


def _causes(outcome: Outcome) -> list[tuple[str, int]]:
    """Return the most frequent first causes of verdicts below good, with their numbers of voxels."""
    causes = (cause for cause in outcome.causes if cause and cause != "not fitted")
    return Counter(causes).most_common(_MOST_CAUSES)
