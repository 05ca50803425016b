"""``align`` on measured transients: limits far below what is reached, and far above what a defect would leave."""

from pathlib import Path

import numpy as np
import pytest

from fsl_mrs_dl.data import MRSData
from fsl_mrs_dl.io.nifti import read
from fsl_mrs_dl.steps.align import align
from fsl_mrs_dl.steps.average import average
from tests.benchmarks import quality
from tests.benchmarks.rivals import Chain, aligners

pytestmark = pytest.mark.realdata

ALIGNED_PPM, HELD_OUT_PPM = (1.8, 3.1), (3.1, 4.2)
OFF = 1


@pytest.fixture(scope="module")
def mega(shared_data: Path) -> MRSData:
    return read(shared_data / "invivo" / "mega_press_drift_3t" / "metab.nii.gz")


@pytest.fixture(scope="module")
def steam(shared_data: Path) -> MRSData:
    """STEAM after coilcombine and ecc."""
    folder, chain = shared_data / "invivo" / "steam_7t", Chain(fsl_mrs=False)
    water = average(read(folder / "wref_raw.nii.gz")).data
    data, reference = (
        chain.coilcombine(read(folder / f"{name}.nii.gz"), water) for name in ("metab_raw", "ecc")
    )
    return chain.ecc(data, reference)


def test_drift_is_recovered_and_smooth(mega: MRSData) -> None:
    found = align(mega).estimates
    assert found is not None
    assert (found.flag == "").all()
    shift_hz = found.shift_hz[0, 0, 0]
    assert (np.ptp(shift_hz, axis=0) > 12).all()
    # Breathing and heart move a transient by a few tenths of a Hz; a wrong estimate jumps by many Hz.
    line = np.polynomial.Polynomial.fit(np.arange(20), shift_hz.mean(axis=1), 1)
    assert np.abs(shift_hz.mean(axis=1) - line(np.arange(20))).max() < 1
    assert np.abs(np.diff(shift_hz, axis=1)).max() < 1.5


def test_water_that_align_does_not_see_stands_still(mega: MRSData) -> None:
    result = align(mega)
    assert result.estimates is not None
    before, after = quality.water_scatter(mega)[0], quality.water_scatter(result.data)[0]
    assert (before > 3).all()
    stated = np.median(result.estimates.shift_hz_sd[0, 0, 0], axis=0)
    assert (after < 2 * stated).all()
    assert (after > 0.5 * stated).all()


def test_lines_become_narrow_and_the_difference_clean(mega: MRSData) -> None:
    after = align(mega).data
    for name, condition in (("Cr", 0), ("Cr", OFF), ("NAA", OFF)):
        widths = [quality.line(one, name, condition).fwhm_hz for one in (mega, after)]
        assert widths[1] < 0.6 * widths[0]
    assert quality.choline_left(after) < 0.5 * quality.choline_left(mega)


@pytest.mark.parametrize(("given", "unseen"), [(ALIGNED_PPM, HELD_OUT_PPM), (HELD_OUT_PPM, ALIGNED_PPM)])
def test_lines_that_align_did_not_see_become_alike(
    mega: MRSData, given: tuple[float, float], unseen: tuple[float, float]
) -> None:
    methods = dict(aligners(given))

    def similarity(name: str) -> np.ndarray:
        aligner = methods[name]
        assert aligner is not None
        return quality.similarity(aligner(mega)[0], unseen, lines=True)

    before, found = quality.similarity(mega, unseen, lines=True), similarity("gn")
    assert (found > before + 0.4).all()
    assert (found < quality.highest_similarity(mega, unseen, lines=True)).all()
    assert (found > similarity("srf") - 0.01).all()
    assert (quality.similarity(align(mega, ppm=given).data, unseen) > quality.similarity(mega, unseen)).all()


def test_steam_chain(steam: MRSData) -> None:
    result = align(steam, ppm=ALIGNED_PPM)
    assert result.estimates is not None
    assert (result.estimates.flag == "").all()
    assert (
        quality.similarity(result.data, HELD_OUT_PPM, lines=True)
        > quality.similarity(steam, HELD_OUT_PPM, lines=True)
    ).all()
    for name in ("Cr", "NAA"):
        before, after = (quality.line(one, name) for one in (steam, result.data))
        assert after.fwhm_hz < before.fwhm_hz


@pytest.mark.parametrize("condition", [0, OFF])
def test_creatine_of_edited_spectra_stands_where_it_belongs(mega: MRSData, condition: int) -> None:
    before, after = (quality.line(one, "Cr", condition) for one in (mega, align(mega).data))
    # The mean of the three landmarks; each of them may be a few thousandths of a ppm off in a living brain.
    assert after.centre_ppm == pytest.approx(3.027, abs=0.005)
    assert abs(before.centre_ppm - 3.027) > 0.03


def test_landmarks_of_steam_stand_where_they_belong(steam: MRSData) -> None:
    after = align(steam).data
    # At 7 T the creatine of this scan is not symmetric and stands 0.007 ppm above the other two.
    for name, ppm in (("Cr", 3.027), ("NAA", 2.008)):
        assert quality.line(after, name).centre_ppm == pytest.approx(ppm, abs=0.01)
