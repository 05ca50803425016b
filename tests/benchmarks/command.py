"""The command ``python -m tests.benchmarks``."""

import importlib
import sys
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from fsl_mrs_dl.errors import OptionError
from fsl_mrs_dl.io.staging import Staging
from fsl_mrs_dl.steps.command import run_tool
from tests.benchmarks.table import Page, page_text, picture_file

PROGRAM = "python -m tests.benchmarks"
_SUPERVISED = ("hatami", "cwt", "scattering")
_OF = {
    "signal": ("fpc",),
    "models": ("fpc", "dq", "regressors", "rizzo", *_SUPERVISED),
    "trained_only": ("dq", "regressors", "rizzo", *_SUPERVISED),
    "basis": _SUPERVISED,
    "share": _SUPERVISED,
}
"""Option -> the tasks that have it."""
_PARTS = {"quantify": ("dq", "trust")}
"""Task -> the tasks whose pages it makes, if it is not one itself."""


def benchmark(
    task: Literal[
        "basis",
        "cwt",
        "dq",
        "dq_invivo",
        "elsewhere",
        "fit",
        "fpc",
        "fuzzing",
        "hatami",
        "invivo",
        "mrsi",
        "quantify",
        "quantify_invivo",
        "reconstruct",
        "registration",
        "regressors",
        "rizzo",
        "robustness",
        "scale",
        "scattering",
        "speed",
        "startup",
        "synthesis",
        "synthesis_elsewhere",
        "trust",
        "verdict",
        "worlds",
    ],
    *,
    profile: Literal["smoke", "small", "paper"] = "smoke",
    output: Path | None = None,
    signal: Path | None = None,
    models: Path | None = None,
    trained_only: bool = False,
    basis: str | None = None,
    share: float | None = None,
    overwrite: bool = False,
    seed: int = 1,
) -> None:
    """Measure accuracy, failures and speed, and write the table.

    Parameters
    ----------
    task : str
        basis: the shipped basis sets beside those of others; cwt: a network on the scalogram beside one on the
        spectrum; dq: networks for quantify beside fits and bounds; dq_invivo: the same on
        measured spectra; elsewhere: the shipped networks for align on
        data of others; fit: the linear-combination fit on simulated
        spectra; fuzzing: spoiled inputs of every kind; fpc: networks for align beside every other method;
        hatami: a network on the spectrum beside fits, a forest and bounds; invivo: the steps on measured files;
        mrsi: a large MRSI through quantify; quantify: dq and trust; quantify_invivo: the fit on measured
        spectra; reconstruct: sparse reconstruction beside its rivals and the fit on raw data; registration:
        methods of align on simulated transients; regressors: networks that give amplitudes alone, beside the
        fit, in other worlds; rizzo: twenty-four networks, ensembles and active learning beside the fit;
        robustness: runs that are killed or whose disk is full; speed: ms a voxel of MRSI, and what it costs in
        accuracy; startup: how long the program takes to start;
        synthesis: generative networks, and what augmenting with them does; synthesis_elsewhere: transients
        made like those of other simulators; trust: posterior, intervals, biases
        and unusual inputs of quantify; verdict: good, usable or unusable, on measured spectra and damaged
        copies of them; worlds: quantify on spectra of known truth that its model did not make.
    profile : str
        smoke: seconds; small: minutes on two cores; paper: hours, or a GPU.
    output : Path
        Folder for the page, TASK.md, and its figures. Default: print the page.
    signal : Path
        Of fpc: the published rat signal (obx_23_9_FC.mat) instead of singlets.
    models : Path
        Of fpc, dq, hatami, cwt, scattering, regressors and rizzo: folder of networks; one that is there already
        is not trained again.
    trained_only : bool
        Of the same but fpc: train nothing; what is not in the folder of models prints "not run".
    basis : str
        Of hatami, cwt and scattering: a file, a folder or the name of a shipped set. Default: the basis set of the
        ISMRM 2016 challenge where it is, else press_3t_te30.
    share : float
        Of hatami, cwt and scattering: the part of the profile's training steps that is done, above 0 and up to 1,
        where a machine has less time. Default: all of them.
    overwrite : bool
        Replace the page of an earlier run.
    seed : int
        Seed of the random numbers. The same seed gives the same result.

    Raises
    ------
    OptionError
        If an option belongs to another task.

    Examples
    --------
    python -m tests.benchmarks registration --profile smoke
    """
    parts = _PARTS.get(task, (task,))
    several: dict[str, object] = {"signal": signal, "models": models, "trained_only": trained_only or None}
    several |= {"basis": basis, "share": share}
    options = {name: value for name, value in several.items() if value is not None}
    for name in options:
        if not set(parts) & set(of := _OF[name]):
            raise OptionError(f"--{name} is for the task {' or '.join(of)}; leave it out.")
    if share is not None and not 0 < share <= 1:
        raise OptionError(
            f"--share {share:g} is no part of the training steps; use a number above 0, up to 1."
        )
    if output is None:
        for part in parts:
            print(_page(part, profile, seed, options)[1])  # noqa: T201
        return
    texts = []
    with Staging(output, overwrite=overwrite) as staging:
        for part in parts:
            staging.reserve(f"{part}.md")
        for part in parts:
            page, text = _page(part, profile, seed, options)
            texts.append(text)
            staging.path(f"{part}.md").write_text(text, encoding="utf-8")
            for picture in page.pictures:
                staging.path(picture_file(part, picture)).write_bytes(picture.png)
    print("\n".join(texts))  # noqa: T201


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmarks.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments; those of the process if not given.

    Returns
    -------
    int
        As of the program, see :func:`fsl_mrs_dl.cli.main`.
    """
    if argv is None and not sys.warnoptions:
        warnings.simplefilter("ignore")  # as the program does
    argv = sys.argv[1:] if argv is None else argv
    return run_tool(benchmark, argv, program=PROGRAM, summary="Measure accuracy, failures and speed")


def _page(task: str, profile: str, seed: int, options: Mapping[str, object]) -> tuple[Page, str]:
    """Run one task; return its page and the page's text."""
    more: dict[str, Any] = {name: value for name, value in options.items() if task in _OF[name]}
    page: Page = importlib.import_module(f"tests.benchmarks.{task}").run(profile, seed, **more)
    return page, page_text(page, task=task, profile=profile, seed=seed, share=more.get("share"))
