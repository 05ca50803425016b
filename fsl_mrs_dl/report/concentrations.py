"""Format estimates and flags: headings, values with their uncertainty, meanings."""

from collections.abc import Sequence

import numpy as np

from fsl_mrs_dl.data import FLAGS, Real
from fsl_mrs_dl.io.results.outcome import SCALINGS, Outcome, Scaled
from fsl_mrs_dl.report.page import number

PLUS_MINUS = "\N{PLUS-MINUS SIGN}"
SCALING_NAMES = {
    "raw": "Amplitude",
    "internal": "Ratio",
    "molality": "Molality (mmol/kg)",
    "molarity": "Molarity (mmol/l)",
}


UNDER_PRIOR = "Posterior"
WITHOUT_PRIOR = "Without prior"
"""Headings of the two kinds of results; numbers of one are never shown with the uncertainty of the other."""
_LEADING = ("posterior_mean", "ci95_low", "ci95_high")
MAIN = (
    ("NAA+NAAG", "NAA"),
    ("Cr+PCr", "Cr"),
    ("GPC+PCh", "GPC", "PCh", "Cho"),
    ("Glu+Gln", "Glu"),
    ("Ins", "mI"),
)
"""Main amounts of a brain spectrum: the sum, or the first member that was fitted."""


def scalings(outcome: Outcome) -> list[str]:
    """Return the known scalings, in the order of the table of scalings."""
    return [name for name in SCALINGS if name in outcome.scaled]


def scaling_title(outcome: Outcome, scaling: str) -> str:
    """Return the heading of the column or the maps of a scaling."""
    if scaling == "internal" and outcome.internal_reference:
        return f"Ratio to {'+'.join(outcome.internal_reference)}"
    return SCALING_NAMES[scaling]


def water_words(outcome: Outcome) -> str:
    """Return the sentence on concentrations for which no tissue fractions are known; empty if there are none."""
    if outcome.water is None or outcome.water.fractions is not None:
        return ""
    return (
        "Without tissue fractions the voxel counts as pure water, so that mmol/l equals mmol/kg. The "
        "command segment makes the fractions for --tissue_frac."
    )


def with_sd(value: float, sd: float) -> str:
    """Format a value and its standard deviation with two digits of the standard deviation."""
    if not np.isfinite(value):
        return number(np.nan)
    if not (np.isfinite(sd) and sd > 0):
        return f"{value:.4g}"
    if not _needs_no_power(max(abs(value), sd)):
        return f"{value:.3e} {PLUS_MINUS} {sd:.1e}"
    digits = _digits(sd)
    return f"{value:.{digits}f} {PLUS_MINUS} {sd:.{digits}f}"


def to_digits(value: float, sd: float) -> str:
    """Format a value with two digits of its SD, which is shown elsewhere."""
    (text,), power = _same_digits((value,), sd)
    return text + power


def significant(value: float) -> str:
    """Format an SD with two digits."""
    return to_digits(value, value)


def interval(low: float, high: float) -> str:
    """Format an interval, see :func:`with_interval`."""
    texts, power = _same_digits((low, high), (high - low) / 4)
    words = " to ".join(texts)
    return f"({words}){power}" if power else words


def with_interval(mean: float, low: float, high: float) -> str:
    """Format a mean with its 95 % interval, with two digits of a quarter of its width, which is about its SD."""
    texts, power = _same_digits((mean, low, high), (high - low) / 4)
    return "{} [{}, {}]".format(*texts) + power


def _same_digits(values: Sequence[float], sd: float) -> tuple[list[str], str]:
    """Format numbers with the same number of decimals; return them and their common power of ten."""
    size = max((abs(value) for value in values if np.isfinite(value)), default=0.0)
    power = 0 if size == 0 or _needs_no_power(size) else int(np.floor(np.log10(size)))
    scale = 10.0**-power
    if np.isfinite(sd) and sd > 0:
        texts = [f"{value * scale:.{_digits(sd * scale)}f}" for value in values]
    else:
        texts = [f"{value * scale:.4g}" for value in values]
    shown = [text if np.isfinite(value) else number(value) for text, value in zip(texts, values, strict=True)]
    return shown, f" \N{MULTIPLICATION SIGN} 1e{power:+03d}" if power else ""


