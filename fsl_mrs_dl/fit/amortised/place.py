"""Gauss-Newton steps from the place that a network gives, for a batch of spectra, on any array library."""

from dataclasses import dataclass, fields
from math import pi
from typing import Any

from array_api_compat import array_namespace

from fsl_mrs_dl.fit.amortised.model import BatchModel
from fsl_mrs_dl.fit.amortised.small import TINY, dot, eye_of, inverse_size, of_unit_diagonal, solve
from fsl_mrs_dl.fit.lcm.over_background import rate_weight
from fsl_mrs_dl.fit.lcm.tabulated import LARGEST_GAMMA, LARGEST_SPREAD
from fsl_mrs_dl.physics import correct, damp

Array = Any

GAMMA, SPREAD, PHASE, DELAY, SHARED = 1, 2, 3, 4, 5
"""Columns of the parameters that all members share, after the shift in Hz; and their number."""
LARGEST_STEP_PPM = 0.1
"""Largest change of the shift in one step, in ppm: a third of the range in which the network finds a start."""
_FIRST_SNR = 20.0  # the first step assumes this SNR of NAA, that of a poor spectrum
_LEAST_ENERGY = 1e-4  # of metabolites over the whole window: at least a hundredth of its amplitude
RIDGE = 1e-6
"""Over each parameter's own curvature: above the rounding of products in single precision, and a thousandth of
what tells the two most similar metabolites of a basis set apart."""


@dataclass(frozen=True, eq=False)
class BatchPlace:
    """Where S spectra are: what all members share, and two sizes.

    Attributes
    ----------
    shared : Array, float, shape (S, 5)
        Shift in Hz, gamma in rad/s, sigma squared in rad^2/s^2, phase in rad, delay in s.
    unit : Array, float, shape (S,)
        Amplitude of 1 mmol/kg.
    noise : Array, float, shape (S,)
        Variance of a channel, for data over ``unit``.
    """

    shared: Array
    unit: Array
    noise: Array

    def take(self, rows: Any) -> "BatchPlace":
        """Return some rows."""
        return BatchPlace(*(getattr(self, one.name)[rows] for one in fields(self)))


@dataclass(frozen=True, eq=False)
class Evaluated:
    """Model and data of S spectra at a place, in single precision.

    Attributes
    ----------
    moments : Array, float, shape (S, R)
        Coefficients of the dampings in the curves of the tables.
    columns : Array, float, shape (S, M, N)
    data : Array, float, shape (S, N)
        In the corrected frame.
    """

    moments: Array
    columns: Array
    data: Array


def evaluate(model: BatchModel, fids: Array, shared: Array) -> Evaluated:
    """Return members and data at a place.

    Parameters
    ----------
    model : BatchModel
    fids : Array, complex64, shape (S, time)
    shared : Array, float, shape (S, 5)
    """
    xp = array_namespace(fids)
    shared = xp.astype(shared, model.project.dtype)
    corrected = correct(fids, shared[:, 0], shared[:, PHASE], model.dwelltime_s)
    bins = xp.fft.fft(corrected, axis=-1, norm="ortho")[:, model.bins]
    angle = -2 * pi * shared[:, DELAY, None] * xp.astype(model.frequency_hz, shared.dtype)
    bins = bins * (xp.cos(angle) + 1j * xp.sin(angle))
    data = xp.concat([xp.real(bins), xp.imag(bins)], axis=-1)
    ones = xp.ones_like(model.project[:, :1].T)
    damping = damp(ones, shared[:, GAMMA], xp.sqrt(shared[:, SPREAD]), model.dwelltime_s)
    moments = damping @ model.project
    return Evaluated(moments, xp.reshape(moments @ model.columns, (-1, model.members, model.points)), data)


def slopes(model: BatchModel, here: Evaluated, amplitudes: Array) -> Array:
    """Return derivatives by the shared parameters, in the order of :class:`BatchPlace`, shape (S, 5, N)."""
    xp = array_namespace(amplitudes)
    amplitudes = xp.astype(amplitudes, here.columns.dtype)
    total, by_time, by_square = (
        summed(table, here.moments, amplitudes, model.points)
        for table in (model.columns, model.by_time, model.by_square)
    )
    turned = quarter_turn(total)
    frequency = xp.astype(xp.concat([model.frequency_hz, model.frequency_hz]), turned.dtype)
    by_width = -by_square if model.gaussian else xp.zeros_like(total)
    return xp.stack(
        [2 * pi * quarter_turn(by_time), -by_time, by_width, turned, 2 * pi * frequency * turned], axis=1
    )


def summed(table: Array, moments: Array, amplitudes: Array, points: int) -> Array:
    """Return sums over members from a table of shape (R, M * N), weighted by amplitudes, shape (S, N)."""
    xp = array_namespace(moments)
    pairs = xp.reshape(moments[:, :, None] * amplitudes[:, None, :], (moments.shape[0], -1))
    return pairs @ xp.reshape(table, (-1, points))


