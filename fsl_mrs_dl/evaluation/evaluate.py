"""The command ``evaluate``: compare synthetic transients with real ones on one page."""

from pathlib import Path
from typing import Any

import numpy as np

from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.extras import require
from fsl_mrs_dl.io.names import plain_name
from fsl_mrs_dl.io.text_table import text_table

_LEAST_TRANSIENTS = 8  # four in each half of the real ones, which are compared with each other


def evaluate(
    *,
    real: Path,
    synthetic: Path,
    output: Path,
    basis: str | None = None,
    filename: str = "evaluation",
    seed: int = 0,
    overwrite: bool = False,
) -> None:
    """Compare synthetic transients with real ones, and write one HTML page.

    For each voxel and edit condition: classifier and kernel two-sample tests, coverage by nearest neighbours,
    distance to the nearest real transient, noise, averages (ON, OFF and their difference), errors by region, and
    with a basis set the amounts of a fit with bias, concordance and limits of agreement. The two halves of the
    real transients are compared in the same way. If there are several sets, a classifier of sets is trained on
    synthetic transients alone and tested on real ones.

    Parameters
    ----------
    real : Path
        NIfTI-MRS file of measured transients in DIM_DYN, with coils combined, aligned.
    synthetic : Path
        NIfTI-MRS file of synthetic transients with the same dimensions in the same order.
    output : Path
        Folder for the page.
    basis : str
        Basis set for the amounts: a file, a folder, or the name of a shipped one. For an edited scan: the set
        of the difference, or of one condition if its name ends with _on or _off.
    filename : str
        Name of the page, without .html.
    seed : int
        Seed of the random numbers. The same seed gives the same result.
    overwrite : bool
        Replace a page of the same name.

    Raises
    ------
    MRSDLError
        If a file, the basis set or the output folder cannot be used, or the two files do not belong together.

    Examples
    --------
    fsl_mrs_dl evaluate --real aligned/sub-01.nii.gz --synthetic made/synthetic.nii.gz --output page
    """
    for package in ("torch", "sklearn"):
        require(package, "evaluate")
    from fsl_mrs_dl.evaluation.likeness import samples_of
    from fsl_mrs_dl.evaluation.tables import LIKENESS, sections
    from fsl_mrs_dl.io import nifti
    from fsl_mrs_dl.io.staging import Staging
    from fsl_mrs_dl.report.page import page

    filename = plain_name(filename, "filename")
    measured, generated = nifti.read(real), nifti.read(synthetic)
    pairs = list(zip(samples_of(measured), samples_of(generated), strict=False))
    _check(measured, generated, [len(sample.fids) for pair in pairs for sample in pair])
    with Staging(output, overwrite=overwrite, inputs=[real, synthetic]) as staging:
        staging.reserve(f"{filename}.html")
        edited = "DIM_EDIT" in measured.dim_tags and len(pairs) == 2
        likeness, parts = sections(pairs, basis, np.random.default_rng(seed), edited=edited)
        text = page("Synthetic beside real transients", generated, parts)
        staging.path(f"{filename}.html").write_text(text, encoding="utf-8")
    print(text_table(LIKENESS, likeness))  # noqa: T201
    print(f"Page: {output / filename}.html")  # noqa: T201


def _check(measured: Any, generated: Any, counts: list[int]) -> None:
    kinds = [(d.nucleus, d.n_points, round(d.dwelltime_s, 9)) for d in (measured, generated)]
    if kinds[0] != kinds[1]:
        raise DataError(
            f"{generated.name} has {kinds[1]} (nucleus, points, dwell time), {measured.name} has {kinds[0]}; "
            "files of one kind are needed."
        )
    if not counts or min(counts) < _LEAST_TRANSIENTS:
        n = min(counts, default=0)
        raise DataError(f"A set has {n} transients; at least {_LEAST_TRANSIENTS} of each kind are needed.")
