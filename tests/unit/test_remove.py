"""Water removal: the water goes, the metabolites stay as far as their noise allows."""

import re
import time
from dataclasses import replace

import numpy as np
import pytest

from fsl_mrs_dl.data import Complex, MRSData
from fsl_mrs_dl.errors import OptionError
from fsl_mrs_dl.physics import fid_to_spectrum, singlet
from fsl_mrs_dl.physics.hsvd import damped_sinusoids
from fsl_mrs_dl.steps.registry import StepResult
from fsl_mrs_dl.steps.remove import remove

N_POINTS, DWELLTIME_S, MHZ = 1024, 5e-4, 123.2
LIKE = np.zeros(1, complex)
BIN_PPM = 1 / (N_POINTS * DWELLTIME_S * MHZ)
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


def recorded(result: StepResult, key: str) -> float:
    """Return a number of the last record."""
    found = re.search(rf"{key}=([^,]*[0-9])", result.data.processing[-1]["Details"])
    assert found is not None
    return float(found[1])


def moved(fid: Complex, ppm: float) -> Complex:
    """Return an FID as a carrier makes it that is off by some ppm."""
    turned: Complex = fid * np.exp(2j * np.pi * ppm * MHZ * DWELLTIME_S * np.arange(fid.shape[-1]))
    return turned


@pytest.mark.parametrize("off_ppm", [-0.7, -0.5, -0.3, -0.169, 0.12, 0.169, 0.7])
def test_strong_water_is_found_where_it_stands(rng: np.random.Generator, off_ppm: float) -> None:
    """Of a carrier that is off: the lines of the metabolites come out as without water, within their bounds."""
    sd = 0.05
    noise = white(rng, sd, N_POINTS)
    residual = 20 * np.exp(2j) * peak(4.65, 25.0)
    wet, dry = (moved(fid, off_ppm) + noise for fid in (metabolites() + residual, metabolites()))
    result = remove(data_of(wet))
    model = np.stack([moved(peak(ppm, 12.0), off_ppm) for ppm in LINES_PPM], axis=1)
    crlb = sd * np.sqrt(np.diag(np.linalg.inv((model.conj().T @ model).real)))
    found, expected = (
        np.linalg.lstsq(model, fid, rcond=None)[0].real for fid in (result.data.fid[0, 0, 0], dry)
    )
    assert np.all(np.abs(found - expected) < crlb)
    place = 4.65 + off_ppm
    share = 100 * (1 - (np.linalg.norm(dry) / np.linalg.norm(wet)) ** 2)
    (first, *more) = result.messages
    told = [float(word) for word in first.split() if word[0].isdigit()]
    assert told == pytest.approx([place, place - 0.3, place + 0.3, share], abs=0.2)
    assert told[:3] == pytest.approx([place, place - 0.3, place + 0.3], abs=BIN_PPM)
    # What no fit would find, and what to do about it, is told too.
    assert len(more) == (abs(off_ppm) > 0.55)
    assert recorded(result, "energy_removed_percent") == pytest.approx(share, abs=0.2)
    assert recorded(result, "water_ppm") == pytest.approx(place, abs=BIN_PPM)


@pytest.mark.parametrize("off_ppm", [-0.7, -0.3, 0.0, 0.3, 0.7])
@pytest.mark.parametrize("tumour", [False, True])
def test_metabolites_are_not_taken_for_water(rng: np.random.Generator, off_ppm: float, tumour: bool) -> None:
    """The CH2 of creatine comes to 4.61 ppm, and choline, of a tumour the highest, to 3.91 ppm."""
    lines = {2.01: 0.4 if tumour else 1.0, 3.03: 0.8, 3.21: 1.6 if tumour else 0.5, 3.56: 0.3, 3.91: 0.5}
    fid = sum(a * peak(ppm, 12.0) for ppm, a in lines.items())
    data = data_of(moved(fid, off_ppm) + white(rng, 0.05, N_POINTS))
    result = remove(data)
    assert np.array_equal(result.data.fid, data.fid)
    assert result.messages == ("No residual water stands out from 3.85 to 5.45 ppm: nothing was removed.",)
    assert "ppm=no water found" in result.data.processing[-1]["Details"]


