"""Write the results of one spectrum: FSL-MRS's tables, and the curves as NIfTI-MRS."""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from fsl_mrs_dl.data import VERDICTS, Complex, MRSData
from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.io.results.fsl_convention import parameter_rows
from fsl_mrs_dl.io.results.outcome import EXTRA_COLUMNS, Outcome, Scaled
from fsl_mrs_dl.io.staging import Staging
from fsl_mrs_dl.io.untrusted_text import csv_cell

_SUMMARY = {"molality": "mMol/kg", "molarity": "mM"}
_SUMMARY_COLUMNS = ("posterior_mean", "posterior_sd", "ci95_low", "ci95_high")


def write_svs(fit: MRSData, fitted: MRSData, outcome: Outcome, staging: Staging) -> None:
    """Write the tables and the curves of one fit.

    Parameters
    ----------
    fit : MRSData
        Fitted curve, with the record of the run, which the other curves get too.
    fitted : MRSData
        Data that were fitted.
    outcome : Outcome
        Of one voxel.
    staging : Staging
    """
    _write_rows(staging.path("summary.csv"), _summary(outcome))
    _write_rows(staging.path("concentrations.csv"), _concentrations(outcome))
    misfit = np.full(len(outcome.members), np.nan if outcome.misfit is None else outcome.misfit[0])
    # The verdict is that of the spectrum, the same in each row.
    verdict = ("", "") if outcome.verdict is None else (_verdict(outcome), outcome.reasons[0])
    quality = [
        (*row, *verdict)
        for row in zip(outcome.members, outcome.snr[0], outcome.fwhm_hz[0], misfit, strict=True)
    ]
    head = ("Metab", "SNR", "FWHM", "ood", "verdict", "reason")
    _write_rows(staging.path("qc.csv"), [head, *quality])
    parameters = parameter_rows(outcome)
    _write_rows(staging.path("all_parameters.csv"), [("parameter", "mean", "std"), *parameters])
    nifti.write(fit, staging.path("fit.nii.gz"))
    nifti.write(_as(fit, outcome.baseline), staging.path("baseline.nii.gz"))
    residual = fitted.fid[0, 0, 0] - outcome.fit[0]
    nifti.write(_as(fit, residual), staging.path("residual.nii.gz"))
    nifti.write(_metabolites(fit, outcome), staging.path("metabolites.nii.gz"))


def _verdict(outcome: Outcome) -> str:
    assert outcome.verdict is not None
    return next(word for word, level in VERDICTS.items() if level.code == int(outcome.verdict[0]))


def _as(fit: MRSData, curve: Complex) -> MRSData:
    return fit.with_fid(curve.reshape(fit.fid.shape))


def _metabolites(fit: MRSData, outcome: Outcome) -> MRSData:
    """Return the curve of each member, along DIM_USER_0."""
    assert outcome.metabolites is not None
    curves = np.moveaxis(outcome.metabolites, 1, -1)[:, None, None].astype(fit.fid.dtype)
    names = {"Metabolite": {"Value": list(outcome.members), "Description": "Member of the basis set"}}
    headers = {"DIM_USER_0": {"info": "Fitted signal of each metabolite", "header": names}}
    return replace(fit, fid=curves, dim_tags=("DIM_USER_0",), dim_headers=headers)


def _summary(outcome: Outcome) -> list[Sequence[Any]]:
    """Return FSL-MRS's summary, followed by the posterior of the same scalings, if there is one.

    FSL-MRS's columns are the estimates without prior with their SDs, the SD in per cent, SNR and width.
    """
    columns: list[tuple[str, Sequence[Any]]] = [("Metab", outcome.names)]
    shown: dict[str, Scaled] = {}
    if "internal" in outcome.scaled:
        shown["/" + "+".join(outcome.internal_reference)] = outcome.scaled["internal"]
    else:
        shown["Raw conc"] = outcome.scaled["raw"]
    shown |= {label: outcome.scaled[name] for name, label in _SUMMARY.items() if name in outcome.scaled}
    for label, scaled in shown.items():
        beside = "Raw CRLB" if label == "Raw conc" else f"{label} CRLB"
        columns += [(label, scaled.value[0]), (beside, scaled.sd[0])]
    nothing = [np.nan] * len(outcome.sums)
    columns += [
        ("%CRLB", outcome.crlb_percent[0]),
        ("SNR", [*outcome.snr[0], *nothing]),
        ("FWHM", [*outcome.fwhm_hz[0], *nothing]),
    ]
    for label, scaled in shown.items():
        columns += [
            (f"{label} {name}", scaled.extra[name][0]) for name in _SUMMARY_COLUMNS if name in scaled.extra
        ]
    if "shrinkage" in (extra := outcome.scaled["raw"].extra):
        columns.append(("shrinkage", extra["shrinkage"][0]))
    return [[label for label, _ in columns], *zip(*(values for _, values in columns), strict=True)]


def _concentrations(outcome: Outcome) -> list[Sequence[Any]]:
    """Return FSL-MRS's two-line header and values, then our columns; unknown values are empty."""
    columns: list[tuple[str, str, Sequence[Any]]] = [("Metabs", "", outcome.names)]
    columns += [("mean", name, scaled.value[0]) for name, scaled in outcome.scaled.items()]
    columns += [("std", name, scaled.sd[0]) for name, scaled in outcome.scaled.items()]
    nothing = [np.nan] * len(outcome.names)
    for extra in EXTRA_COLUMNS:
        for name, scaled in outcome.scaled.items():
            known = {"crlb": scaled.crlb, **scaled.extra}
            columns.append((extra, name, known[extra][0] if extra in known else nothing))
    heads = [[top for top, _, _ in columns], [below for _, below, _ in columns]]
    return [*heads, *zip(*(values for _, _, values in columns), strict=True)]


def _write_rows(path: Path, rows: Iterable[Sequence[Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as handle:
        csv.writer(handle, lineterminator="\n").writerows([_cell(value) for value in row] for row in rows)


def _cell(value: Any) -> str:
    """Return a number with ten digits, empty for NaN; text that a spreadsheet cannot read as a formula."""
    if isinstance(value, str):
        return csv_cell(value)
    return "" if np.isnan(value) else f"{float(value):.10g}"
