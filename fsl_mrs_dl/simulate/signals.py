"""Parameters are drawn first and applied second: batches of labelled FIDs in plain arrays."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from array_api_compat import array_namespace

from fsl_mrs_dl.data import Real
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.physics import basis_sum, fid_to_spectrum, phase, shift
from fsl_mrs_dl.physics.lines import gamma_from_fwhm, sigma_from_fwhm
from fsl_mrs_dl.simulate.priors import Drift, Noise, Prior

Array = Any
Parameters = Mapping[str, Real]
"""Name -> values, shape (fid,) or, for ``amplitudes``, (fid, metabolite); units as in the names."""


def draw_signals(
    prior: Prior, names: Sequence[str], n_signals: int, rng: np.random.Generator
) -> dict[str, Real]:
    """Draw the parameters of independent signals.

    Parameters
    ----------
    prior : Prior
        Its drift is not used.
    names : sequence of str
        Metabolites of the basis set.
    n_signals : int
    rng : numpy.random.Generator

    Returns
    -------
    dict
        ``amplitudes`` of shape (fid, metabolite); ``gamma, sigma`` (rad/s), ``scale``, ``shift_hz``,
        ``phase_rad`` of shape (fid,).

    Raises
    ------
    DataError
        If the prior names a metabolite that the basis set has not.
    """
    return {**_draw_shape(prior, names, n_signals, rng), **_draw_each(prior, n_signals, rng)}


def draw_transients(
    prior: Prior, names: Sequence[str], n_fids: int, rng: np.random.Generator
) -> dict[str, Real]:
    """Draw the parameters of one scan: shared amplitudes and lineshape, everything else by FID, and drift.

    Parameters and return value as :func:`draw_signals`; the FIDs are in order of time.
    """
    shape = {
        key: np.repeat(value, n_fids, axis=0) for key, value in _draw_shape(prior, names, 1, rng).items()
    }
    each = _draw_each(prior, n_fids, rng)
    drift_hz, jitter_rad = draw_drift(prior.drift, n_fids, rng)
    each["shift_hz"] = each["shift_hz"] + drift_hz
    each["phase_rad"] = each["phase_rad"] + jitter_rad
    return {**shape, **each}


def draw_drift(drift: Drift, n_fids: int, rng: np.random.Generator) -> tuple[Real, Real]:
    """Return drift in Hz (from 0) and phase jitter in rad of consecutive FIDs, each of shape (fid,)."""
    ramp = drift.ramp_hz.draw((1,), rng) * np.linspace(0.0, 1.0, n_fids)
    steps = rng.normal(0.0, drift.walk_hz, n_fids)
    steps[0] = 0.0
    return ramp + np.cumsum(steps), rng.normal(0.0, drift.phase_jitter_rad, n_fids)


def _draw_shape(prior: Prior, names: Sequence[str], n: int, rng: np.random.Generator) -> dict[str, Real]:
    unknown = sorted(set(prior.amplitudes) - set(names))
    if unknown:
        raise DataError(
            f"The prior has amplitudes of {', '.join(unknown)}; the basis set has only {', '.join(names)}."
        )
    amplitudes = np.zeros((n, len(names)))
    for name, distribution in prior.amplitudes.items():
        amplitudes[:, names.index(name)] = distribution.draw((n,), rng)
    return {
        "amplitudes": amplitudes,
        "gamma": gamma_from_fwhm(prior.lorentzian_hz.draw((n,), rng)),
        "sigma": sigma_from_fwhm(prior.gaussian_hz.draw((n,), rng)),
    }


def _draw_each(prior: Prior, n: int, rng: np.random.Generator) -> dict[str, Real]:
    return {
        "scale": prior.scale.draw((n,), rng),
        "shift_hz": prior.shift_hz.draw((n,), rng),
        "phase_rad": prior.phase_rad.draw((n,), rng),
    }


def metabolite_fids(parameters: Parameters, basis: Array, dwelltime_s: float) -> Array:
    """Return the noiseless metabolites of each FID, before shift and phase.

    Parameters
    ----------
    parameters : mapping
        As drawn.
    basis : Array, complex, shape (metabolite, time)
    dwelltime_s : float
        In s.

    Returns
    -------
    Array, complex, shape (fid, time)
    """
    amplitudes = parameters["amplitudes"] * parameters["scale"][:, None]
    gamma, sigma = parameters["gamma"][:, None], parameters["sigma"][:, None]
    return basis_sum(basis, amplitudes, np.zeros_like(gamma), gamma, sigma, dwelltime_s)


def clean_fids(parameters: Parameters, basis: Array, dwelltime_s: float) -> Array:
    """Return the noiseless FIDs, shifted and turned; parameters as :func:`metabolite_fids`."""
    fids = metabolite_fids(parameters, basis, dwelltime_s)
    return phase(shift(fids, parameters["shift_hz"], dwelltime_s), parameters["phase_rad"])


def noise_sigma(noise: Noise, level: Array, fid: Array) -> Array:
    """Return the noise's standard deviation that a level asks for.

    Parameters
    ----------
    noise : Noise
        Gives the definition.
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
