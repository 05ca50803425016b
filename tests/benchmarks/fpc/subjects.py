"""Edited sets, one a subject: simulated, or the user's own; and measured files."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fsl_mrs_dl import fslmrs
from fsl_mrs_dl.data import MRSData, Real
from fsl_mrs_dl.errors import ModelError
from fsl_mrs_dl.fit.registration import estimate_alignment
from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.physics import correct
from fsl_mrs_dl.steps.align import align, corrected_fids
from fsl_mrs_dl.steps.align_models import method_of
from fsl_mrs_dl.steps.average import average
from fsl_mrs_dl.steps.coilcombine import coilcombine
from fsl_mrs_dl.steps.remove import remove
from tests.benchmarks import quality
from tests.benchmarks.fpc.methods import FSL_MRS, WINDOW_PPM
from tests.benchmarks.fpc.methods_table import BEFORE, ORACLE, SI_PPM
from tests.benchmarks.fpc.profiles import NETWORKS, FpcProfile
from tests.benchmarks.fpc.sets import edited_subject
from tests.benchmarks.realdata import data_folder
from tests.benchmarks.rivals import aligners
from tests.benchmarks.table import Table

LOWER_PPM, UPPER_PPM = (1.8, 3.1), (3.1, 4.2)
"""The halves of the metabolites' range: one is aligned, the other judges."""
METHODS = ("gn", "sr", *NETWORKS)
BIG_GABA = "big_gaba"

Aligner = Callable[[MRSData, tuple[float, float]], MRSData]


@dataclass(frozen=True, eq=False)
class Subjects:
    """Edited sets and what the methods made of them: method -> a value a subject, both conditions' mean."""

    simulated: bool
    similarity: dict[str, Real]
    width_hz: dict[str, Real]
    choline_left: dict[str, Real]


def _methods() -> dict[str, Aligner | None]:
    """Return the aligners by name; None for FSL-MRS where it is not."""

    def ours(method: str) -> Aligner:
        return lambda data, ppm: align(data, method=method, ppm=ppm).data

    def alone(network: str) -> Aligner:
        def run(data: MRSData, ppm: tuple[float, float]) -> MRSData:
            method, _ = method_of(network, None, data, checked=False)
            estimates = estimate_alignment(data, dim="DIM_DYN", limits_ppm=ppm, method=method)
            return data.with_fid(corrected_fids(data, estimates))

        return run

    def theirs(data: MRSData, ppm: tuple[float, float]) -> MRSData:
        return next(run for name, run in aligners(ppm) if name == FSL_MRS and run)(data)[0]

    every: dict[str, Aligner | None] = {}
    for name in METHODS:
        if name in NETWORKS:
            every[name] = alone(name)
        every[f"{name}, checked" if name in NETWORKS else name] = ours(name)
    return every | {FSL_MRS: theirs if fslmrs.available() else None}


def subjects(profile: FpcProfile, seed: int) -> Subjects:
    """Align the user's edited sets, or simulated ones where there are none."""
    files = sorted((data_folder() / BIG_GABA).glob("*.nii.gz"))
    qualities: dict[str, list[tuple[float, float, float]]] = {}
    rng = np.random.default_rng([seed, 6])
    for n in range(len(files) or profile.subjects):
        corrected: dict[str, MRSData | None] = {}
        if files:
            data = nifti.read(files[n])
        else:
            scan = edited_subject(profile.pairs, rng)
            data = scan.data
            fid = correct(
                np.moveaxis(data.fid, 3, -1), scan.truth.shift_hz, scan.truth.phase_rad, data.dwelltime_s
            )
            corrected[ORACLE] = data.with_fid(np.moveaxis(fid, -1, 3))
        corrected = {BEFORE: data, **corrected}
        for name, aligner in _methods().items():
            # FSL-MRS takes half a minute for such a set: it is run on the first.
            applies = aligner is not None and (name != FSL_MRS or n == 0)
            corrected[name] = _tried(aligner, data) if applies and aligner else None
        for name, one in corrected.items():
            qualities.setdefault(name, []).append(_scores(one))
    values = {name: np.array(each, dtype=float).T for name, each in qualities.items()}
    parts = [{name: value[k] for name, value in values.items()} for k in range(3)]
    return Subjects(not files, *parts)


