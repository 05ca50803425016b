"""The command ``benchmark``."""

import importlib
from pathlib import Path
from typing import Literal

from fsl_mrs_dl.benchmark.table import page_text
from fsl_mrs_dl.io.staging import Staging


def benchmark(
    task: Literal[
        "basis", "fit", "invivo", "mrsi", "quantify_invivo", "registration", "robustness", "startup"
    ],
    *,
    profile: Literal["smoke", "small", "paper"] = "smoke",
    output: Path | None = None,
    overwrite: bool = False,
    seed: int = 1,
) -> None:
    """Measure accuracy, failures and speed, and write the table.

    Parameters
    ----------
    task : str
        basis: the shipped basis sets beside those of others; fit: the linear-combination fit on simulated
        spectra; invivo: the steps on measured files; mrsi: a large MRSI through quantify; quantify_invivo: the
        fit on measured spectra; registration: methods of align on simulated transients; robustness: damaged
        input files; startup: how long the program takes to start.
    profile : str
        smoke: seconds; small: minutes on two cores; paper: hours, or a GPU.
    output : Path
        Folder for the page, TASK.md; by default it is only printed.
    overwrite : bool
        Replace the page of an earlier run.
    seed : int
        Of all random numbers.
    """
    module = importlib.import_module(f"fsl_mrs_dl.benchmark.{task}")
    if output is None:
        print(page_text(module.run(profile, seed), task=task, profile=profile, seed=seed))  # noqa: T201
        return
    with Staging(output, overwrite=overwrite) as staging:
        staging.reserve(f"{task}.md")
        text = page_text(module.run(profile, seed), task=task, profile=profile, seed=seed)
        staging.path(f"{task}.md").write_text(text, encoding="utf-8")
    print(text)  # noqa: T201
