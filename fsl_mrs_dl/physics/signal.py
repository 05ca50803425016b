"""Shift, phase, damp and add noise to an FID, and add up a basis set.

Arrays are NumPy or torch; ``Array`` below means either. A parameter of shape (...) belongs to FIDs of shape
(..., time); a plain number serves all of them.
"""

import math
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device, is_torch_array

Array = Any


def _as(value: Array, dtype: Any, like: Array) -> Array:
    """Return a number or array in the library, precision and place of another; gradients pass."""
    xp = array_namespace(like)
    if is_torch_array(value):
        return value.to(dtype=dtype, device=device(like))
    return xp.asarray(value, dtype=dtype, device=device(like))


def _per_fid(value: Array, fid: Array) -> Array:
    """Return a parameter as a real array that broadcasts against (..., time)."""
    xp = array_namespace(fid)
    return _as(value, xp.real(fid[..., :1]).dtype, fid)[..., None]


def _cis(angle: Array) -> Array:
    """Return exp(i angle)."""
    xp = array_namespace(angle)
    return xp.cos(angle) + 1j * xp.sin(angle)


def _turning(angle_per_point: Array, n_points: int) -> Array:
    """Return exp(i angle n) for n = 0 .. n_points - 1, shape (..., time), from an angle of shape (..., 1).

    A uniform grid lets 2 sqrt(n) sines do the work of n: n = width a + b, one outer product.
    """
    xp = array_namespace(angle_per_point)
    width = max(1, math.isqrt(n_points))
    n_coarse = -(-n_points // width)
    dtype, where = angle_per_point.dtype, device(angle_per_point)
    fine = _cis(angle_per_point * xp.arange(width, dtype=dtype, device=where))
    coarse = _cis(angle_per_point * (width * xp.arange(n_coarse, dtype=dtype, device=where)))
    grid = coarse[..., :, None] * fine[..., None, :]
    return xp.reshape(grid, (*angle_per_point.shape[:-1], n_coarse * width))[..., :n_points]


def time_axis(n_points: int, dwelltime_s: float, like: Array) -> Array:
    """Return the times of the points, starting at 0.

    Parameters
    ----------
    n_points : int
    dwelltime_s : float
        In s.
    like : Array
        Gives library, device and precision.

    Returns
    -------
    Array, real, shape (time,)
        In s.
    """
    xp = array_namespace(like)
    dtype = xp.real(like[..., :1]).dtype
    return xp.arange(n_points, dtype=dtype, device=device(like)) * dwelltime_s


def shift(fid: Array, shift_hz: Array, dwelltime_s: float) -> Array:
    r"""Move an FID's frequencies.

    .. math:: s'(t) = s(t) \, e^{2 \pi i f t}

    Parameters
    ----------
    fid : Array, complex, shape (..., time)
    shift_hz : Array, real, shape (...)
        Added to every frequency, in Hz; positive is downfield, towards higher ppm.
    dwelltime_s : float
        In s.

    Returns
    -------
    Array, complex, shape (..., time)
    """
    return fid * _turning(2 * math.pi * dwelltime_s * _per_fid(shift_hz, fid), fid.shape[-1])


def phase(fid: Array, phase_rad: Array) -> Array:
    r"""Turn an FID by a constant phase, :math:`s'(t) = s(t) e^{i \phi}`.

    Parameters
    ----------
    fid : Array, complex, shape (..., time)
    phase_rad : Array, real, shape (...)
        In rad.

    Returns
    -------
    Array, complex, shape (..., time)
    """
    return fid * _cis(_per_fid(phase_rad, fid))


def correct(fid: Array, shift_hz: Array, phase_rad: Array, dwelltime_s: float) -> Array:
    r"""Remove an estimated shift and phase, :math:`s'(t) = s(t) e^{-i (\phi + 2 \pi f t)}`.

    Parameters
    ----------
    fid : Array, complex, shape (..., time)
    shift_hz, phase_rad : Array, real, shape (...)
        The estimates, in Hz and rad.
    dwelltime_s : float
        In s.

    Returns
    -------
    Array, complex, shape (..., time)
    """
    turning = _turning(-2 * math.pi * dwelltime_s * _per_fid(shift_hz, fid), fid.shape[-1])
    return fid * _cis(-_per_fid(phase_rad, fid)) * turning


def first_order_phase(fid: Array, delay_s: Array, dwelltime_s: float, pivot_hz: float = 0.0) -> Array:
    r"""Turn each frequency by a phase proportional to it.

    .. math:: S'(f) = S(f) \, e^{2 \pi i \tau (f - f_0)}

    Parameters
    ----------
    fid : Array, complex, shape (..., time)
    delay_s : Array, real, shape (...)
        :math:`\tau`, in s: the FID starts this much later than its true time zero. FSL-MRS's ``phi1`` is
        :math:`-2 \pi \tau` in rad/Hz.
    dwelltime_s : float
        In s.
    pivot_hz : float
        :math:`f_0`, the frequency that keeps its phase, in Hz from the carrier.

    Returns
    -------
    Array, complex, shape (..., time)
    """
    xp = array_namespace(fid)
    dtype = xp.real(fid[..., :1]).dtype
    f = xp.fft.fftfreq(fid.shape[-1], d=dwelltime_s, device=device(fid))
    f = xp.astype(f, dtype) - pivot_hz
    return xp.fft.ifft(xp.fft.fft(fid, axis=-1) * _cis(2 * math.pi * _per_fid(delay_s, fid) * f), axis=-1)


def damp(fid: Array, gamma: Array, sigma: Array, dwelltime_s: float) -> Array:
    r"""Broaden an FID by a Voigt lineshape.

    .. math:: s'(t) = s(t) \, e^{-\gamma t - \sigma^2 t^2}

    Parameters
    ----------
    fid : Array, complex, shape (..., time)
    gamma : Array, real, shape (...)
        Lorentzian rate, in rad/s; adds a width (FWHM) of ``gamma / pi`` Hz.
    sigma : Array, real, shape (...)
        Gaussian rate as in FSL-MRS's Voigt model, in rad/s; alone it makes a line of FWHM
        ``2 sigma sqrt(ln 2) / pi`` Hz.
    dwelltime_s : float
        In s.

    Returns
    -------
    Array, complex, shape (..., time)
    """
    xp = array_namespace(fid)
    t = time_axis(fid.shape[-1], dwelltime_s, fid)
    return fid * xp.exp(-_per_fid(gamma, fid) * t - (_per_fid(sigma, fid) * t) ** 2)


def apply_time_phase(fid: Array, phase_rad: Array) -> Array:
    """Turn each point of an FID by its own phase.

    Parameters
    ----------
    fid : Array, complex, shape (..., time)
    phase_rad : Array, real, shape (..., time)
        In rad.

    Returns
    -------
    Array, complex, shape (..., time)
    """
    return fid * _cis(phase_rad)


def eddy_current_phase(
    n_points: int, dwelltime_s: float, amplitude_hz: Array, time_constant_s: Array, like: Array
) -> Array:
    r"""Return the phase caused by a decaying field offset, zero at t = 0.

    .. math:: \phi(t) = 2 \pi \int_0^t A e^{-t'/\tau} dt' = 2 \pi A \tau (1 - e^{-t/\tau})

    Parameters
    ----------
    n_points : int
    dwelltime_s : float
        In s.
    amplitude_hz, time_constant_s : Array, real, shape (...)
        :math:`A` in Hz and :math:`\tau` in s, the form of Klose 1990, doi:10.1002/mrm.1910140104, eq. 5.
    like : Array
        Gives library, device and precision.

    Returns
    -------
    Array, real, shape (..., time)
        In rad.
    """
    xp = array_namespace(like)
    t = time_axis(n_points, dwelltime_s, like)
    amplitude, tau = _per_fid(amplitude_hz, like), _per_fid(time_constant_s, like)
    return 2 * math.pi * amplitude * tau * (1 - xp.exp(-t / tau))


def add_noise(fid: Array, sigma: Array, generator: Any) -> Array:
    """Add white complex Gaussian noise.

    Parameters
    ----------
    fid : Array, complex, shape (..., time)
    sigma : Array, real, shape (...)
        Standard deviation of the real and of the imaginary channel.
    generator : numpy.random.Generator or torch.Generator
        Of the same library as ``fid``.

    Returns
    -------
    Array, complex, shape (..., time)
    """
    xp = array_namespace(fid)
    shape = (2, *fid.shape)
    if is_torch_array(fid):
        white = xp.randn(shape, generator=generator, dtype=xp.real(fid[..., :1]).dtype, device=device(fid))
    else:
        white = generator.standard_normal(shape, dtype=np.float64).astype(fid.real.dtype)
    return fid + _per_fid(sigma, fid) * (white[0] + 1j * white[1])


def singlet(
    n_points: int, dwelltime_s: float, shift_hz: Array, gamma: Array, sigma: Array, like: Array
) -> Array:
    r"""Return a line of unit amplitude, :math:`e^{2 \pi i f t - \gamma t - \sigma^2 t^2}`.

    Parameters
    ----------
    n_points : int
    dwelltime_s : float
        In s.
    shift_hz, gamma, sigma : Array, real, shape (...)
        As in :func:`shift` and :func:`damp`; they broadcast against each other.
    like : Array
        A complex array that gives library, device and precision.

    Returns
    -------
    Array, complex, shape (..., time)
    """
    xp = array_namespace(like)
    t = time_axis(n_points, dwelltime_s, like)
    f, g, s = (_per_fid(value, like) for value in (shift_hz, gamma, sigma))
    return xp.exp(-g * t - (s * t) ** 2) * _turning(2 * math.pi * dwelltime_s * f, n_points)


def basis_sum(
    basis: Array,
    amplitudes: Array,
    shift_hz: Array,
    gamma: Array,
    sigma: Array,
    dwelltime_s: float,
    groups: tuple[int, ...] | None = None,
) -> Array:
    r"""Add up a basis set whose groups of metabolites share shift and lineshape.

    .. math:: s(t) = \sum_g e^{(2 \pi i f_g - \gamma_g) t - \sigma_g^2 t^2} \sum_{m \in g} a_m x_m(t)

    Parameters
    ----------
    basis : Array, complex, shape (metabolite, time)
    amplitudes : Array, real, shape (..., metabolite)
    shift_hz, gamma, sigma : Array, real, shape (..., group)
        As in :func:`shift` and :func:`damp`.
    dwelltime_s : float
        In s.
    groups : tuple of int, optional
        The group of each metabolite; all in group 0 if not given.

    Returns
    -------
    Array, complex, shape (..., time)
    """
    xp = array_namespace(basis)
    groups = groups or (0,) * basis.shape[0]
    amplitudes = _as(amplitudes, basis.dtype, basis)
    real = xp.real(basis[..., :1]).dtype
    shift_hz, gamma, sigma = (_as(value, real, basis) for value in (shift_hz, gamma, sigma))
    total = None
    for group in sorted(set(groups)):
        members = [m for m, g in enumerate(groups) if g == group]
        linear = xp.matmul(amplitudes[..., members], basis[members, :])
        shaped = shift(
            damp(linear, gamma[..., group], sigma[..., group], dwelltime_s), shift_hz[..., group], dwelltime_s
        )
        total = shaped if total is None else total + shaped
    return total
