"""Inputs as other programs, people and file systems hand them over: read right, or refused."""

import json
import os
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from fsl_mrs_dl.data import MRSData
from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.io.basis import write_json_basis
from fsl_mrs_dl.simulate import brain_singlets
from fsl_mrs_dl.steps.registry import steps
from tests.benchmarks.robustness.damage import OTHER_VALUES
from tests.benchmarks.robustness.damaged_files import OUTCOMES, counts_table, outcome_of
from tests.benchmarks.table import Table

METHOD = """\
Inputs as other programs and file systems hand them over: scans without header extension beside a BIDS-MRS sidecar,
with every value in a list, under names of any bytes, with dwell times in any unit, and masks that are turned,
moved or hold fractions. Some of them are damaged as well. `wrong`: a result that is not that of the plain input,
an input that is right and was refused, or one that cannot be right and was not."""

_N_POINTS, _DWELLTIME_S, _FREQUENCY_MHZ = 64, 5e-4, 127.7  # short FIDs, for speed; 3 T
_GRID = (4, 3, 2)  # voxels; of three lengths, so that a turned axis shows
_AFFINE = np.array([[9.0, 0, 0, 10], [0, 11, 0, -20], [0, 0, 15, 5], [0, 0, 0, 1]])
_SAME = 1e-5  # largest relative difference: that of files in single precision
_UNITS = (("sec", 1.0), ("msec", 1e3), ("usec", 1e6))


@dataclass(frozen=True)
class _Scan:
    """A scan of transients and one of many voxels, as data and as files."""

    transients: Path
    voxels: Path
    basis: Path
    mean: MRSData


@dataclass(frozen=True)
class _Case:
    """One command: whether its input is right (None: nobody knows), and what its result must be.

    Attributes
    ----------
    step : str
    arguments : list of str
        But for ``--output``.
    right : bool or None
    main : str
        File that is written.
    chosen : ndarray, bool, shape (x, y, z), or None
        Voxels that must be fitted.
    """

    step: str
    arguments: list[str]
    right: bool | None
    main: str = "x.nii.gz"
    chosen: NDArray[np.bool_] | None = None


Maker = Callable[[_Scan, Path, np.random.Generator], _Case]


def foreign_table(n: int, folder: Path, rng: np.random.Generator) -> Table:
    """Hand inputs of other programs to commands, and count what comes of it."""
    place = folder / "foreign"
    place.mkdir()
    scan = _scan(place, rng)
    counts = {kind: Counter[str]() for kind in KINDS}
    names = list(KINDS)
    for at in tqdm(range(n), desc="foreign inputs", leave=False, disable=None):
        kind, here = names[at % len(names)], place / str(at)
        here.mkdir()
        case = KINDS[kind](scan, here, rng)
        counts[kind][_judged(case, scan, here / "out")] += 1
    return counts_table("Inputs of other programs, one command each.", "inputs", counts, (*OUTCOMES, "wrong"))


def _scan(folder: Path, rng: np.random.Generator) -> _Scan:
    basis = brain_singlets(_FREQUENCY_MHZ, _DWELLTIME_S, _N_POINTS)
    line = basis.fids[basis.names.index("NAA")] + basis.fids[basis.names.index("Cr")]
    noise = 0.01 * rng.normal(size=(2, 1, 1, 1, _N_POINTS, 4))
    fids = line[:, None] + noise[0] + 1j * noise[1]
    noise = 0.01 * rng.normal(size=(2, *_GRID, _N_POINTS))
    many = np.broadcast_to(line, (*_GRID, _N_POINTS)) + noise[0] + 1j * noise[1]
    header = {"EchoTime": 0.03, "RepetitionTime": 2.0}
    sampling = (_DWELLTIME_S, _FREQUENCY_MHZ)
    nifti.write(MRSData(fids, *sampling, dim_tags=("DIM_DYN",), header=header), folder / "plain.nii")
    nifti.write(MRSData(many, *sampling, affine=_AFFINE, header=header), folder / "voxels.nii")
    write_json_basis(basis, folder / "basis")
    plain = nifti.read(folder / "plain.nii")
    mean = MRSData(plain.fid.mean(axis=-1), *sampling)
    return _Scan(folder / "plain.nii", folder / "voxels.nii", folder / "basis", mean)


def _judged(case: _Case, scan: _Scan, out: Path) -> str:
    """Run a command, and return in a word what came of it."""
    outcome = outcome_of(steps()[case.step], [*case.arguments, "--output", str(out)], out, case.main)
    if outcome == "refused":
        return "wrong" if case.right else outcome
    if outcome != "done" or case.right is None:
        return outcome
    return "done" if case.right and _is_right(case, scan, out) else "wrong"


def _is_right(case: _Case, scan: _Scan, out: Path) -> bool:
    result = nifti.read(out / case.main)
    if case.chosen is not None:
        return bool(np.array_equal(np.abs(result.fid).sum(axis=3) > 0, case.chosen))
    off = np.linalg.norm(result.fid - scan.mean.fid) / np.linalg.norm(scan.mean.fid)
    return bool(off < _SAME and np.isclose(result.dwelltime_s, scan.mean.dwelltime_s))


def _average(path: Path, right: bool | None) -> _Case:
    return _Case("average", ["--file", str(path), "--filename", "x"], right)


