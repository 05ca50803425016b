"""Compute averages over weighed hypotheses, covariances, curves, and the Fisher matrix of the leading one."""

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.fit.background import Background, joined
from fsl_mrs_dl.fit.lcm.evidence import Linear, Products, Weighing
from fsl_mrs_dl.fit.lcm.problem import Problem
from fsl_mrs_dl.fit.lcm.result import N_HYPOTHESES, Average

LEAST_INDEPENDENT = 0.1
"""Smallest share of independent samples: neighbours that correlate by 0.82. In a worse fit the spectrum is not of
the basis set's kind."""


def lag_one(residual: Complex, removed: Real | float = 0.0) -> Real:
    """Return the lag-one autocorrelation of residuals along the window, (S,).

    Parameters
    ----------
    residual : ndarray, complex, shape (S, bins)
    removed : ndarray, float, shape (S,)
        Energy of white noise that was removed from the data.
    """
    energy = np.maximum((np.abs(residual) ** 2).sum(axis=1) + removed, np.finfo(float).tiny)
    correlation: Real = (residual[:, 1:] * residual[:, :-1].conj()).sum(axis=1).real / energy
    return correlation


def independent(residual: Complex, removed: Real | float = 0.0) -> Real:
    r"""Return the share of independent samples of a residual, (S,).

    It is :math:`(1 - \rho) / (1 + \rho)`, as of an autoregressive process with lag-one correlation :math:`\rho`.
    If the model lacks something, neighbouring samples are correlated; the evidence then counts them less.
    Arguments are those of :func:`lag_one`.
    """
    rho = lag_one(residual, removed)
    share: Real = np.clip((1 - rho) / (1 + rho), LEAST_INDEPENDENT, 1.0)
    return share


def spreads(weighing: Weighing, weights: Real, noise: Real, mean: Real) -> tuple[Real, Real]:
    """Return the covariance within hypotheses and that between them, (S, M, M) each."""
    within = np.zeros((*mean.shape, mean.shape[1]))
    index = np.arange(mean.shape[1])
    for hypothesis in range(weights.shape[1]):
        rows = np.flatnonzero(weights[:, hypothesis] > 0)
        if len(rows):
            information = weighing.information[rows, hypothesis]
            size = np.sqrt(np.maximum(information[:, index, index], np.finfo(float).tiny))
            scaled = information / (size[:, :, None] * size[:, None])
            scaled[:, index, index] = 1 + 1e-9
            inverse = np.linalg.inv(scaled) / (size[:, :, None] * size[:, None])
            within[rows] += (weights[rows, hypothesis] * noise[rows, hypothesis])[:, None, None] * inverse
    apart = weighing.amplitudes - mean[:, None]
    between = np.swapaxes(apart * weights[..., None], 1, 2) @ apart
    return within, between


def average_of(
    weighing: Weighing,
    weights: Real,
    noise: Real,
    order: NDArray[np.integer],
    scale: Real,
    within: Real,
    trust: Real,
) -> Average:
    """Return the best hypotheses of each spectrum in the units of the data.

    Parameters
    ----------
    weighing : Weighing
    weights : ndarray, float, shape (S, H)
    noise : ndarray, float, shape (S, H)
        Noise variance under each hypothesis.
    order : ndarray, int, shape (S, L)
        The best hypotheses, best first.
    scale : ndarray, float, shape (S,)
        Amplitude in units of data over basis, over that of the model.
    within : ndarray, float, shape (S, M, M)
        Covariance within hypotheses.
    trust : ndarray, float, shape (S,)
        Share of independent samples.

    Returns
    -------
    Average
    """

    def best(values: Real) -> Real:
        return np.take_along_axis(values, order.reshape(*order.shape, *[1] * (values.ndim - 2)), axis=1)

    # If there are fewer hypotheses, the last one fills the array, with no weight.
    weight = best(weights) * (np.arange(N_HYPOTHESES) < weights.shape[1])
    variance = best(noise)
    return Average(
        index=order,
        weight=weight / weight.sum(axis=1, keepdims=True),
        precision=best(weighing.information) / (variance * scale[:, None] ** 2)[..., None, None],
        pull=best(weighing.pull) / (variance * scale[:, None])[..., None],
        amplitudes=best(weighing.amplitudes) * scale[:, None, None],
        within=within * scale[:, None, None] ** 2,
        independent=trust,
    )


