"""Fill the form of a step from what is shown, and list basis sets and model packages; without windows."""

from collections.abc import Mapping
from pathlib import Path

from fsl_mrs_dl.io.names import without_ending
from fsl_mrs_dl.models.package import packages
from fsl_mrs_dl.steps.registry import Step
from fsleyes_plugin.model.scan import Scan
from fsleyes_plugin.refitting import free_folder, shipped_names, values_like
from fsleyes_plugin.session import Fit


def names_for(step: Step, option: str) -> tuple[str, ...]:
    """Return what can be chosen by name for an option: basis sets, or packages for the task of the step."""
    if option == "basis":
        return shipped_names()
    if option == "model":
        return tuple(path.parent.name for path in packages() if path.parent.name.startswith(f"{step.name}-"))
    return ()


def data_path(shown: Fit | Scan | None, selected: Path | None = None) -> Path | None:
    """Return the file of data that a step would work on.

    Parameters
    ----------
    shown : Fit or Scan or None
        What is drawn: a file, or a fit, whose record names its data.
    selected : Path, optional
        File of the selected overlay, if it is NIfTI-MRS and no result.
    """
    if selected is not None:
        return selected
    if isinstance(shown, Scan):
        return shown.path
    if shown is None:
        return None
    settings = (shown.folder.record or {}).get("settings")
    recorded = settings.get("data") if isinstance(settings, dict) else None
    # A path that was given relative to the folder of the command, which usually is that above the results.
    path = shown.folder.path.parent / str(recorded or "")
    return path if recorded and path.is_file() else None


def suggested(step: Step, data: Path | None, shown: Fit | Scan | None) -> Mapping[str, str]:
    """Return texts for the form of a step.

    Parameters
    ----------
    step : Step
    data : Path or None
        See :func:`data_path`.
    shown : Fit or Scan or None
        The settings of a fit are taken for another fit.

    Returns
    -------
    mapping of str to str
        Flag to text: the file, a folder beside it that does not exist yet, and the settings of the fit.
    """
    like = values_like(shown.folder, step) if step.fits and isinstance(shown, Fit) else {}
    if data is None:
        return like
    source = "--data" if step.fits else "--file"
    output = free_folder(data.parent, f"{without_ending(data.name)}_{step.name}")
    return {**like, source: str(data), "--output": str(output)}
