"""The signals of all hypotheses in one vector space of a fit window, and the prior of each hypothesis in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.fit.background.density import DensityPrior
from fsl_mrs_dl.fit.background.hypotheses import Hypothesis, Smooth, first
from fsl_mrs_dl.fit.background.tables import MacromoleculeTable
from fsl_mrs_dl.fit.background.window import Window, joined, split
from fsl_mrs_dl.physics.lines import WILSON_2011
from fsl_mrs_dl.physics.macromolecules import MM_SETS

TYPICAL_AMOUNT = 10.0
"""Usual macromolecules, in mmol/kg of the methyl groups at 0.9 ppm, TE 30 ms, 3 T: 3.6 times the area of the
methyl of total creatine from 0.7 to 1.85 ppm in one healthy head (docs/validation/worlds.md), and the share of
that in 0.65-1.08 ppm."""
_LIPID_AMOUNT = 10.0  # SD in mmol/kg, as much as macromolecules: lipid that leaks in from the scalp
_LEAST_SD = 1e-3  # of an axis, over NAA's height: below the noise of spectra of an SNR of 1000
_DENSITY, _LIPIDS, _CONSTANT = "density", "lipids", "constant"


@dataclass(frozen=True, eq=False)
class Axes:
    """The prior of one hypothesis's background, in the space of R rows.

    Attributes
    ----------
    axes : ndarray, float, shape (R, r)
        Principal axes of the prior.
    power : ndarray, float, shape (r,)
        Variance along each axis, in units in which 1 mmol/kg of a metabolite has an amplitude of 1.
    broad : ndarray, float, shape (R, R)
        Covariance of macromolecules and lipids without the baseline.
    """

    axes: Real
    power: Real
    broad: Real


@dataclass(frozen=True, eq=False)
class Background:
    """Gaussian priors over the background of one fit window, in units of 1 mmol/kg.

    A real vector of a window has its real bins first, then its imaginary bins.

    Attributes
    ----------
    rows : ndarray, float, shape (R, 2 inside)
        Orthonormal; the signals of every hypothesis are combinations of them.
    hypotheses : tuple of Hypothesis
    covariances : mapping of str or Smooth to ndarray, float, shape (R, R)
        Of each part of a background, in the space of ``rows``.
    least : float
        Smallest variance of an axis; smaller ones are left out.
    tables : mapping of str to ndarray, complex, shape (time,)
        FID of the macromolecules of each published table that is a hypothesis, 1 mmol/kg of the methyl groups at
        0.9 ppm. Under that hypothesis they replace the mean of the prior.
    """

    rows: Real
    hypotheses: tuple[Hypothesis, ...]
    covariances: Mapping[str | Smooth, Real]
    least: float
    tables: Mapping[str, Complex]
    _known: dict[int, Axes] = field(default_factory=dict, repr=False)

    def of(self, hypothesis: int) -> Axes:
        """Return the prior of one hypothesis. It is computed at its first use, because few are ever used."""
        if hypothesis not in self._known:
            one = self.hypotheses[hypothesis]
            broad = np.zeros((len(self.rows), len(self.rows)))
            for part, spread in _broad_parts(one).items():
                broad += spread**2 * self.covariances[part]
            whole = broad + sum(self.covariances[part] for part in _smooth_parts(one))
            values, vectors = np.linalg.eigh(whole)
            large = values > self.least
            self._known[hypothesis] = Axes(np.ascontiguousarray(vectors[:, large]), values[large], broad)
        return self._known[hypothesis]

    @cached_property
    def first(self) -> int:
        """Index of the hypothesis under which the parameters that are not linear are fitted."""
        return first(self.hypotheses)

    def rows_of(self, hypothesis: int) -> Real:
        """Return the axes of a hypothesis as vectors of the window, shape (r, 2 inside)."""
        return np.ascontiguousarray(self.of(hypothesis).axes.T @ self.rows)

    @cached_property
    def first_rows(self) -> Real:
        """The axes of the first hypothesis as vectors of the window, shape (r, 2 inside)."""
        return self.rows_of(self.first)

    def share(self, hypothesis: int, noise: Real) -> Real:
        """Return the part of each axis that belongs to the background.

        Parameters
        ----------
        hypothesis : int
        noise : ndarray, float, shape (S,)
            Noise variance.

        Returns
        -------
        ndarray, float, shape (S, r)
            In [0, 1).
        """
        power = self.of(hypothesis).power
        share: Real = power / (power + noise[:, None])
        return share

    def left(self, bins: Complex, share: Real) -> Complex:
        """Subtract from windows the background that the first hypothesis finds in them.

        Parameters
        ----------
        bins : ndarray, complex, shape (S, n, inside)
        share : ndarray, float, shape (S, r)
            From :meth:`share`.

        Returns
        -------
        ndarray, complex, shape (S, n, inside)
        """
        vectors = split(bins)
        along = vectors @ self.first_rows.T
        return joined(vectors - (along * share[:, None]) @ self.first_rows)

    @cached_property
    def parent(self) -> NDArray[np.intp]:
        """Index of the simpler hypothesis that is evaluated before each, shape (H,); -1: none.

        The order is: each kind of macromolecules with the baseline of the first hypothesis and without lipids;
        the same with lipids; all other baselines.
        """
        place = {one: index for index, one in enumerate(self.hypotheses)}
        smooth = self.hypotheses[self.first].baseline

        def before(one: Hypothesis) -> int:
            if one.baseline != smooth:
                return place[replace(one, baseline=smooth)]
            return place[replace(one, lipids=False)] if one.lipids else -1

        return np.array([before(one) for one in self.hypotheses])

    @cached_property
    def rounds(self) -> tuple[NDArray[np.intp], ...]:
        """Indices of the hypotheses in each of the three rounds of evaluation, parents before children."""
        depth = np.where(self.parent < 0, 0, 1)
        depth = np.where(depth > 0, depth[self.parent] + 1, 0)
        smooth = self.hypotheses[self.first].baseline
        depth[[one.baseline != smooth for one in self.hypotheses]] = 2
        return tuple(np.flatnonzero(depth == level) for level in range(3))


def background(
    window: Window, hypotheses: Sequence[Hypothesis], density: DensityPrior, decay: float
) -> Background:
    """Build the priors of a window's background.

    Parameters
    ----------
    window : Window
    hypotheses : sequence of Hypothesis
    density : DensityPrior
    decay : float
        Signal of macromolecules at the echo time of the data over that at 30 ms.

    Returns
    -------
    Background
    """
    usual = TYPICAL_AMOUNT * decay
    tables = {
        one.macromolecules: MacromoleculeTable.of(one.macromolecules) for one in hypotheses if _is_table(one)
    }

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
    least = _LEAST_SD * window.height
    rows = rows[sizes > least]
    within = {part: deviations @ rows.T for part, deviations in parts.items()}
    return Background(
        rows,
        tuple(hypotheses),
        {part: inner.T @ inner for part, inner in within.items()},
        least**2,
        {name: window.fids(table.lines).sum(axis=0) for name, table in tables.items()},
    )


def _is_table(one: Hypothesis) -> bool:
    return one.macromolecules in MM_SETS


def _broad_parts(one: Hypothesis) -> dict[str | Smooth, float]:
    """Return the parts of macromolecules and lipids of a hypothesis, each with its size in SDs of its prior."""
    parts: dict[str | Smooth, float] = {}
    if one.spread:
        parts[_DENSITY] = one.spread
    if _is_table(one):
        parts[one.macromolecules] = 1.0
    if one.lipids:
        parts[_LIPIDS] = 1.0
    return parts


def _smooth_parts(one: Hypothesis) -> list[str | Smooth]:
    """Return the parts of the baseline of a hypothesis."""
    return [_CONSTANT, one.baseline] if one.baseline.size else [_CONSTANT]
