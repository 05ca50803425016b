"""Measures of a verdict on spectra that are made by hand: each returns the share that was put in."""

from dataclasses import replace

import numpy as np
import pytest

from fsl_mrs_dl import physics
from fsl_mrs_dl.data import MRSData
from fsl_mrs_dl.fit.quantification.appearance import Appearance, appearance
from fsl_mrs_dl.fit.quantification.filtered_spectra import Fitted
from fsl_mrs_dl.fit.quantification.quality import QualityBand

N, DT, F0 = 2048, 5e-4, 123.25
SD = 1e-3
WIDTH = 6.0


def line(ppm: float, fwhm_hz: float = WIDTH) -> np.ndarray:
    hz = (ppm - 4.65) * F0
    return np.ravel(physics.singlet(N, DT, hz, np.pi * fwhm_hz, 0.0, np.zeros(1, complex)))


METABOLITES = 1.0 * line(2.01) + 0.7 * line(3.03) + 0.5 * line(3.21)


def seen(fid: np.ndarray, metabolites: np.ndarray = METABOLITES, nucleus: str = "1H") -> Appearance:
    rng = np.random.default_rng(3)
    noisy = physics.add_noise(fid[None], SD, rng)
    data = MRSData(noisy.reshape(1, 1, 1, N), DT, F0)
    band = QualityBand.of(data, np.zeros((1, 3), dtype=np.intp), (0.2, 4.2))
    nothing = np.zeros(1)
    fitted = Fitted(noisy, metabolites[None], nothing, nothing, nothing, np.array([SD]))
    return appearance(band, fitted, F0, nucleus)


def high(fid: np.ndarray, share: float) -> np.ndarray:
    """Return a signal as high in the spectrum as a share of the highest metabolite."""
    tall = [np.abs(physics.fid_to_spectrum(some)).max() for some in (METABOLITES, fid)]
    return share * tall[0] / tall[1] * fid


def test_a_right_fit_shows_nothing() -> None:
    found = seen(METABOLITES)
    # A Lorentzian line with its neighbours' tails: its own width, and sqrt(3) times that at a quarter.
    assert found.fwhm_hz[0] == pytest.approx(WIDTH, rel=0.03)
    assert found.base_hz[0] == pytest.approx(np.sqrt(3) * WIDTH, rel=0.03)
    for name in ("line", "undescribed", "distorted", "echo"):
        assert abs(getattr(found, name)[0]) < 0.02
    assert found.lipid[0] < 0.05
    assert found.mirror[0] < 0.05
    assert found.signal[0] > 20


@pytest.mark.parametrize("share", [0.3, -0.3])
def test_a_foreign_line_has_its_place_height_and_sign(share: float) -> None:
    found = seen(METABOLITES + high(line(2.6), share))
    assert found.line[0] == pytest.approx(share, rel=0.1)
    assert found.line_ppm[0] == pytest.approx(2.6, abs=0.01)


@pytest.mark.parametrize("phase", [0.0, np.pi / 2])
def test_lipid_has_its_height_whatever_its_phase(phase: float) -> None:
    found = seen(METABOLITES + np.exp(1j * phase) * high(line(1.28, 0.15 * F0), 0.6))
    assert found.lipid[0] == pytest.approx(0.6, rel=0.35)  # the template has two lines more


def test_an_echo_has_its_place_and_size() -> None:
    time = DT * np.arange(N)
    burst = np.exp(-(((time - 0.12) / 0.02) ** 2)) * np.exp(2j * np.pi * (3.7 - 4.65) * F0 * time)
    first = np.abs(METABOLITES[0])
    found = seen(METABOLITES + 0.2 * first * burst)
    assert 0.1 < found.echo[0] < 0.25  # the RMS of an interval is below its peak
    assert found.echo_ppm[0] == pytest.approx(3.7, abs=0.1)


def test_doubled_lines_are_distorted_and_a_foreign_line_is_not() -> None:
    time = DT * np.arange(N)
    doubled = METABOLITES * (0.7 + 0.3 * np.exp(2j * np.pi * 8 * time))
    found, foreign = seen(doubled), seen(METABOLITES + high(line(2.6), 0.6))
    assert found.distorted[0] > 0.9 * found.undescribed[0] > 0.3
    assert foreign.distorted[0] < 0.4 * foreign.undescribed[0]


def test_water_and_conjugation() -> None:
    wet = seen(METABOLITES + high(line(4.68, 5.0), 1000.0))
    assert wet.water[0] == pytest.approx(
        1000, rel=0.5
    )  # what is smooth of the metabolites' lines does not count
    assert seen(METABOLITES.conj()).mirror[0] > 10


def test_noise_alone_is_no_signal() -> None:
    found = seen(0 * METABOLITES, 1e-6 * METABOLITES)
    assert found.signal[0] < 6
    assert found.undescribed[0] == 0
    assert found.mirror[0] == 0


def test_of_other_nuclei_and_of_what_was_not_fitted_nothing_is_said() -> None:
    assert np.isnan(seen(METABOLITES, nucleus="31P").lipid[0])
    lost = seen(METABOLITES, METABOLITES * np.nan)
    assert all(np.isnan(getattr(lost, name)[0]) for name in Appearance.__dataclass_fields__)


def test_measures_do_not_hang_on_scale() -> None:
    one = seen(METABOLITES + high(line(2.6), 0.3))
    rng = np.random.default_rng(3)
    noisy = 1e6 * physics.add_noise((METABOLITES + high(line(2.6), 0.3))[None], SD, rng)
    data = MRSData(noisy.reshape(1, 1, 1, N), DT, F0)
    band = QualityBand.of(data, np.zeros((1, 3), dtype=np.intp), (0.2, 4.2))
    nothing = np.zeros(1)
    fitted = Fitted(noisy, 1e6 * METABOLITES[None], nothing, nothing, nothing, np.array([1e6 * SD]))
    other = appearance(band, replace(fitted), F0, "1H")
    for name in Appearance.__dataclass_fields__:
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-6)