@pytest.mark.parametrize("off_ppm", [-0.3, 0.0, 0.4])
def test_weak_water_is_found_by_the_metabolites(rng: np.random.Generator, off_ppm: float) -> None:
    fid = metabolites() + 0.5 * peak(3.91, 12.0)
    water = 0.6j * peak(4.70, 15.0)
    noise = white(rng, 0.03, N_POINTS)
    result = remove(data_of(moved(fid + water, off_ppm) + noise))
    left = moved(np.asarray(result.data.fid[0, 0, 0]) - noise, -off_ppm) - fid
    # One line of four parameters is known with noise: at most sqrt(4 / 2) SDs of a point of it stay behind.
    assert np.linalg.norm(left) < 3 * np.sqrt(4 / 2) * 0.03
    assert recorded(result, "water_ppm") == pytest.approx(4.70 + off_ppm, abs=BIN_PPM)


def test_each_voxel_has_its_own_water(rng: np.random.Generator) -> None:
    """Four voxels of an uneven field, and one without water."""
    off_ppm = np.array([-0.25, 0.0, 0.15, 0.4, 0.1])
    size = np.array([30.0, 5.0, 80.0, 20.0, 0.0])
    fids = np.stack(
        [
            moved(metabolites() + a * peak(4.65, 20.0), off) + white(rng, 0.03, N_POINTS)
            for off, a in zip(off_ppm, size, strict=True)
        ]
    )
    data = MRSData(fids[:, None, None], DWELLTIME_S, MHZ)
    result = remove(data)
    for voxel, off in enumerate(off_ppm[:4]):
        left = moved(result.data.fid[voxel, 0, 0], -off) - metabolites()
        assert np.linalg.norm(left) == pytest.approx(0.03 * np.sqrt(2 * N_POINTS), rel=0.1)
    assert np.array_equal(result.data.fid[4], data.fid[4])
    assert result.messages[0].startswith(
        "Removed water at 4.72 ppm (4.40 to 5.05) in 4 of 5 voxels, 4.10 to 5.35 ppm"
    )
    assert result.messages[1] == "No water stands out in 1 voxel: nothing was taken there."
    assert "removed=in 4 of 5 voxels" in result.data.processing[-1]["Details"]


def test_a_voxel_without_landmarks_takes_the_place_of_the_others(rng: np.random.Generator) -> None:
    """NAA alone does not tell where the axis stands, and water as low as it does not tell what it is."""
    others = np.tile(metabolites() + 20 * peak(4.65, 20.0), (2, 1))
    alone = peak(2.01, 12.0) + 0.8 * peak(4.65, 12.0)
    fids = moved(np.concatenate([others, alone[None]]), 0.4) + white(rng, 0.02, 3, N_POINTS)
    result = remove(MRSData(fids[:, None, None], DWELLTIME_S, MHZ))
    left = moved(result.data.fid[2, 0, 0], -0.4) - peak(2.01, 12.0)
    assert np.linalg.norm(left) == pytest.approx(0.02 * np.sqrt(2 * N_POINTS), rel=0.1)
    assert np.array_equal(remove(data_of(fids[2])).data.fid[0, 0, 0], fids[2])


def test_nothing_is_taken_of_noise_of_a_hump_or_of_phantoms(rng: np.random.Generator) -> None:
    hump = metabolites() + 15 * peak(4.6, 250.0)
    creatine = peak(3.03, 12.0) + 0.67 * peak(3.91, 12.0)
    alanine = 100 * peak(3.77, 12.0)  # its flank is the highest of where water may be
    nothing = np.zeros((20, N_POINTS))
    fids = np.concatenate([[hump, creatine, alanine], nothing]) + white(rng, 0.02, 23, N_POINTS)
    for fid in fids:
        assert np.array_equal(remove(data_of(fid)).data.fid[0, 0, 0], fid)


def test_water_of_deuterium(rng: np.random.Generator) -> None:
    """HDO stands at 4.8 ppm, here 0.5 ppm off; Glx at 2.4 ppm stays."""
    mhz = 46.0
    at = {ppm: singlet(N_POINTS, DWELLTIME_S, (ppm - 4.8) * mhz, 30.0, 0.0, LIKE) for ppm in (5.3, 2.9)}
    fid = 5 * at[5.3] + at[2.9] + white(rng, 0.02, N_POINTS)
    data = replace(data_of(fid), nucleus="2H", spectrometer_frequency_mhz=mhz)
    left = remove(data).data.fid[0, 0, 0] - at[2.9]
    assert np.linalg.norm(left) == pytest.approx(0.02 * np.sqrt(2 * N_POINTS), rel=0.1)


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
