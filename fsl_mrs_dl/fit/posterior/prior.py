"""The prior of amplitudes: weak, from the literature, and named in the record."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Real
from fsl_mrs_dl.fit.lcm import FitResult
from fsl_mrs_dl.io.basis.names import canonical_name
from fsl_mrs_dl.physics.metabolites import BRAIN_RANGES

WEAK = "weak-exponential-1"
"""Name of the prior; its number increases when the values change."""


@dataclass(frozen=True, eq=False)
class Resolved:
    """A prior of S spectra with Q parameters: independent, each an exponential or uniform within bounds.

    Attributes
    ----------
    low, high : ndarray, float, shape (S, Q)
    rate : ndarray, float, shape (S, Q)
        The density falls as exp(-rate x); 0 = uniform.
    """

    low: Real
    high: Real
    rate: Real

    def variance(self, members: int) -> Real:
        """Return the variance of the first parameters, the amplitudes; shape (S, members)."""
        width, rate = (self.high - self.low)[:, :members], self.rate[:, :members]
        with np.errstate(divide="ignore"):
            values: Real = np.where(rate == 0, width**2 / 12, 1 / rate**2)
        return values


PRIOR_WORDS = (
    "each amplitude exponential on [0, inf); mean: upper end of the metabolite's range in normal brain "
    "(doi:10.1016/j.compbiomed.2023.106837, table 2), scaled so that a mixture in mid-range is as strong as the "
    "fitted metabolites; where no range is known, the amplitude that would be as strong as everything fitted"
)
UNIFORM_WORDS = "shift, phase, delay and widths uniform"
AVERAGED_WORDS = (
    "shift, phase and Gaussian width uniform; delay, Lorentzian width, own shifts and widths of metabolites "
    "Gaussian, macromolecules, lipids and baseline as the hypotheses say"
)


def usual_ranges(names: tuple[str, ...], excess: Real | None = None) -> tuple[NDArray[np.bool_], Real, Real]:
    """Return which members have a range in normal brain, and its upper end and middle, 0 for others, shape (M,).

    ``excess`` is that of :func:`weak_prior`.
    """
    larger = np.ones(len(names)) if excess is None else excess
    spans = [BRAIN_RANGES.get(canonical_name(name)) for name in names]
    known = np.array([span is not None for span in spans])
    upper = np.array([span[1] if span else 0.0 for span in spans]) / larger
    middle = np.array([sum(span) / 2 if span else 0.0 for span in spans]) / larger
    return known, upper, middle


def weak_prior(names: tuple[str, ...], result: FitResult, excess: Real | None = None) -> Resolved:
    r"""Return the default prior: each amplitude exponential, its mean the upper end of the literature's range.

    Of all densities of a non-negative number with a known mean, the exponential has the least information (Jaynes
    1957, doi:10.1103/PhysRev.106.620), and its tail allows values of pathology: it pulls an estimate with Gaussian
    error s towards zero by :math:`s^2/\mu`, however large the estimate is. The ranges are those of the normal
    brain, :data:`~fsl_mrs_dl.physics.metabolites.BRAIN_RANGES`. Their unit in amplitudes of the basis is such that
    a mixture in mid-range has the energy of the fitted metabolites of known range. The mean of a member of unknown
    range (macromolecules, lipids, other nuclei) is the amplitude at which it has the energy of the whole fit.

    Parameters
    ----------
    names : tuple of str
    result : FitResult
        Of S spectra.
    excess : ndarray, float, shape (M,), optional
        Size of each member over its size in the unit of the others, see
        :func:`~fsl_mrs_dl.physics.member_sizes.excess`.

    Returns
    -------
    Resolved
    """
    known, upper, middle = usual_ranges(names, excess)
    n = len(names)
    gram = result.information[:, :n, :n]
    amplitudes = np.maximum(np.nan_to_num(result.amplitudes), 0.0)
    whole = _energy(gram, amplitudes)
    unit = np.sqrt(_energy(gram, amplitudes * known) / np.maximum(_energy(gram, middle), _TINY))
    alone = np.sqrt(whole[:, None] / np.maximum(np.einsum("snn->sn", gram), _TINY))
    mean = np.where(known, unit[:, None] * upper, alone)
    q = result.information.shape[1]
    low, high, rate = (
        np.full((len(mean), q), -np.inf),
        np.full((len(mean), q), np.inf),
        np.zeros((len(mean), q)),
    )
    low[:, :n] = 0.0
    rate[:, :n] = 1 / np.maximum(mean, _TINY)
    return Resolved(low, high, rate)


_TINY = 1e-200
"""Smallest divisor: far below any energy or amplitude."""


def _energy(gram: Real, amplitudes: Real) -> Real:
    """Return the energy of members of given amplitudes, a^T G a."""
    energy: Real = np.einsum("...m,...mk,...k->...", amplitudes, gram, amplitudes)
    return np.maximum(energy, 0.0)