def curves_of(
    weighing: Weighing, weights: Real, model: Linear, ground: Background
) -> tuple[Real, Real, Complex]:
    """Return averages of baseline, macromolecules with lipids, and residual, as vectors of the window, (S, N)."""
    n, rows = len(weights), len(ground.rows)
    smooth, broad = np.zeros((n, rows)), np.zeros_like(model.data)
    rest = np.zeros_like(model.data)
    for hypothesis in range(weights.shape[1]):
        some = np.flatnonzero(weights[:, hypothesis] > 0)
        if not len(some):
            continue
        columns = model.columns_of(ground, hypothesis, some)
        fitted = (weighing.amplitudes[some, hypothesis][:, None] @ columns)[:, 0]
        fitted += (weighing.steps[some, hypothesis][:, None] @ model.steps[some])[:, 0]
        residual = model.data[some] - fitted
        within = residual @ ground.rows.T
        known = ground.of(hypothesis)
        along = within @ known.axes
        noise = model.noise[some]
        share = ground.share(hypothesis, noise)
        under = (share * along) @ known.axes.T
        whitened = (along / (noise[:, None] + known.power)) @ known.axes.T
        mm = whitened @ known.broad
        weight = weights[some, hypothesis][:, None]
        broad[some] += weight * (mm @ ground.rows)
        table = model.table_of(ground, hypothesis)
        if table:
            # Curves contain the mean of the prior: the difference of the table from it is added.
            instead = model.tables[table][some] - model.columns[some, model.broad]
            broad[some] += weight * weighing.amplitudes[some, hypothesis, model.broad, None] * instead
        smooth[some] += weight * (under - mm)
        rest[some] += weight * (residual - under @ ground.rows)
    return smooth @ ground.rows, broad, joined(rest)


def leading_information(
    problem: Problem,
    model: Linear,
    products: Products,
    lead: NDArray[np.integer],
    noise: Real,
    scale: Real,
) -> tuple[Real, Real]:
    """Return Fisher matrix and gradient of amplitudes and shared parameters under the leading hypothesis.

    Parameters
    ----------
    problem : Problem
    model : Linear
    products : Products
    lead : ndarray, int, shape (S,)
        Index of the leading hypothesis.
    noise : ndarray, float, shape (S,)
        Noise variance under it.
    scale : ndarray, float, shape (S,)
        Amplitude in units of data over basis, over that of the model.

    Returns
    -------
    information : ndarray, float, shape (S, Q, Q)
    score : ndarray, float, shape (S, Q)
        Zero: the estimate is where the quadratic has its maximum.
    """
    ground, members, shared = problem.background, model.columns.shape[1], len(problem.free)
    n_vectors = products.gram.shape[1] - len(products.tables)
    gram = np.empty_like(products.gram[:, :n_vectors, :n_vectors])
    for hypothesis in np.unique(lead):
        rows = np.flatnonzero(lead == hypothesis)
        some = products.take(rows).under(model, ground, int(hypothesis))
        along = some.projections @ ground.of(int(hypothesis)).axes
        share = ground.share(int(hypothesis), model.noise[rows])
        gram[rows] = some.gram - (along * share[:, None]) @ np.swapaxes(along, 1, 2)
    q = members + shared
    inner, across, single = gram[:, :q, :q], gram[:, :q, q:-1], gram[:, q:-1, q:-1].copy()
    index = np.arange(single.shape[-1])
    single[:, index, index] += model.weight[:, shared:]
    solved = np.linalg.solve(single, np.swapaxes(across, 1, 2))
    inner = inner - across @ solved
    g = problem.n_groups
    known = members + np.arange(shared)
    inner[:, known, known] += model.weight[:, :shared]
    size = np.ones((len(noise), q))
    size[:, :members] = scale[:, None]
    size[:, members + g : members + 2 * g] = problem.settings.gamma_expected[1]
    size[:, members + 3 * g + 1] = problem.settings.delay_sd_s
    about: Real = inner / (size[:, :, None] * size[:, None]) / noise[:, None, None]
    return about, np.zeros((len(noise), q))
