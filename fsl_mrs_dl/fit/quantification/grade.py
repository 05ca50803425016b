"""One verdict a spectrum, and why: good, usable, unusable."""

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
MOST_SAID = 3
"""Causes that one reason names, the worst first."""

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
        Label of the first cause of each, empty where good.
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
    """Judge spectra.

    Nothing but noise, a conjugated FID, water alone and signal without the main metabolites are unusable at once,
    and nothing else is said of them. Else the worst of all criteria counts, of the flags by their severity, and
    of the doubts, which leave nothing better than usable.

    Parameters
    ----------
    measures : mapping of str to ndarray, float, shape (V,)
        The keys of ``criteria``, ``mirror``, and what their words name besides; NaN where not known.
    flags : ndarray, int, shape (V,)
        Bits of :data:`fsl_mrs_dl.data.FLAGS`.
    doubts : sequence of str
        What is wrong with all of them, for example the basis set of another echo time.
    main : str
        The metabolites that ``crlb`` is of, in words.
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
        said = []
        for key, one in known.items():
            code = int(alone[key][row])
            if code > GOOD and worst.get(one.family or key) == code:
                del worst[one.family or key]
                value = float(values[key][row])
                special = {"value": value, "percent": 100 * value, "limit": one.limit(code)}
                said.append((code, one.label, one.words.format(**numbers, **special, main=main, side=side)))
        return said

    verdict, reasons, causes = np.empty(len(flags), dtype=np.int8), [], []
    for row in range(len(flags)):
        said = [cause for where, cause in at_once if where[row]][:1]
        if not said:
            said = of_criteria(row) + _of_flags(int(flags[row]))
            said += [(USABLE, "basis set", doubt) for doubt in doubts]
            said.sort(key=lambda one: -one[0])
        verdict[row] = said[0][0] if said else GOOD
        causes.append(said[0][1] if said else "")
        reasons.append("; ".join(words for _, _, words in said[:MOST_SAID]) or _praise(measures, row))
    return Grade(verdict, tuple(reasons), tuple(causes))


def _of_flags(bits: int) -> list[_Cause]:
    """Return what flags forbid; those that are notes forbid nothing."""
    return [
        (VERDICTS[flag.severity].code, token, flag.meaning)
        for token, flag in FLAGS.items()
        if flag.severity in VERDICTS and bits >> flag.bit & 1
    ]


def _at_once(
    measures: Mapping[str, Real], flags: NDArray[np.integer], nucleus: str, main: str
) -> list[tuple[NDArray[np.bool_], _Cause]]:
    """Return where spectra hold nothing to be judged, and what is said of them; the first counts."""
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


def _praise(measures: Mapping[str, Real], row: int) -> str:
    """Return what a good spectrum is good by."""
    said = [f"SNR {measures['snr'][row]:.0f}"]
    if "fwhm_hz" in measures and np.isfinite(measures["fwhm_hz"][row]):
        said.append(f"linewidth {measures['fwhm_hz'][row]:.1f} Hz")
    return ", ".join(said)
