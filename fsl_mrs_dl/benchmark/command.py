"""The command ``benchmark``."""

import importlib
from pathlib import Path
from typing import Any, Literal

from fsl_mrs_dl.benchmark.table import page_text, picture_file
from fsl_mrs_dl.errors import OptionError
from fsl_mrs_dl.io.staging import Staging

_OF = {"signal": ("fpc",), "models": ("fpc", "dq")}
"""Option -> the tasks that have it."""


def benchmark(
    task: Literal[
        "basis",
        "dq",
        "fit",
        "fpc",
        "invivo",
        "mrsi",
        "quantify_invivo",
        "registration",
        "robustness",
        "startup",
        "synthesis",
    ],
    *,
    profile: Literal["smoke", "small", "paper"] = "smoke",
    output: Path | None = None,
    signal: Path | None = None,
    models: Path | None = None,
    overwrite: bool = False,
    seed: int = 1,
) -> None:
    """Measure accuracy, failures and speed, and write the table.

    Parameters
    ----------
    task : str
        basis: the shipped basis sets beside those of others; dq: networks for quantify beside fits and bounds;
        fit: the linear-combination fit on simulated spectra; fpc: networks for align beside every other method;
        invivo: the steps on measured files; mrsi: a large MRSI through quantify; quantify_invivo: the fit on
        measured spectra; registration: methods of align on simulated transients; robustness: damaged input
        files; startup: how long the program takes to start; synthesis: generative networks, and what augmenting
        with them does.
    profile : str
        smoke: seconds; small: minutes on two cores; paper: hours, or a GPU.
    output : Path
        Folder for the page, TASK.md, and its figures; by default the page is only printed.
    signal : Path
        Of fpc: the published rat signal (obx_23_9_FC.mat) instead of singlets.
    models : Path
        Of fpc and dq: folder that keeps the networks it trains; one that is there already is not trained again.
    overwrite : bool
        Replace the page of an earlier run.
    seed : int
        Of all random numbers.

    Raises
    ------
    OptionError
        If an option belongs to another task.
    """
    more: dict[str, Any] = {"signal": signal, "models": models}
    more = {name: value for name, value in more.items() if value is not None}
    for name in more:
        if task not in (of := _OF[name]):
            raise OptionError(f"--{name} is for the task {' or '.join(of)}; leave it out.")
    module = importlib.import_module(f"fsl_mrs_dl.benchmark.{task}")
    if output is None:
        print(page_text(module.run(profile, seed, **more), task=task, profile=profile, seed=seed))  # noqa: T201
        return
    with Staging(output, overwrite=overwrite) as staging:
        staging.reserve(f"{task}.md")
        page = module.run(profile, seed, **more)
        text = page_text(page, task=task, profile=profile, seed=seed)
        staging.path(f"{task}.md").write_text(text, encoding="utf-8")
        for picture in page.pictures:
            staging.path(picture_file(task, picture)).write_bytes(picture.png)
    print(text)  # noqa: T201
