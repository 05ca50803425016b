"""The result of a linear-combination fit of a batch of spectra."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.fit.lcm.problem import Parameters

N_HYPOTHESES = 8
"""Number of hypotheses in each spectrum's posterior: the best; the others have almost no weight."""


@dataclass(frozen=True, eq=False)
class Average:
    """The L best hypotheses of S averaged fits, best first.

    Attributes
    ----------
    index : ndarray, int, shape (S, L)
        Indices in :attr:`~fsl_mrs_dl.fit.background.Background.hypotheses`.
    weight : ndarray, float, shape (S, L)
        Their posterior probabilities, with a sum of 1.
    precision : ndarray, float, shape (S, L, M, M)
        Fisher matrix of the amplitudes under each hypothesis, all other parameters integrated out, with the noise
        of the residual.
    pull : ndarray, float, shape (S, L, M)
        h of the likelihood exp(-a^T P a / 2 + h^T a).
    amplitudes : ndarray, float, shape (S, L, M)
        Of highest likelihood, at or above zero.
    within : ndarray, float, shape (S, M, M)
        Covariance of the amplitudes within hypotheses: the Cramer-Rao bound without the choice of hypothesis.
    independent : ndarray, float, shape (S,)
        Share of the residual's samples that are independent; 1 where it is white.
    """

    index: NDArray[np.integer]
    weight: Real
    precision: Real
    pull: Real
    amplitudes: Real
    within: Real
    independent: Real

    @property
    def widening(self) -> Real:
        """Factor of errors over the bounds, because not all samples are independent; shape (S,)."""
        factor: Real = 1 / np.sqrt(self.independent)
        return factor

    @classmethod
    def unfitted(cls, n: int, m: int) -> "Average":
        """Return the average of n spectra of m members before a fit: NaN."""
        shapes: dict[str, tuple[int, ...]] = {
            "weight": (),
            "precision": (m, m),
            "pull": (m,),
            "amplitudes": (m,),
        }
        unknown = {name: np.full((n, N_HYPOTHESES, *shape), np.nan) for name, shape in shapes.items()}
        return cls(
            np.full((n, N_HYPOTHESES), -1),
            within=np.full((n, m, m), np.nan),
            independent=np.full(n, np.nan),
            **unknown,
        )


@dataclass(frozen=True, eq=False)
class Moments:
    """The posterior of the amplitudes of S spectra by its moments, where they are known without draws.

    Attributes
    ----------
    mean, covariance : ndarray, float, shape (S, M) and (S, M, M)
    known : ndarray, bool, shape (S,)
        Which spectra have them.
    """

    mean: Real
    covariance: Real
    known: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class FitResult:
    """Maximum-likelihood estimates of S spectra with a basis of M members in G groups.

    Where macromolecules and baseline are averaged over, estimates are the means over hypotheses.

    Attributes
    ----------
    names : tuple of str
        The members of the basis, in its order.
    amplitudes : ndarray, float, shape (S, M)
        Of the unscaled basis, in units of data over basis.
    crlb : ndarray, float, shape (S, M)
        Cramer-Rao bound of each amplitude, same units; from the Fisher matrix of all parameters (amplitudes,
        shifts, lineshapes, phases, baseline) at the estimate, with the noise of the residual.
    covariance : ndarray, float, shape (S, M, M)
        Inverse Fisher matrix of the amplitudes, its diagonal ``crlb ** 2``; where hypotheses are averaged, plus
        the scatter of the amplitudes between them.
    information : ndarray, float, shape (S, Q, Q)
        Fisher matrix of the Q = M + 3 G + 2 [+ M] parameters: amplitudes; of each group the shifts (Hz), then
        gammas (rad/s), then sigmas squared (rad^2/s^2); phase (rad), delay (s), members' own shifts (Hz). Zero
        where a parameter is not fitted.
    score : ndarray, float, shape (S, Q)
        Gradient of the log likelihood at the estimate: not zero for parameters at a bound.
    shift_hz, gamma, sigma : ndarray, float, shape (S, G)
        Shift in Hz; Lorentzian and Gaussian rate in rad/s, on top of the basis's own lines.
    phase_rad, delay_s : ndarray, float, shape (S,)
        Zero-order phase, and first-order phase as a delay about 0 Hz (the carrier), in rad and s; the sign is that
        of :mod:`fsl_mrs_dl.data`.
    member_hz, member_gamma : ndarray, float, shape (S, M) or (S, 0)
        Shift and Lorentzian rate of each member of its own, on top of its group's, in Hz and rad/s; shape (S, 0)
        if not fitted.
    lineshape : ndarray, float, shape (S, L) or (S, 0)
        Shares of the signal beside the Voigt line, see :class:`~.problem.Parameters`.
    baseline : ndarray, complex, shape (S, K)
        Coefficients of the baseline's columns.
    broad : ndarray, complex, shape (S, K) or (S, 0)
        Coefficients, of the same columns, of lipids and of the deviation of macromolecules from the prior's mean;
        shape (S, 0) without a prior.
    noise_sd : ndarray, float, shape (S,)
        Of one channel, from the residual in the window.
    explained : ndarray, float, shape (S,)
        Energy of the metabolites in the window under the baseline's weight, in squared units of the data.
    freedom : ndarray, float, shape (S,)
        Degrees of freedom of the residual: real samples of the window minus fitted parameters.
    residual_whiteness : ndarray, float, shape (S,)
        Lag-one autocorrelation of the residual in the window; 0 for white noise.
    iterations : ndarray, int, shape (S,)
    flag : ndarray, str, shape (S,)
        Empty, or a token of :data:`fsl_mrs_dl.data.FLAGS`.
    unit : ndarray, float, shape (S,)
        Amplitude of about 1 mmol/kg, which scales the priors of an averaged fit; NaN for other fits.
    average : Average or None
        The hypotheses of an averaged fit. Then ``covariance`` includes the uncertainty from the choice of
        hypothesis, ``crlb`` is the bound without it, and ``information`` and ``score`` are those of the leading
        hypothesis.
    moments : Moments or None
        Of the posterior, if the estimate is amortised.
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
    member_gamma: Real
    lineshape: Real
    baseline: Complex
    broad: Complex
    noise_sd: Real
    explained: Real
    freedom: Real
    residual_whiteness: Real
    iterations: NDArray[np.integer]
    flag: NDArray[np.str_]
    unit: Real
    average: "Average | None" = None
    moments: Moments | None = None

    def put(self, rows: NDArray[np.integer], other: "FitResult") -> None:
        """Replace some spectra by those of another result of the same members."""
        for name, values in vars(other).items():
            if name == "average" and self.average is not None and other.average is not None:
                for inner, several in vars(other.average).items():
                    getattr(self.average, inner)[rows] = several
            elif name not in ("names", "average", "moments"):
                getattr(self, name)[rows] = values

    @property
    def place(self) -> Parameters:
        """The non-linear parameters, without weight of noise."""
        shared = (self.shift_hz, self.gamma, self.sigma**2, self.phase_rad, self.delay_s)
        return Parameters(
            *shared, self.member_hz, self.member_gamma, self.lineshape, np.zeros(len(self.delay_s))
        )

    @property
    def parameters(self) -> Real:
        """All parameters in the order of ``information``, shape (S, Q)."""
        lines = [self.shift_hz, self.gamma, self.sigma**2, self.phase_rad[:, None], self.delay_s[:, None]]
        single = [] if self.average is not None else [self.member_hz]  # an average has integrated them out
        return np.concatenate([self.amplitudes, *lines, *single], axis=1)


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
