"""Files for ``quantify`` whose truth is known, and what the tests of the command do with them."""

import csv
from pathlib import Path

import numpy as np

from fsl_mrs_dl import physics
from fsl_mrs_dl.cli import main
from fsl_mrs_dl.data import Basis, MRSData
from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.io.basis import write_json_basis
from fsl_mrs_dl.physics.relaxation import T1_S, T2_S, WATER_MOLALITY, visible

N, DT, F0 = 1024, 5e-4, 123.25
TE_S, TR_S = 0.03, 2.0
LINES = {
    "NAA": [(2.01, 3)],
    "Cr": [(3.03, 3), (3.91, 2)],
    "PCr": [(3.03, 3), (3.93, 2)],
    "GPC": [(3.21, 9)],
    "Ins": [(3.52, 2), (3.61, 2), (4.05, 1), (3.27, 1)],
}
NAMES = sorted(LINES)
MOLAR = {"NAA": 10.0, "Cr": 4.5, "PCr": 3.5, "GPC": 1.5, "Ins": 6.0}
SCALE = 0.003


def signal(ppm: float, protons: float, gamma: float) -> np.ndarray:
    """Return a singlet; an amplitude of one is one proton."""
    return protons * physics.singlet(N, DT, (ppm - 4.65) * F0, gamma, 0.0, np.zeros(1, dtype=complex))


def basis() -> Basis:
    fids = np.stack([sum(signal(ppm, n, 6.0) for ppm, n in lines) for lines in LINES.values()])
    return Basis(7.0 * fids, tuple(LINES), DT, F0, name="five")


def scans(rng: np.random.Generator, n_voxels: int = 1, noise: float = 0.2) -> tuple[MRSData, MRSData]:
    """Return metabolites of known concentration in pure water at 3 T, and the water."""
    t1, t2 = T1_S["3T"], T2_S["3T"]
    left = visible(t1["METAB"], t2["METAB"], TE_S, TR_S)
    mean_t1, mean_t2 = ((t["H2O_WM"] + t["H2O_GM"]) / 2 for t in (t1, t2))
    water_left = visible(mean_t1, mean_t2, TE_S, TR_S)
    clean = sum(
        MOLAR[name] * left * sum(signal(*line, 6.0) for line in lines) for name, lines in LINES.items()
    )
    place = np.arange(n_voxels)
    seen = physics.damp(np.tile(clean, (n_voxels, 1)), 8.0 + place % 3, np.full(n_voxels, 5.0), DT)
    seen = physics.phase(physics.shift(seen, 2.0 - place % 4, DT), 0.3 * (place % 5))
    seen = physics.add_noise(SCALE * seen, SCALE * noise, rng)
    water = SCALE * WATER_MOLALITY * water_left * np.tile(signal(4.65, 2, 14.0), (n_voxels, 1))
    water = physics.phase(water, np.full(n_voxels, 1.0))
    header = {"EchoTime": TE_S, "RepetitionTime": TR_S, "PatientName": "nobody"}

    def data(fids: np.ndarray, name: str) -> MRSData:
        fids = fids.astype(np.complex64).reshape(-1, 1, 1, N)
        return MRSData(fids, DT, F0, affine=np.diag([20.0, 20, 20, 1]), header=header, name=name)

    return data(seen, "scan.nii.gz"), data(water, "water.nii.gz")


def write(folder: Path, rng: np.random.Generator) -> Path:
    """Write one voxel, eight voxels, their water, and a basis set."""
    for name, size in (("svs", 1), ("mrsi", 8)):
        metabolites, water = scans(rng, size)
        nifti.write(metabolites, folder / f"{name}.nii.gz")
        nifti.write(water, folder / f"{name}_water.nii.gz")
    write_json_basis(basis(), folder / "basis")
    return folder


FIXED = ("--baseline", "poly, 2")
"""The scans have no macromolecules and five metabolites of singlets: tests of layout and scaling fix the model."""


def run(folder: Path, name: str, *more: str, out: str = "out") -> int:
    line = ["quantify", "--data", str(folder / f"{name}.nii.gz"), "--basis", str(folder / "basis")]
    fixed = () if "--baseline" in more else FIXED
    return main([*line, "--output", str(folder / out), *fixed, *more])


def table(path: Path) -> dict[str, dict[str, float]]:
    with path.open() as handle:
        rows = list(csv.DictReader(handle))
    words = {next(iter(rows[0])), "verdict", "reason"}
    first = next(iter(rows[0]))
    return {row[first]: {k: float(v or "nan") for k, v in row.items() if k not in words} for row in rows}
