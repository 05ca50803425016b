"""The tables of amounts of many voxels: the posterior, and separately the estimates without prior."""

import html

import numpy as np

from fsl_mrs_dl.data import Real
from fsl_mrs_dl.io.results.outcome import Outcome
from fsl_mrs_dl.report.concentrations import (
    UNDER_PRIOR,
    WITHOUT_PRIOR,
    half_width_percent,
    median,
    scaling_title,
    scalings,
)
from fsl_mrs_dl.report.page import folded, number, table

_LARGE_SD_PERCENT = 20.0  # a usual limit of LCModel's users; voxels below it are counted, none is left out


def number_tables(outcome: Outcome, order: list[int]) -> list[str]:
    """Return one table for each scaling as HTML: the leading one visible, the others folded.

    Parameters
    ----------
    outcome : Outcome
    order : list of int
        Columns of the amounts in the order of the rows.
    """
    lead = outcome.leading_scaling
    others = [name for name in reversed(scalings(outcome)) if name != lead]
    heading = f"<h3>{html.escape(scaling_title(outcome, lead))}</h3>\n"
    folds = [folded(scaling_title(outcome, name), _table(outcome, name, order)) for name in others]
    return [heading + _table(outcome, lead, order), *folds]


def _table(outcome: Outcome, scaling: str, order: list[int]) -> str:
    scaled = outcome.scaled[scaling]
    head, groups = ["Metabolite"], [("", 1)]
    if scaled.has_posterior:
        head += ["Mean", "Half the 95 % interval (%)", "Shrinkage"]
        groups += [(UNDER_PRIOR, 3)]
    head += ["Estimate", "SD of the amplitude (%)", f"Voxels with an SD below {_LARGE_SD_PERCENT:.0f} %"]
    groups += [(WITHOUT_PRIOR, 3)]
    rows = []
    for n in order:
        row = [outcome.names[n]]
        if scaled.has_posterior:
            shrinkage = scaled.extra.get("shrinkage")
            row += [
                _quartiles(scaled.extra["posterior_mean"][:, n]),
                number(median(half_width_percent(scaled)[:, n]), 1),
                number(median(shrinkage[:, n])) if shrinkage is not None else number(np.nan),
            ]
        percent = outcome.crlb_percent[:, n]
        below = f"{int(np.sum(percent < _LARGE_SD_PERCENT))} of {len(percent)}"
        rows.append([*row, _quartiles(scaled.value[:, n]), number(median(percent), 1), below])
    return table(rows, head, groups)


def _quartiles(values: Real) -> str:
    """Return the median over the voxels, with the quartiles in brackets."""
    known = values[np.isfinite(values)]
    if not known.size:
        return number(np.nan)
    return "{1:.3g} ({0:.3g} to {2:.3g})".format(*np.percentile(known, [25, 50, 75]))
