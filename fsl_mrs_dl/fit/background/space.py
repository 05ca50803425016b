"""The signals of all hypotheses in one space of a fit window, and each hypothesis's prior in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.fit.background.density import DensityPrior
from fsl_mrs_dl.fit.background.hypotheses import Hypothesis, Smooth, first
from fsl_mrs_dl.fit.background.tables import Table
from fsl_mrs_dl.fit.background.window import Window, joined, split
from fsl_mrs_dl.physics.lines import WILSON_2011
from fsl_mrs_dl.physics.macromolecules import MM_SETS

TYPICAL_AMOUNT = 10.0
"""Usual macromolecules, in mmol/kg of the methyl groups at 0.9 ppm, TE 30 ms, 3 T: 3.6 times the area of the
methyl of total creatine from 0.7 to 1.85 ppm in one healthy head (docs/validation/worlds.md), and the share of
that in 0.65-1.08 ppm."""
_LIPID_AMOUNT = 10.0  # mmol/kg, as much as macromolecules: what leaks in from the scalp
_KEPT = 1e-3  # of NAA's height: an SD below the noise of spectra of an SNR of 1000
_DENSITY, _LIPIDS, _CONSTANT = "density", "lipids", "constant"


@dataclass(frozen=True, eq=False)
class Axes:
    """The prior of one hypothesis's background, in the space of R rows.

    Attributes
    ----------
    axes : ndarray, float, shape (R, r)
        Its principal axes.
    power : ndarray, float, shape (r,)
        Variance along each, where one mmol/kg of a metabolite has an amplitude of 1.
    broad : ndarray, float, shape (R, R)
        The covariance of macromolecules and lipids alone.
    """

    axes: Real
    power: Real
    broad: Real


@dataclass(frozen=True, eq=False)
class Background:
    """Gaussian priors over the background of one fit window, for amplitudes of one unit.

    Real vectors of a window hold its real bins, then its imaginary bins.

    Attributes
    ----------
    rows : ndarray, float, shape (R, 2 inside)
        Orthonormal; every hypothesis's signals are combinations of them.
    hypotheses : tuple of Hypothesis
    covariances : mapping of str or Smooth to ndarray, float, shape (R, R)
        Of each part that backgrounds are made of, in the space of ``rows``.
    least : float
        Smallest variance of an axis that is kept.
    tables : mapping of str to ndarray, float, shape (2 inside,)
        The macromolecules of each published table that is a hypothesis, 1 mmol/kg of the methyl groups at 0.9 ppm:
        they stand in for the mean of the prior.
    """

    rows: Real
    hypotheses: tuple[Hypothesis, ...]
    covariances: Mapping[str | Smooth, Real]
    least: float
    tables: Mapping[str, Real]
    _known: dict[int, Axes] = field(default_factory=dict, repr=False)

    def of(self, hypothesis: int) -> Axes:
        """Return the prior of one hypothesis; made when it is first asked for, as few of them are."""
        if hypothesis not in self._known:
            one = self.hypotheses[hypothesis]
            broad = np.zeros((len(self.rows), len(self.rows)))
            for part, spread in _broad_parts(one).items():
                broad += spread**2 * self.covariances[part]
            whole = broad + sum(self.covariances[part] for part in _smooth_parts(one))
            values, vectors = np.linalg.eigh(whole)
            kept = values > self.least
            self._known[hypothesis] = Axes(np.ascontiguousarray(vectors[:, kept]), values[kept], broad)
        return self._known[hypothesis]

    @cached_property
    def first(self) -> int:
        """Index of the hypothesis under which parameters that are not linear are found."""
        return first(self.hypotheses)

    def rows_of(self, hypothesis: int) -> Real:
        """Return the axes of a hypothesis as vectors of the window, shape (r, 2 inside)."""
        return np.ascontiguousarray(self.of(hypothesis).axes.T @ self.rows)

    @cached_property
    def first_rows(self) -> Real:
        """The axes of the first hypothesis as vectors of the window, shape (r, 2 inside)."""
        return self.rows_of(self.first)

    def share(self, hypothesis: int, noise: Real) -> Real:
        """Return which part of each axis belongs to the background, shape (S, r); noise: variance, (S,)."""
        power = self.of(hypothesis).power
        share: Real = power / (power + noise[:, None])
        return share

    def left(self, bins: Complex, share: Real) -> Complex:
        """Return what the first hypothesis's background leaves of windows (S, n, inside); share: (S, r)."""
        vectors = split(bins)
        seen = vectors @ self.first_rows.T
        return joined(vectors - (seen * share[:, None]) @ self.first_rows)

    @cached_property
    def parent(self) -> NDArray[np.intp]:
        """The simpler hypothesis after which each is looked at, shape (H,); -1: none.

        First each kind of macromolecules with the baseline of the first hypothesis and without lipids, then with
        lipids, then all baselines.
        """
        place = {one: at for at, one in enumerate(self.hypotheses)}
        smooth = self.hypotheses[self.first].baseline

        def before(one: Hypothesis) -> int:
            if one.baseline != smooth:
                return place[replace(one, baseline=smooth)]
            return place[replace(one, lipids=False)] if one.lipids else -1

        return np.array([before(one) for one in self.hypotheses])

    @cached_property
    def rounds(self) -> tuple[NDArray[np.intp], ...]:
        """The hypotheses in the three rounds in which they are looked at, parents before children."""
        depth = np.where(self.parent < 0, 0, 1)
        depth = np.where(depth > 0, depth[self.parent] + 1, 0)
        smooth = self.hypotheses[self.first].baseline
        depth[[one.baseline != smooth for one in self.hypotheses]] = 2
        return tuple(np.flatnonzero(depth == level) for level in range(3))


