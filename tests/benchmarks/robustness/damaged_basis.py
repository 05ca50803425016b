"""Damaged basis sets, one ``quantify`` each, and whether a fit that is made is that of the whole set."""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from fsl_mrs_dl.data import Basis, Complex
from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.io.basis import write_json_basis
from fsl_mrs_dl.physics import shift
from fsl_mrs_dl.simulate import Fixed, Noise, Prior, brain_amplitudes, brain_singlets, simulate_transients
from fsl_mrs_dl.steps.registry import steps
from tests.benchmarks.robustness.damage import OTHER_VALUES
from tests.benchmarks.robustness.damaged_files import OUTCOMES, counts_table, outcome_of
from tests.benchmarks.table import Table

_N_POINTS, _DWELLTIME_S, _FREQUENCY_MHZ = 256, 5e-4, 127.7  # short FIDs, for speed; 3 T
_METABOLITES = ("Cr", "GPC", "Glu", "Ins", "Lac", "NAA", "PCr")
_SNR = 100.0  # of the highest line, as of a good measured spectrum
_SAME_CURVE = 0.01
"""Largest relative difference of fitted curves: of a line 2 Hz wide, that of 0.01 Hz."""
METHOD = """\
Basis sets of seven metabolites are damaged too, one file or all, and given to `quantify` with data that were
simulated with the whole set. `wrong` counts fits whose curve is more than 1 % off that of the whole set, where the
damage leaves what is fitted as it was: another sign, centre or scale of a member. A refusal is no fault there."""

Damage = Callable[[Basis, Path, np.random.Generator], None]


def sign_and_centre(basis: Basis, folder: Path, rng: np.random.Generator) -> None:
    """Conjugate the set, or simulate it about another centre, or both."""
    moved_ppm = float(rng.choice([0.0, 0.03, 0.1, rng.uniform(-3, 5)]))
    fids = shift(np.asarray(basis.fids), moved_ppm * basis.spectrometer_frequency_mhz, basis.dwelltime_s)
    write_json_basis(replace(basis, fids=fids.conj() if rng.random() < 0.5 else fids), folder)


def scale_of_a_member(basis: Basis, folder: Path, rng: np.random.Generator) -> None:
    """Give one member another unit, and conjugate the set or not."""
    fids = np.array(basis.fids)
    fids[rng.integers(len(fids))] *= 10 ** rng.uniform(-4, 4)
    write_json_basis(replace(basis, fids=fids.conj() if rng.random() < 0.5 else fids), folder)


def _rewrite(basis: Basis, folder: Path, member: str, change: Callable[[dict[str, Any]], None]) -> None:
    """Write the set, with the file of one member changed."""
    write_json_basis(basis, folder)
    path = folder / f"{member}.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


_NAMES = (
    "a/b",
    "../x",
    "nul\0",
    "\n",
    "x" * 300,
    "\ud800",
    "-CrCH2",
    "Cr+PCr",
    "Creatine",
    "CR",
    "MM",
    "",
    "é" * 60,
)


def names(basis: Basis, folder: Path, rng: np.random.Generator) -> None:
    """Call a member by a name that is hard to take."""
    name = _NAMES[rng.integers(len(_NAMES))]
    member = str(rng.choice(basis.names))
    _rewrite(basis, folder, member, lambda content: content["basis"].update(basis_name=name))


def values_of_a_member(basis: Basis, folder: Path, rng: np.random.Generator) -> None:
    """Put zeros, NaN, Inf, huge or tiny numbers into all or some points of a member."""
    value = float(rng.choice([0, np.nan, np.inf, 1e200, 1e-200]))
    some = rng.integers(basis.fids.shape[1], size=3) if rng.random() < 0.5 else slice(None)

    def change(content: dict[str, Any]) -> None:
        for part in ("basis_re", "basis_im"):
            numbers = np.array(content["basis"][part])
            numbers[some] = value
            content["basis"][part] = numbers.tolist()

    _rewrite(basis, folder, str(rng.choice(basis.names)), change)


def members_missing(basis: Basis, folder: Path, rng: np.random.Generator) -> None:
    """Leave out all but a few members, and conjugate the set or not."""
    rows = rng.permutation(len(basis.names))[: rng.integers(1, 4)]
    fids = np.asarray(basis.fids)[rows]
    fids = fids.conj() if rng.random() < 0.5 else fids
    write_json_basis(replace(basis, fids=fids, names=tuple(basis.names[row] for row in rows)), folder)


def keys(basis: Basis, folder: Path, rng: np.random.Generator) -> None:
    """Take a key of a file away, or give it a value of another kind."""

    def change(content: dict[str, Any]) -> None:
        key = str(rng.choice(sorted(content["basis"])))
        if rng.random() < 0.3:
            del content["basis"][key]
        else:
            content["basis"][key] = OTHER_VALUES[rng.integers(len(OTHER_VALUES))]

    _rewrite(basis, folder, str(rng.choice(basis.names)), change)


