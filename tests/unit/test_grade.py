"""Verdicts by hand-made measures: each limit from both sides, what is unusable at once, what a reason says."""

import re

import numpy as np
import pytest

from fsl_mrs_dl.data import FLAGS, VERDICTS
from fsl_mrs_dl.fit.quantification.criteria import CRITERIA, TURNED, WATER_ALONE
from fsl_mrs_dl.fit.quantification.grade import MOST_CAUSES, Grade, grade

GOOD = {
    "snr": 100.0,
    "echo": 0.0,
    "echo_ppm": 3.7,
    "fwhm_hz": 5.0,
    "fwhm_ppm": 0.04,
    "base_ppm": 0.08,
    "distorted": 0.1,
    "lipid": 0.1,
    "line": 0.1,
    "line_ppm": 2.62,
    "crlb": 5.0,
    "misfit": 0.1,
    "undescribed": 0.2,
    "water": 1.0,
    "mirror": 0.1,
    "signal": 300.0,
}
NAMED = {
    "snr": "too much noise",
    "echo": r"spurious echo at 3\.7 ppm",
    "fwhm_ppm": r"linewidth 5\.0 Hz .* poor shim or motion",
    "base_ppm": "lineshape with a broad or double foot",
    "distorted": "lineshape that the fit could not take",
    "lipid": r"lipid at 1\.3 ppm",
    "line": r"an unmodelled line at 2\.62 ppm",
    "crlb": r"main metabolites \(NAA\) are uncertain",
    "misfit": "check that the basis set has the field",
    "undescribed": "unmodelled structure",
    "water": "remove it first",
}


def judged(
    flags: tuple[str, ...] = (), doubts: tuple[str, ...] = (), nucleus: str = "1H", **changed: float
) -> Grade:
    measures = {key: np.array([value]) for key, value in {**GOOD, **changed}.items()}
    bits = np.array([sum(1 << FLAGS[token].bit for token in flags)], dtype=np.int16)
    return grade(measures, bits, doubts=doubts, main="NAA", nucleus=nucleus)


def word(found: Grade) -> str:
    return next(text for text, level in VERDICTS.items() if level.code == found.verdict[0])


def test_a_good_spectrum_says_by_what() -> None:
    found = judged()
    assert word(found) == "good"
    assert found.reasons == ("SNR 100, linewidth 5.0 Hz",)
    assert found.causes == ("",)


@pytest.mark.parametrize("key", CRITERIA)
def test_each_limit_from_both_sides(key: str) -> None:
    one = CRITERIA[key]
    step = 1e-6 * (-1 if one.at_least else 1)
    # Above 400 water is no residue, and is named otherwise; its limit for usable is that.
    for limit, within, beyond in ((one.good, "good", "usable"), (one.usable, "usable", "unusable")):
        assert word(judged(**{key: limit * (1 - step)})) == within
        found = judged(**{key: limit * (1 + step)})
        assert word(found) == beyond
        if (key, beyond) == ("water", "unusable"):
            assert found.reasons[0].startswith("looks like water alone")
            continue
        assert re.search(NAMED[key], found.reasons[0])
        assert found.causes == (one.label,)


def test_a_line_that_is_too_high_in_the_fit_is_said_so() -> None:
    assert judged(line=-0.3).reasons[0].startswith("too high a fit at 2.62 ppm, 30 %")


@pytest.mark.parametrize(
    ("flags", "changed", "label"),
    [
        (("low_snr",), {"signal": 3.0, "snr": 1.0}, "noise only"),
        (("low_snr",), {"signal": 30.0, "snr": 1.0}, "other signal"),
        ((), {"water": 1.01 * WATER_ALONE}, "water alone"),
        ((), {"mirror": 1.01 * TURNED}, "conjugated"),
        ((), {"crlb": 60.0, "undescribed": 0.9}, "other signal"),
        ((), {"crlb": 60.0, "mirror": 0.8}, "other signal"),
    ],
)
def test_what_holds_no_metabolites_is_unusable_at_once(
    flags: tuple[str, ...], changed: dict[str, float], label: str
) -> None:
    found = judged(flags, ("another basis set",), **changed, lipid=0.5)
    assert word(found) == "unusable"
    assert found.causes == (label,)
    assert ";" not in found.reasons[0]  # nothing else is said


@pytest.mark.parametrize("token", ["zero", "nonfinite"])
def test_what_was_not_fitted_is_no_verdict(token: str) -> None:
    unknown = dict.fromkeys(GOOD, np.nan)
    assert word(judged((token,), **unknown)) == "not fitted"
    assert word(judged(**unknown)) == "not fitted"


def test_flags_count_by_their_severity() -> None:
    for token, flag in FLAGS.items():
        if token in ("zero", "nonfinite", "low_snr"):
            assert flag.severity == "unusable"
            continue
        found = judged((token,))
        assert word(found) == ("good" if flag.severity == "note" else flag.severity)
        assert found.causes == ("" if flag.severity == "note" else token,)


def test_doubts_leave_nothing_better_than_usable() -> None:
    found = judged(doubts=("the basis set is of TE 68 ms",))
    assert (word(found), found.reasons) == ("usable", ("the basis set is of TE 68 ms",))
    assert word(judged(doubts=("the basis set is of TE 68 ms",), lipid=2.0)) == "unusable"


def test_the_worst_is_said_first_and_of_one_family_once() -> None:
    found = judged(lipid=0.5, fwhm_ppm=0.08, base_ppm=0.2, distorted=0.3, crlb=60.0, line=0.3)
    said = found.reasons[0].split("; ")
    assert word(found) == "unusable"
    assert found.causes == ("uncertain main metabolites",)
    assert len(said) == MOST_CAUSES
    assert [text.split()[0] for text in said] == ["the", "linewidth", "lipid"]


def test_other_nuclei_have_no_limits_of_protons() -> None:
    beside = {key: 10 * one.usable for key, one in CRITERIA.items() if one.protons} | {"mirror": 10.0}
    assert word(judged(nucleus="31P", **beside)) == "good"
    assert word(judged(nucleus="31P", snr=5.0)) == "usable"


def test_what_is_not_known_is_not_held_against_a_spectrum() -> None:
    assert word(judged(lipid=np.nan, fwhm_ppm=np.nan, mirror=np.nan)) == "good"


def test_many_spectra_are_judged_one_by_one() -> None:
    measures = {key: np.full(3, value) for key, value in GOOD.items()}
    measures["lipid"] = np.array([0.1, 0.5, 2.0])
    found = grade(measures, np.zeros(3, dtype=np.int16))
    np.testing.assert_array_equal(found.verdict, [1, 2, 3])
    assert found.causes == ("", "lipid", "lipid")