def _tried(aligner: Aligner, data: MRSData) -> MRSData | None:
    try:
        return aligner(data, WINDOW_PPM)
    except ModelError:  # its network is not shipped
        return None


def _scores(one: MRSData | None) -> tuple[float, float, float]:
    if one is None:
        return np.nan, np.nan, np.nan
    index = float(np.mean(quality.similarity(one, SI_PPM)))
    width = float(np.mean([quality.line(one, "Cr", n).fwhm_hz for n in (0, 1)]))
    return index, width, quality.choline_left(one)


def subjects_table(results: Subjects) -> Table:
    """Return mean and SD over the subjects."""
    columns = ["method", "SI 2.5-3.5 ppm", "Cr width (Hz)", "choline left in the difference (%)", "subjects"]
    rows = []
    for name, index in results.similarity.items():
        there = np.isfinite(index)
        if not there.any():
            rows.append([name])
            continue
        cells = [
            f"{np.nanmean(values):.{digits}f} +- {np.nanstd(values):.{digits}f}"
            for values, digits in (
                (index, 3),
                (results.width_hz[name], 2),
                (100 * results.choline_left[name], 1),
            )
        ]
        rows.append([name, *cells, str(int(there.sum()))])
    what = "Simulated 3 T MEGA-PRESS" if results.simulated else f"Files of `{BIG_GABA}`"
    caption = (
        f"## Edited sets\n\n{what}: mean and SD over subjects, of ON and OFF together. Simulated sets "
        "drift by up to 12 Hz, at random around a trend; their phases scatter by 6 degrees. The networks are the "
        "shipped ones, with one reference for each condition; ON is then aligned to OFF, as in `align`. "
        "*checked*: as `align` runs a network."
    )
    return Table.filled(caption, columns, rows)


def measured(name: str) -> MRSData | None:
    """Return a measured scan: MEGA-PRESS of 3 T, or STEAM of 7 T with its coils combined; None if absent."""
    folder = data_folder() / "invivo"
    if name == "mega":
        file = folder / "mega_press_drift_3t" / "metab.nii.gz"
        return nifti.read(file) if file.exists() else None
    files = [folder / "steam_7t" / f"{part}.nii.gz" for part in ("metab_raw", "wref_raw")]
    if not all(file.exists() for file in files):
        return None
    data, water = map(nifti.read, files)
    return coilcombine(data, reference=average(water).data).data


def measured_table(name: str, *, removed: bool = False) -> Table:
    """Return similarity in a window that was not aligned in, and creatine's width, by method.

    Parameters
    ----------
    name : {"mega", "steam"}
    removed : bool
        Whether residual water is removed first.
    """
    title, conditions = {
        "mega": ("3 T MEGA-PRESS, 20 x ON and OFF, drifting", ("ON", "OFF")),
        "steam": ("7 T STEAM, 16 transients, coils combined", ("",)),
    }[name]
    columns = ["method"]
    for text in conditions:
        columns += [f"SI of the lines 3.1-4.2 ppm {text}".strip(), f"Cr width (Hz) {text}".strip()]
    columns += ["choline left (%)"] if len(conditions) > 1 else []
    columns += ["sees the scored lines"]
    data = measured(name)
    if removed and data is not None:
        title, data = f"{title}; water removed first", remove(data).data

    def row(text: str, one: MRSData | None, sees: str) -> list[str]:
        if one is None:
            return [text]
        index = quality.similarity(one, UPPER_PPM, lines=True)
        cells = []
        for n in range(len(conditions)):
            cells += [f"{index[n]:.4f}", quality.width(quality.line(one, "Cr", n))]
        if len(conditions) > 1:
            cells.append(f"{100 * quality.choline_left(one):.0f}")
        return [text, *cells, sees]

    rows = [row(BEFORE, data, "-")]
    for method, aligner in _methods().items():
        try:
            one = None if data is None or aligner is None else aligner(data, LOWER_PPM)
        except ModelError:
            one = None
        rows.append(row(method, one, "no" if method in ("gn", FSL_MRS) else "yes"))
    caption = (
        f"## In vivo: {title}\n\nAligned with `--ppm 1.8 3.1`. Scored from 3.1 to 4.2 ppm, after a cubic "
        "polynomial was subtracted from each transient. sr and the networks read the whole band, and with it the "
        "scored lines and the water. *checked*: as `align` runs a network."
    )
    return Table.filled(caption, columns, rows)
