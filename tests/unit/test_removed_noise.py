"""Fits of reconstructed FIDs: the noise that is gone from the data is still the noise of their error."""

from dataclasses import replace

import numpy as np
import pytest

from fsl_mrs_dl.data import MRSData
from fsl_mrs_dl.fit.background import density_prior, with_member
from fsl_mrs_dl.fit.lcm import FitSettings, fitter_for
from fsl_mrs_dl.fit.lcm.settings import Baseline
from fsl_mrs_dl.io.basis import read_basis
from fsl_mrs_dl.physics import add_noise, damp, on_points, phase, shift
from fsl_mrs_dl.simulate.shipped import shipped_basis
from fsl_mrs_dl.steps.align import align
from fsl_mrs_dl.steps.average import average
from fsl_mrs_dl.steps.quantify import quantify
from fsl_mrs_dl.steps.quantify_notes import differences
from fsl_mrs_dl.steps.reconstruct import reconstruct
from fsl_mrs_dl.steps.remove import remove
from fsl_mrs_dl.steps.removed_noise import removed_noise_sd

N, DT, SD = 1024, 5e-4, 0.6
AMOUNTS = {"NAA": 11.0, "Cr": 4.0, "PCr": 4.0, "GPC": 1.2, "PCh": 0.6, "Ins": 6.0, "Glu": 9.0, "Gln": 2.5}


@pytest.fixture(scope="module")
def shipped():
    whole = read_basis(shipped_basis("press_3t_te30"))
    return on_points(whole, N, DT, whole.spectrometer_frequency_mhz)


@pytest.fixture(scope="module")
def basis(shipped):
    """Eight metabolites of the shipped set and the macromolecules of the prior."""
    rows = [shipped.names.index(name) for name in AMOUNTS]
    members = replace(shipped, fids=shipped.fids[rows], names=tuple(AMOUNTS))
    return with_member(members, density_prior())


@pytest.fixture(scope="module")
def clean(basis):
    """An FID of the model with macromolecules at the mean of the prior."""
    fid = damp(np.array([*AMOUNTS.values(), 9.0]) @ np.asarray(basis.fids), 10.0, 6.0, DT)
    return phase(shift(fid, 2.0, DT), 0.4)


@pytest.fixture
def scan(clean, basis, rng):
    fids = add_noise(np.tile(clean, (4, 1)), SD, rng)
    return MRSData(fids.T[None, None, None], DT, basis.spectrometer_frequency_mhz, dim_tags=("DIM_DYN",))


@pytest.mark.parametrize("words", ["auto", "poly, 2", "spline, moderate"])
def test_a_fit_without_noise_has_the_sd_of_fits_with_it(words, basis, clean, rng):
    settings = FitSettings(baseline=Baseline.parse(words))
    noisy = fitter_for(basis, settings, reference_ppm=4.65)(add_noise(np.tile(clean, (30, 1)), SD, rng))
    silent = replace(settings, removed_noise_sd=SD)
    alone = fitter_for(basis, silent, reference_ppm=4.65)(clean[None])
    # 500 real and imaginary samples tell a noise SD to 1 / sqrt(2 * 500) = 3 %, the mean of 30 fits to 0.6 %; the
    # misfit of a fixed baseline to macromolecules is in both.
    assert alone.noise_sd[0] == pytest.approx(noisy.noise_sd.mean(), rel=0.02)
    spread = [np.sqrt(np.einsum("smm->sm", r.covariance)) for r in (alone, noisy)]
    np.testing.assert_allclose(spread[0][0], spread[1].mean(axis=0), rtol=0.12)
    np.testing.assert_allclose(alone.crlb[0], noisy.crlb.mean(axis=0), rtol=0.12)
    # Amounts are those of the model within the scatter of the others.
    assert (np.abs(alone.amplitudes[0] - noisy.amplitudes.mean(axis=0)) < spread[1].mean(axis=0)).all()


def test_quantify_finds_what_it_finds_in_the_raw_data(scan, shipped):
    """Estimate, interval and SNR of the default fit; before the noise counted, smooth backgrounds took signal."""
    raw = average(scan).data
    after = reconstruct(raw).data
    one, two = (quantify(data, basis=shipped).outcome for data in (raw, after))
    assert two.noise_sd[0] == pytest.approx(one.noise_sd[0], rel=0.15)
    assert two.flags[0] == one.flags[0] == 0
    assert two.snr.max() == pytest.approx(one.snr.max(), rel=0.1)
    for name in ("NAA+NAAG", "GPC+PCh", "Glu+Gln", "Ins"):
        at = one.names.index(name)
        first, second = (outcome.scaled["internal"].extra for outcome in (one, two))
        low, high = (first[key][0, at] for key in ("ci95_low", "ci95_high"))
        assert low < second["posterior_mean"][0, at] < high
        width = second["ci95_high"][0, at] - second["ci95_low"][0, at]
        assert width == pytest.approx(high - low, rel=0.3)


class TestRecord:
    def test_of_fids_as_they_are(self, scan):
        result = reconstruct(scan)
        noise = result.images["noise"].item()
        assert noise == pytest.approx(SD, rel=0.1)
        assert removed_noise_sd(scan) == 0
        assert removed_noise_sd(result.data) == pytest.approx(noise, rel=0.1)
        # A turn or a shift leaves noise as it is; an average does not.
        assert removed_noise_sd(align(result.data).data) == removed_noise_sd(result.data)
        assert removed_noise_sd(remove(result.data).data) == removed_noise_sd(result.data)
        assert removed_noise_sd(average(result.data).data) == 0

    def test_narrower_lines_have_another_noise(self, scan):
        assert removed_noise_sd(reconstruct(scan, linewidth=3.0).data) == 0

    @pytest.mark.parametrize("size", ["2.21784e-07", "0.3", "12", "1e+06"])
    @pytest.mark.parametrize("end", [".", ", water_ppm=4.6."])
    def test_is_read_as_written(self, size, end):
        record = {
            "Program": "fsl_mrs_dl",
            "Method": "Denoising",
            "Details": f"fsl_mrs_dl reconstruct, noise_sd=5, removed_noise_sd={size}{end}",
        }
        data = MRSData(np.ones((1, 1, 1, 64), complex), DT, 123.2, processing=(record,))
        assert removed_noise_sd(data) == float(size)
        assert removed_noise_sd(replace(data, processing=(record | {"Program": "other"},))) == 0
        assert removed_noise_sd(replace(data, processing=(record | {"Method": "Apodization"},))) == 0

    def test_the_note_says_what_counts(self, scan, shipped):
        known, unknown = (differences(d, d, shipped)[1] for d in map(_after, (scan, scan), (None, 3.0)))
        assert "counted as if it were there" in known[0]
        assert "bounds and intervals are too small" in unknown[0]


def _after(scan, linewidth):
    return reconstruct(scan, linewidth=linewidth).data
