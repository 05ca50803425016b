"""Find the offset of a whole spectrum: a coarse search for the carrier's offset, by shape and not by energy."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.fit.lcm.problem import Problem
from fsl_mrs_dl.physics import damp, fid_to_spectrum, frequency_axis_hz, singlet

REACH_PPM = 0.55
"""Largest accepted offset, in ppm: +-70 Hz at 3 T. Lipid at 1.3 ppm looks like NAA moved by 0.7 ppm."""
_LOOK_PPM = 1.0
"""Largest offset that is tried, in ppm: beyond the accepted ones, to find spectra that lie farther off."""
_NEAR_PPM = 0.25
"""Offset, in ppm, above which a place must be better by :data:`_MARGIN`: the search of the starts reaches it."""
_LENGTH_S = 0.2
"""Length of the FIDs that are used, in s: bins of 5 Hz are enough for a coarse search."""
_APODISATION = 20.0
"""Damping rate of data and mixture, in rad/s: an FID cut at 0.2 s has then decayed by e^-4."""
_WIDTH = 20.0
"""Lorentzian rate of the mixture's lines on top of the basis set's, in rad/s: a width of 6 Hz (FWHM)."""
_MARGIN = 0.2
"""Share of the window's energy that a far offset must explain more than the best near one."""
_SMOOTH = 3
"""Coefficients of the parabola that is taken out of mixture and window."""
_LIPIDS = ((0.9, 20.0), (1.3, 10.0), (1.3, 35.0))
"""Places in ppm and widths (FWHM) in Hz of lipid lines beside the metabolites: narrow and wide ones of CH2."""


@dataclass(frozen=True, eq=False)
class Capture:
    """The offsets of S spectra.

    Attributes
    ----------
    move : ndarray, float, shape (S,)
        Offset in bins of the whole FID.
    beyond : ndarray, bool, shape (S,)
        Whether an offset beyond the accepted range fits better.
    """

    move: Real
    beyond: NDArray[np.bool_]


def lipid_lines(problem: Problem, reference_ppm: float, mhz: float) -> Complex:
    """Return the FIDs of lipid lines beside the metabolites of 1H, shape (L, time)."""
    n, like = len(problem.time_s), np.zeros(1, dtype=np.complex128)
    lines = [
        singlet(n, problem.dwelltime_s, (ppm - reference_ppm) * mhz, math.pi * width_hz, 0.0, like)
        for ppm, width_hz in _LIPIDS
    ]
    return np.stack([np.ravel(line) for line in lines])


def capture(
    problem: Problem,
    shape: Complex,
    fids: Complex,
    band_hz: tuple[float, float],
    mhz: float,
    beside: Complex | None = None,
) -> Capture:
    r"""Find the offset at which a fixed mixture of metabolites is most similar to the window.

    Similarity is the share of the window's energy that the mixture explains at any phase,
    :math:`|x^H d|^2 / (|x|^2 |d|^2)`, after a parabola and the lines ``beside`` are taken out of both. It is a
    measure of shape: a strong line that enters the window, such as water, makes it smaller and not larger. The
    proportions of the mixture are fixed, so that one strong line is not taken for NAA. An offset of more than
    0.25 ppm is accepted only if it explains a fifth of the energy more than the best smaller one.

    Parameters
    ----------
    problem : Problem
    shape : ndarray, complex, shape (time,)
        The mixture.
    fids : ndarray, complex, shape (S, time)
        The first 0.2 s are used, damped: bins of 5 Hz are enough, at a sixteenth of the time.
    band_hz : tuple of float
        Limits of the fit window, in Hz.
    mhz : float
        Spectrometer frequency.
    beside : ndarray, complex, shape (L, time), optional
        Further lines with any amplitude and phase, see :func:`lipid_lines`.

    Returns
    -------
    Capture
    """
    dt = problem.dwelltime_s
    n = min(fids.shape[1], max(math.ceil(_LENGTH_S / dt), 32))
    bin_hz = 1 / (dt * n)
    frequency = frequency_axis_hz(n, dt)
    low, high = np.searchsorted(frequency, band_hz)
    size = int(min(max(high - low, 8), n))
    reach = max(1, min(round(_LOOK_PPM * mhz / bin_hz), n // 4))
    moves = np.arange(-reach, reach + 1)
    spectra = fid_to_spectrum(damp(fids[:, :n], _APODISATION, 0.0, dt))
    around = np.take(spectra, (low + np.arange(-reach, size + reach)) % n, axis=-1)
    bins = (low + np.arange(size)) % n
    free = np.vander(np.linspace(-1, 1, size), _SMOOTH).astype(np.complex128)
    if beside is not None:
        free = np.hstack([free, fid_to_spectrum(damp(beside[:, :n], _APODISATION, 0.0, dt))[:, bins].T])
    free = np.linalg.qr(free / np.linalg.norm(free, axis=0))[0]
    column = fid_to_spectrum(damp(shape[:n], _APODISATION + _WIDTH, 0.0, dt))[bins]
    column = column - free @ (free.conj().T @ column)
    products = moving_products(around, np.concatenate([column[:, None], free], axis=1).conj())
    power = np.cumsum(np.pad(np.abs(around) ** 2, ((0, 0), (1, 0))), axis=-1)
    energy = power[:, size:] - power[:, :-size] - (np.abs(products[..., 1:]) ** 2).sum(axis=-1)
    alike = np.abs(products[..., 0]) ** 2 / (np.linalg.norm(column) ** 2 * np.maximum(energy, 1e-300))
    chosen = _decide(alike, moves, bin_hz / mhz)
    return Capture(chosen.move * (fids.shape[1] / n), chosen.beyond)


def moving_products(spectra: Complex, columns: Complex) -> Complex:
    """Multiply columns with the windows of spectra at every place, one bin apart.

    Parameters
    ----------
    spectra : ndarray, complex, shape (S, bins)
    columns : ndarray, complex, shape (size, C)

    Returns
    -------
    ndarray, complex, shape (S, moves, C)
    """
    short, right = spectra.astype(np.complex64), columns.astype(np.complex64)
    windows = np.lib.stride_tricks.sliding_window_view(short, len(columns), axis=-1)
    # One at a time and copied: windows that overlap are no matrix that BLAS takes.
    return np.stack([np.ascontiguousarray(one) @ right for one in windows])


def _decide(alike: Real, moves: NDArray[np.intp], bin_ppm: float) -> Capture:
    """Choose the best near offset; one farther off only if it is better by a margin, and a peak."""
    rows, offset = np.arange(len(alike)), np.abs(moves) * bin_ppm
    near, within = offset <= _NEAR_PPM, offset <= REACH_PPM
    near[len(moves) // 2] = True
    padded = np.pad(alike, ((0, 0), (1, 1)))
    peak = (alike >= padded[:, :-2]) & (alike >= padded[:, 2:])
    best = np.where(near, alike, -1.0).argmax(axis=1)
    height = alike[rows, best]
    far = np.where(within & peak, alike, -1.0).argmax(axis=1)
    take = alike[rows, far] > height + _MARGIN
    chosen = np.where(take, far, best)
    beyond = np.where(within, -1.0, alike).max(axis=1) > alike[rows, chosen] + _MARGIN
    return Capture(moves[chosen].astype(np.float64), beyond)