def _needs_no_power(size: float) -> bool:
    """Return whether a number can be written without a power of ten."""
    return 1e-3 <= size < 1e6


def _digits(sd: float) -> int:
    return int(np.clip(1 - np.floor(np.log10(sd)), 0, 5))


def tokens(flags: int) -> list[str]:
    """Return the tokens of a bit mask of flags."""
    return [token for token, flag in FLAGS.items() if int(flags) >> flag.bit & 1]


def flag_rows(outcome: Outcome) -> list[tuple[str, int, str]]:
    """Return (token, voxels, meaning) of each flag that occurs."""
    counts = {token: sum(token in tokens(flags) for flags in outcome.flags) for token in FLAGS}
    return [(token, count, FLAGS[token].meaning) for token, count in counts.items() if count]


def main_columns(outcome: Outcome, scaling: str) -> list[int]:
    """Return the columns of the main amounts: those of :data:`MAIN`, or the five with the smallest relative SD.

    The reference is left out of ratios to itself. Without creatine in the basis set, as for an edited difference,
    the usual metabolites are absent and those with the smallest SD are taken; parts of a listed sum are left out.
    """
    reference = "+".join(outcome.internal_reference) if scaling == "internal" else ""
    chosen = [next((name for name in names if name in outcome.names), "") for names in MAIN]
    columns = [outcome.column(name) for name in chosen if name and name != reference]
    if columns and {"Cr", "PCr", "tCr"} & set(outcome.members):
        return columns
    if columns:
        sums = {name for name in outcome.names if "+" in name}
        parts = {part for name in sums for part in name.split("+")}
        return [n for n in by_bound(outcome) if outcome.names[n] not in parts][: len(MAIN)]
    return [n for n in by_bound(outcome) if outcome.names[n] != reference][: len(MAIN)]


def by_bound(outcome: Outcome) -> list[int]:
    """Return the columns by increasing relative SD, macromolecules and lipids last."""
    middle = np.median(np.nan_to_num(outcome.crlb_percent, nan=999.0), axis=0)
    return sorted(range(len(outcome.names)), key=lambda n: (is_broad(outcome.names[n]), middle[n]))


def leading_text(scaled: Scaled, row: int, column: int) -> str:
    """Format the leading number of an amount: posterior mean and interval, or the estimate without posterior."""
    if not scaled.has_posterior:
        return with_sd(float(scaled.value[row, column]), float(scaled.sd[row, column]))
    return with_interval(*(float(scaled.extra[name][row, column]) for name in _LEADING))


def typical_text(scaled: Scaled, column: int) -> str:
    """Format the leading number of an amount over many voxels, see :func:`leading_text`: medians of each part."""
    if not scaled.has_posterior:
        return with_sd(median(scaled.value[:, column]), median(scaled.sd[:, column]))
    return with_interval(*(median(scaled.extra[name][:, column]) for name in _LEADING))


def half_width_percent(scaled: Scaled) -> Real:
    """Return half the 95 % interval over the posterior mean, in per cent; shape (V, N)."""
    mean = scaled.extra["posterior_mean"]
    with np.errstate(divide="ignore", invalid="ignore"):
        percent: Real = 50 * (scaled.extra["ci95_high"] - scaled.extra["ci95_low"]) / mean
    return percent


def median(values: Real) -> float:
    """Return the median of the finite values; NaN if there are none."""
    known = values[np.isfinite(values)]
    return float(np.median(known)) if known.size else float("nan")


def leading_words(scaled: Scaled) -> str:
    """Name the numbers of :func:`leading_text`."""
    if scaled.has_posterior:
        return "posterior mean [95 % interval]"
    if np.isfinite(scaled.value).any() and not scaled.has_bounds:
        return "by a regressor, without uncertainty"
    return f"without prior: maximum-likelihood estimate {PLUS_MINUS} SD"


def leading_member(outcome: Outcome) -> int:
    """Return the member with the highest SNR, without macromolecules."""
    known = np.where(np.isfinite(outcome.snr), outcome.snr, -1.0)
    middle = np.median(known, axis=0)
    return int(np.argmax(np.where([is_broad(name) for name in outcome.members], -2.0, middle)))


def is_broad(name: str) -> bool:
    """Return whether a member is macromolecules or lipid, from its name."""
    return name.upper().startswith(("MM", "LIP", "MAC"))
