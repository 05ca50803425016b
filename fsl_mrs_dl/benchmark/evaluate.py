"""The command ``evaluate``: synthetic transients beside real ones, on one page."""

import base64
import html
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fsl_mrs_dl.errors import DataError, OptionError

if TYPE_CHECKING:
    from fsl_mrs_dl.benchmark.synthesis_compare import Sample

_FEWEST = 8


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

    Each voxel and edit condition by itself: classifier and kernel two-sample tests, coverage by nearest
    neighbours, distance to the nearest real transient, noise, averages, and with a basis set amounts by the fit.
    Beside each number stands what the two halves of the real transients reach.

    Parameters
    ----------
    real : Path
        NIfTI-MRS file of measured transients in DIM_DYN, coils combined, aligned.
    synthetic : Path
        NIfTI-MRS file of synthetic transients of the same kind and order of dimensions.
    output : Path
        Folder for the page.
    basis : str
        Basis set for the amounts: a folder or file of a known format, or the name of a shipped one.
    filename : str
        Name of the page, without .html.
    seed : int
        Of folds and shuffles.
    overwrite : bool
        Replace a page of the same name.

    Raises
    ------
    MRSDLError
        If a file, the basis set or the output folder cannot be used, or the two files do not belong together.
    """
    from fsl_mrs_dl.benchmark.synthesis_compare import samples_of
    from fsl_mrs_dl.io import nifti
    from fsl_mrs_dl.io.staging import Staging
    from fsl_mrs_dl.report.page import page, section, table

    if not filename or filename != Path(filename).name:
        raise OptionError(f"--filename is {filename!r}; a plain name without folder is needed.")
    measured, made = nifti.read(real), nifti.read(synthetic)
    pairs = list(zip(samples_of(measured), samples_of(made), strict=False))
    _check(measured, made, [len(sample.fids) for pair in pairs for sample in pair])
    rng = np.random.default_rng(seed)
    with Staging(output, overwrite=overwrite, inputs=[real, synthetic]) as staging:
        staging.reserve(f"{filename}.html")
        likeness, averages, amounts, pictures = [], [], [], []
        for index, pair in enumerate(pairs):
            likeness += _likeness(index, *pair, rng)
            averages += _averages(index, *pair)
            amounts += _amounts(index, *pair, basis)
            pictures.append(_image(_picture(index, *pair)))
        parts = [
            section("Likeness", table(likeness, _LIKENESS), text=_LIKENESS_TEXT),
            section("Averages", table(averages, _AVERAGES), text=_AVERAGES_TEXT),
            *([section("Amounts", table(amounts, _AMOUNTS))] if amounts else []),
            section("Pictures", *pictures),
        ]
        text = page("Synthetic beside real transients", made, parts)
        staging.path(f"{filename}.html").write_text(text, encoding="utf-8")
    for row in likeness:
        print("  ".join(row))  # noqa: T201


_LIKENESS = (
    "set",
    "compared",
    "C2ST accuracy (95 %)",
    "MMD2 (chance up to)",
    "precision",
    "recall",
    "nearest",
    "noise SD / real",
    "noise power, worst quarter (%)",
    "kurtosis real / other",
)
_LIKENESS_TEXT = (
    "An accuracy of 0.5 says that a classifier cannot tell them. Nearest: distance to the nearest real transient "
    "over that between real ones; 0 is a copy."
)
_AVERAGES = (
    "set",
    "average of",
    "height / noise SD",
    "FWHM Cr (Hz)",
    "shape score",
    "difference from real (%)",
)
_AVERAGES_TEXT = (
    "Decoding is smoothing: a larger height over noise of a synthetic average is no gain of information."
)
_AMOUNTS = ("set", "metabolite", "real", "CRLB", "synthetic", "difference (%)", "difference / CRLB")


def _check(measured: Any, made: Any, counts: list[int]) -> None:
    kinds = [(d.nucleus, d.n_points, round(d.dwelltime_s, 9)) for d in (measured, made)]
    if kinds[0] != kinds[1]:
        raise DataError(
            f"{made.name} has {kinds[1]} (nucleus, points, dwell time), {measured.name} has {kinds[0]}; files of "
            "one kind are needed."
        )
    if not counts or min(counts) < _FEWEST:
        n = min(counts, default=0)
        raise DataError(f"A set has {n} transients; at least {_FEWEST} of each kind are needed.")


def _likeness(index: int, real: "Sample", made: "Sample", rng: np.random.Generator) -> list[list[str]]:
    from fsl_mrs_dl.benchmark.synthesis_compare import likeness

    first, second = (replace(real, fids=real.fids[start::2]) for start in (0, 1))
    rows = []
    for name, found in (
        ("real, two halves", likeness(first, second, first, rng)),
        ("synthetic with real", likeness(real, real, made, rng)),
    ):
        rows.append(
            [
                str(index + 1),
                name,
                str(found.c2st),
                f"{found.discrepancy.value:.4f} ({found.discrepancy.high:.4f})",
                f"{found.precision:.2f}",
                f"{found.recall:.2f}",
                f"{found.memory:.2f}" if name.startswith("synthetic") else "1",
                f"{found.noise:.3f}",
                f"{100 * found.spectrum:.1f}",
                f"{found.kurtosis[0]:.2f} / {found.kurtosis[1]:.2f}",
            ]
        )
    return rows


def _averages(index: int, real: "Sample", made: "Sample") -> list[list[str]]:
    from fsl_mrs_dl.benchmark.synthesis_compare import quality

    rows = []
    for name, sample in (("real", real), ("synthetic", made)):
        q = quality(sample.average, real.average, real.data)
        numbers = (f"{q.snr:.0f}", f"{q.fwhm_hz:.2f}", f"{q.shape:.4f}", f"{100 * q.error:.1f}")
        rows.append([str(index + 1), f"{len(sample.fids)} {name}", *numbers])
    return rows


def _amounts(index: int, real: "Sample", made: "Sample", basis: str | None) -> list[list[str]]:
    if basis is None:
        return []
    from fsl_mrs_dl.benchmark.synthesis_compare import Quantifier
    from fsl_mrs_dl.io.basis import read_basis
    from fsl_mrs_dl.simulate.shipped import RECIPES, shipped_basis

    path = shipped_basis(basis) if basis in RECIPES and not Path(basis).exists() else Path(basis)
    judge = Quantifier(read_basis(path), real.data)
    members = [(name,) for name in judge.basis.names]
    amounts, sd = judge.amounts(np.array([real.average, made.average]), members)
    rows = []
    for m, (name,) in enumerate(members):
        true, got, spread = amounts[0, m], amounts[1, m], sd[0, m]
        percent = f"{100 * (got / true - 1):+.1f}" if true > 0 else ""
        over = f"{(got - true) / spread:+.2f}" if spread > 0 else ""
        rows.append([str(index + 1), name, f"{true:.4g}", f"{spread:.2g}", f"{got:.4g}", percent, over])
    return rows


def _picture(index: int, real: "Sample", made: "Sample") -> bytes:
    from fsl_mrs_dl.benchmark.synthesis_figures import pair_picture

    return pair_picture(f"set {index + 1}", real, made)


def _image(png: bytes) -> str:
    data = base64.b64encode(png).decode()
    return f'<img alt="{html.escape("averages and embedding")}" src="data:image/png;base64,{data}">'
