"""Grade spectra: one verdict for each (good, usable, unusable), and its reason."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import FLAGS, VERDICTS, Real
from fsl_mrs_dl.fit.quantification.criteria import (
    BESIDE,
    CRITERIA,
    GOOD,
    LINE,
    SIGNAL,
    TURNED,
    UNUSABLE,
    USABLE,
    WATER_ALONE,
    Criterion,
)

NOT_FITTED = VERDICTS["not fitted"].code
MOST_CAUSES = 3
"""Largest number of causes in one reason, the worst first."""

_Cause = tuple[int, str, str]  # verdict, label, words


@dataclass(frozen=True, eq=False)
class Grade:
    """The verdicts on V spectra.

    Attributes
    ----------
    verdict : ndarray, int8, shape (V,)
        Codes of :data:`fsl_mrs_dl.data.VERDICTS`.
    reasons : tuple of str, length V
        One sentence each, without full stop.
    causes : tuple of str, length V
        Label of the first cause of each, empty for good spectra.
    """

    verdict: NDArray[np.int8]
    reasons: tuple[str, ...]
    causes: tuple[str, ...]


def grade(
    measures: Mapping[str, Real],
    flags: NDArray[np.integer],
    *,
    doubts: Sequence[str] = (),
    main: str = "",
    nucleus: str = "1H",
    criteria: Mapping[str, Criterion] = CRITERIA,
) -> Grade:
    """Grade spectra by their measures, flags and doubts.

    Noise alone, a conjugated FID, water alone and signal without the main metabolites are unusable, with only this
    reason. For all others the worst counts: of the criteria, of the flags by their severity, and of the doubts,
    which allow at best usable.

    Parameters
    ----------
    measures : mapping of str to ndarray, float, shape (V,)
        The keys of ``criteria``, ``mirror``, and other measures that their words name; NaN where not known.
    flags : ndarray, int, shape (V,)
        Bits of :data:`fsl_mrs_dl.data.FLAGS`.
    doubts : sequence of str
        Problems of all spectra, for example a basis set of another echo time.
    main : str
        The metabolites behind ``crlb``, in words.
    nucleus : str
    criteria : mapping of str to Criterion

    Returns
    -------
    Grade
    """
    known = {
        key: one for key, one in criteria.items() if key in measures and (nucleus == "1H" or not one.protons)
    }
    # The size of a line counts, whether the fit is too low there or too high.
    values = {key: np.abs(measures[key]) if key == "line" else measures[key] for key in known}
    alone = {key: one.beyond(values[key]) for key, one in known.items()}
    at_once = _at_once(measures, flags, nucleus, main)

    def of_criteria(row: int) -> list[_Cause]:
        worst: dict[str, int] = {}
        for key, one in known.items():
            worst[one.family or key] = max(worst.get(one.family or key, GOOD), int(alone[key][row]))
        numbers = {name: float(some[row]) for name, some in measures.items()}
        side = "too high a fit" if numbers.get("line", 0.0) < 0 else "an unmodelled line"
        causes = []
        for key, one in known.items():
            code = int(alone[key][row])
            if code > GOOD and worst.get(one.family or key) == code:
                del worst[one.family or key]
                value = float(values[key][row])
                special = {"value": value, "percent": 100 * value, "limit": one.limit(code)}
                causes.append((code, one.label, one.words.format(**numbers, **special, main=main, side=side)))
        return causes

    verdict, reasons, causes = np.empty(len(flags), dtype=np.int8), [], []
    for row in range(len(flags)):
        row_causes = [cause for where, cause in at_once if where[row]][:1]
        if not row_causes:
            row_causes = of_criteria(row) + _of_flags(int(flags[row]))
            row_causes += [(USABLE, "basis set", doubt) for doubt in doubts]
            row_causes.sort(key=lambda one: -one[0])
        verdict[row] = row_causes[0][0] if row_causes else GOOD
        causes.append(row_causes[0][1] if row_causes else "")
        reasons.append("; ".join(words for _, _, words in row_causes[:MOST_CAUSES]) or _merits(measures, row))
    return Grade(verdict, tuple(reasons), tuple(causes))


def _of_flags(bits: int) -> list[_Cause]:
    """Return the causes of flags; flags that are notes are none."""
    return [
        (VERDICTS[flag.severity].code, token, flag.meaning)
        for token, flag in FLAGS.items()
        if flag.severity in VERDICTS and bits >> flag.bit & 1
    ]


def _at_once(
    measures: Mapping[str, Real], flags: NDArray[np.integer], nucleus: str, main: str
) -> list[tuple[NDArray[np.bool_], _Cause]]:
    """Return which spectra cannot be graded by criteria, with verdict and reason; the first one counts."""
    flagged = {token: (flags >> flag.bit) & 1 > 0 for token, flag in FLAGS.items()}
    unknown = np.full(len(flags), np.nan)
    protons = nucleus == "1H"
    with np.errstate(invalid="ignore"):
        wet = protons & (measures.get("water", unknown) > WATER_ALONE)
        turned = protons & (measures.get("mirror", unknown) > TURNED)
        uncertain = measures.get("crlb", unknown) > CRITERIA["crlb"].usable
        strange = measures.get("undescribed", unknown) > CRITERIA["undescribed"].usable
        strange |= protons & (measures.get("mirror", unknown) > BESIDE)
        there = measures.get("signal", unknown) > LINE
        other = (uncertain & strange & (measures["snr"] > SIGNAL)) | (flagged["low_snr"] & there)
    return [
        (flagged["nonfinite"], (NOT_FITTED, "not fitted", "the FID holds NaN or Inf")),
        (flagged["zero"], (NOT_FITTED, "not fitted", "the FID is zero everywhere")),
        (~np.isfinite(measures["snr"]), (NOT_FITTED, "not fitted", "no fit was found")),
        (
            wet,
            (
                UNUSABLE,
                "water alone",
                "looks like water alone: a reference, or a scan without water suppression",
            ),
        ),
        (
            turned,
            (
                UNUSABLE,
                "conjugated",
                "looks conjugated: more signal in the mirror image of the fit window (--conj_fid turns it)",
            ),
        ),
        (
            other,
            (
                UNUSABLE,
                "other signal",
                f"signal, but not of the main metabolites ({main}): another nucleus, another field, or no brain",
            ),
        ),
        (
            flagged["low_snr"],
            (UNUSABLE, "noise only", "noise only: the metabolites do not stand out of it"),
        ),
    ]


def _merits(measures: Mapping[str, Real], row: int) -> str:
    """Return SNR and linewidth of a good spectrum, in words."""
    merits = [f"SNR {measures['snr'][row]:.0f}"]
    if "fwhm_hz" in measures and np.isfinite(measures["fwhm_hz"][row]):
        merits.append(f"linewidth {measures['fwhm_hz'][row]:.1f} Hz")
    return ", ".join(merits)
