"""The registry of steps: a documented function becomes a command, a record, a page and a form.

A step takes :class:`~fsl_mrs_dl.data.MRSData` and keyword-only options and returns a :class:`StepResult`.
Calling it, from Python or from the command line, checks the input, runs it and appends its record to
``ProcessingApplied``. Built-in steps are the modules of this package; others register through the
entry-point group ``fsl_mrs_dl.steps``, see :mod:`fsl_mrs_dl.steps.third_party`.
"""

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fsl_mrs_dl.data import TIME_AXIS, Basis, Estimates, MRSData, Real, Stage, fid_flags
from fsl_mrs_dl.errors import DataError, OptionError
from fsl_mrs_dl.io.names import shown
from fsl_mrs_dl.steps.options import Option, describe

if TYPE_CHECKING:
    from fsl_mrs_dl.fit.reconstruction import Reconstruction
    from fsl_mrs_dl.io.results import Outcome

_NOT_STEPS = {
    "align_models",
    "command",
    "config",
    "convert",
    "dashes",
    "exit_status",
    "fast",
    "fsl_mrs_proc",
    "options",
    "quantify_amortised",
    "quantify_basis",
    "quantify_fit_model",
    "quantify_fitters",
    "quantify_members",
    "quantify_networks",
    "quantify_notes",
    "quantify_request",
    "quantify_spectra",
    "quantify_times",
    "quantify_water",
    "reconstruct_notes",
    "reconstruct_penalty",
    "registry",
    "removed_noise",
    "results_folder",
    "scan_reading",
    "scan_summary",
    "segment",
    "step_summary",
    "synthesis_models",
    "synthesise",
    "third_party",
    "tools",
    "water_references",
}
MIN_POINTS = 32
"""Least number of points of an FID; every step refuses shorter ones, which have no resolution."""


@dataclass(frozen=True, eq=False)
class StepResult:
    """Result of a step.

    Attributes
    ----------
    data : MRSData
        The new data, with the record of the step.
    estimates : Estimates or None
        Shift and phase of the input's FIDs, if the step estimates them.
    settled : mapping
        Settings that the step chose (defaults that depend on the data), for the record.
    then : tuple of (Step, mapping)
        Steps to run on the result with these options, each with a record of its own.
    aligned : MRSData or None
        Data before the steps of ``then``, if there were any, for the report.
    outcome : Outcome or None
        Results of a quantification; ``data`` is then the fit.
    fitted : MRSData or None
        The data that were fitted, for the residual and the report.
    messages : tuple of str
        Lines for the terminal: decisions and results of the step.
    stages : tuple of Stage
        The steps of a chain, in order; the first is the data at its start.
    images : mapping of str to ndarray, float, shape (x, y, z)
        Images to write with the data, by name.
    reconstruction : Reconstruction or None
        For the report.
    """

    data: MRSData
    estimates: Estimates | None = None
    settled: Mapping[str, Any] = field(default_factory=dict)
    then: tuple[tuple["Step", Mapping[str, Any]], ...] = ()
    aligned: MRSData | None = None
    outcome: "Outcome | None" = None
    fitted: MRSData | None = None
    messages: tuple[str, ...] = ()
    stages: tuple[Stage, ...] = ()
    images: Mapping[str, Real] = field(default_factory=dict)
    reconstruction: "Reconstruction | None" = None


