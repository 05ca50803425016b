"""Write the results of many voxels: the folders of maps of fsl_mrsi, and further ones."""

import csv
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import FLAGS, VERDICTS, Complex, MRSData, Real
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.io.basis import write_json_basis
from fsl_mrs_dl.io.results.fsl_convention import phase_deg, phase_slope_s, shift_ppm, widths_hz
from fsl_mrs_dl.io.results.outcome import Outcome
from fsl_mrs_dl.io.results.posterior_maps import posterior_file, posterior_maps
from fsl_mrs_dl.io.results.streaming import curve_ending, write_curves, write_image
from fsl_mrs_dl.io.results.viewer import COLOUR_SCHEME, tree
from fsl_mrs_dl.io.staging import Staging
from fsl_mrs_dl.io.untrusted_text import csv_cell


def write_mrsi(fit: MRSData, fitted: MRSData, outcome: Outcome, staging: Staging) -> None:
    """Write the maps and the curves of many fits.

    Parameters
    ----------
    fit : MRSData
        Fitted curves, with the record of the run, which the other curves get too.
    fitted : MRSData
        Data that were fitted.
    outcome : Outcome
    staging : Staging
    """
    for name in outcome.names:
        if name != Path(name).name:
            raise DataError(f"The metabolite {name!r} cannot name a file; rename it in the basis set.")
    for name, values, keep_nan in _maps(outcome):
        _write_map(np.asarray(values, dtype=np.float64), outcome, fit, staging.path(name), keep_nan=keep_nan)
    for name, values in _posterior_maps(outcome):
        # Single precision: the error of a few hundred draws is larger.
        _write_map(np.asarray(values, dtype=np.float32), outcome, fit, staging.path(name), keep_nan=False)
    flags = outcome.on_grid(outcome.flags)
    write_map_image(flags.astype(np.int16), fit, staging.path("qc/flags.nii.gz"))
    if outcome.verdict is not None:
        _write_verdict(outcome, outcome.verdict, fit, staging)
    ending = curve_ending(fit.fid.nbytes)
    write_curves(fit, lambda x: fit.fid[x], staging.path(f"fit/fit{ending}"), (fit.fid,))
    for name, slab in (
        ("baseline", _slabs(outcome, outcome.baseline)),
        ("residual", _residual(fitted, outcome)),
    ):
        write_curves(fit, slab, staging.path(f"fit/{name}{ending}"), (outcome.baseline, outcome.fit))
    _write_parameters(outcome, fit, staging, ending)
    _write_lists(outcome, staging)
    for name in outcome.members:
        basis_folder = staging.path(f"basis/{name}.json").parent
    write_json_basis(outcome.basis, basis_folder)
    staging.path("mrsdl.tree").write_text(tree(outcome, ending), encoding="utf-8")
    staging.path("mrsdl_colourscheme.json").write_text(json.dumps(COLOUR_SCHEME, indent=1), encoding="utf-8")


def _slabs(outcome: Outcome, curves: Complex) -> Callable[[int], Complex]:
    """Return a function: index along x -> curves of the fitted voxels there, shape (y, z, time)."""
    # Voxels are in the order of np.argwhere: those with the same x are neighbours.
    ends = np.searchsorted(outcome.voxels[:, 0], np.arange(outcome.grid[0] + 1))

    def slab(x: int) -> Complex:
        rows = slice(ends[x], ends[x + 1])
        values = np.zeros((*outcome.grid[1:], curves.shape[1]), dtype=curves.dtype)
        values[tuple(outcome.voxels[rows, 1:].T)] = curves[rows]
        return values

    return slab


def _residual(fitted: MRSData, outcome: Outcome) -> Callable[[int], Complex]:
    """Return a function: index along x -> data minus fit there, zero in voxels without fit."""
    fit = _slabs(outcome, outcome.fit)
    chosen = np.zeros(outcome.grid, dtype=bool)
    chosen[tuple(outcome.voxels.T)] = True
    return lambda x: np.where(chosen[x][..., None], fitted.fid[x] - fit(x), 0)


