"""The preparation steps on measured data."""

from pathlib import Path

import numpy as np
import pytest

from fsl_mrs_dl.data import Complex, MRSData
from fsl_mrs_dl.io.nifti import read
from fsl_mrs_dl.physics import fid_to_spectrum
from fsl_mrs_dl.steps.average import average
from fsl_mrs_dl.steps.coilcombine import coilcombine
from fsl_mrs_dl.steps.ecc import ecc
from fsl_mrs_dl.steps.remove import remove

pytestmark = pytest.mark.realdata


@pytest.fixture
def invivo(shared_data: Path) -> Path:
    return shared_data / "invivo"


def spectrum(data: MRSData) -> Complex:
    fid: Complex = fid_to_spectrum(data.fid[0, 0, 0].astype(np.complex128))
    return fid


def between(data: MRSData, low: float, high: float) -> np.ndarray:
    return (data.ppm_axis > low) & (data.ppm_axis < high)


@pytest.mark.parametrize(
    ("name", "left"),
    [("press_3t/unedited_sub-01_act", 1e-3), ("press_3t/sub-01_press-inverted", 5e-3)],
)
def test_remove_takes_residual_water_and_leaves_naa(invivo: Path, name: str, left: float) -> None:
    data = read(invivo / f"{name}.nii.gz")
    removed = remove(data).data
    water, naa, noise = between(data, 4.5, 4.8), between(data, 1.9, 2.15), between(data, -4, -1)
    energy = [np.sum(np.abs(spectrum(d)[water]) ** 2) for d in (data, removed)]
    assert energy[1] < left * energy[0]
    # The tail of the water under NAA is smooth: its second difference is noise, so NAA's shape must stay.
    change = np.diff(spectrum(removed)[naa] - spectrum(data)[naa], 2)
    assert np.abs(change).max() < 3 * spectrum(data)[noise].std()


def test_steam_chain_gains_snr_over_its_best_coil(invivo: Path) -> None:
    folder = invivo / "steam_7t"
    data, reference = read(folder / "metab_raw.nii.gz"), read(folder / "wref_raw.nii.gz")

    def snr(one: MRSData) -> float:
        fid = one.fid[0, 0, 0].astype(np.complex128)
        t = np.arange(one.n_points) * one.dwelltime_s
        peak = np.abs(fid_to_spectrum(fid * np.exp(-30 * t)))[between(one, 1.9, 2.1)].max()
        return float(peak / fid[-one.n_points // 10 :].std())

    combined = coilcombine(data, reference=reference).data
    best = max(snr(average(data.with_fid(data.fid[..., n, :], without="DIM_COIL")).data) for n in range(4))
    assert snr(average(combined).data) > 1.1 * best


def test_ecc_narrows_the_water_it_takes_its_phase_from(invivo: Path) -> None:
    reference = coilcombine(read(invivo / "steam_7t" / "ecc.nii.gz")).data
    corrected = ecc(reference, reference=reference).data
    peaks = [np.abs(spectrum(d)).max() for d in (reference, corrected)]
    assert peaks[1] > peaks[0]
    assert np.abs(corrected.fid.imag).max() < 1e-5 * np.abs(corrected.fid).max()
    assert abs(corrected.ppm_axis[np.abs(spectrum(corrected)).argmax()] - 4.65) < 0.01
