"""What a linear-combination fit of a batch of spectra found."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Complex, Real


@dataclass(frozen=True, eq=False)
class FitResult:
    """Maximum-likelihood estimates of S spectra with a basis of M members in G groups.

    Attributes
    ----------
    names : tuple of str
        The members of the basis, in its order.
    amplitudes : ndarray, float, shape (S, M)
        Of the basis as it was given, in units of data over basis.
    crlb : ndarray, float, shape (S, M)
        Cramer-Rao bound of each amplitude, same units; from the Fisher matrix of all parameters (amplitudes,
        shifts, lineshapes, phases, baseline) at the estimate, with the noise of the residual.
    covariance : ndarray, float, shape (S, M, M)
        Inverse Fisher matrix of the amplitudes; its diagonal is ``crlb ** 2``.
    information : ndarray, float, shape (S, Q, Q)
        Fisher matrix of the Q = M + 3 G + 2 [+ M] parameters: amplitudes; of each group the shifts (Hz), then
        gammas (rad/s), then sigmas squared (rad^2/s^2); phase (rad), delay (s), members' own shifts (Hz). Zero
        where a parameter is not fitted.
    score : ndarray, float, shape (S, Q)
        Gradient of the log likelihood at the estimate: not zero where it is held at a bound.
    shift_hz, gamma, sigma : ndarray, float, shape (S, G)
        Shift in Hz; Lorentzian and Gaussian rate in rad/s, on top of the basis's own lines.
    phase_rad, delay_s : ndarray, float, shape (S,)
        Zero-order phase, and first-order phase as a delay about 0 Hz (the carrier), in rad and s; our sign.
    member_hz : ndarray, float, shape (S, M) or (S, 0)
        Shift of each member of its own, on top of its group's, in Hz; no second dimension where not fitted.
    baseline : ndarray, complex, shape (S, K)
        Coefficients of the baseline's columns.
    noise_sd : ndarray, float, shape (S,)
        Of one channel, from the residual in the window.
    explained : ndarray, float, shape (S,)
        Energy of the metabolites in the window under the baseline's weight, in squared units of the data.
    freedom : ndarray, float, shape (S,)
        Of the residual: real samples of the window less what is fitted.
    residual_whiteness : ndarray, float, shape (S,)
        Lag-one autocorrelation of the residual in the window; 0 for white noise.
    iterations : ndarray, int, shape (S,)
    flag : ndarray, str, shape (S,)
        Empty, or a token of :data:`fsl_mrs_dl.data.FLAGS`.
    """

    names: tuple[str, ...]
    amplitudes: Real
    crlb: Real
    covariance: Real
    information: Real
    score: Real
    shift_hz: Real
    gamma: Real
    sigma: Real
    phase_rad: Real
    delay_s: Real
    member_hz: Real
    baseline: Complex
    noise_sd: Real
    explained: Real
    freedom: Real
    residual_whiteness: Real
    iterations: NDArray[np.integer]
    flag: NDArray[np.str_]

    @property
    def parameters(self) -> Real:
        """All parameters in the order of ``information``, shape (S, Q)."""
        lines = [self.shift_hz, self.gamma, self.sigma**2, self.phase_rad[:, None], self.delay_s[:, None]]
        return np.concatenate([self.amplitudes, *lines, self.member_hz], axis=1)


@dataclass(frozen=True, eq=False)
class FitCurves:
    """The curves of fits, as FIDs in the frame of the data; rows are spectra.

    Attributes
    ----------
    fit : ndarray, complex, shape (S, time)
        All metabolites and the baseline.
    baseline : ndarray, complex, shape (S, time)
    metabolites : ndarray, complex, shape (S, M, time)
        Each member of the basis with its amplitude, lineshape, shift and phase.
    """

    fit: Complex
    baseline: Complex
    metabolites: Complex
