"""Coverage of posterior intervals and ranks of the truth, by SNR, member and linewidth."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from fsl_mrs_dl.data import Basis, Real
from fsl_mrs_dl.fit.posterior.intervals import credible_intervals
from fsl_mrs_dl.scores import conformal_margin, coverage, rank_histogram, sbc_ranks, uniform_p
from tests.benchmarks.table import Table
from tests.benchmarks.trust.sets import Believer, TrustSpectra

LEVELS = (0.50, 0.68, 0.90, 0.95)  # of the intervals
BINS = 20  # of a histogram of ranks: each holds hundreds of spectra
WITHIN = 0.03  # largest difference of coverage and level that is asked for
STRONGEST = ("NAA", "Cr", "Mac")
_CRLB = 1.96  # SDs of a normal distribution on each side of its 95 % interval


@dataclass(frozen=True, eq=False)
class Cell:
    """What was believed of the spectra of one SNR.

    Attributes
    ----------
    snr_f : float
    truth, mean, estimate, crlb, shrinkage : ndarray, float, shape (S, M)
    quantiles : ndarray, float, shape (2 * level, S, M)
        Lower ends, then upper ends.
    ranks : ndarray, int, shape (S, M)
    n_draws : int
    gamma : ndarray, float, shape (S,)
    ms : float
        For a posterior, per spectrum, its fit not counted.
    """

    snr_f: float
    truth: Real
    mean: Real
    estimate: Real
    crlb: Real
    shrinkage: Real
    quantiles: Real
    ranks: Real
    n_draws: int
    gamma: Real
    ms: float

    def take(self, n: int) -> "Cell":
        """Return the first few spectra."""
        chosen: dict[str, Any] = {k: v[:n] for k, v in vars(self).items() if isinstance(v, np.ndarray)}
        return replace(self, **chosen | {"quantiles": self.quantiles[:, :n]})

    def inside(self, level: int, rows: NDArray[np.integer] | slice = slice(None)) -> Real:
        """Return the coverage of one of the levels, each member."""
        low, high = self.quantiles[level], self.quantiles[len(LEVELS) + level]
        covered: Real = coverage(low[rows], high[rows], self.truth[rows])
        return covered


def believe(believer: Believer, spectra: TrustSpectra, snr_f: float) -> Cell:
    """Fit and draw, a block at a time, and keep what the tables need."""
    parts: list[tuple[Real, ...]] = []
    spent, n_draws = 0.0, 0
    for rows, part in tqdm(list(spectra.blocks()), desc=f"SNR_f {snr_f:g}", leave=False, disable=None):
        fit = believer.fitter(part.fids)
        started = time.perf_counter()
        draws, variance = believer(part.fids, fit, rows.start)
        spent += time.perf_counter() - started
        n_draws = draws.shape[1]
        ends = np.concatenate(credible_intervals(draws, LEVELS))
        parts.append(
            (
                draws.mean(axis=1),
                fit.amplitudes,
                fit.crlb,
                draws.var(axis=1) / variance,
                np.moveaxis(ends, 0, 1),
                sbc_ranks(draws, part.amplitudes),
            )
        )
    mean, estimate, crlb, shrinkage, ends, ranks = (np.concatenate(v) for v in zip(*parts, strict=True))
    return Cell(
        snr_f,
        spectra.amplitudes,
        mean,
        estimate,
        crlb,
        shrinkage,
        np.moveaxis(ends, 1, 0),
        ranks,
        n_draws,
        spectra.gamma,
        1e3 * spent / len(spectra),
    )


def coverage_table(caption: str, cells: list[Cell], basis: Basis) -> Table:
    """Return the coverage of each level at each SNR: over members the mean, the lowest, the highest."""
    columns = ["SNR_f", "n", *(f"{100 * level:.0f} %" for level in LEVELS), "members within 3 points"]
    columns += ["smallest p of ranks", "+-1.96 CRLB", "ms"]
    rows = []
    for cell in cells:
        coverages, good = [], np.ones(len(basis.names), dtype=bool)
        for at, level in enumerate(LEVELS):
            inside = cell.inside(at)
            good &= np.abs(inside - level) <= WITHIN
            low, high = int(inside.argmin()), int(inside.argmax())
            coverages.append(
                f"{100 * inside.mean():.1f} ({100 * inside[low]:.1f} {basis.names[low]} "
                f"to {100 * inside[high]:.1f} {basis.names[high]})"
            )
        p = uniform_p(rank_histogram(cell.ranks, cell.n_draws, BINS))
        plain = coverage(cell.estimate - _CRLB * cell.crlb, cell.estimate + _CRLB * cell.crlb, cell.truth)
        rows.append(
            [
                f"{cell.snr_f:g}",
                str(len(cell.truth)),
                *coverages,
                f"{int(good.sum())} of {len(good)}",
                f"{p.min():.1g} {basis.names[int(p.argmin())]}",
                f"{100 * plain.mean():.1f} ({100 * plain.min():.1f} to {100 * plain.max():.1f})",
                f"{cell.ms:.1f}",
            ]
        )
    return Table(caption, columns, rows)


def lines_table(caption: str, cells: Mapping[str, list[Cell]], basis: Basis) -> Table:
    """Return bias and coverage of the strongest members for fits of different lines."""
    columns = ["SNR_f", "line of the fit", "n"]
    shown = [name for name in STRONGEST if name in basis.names]
    for name in shown:
        columns += [f"{name}: mean less truth, in posterior SDs", "50 %", "95 %"]
    rows = []
    for line, some in cells.items():
        for cell in some:
            row = [f"{cell.snr_f:g}", line, str(len(cell.truth))]
            for m in map(basis.names.index, shown):
                sd = (cell.quantiles[len(LEVELS) + 1, :, m] - cell.quantiles[1, :, m]) / 2  # of 68 %
                away = ((cell.mean[:, m] - cell.truth[:, m]) / sd).mean()
                row += [f"{away:+.2f}", f"{100 * cell.inside(0)[m]:.1f}", f"{100 * cell.inside(3)[m]:.1f}"]
            rows.append(row)
    return Table(caption, columns, rows)


def member_table(caption: str, cells: list[Cell], basis: Basis) -> Table:
    """Return each member's coverage of 50 and 95 % and its shrinkage, by SNR."""
    columns = ["member", *(f"SNR_f {cell.snr_f:g}" for cell in cells)]
    rows = []
    for m, name in enumerate(basis.names):
        row = [name]
        for cell in cells:
            half, most = cell.inside(0)[m], cell.inside(3)[m]
            row.append(f"{100 * half:.1f} / {100 * most:.1f}; {np.median(cell.shrinkage[:, m]):.2f}")
        rows.append(row)
    return Table(caption, columns, rows)


