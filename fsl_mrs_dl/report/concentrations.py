"""How estimates and flags are told: headings, values with their uncertainty, meanings."""

import numpy as np

from fsl_mrs_dl.data import FLAGS
from fsl_mrs_dl.io.results.outcome import SCALINGS, Outcome
from fsl_mrs_dl.report.page import number

PLUS_MINUS = "\N{PLUS-MINUS SIGN}"
SCALING_NAMES = {
    "raw": "Amplitude",
    "internal": "Ratio",
    "molality": "Molality (mmol/kg)",
    "molarity": "Molarity (mmol/l)",
}


def scalings(outcome: Outcome) -> list[str]:
    """Return the scalings that are there, in the order of the table of scalings."""
    return [name for name in SCALINGS if name in outcome.scaled]


def scaling_title(outcome: Outcome, scaling: str) -> str:
    """Return the heading of a scaling's column or maps."""
    if scaling == "internal" and outcome.internal_reference:
        return f"Ratio to {'+'.join(outcome.internal_reference)}"
    return SCALING_NAMES[scaling]


def with_sd(value: float, sd: float) -> str:
    """Return a value and its standard deviation to two digits of the latter."""
    if not np.isfinite(value):
        return number(np.nan)
    if not (np.isfinite(sd) and sd > 0):
        return f"{value:.4g}"
    size = max(abs(value), sd)
    if not 1e-3 <= size < 1e6:
        return f"{value:.3e} {PLUS_MINUS} {sd:.1e}"
    digits = int(np.clip(1 - np.floor(np.log10(sd)), 0, 5))
    return f"{value:.{digits}f} {PLUS_MINUS} {sd:.{digits}f}"


def tokens(flags: int) -> list[str]:
    """Return the tokens of a bit mask of flags."""
    return [token for token, flag in FLAGS.items() if int(flags) >> flag.bit & 1]


def flag_rows(outcome: Outcome) -> list[tuple[str, int, str]]:
    """Return (token, voxels, meaning) of each flag that occurs."""
    counts = {token: sum(token in tokens(flags) for flags in outcome.flags) for token in FLAGS}
    return [(token, count, FLAGS[token].meaning) for token, count in counts.items() if count]


def leading_member(outcome: Outcome) -> int:
    """Return the member whose fitted signal stands highest above the noise; macromolecules do not count."""
    known = np.where(np.isfinite(outcome.snr), outcome.snr, -1.0)
    middle = np.median(known, axis=0)
    return int(np.argmax(np.where([is_broad(name) for name in outcome.members], -2.0, middle)))


def is_broad(name: str) -> bool:
    """Whether a member is macromolecules or lipid, by its name."""
    return name.upper().startswith(("MM", "LIP", "MAC"))