def _parts(scan: _Scan) -> tuple[nib.Nifti2Image, dict[str, Any]]:
    """Return the image of the transients without header extension, and what that said."""
    image = nib.load(scan.transients)
    header = image.header.extensions[0].json()
    image.header.extensions.clear()
    return nib.Nifti2Image(np.asarray(image.dataobj), None, image.header), header


def _spoilt(header: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """Return keys one of which is missing or of another kind."""
    key = str(rng.choice(sorted(header)))
    value = OTHER_VALUES[rng.integers(len(OTHER_VALUES))]
    return {**header, key: value} if rng.random() < 0.7 else {k: v for k, v in header.items() if k != key}


def sidecar(scan: _Scan, folder: Path, rng: np.random.Generator) -> _Case:
    """Write a scan without header extension, and a sidecar."""
    image, header = _parts(scan)
    image.header["intent_name"] = b"mrs_v0_9" if rng.random() < 0.5 else b""
    nib.save(image, folder / "scan.nii.gz")
    whole = bool(rng.random() < 0.5)
    text = json.dumps(header if whole else _spoilt(header, rng)).encode()
    if not whole and rng.random() < 0.5:
        at = int(rng.integers(len(text)))
        text = text[:at] + (b"\xfc" if rng.random() < 0.5 else b"") + text[at + 1 :]
    (folder / "scan.json").write_bytes(b"\xef\xbb\xbf" + text if rng.random() < 0.3 else text)
    return _average(folder / "scan.nii.gz", True if whole else None)


def lists(scan: _Scan, folder: Path, rng: np.random.Generator) -> _Case:
    """Write every value of the header as a list of one, as programs in R do; or one of them as another list."""
    image, header = _parts(scan)
    header = {key: value if isinstance(value, list) else [value] for key, value in header.items()}
    whole = bool(rng.random() < 0.5)
    if not whole:
        key = str(rng.choice(sorted(header)))
        header[key] = [header[key], [], [header[key][0]] * 2, ["x"], [None]][int(rng.integers(5))]
    image.header.extensions.append(nib.nifti1.Nifti1Extension(44, json.dumps(header).encode()))
    nib.save(image, folder / "scan.nii")
    return _average(folder / "scan.nii", True if whole else None)


def names(scan: _Scan, folder: Path, rng: np.random.Generator) -> _Case:
    """Give a scan a name of any bytes, and the ending in either case."""
    letters = [byte for byte in range(1, 256) if byte not in b"/"]
    name = bytes(int(byte) for byte in rng.choice(letters, size=int(rng.integers(1, 40))))
    ending = (b".nii", b".NII")[int(rng.integers(2))]
    path = Path(os.fsdecode(os.fsencode(folder) + b"/s" + name + ending))
    path.write_bytes(scan.transients.read_bytes())
    return _average(path, True)


def units(scan: _Scan, folder: Path, rng: np.random.Generator) -> _Case:
    """Write the dwell time in a unit, and say that or another one."""
    image, header = _parts(scan)
    (unit, scale), (_, other) = (_UNITS[int(at)] for at in rng.integers(3, size=2))
    image.header.set_xyzt_units("mm", unit)
    image.header["pixdim"][4] = _DWELLTIME_S * other
    if rng.random() < 0.5:
        header["SpectralWidth"] = 1 / _DWELLTIME_S
    image.header.extensions.append(nib.nifti1.Nifti1Extension(44, json.dumps(header).encode()))
    nib.save(image, folder / "scan.nii")
    return _average(folder / "scan.nii", scale == other)


def masks(scan: _Scan, folder: Path, rng: np.random.Generator) -> _Case:
    """Save a mask with its axes turned, of fractions, or in another place."""
    chosen = rng.random(_GRID) < 0.5
    chosen[0, 0, 0] = True
    order, flips = rng.permutation(3), rng.random(3) < 0.5
    values = np.where(chosen, rng.choice([1.0, 0.4, 255.0]), 0.0)
    back = np.zeros((4, 4))  # index of the turned mask -> index on the grid
    back[3, 3] = 1
    for new, old in enumerate(order):
        back[old, new] = -1 if flips[new] else 1
        back[old, 3] = _GRID[old] - 1 if flips[new] else 0
    turned = np.flip(values.transpose(order), axis=tuple(np.flatnonzero(flips)))
    affine = _AFFINE @ back
    moved = bool(rng.random() < 0.3)
    affine[0, 3] += 20.0 * moved
    nib.save(nib.Nifti1Image(turned.astype(np.float32), affine), folder / "mask.nii.gz")
    line = _fit(scan, scan.voxels, "--mask", str(folder / "mask.nii.gz"))
    return _Case("quantify", line, not moved, "fit/fit.nii.gz", chosen)


def _fit(scan: _Scan, path: Path, *more: str) -> list[str]:
    fixed = ("--no_posterior", "--baseline", "poly, 2")
    return ["--data", str(path), "--basis", str(scan.basis), *fixed, *more]


KINDS: Mapping[str, Maker] = {
    "BIDS-MRS sidecar": sidecar,
    "lists of one value": lists,
    "names of files": names,
    "unit of the dwell time": units,
    "masks": masks,
}