def width_table(caption: str, cells: list[Cell], basis: Basis) -> Table:
    """Return coverage by linewidth: spectra of the narrowest, the middle and the broadest third."""
    columns = ["SNR_f", "third", "n", *(f"{100 * level:.0f} %" for level in LEVELS)]
    rows = []
    for cell in cells:
        order = np.argsort(cell.gamma)
        for third, part in zip(("narrow", "middle", "broad"), np.array_split(order, 3), strict=True):
            parts = []
            for at in range(len(LEVELS)):
                inside = 100 * cell.inside(at, part)
                parts.append(f"{inside.mean():.1f} ({inside.min():.1f} to {inside.max():.1f})")
            rows.append([f"{cell.snr_f:g}", third, str(len(part)), *parts])
    return Table(caption, columns, rows)


def conformal_table(caption: str, cells: list[Cell], basis: Basis) -> Table:
    """Return what a conformal correction, learned on one half, does to coverage on the other."""
    columns = ["SNR_f", "level", "as drawn", "corrected", "largest margin (of a width)", "of"]
    rows = []
    for cell in cells:
        half = len(cell.truth) // 2
        for at, level in enumerate(LEVELS):
            low, high = cell.quantiles[at], cell.quantiles[len(LEVELS) + at]
            margin = conformal_margin(low[:half], high[:half], cell.truth[:half], level)
            grown = margin * (high - low)
            inside = coverage((low - grown)[half:], (high + grown)[half:], cell.truth[half:])
            worst = int(np.abs(margin).argmax())
            before = 100 * cell.inside(at, slice(half, None))
            rows.append(
                [
                    f"{cell.snr_f:g}",
                    f"{100 * level:.0f} %",
                    f"{before.min():.1f} to {before.max():.1f}",
                    f"{100 * inside.min():.1f} to {100 * inside.max():.1f}",
                    f"{margin[worst]:+.3f}",
                    basis.names[worst],
                ]
            )
    return Table(caption, columns, rows)
