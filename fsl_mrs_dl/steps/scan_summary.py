"""Describe a scan in one line, and list the commands that lead from it to concentrations."""

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fsl_mrs_dl.data import NUCLEI, TIME_AXIS, Complex, MRSData
from fsl_mrs_dl.steps.registry import usable_fids
from fsl_mrs_dl.steps.subtract import opposed

_CHECKED_FIDS = 16  # FIDs, spread over the scan, that are searched for water
_REFERENCE_HEIGHT = 60.0
"""Height of water over the rest, above which it was not suppressed: measured 86 to 190 without suppression, and
at most 42 with."""
_LONGEST_TR_S = 100.0  # the limit of fsl_mrs_dl.io.times: a larger number is in ms
_FIELD_TOLERANCE = 0.05  # relative: quantify allows this between basis set and data
_REFERENCE_NAME = re.compile(r"_(ref|ecc|quant)(_|$)", re.IGNORECASE)
"""Endings that converters add to the name of a scan for its water reference."""


_REDUCED_TAGS = ("DIM_COIL", "DIM_DYN", "DIM_MEAS")


@dataclass(frozen=True, eq=False)
class ConvertedScan:
    """A converted file.

    Attributes
    ----------
    path : Path
    data : MRSData
    is_reference : bool
        Whether it is a scan without water suppression.
    water : str
        Chemical shift and height of residual water, in words; empty without it.
    """

    path: Path
    data: MRSData
    is_reference: bool
    water: str

    @classmethod
    def of(cls, path: Path, data: MRSData, added: str = "") -> "ConvertedScan":
        """Inspect a converted file; ``added`` is the ending that the converter appended to its name."""
        from fsl_mrs_dl.fit.residual_water import WATER_PLACE_PPM, find_water

        named = bool(_REFERENCE_NAME.search(added))
        if data.nucleus not in WATER_PLACE_PPM or not usable_fids(data).any():
            return cls(path, data, named, "")
        fids = np.moveaxis(data.fid, TIME_AXIS, -1)[usable_fids(data)].astype(np.complex128)
        fids = fids[:: max(1, len(fids) // _CHECKED_FIDS)]
        waters = [water for water in find_water(data, fids) if water is not None]
        unsuppressed = named or data.header.get("WaterSuppressed") is False or _is_reference(data, fids)
        if not waters:
            return cls(path, data, unsuppressed, "")
        place, height = (
            float(np.median([getattr(water, name) for water in waters])) for name in ("ppm", "height")
        )
        return cls(
            path, data, unsuppressed, f"at {place:.2f} ppm, {height:.2g} times as high as the metabolites"
        )


def _is_reference(data: MRSData, fids: Complex) -> bool:
    """Return whether the water of most FIDs is too high for a scan with water suppression."""
    from fsl_mrs_dl.fit.residual_water import water_over_rest

    return bool(np.median([water_over_rest(data, fid) for fid in fids]) > _REFERENCE_HEIGHT)


def scan_words(scan: ConvertedScan) -> str:
    """Describe vendor, sequence, times, sampling and dimensions of a scan in one line, without personal data."""
    from fsl_mrs_dl.fit.acquisition import of_data

    data = scan.data
    acquired = of_data(data)
    sequence = acquired.sequence.family or "sequence not said"
    edited = "edited " if acquired.sequence.edited else ""
    maker = str(data.header.get("Manufacturer", "")).strip() or "vendor not said"
    nucleus = NUCLEI.get(data.nucleus)
    field = f" ({data.spectrometer_frequency_mhz / nucleus.gyromagnetic_mhz_per_t:.3g} T)" if nucleus else ""
    echo = "TE not said" if acquired.echo_time_s is None else f"TE {1e3 * acquired.echo_time_s:.4g} ms"
    repetition = data.header.get("RepetitionTime")
    has_repetition_time = isinstance(repetition, (int, float)) and 0 < repetition < _LONGEST_TR_S
    parts = [
        maker,
        f"{edited}{sequence}",
        f"{data.nucleus} at {data.spectrometer_frequency_mhz:.2f} MHz{field}",
        echo,
        f"TR {repetition:.4g} s" if has_repetition_time else "TR not said",
        f"{data.n_points} points of {1e3 * data.dwelltime_s:.4g} ms",
        _dimensions(data),
    ]
    if scan.is_reference:
        parts.append("water reference")
    elif scan.water:
        parts.append(f"residual water {scan.water}")
    return ", ".join(parts)


def _dimensions(data: MRSData) -> str:
    words = {
        "DIM_COIL": ("coil", "coils"),
        "DIM_DYN": ("transient", "transients"),
        "DIM_EDIT": ("edit condition", "edit conditions"),
    }
    grid = " x ".join(map(str, data.fid.shape[:TIME_AXIS]))
    sizes = [("1 voxel" if grid == "1 x 1 x 1" else f"{grid} voxels")]
    for tag, n in zip(data.dim_tags, data.fid.shape[4:], strict=True):
        one, many = words.get(tag, (tag, tag))
        sizes.append(f"{n} {one if n == 1 else many}")
    return ", ".join(sizes)


def next_commands(scan: ConvertedScan, reference: ConvertedScan | None) -> tuple[list[str], str]:
    """Return the commands that lead from a scan to concentrations, and a remark on the last one.

    Parameters
    ----------
    scan : Scan
        Not a water reference.
    reference : Scan or None
        The water reference of the same scan.

    Returns
    -------
    commands : list of str
        Each can be run unchanged, in the user's folder.
    remark : str
        Empty if there is none.
    """
    data = scan.data
    sizes = dict(zip(data.dim_tags, data.fid.shape[4:], strict=True))
    latest, lines = scan.path, []
    water = reference.path if reference else None

    def step(words: str, source: Path, folder: str, *more: str) -> Path:
        lines.append(_line(*words.split(), "--file", source, *more, "--output", folder))
        return Path(folder) / source.name

    n_coils = sizes.get("DIM_COIL", 1)
    if reference is not None and _coils(reference.data) not in (1, n_coils):
        reference = water = None  # with other coils its scale is not that of the data
    if n_coils > 1:
        coils = reference is not None and _coils(reference.data) == n_coils
        weights = ("--reference", str(water)) if coils else ()
        latest = step("coilcombine", latest, "combined", *weights)
        if coils and water is not None:
            water = step("coilcombine", water, "combined", *weights)
    raw = n_coils > 1 or sizes.get("DIM_DYN", 1) > 1
    if raw and reference is not None and _same_sampling(reference.data, data):
        latest = step("ecc", latest, "ecc", "--reference", str(water))
    if sizes.get("DIM_DYN", 1) > 1:
        latest = step("align --average", latest, "aligned")
    if sizes.get("DIM_MEAS", 1) > 1:
        latest = step("average --dim DIM_MEAS", latest, "averaged")
    if scan.water:
        latest = step("remove", latest, "dry")
    pair = sizes.get("DIM_EDIT", 1) == 2
    if pair:
        first, second = np.moveaxis(data.fid, data.axis("DIM_EDIT"), 0)
        word = "add" if opposed(first, second) else "subtract"
        latest = step(f"{word} --dim DIM_EDIT", latest, "difference")
    left = [
        tag
        for tag, n in sizes.items()
        if n > 1 and tag not in _REDUCED_TAGS and not (tag == "DIM_EDIT" and pair)
    ]
    if left:
        return lines, f"quantify takes one spectrum a voxel: take one of {left[0]} then (mrs_tools split)."
    name, remark = _basis(data, edited=pair)
    scaled = ("--h2o", str(water)) if water is not None else ()
    lines.append(_line("quantify", "--data", latest, "--basis", name, *scaled, "--output", "fit", "--report"))
    return lines, remark


def one_command(scan: ConvertedScan, reference: ConvertedScan | None) -> str:
    """Return one command for all of :func:`next_commands`; empty if they do not end with a fit."""
    lines, _ = next_commands(scan, reference)
    last = shlex.split(lines[-1]) if lines else []
    if "quantify" not in last:
        return ""
    water = ("--reference", reference.path) if reference is not None and "--h2o" in last else ()
    basis = last[last.index("--basis") + 1]
    return _line("process", "--data", scan.path, *water, "--basis", basis, "--output", "results", "--report")


def _basis(data: MRSData, *, edited: bool) -> tuple[str, str]:
    """Return the shipped basis set for a scan, or a placeholder and a remark on what to do."""
    from fsl_mrs_dl.fit.acquisition import DOUBTFUL_S, of_data
    from fsl_mrs_dl.simulate.shipped import RECIPES

    acquired = of_data(data)
    family = f"{'MEGA-' if edited else ''}{acquired.sequence.family}".lower()
    for name, recipe in RECIPES.items():
        near = abs(recipe.spectrometer_frequency_mhz / data.spectrometer_frequency_mhz - 1) < _FIELD_TOLERANCE
        same = (
            recipe.sequence == family and recipe.part == ("diff" if edited else "") and data.nucleus == "1H"
        )
        te = acquired.echo_time_s
        if near and same and te is not None and abs(recipe.echo_time_s - te) < DOUBTFUL_S:
            return name, ""
    why = "No shipped basis set is of such a scan"
    if acquired.unknown:
        why = (
            f"The header does not say its {' and '.join(acquired.unknown)}, to choose a shipped basis set by"
        )
    return (
        "BASIS",
        f"{why}: put that of your scan for BASIS (fsl_mrs_dl basis --list_shipped, or one of your own).",
    )


def _coils(data: MRSData) -> int:
    return int(data.fid.shape[data.axis("DIM_COIL")]) if "DIM_COIL" in data.dim_tags else 1


def _same_sampling(one: MRSData, other: MRSData) -> bool:
    return one.n_points == other.n_points and bool(np.isclose(one.dwelltime_s, other.dwelltime_s, rtol=1e-4))


def _line(*words: str | Path) -> str:
    return shlex.join(["fsl_mrs_dl", *map(str, words)])


def paired_references(scans: Sequence[ConvertedScan]) -> list[tuple[ConvertedScan, ConvertedScan | None]]:
    """Return each scan that is not a reference, with its reference, if there is one."""
    references = [scan for scan in scans if scan.is_reference]
    pairs: list[tuple[ConvertedScan, ConvertedScan | None]] = []
    for scan in scans:
        if not scan.is_reference:
            own = [one for one in references if one.path.name.startswith(scan.path.name.split(".")[0])]
            pairs.append((scan, next(iter(own or references), None)))
    return pairs