def text(basis: Basis, folder: Path, rng: np.random.Generator) -> None:
    """Break the JSON of a file: cut, garbled, no object, nested without end, not UTF-8, empty."""
    write_json_basis(basis, folder)
    path = folder / f"{rng.choice(basis.names)}.json"
    whole = path.read_bytes()
    garbled = bytearray(whole)
    for at in rng.integers(len(whole), size=8):
        garbled[at] = rng.integers(256)
    ways = (
        whole[: rng.integers(len(whole))],
        bytes(garbled),
        b"[1, 2]",
        b"[" * 100_000,
        b"\xff\xfe" * 20,
        b"",
    )
    path.write_bytes(ways[rng.integers(len(ways))])


def points(basis: Basis, folder: Path, rng: np.random.Generator) -> None:
    """Give one member, or all, other points: fewer, a shorter or longer dwell time, another field."""
    n = int(rng.choice([1, 8, 17, 128, 255]))
    factor = float(rng.choice([1e-6, 0.25, 0.999, 1.0, 2.0, 1e3]))
    mhz = float(rng.choice([basis.spectrometer_frequency_mhz, 123.2, 49.9, 297.2, 1e-3]))

    def change(content: dict[str, Any]) -> None:
        for part in ("basis_re", "basis_im"):
            content["basis"][part] = content["basis"][part][:n]
        content["basis"]["basis_dwell"] *= factor
        content["basis"]["basis_centre"] = mhz

    write_json_basis(basis, folder)
    for member in basis.names if rng.random() < 0.5 else [str(rng.choice(basis.names))]:
        path = folder / f"{member}.json"
        content = json.loads(path.read_text())
        change(content)
        path.write_text(json.dumps(content))


BASIS_DAMAGES: Mapping[str, Damage] = {
    "sign and centre": sign_and_centre,
    "scale of a member": scale_of_a_member,
    "names": names,
    "NaN, Inf, zero, huge": values_of_a_member,
    "members missing": members_missing,
    "JSON keys": keys,
    "JSON text": text,
    "points, dwell, field": points,
}
KNOWN_CURVE = ("sign and centre", "scale of a member")
"""Damages that leave what is fitted as it was."""


def damaged_basis_table(n: int, folder: Path, rng: np.random.Generator) -> Table:
    """Damage basis sets, fit with each, and count what comes of it."""
    basis = _chosen(brain_singlets(_FREQUENCY_MHZ, _DWELLTIME_S, _N_POINTS), _METABOLITES)
    prior = Prior(amplitudes=brain_amplitudes(basis.names), noise=Noise(Fixed(_SNR), "snr_t0"))
    simulated = simulate_transients(prior, basis, None, _N_POINTS, _DWELLTIME_S, _FREQUENCY_MHZ, rng).data
    data = folder / "of_basis.nii"
    nifti.write(simulated.with_fid(simulated.fid.astype(np.complex64)), data)
    write_json_basis(basis, folder / "whole_basis")
    whole = folder / "fit_of_whole"
    if _quantify(data, folder / "whole_basis", whole) != "done":
        raise AssertionError("quantify cannot fit with the whole basis set")
    expected = _curve(whole)
    counts = {damage: Counter[str]() for damage in BASIS_DAMAGES}
    names = list(BASIS_DAMAGES)
    for i in tqdm(range(n), desc="basis sets", leave=False, disable=None):
        damage, place = names[i % len(names)], folder / f"basis{i}"
        BASIS_DAMAGES[damage](basis, place / "basis", rng)
        outcome = _quantify(data, place / "basis", place / "out")
        if outcome == "done" and damage in KNOWN_CURVE:
            off = np.linalg.norm(_curve(place / "out") - expected) / np.linalg.norm(expected)
            outcome = "wrong" if off > _SAME_CURVE else outcome
        counts[damage][outcome] += 1
    return counts_table("Damaged basis sets, one fit each.", "sets", counts, (*OUTCOMES, "wrong"))


def _quantify(data: Path, basis: Path, out: Path) -> str:
    line = ["--data", str(data), "--basis", str(basis), "--output", str(out)]
    return outcome_of(
        steps()["quantify"], [*line, "--no_posterior", "--baseline", "poly, 2"], out, "fit.nii.gz"
    )


def _curve(out: Path) -> Complex:
    fid: Complex = nifti.read(out / "fit.nii.gz").fid
    return fid


def _chosen(basis: Basis, selected: tuple[str, ...]) -> Basis:
    rows = [basis.names.index(name) for name in selected]
    return replace(basis, fids=np.asarray(basis.fids)[rows], names=selected)
