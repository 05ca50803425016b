"""``remove`` between a simulated scan and ``quantify``: amounts are as without water, wherever it stands."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fsl_mrs_dl.cli import main
from fsl_mrs_dl.data import MRSData
from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.physics import shift
from fsl_mrs_dl.steps.quantify import quantify
from fsl_mrs_dl.steps.remove import remove

NAMES = ("Glu", "Glu+Gln", "NAA+NAAG", "Cr+PCr", "Ins", "GPC+PCh")


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated PRESS scan without water, and its reference."""
    folder = tmp_path_factory.mktemp("scan")
    line = "simulate --filename svs --kind svs --basis press_3t_te30 --snr 200 --water_reference --seed 1"
    assert main([*line.split(), "--output", str(folder)]) == 0
    return folder


def with_water(dry: MRSData, off_ppm: float, size: float) -> MRSData:
    """Return a scan with residual water of 8 Hz, ``size`` times its first point, its carrier off by some ppm."""
    t = np.arange(dry.n_points) * dry.dwelltime_s
    first = np.abs(dry.fid[0, 0, 0, 0])
    fids = dry.fid[0, 0, 0] + size * first * np.exp(-25 * t + 2j)
    turned = shift(fids, np.array(off_ppm * dry.spectrometer_frequency_mhz), dry.dwelltime_s)
    return replace(dry, fid=turned[None, None, None])


def amounts(folder: Path, file: Path, *more: str) -> dict[str, tuple[float, float]]:
    """Return amplitude and bound of the main metabolites."""
    out = folder / "fit"
    line = [
        "quantify",
        "--data",
        str(file),
        "--basis",
        "press_3t_te30",
        "--output",
        str(out),
        "--no_posterior",
    ]
    assert main([*line, "--baseline", "poly, 2", "--overwrite", *more]) == 0
    with (out / "concentrations.csv").open(encoding="utf-8") as handle:
        what, of, *rows = csv.reader(handle)
    columns = list(zip(what, of, strict=True))
    mean, crlb = columns.index(("mean", "raw")), columns.index(("crlb", "raw"))
    return {row[0]: (float(row[mean]), float(row[crlb])) for row in rows}


