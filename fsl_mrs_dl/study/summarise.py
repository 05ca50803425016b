"""Folders that FSL-MRS's ``fsl_mrs_summarise`` reads: one for each scan of a study.

That program draws each fit again from the parameters of FSL-MRS's model, which those of ``--baseline auto`` are
not. So the folder of a scan has a basis set of two members, the fitted curve without its baseline and the
baseline, and parameters that add them unchanged. The tables of amounts and quality are those of the scan.
"""

import csv
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fsl_mrs_dl.data import TIME_AXIS, Basis
from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.io.basis import write_json_basis
from fsl_mrs_dl.io.staging import Staging
from fsl_mrs_dl.study.table import Result

FOLDER = "fsl_mrs"
"""Sub-folder of the study with these folders."""
_OPTIONS, _PARAMETERS = "options.txt", "all_parameters.csv"
_TABLES = ("concentrations.csv", "qc.csv")
_MEMBERS = ("Baseline", "Metabolites")  # in the order of their names, as FSL-MRS sorts them
_NUISANCES = ("gamma_0", "sigma_0", "eps_0", "Phi0", "Phi1", "B_real_0", "B_imag_0")
"""Parameters of FSL-MRS's Voigt model with one group and without baseline; all are zero here."""


def write_summarise_folders(results: Sequence[Result], staging: Staging) -> None:
    """Write the folder of each scan that has results.

    Parameters
    ----------
    results : sequence of Result
    staging : Staging
        Of the folder of the study.
    """
    for result in results:
        if result.amounts:
            _write(result, staging)


def remove_other_folders(results: Sequence[Result], output: Path) -> None:
    """Remove the folders of scans that are no longer there, or failed.

    Parameters
    ----------
    results : sequence of Result
    output : Path
        Folder of the study.
    """
    top = output / FOLDER
    current = {top / result.job.scan.name for result in results if result.amounts}
    for options in sorted(top.rglob(_OPTIONS)):
        if options.parent not in current and '"program": "fsl_mrs_dl"' in options.read_text(encoding="utf-8"):
            shutil.rmtree(options.parent)


def _write(result: Result, staging: Staging) -> None:
    source, place = result.job.results, f"{FOLDER}/{result.job.scan.name}"
    fit, residual, smooth = (
        nifti.read(source / f"{name}.nii.gz") for name in ("fit", "residual", "baseline")
    )
    nifti.write(fit.with_fid(fit.fid + residual.fid), staging.path(f"{place}/data.nii.gz"))
    curves = np.stack([smooth.fid, fit.fid - smooth.fid]).astype(np.complex128)
    fids = np.moveaxis(curves, 1 + TIME_AXIS, -1).reshape(len(_MEMBERS), fit.n_points)
    basis = Basis(
        fids=fids,
        names=_MEMBERS,
        dwelltime_s=fit.dwelltime_s,
        spectrometer_frequency_mhz=fit.spectrometer_frequency_mhz,
        nucleus=fit.nucleus,
    )
    paths = [staging.path(f"{place}/basis/{name}.json") for name in _MEMBERS]
    write_json_basis(basis, paths[0].parent)
    record = json.loads((source / "run.json").read_text(encoding="utf-8"))
    options = json.dumps(_options(record["settings"]["ppmlim"]))
    staging.path(f"{place}/{_OPTIONS}").write_text(options + "\n", encoding="utf-8")
    for name in _TABLES:
        shutil.copyfile(source / name, staging.path(f"{place}/{name}"))
    with staging.path(f"{place}/{_PARAMETERS}").open("w", encoding="utf-8", newline="") as handle:
        rows = [*((name, 1.0) for name in _MEMBERS), *((name, 0.0) for name in _NUISANCES)]
        csv.writer(handle, lineterminator="\n").writerows([("parameter", "mean"), *rows])


def _options(limits_ppm: list[float]) -> dict[str, Any]:
    """Return the options of ``fsl_mrs`` that reproduce the curves: nothing is scaled, conjugated or left out."""
    return {
        "program": "fsl_mrs_dl",
        "data": "data.nii.gz",
        "basis": "basis",
        "algo": "Newton",
        "ppmlim": limits_ppm,
        "baseline": "off",
        "baseline_order": None,
        "metab_groups": 0,
        "lorentzian": False,
        "no_rescale": True,
        "ind_scale": [],
        "conjbasis": False,
        "keep": None,
        "ignore": None,
        "combine": None,
    }