def along_members(model: BatchModel, here: Evaluated) -> Array:
    """Return the products of the members with the data, shape (S, M), from the table: one large product."""
    xp = array_namespace(here.data)
    each = here.data @ xp.reshape(model.columns, (-1, model.points)).T
    return xp.sum(
        xp.reshape(each, (-1, here.moments.shape[1], model.members)) * here.moments[..., None], axis=1
    )


def quarter_turn(values: Array) -> Array:
    """Multiply by i vectors whose real parts come before their imaginary parts."""
    xp = array_namespace(values)
    half = values.shape[-1] // 2
    return xp.concat([-values[..., half:], values[..., :half]], axis=-1)


@dataclass(frozen=True, eq=False)
class Searched:
    """Products over the background of the search, double precision: of members, with the data, of the data.

    ``plain``, shape (S, M, M), are those of members without a background. ``share``, shape (S, r), is the part of
    each axis that belongs to the background; ``inner`` and ``along`` are products with the axes.
    """

    plain: Array
    gram: Array
    right: Array
    whole: Array
    share: Array
    inner: Array
    along: Array

    @classmethod
    def of(cls, model: BatchModel, here: Evaluated, noise: Array) -> "Searched":
        """Return the products at a place."""
        xp = array_namespace(here.data)
        inner = xp.reshape(here.moments @ model.searched, (-1, model.members, model.search_rows.shape[0]))
        along = here.data @ model.search_rows.T
        share = xp.astype(model.search_power / (model.search_power + noise[:, None]), inner.dtype)
        shares = along * share
        plain = here.columns @ here.columns.mT
        gram = plain - (inner * share[:, None]) @ inner.mT
        right = along_members(model, here) - xp.sum(inner * shares[:, None], axis=2)
        whole = xp.sum(here.data**2, axis=1) - xp.sum(shares * along, axis=1)
        gram, right, whole = (xp.astype(one, noise.dtype) for one in (gram, right, whole))
        return cls(plain, gram, right, whole, share, inner, along)


def first_step(model: BatchModel, fids: Array, shared: Array) -> tuple[BatchPlace, Array]:
    """Take the first step from a start, with unit and noise from a fit without a background.

    Parameters
    ----------
    model : BatchModel
    fids : Array, complex64, shape (S, time)
    shared : Array, float64, shape (S, 5)

    Returns
    -------
    place : BatchPlace
    size : Array, float, shape (S,)
        See :func:`gauss_newton`.
    """
    xp = array_namespace(shared)
    here = evaluate(model, fids, shared)
    gram = xp.astype(here.columns @ here.columns.mT, shared.dtype)
    right = xp.astype(along_members(model, here), shared.dtype)
    size = inverse_size(xp.linalg.diagonal(gram))
    amplitudes = size * solve(of_unit_diagonal(gram, size, RIDGE), size * right)
    whole = xp.astype(xp.sum(here.data**2, axis=1), shared.dtype)
    unit = concentration(model, gram, amplitudes, whole)
    here = Evaluated(here.moments, here.columns, here.data / xp.astype(unit, here.data.dtype)[:, None])
    noise = xp.full_like(unit, (model.height / _FIRST_SNR) ** 2)
    return gauss_newton(model, here, BatchPlace(shared, unit, noise))


def step(model: BatchModel, fids: Array, place: BatchPlace) -> tuple[BatchPlace, Array]:
    """Take another step; see :func:`gauss_newton`."""
    return gauss_newton(model, at(model, fids, place), place)


def at(model: BatchModel, fids: Array, place: BatchPlace) -> Evaluated:
    """Return members, and data over their unit, at a place."""
    xp = array_namespace(fids)
    unit = xp.astype(place.unit, model.project.dtype)
    return evaluate(model, fids / unit[:, None], place.shared)


def concentration(model: BatchModel, gram: Array, amplitudes: Array, whole: Array) -> Array:
    """Return 1 mmol/kg in the scale of amplitudes: the usual mixture is then as strong as the fit, shape (S,)."""
    xp = array_namespace(gram)
    known = amplitudes * xp.astype(model.mixture > 0, gram.dtype)
    fitted = xp.sum(known * dot(gram, known), axis=1)
    usual = xp.sum(model.mixture * (gram @ model.mixture), axis=1)
    largest = xp.maximum(fitted, xp.maximum(_LEAST_ENERGY * whole, TINY + 0 * whole))
    return xp.sqrt(largest / xp.maximum(usual, TINY + 0 * usual)) / model.scale