def _maps(outcome: Outcome) -> Iterator[tuple[str, Real, bool]]:
    """Yield the file of each map, its values, and whether it keeps NaN, as in FSL-MRS."""
    for scaling, scaled in outcome.scaled.items():
        for column, name in enumerate(outcome.names):
            yield f"concs/{scaling}/{name}.nii.gz", scaled.value[:, column], False
    for column, name in enumerate(outcome.names):
        yield f"uncertainties/{name}_sd.nii.gz", outcome.crlb_percent[:, column], False
    for column, name in enumerate(outcome.members):
        yield f"qc/{name}_snr.nii.gz", outcome.snr[:, column], False
        yield f"qc/{name}_fwhm.nii.gz", outcome.fwhm_hz[:, column], False
    yield "nuisance/p0.nii.gz", phase_deg(outcome), True
    yield "nuisance/p1.nii.gz", phase_slope_s(outcome), True
    shifts, widths = shift_ppm(outcome), widths_hz(outcome)
    if outcome.misfit is not None:
        yield "qc/ood.nii.gz", outcome.misfit, False
    for name in ("surprise", "widening", "line_ppm", "line_z"):
        if (values := getattr(outcome, name)) is not None:
            yield f"qc/{name}.nii.gz", values, False
    for group in range(outcome.gamma.shape[1]):
        yield f"nuisance/shift_group{group}.nii.gz", shifts[:, group], True
        for label, width in zip(("combined_lw", "gamma", "sigma"), widths, strict=True):
            yield f"nuisance/{label}_group{group}.nii.gz", width[:, group], True


def _posterior_maps(outcome: Outcome) -> Iterator[tuple[str, Real]]:
    """Yield the file of each map of the posterior, and its values."""
    for scaling, kind in posterior_maps(outcome):
        pattern, values = posterior_file(kind, scaling), outcome.scaled[scaling].extra[kind]
        for column, name in enumerate(outcome.names):
            yield f"{pattern.format(name)}.nii.gz", values[:, column]


def _write_verdict(outcome: Outcome, verdict: NDArray[np.int8], fit: MRSData, staging: Staging) -> None:
    """Write the codes of the verdicts, their meaning, and the reason of each voxel."""
    write_map_image(outcome.on_grid(verdict.astype(np.int16)), fit, staging.path("qc/verdict.nii.gz"))
    words = {level.code: word for word, level in VERDICTS.items()}
    meaning = {
        word: {"value": level.code, "meaning": level.meaning, "voxels": int((verdict == level.code).sum())}
        for word, level in VERDICTS.items()
    }
    staging.path("qc/verdict.json").write_text(json.dumps(meaning, indent=1), encoding="utf-8")
    rows = zip(outcome.voxels.tolist(), verdict.tolist(), outcome.reasons, strict=True)
    with staging.path("qc/verdict.csv").open("w", newline="", encoding="utf-8") as handle:
        lines = csv.writer(handle, lineterminator="\n")
        lines.writerow(("x", "y", "z", "verdict", "reason"))
        lines.writerows((*place, words[code], csv_cell(reason)) for place, code, reason in rows)


def _write_map(values: Real, outcome: Outcome, like: MRSData, path: Path, *, keep_nan: bool) -> None:
    """Write a map; missing values are zero, as in FSL-MRS, except in the nuisance maps."""
    shown = values if keep_nan else np.where(np.isfinite(values), values, 0.0)
    write_map_image(outcome.on_grid(shown), like, path)


def write_map_image(values: NDArray[Any], like: MRSData, path: Path) -> None:
    """Write a plain NIfTI image on the grid of the data, with their position."""
    write_image(_header(values.dtype, like), values.shape, [values], path)


def _header(kind: np.dtype[Any], like: MRSData) -> Any:
    """Return the header of a plain NIfTI image on the grid of the data."""
    header: Any = like.nifti_header
    if header is None:
        one = replace(like, fid=np.zeros((1, 1, 1, like.n_points), dtype=like.fid.dtype))
        header = nifti.to_nifti_mrs(one).header
    affine = header.get_best_affine()
    image = nib.Nifti1Image(np.zeros((1, 1, 1), dtype=kind), affine)
    image.set_qform(affine, int(header["qform_code"]))
    image.set_sform(affine, int(header["sform_code"]))
    image.header.set_xyzt_units(xyz="mm")
    return image.header


