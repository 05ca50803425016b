"""The sections of the page of ``evaluate``."""

import base64
import html
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.evaluation.figures import pair_picture
from fsl_mrs_dl.evaluation.likeness import (
    REGIONS,
    Quantifier,
    Sample,
    agreement,
    coarse,
    likeness,
    quality,
)
from fsl_mrs_dl.io.basis import read_basis
from fsl_mrs_dl.physics import fid_to_spectrum, ppm_window
from fsl_mrs_dl.report.page import section, table
from fsl_mrs_dl.scores import noise_sd
from fsl_mrs_dl.simulate.shipped import RECIPES, shipped_basis
from fsl_mrs_dl.train.synthesis_evaluation import STRONG

Pairs = Sequence[tuple[Sample, Sample]]
_LARGEST_RELATIVE_CRLB = 0.2
"""Largest relative CRLB of the metabolites of an agreement: 20 %, as AGREEMENT_TEXT says."""

LIKENESS = (
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
    "height / noise SD of one",
)
LIKENESS_TEXT = (
    "At an accuracy of 0.5 a classifier cannot separate them. Nearest: distance to the nearest real transient "
    "over that between real ones; 0 is a copy."
)
AVERAGES = (
    "set",
    "average of",
    "height / noise SD",
    "FWHM Cr (Hz)",
    "shape score",
    "difference from real (%)",
)
AVERAGES_TEXT = (
    "Decoding smooths: a larger height over noise of a synthetic average is not more information. DIFF: the first "
    "edit condition minus the second."
)
REGIONS_OF = ("set", "of", *(f"{name} ppm" for name in REGIONS))
REGIONS_TEXT = (
    "Norm of the difference of the averages over that of the real one, in %, by region; and its expected value "
    "from the noise of both averages alone."
)
AMOUNTS = ("set", "metabolite", "real", "CRLB", "synthetic", "difference (%)", "difference / CRLB")
AGREEMENT = ("set", "metabolites", "bias (%)", "limits of agreement (%)", "concordance")
AGREEMENT_TEXT = (
    "Over the metabolites and sums whose CRLB in the real average is below 20 %: mean of the relative "
    "differences, their limits of agreement (Bland and Altman), and Lin's concordance of the amounts."
)
TRANSFER = ("trained on", "accuracy on real transients")
TRANSFER_TEXT = (
    "A classifier of the set of a transient, trained on one half of the real transients, or on synthetic ones "
    "alone; both tested on the other half."
)


def sections(
    pairs: Pairs, basis: str | None, rng: np.random.Generator, *, edited: bool
) -> tuple[list[list[str]], list[str]]:
    """Return the rows of the table of likeness, and all sections of the page."""
    likeness = [row for index, pair in enumerate(pairs) for row in likeness_rows(index, *pair, rng)]
    averages, regions = average_rows(pairs, edited=edited), region_rows(pairs)
    amounts, agreements = amount_rows(pairs, basis, edited=edited)
    parts = [
        section(title, table(rows, columns), text=text)
        for title, rows, columns, text in (
            ("Likeness", likeness, LIKENESS, LIKENESS_TEXT),
            ("Averages", averages, AVERAGES, AVERAGES_TEXT),
            ("Averages by region", regions, REGIONS_OF, REGIONS_TEXT),
            ("Amounts", amounts, AMOUNTS, ""),
            ("Agreement", agreements, AGREEMENT, AGREEMENT_TEXT),
            ("Transfer", transfer_rows(pairs, rng), TRANSFER, TRANSFER_TEXT),
        )
        if rows
    ]
    pictures = [image(index, *pair, rng) for index, pair in enumerate(pairs)]
    return likeness, [*parts, section("Pictures", *pictures)]


def likeness_rows(index: int, real: Sample, synthetic: Sample, rng: np.random.Generator) -> list[list[str]]:
    """Compare the two halves of the real transients, and synthetic ones with real ones."""
    first, second = (replace(real, fids=real.fids[start::2]) for start in (0, 1))
    rows = []
    for name, other, result in (
        ("real, two halves", real, likeness(first, second, first, rng)),
        ("synthetic with real", synthetic, likeness(real, real, synthetic, rng)),
    ):
        rows.append(
            [
                str(index + 1),
                name,
                str(result.c2st),
                f"{result.discrepancy.value:.4f} ({result.discrepancy.high:.4f})",
                f"{result.precision:.2f}",
                f"{result.recall:.2f}",
                f"{result.memory:.2f}" if other is synthetic else "1",
                f"{result.noise:.3f}",
                f"{100 * result.spectrum:.1f}",
                f"{result.kurtosis[0]:.2f} / {result.kurtosis[1]:.2f}",
                f"{_height_over_noise(other):.1f}",
            ]
        )
    return rows


def _height_over_noise(sample: Sample) -> float:
    """Return the median over transients of the highest line from 1.8 to 3.4 ppm over the noise's SD."""
    data = sample.data
    inside = ppm_window(data.ppm_axis, (1.8, 3.4))
    height = np.abs(fid_to_spectrum(sample.fids)[:, inside]).max(axis=1)
    return float(np.median(height / noise_sd(sample.fids, data.ppm_axis, data.nucleus)))


def _averages(pairs: Pairs, *, edited: bool) -> list[tuple[str, Complex, Complex]]:
    """Return the name of each set and its two averages; for an edited scan also the difference."""
    averages = [
        (str(index + 1), real.average, synthetic.average) for index, (real, synthetic) in enumerate(pairs)
    ]
    if edited:
        averages.append(("DIFF", averages[0][1] - averages[1][1], averages[0][2] - averages[1][2]))
    return averages


