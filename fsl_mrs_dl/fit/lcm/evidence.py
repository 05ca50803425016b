r"""Hypotheses about the background, weighed at one place of the parameters that are not linear.

Around that place the model is linear in everything: amplitudes a, steps of shift, width and phases, and small
shifts and widths of single members, of which a Gaussian prior is known. Under a hypothesis the background is
Gaussian too, so that the data y have the density

.. math:: p(y | h) = \int N(y; X a + B b, \sigma^2 (1 + C_h / \sigma^2)) \, p(b) \, da \, db,

an integral that is done exactly, flat in a, with the noise variance integrated out as well (Jeffreys' prior).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Real
from fsl_mrs_dl.fit.background import Background
from fsl_mrs_dl.fit.lcm.linear import ROUNDING, solve_amplitudes

MARGINS = (np.inf, 20.0, 7.0)
"""Differences in log evidence from the best, beyond which a child is not looked at, in each round: lipids may
change which macromolecules fit best; another baseline of a worse hypothesis would weigh less than 1e-3."""
_SOME = 1e-3  # of all weight together: hypotheses that weigh less are left out
_FIRMER = (0.0, 1e-7, 1e-5, 1e-3, 1e-1)  # on top of the ridge, where rounding has left less than it holds
_RIDGE = 1e-9  # of each parameter's own curvature: what the data say nothing of has no say
_BY_EACH = ("log_evidence", "energy", "amplitudes", "pull", "information")  # what each hypothesis is asked


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
        Where the place stands from the middle of that prior.
    noise : ndarray, float, shape (S,)
        Noise variance of a channel, as far as it is known.
    tables : mapping of str to ndarray, float, shape (N,)
        What stands in for the macromolecules' member in hypotheses of a table, T of them.
    broad : int
        That member; -1: none.
    """

    columns: Real
    steps: Real
    data: Real
    weight: Real
    present: Real
    noise: Real
    tables: Mapping[str, Real]
    broad: int

    def columns_of(self, background: Background, at: int, rows: NDArray[np.intp]) -> Real:
        """Return the members of some spectra under a hypothesis, (s, M, N)."""
        columns = self.columns[rows]
        table = self.table_of(background, at)
        if table:
            columns[:, self.broad] = self.tables[table]
        return columns

    def table_of(self, background: Background, at: int) -> str:
        """Return the table whose macromolecules a hypothesis has; empty: that of none."""
        name = background.hypotheses[at].macromolecules
        return name if self.broad >= 0 and name in self.tables else ""

    @property
    def expected(self) -> tuple[Real, ...]:
        """What is expected of the steps, and the noise that weighs it: weight, present, noise."""
        return self.weight, self.present, self.noise


@dataclass(frozen=True, eq=False)
class Weighing:
    """What H hypotheses make of S spectra.

    Attributes
    ----------
    log_evidence, energy : ndarray, float, shape (S, H)
        ``energy`` is the least squares that are left, priors among them.
    amplitudes, pull : ndarray, float, shape (S, H, M)
    information : ndarray, float, shape (S, H, M, M)
        For unit noise; ``pull`` likewise.
    steps : ndarray, float, shape (S, H, B)
        NaN where they were not asked for, see :func:`take_steps`.
    """

    log_evidence: Real
    energy: Real
    amplitudes: Real
    pull: Real
    information: Real
    steps: Real

    def weights(self, independent: Real | float = 1.0) -> Real:
        """Return posterior probabilities of the hypotheses, equal before the data, shape (S, H).

        Those that hardly weigh have 0: what only they have found is nothing that can be divided by.

        Parameters
        ----------
        independent : ndarray, float, shape (S,)
            Share of the samples that count, see :func:`~.averaging.independent`.
        """
        below = self.log_evidence - self.log_evidence.max(axis=1, keepdims=True)
        relative = np.exp(np.reshape(independent, (-1, 1)) * below)
        relative /= relative.sum(axis=1, keepdims=True)
        relative[relative < _SOME] = 0.0
        found: Real = relative / relative.sum(axis=1, keepdims=True)
        return found


@dataclass(frozen=True, eq=False)
class Products:
    """Products of all vectors of a model, and what the background's rows see of them.

    Vectors are the M members, B steps, the data, and the macromolecules of the tables: V = M + B + 1 + T.

    Attributes
    ----------
    gram : ndarray, float, shape (S, V, V)
    seen : ndarray, float, shape (S, V, R)
    """

    gram: Real
    seen: Real
    tables: tuple[str, ...] = ()

    @classmethod
    def of(cls, model: Linear, background: Background) -> "Products":
        """Return the products of a model."""
        parts = [model.columns, model.steps, model.data[:, None]]
        if model.tables:
            means = np.stack(list(model.tables.values()))
            parts.append(np.broadcast_to(means, (len(model.data), *means.shape)))
        vectors = np.concatenate(parts, axis=1)
        products = vectors @ np.swapaxes(vectors, 1, 2)
        return cls(products, vectors @ background.rows.T, tuple(model.tables))

    def under(self, model: Linear, background: Background, at: int) -> "Products":
        """Return the products of members, steps and data under a hypothesis."""
        order = np.arange(self.gram.shape[1] - len(self.tables))
        table = model.table_of(background, at)
        if not table:
            return Products(self.gram[:, : len(order), : len(order)], self.seen[:, : len(order)])
        order[model.broad] = len(order) + self.tables.index(table)
        return Products(self.gram[:, order][:, :, order], self.seen[:, order])

    def take(self, rows: NDArray[np.intp]) -> "Products":
        """Return some spectra."""
        return Products(self.gram[rows], self.seen[rows], self.tables)


