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
