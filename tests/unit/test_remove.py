"""Water removal: the water goes, the metabolites stay as far as their noise allows."""

import time
from dataclasses import replace

import numpy as np
import pytest

from fsl_mrs_dl.data import Complex, MRSData
from fsl_mrs_dl.errors import OptionError
from fsl_mrs_dl.physics import fid_to_spectrum, singlet
from fsl_mrs_dl.physics.hsvd import damped_sinusoids
from fsl_mrs_dl.steps.remove import remove

N_POINTS, DWELLTIME_S, MHZ = 1024, 5e-4, 123.2
LIKE = np.zeros(1, complex)
LINES_PPM = {2.01: 1.0, 3.03: 0.8, 3.2: 0.5}


def peak(ppm: float, gamma: float, n_points: int = N_POINTS) -> Complex:
    fid: Complex = singlet(n_points, DWELLTIME_S, (ppm - 4.65) * MHZ, gamma, 0.0, LIKE)
    return fid


def metabolites(n_points: int = N_POINTS) -> Complex:
    fid: Complex = sum(a * peak(ppm, 12.0, n_points) for ppm, a in LINES_PPM.items())
    return fid


def water(n_points: int = N_POINTS) -> Complex:
    """100 times the metabolites, three lines that overlap, each with its own phase."""
    parts = [(4.64, 15.0, 60j), (4.68, 40.0, 50.0), (4.71, 25.0, -20 + 10j)]
    fid: Complex = sum(a * peak(ppm, gamma, n_points) for ppm, gamma, a in parts)
    return fid


def white(rng: np.random.Generator, sd: float, *shape: int) -> Complex:
    parts = rng.normal(0, sd, (2, *shape))
    noise: Complex = parts[0] + 1j * parts[1]
    return noise


def data_of(fids: Complex, *tags: str) -> MRSData:
    return MRSData(np.moveaxis(fids, -1, 0)[None, None, None], DWELLTIME_S, MHZ, "1H", tags)


def test_water_goes_and_metabolites_stay(rng: np.random.Generator) -> None:
    sd, repeats = 0.05, 20
    data = data_of(metabolites() + water() + white(rng, sd, repeats, N_POINTS), "DIM_DYN")
    result = remove(data)
    fids = np.moveaxis(result.data.fid, 3, -1)[0, 0, 0]
    inside = (data.ppm_axis > 4.5) & (data.ppm_axis < 4.8)
    before = fid_to_spectrum(np.moveaxis(data.fid, 3, -1)[0, 0, 0])[:, inside]
    after = (fid_to_spectrum(fids) - fid_to_spectrum(metabolites()))[:, inside]
    assert np.linalg.norm(after) < 1e-3 * np.linalg.norm(before)
    # Least squares of the known lines; the Fisher information gives the scatter that noise alone leaves.
    model = np.stack([peak(ppm, 12.0) for ppm in LINES_PPM], axis=1)
    amplitudes = np.linalg.lstsq(model, fids.T, rcond=None)[0].real
    crlb = sd * np.sqrt(np.diag(np.linalg.inv((model.conj().T @ model).real)))
    truth = np.array(list(LINES_PPM.values()))
    bias = amplitudes.mean(axis=1) - truth
    assert np.all(np.abs(bias) < 1.5 * crlb), bias / crlb
    assert np.all(amplitudes.std(axis=1) < 2 * crlb)
    assert result.data.processing[-1]["Method"] == "Nuisance peak removal"
    assert "ppm=[4.5, 4.8]" in result.data.processing[-1]["Details"]


def test_window_chooses_what_goes() -> None:
    data = data_of(metabolites())
    removed = remove(data, ppm=(2.1, 1.9)).data.fid[0, 0, 0]
    assert np.allclose(removed, metabolites() - peak(2.01, 12.0), atol=1e-6)
    assert np.allclose(remove(data, ppm=(6.0, 7.0)).data.fid, data.fid, atol=1e-6)


def test_header_moves_the_window() -> None:
    data = replace(data_of(metabolites()), header={"SpecFreqChemShift": 5.65})
    removed = remove(data, ppm=(2.9, 3.1)).data.fid[0, 0, 0]
    assert np.allclose(removed, metabolites() - peak(2.01, 12.0), atol=1e-6)


def test_each_fid_for_itself_and_broken_ones_stay(rng: np.random.Generator) -> None:
    fids = metabolites() + water() + white(rng, 0.02, 2, 3, N_POINTS)
    fids[0, 1, 7], fids[1, 2] = np.nan, 0
    data = data_of(fids, "DIM_COIL", "DIM_DYN")
    removed = remove(data).data.fid
    assert np.array_equal(removed[..., 0, 1], data.fid[..., 0, 1], equal_nan=True)
    assert not removed[..., 1, 2].any()
    alone = remove(data_of(fids[1, 1])).data.fid
    assert np.array_equal(removed[..., 1, 1], alone)
    assert np.array_equal(removed, remove(data).data.fid, equal_nan=True)


@pytest.mark.parametrize("scale", [1e-12, 1e6])
def test_scale_does_not_matter(rng: np.random.Generator, scale: float) -> None:
    fid = metabolites() + water() + white(rng, 0.02, N_POINTS)
    scaled = remove(data_of(scale * fid)).data.fid
    assert np.allclose(scaled / scale, remove(data_of(fid)).data.fid, atol=1e-6)


@pytest.mark.parametrize("n_points", [32, 33, 256])
def test_poles_and_amplitudes_of_short_fids(n_points: int) -> None:
    fid = 3j * peak(4.7, 20.0, n_points) + peak(2.0, 10.0, n_points)
    poles, amplitudes = damped_sinusoids(fid)
    assert np.allclose((poles[None] ** np.arange(n_points)[:, None]) @ amplitudes, fid, atol=1e-9)
    strongest = poles[np.abs(amplitudes).argmax()]
    assert np.angle(strongest) / (2 * np.pi * DWELLTIME_S) == pytest.approx(0.05 * MHZ, abs=1e-6)
    assert -np.log(abs(strongest)) / DWELLTIME_S == pytest.approx(20.0, rel=1e-6)


def test_4096_points_take_less_than_a_second(rng: np.random.Generator) -> None:
    data = data_of(metabolites(4096) + water(4096) + white(rng, 0.05, 4096))
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        remove(data)
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 1


def test_refuses_windows_that_make_no_sense() -> None:
    data = data_of(metabolites())
    with pytest.raises(OptionError, match="31P, without water"):
        remove(replace(data, nucleus="31P"))
    for window in ((4.7, 4.7), (20.0, 30.0), (np.nan, 4.8)):
        with pytest.raises(OptionError, match="a window within"):
            remove(data, ppm=window)