@dataclass(frozen=True)
class Step:
    """A registered step; call it like its function.

    Attributes
    ----------
    name : str
        Subcommand.
    method : str
        Keyword of the NIfTI-MRS standard for the record.
    function : callable
        ``function(data, *, ...) -> StepResult``.
    summary, description : str
        From the docstring.
    options : tuple of Option
        From signature and docstring.
    report : str or None
        Name of the function in :mod:`fsl_mrs_dl.report` that makes the page of the step.
    fits : bool
        Whether it fits: it then has FSL-MRS's ``--data``, ``--report`` and ``--config`` instead of ``--file``,
        ``--filename`` and ``-r``, and writes a folder of results.
    first : tuple of str
        The most used options, which have a group of their own in the help.
    example : str
        A command line to copy; empty if there is none.
    chained : bool
        Whether it only runs other steps: each of them appends its record, and it has none.
    """

    name: str
    method: str
    function: Callable[..., StepResult]
    summary: str
    description: str
    options: tuple[Option, ...]
    report: str | None = None
    fits: bool = False
    first: tuple[str, ...] = ()
    example: str = ""
    chained: bool = False

    def __call__(self, data: MRSData, **options: Any) -> StepResult:
        """Run the step and append its record.

        Parameters
        ----------
        data : MRSData
        **options
            The step's keywords.

        Returns
        -------
        StepResult

        Raises
        ------
        MRSDLError
            If the data or an option cannot be used.
        """
        settings = self.resolve(options)
        check_usable(data)
        result = self.function(data, **settings)
        if self.chained:
            return result
        details = self._details({**settings, **result.settled})
        from fsl_mrs_dl.io.nifti import record

        processing = (*result.data.processing, record(self.method, details))
        recorded = replace(result.data, processing=processing)
        final = recorded
        messages = result.messages
        for following, more in result.then:
            done = following(final, **more)
            final, messages = done.data, (*messages, *done.messages)
        return replace(result, data=final, aligned=recorded if result.then else None, messages=messages)

    def resolve(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Return every option of the step with its checked value.

        Raises
        ------
        OptionError
            If an option is unknown, missing, or has an impossible value.
        """
        known = {option.name: option for option in self.options}
        for name in options:
            if name not in known:
                raise OptionError(f"{self.name} has no option {name}; it has {', '.join(known)}.")
        missing = [o.name for o in self.options if o.required and o.name not in options]
        if missing:
            raise OptionError(f"{self.name} needs --{missing[0]}.")
        return {name: option.check(options.get(name, option.default)) for name, option in known.items()}

    def _details(self, settings: Mapping[str, Any]) -> str:
        parts = [f"{self.function.__module__}.{self.function.__name__}"]
        parts += [f"{name}={_setting_text(value)}" for name, value in settings.items()]
        return ", ".join(parts) + "."


def _setting_text(value: Any) -> str:
    """Return a setting as text for a record, in the form of FSL-MRS: files by name, pairs in brackets."""
    if isinstance(value, (MRSData, Basis)):
        return value.name or "given in memory"
    if hasattr(value, "__array__") and hasattr(value, "shape"):
        return "given in memory"
    if isinstance(value, Path):
        return shown(value.name)
    if isinstance(value, tuple):
        return "[" + ", ".join(_setting_text(item) for item in value) + "]"
    return f"{value:g}" if isinstance(value, float) else str(value)


def step(
    *,
    method: str,
    report: str | None = None,
    fits: bool = False,
    first: tuple[str, ...] = (),
    then: Step | None = None,
) -> Callable[[Callable[..., StepResult]], Step]:
    """Make a step of a function ``(data, *, options) -> StepResult``; it has the name of the function.

    Parameters
    ----------
    method : str
        Keyword of the NIfTI-MRS standard for the record.
    report : str, optional
        Name of a function in :mod:`fsl_mrs_dl.report`. Default: the spectrum before and after.
    fits : bool
        See :class:`Step`.
    first : tuple of str
        See :class:`Step`.
    then : Step, optional
        Last step of a chain: its options are options of this step too, except files of data.
    """

    def decorate(function: Callable[..., StepResult]) -> Step:
        documented = describe(function)
        options = documented.options
        if then is not None:
            options += tuple(option for option in then.options if option.kind is not MRSData)
        return Step(
            function.__name__,
            method,
            function,
            documented.summary,
            documented.description,
            options,
            report or (None if fits else "step_page"),
            fits,
            first + (() if then is None else then.first),
            documented.example,
            chained=then is not None,
        )

    return decorate


def check_usable(data: MRSData) -> None:
    """Refuse data that no step can use.

    Raises
    ------
    DataError
        If the FIDs are too short, or none of them is finite and not zero.
    """
    name = data.name or "The data"
    if data.n_points < MIN_POINTS:
        raise DataError(f"{name} has {data.n_points} points an FID; at least {MIN_POINTS} are needed.")
    if not usable_fids(data).any():
        raise DataError(f"{name} has no FID that is finite and not zero; check the export of the scan.")


def usable_fids(data: MRSData) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return which FIDs are finite and not zero everywhere; shape of the FIDs without the time axis."""
    usable: np.ndarray[Any, np.dtype[np.bool_]] = fid_flags(data.fid, TIME_AXIS) == ""
    return usable


def steps() -> dict[str, Step]:
    """Return every step by name, built-in ones first; unusable ones of other packages are left out."""
    from fsl_mrs_dl.steps.third_party import third_party_steps

    built_in = built_in_steps()
    return {**built_in, **third_party_steps(built_in)}


def built_in_steps() -> dict[str, Step]:
    """Return the program's own steps by name."""
    import fsl_mrs_dl.steps as package

    named: dict[str, Step] = {}
    for module in pkgutil.iter_modules(package.__path__):
        if module.name not in _NOT_STEPS:
            loaded = importlib.import_module(f"{package.__name__}.{module.name}")
            named[module.name] = getattr(loaded, module.name)
    return named
