"""Simulate batches of labelled FIDs in plain arrays: draw parameters first, apply them second."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device
from numpy.typing import NDArray

from fsl_mrs_dl.data import NUCLEI, Basis, Complex, Real
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.physics import (
    add_noise,
    apply_time_phase,
    basis_sum,
    damp,
    eddy_current_phase,
    fid_to_spectrum,
    phase,
    shift,
)
from fsl_mrs_dl.physics.lines import gamma_from_fwhm, gaussian_lines, sigma_from_fwhm
from fsl_mrs_dl.simulate.nuisance import draw_nuisance, nuisance_fids, nuisance_labels
from fsl_mrs_dl.simulate.priors import Drift, Noise, Prior

Array = Any
Parameters = Mapping[str, Real]
"""Name -> values, shape (fid,) or, for ``amplitudes``, (fid, metabolite); units as in the names."""

_BLOCK_FIDS = 512
"""FIDs that are simulated at once, to limit memory. Constant, because the noise of an FID depends on it."""


@dataclass(frozen=True, eq=False)
class Signals:
    """A batch of independent simulated FIDs with their true parameters.

    Attributes
    ----------
    fids : ndarray, complex, shape (fid, time)
        With noise; without noise: ``clean_fids(parameters, basis.fids, basis.dwelltime_s)``.
    parameters : dict
        From :func:`draw_signals`.
    noise_sigma : ndarray, float, shape (fid,)
        Standard deviation of the noise, of the real and of the imaginary channel.
    labels : ndarray, str, shape (fid,)
        From :func:`~fsl_mrs_dl.simulate.nuisance.nuisance_labels`.
    basis : Basis
        The basis set, with the line signals of the prior.
    """

    fids: Complex
    parameters: dict[str, Real]
    noise_sigma: Real
    labels: NDArray[np.str_]
    basis: Basis


def simulate_signals(
    prior: Prior, basis: Basis, n_signals: int, rng: np.random.Generator, *, single_precision: bool = True
) -> Signals:
    """Simulate independent FIDs on the points of a basis set.

    Parameters
    ----------
    prior : Prior
        Its drift is not used.
    basis : Basis
    n_signals : int
    rng : numpy.random.Generator
    single_precision : bool
        Whether to compute and return complex64, which is twice as fast.

    Returns
    -------
    Signals

    Raises
    ------
    DataError
        If the prior has a metabolite that is not in the basis set.
    """
    basis = with_line_signals(prior, basis)
    parameters = draw_signals(prior, basis, n_signals, rng)
    level = prior.noise.level.draw((n_signals,), rng) if prior.noise else np.zeros(n_signals)
    dtype = np.complex64 if single_precision else np.complex128
    like = np.asarray(basis.fids, dtype=dtype)
    fids = np.empty((n_signals, like.shape[-1]), dtype=dtype)
    sigma = np.zeros(n_signals)
    for start in range(0, n_signals, _BLOCK_FIDS):
        block = slice(start, start + _BLOCK_FIDS)
        part = {key: value[block] for key, value in parameters.items()}
        clean = clean_fids(part, like, basis.dwelltime_s)
        if prior.noise is not None:
            metabolites = metabolite_fids(part, like, basis.dwelltime_s)
            sigma[block] = noise_sigma(prior.noise, level[block], metabolites)
            clean = add_noise(clean, sigma[block], rng)
        fids[block] = clean
    return Signals(fids, parameters, sigma, nuisance_labels(parameters), basis)


def with_line_signals(prior: Prior, basis: Basis) -> Basis:
    """Append the macromolecules and lipids of the prior to a basis set, each with the value 1 at t = 0.

    Raises
    ------
    DataError
        If the basis set has a signal of that name already.
    """
    both = sorted({signal.name for signal in prior.line_signals} & set(basis.names))
    if both:
        raise DataError(
            f"The basis set has {', '.join(both)} already; give the prior's line signal another name."
        )
    reference_ppm = NUCLEI[basis.nucleus].reference_ppm
    added = []
    for signal in prior.line_signals:
        fids = gaussian_lines(
            signal.lines,
            basis.fids.shape[1],
            basis.dwelltime_s,
            basis.spectrometer_frequency_mhz,
            np.empty(1, np.complex128),
            reference_ppm,
        ).sum(axis=0)
        added.append(fids / fids[0])
    names = (*basis.names, *(signal.name for signal in prior.line_signals))
    fids = np.concatenate([basis.fids, np.array(added).reshape(len(added), basis.fids.shape[1])])
    return replace(basis, fids=fids, names=names)


def draw_signals(prior: Prior, basis: Basis, n_signals: int, rng: np.random.Generator) -> dict[str, Real]:
    """Draw the parameters of independent signals.

    Parameters
    ----------
    prior : Prior
        Its drift is not used.
    basis : Basis
        From :func:`with_line_signals`.
    n_signals : int
    rng : numpy.random.Generator

    Returns
    -------
    dict
        ``amplitudes`` of shape (fid, metabolite); of shape (fid,): ``gamma, sigma`` (lineshape, rad/s),
        ``eddy_hz, eddy_time_constant_s``, ``scale``, ``shift_hz``, ``phase_rad`` and the nuisances' (see
        :func:`~fsl_mrs_dl.simulate.nuisance.draw_nuisance`).

    Raises
    ------
    DataError
        If the prior has a metabolite that is not in the basis set.
    """
    return {**_draw_scans(prior, basis, n_signals, rng), **_draw_fids(prior, basis, n_signals, rng)}


def draw_transients(prior: Prior, basis: Basis, n_fids: int, rng: np.random.Generator) -> dict[str, Real]:
    """Draw the parameters of one scan, FIDs in order of time: with common amplitudes and lineshape, and drift.

    Parameters, return value and errors as of :func:`draw_signals`.
    """
    shared = {
        key: np.repeat(value, n_fids, axis=0) for key, value in _draw_scans(prior, basis, 1, rng).items()
    }
    each = _draw_fids(prior, basis, n_fids, rng)
    drift_hz, jitter_rad = draw_drift(prior.drift, n_fids, rng)
    moved = {"shift_hz": each["shift_hz"] + drift_hz, "phase_rad": each["phase_rad"] + jitter_rad}
    return {**shared, **each, **moved}


def draw_drift(drift: Drift, n_fids: int, rng: np.random.Generator) -> tuple[Real, Real]:
    """Return drift in Hz (from 0) and phase jitter in rad of consecutive FIDs, each of shape (fid,)."""
    ramp = drift.ramp_hz.draw((1,), rng) * np.linspace(0.0, 1.0, n_fids)
    steps = rng.normal(0.0, drift.walk_hz, n_fids)
    steps[0] = 0.0
    return ramp + np.cumsum(steps), rng.normal(0.0, drift.phase_jitter_rad, n_fids)


def _draw_scans(prior: Prior, basis: Basis, n: int, rng: np.random.Generator) -> dict[str, Real]:
    unknown = sorted(set(prior.amplitudes) - set(basis.names))
    if unknown:
        raise DataError(
            f"The prior has {', '.join(unknown)}; the basis set has only {', '.join(basis.names)}."
        )
    amplitudes = np.zeros((n, len(basis.names)))
    for name, distribution in prior.amplitudes.items():
        amplitudes[:, basis.names.index(name)] = distribution.draw((n,), rng)
    first_point = np.abs(amplitudes @ basis.fids[:, 0])
    for signal in prior.line_signals:
        amplitudes[:, basis.names.index(signal.name)] = first_point * signal.fraction.draw((n,), rng)
    drawn = {
        "amplitudes": amplitudes,
        "gamma": gamma_from_fwhm(prior.lorentzian_hz.draw((n,), rng)),
        "sigma": sigma_from_fwhm(prior.gaussian_hz.draw((n,), rng)),
    }
    if prior.eddy is not None:
        drawn["eddy_hz"] = prior.eddy.amplitude_hz.draw((n,), rng)
        drawn["eddy_time_constant_s"] = prior.eddy.time_constant_s.draw((n,), rng)
    return drawn


def _draw_fids(prior: Prior, basis: Basis, n: int, rng: np.random.Generator) -> dict[str, Real]:
    drawn = {
        "scale": prior.scale.draw((n,), rng),
        "shift_hz": prior.shift_hz.draw((n,), rng),
        "phase_rad": prior.phase_rad.draw((n,), rng),
    }
    reference_ppm = NUCLEI[basis.nucleus].reference_ppm
    for nuisance in prior.nuisances:
        drawn.update(draw_nuisance(nuisance, n, reference_ppm, basis.spectrometer_frequency_mhz, rng))
    return drawn


def metabolite_fids(parameters: Parameters, basis: Array, dwelltime_s: float) -> Array:
    """Return the noiseless metabolites of each FID, damped, before shift, phase and eddy current.

    Parameters
    ----------
    parameters : mapping
        As drawn.
    basis : Array, complex, shape (metabolite, time)
        NumPy or torch; gives library, device and precision.
    dwelltime_s : float
        In s.

    Returns
    -------
    Array, complex, shape (fid, time)
    """
    amplitudes = parameters["amplitudes"] * parameters["scale"][:, None]
    gamma, sigma = parameters["gamma"][:, None], parameters["sigma"][:, None]
    return basis_sum(basis, amplitudes, 0 * gamma, gamma, sigma, dwelltime_s)


def clean_fids(parameters: Parameters, basis: Array, dwelltime_s: float) -> Array:
    r"""Return the noiseless FIDs of drawn parameters.

    .. math:: s(t) = e^{i \phi + 2 \pi i f t + i \phi_e(t) - \gamma t - \sigma^2 t^2}
              \left(c \sum_m a_m x_m(t) + u(t) \max_t \left|\sum_m a_m x_m\right|\right)

    with the nuisance signals :math:`u`; parameters and return value as of :func:`metabolite_fids`.
    """
    gamma, sigma = parameters["gamma"], parameters["sigma"]
    fids = metabolite_fids(parameters, basis, dwelltime_s)
    nuisance = nuisance_fids(parameters, dwelltime_s, fids)
    if nuisance is not None:
        xp = array_namespace(basis)
        amplitudes = xp.asarray(parameters["amplitudes"], dtype=basis.dtype, device=device(basis))
        largest = xp.max(xp.abs(xp.matmul(amplitudes, basis)), axis=-1)
        fids = fids + largest[:, None] * damp(nuisance, gamma, sigma, dwelltime_s)
    if "eddy_hz" in parameters:
        field = (parameters["eddy_hz"], parameters["eddy_time_constant_s"])
        fids = apply_time_phase(fids, eddy_current_phase(fids.shape[-1], dwelltime_s, *field, fids))
    return phase(shift(fids, parameters["shift_hz"], dwelltime_s), parameters["phase_rad"])


def noise_sigma(noise: Noise, level: Array, fid: Array) -> Array:
    """Convert a level of noise to its standard deviation.

    Parameters
    ----------
    noise : Noise
        With the definition of the level.
    level : Array, real, shape (...)
        Drawn from ``noise.level``.
    fid : Array, complex, shape (..., time)
        Noiseless, without nuisance signals.

    Returns
    -------
    Array, real, shape (...)
        Of the real and of the imaginary channel.
    """
    xp = array_namespace(fid)
    if noise.definition == "sigma":
        return level
    if noise.definition == "snr_t0":
        return xp.abs(fid[..., 0]) / level
    if noise.definition == "snr_f":
        return xp.max(xp.abs(fid_to_spectrum(fid)), axis=-1) / level
    # Complex noise has the power 2 sigma^2 a point.
    return xp.sqrt(xp.mean(xp.abs(fid) ** 2, axis=-1) / 2 / 10 ** (level / 10))