def usual_amplitudes(model: BatchModel, searched: Searched, noise: Array) -> Array:
    """Return amplitudes around which the model is linear: under a Gaussian prior as wide as the usual amounts.

    Without it the parts of a sum that hardly differ (Cr and PCr) would take any value.
    """
    xp = array_namespace(noise)
    usual = model.mixture * model.scale
    known = model.mixture > 0
    firm = xp.where(known, 1 / xp.where(known, usual, xp.ones_like(usual)) ** 2, xp.zeros_like(usual))
    weight = noise[:, None] * firm
    gram = searched.gram + weight[:, :, None] * eye_of(searched.gram)
    size = inverse_size(xp.linalg.diagonal(gram))
    right = searched.right + weight * usual
    return size * solve(of_unit_diagonal(gram, size, RIDGE), size * right)


def gauss_newton(model: BatchModel, here: Evaluated, place: BatchPlace) -> tuple[BatchPlace, Array]:
    """Take one step over the background of the search, and estimate unit and noise again.

    Parameters
    ----------
    model : BatchModel
    here : Evaluated
        At the place, for data over its unit.
    place : BatchPlace

    Returns
    -------
    place : BatchPlace
    size : Array, float, shape (S,)
        Length of the step in SDs of the parameters.
    """
    xp = array_namespace(place.shared)
    known = Searched.of(model, here, place.noise)
    gram, right, double = known.gram, known.right, place.shared.dtype
    amplitudes = usual_amplitudes(model, known, place.noise)
    by = slopes(model, here, amplitudes)
    inner = by @ model.search_rows.T
    shares = inner * known.share[:, None]
    coupling = xp.astype(by @ here.columns.mT - shares @ known.inner.mT, double)
    toward = xp.sum(by * here.data[:, None], axis=2) - xp.sum(shares * known.along[:, None], axis=2)
    gradient = xp.astype(toward, double) - dot(coupling, amplitudes)
    curvature = xp.astype(by @ by.mT - shares @ inner.mT, double)
    energy = known.whole - xp.sum(amplitudes * (2 * right - dot(gram, amplitudes)), axis=1)
    energy = xp.maximum(energy, 1e-7 * known.whole)
    size = inverse_size(xp.linalg.diagonal(gram))
    across = coupling * size[:, None, :]
    followed = curvature - across @ xp.linalg.solve(of_unit_diagonal(gram, size, RIDGE), across.mT)
    moved, length = _step(model, place, followed, gradient)
    ratio = concentration(model, gram, amplitudes, known.whole)
    noise = energy / model.freedom
    return BatchPlace(moved, place.unit * ratio, noise / ratio**2), length / xp.sqrt(noise)


def _step(model: BatchModel, place: BatchPlace, curvature: Array, gradient: Array) -> tuple[Array, Array]:
    """Return the shared parameters after a step within their bounds, and its length for unit noise."""
    xp = array_namespace(curvature)
    shared = place.shared
    away = (shared[:, GAMMA] - model.gamma_usual) / model.gamma_spread
    firm = place.noise * rate_weight(away) / model.gamma_spread**2
    none = xp.zeros_like(firm)
    prior = xp.stack([none, firm, none, none, place.noise / model.delay_sd_s**2], axis=1)
    centre = xp.stack([none, shared[:, GAMMA] - model.gamma_usual, none, none, shared[:, DELAY]], axis=1)
    curvature = curvature + prior[:, :, None] * eye_of(curvature)
    size = inverse_size(xp.linalg.diagonal(curvature))
    scaled = of_unit_diagonal(curvature, size, RIDGE)
    towards = (gradient - prior * centre) * size
    low, high = limits(model, shared)
    held, fixed, moved = xp.zeros_like(shared), xp.zeros_like(shared), shared
    eye = eye_of(scaled)
    for _ in range(2):
        # What would leave its bounds stops there, and the others follow.
        free = 1 - held
        matrix = scaled * free[:, :, None] * free[:, None, :] + held[:, :, None] * eye
        rest = xp.where(held > 0, fixed, towards - dot(scaled, fixed))
        steps = solve(matrix, rest)
        moved = shared + steps * size
        bounded = xp.clip(moved, low, high)
        held = xp.astype(bounded != moved, held.dtype)
        fixed = held * xp.where(held > 0, (bounded - shared) / size, 0 * shared)
    length = xp.sqrt(xp.sum(steps * dot(scaled, steps), axis=1))
    return xp.clip(moved, low, high), length


def limits(model: BatchModel, shared: Array) -> tuple[Array, Array]:
    """Return the lowest and highest shared parameters of a step, shape (S, 5)."""
    xp = array_namespace(shared)
    none, reach = xp.zeros_like(shared[:, 0]), LARGEST_STEP_PPM * model.mhz
    low = [shared[:, 0] - reach, none, none, shared[:, PHASE] - pi / 2, none - 1]
    most = LARGEST_SPREAD if model.gaussian else 0.0
    high = [shared[:, 0] + reach, none + LARGEST_GAMMA, none + most, shared[:, PHASE] + pi / 2, none + 1]
    return xp.stack(low, axis=1), xp.stack(high, axis=1)