def background(
    window: Window, hypotheses: Sequence[Hypothesis], density: DensityPrior, decay: float
) -> Background:
    """Return the background of a window.

    Parameters
    ----------
    window : Window
    hypotheses : sequence of Hypothesis
    density : DensityPrior
    decay : float
        Macromolecules at the echo time of the data over those at 30 ms.
    """
    usual = TYPICAL_AMOUNT * decay
    tables = {one.macromolecules: Table.of(one.macromolecules) for one in hypotheses if _is_table(one)}

    def vectors(part: str | Smooth) -> Real:
        if isinstance(part, Smooth):
            return window.smooth(part.length_ppm, part.size)
        if part == _CONSTANT:
            return window.constant()
        if part == _LIPIDS:
            return _LIPID_AMOUNT * window.lines(
                [line for line in WILSON_2011 if line.signal.startswith("Lip")]
            )
        if part == _DENSITY:
            return usual * density.root.T @ window.components
        return usual * tables[part].deviations(window.lines)

    named = dict.fromkeys(part for one in hypotheses for part in (*_broad_parts(one), *_smooth_parts(one)))
    parts = {part: vectors(part) for part in named}
    _, sizes, rows = np.linalg.svd(np.vstack(list(parts.values())), full_matrices=False)
    least = _KEPT * window.height
    rows = rows[sizes > least]
    seen = {part: made @ rows.T for part, made in parts.items()}
    return Background(
        rows,
        tuple(hypotheses),
        {part: within.T @ within for part, within in seen.items()},
        least**2,
        {name: table.mean(window.lines) for name, table in tables.items()},
    )


def _is_table(one: Hypothesis) -> bool:
    return one.macromolecules in MM_SETS


def _broad_parts(one: Hypothesis) -> dict[str | Smooth, float]:
    """Return the parts of macromolecules and lipids, each with its size in SDs of its prior."""
    parts: dict[str | Smooth, float] = {}
    if one.spread:
        parts[_DENSITY] = one.spread
    if _is_table(one):
        parts[one.macromolecules] = 1.0
    if one.lipids:
        parts[_LIPIDS] = 1.0
    return parts


def _smooth_parts(one: Hypothesis) -> list[str | Smooth]:
    """Return the parts of the baseline."""
    return [_CONSTANT, one.baseline] if one.baseline.size else [_CONSTANT]