@pytest.mark.parametrize("off_ppm", [0.0, -0.169, 0.169, -0.3, -0.5])
def test_amounts_are_as_without_water(
    scan: Path, off_ppm: float, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dry = nifti.read(scan / "svs.nii.gz")
    nifti.write(with_water(dry, off_ppm, 0.0), tmp_path / "dry.nii.gz")
    nifti.write(with_water(dry, off_ppm, 10.0), tmp_path / "wet.nii.gz")
    assert main(["remove", "--file", str(tmp_path / "wet.nii.gz"), "--output", str(tmp_path / "out")]) == 0
    told = capsys.readouterr().out
    assert told.startswith("Removed water at ")
    assert float(told.split()[3]) == pytest.approx(4.65 + off_ppm, abs=0.02)
    expected = amounts(tmp_path, tmp_path / "dry.nii.gz")
    found = amounts(tmp_path, tmp_path / "out" / "wet.nii.gz")
    for name in NAMES:
        assert abs(found[name][0] - expected[name][0]) < expected[name][1], name


def test_an_axis_beyond_the_reach_of_the_fit_is_told_with_the_way_out(
    scan: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """0.7 ppm off: quantify looks 0.55 ppm far, and the step that is told brings the axis to its place."""
    dry, water = (nifti.read(scan / f"{name}.nii.gz") for name in ("svs", "svs_wref"))
    nifti.write(dry, tmp_path / "dry.nii.gz")
    nifti.write(with_water(dry, -0.7, 10.0), tmp_path / "wet.nii.gz")
    nifti.write(with_water(water, -0.7, 0.0), tmp_path / "water.nii.gz")
    assert main(["remove", "--file", str(tmp_path / "wet.nii.gz"), "--output", str(tmp_path / "out")]) == 0
    assert "'fsl_mrs_dl ecc' with a water reference puts water at its place" in capsys.readouterr().out
    line = [
        "ecc",
        "--file",
        str(tmp_path / "out" / "wet.nii.gz"),
        "--reference",
        str(tmp_path / "water.nii.gz"),
    ]
    assert main([*line, "--output", str(tmp_path / "ecc")]) == 0
    expected = amounts(tmp_path, tmp_path / "dry.nii.gz")
    found = amounts(tmp_path, tmp_path / "ecc" / "wet.nii.gz")
    for name in NAMES:
        assert abs(found[name][0] - expected[name][0]) < expected[name][1], name


def test_mrsi_is_dried_voxel_by_voxel(tmp_path: Path, rng: np.random.Generator) -> None:
    """Each voxel of a simulated head has water of its own place, width, phase and size; two have none."""
    line = "simulate --filename mrsi --kind mrsi --basis press_3t_te30 --snr 60 --points 1024 --seed 5"
    assert main([*line.split(), "--output", str(tmp_path)]) == 0
    whole = nifti.read(tmp_path / "mrsi.nii.gz")
    brain = np.argwhere(np.abs(whole.fid).max(axis=3) > 0)[::7][:8]
    dry = whole.fid[tuple(brain.T)].astype(np.complex128)
    t = np.arange(whole.n_points) * whole.dwelltime_s
    off_hz = rng.uniform(-0.25, 0.25, (8, 1)) * whole.spectrometer_frequency_mhz
    size = np.abs(dry[:, :1]) * np.array([10, 20, 5, 40, 10, 8, 0, 0])[:, None]
    rate, phase = rng.uniform(15, 40, (8, 1)), rng.uniform(-3, 3, (8, 1))
    moved = np.exp(2j * np.pi * off_hz * t)
    wet = (dry + size * np.exp(-rate * t + 1j * phase)) * moved
    scan = replace(whole, fid=wet[:, None, None].astype(whole.fid.dtype), affine=None)
    result = remove(scan)
    assert result.messages[0].startswith("Removed water at ")
    assert " in 6 of 8 voxels" in result.messages[0]
    places = [
        quantify(data, basis="press_3t_te30", baseline="poly, 2", no_posterior=True).outcome
        for data in (result.data, replace(scan, fid=(dry * moved)[:, None, None].astype(whole.fid.dtype)))
    ]
    found, expected = (place.scaled["raw"] for place in places)
    names = places[0].names
    for name in NAMES:
        column = names.index(name)
        error = found.value[:, column] - expected.value[:, column]
        assert (np.abs(error) < expected.crlb[:, column]).all(), (name, error / expected.crlb[:, column])
    assert np.array_equal(result.data.fid[6:], scan.fid[6:])


@pytest.mark.parametrize("off_ppm", [0.0, 0.3, 0.38, 0.43, 0.58])
def test_glx_of_an_edited_difference_is_not_taken_for_water(tmp_path: Path, off_ppm: float) -> None:
    """NAA is the highest line there, and may lie as creatine does of an axis that is 0.6 ppm off."""
    line = "simulate --filename d --kind svs --basis mega-press_3t_te68_diff --snr 60 --seed 3"
    assert main([*line.split(), "--output", str(tmp_path)]) == 0
    data = with_water(nifti.read(tmp_path / "d.nii.gz"), off_ppm, 0.0)
    result = remove(data)
    taken = np.abs(np.fft.fftshift(np.fft.fft(data.fid[0, 0, 0] - result.data.fid[0, 0, 0])))
    whole = np.abs(np.fft.fftshift(np.fft.fft(data.fid[0, 0, 0])))
    glx = np.abs(data.ppm_axis - 3.75 - off_ppm) < 0.15
    assert taken[glx].max() < 0.1 * whole[glx].max()
