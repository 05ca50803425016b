"""The tables of amounts of one spectrum: the posterior, and separately the estimates without prior."""

import html

import numpy as np

from fsl_mrs_dl.io.results.outcome import Outcome, Scaled
from fsl_mrs_dl.report.concentrations import (
    PLUS_MINUS,
    UNDER_PRIOR,
    WITHOUT_PRIOR,
    interval,
    scaling_title,
    scalings,
    significant,
    to_digits,
    water_words,
    with_sd,
)
from fsl_mrs_dl.report.page import folded, number, table

_LARGEST_PERCENT = 999.0  # largest value of FSL-MRS's %CRLB
Column = tuple[str, list[str]]
"""Heading, and one cell for each metabolite."""


def amount_tables(outcome: Outcome) -> list[str]:
    """Return one table for each scaling as HTML: the leading one visible, the others folded."""
    lead = outcome.leading_scaling
    others = [name for name in reversed(scalings(outcome)) if name != lead]
    heading = f"<h3>{html.escape(scaling_title(outcome, lead))}</h3>\n" if others else ""
    folds = [folded(scaling_title(outcome, name), _table(outcome, name)) for name in others]
    return [heading + _table(outcome, lead, quality=True), *folds]


def _table(outcome: Outcome, scaling: str, *, quality: bool = False) -> str:
    """Return the table of one scaling; ``quality`` adds the columns that do not depend on the scaling."""
    scaled = outcome.scaled[scaling]
    groups: dict[str, list[Column]] = {
        UNDER_PRIOR: _posterior(scaled),
        WITHOUT_PRIOR: _estimate(scaled, outcome, percent=quality),
        "Line": _line(outcome) if quality else [],
    }
    shown = {title: columns for title, columns in groups.items() if columns}
    columns = [column for part in shown.values() for column in part]
    rows = zip(outcome.names, *(cells for _, cells in columns), strict=True)
    head = ["Metabolite", *(title for title, _ in columns)]
    return table(rows, head, [("", 1), *((title, len(part)) for title, part in shown.items())])


def _posterior(scaled: Scaled) -> list[Column]:
    """Return the columns of the posterior that are filled; none without an interval."""
    if not scaled.has_posterior:
        return []
    nothing = np.full_like(scaled.value[0], np.nan)
    names = ("posterior_mean", "posterior_sd", "ci95_low", "ci95_high", "shrinkage")
    mean, sd, low, high, shrinkage = (scaled.extra.get(name, nothing[None])[0] for name in names)
    width = (high - low) / 4
    columns = [
        ("Mean", [to_digits(*pair) for pair in zip(mean, width, strict=True)]),
        ("95 % interval", [interval(*ends) for ends in zip(low, high, strict=True)]),
        ("SD", [significant(value) for value in sd]),
        ("Shrinkage", [number(value) for value in shrinkage]),
    ]
    known = (True, True, np.isfinite(sd).any(), np.isfinite(shrinkage).any())
    return [column for column, there in zip(columns, known, strict=True) if there]


def _estimate(scaled: Scaled, outcome: Outcome, *, percent: bool) -> list[Column]:
    """Return the columns of the estimate without prior, with the bound if the SD is larger."""
    pairs = zip(scaled.value[0], scaled.sd[0], strict=True)
    columns = [(f"Estimate {PLUS_MINUS} SD", [with_sd(float(value), float(sd)) for value, sd in pairs])]
    if scaled.bound is not None:
        columns.append(("CRLB", [significant(value) for value in scaled.bound[0]]))
    if percent:
        columns.append(("SD of the amplitude (%)", [_percent(value) for value in outcome.crlb_percent[0]]))
    return columns


def _line(outcome: Outcome) -> list[Column]:
    """Return SNR and width of the fitted lines; sums have none, and overlapping lines have no width."""
    rest = [""] * (len(outcome.names) - len(outcome.members))
    widths = np.where(outcome.fwhm_hz[0] > 0, outcome.fwhm_hz[0], np.nan)
    return [
        ("SNR", [*(number(value, 1) for value in outcome.snr[0]), *rest]),
        ("FWHM (Hz)", [*(number(value, 1) for value in widths), *rest]),
    ]


def _percent(value: float) -> str:
    return (
        f"\N{GREATER-THAN OR EQUAL TO} {_LARGEST_PERCENT:.0f}"
        if value >= _LARGEST_PERCENT
        else number(value, 1)
    )


_LIKELIEST = (
    "The maximum-likelihood estimate, at or above zero, with its own SD: the Cramer-Rao bound, and the spread "
    "between the hypotheses of the fit; for sums and ratios from the covariance of the amplitudes. It is in "
    "FSL-MRS's columns of the tables; use it to compare groups. A large relative SD means little signal or "
    "little information; leaving such values out biases the averages of groups (Kreis 2016, "
    "doi:10.1002/mrm.25568)."
)
_REGRESSED = (
    "The amplitudes of a regressor, which knows no bound and no SD, drawn towards those that it was trained on. "
    "The residual and the verdict say whether they explain the spectrum."
)


def amount_text(outcome: Outcome) -> str:
    """Return the explanation of the tables as HTML: which number to report, and its uncertainty."""
    paragraphs = []
    if outcome.posterior is None:
        paragraphs.append(("Posterior", "This result has none."))
    else:
        text = (
            f"The posterior under the prior {outcome.posterior['prior']}: {outcome.posterior['meaning']}. For a "
            "single spectrum, report this number with its interval and the name of the prior. Shrinkage is the "
            "posterior variance over the prior variance: near 0 the data determine the value, near 1 the prior "
            "does."
        )
        paragraphs.append((UNDER_PRIOR, text))
    plain = next(iter(outcome.scaled.values()))
    regressed = np.isfinite(plain.value).any() and not plain.has_bounds
    paragraphs.append((WITHOUT_PRIOR, _REGRESSED if regressed else _LIKELIEST))
    line = "SNR is the height of the fitted line after matched damping, over the noise."
    if outcome.water is None:
        line += " There is no water reference, so amplitudes are in units of the basis set."
    paragraphs.append(("Line", line))
    if words := water_words(outcome):
        paragraphs.append(("Water", words))
    return "".join(f"<p><b>{head}.</b> {html.escape(text)}</p>\n" for head, text in paragraphs)
