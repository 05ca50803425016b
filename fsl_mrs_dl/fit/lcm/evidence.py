r"""Weigh hypotheses about the background at one place of the parameters that are not linear.

Around that place the model is linear in all parameters: amplitudes a; steps b of shift, width and phases, and
small shifts and widths of single members, which have a Gaussian prior. Under a hypothesis the background is
Gaussian too, and the data y have the density

.. math:: p(y | h) = \int N(y; X a + B b, \sigma^2 (1 + C_h / \sigma^2)) \, p(b) \, da \, db.

The integral is computed exactly, with a flat prior of a. The noise variance is integrated out too (Jeffreys'
prior).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Real
from fsl_mrs_dl.fit.background import Background
from fsl_mrs_dl.fit.lcm.linear import ROUNDING, solve_amplitudes

MARGINS = (np.inf, 20.0, 7.0)
"""Hypotheses are tried in three rounds: macromolecules, then lipids, then baselines. In a round only those are
tried whose simpler hypothesis has a log evidence within this much of the best. The second limit is wide, for
lipids change which macromolecules fit best. Beyond the third, the weight would be below 1e-3."""
_LEAST_WEIGHT = 1e-3  # posterior probability below which a hypothesis is left out
_LARGER_RIDGES = (0.0, 1e-7, 1e-5, 1e-3, 1e-1)  # added to the ridge in turn, until the factor exists
_RIDGE = 1e-9  # over each parameter's own curvature: parameters without information have no effect
_BY_EACH = ("log_evidence", "energy", "amplitudes", "pull", "information")  # results of each hypothesis


@dataclass(frozen=True, eq=False)
class Linear:
    """The model of S spectra around a place, linear in M amplitudes and B steps.

    Attributes
    ----------
    columns : ndarray, float, shape (S, M, N)
    steps : ndarray, float, shape (S, B, N)
        Derivatives by the steps.
    data : ndarray, float, shape (S, N)
    weight : ndarray, float, shape (S, B)
        Noise variance over the variance of each step's prior; 0 = flat.
    present : ndarray, float, shape (S, B)
        Distance of the place from the middle of that prior.
    noise : ndarray, float, shape (S,)
        Estimated noise variance of a channel.
    tables : mapping of str to ndarray, float, shape (S, N)
        The T tables, with the lineshape of the spectrum; each replaces the member of macromolecules in its own
        hypotheses.
    broad : int
        Index of that member; -1: none.
    """

    columns: Real
    steps: Real
    data: Real
    weight: Real
    present: Real
    noise: Real
    tables: Mapping[str, Real]
    broad: int

    def columns_of(self, background: Background, hypothesis: int, rows: NDArray[np.intp]) -> Real:
        """Return the members of some spectra under a hypothesis, (s, M, N)."""
        columns = self.columns[rows]
        table = self.table_of(background, hypothesis)
        if table:
            columns[:, self.broad] = self.tables[table][rows]
        return columns

    def table_of(self, background: Background, hypothesis: int) -> str:
        """Return the name of the table whose macromolecules a hypothesis has; empty if none."""
        name = background.hypotheses[hypothesis].macromolecules
        return name if self.broad >= 0 and name in self.tables else ""

    @property
    def expected(self) -> tuple[Real, ...]:
        """The prior of the steps, and the noise that weighs it: weight, present, noise."""
        return self.weight, self.present, self.noise


@dataclass(frozen=True, eq=False)
class Weighing:
    """The fits of S spectra under H hypotheses.

    Attributes
    ----------
    log_evidence, energy : ndarray, float, shape (S, H)
        ``energy`` is the smallest sum of squares, with those of the priors.
    amplitudes, pull : ndarray, float, shape (S, H, M)
    information : ndarray, float, shape (S, H, M, M)
        For unit noise; ``pull`` likewise.
    steps : ndarray, float, shape (S, H, B)
        NaN where they are not computed yet, see :func:`take_steps`.
    """

    log_evidence: Real
    energy: Real
    amplitudes: Real
    pull: Real
    information: Real
    steps: Real

    def weights(self, independent: Real | float = 1.0) -> Real:
        """Return posterior probabilities of the hypotheses, with equal prior probabilities, shape (S, H).

        Those below 0.001 are set to 0, and the rest is scaled to 1.

        Parameters
        ----------
        independent : ndarray, float, shape (S,)
            Share of independent samples, see :func:`~.averaging.independent`.
        """
        below = self.log_evidence - self.log_evidence.max(axis=1, keepdims=True)
        relative = np.exp(np.reshape(independent, (-1, 1)) * below)
        relative /= relative.sum(axis=1, keepdims=True)
        relative[relative < _LEAST_WEIGHT] = 0.0
        probabilities: Real = relative / relative.sum(axis=1, keepdims=True)
        return probabilities


@dataclass(frozen=True, eq=False)
class Products:
    """Products of all vectors of a model, and their projections on the rows of the background.

    Vectors are the M members, B steps, the data, and the macromolecules of the tables: V = M + B + 1 + T.

    Attributes
    ----------
    gram : ndarray, float, shape (S, V, V)
    projections : ndarray, float, shape (S, V, R)
    """

    gram: Real
    projections: Real
    tables: tuple[str, ...] = ()

    @classmethod
    def of(cls, model: Linear, background: Background, removed: Real | float = 0.0) -> "Products":
        """Return the products of a model.

        Parameters
        ----------
        model : Linear
        background : Background
        removed : ndarray, float, shape (S,)
            Energy of noise that was removed from the data: what the residual would have had of it.
        """
        parts = [model.columns, model.steps, model.data[:, None]]
        if model.tables:
            parts.append(np.stack(list(model.tables.values()), axis=1))
        vectors = np.concatenate(parts, axis=1)
        products = vectors @ np.swapaxes(vectors, 1, 2)
        data = model.columns.shape[1] + model.steps.shape[1]
        products[:, data, data] += removed
        return cls(products, vectors @ background.rows.T, tuple(model.tables))

    def under(self, model: Linear, background: Background, hypothesis: int) -> "Products":
        """Return the products of members, steps and data under a hypothesis."""
        order = np.arange(self.gram.shape[1] - len(self.tables))
        table = model.table_of(background, hypothesis)
        if not table:
            return Products(self.gram[:, : len(order), : len(order)], self.projections[:, : len(order)])
        order[model.broad] = len(order) + self.tables.index(table)
        return Products(self.gram[:, order][:, :, order], self.projections[:, order])

    def take(self, rows: NDArray[np.intp]) -> "Products":
        """Return some spectra."""
        return Products(self.gram[rows], self.projections[rows], self.tables)


def weigh(
    model: Linear, products: Products, background: Background, *, freedom: int, non_negative: bool
) -> Weighing:
    """Weigh all hypotheses.

    A hypothesis is evaluated where the evidence of its parent (:attr:`Background.parent`) is near the best so far.

    Parameters
    ----------
    model : Linear
    products : Products
        Of the model.
    background : Background
    freedom : int
        Degrees of freedom of the residual.
    non_negative : bool
        Whether amplitudes are at or above zero.

    Returns
    -------
    Weighing
        Without steps.
    """
    n, members, steps = len(model.data), model.columns.shape[1], model.steps.shape[1]
    count = len(background.hypotheses)
    weighing = Weighing(
        np.full((n, count), -np.inf),
        np.full((n, count), np.nan),
        np.zeros((n, count, members)),
        np.zeros((n, count, members)),
        np.zeros((n, count, members, members)),
        np.full((n, count, steps), np.nan),
    )
    parent = background.parent
    for level, margin in zip(background.rounds, MARGINS, strict=True):
        best = weighing.log_evidence.max(axis=1)
        for hypothesis in level:
            simpler = weighing.log_evidence[:, parent[hypothesis]] if parent[hypothesis] >= 0 else best
            near = (simpler > best - margin) | (parent[hypothesis] < 0)
            rows = np.flatnonzero(near)
            if not len(rows):
                continue
            expected, some = model.expected, products
            if len(rows) < n:
                expected, some = tuple(value[rows] for value in expected), products.take(rows)
            some = some.under(model, background, int(hypothesis))
            values = _one(
                expected, some, background, int(hypothesis), members, freedom, non_negative=non_negative
            )
            for name, value in zip(_BY_EACH, values, strict=True):
                getattr(weighing, name)[rows, hypothesis] = value
    return weighing


def take_steps(
    weighing: Weighing, weights: Real, model: Linear, products: Products, background: Background
) -> None:
    """Compute the steps of the hypotheses with a weight, where they are not known yet; in place."""
    unknown = np.isnan(weighing.steps).any(axis=2) & (weights > 0)
    for hypothesis in np.flatnonzero(unknown.any(axis=0)):
        rows = np.flatnonzero(unknown[:, hypothesis])
        amplitudes = weighing.amplitudes[rows, hypothesis]
        weighing.steps[rows, hypothesis] = steps_of(
            model, products, background, int(hypothesis), rows, amplitudes
        )


def energy_left(model: Linear, products: Products, background: Background, *, non_negative: bool) -> Real:
    """Return the smallest sum of squares under the first hypothesis, (S,)."""
    members, first = model.columns.shape[1], background.first
    products = products.under(model, background, first)
    energy: Real = _one(model.expected, products, background, first, members, 1, non_negative=non_negative)[1]
    return energy


def _one(
    expected: tuple[Real, ...],
    products: Products,
    background: Background,
    hypothesis: int,
    members: int,
    freedom: int,
    *,
    non_negative: bool,
) -> tuple[Real, ...]:
    """Fit the spectra under one hypothesis; results in the order of :class:`Weighing`, without the steps.

    All follow from the Cholesky factor of steps, members and data, in this order: its blocks are those of the
    steps, of the members with the steps solved for, and the parts of the data along either.
    """
    weight, present, noise = expected
    steps = weight.shape[1]
    last = members + steps
    gram = _left(products, background, hypothesis, noise)
    pulled = weight * present
    gram[:, members:last, -1] -= pulled
    gram[:, -1, members:last] -= pulled
    index = np.arange(last)
    gram[:, index[members:], index[members:]] += weight
    order = np.concatenate([index[members:], index[:members], [last]])
    whole = gram[:, order][:, :, order]
    whole[:, -1, -1] += (pulled * present).sum(axis=1)
    lower = _factor(whole)
    inner = lower[:, steps:last, steps:last]
    information = inner @ np.swapaxes(inner, 1, 2)
    pull = (inner @ lower[:, -1, steps:last, None])[..., 0]
    amplitudes, _ = solve_amplitudes(information, pull, non_negative=non_negative)
    fitted = (information @ amplitudes[..., None])[..., 0]
    energy = (
        whole[:, -1, -1]
        - (lower[:, -1, :steps] ** 2).sum(axis=1)
        - (amplitudes * (2 * pull - fitted)).sum(axis=1)
    )
    energy = np.maximum(energy, np.maximum(ROUNDING * products.gram[:, -1, -1], np.finfo(float).tiny))
    diagonal = np.arange(last)
    volume = 2 * np.log(lower[:, diagonal, diagonal]).sum(axis=1)
    width = np.log1p(background.of(hypothesis).power / noise[:, None]).sum(axis=1)
    evidence = -(width + volume + freedom * np.log(energy)) / 2
    return evidence, energy, amplitudes, pull, information


def _left(products: Products, background: Background, hypothesis: int, noise: Real) -> Real:
    """Return the products of the vectors after the background of a hypothesis is taken out, (S, V, V)."""
    along = products.projections @ background.of(hypothesis).axes
    shares: Real = along * background.share(hypothesis, noise)[:, None]
    left: Real = products.gram - shares @ np.swapaxes(along, 1, 2)
    return left


def _factor(gram: Real) -> Real:
    """Return the Cholesky factors of products, with a ridge for vectors that are alike, (S, V, V)."""
    index = np.arange(gram.shape[-1])
    size = np.sqrt(np.maximum(gram[:, index, index], np.finfo(float).tiny))
    scaled = gram / (size[:, :, None] * size[:, None])
    scaled[:, index, index] = 1 + _RIDGE
    try:
        lower: Real = np.linalg.cholesky(scaled)
    except np.linalg.LinAlgError:
        # In one spectrum two vectors may be nearly all background; the other spectra must not fail with it.
        lower = np.stack([_firm_factor(one) for one in scaled])
    return lower * size[:, :, None]


def _firm_factor(scaled: Real) -> Real:
    """Return the Cholesky factor of one matrix of unit diagonal, with the smallest ridge for which it exists."""
    for ridge in _LARGER_RIDGES:
        try:
            factor: Real = np.linalg.cholesky(scaled + ridge * np.eye(len(scaled)))
        except np.linalg.LinAlgError:
            continue
        return factor
    return np.full_like(scaled, np.nan)


def steps_of(
    model: Linear,
    products: Products,
    background: Background,
    hypothesis: int,
    rows: NDArray[np.intp],
    amplitudes: Real,
) -> Real:
    """Return the best steps at given amplitudes (s, M) of some spectra under a hypothesis, (s, B)."""
    members = model.columns.shape[1]
    weight, present, noise = (value[rows] for value in model.expected)
    gram = _left(products.take(rows).under(model, background, hypothesis), background, hypothesis, noise)
    own = gram[:, members:-1, members:-1]
    index = np.arange(own.shape[-1])
    own[:, index, index] += weight
    size = np.sqrt(np.maximum(own[:, index, index], np.finfo(float).tiny))
    own /= size[:, :, None] * size[:, None]
    own[:, index, index] = 1 + _RIDGE
    towards = gram[:, members:-1, -1] - weight * present
    towards -= (gram[:, members:-1, :members] @ amplitudes[..., None])[..., 0]
    steps: Real = np.linalg.solve(own, (towards / size)[..., None])[..., 0] / size
    return steps