def average_rows(pairs: Pairs, *, edited: bool) -> list[list[str]]:
    """Return the quality of each average."""
    rows = []
    for name, *both in _averages(pairs, edited=edited):
        for kind, average in zip(("real", "synthetic"), both, strict=True):
            q = quality(average, both[0], pairs[0][0].data)
            width = f"{q.fwhm_hz:.2f}" if np.isfinite(q.fwhm_hz) else ""
            rows.append([name, kind, f"{q.snr:.0f}", width, f"{q.shape:.4f}", f"{100 * q.error:.1f}"])
    return rows


def region_rows(pairs: Pairs) -> list[list[str]]:
    """Return the difference of the averages in each region, and its expected value from noise."""
    rows = []
    for index, (real, synthetic) in enumerate(pairs):
        data = real.data
        spectra = [fid_to_spectrum(sample.average) for sample in (real, synthetic)]
        variance = sum(
            2 * float(np.mean(noise_sd(sample.fids, data.ppm_axis, data.nucleus) ** 2)) / len(sample.fids)
            for sample in (real, synthetic)
        )
        differences, expected = [], []
        for limits in REGIONS.values():
            inside = ppm_window(data.ppm_axis, limits)
            size = float(np.linalg.norm(spectra[0][inside])) or 1.0
            differences.append(f"{100 * float(np.linalg.norm((spectra[1] - spectra[0])[inside])) / size:.1f}")
            expected.append(f"{100 * float(np.sqrt(variance * inside.sum())) / size:.1f}")
        rows += [[str(index + 1), "difference", *differences], [str(index + 1), "noise alone", *expected]]
    return rows


def amount_rows(pairs: Pairs, basis: str | None, *, edited: bool) -> tuple[list[list[str]], list[list[str]]]:
    """Return amounts of each metabolite, and their agreement, by the fit with one basis set.

    Parameters
    ----------
    pairs : sequence of (Sample, Sample)
    basis : str or None
        Without it, nothing is fitted.
    edited : bool
        For an edited scan, the basis set is that of the difference, or of the condition at the end of its name.
    """
    if basis is None:
        return [], []
    path = shipped_basis(basis) if basis in RECIPES and not Path(basis).exists() else Path(basis)
    judge = Quantifier(read_basis(path), pairs[0][0].data)
    sums = [tuple(name for name in members if name in judge.basis.names) for members in STRONG]
    members = [(name,) for name in judge.basis.names] + [several for several in sums if len(several) > 1]
    rows, agreements = [], []
    averages = _averages(pairs, edited=edited)
    if edited:
        which = next(
            (i for i, end in enumerate(("_on", "_off")) if Path(basis).stem.lower().endswith(end)), 2
        )
        averages = averages[which : which + 1]
    for name, *both in averages:
        amounts, sd = judge.amounts(np.array(both), members)
        for m, metabolite in enumerate("+".join(several) for several in members):
            true, got, spread = amounts[0, m], amounts[1, m], sd[0, m]
            percent = f"{100 * (got / true - 1):+.1f}" if true > 0 else ""
            over = f"{(got - true) / spread:+.2f}" if spread > 0 else ""
            rows.append([name, metabolite, f"{true:.4g}", f"{spread:.2g}", f"{got:.4g}", percent, over])
        certain = (amounts[0] > 0) & (sd[0] < _LARGEST_RELATIVE_CRLB * amounts[0])
        agreements += agreement_rows(name, amounts[:, certain])
    return rows, agreements


def agreement_rows(name: str, amounts: Real) -> list[list[str]]:
    """Return bias, limits and concordance of amounts, shape (2, metabolite); none of fewer than two."""
    if amounts.shape[1] < 2:
        return []
    relative = agreement(np.ones(amounts.shape[1]), amounts[1] / amounts[0]).bias
    ccc = agreement(amounts[0], amounts[1]).ccc
    limits = f"{relative.low:+.1f} to {relative.high:+.1f}"
    return [[name, str(amounts.shape[1]), f"{relative.value:+.1f}", limits, f"{ccc:.3f}"]]


def transfer_rows(pairs: Pairs, rng: np.random.Generator) -> list[list[str]]:
    """Return the accuracy of a classifier of sets of real transients, for each kind of training."""
    if len(pairs) < 2:
        return []
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    scale = np.linalg.norm(pairs[0][0].average)
    halves = [np.array_split(rng.permutation(len(real.fids)), 2) for real, _ in pairs]
    kinds = {
        "real": [real.fids[rows[0]] for (real, _), rows in zip(pairs, halves, strict=True)],
        "synthetic": [synthetic.fids for _, synthetic in pairs],
    }
    tested = [real.fids[rows[1]] for (real, _), rows in zip(pairs, halves, strict=True)]

    def examples(several: Sequence[Complex]) -> tuple[Real, Real]:
        x = np.concatenate([coarse(fids / scale, pairs[0][0].data) for fids in several])
        return x, np.repeat(np.arange(len(several)), [len(fids) for fids in several])

    judged, truth = examples(tested)
    rows = []
    for name, several in kinds.items():
        judge = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000))
        judge.fit(*examples(several))
        rows.append([name, f"{float(np.mean(judge.predict(judged) == truth)):.3f}"])
    return rows


def image(index: int, real: Sample, synthetic: Sample, rng: np.random.Generator) -> str:
    """Return the picture of a set, inlined."""
    data = base64.b64encode(pair_picture(f"set {index + 1}", real, synthetic, rng)).decode()
    return f'<img alt="{html.escape("averages and embedding")}" src="data:image/png;base64,{data}">'
