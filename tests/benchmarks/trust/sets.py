"""The simulated set of the trust tables, the prior it is drawn from, and what is computed on it."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import pi

import numpy as np

from fsl_mrs_dl.data import Basis, Complex, Real
from fsl_mrs_dl.fit.lcm import FitResult, FitSettings, Fitter
from fsl_mrs_dl.fit.lcm.leftover import leftover
from fsl_mrs_dl.fit.posterior import Resolved, draw, weak_prior
from fsl_mrs_dl.simulate import Fixed, Noise, Prior, Uniform, simulate_signals
from fsl_mrs_dl.simulate.papers import DQ_RANGES, DQ_UNIT
from tests.benchmarks.fit import NOISE_SD, PLAIN

QUANTIFY = FitSettings()
"""What ``quantify`` fits without a baseline, of which the set has none."""
SNR_F_AT_NOISE_SD = 67.0  # mean SNR_f of the set with noise of ``NOISE_SD``, as published for DQ
SHIFT_HZ, GAMMA, PHASE_RAD = 3.0, 15.0, pi / 20
"""Largest shift (Hz, either sign), damping (1/s) and phase (rad, either sign)."""
BLOCK = 256  # spectra that are fitted together, for memory


@dataclass(frozen=True, eq=False)
class TrustSpectra:
    """Simulated spectra and what is true of them."""

    fids: Complex
    amplitudes: Real
    gamma: Real

    def __len__(self) -> int:
        return len(self.fids)

    def take(self, n: int) -> "TrustSpectra":
        """Return the first few."""
        return TrustSpectra(self.fids[:n], self.amplitudes[:n], self.gamma[:n])

    def blocks(self) -> Iterator[tuple[slice, "TrustSpectra"]]:
        """Yield parts small enough to draw from."""
        for start in range(0, len(self), BLOCK):
            rows = slice(start, start + BLOCK)
            yield rows, TrustSpectra(self.fids[rows], self.amplitudes[rows], self.gamma[rows])


def ranges(basis: Basis) -> tuple[Real, Real]:
    """Return the ends of each member's range, in units of the basis."""
    low, high = np.array([DQ_RANGES[name] for name in basis.names], dtype=np.float64).T / DQ_UNIT
    return low, high


def noise_sd(snr_f: float) -> float:
    """Return the SD of a channel at which the set has this SNR_f on average."""
    return NOISE_SD * SNR_F_AT_NOISE_SD / snr_f


def simulate(basis: Basis, n: int, snr_f: float, seed: int, absent: str | None = None) -> TrustSpectra:
    """Return spectra of the set at a level of noise; one member may be absent."""
    low, high = ranges(basis)
    amplitudes = {
        name: Uniform(*span) for name, span in zip(basis.names, zip(low, high, strict=True), strict=True)
    }
    if absent is not None:
        amplitudes[absent] = Uniform(0.0, 0.0)
    prior = Prior(
        amplitudes=dict(amplitudes),
        lorentzian_hz=Uniform(0.0, GAMMA / pi),
        shift_hz=Uniform(-SHIFT_HZ, SHIFT_HZ),
        phase_rad=Uniform(-PHASE_RAD, PHASE_RAD),
        noise=Noise(Fixed(noise_sd(snr_f)), "sigma"),
    )
    rng = np.random.default_rng([seed, round(10 * snr_f)])
    simulated = simulate_signals(prior, basis, n, rng, single_precision=False)
    return TrustSpectra(simulated.fids, simulated.parameters["amplitudes"], simulated.parameters["gamma"])


def generating_prior(basis: Basis, result: FitResult) -> Resolved:
    """Return the prior that :func:`simulate` draws from, for fits of one Lorentzian line."""
    n, q = result.parameters.shape
    members = len(basis.names)
    low, high = np.full((n, q), -np.inf), np.full((n, q), np.inf)
    low[:, :members], high[:, :members] = ranges(basis)
    for at, span in ((0, (-SHIFT_HZ, SHIFT_HZ)), (1, (0.0, GAMMA)), (3, (-PHASE_RAD, PHASE_RAD))):
        low[:, members + at], high[:, members + at] = span
    return Resolved(low, high, np.zeros((n, q)))


@dataclass(frozen=True, eq=False)
class Believer:
    """A fit and the posterior that goes with it.

    Attributes
    ----------
    fitter : Fitter
    generating : bool
        Whether the prior is that of the set; else the weak one.
    """

    fitter: Fitter
    generating: bool

    @classmethod
    def of(cls, basis: Basis, *, generating: bool) -> "Believer":
        """Return the fit of exactly what was simulated with its own prior, or what ``quantify`` does."""
        settings = PLAIN if generating else QUANTIFY
        return cls(Fitter(basis, settings, reference_ppm=basis.reference_ppm), generating)

    def __call__(self, fids: Complex, fit: FitResult, first: int = 0) -> tuple[Real, Real]:
        """Return draws (S, draw, M) and variance of the prior (S, M) of fitted spectra."""
        basis = self.fitter.basis
        prior = generating_prior(basis, fit) if self.generating else weak_prior(basis.names, fit)
        keys, wider = np.arange(first, first + len(fids)), leftover(self.fitter, fids, fit).widening
        drawn = draw(self.fitter, fids, fit, prior, widening=wider, keys=keys)
        return drawn.amplitudes, prior.variance(len(basis.names))