def _write_parameters(outcome: Outcome, like: MRSData, staging: Staging, ending: str) -> None:
    """Write the parameters of every curve in every voxel: one volume for each parameter, and their names."""
    columns: list[tuple[str, str, Real]] = [
        (f"amplitude_{name}", "", outcome.scaled["raw"].value[:, i]) for i, name in enumerate(outcome.members)
    ]
    for group in range(outcome.gamma.shape[1]):
        columns += [
            (f"shift_{group}", "Hz", outcome.shift_hz[:, group]),
            (f"gamma_{group}", "rad/s", outcome.gamma[:, group]),
            (f"sigma_{group}", "rad/s", outcome.sigma[:, group]),
        ]
    if outcome.member_hz is not None:
        own = outcome.member_hz
        columns += [(f"shift_{name}", "Hz", own[:, i]) for i, name in enumerate(outcome.members)]
    columns += _averaged_columns(outcome)
    columns += [("phase", "rad", outcome.phase_rad), ("delay", "s", outcome.delay_s)]
    for i in range(outcome.baseline_coefficients.shape[1]):
        coefficient = outcome.baseline_coefficients[:, i]
        columns += [
            (f"baseline_real_{i}", "", coefficient.real),
            (f"baseline_imag_{i}", "", coefficient.imag),
        ]
    columns += [
        ("noise_sd", "", outcome.noise_sd),
        ("residual_whiteness", "", outcome.residual_whiteness),
        ("iterations", "", outcome.iterations.astype(np.float64)),
    ]
    volumes = (outcome.on_grid(values.astype(np.float64), math.nan)[..., None] for _, _, values in columns)
    shape = (*outcome.grid, len(columns))
    header = _header(np.dtype(np.float64), like)
    write_image(header, shape, volumes, staging.path(f"fit/parameters{ending}"))
    content = {
        "parameters": [{"name": name, "unit": unit} for name, unit, _ in columns],
        "metabolites": list(outcome.members),
        "groups": list(outcome.groups),
        "ppmlim": list(outcome.ppmlim),
        "hypotheses": list(outcome.hypotheses),
        "basis": "basis",
        "sign": "downfield is positive frequency; curve = exp(i phase) exp(2 pi i delay (f - shift_0)) "
        "F{amplitude x(t) exp((2 pi i shift - gamma) t - sigma^2 t^2)}",
    }
    staging.path("fit/parameters.json").write_text(json.dumps(content, indent=1), encoding="utf-8")


def _averaged_columns(outcome: Outcome) -> list[tuple[str, str, Real]]:
    """Return the parameters of an average over hypotheses."""
    columns: list[tuple[str, str, Real]] = []
    if outcome.member_gamma is not None:
        wider = outcome.member_gamma
        columns += [(f"gamma_{name}", "rad/s", wider[:, i]) for i, name in enumerate(outcome.members)]
    if outcome.lineshape is not None:
        columns += [(f"lineshape_{i}", "", values) for i, values in enumerate(outcome.lineshape.T)]
    if outcome.broad_coefficients is not None:
        for i, values in enumerate(outcome.broad_coefficients.T):
            columns += [(f"broad_real_{i}", "", values.real), (f"broad_imag_{i}", "", values.imag)]
    if outcome.proton_signal is not None:
        columns.append(("proton_signal", "", outcome.proton_signal))
    if outcome.hypothesis is not None and outcome.hypothesis_weight is not None:
        columns.append(("hypothesis", "", outcome.hypothesis[:, 0].astype(np.float64)))
        columns.append(("hypothesis_weight", "", outcome.hypothesis_weight[:, 0]))
    return columns


def _write_lists(outcome: Outcome, staging: Staging) -> None:
    """Write the lists of fsl_mrsi's folder ``misc``, and the meaning of the flags."""
    groups: dict[str, list[str]] = {}
    for name, group in zip(outcome.members, outcome.groups, strict=True):
        groups.setdefault(str(group), []).append(name)
    staging.path("misc/metabolite_groups.json").write_text(json.dumps(groups), encoding="utf-8")
    n_groups = range(outcome.gamma.shape[1])
    lines = [f"{kind}_{g}" for kind in ("gamma", "sigma", "eps") for g in n_groups]
    smooth = [
        f"B_{part}_{i}" for i in range(outcome.baseline_coefficients.shape[1]) for part in ("real", "imag")
    ]
    parameters = [*outcome.members, *lines, "Phi0", "Phi1", *smooth]
    combined = list(outcome.names[len(outcome.members) :])
    lists = {
        "parameters": parameters,
        "parameters_inc_comb": [*parameters, *combined],
        "metabolites": list(outcome.members),
        "metabolites_inc_comb": list(outcome.names),
    }
    staging.path("misc/mrs_fit_parameters.json").write_text(json.dumps(lists), encoding="utf-8")
    meaning = {
        token: {"value": 1 << flag.bit, "meaning": flag.meaning, "severity": flag.severity}
        for token, flag in FLAGS.items()
    }
    staging.path("qc/flags.json").write_text(json.dumps(meaning, indent=1), encoding="utf-8")
