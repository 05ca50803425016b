"""Words of a fit with the settings of an earlier one, and the basis sets to choose from; without windows."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fsl_mrs_dl.simulate.shipped import RECIPES
from fsl_mrs_dl.steps.registry import Step, steps
from fsleyes_plugin.model.folder import ResultFolder

_OF_THE_DATA = ("h2o", "mask", "tissue_frac", "t1", "parallel", "parallel_workers", "points")
"""Settings that belong to the voxels of the earlier fit, or to its run."""
_FIT = "quantify"


def basis_of(folder: ResultFolder | None) -> str:
    """Return the basis set of a fit: a shipped name, its path, or the copy beside the fit; empty if unknown."""
    if folder is None:
        return ""
    recorded = str(_settings(folder).get("basis") or (folder.fsl_mrs or {}).get("basis") or "")
    if recorded in RECIPES or (recorded and Path(recorded).exists()):
        return recorded
    copied = folder.path / "basis"
    return str(copied) if copied.is_dir() else ""


def shipped_names() -> tuple[str, ...]:
    """Return the names of the basis sets that come with the package."""
    return tuple(RECIPES)


def values_like(folder: ResultFolder | None, step: Step | None = None) -> dict[str, str]:
    """Return the texts of the form of ``quantify`` for a fit with the settings of an earlier one.

    Parameters
    ----------
    folder : ResultFolder or None
        With ``run.json``; otherwise the defaults are left.
    step : Step, optional
    """
    fit = step or steps()[_FIT]
    settings = _settings(folder) if folder is not None else {}
    values = {}
    for option in fit.options:
        value = settings.get(option.name)
        if option.name in _OF_THE_DATA or value is None or value == option.default:
            continue
        values[f"--{option.name}"] = _as_text(value)
    basis = basis_of(folder)
    return {**values, "--basis": basis} if basis else values


def _settings(folder: ResultFolder) -> Mapping[str, Any]:
    settings = (folder.record or {}).get("settings")
    return settings if isinstance(settings, dict) else {}


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, (list, tuple)):
        return " ".join(_as_text(item) for item in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def free_folder(parent: Path, name: str) -> Path:
    """Return a path in a folder that does not exist yet: ``name_1``, ``name_2``, ..."""
    n = 1
    while (parent / f"{name}_{n}").exists() or (parent / f"{name}_{n}.nii.gz").exists():
        n += 1
    return parent / f"{name}_{n}"
