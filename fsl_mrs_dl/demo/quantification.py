"""The second part of the demo: compare metabolites of the averaged scan and of an MRSI phantom with the truth."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from fsl_mrs_dl.data import MRSData, Real
from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.io.results import Outcome
from fsl_mrs_dl.io.staging import Staging
from fsl_mrs_dl.io.volumes import read_volume
from fsl_mrs_dl.steps.registry import StepResult

BASIS = "press_3t_te30"
"""Shipped basis set for simulation and fit; measured data need their own."""
_PRINTED = ("NAA+NAAG", "Cr+PCr", "GPC+PCh", "Glu+Gln", "Glu", "Ins", "GSH", "Tau", "NAA", "GABA", "Lac")
_MAPS = ("NAA+NAAG", "Cr+PCr", "GPC+PCh", "Glu", "Ins")


def compare_single_voxel(output: Path, *, overwrite: bool) -> None:
    """Print and draw the ratios of the averaged scan and the truth of the simulation.

    Coil combination changes the scale of the data, so that only ratios can be compared.
    """
    from fsl_mrs_dl.report import save_fit_figure

    result = _quantified(output / "4_averaged/scan.nii.gz")
    outcome, fitted = _outcome_of(result)
    amounts = json.loads((output / "1_scan/scan_truth.json").read_text(encoding="utf-8"))["amplitudes"]
    reference = _sum(amounts, "+".join(outcome.internal_reference))
    scaled = outcome.scaled["internal"]
    print(f"\n{'ratio to ' + '+'.join(outcome.internal_reference):16}{'':8}", end="")  # noqa: T201
    print(f"{'posterior':>10}{'95 % low':>10}{'high':>8} | {'without prior':>13}")  # noqa: T201
    print(f"{'':16}{'truth':>8}{'mean':>10}{'':18} | {'estimate':>13}{'SD':>8}{'error/SD':>10}")  # noqa: T201
    for name in _PRINTED:
        n = outcome.column(name)
        if name == "+".join(outcome.internal_reference):
            continue
        value, sd, truth = scaled.value[0, n], scaled.sd[0, n], _sum(amounts, name) / reference
        mean, low, high = (scaled.extra[kind][0, n] for kind in ("posterior_mean", "ci95_low", "ci95_high"))
        row = f"{name:16}{truth:8.3f}{mean:10.3f}{low:10.3f}{high:8.3f} | {value:13.3f}{sd:8.3f}"
        print(f"{row}{(value - truth) / sd:10.2f}")  # noqa: T201
    scale = outcome.scaled["raw"].value[0, outcome.column("+".join(outcome.internal_reference))] / reference
    with Staging(output, overwrite=overwrite) as staging:
        amplitudes = {
            name: scale * _sum(amounts, name) for name in outcome.names if _has_parts(amounts, name)
        }
        save_fit_figure(fitted, outcome, staging.path("fit.png"), truth=amplitudes)


def compare_maps(output: Path, *, overwrite: bool) -> None:
    """Print and draw the maps of the phantom and the true ones."""
    from fsl_mrs_dl.report import save_map_figure

    scan = output / "6_mrsi"
    result = _quantified(scan / "mrsi.nii.gz", mask=scan / "mrsi_mask.nii.gz")
    outcome, fitted = _outcome_of(result)
    files = {name: scan / "mrsi_truth" / f"{name}.nii.gz" for name in outcome.members}
    members = {
        name: read_volume(path, outcome.grid, "truth") for name, path in files.items() if path.is_file()
    }
    truth = {name: _sum(members, name) for name in outcome.names if _has_parts(members, name)}
    raw, sound = outcome.scaled["raw"], outcome.flags == 0
    print(f"\nMRSI, {int(sound.sum())} of {sound.size} voxels that are not flagged")  # noqa: T201
    print(f"{'':22}{'posterior':>10} | {'without prior':>13}")  # noqa: T201
    head = f"{'amplitude':14}{'truth':>8}{'mean':>10} | {'estimate':>13}{'SD (%)':>8}{'error/SD':>10}"
    print(f"{head}   (means; median; root mean square)")  # noqa: T201
    for name in _PRINTED:
        n = outcome.column(name)
        true = truth[name][tuple(outcome.voxels.T)][sound]
        value, sd, mean = raw.value[sound, n], raw.sd[sound, n], raw.extra["posterior_mean"][sound, n]
        worst = float(np.sqrt(np.mean(((value - true) / sd) ** 2)))
        percent = float(np.median(outcome.crlb_percent[sound, n]))
        row = f"{name:14}{np.mean(true):8.2f}{np.mean(mean):10.2f} | {np.mean(value):13.2f}"
        print(f"{row}{percent:8.1f}{worst:10.2f}")  # noqa: T201
    with Staging(output, overwrite=overwrite) as staging:
        save_map_figure(fitted, outcome, staging.path("maps.png"), names=_MAPS, truth=truth)


def _quantified(path: Path, **options: Path) -> StepResult:
    """Run quantify from Python, with the options of the command."""
    from fsl_mrs_dl.steps.quantify import quantify

    result: StepResult = quantify(nifti.read(path), basis=BASIS, **options)
    return result


def _outcome_of(result: StepResult) -> tuple[Outcome, MRSData]:
    assert result.outcome is not None
    assert result.fitted is not None
    return result.outcome, result.fitted


def _has_parts(values: Mapping[str, Real], name: str) -> bool:
    """Return whether there are values for all parts of a name: the simulation lacks macromolecules of the fit."""
    return all(part in values for part in name.split("+"))


def _sum(values: Mapping[str, Real], name: str) -> Real:
    """Return a value, or that of a sum written ``A+B``."""
    first, *others = name.split("+")
    return sum((values[other] for other in others), values[first])