def weigh(
    model: Linear, products: Products, background: Background, *, freedom: int, non_negative: bool
) -> Weighing:
    """Weigh all hypotheses.

    A hypothesis is looked at where its parent (:attr:`Background.parent`) comes near enough to the best so far.

    Parameters
    ----------
    model : Linear
    products : Products
        Of it.
    background : Background
    freedom : int
        Of the residual.
    non_negative : bool
        Whether amplitudes are kept at or above zero.
    """
    n, members, steps = len(model.data), model.columns.shape[1], model.steps.shape[1]
    count = len(background.hypotheses)
    found = Weighing(
        np.full((n, count), -np.inf),
        np.full((n, count), np.nan),
        np.zeros((n, count, members)),
        np.zeros((n, count, members)),
        np.zeros((n, count, members, members)),
        np.full((n, count, steps), np.nan),
    )
    parent = background.parent
    for level, margin in zip(background.rounds, MARGINS, strict=True):
        best = found.log_evidence.max(axis=1)
        for at in level:
            simpler = found.log_evidence[:, parent[at]] if parent[at] >= 0 else best
            near = (simpler > best - margin) | (parent[at] < 0)
            rows = np.flatnonzero(near)
            if not len(rows):
                continue
            expected, some = model.expected, products
            if len(rows) < n:
                expected, some = tuple(value[rows] for value in expected), products.take(rows)
            some = some.under(model, background, int(at))
            values = _one(expected, some, background, int(at), members, freedom, non_negative=non_negative)
            for name, value in zip(_BY_EACH, values, strict=True):
                getattr(found, name)[rows, at] = value
    return found


def take_steps(
    found: Weighing, weights: Real, model: Linear, products: Products, background: Background
) -> None:
    """Fill in the steps of the hypotheses that weigh, where they are not known yet."""
    unknown = np.isnan(found.steps).any(axis=2) & (weights > 0)
    for at in np.flatnonzero(unknown.any(axis=0)):
        rows = np.flatnonzero(unknown[:, at])
        amplitudes = found.amplitudes[rows, at]
        found.steps[rows, at] = steps_of(model, products, background, int(at), rows, amplitudes)


def energy_left(model: Linear, products: Products, background: Background, *, non_negative: bool) -> Real:
    """Return the least squares that the first hypothesis leaves, (S,)."""
    members, first = model.columns.shape[1], background.first
    products = products.under(model, background, first)
    energy: Real = _one(model.expected, products, background, first, members, 1, non_negative=non_negative)[1]
    return energy


def _one(
    expected: tuple[Real, ...],
    products: Products,
    background: Background,
    at: int,
    members: int,
    freedom: int,
    *,
    non_negative: bool,
) -> tuple[Real, ...]:
    """Return what one hypothesis makes of the spectra, in the order of :class:`Weighing`, without the steps.

    The Cholesky factor of steps, members and data, in this order, holds what is asked: its blocks are those of the
    steps, of the members once steps are taken, and the parts of the data along either.
    """
    weight, present, noise = expected
    steps = weight.shape[1]
    last = members + steps
    gram = _left(products, background, at, noise)
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
    width = np.log1p(background.of(at).power / noise[:, None]).sum(axis=1)
    evidence = -(width + volume + freedom * np.log(energy)) / 2
    return evidence, energy, amplitudes, pull, information


def _left(products: Products, background: Background, at: int, noise: Real) -> Real:
    """Return the products of what the background of a hypothesis leaves of the vectors, (S, V, V)."""
    along = products.seen @ background.of(at).axes
    seen: Real = along * background.share(at, noise)[:, None]
    left: Real = products.gram - seen @ np.swapaxes(along, 1, 2)
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
        # One spectrum in which the background leaves next to nothing of two vectors does not sink the others.
        lower = np.stack([_firm_factor(one) for one in scaled])
    return lower * size[:, :, None]


def _firm_factor(scaled: Real) -> Real:
    """Return the Cholesky factor of one matrix of unit diagonal, with as large a ridge as it needs."""
    for ridge in _FIRMER:
        try:
            found: Real = np.linalg.cholesky(scaled + ridge * np.eye(len(scaled)))
        except np.linalg.LinAlgError:
            continue
        return found
    return np.full_like(scaled, np.nan)


def steps_of(
    model: Linear,
    products: Products,
    background: Background,
    at: int,
    rows: NDArray[np.intp],
    amplitudes: Real,
) -> Real:
    """Return the steps that belong to amplitudes (s, M) of some spectra under a hypothesis, (s, B)."""
    members = model.columns.shape[1]
    weight, present, noise = (value[rows] for value in model.expected)
    gram = _left(products.take(rows).under(model, background, at), background, at, noise)
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
