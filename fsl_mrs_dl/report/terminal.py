"""The output of the command ``quantify``: the main amounts in a few lines, and the files of the others."""

from collections.abc import Collection
from pathlib import Path

import numpy as np

from fsl_mrs_dl.data import FLAGS, REPLACED
from fsl_mrs_dl.io.results.outcome import Outcome
from fsl_mrs_dl.report.concentrations import (
    WITHOUT_PRIOR,
    leading_text,
    leading_words,
    main_columns,
    scaling_title,
    typical_text,
    water_words,
)
from fsl_mrs_dl.report.verdicts import verdict_text


def quantify_text(outcome: Outcome, folder: Path, files: Collection[str]) -> str:
    """Return the lines with the main results.

    Parameters
    ----------
    outcome : Outcome
    folder : Path
        Folder of the results.
    files : collection of str
        Files of the run, relative to the folder.

    Returns
    -------
    str
        Lines without the last line end: the verdict, a heading, one line for each amount, and the files.
    """
    scaling = outcome.leading_scaling
    scaled = outcome.scaled[scaling]
    columns = main_columns(outcome, scaling)
    is_single = outcome.single_voxel
    amounts = [leading_text(scaled, 0, n) if is_single else typical_text(scaled, n) for n in columns]
    names = [outcome.names[n] for n in columns]
    fitted = int(np.isfinite(scaled.value).any(axis=1).sum())
    many = "" if is_single else f", medians over {fitted} voxels"
    wide = max(map(len, names), default=0)
    lines = [*filter(None, [verdict_text(outcome), _replaced_text(outcome)])]
    lines.append(f"{scaling_title(outcome, scaling)}{many}, {leading_words(scaled)}:")
    lines += [f"  {name:{wide}}  {text}" for name, text in zip(names, amounts, strict=True)]
    lines += filter(None, [water_words(outcome)])
    return "\n".join([*lines, *_places(outcome, folder, files, believed=scaled.has_posterior)])


def _replaced_text(outcome: Outcome) -> str:
    """Say how many spectra have the result of the whole fit, not of the amortised estimate; empty for none."""
    n = int(np.count_nonzero(outcome.flags >> FLAGS[REPLACED].bit & 1))
    if not n:
        return ""
    return (
        f"{n} of {len(outcome.flags)} spectra: the amortised estimate does not hold, the whole fit was done"
    )


def _places(outcome: Outcome, folder: Path, files: Collection[str], *, believed: bool) -> list[str]:
    """Return the lines with the files of the other results."""
    if outcome.single_voxel:
        also = f", also the estimates {WITHOUT_PRIOR.lower()}" if believed else ""
        lines = [f"All metabolites{also}: {folder / 'concentrations.csv'}"]
    elif believed:
        lines = [f"Maps in {folder}: posterior, intervals; {WITHOUT_PRIOR.lower()}: concs, uncertainties"]
    else:
        lines = [f"Maps in {folder}: concs, uncertainties"]
    if "report.html" in files:
        lines.append(f"Report: {folder / 'report.html'}")
    return lines
