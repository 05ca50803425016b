"""Amplitudes and their covariance around a place, averaged over weighed backgrounds, for a batch of spectra.

The model is that of :mod:`~fsl_mrs_dl.fit.lcm.evidence`: linear in amplitudes and steps, over a Gaussian
background. One Cholesky factor of steps, members and data for each background gives all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from array_api_compat import array_namespace

from fsl_mrs_dl.fit.amortised.model import BatchModel, HypothesisArrays
from fsl_mrs_dl.fit.amortised.place import (
    DELAY,
    GAMMA,
    RIDGE,
    SHARED,
    SPREAD,
    BatchPlace,
    Evaluated,
    Searched,
    at,
    limits,
    quarter_turn,
    slopes,
    summed,
    usual_amplitudes,
)
from fsl_mrs_dl.fit.amortised.small import cholesky, inverse_size, of_unit_diagonal, solve_lower, solve_upper
from fsl_mrs_dl.fit.lcm.averaging import LEAST_INDEPENDENT
from fsl_mrs_dl.fit.lcm.over_background import rate_weight

Array = Any

_LEAST_MOVING = 0.1
"""Energy of an own shift or width over the noise variance, below which a member does not get one."""


@dataclass(frozen=True, eq=False)
class BatchAverage:
    """Averages over K backgrounds, for data over their unit; M members, B steps.

    Attributes
    ----------
    place : BatchPlace
        That of the linear model.
    mean : Array, float, shape (S, M)
        Amplitudes of the scaled basis, of any sign.
    within, covariance : Array, float, shape (S, M, M)
        Without and with the scatter between backgrounds.
    steps, own : Array, float, shape (S, 5) and (S, 2 own)
        From the place to the estimate: of shared parameters, and of shifts, then widths, of single members; those
        with a prior in SDs of it.
    weights, noise : Array, float, shape (S, K)
        Probability of each background, and variance of a channel under it.
    each_mean, each_information : Array, float, shape (S, K, M) and (S, K, M, M)
        Under each background; the information for unit noise.
    independent, lag : Array, float, shape (S,)
        Share of the residual's samples that are independent, and its lag-one autocorrelation.
    smooth, broad : Array, float, shape (S, N)
        Curves of the baseline, and of macromolecules and lipids, as vectors of the window.
    gram : Array, float, shape (S, M, M)
        Products of the members over the background of the search.
    lead : Array, float, shape (S, 5 + M, 5 + M)
        Fisher matrix of shared steps and amplitudes under the leading background, for unit noise.
    sound : Array, bool, shape (S,)
        Whether all backgrounds could be solved.
    """

    place: BatchPlace
    mean: Array
    within: Array
    covariance: Array
    steps: Array
    own: Array
    weights: Array
    noise: Array
    each_mean: Array
    each_information: Array
    independent: Array
    lag: Array
    smooth: Array
    broad: Array
    gram: Array
    lead: Array
    sound: Array


@dataclass(frozen=True, eq=False)
class _Linear:
    """The linear model: vectors of the window, in the order own steps, shared steps, members, data, tables.

    Attributes
    ----------
    steps, members : int
    products : Array, float, shape (S, V, V)
    inner : Array, float, shape (S, V, rows)
        Products with the rows of the background.
    weight, present : Array, float, shape (S, B)
        The prior of the steps.
    combine : callable
        From coefficients (S, V) to their sum of vectors (S, N).
    """

    steps: int
    members: int
    products: Array
    inner: Array
    weight: Array
    present: Array
    combine: Any


@dataclass(frozen=True, eq=False)
class _Solved:
    """The linear model under one background; ``coefficients`` (S, V) make the residual of the vectors.

    ``information``, shape (S, 5 + M, 5 + M), is that of shared steps and members, with the own steps solved for.
    """

    one: HypothesisArrays
    log_evidence: Array
    noise: Array
    information: Array
    each: Array
    mean: Array
    steps: Array
    coefficients: Array
    sound: Array


def average(model: BatchModel, fids: Array, place: BatchPlace) -> BatchAverage:
    """Weigh the backgrounds around a place.

    Parameters
    ----------
    model : BatchModel
    fids : Array, complex64, shape (S, time)
    place : BatchPlace
    """
    xp = array_namespace(fids)
    here = at(model, fids, place)
    searched = Searched.of(model, here, place.noise)
    amplitudes = usual_amplitudes(model, searched, place.noise)
    linear = _linear(model, here, searched.plain, place, amplitudes)
    solved = [_under(model, linear, place.noise, one) for one in model.hypotheses]
    evidence = xp.stack([one.log_evidence for one in solved], axis=1)
    weights = _probabilities(evidence, xp.ones_like(place.noise))
    smooth, broad, left = _curves(model, linear, solved, weights, place.noise)
    lag = _lag_one(left)
    independent = xp.clip((1 - lag) / (1 + lag), LEAST_INDEPENDENT, 1.0)
    weights = _probabilities(evidence, independent)
    mean, noise, information, steps = (
        xp.stack([getattr(one, name) for one in solved], axis=1)
        for name in ("mean", "noise", "each", "steps")
    )
    leading = xp.argmax(weights, axis=1)
    lead: Array = 0.0
    middle = xp.sum(weights[..., None] * mean, axis=1)
    within: Array = 0.0
    for k in range(len(solved)):
        size = inverse_size(xp.linalg.diagonal(information[:, k]))
        inverse = xp.linalg.inv(of_unit_diagonal(information[:, k], size, RIDGE))
        inverse = inverse * size[:, :, None] * size[:, None, :]
        within = within + (weights[:, k] * noise[:, k])[:, None, None] * inverse
        lead = lead + xp.astype(leading == k, weights.dtype)[:, None, None] * solved[k].information
    apart = mean - middle[:, None]
    mean_steps = xp.sum(weights[..., None] * steps, axis=1)
    sound = solved[0].sound
    for one in solved[1:]:
        sound = sound & one.sound
    return BatchAverage(
        place=place,
        mean=middle,
        within=within,
        covariance=within + (apart * weights[..., None]).mT @ apart,
        steps=mean_steps[:, -SHARED:],
        own=mean_steps[:, :-SHARED],
        weights=weights,
        noise=noise,
        each_mean=mean,
        each_information=information,
        independent=independent,
        lag=lag,
        smooth=smooth,
        broad=broad,
        gram=searched.gram,
        lead=lead,
        sound=sound,
    )


def _linear(model: BatchModel, here: Evaluated, each: Array, place: BatchPlace, amplitudes: Array) -> _Linear:
    """Return the linear model around a place."""
    xp = array_namespace(here.data)
    steps, weight, present = _steps(model, here, place, amplitudes)
    own = _own(model, here, place, amplitudes)
    tables = [here.moments @ table for table in model.tables.values()]
    data = xp.stack([here.data, *tables], axis=1)
    beside = xp.concat([own, steps, data], axis=1)
    b, m = steps.shape[1] + own.shape[1], model.members
    across = beside @ here.columns.mT
    single = beside @ beside.mT
    products = xp.concat(
        [
            xp.concat([single[:, :b, :b], across[:, :b], single[:, :b, b:]], axis=2),
            xp.concat([across[:, :b].mT, each, across[:, b:].mT], axis=2),
            xp.concat([single[:, b:, :b], across[:, b:], single[:, b:, b:]], axis=2),
        ],
        axis=1,
    )
    of_members = xp.reshape(here.moments @ model.inner, (-1, m, model.rows.shape[0]))
    of_beside = beside @ model.rows.T
    firm = xp.broadcast_to(place.noise[:, None], own.shape[:2])

    def combine(coefficients: Array) -> Array:
        some = xp.astype(coefficients, beside.dtype)
        others = xp.concat([some[:, :b], some[:, b + m :]], axis=1)
        of_members = summed(model.columns, here.moments, some[:, b : b + m], model.points)
        return xp.sum(others[..., None] * beside, axis=1) + of_members

    return _Linear(
        steps=b,
        members=m,
        products=products,
        inner=xp.concat([of_beside[:, :b], of_members, of_beside[:, b:]], axis=1),
        weight=xp.concat([firm, weight], axis=1),
        present=xp.concat([xp.zeros_like(firm), present], axis=1),
        combine=combine,
    )


def _steps(
    model: BatchModel, here: Evaluated, place: BatchPlace, amplitudes: Array
) -> tuple[Array, Array, Array]:
    """Return derivatives by the shared parameters, (S, 5, N), in SDs of a prior, and that prior, (S, 5) twice."""
    xp = array_namespace(here.data)
    gamma, spread = place.shared[:, GAMMA], place.shared[:, SPREAD]
    one, none = xp.ones_like(gamma), xp.zeros_like(gamma)
    # A width that is zero stays so: its step could only be to one side.
    free = xp.astype(gamma > 0, one.dtype)
    scales = [one, model.gamma_spread * free, xp.astype(spread > 0, one.dtype), one, model.delay_sd_s * one]
    by = slopes(model, here, amplitudes)
    away = (gamma - model.gamma_usual) / model.gamma_spread
    weight = [none, place.noise * rate_weight(away) * free, none, none, place.noise]
    present = [none, away * free, none, none, place.shared[:, DELAY] / model.delay_sd_s]
    scaled = by * xp.astype(xp.stack(scales, axis=1), by.dtype)[..., None]
    return scaled, xp.stack(weight, axis=1), xp.stack(present, axis=1)


def _own(model: BatchModel, here: Evaluated, place: BatchPlace, amplitudes: Array) -> Array:
    """Return derivatives by shift and width of single strong members, in SDs, shape (S, 2 own, N)."""
    xp = array_namespace(here.data)
    count = int(model.moving.shape[0])
    if not count:
        return here.columns[:, :0]
    single = xp.reshape(here.moments @ model.own, (-1, count, model.points))
    single = single * xp.astype(amplitudes[:, model.moving, None], single.dtype)
    by_shift, by_width = model.own_scales
    largest = max(abs(by_shift), abs(by_width))
    noise = xp.astype(place.noise, single.dtype)
    strong = xp.sum(single**2, axis=2) * largest**2 > _LEAST_MOVING * noise[:, None]
    single = single * xp.astype(strong, single.dtype)[..., None]
    return xp.concat([by_shift * quarter_turn(single), by_width * single], axis=1)


def _under(model: BatchModel, linear: _Linear, noise: Array, one: HypothesisArrays) -> _Solved:
    """Solve the linear model under one background."""
    xp = array_namespace(linear.products)
    b, m = linear.steps, linear.members
    n = b + m
    order = list(range(n + 1))
    products, inner = linear.products, linear.inner
    if one.table and model.broad >= 0:
        order[b + model.broad] = n + 1 + list(model.tables).index(one.table)
        index = xp.asarray(order, device=products.device)
        products, inner = products[:, index][:, :, index], inner[:, index]
    else:
        products, inner = products[:, : n + 1, : n + 1], inner[:, : n + 1]
    along = inner @ one.axes
    share = xp.astype(one.power / (one.power + noise[:, None]), along.dtype)
    whole = xp.astype(products - (along * share[:, None]) @ along.mT, noise.dtype)
    pulled = linear.weight * linear.present
    none = xp.zeros_like(whole[:, 0, : m + 1])
    prior = xp.concat([linear.weight, none[:, :m]], axis=1)
    size = inverse_size(xp.linalg.diagonal(whole)[:, :n] + prior)
    towards = whole[:, :n, n] - xp.concat([pulled, none[:, :m]], axis=1)
    energy = whole[:, n, n] + xp.sum(pulled * linear.present, axis=1)
    factor, sound = cholesky(of_unit_diagonal(whole[:, :n, :n], size, RIDGE))
    half = solve_lower(factor, towards * size)
    left = xp.maximum(energy - xp.sum(half**2, axis=1), 1e-7 * energy)
    volume = 2 * xp.sum(xp.log(xp.linalg.diagonal(factor)) - xp.log(size), axis=1)
    width = xp.sum(xp.log1p(one.power / noise[:, None]), axis=1)
    evidence = -(width + volume + model.freedom * xp.log(left)) / 2
    free = b - SHARED
    shared = factor[:, free:, free:] / size[:, free:, None]
    inside = shared[:, SHARED:, SHARED:]
    solution = solve_upper(factor, half) * size
    coefficients = xp.zeros_like(linear.products[:, 0])
    coefficients[:, xp.asarray(order[:-1], device=coefficients.device)] = xp.astype(
        -solution, coefficients.dtype
    )
    coefficients[:, n] = 1.0
    sound = sound & xp.isfinite(evidence)
    return _Solved(
        one,
        evidence,
        left / model.freedom,
        shared @ shared.mT,
        inside @ inside.mT,
        solution[:, b:],
        solution[:, :b],
        coefficients,
        sound,
    )


def _probabilities(log_evidence: Array, independent: Array) -> Array:
    """Return posterior probabilities of backgrounds with equal prior probabilities, shape (S, K)."""
    xp = array_namespace(log_evidence)
    below = log_evidence - xp.max(log_evidence, axis=1, keepdims=True)
    relative = xp.exp(independent[:, None] * below)
    return relative / xp.sum(relative, axis=1, keepdims=True)


def _curves(
    model: BatchModel, linear: _Linear, solved: Sequence[_Solved], weights: Array, noise: Array
) -> tuple[Array, Array, Array]:
    """Return averages of baseline, macromolecules with lipids, and residual, as vectors of the window."""
    xp = array_namespace(weights)
    single = linear.inner.dtype
    variance = xp.astype(noise, single)[:, None]
    under: Array = 0.0
    broad: Array = 0.0
    rest: Array = 0.0
    first = linear.steps + linear.members + 1
    for k, one in enumerate(solved):
        weight = xp.astype(weights[:, k, None], single)
        along = xp.sum(one.coefficients[..., None] * linear.inner, axis=1) @ one.one.axes
        known = along / (variance + xp.astype(one.one.power, single))
        under = under + weight * ((known * xp.astype(one.one.power, single)) @ one.one.axes.T)
        broad = broad + weight * (known @ one.one.axes.T @ one.one.broad)
        rest = rest + weight * one.coefficients
    # Curves contain the mean of the prior: the difference of a table from it is added.
    tables = xp.zeros_like(rest)
    if model.tables and model.broad >= 0:
        amounts = -rest[:, first:]
        tables = xp.concat([tables[:, :first], amounts], axis=1)
        tables[:, linear.steps + model.broad] = -xp.sum(amounts, axis=1)
    beside = linear.combine(tables)
    return (
        (under - broad) @ model.rows,
        broad @ model.rows + beside,
        linear.combine(rest) - under @ model.rows,
    )


def _lag_one(left: Array) -> Array:
    """Return the lag-one autocorrelation of residuals along the window, shape (S,)."""
    xp = array_namespace(left)
    half = left.shape[1] // 2
    real, imag = left[:, :half], left[:, half:]
    energy = xp.sum(left**2, axis=1)
    product = xp.sum(real[:, 1:] * real[:, :-1], axis=1) + xp.sum(imag[:, 1:] * imag[:, :-1], axis=1)
    return xp.astype(product / xp.maximum(energy, 1e-30 + 0 * energy), xp.float64)


def moved(model: BatchModel, place: BatchPlace, steps: Array) -> Array:
    """Return the shared parameters after the averaged steps, within their bounds, shape (S, 5)."""
    xp = array_namespace(steps)
    one = xp.ones_like(place.noise)
    scales = xp.stack([one, model.gamma_spread * one, one, one, model.delay_sd_s * one], axis=1)
    low, high = limits(model, place.shared)
    return xp.clip(place.shared + scales * steps, low, high)
