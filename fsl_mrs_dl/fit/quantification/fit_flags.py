"""Flag fits: of noise alone, or with signal that the basis set does not describe."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import fdtrc, fdtri  # not scipy.stats, whose import takes longer than many a fit

from fsl_mrs_dl.data import FLAGS, Real
from fsl_mrs_dl.fit.lcm import FitResult
from fsl_mrs_dl.fit.lcm.leftover import Leftover
from fsl_mrs_dl.fit.quantification.appearance import Appearance
from fsl_mrs_dl.fit.quantification.criteria import CRITERIA

FALSE_ALARM = 1e-3
"""Probability that noise alone counts as a spectrum."""
LOOKS = 100
"""Number of different shifts and linewidths in the search, each of which is another chance for noise."""
LARGEST_MISFIT = 0.25
"""Amplitude of the residual's excess over that of the fit, from which ``poor_fit`` is flagged."""
STRANGE = 1e-3
"""Probability that noise alone has the flag ``unmodelled_line``, and the same for ``model_misfit``."""
LARGEST_WIDENING = 2.0
"""Factor of errors over their bounds, from which ``model_misfit`` is flagged."""
SERIOUS = np.int16(sum(1 << flag.bit for flag in FLAGS.values() if flag.severity != "note"))
"""Bits of the flags that a good result does not have."""
_CERTAIN = 1e-4
"""Probability of a residual's excess in noise, below which ``poor_fit`` is possible: 1 of 10 000 spectra."""
_TESTS = 3
"""Number of tests behind the surprise, the factor of their smallest probability."""
_LEAST_PROBABILITY = 1e-300
"""Smallest probability whose logarithm is taken: that of the precision."""
_SHARED = 5  # number of shared parameters: shift, two widths, phase and delay
_LARGEST_RATIO = 1e6
"""Largest ratio of excess to fitted energy, so that a fit of nearly zero divides nothing by zero."""


@dataclass(frozen=True, eq=False)
class FitFlags:
    """The flags of S fits, and the numbers behind them.

    Attributes
    ----------
    misfit : ndarray, float, shape (S,)
        See :func:`flag_fits`; NaN for spectra that were not fitted.
    surprise : ndarray, float, shape (S,)
        -log10 of the probability that noise has such a residual, see :func:`flag_fits`; NaN likewise.
    low_snr, poor_fit, unmodelled_line, model_misfit : ndarray, bool, shape (S,)
        The flags of these names.
    """

    misfit: Real
    surprise: Real
    low_snr: NDArray[np.bool_]
    poor_fit: NDArray[np.bool_]
    unmodelled_line: NDArray[np.bool_]
    model_misfit: NDArray[np.bool_]

    @property
    def bits(self) -> NDArray[np.int16]:
        """Bits of :data:`fsl_mrs_dl.data.FLAGS`, shape (S,)."""
        tokens = ("low_snr", "poor_fit", "unmodelled_line", "model_misfit")
        bits: NDArray[np.int16] = sum(
            getattr(self, token).astype(np.int16) << FLAGS[token].bit for token in tokens
        )
        return bits


def flag_fits(
    result: FitResult, left: Leftover, look: Appearance, noise_sd: Real, noise_bins: int
) -> FitFlags:
    r"""Compare fit and residual with the noise outside of the signal.

    *low_snr*: for pure noise, the energy E that k free parameters explain, :math:`E / (k \sigma^2)`, has at most
    the distribution F(k, n), where n is the number of bins behind sigma. A spectrum is more than noise if E
    exceeds the quantile of :data:`FALSE_ALARM` over :data:`LOOKS`. Windows with fewer samples than twice the
    parameters are flagged too: their bounds are not reliable.

    *misfit*: if the model is right, the residual has the energy :math:`\nu \sigma^2` with nu degrees of freedom,
    and their ratio has the distribution F(nu, n). The excess is given as an amplitude, in units of the fitted
    metabolites,

    .. math:: m = \mathrm{sign}(R - \nu \sigma^2) \sqrt{|R - \nu \sigma^2| / E}

    which does not grow with the SNR. *poor_fit* is an excess that noise has in 1 of 10 000 spectra and that is
    larger than :data:`LARGEST_MISFIT`: at a high SNR every basis set has some excess.

    *surprise* combines three tests for different deviations. The first is that energy, for deviations over the
    whole window; the second the mean power of lines in the residual, with the distribution F(looks, n), for many
    or broad lines; the third the highest single line. The smallest p counts, times three (Tippett, see Birnbaum
    1954, doi:10.2307/2281130), because each deviation affects one test more than the others. The value is
    -log10 p.

    *unmodelled_line* is a line that noise has in 1 of 1000 spectra or fewer. *model_misfit* is a power of lines
    that makes errors :data:`LARGEST_WIDENING` times the bounds, and that is as rare. Both must also be larger
    than in good spectra (:data:`~.criteria.CRITERIA`): at the SNR of a single voxel no measured residual is white
    noise.

    Parameters
    ----------
    result : FitResult
    left : Leftover
        Of the same fits.
    look : Appearance
        Of the same fits.
    noise_sd : ndarray, float, shape (S,)
        Of one channel, from outside of the signal.
    noise_bins : int
        Number of bins behind ``noise_sd``.

    Returns
    -------
    FitFlags
    """
    fitted = result.amplitudes.shape[1] + _SHARED
    noise = np.maximum(noise_sd, np.finfo(float).tiny) ** 2
    certain = fdtri(fitted, noise_bins, 1 - FALSE_ALARM / LOOKS)
    few = result.freedom < fitted
    with np.errstate(invalid="ignore", divide="ignore"):
        low = few | (result.explained / (fitted * noise) < certain)
        excess = result.freedom * (result.noise_sd**2 - noise)
        least = np.maximum(np.abs(excess) / _LARGEST_RATIO, np.finfo(float).tiny)
        misfit = np.sign(excess) * np.sqrt(np.abs(excess) / np.maximum(result.explained, least))
        limit = fdtri(np.where(np.isfinite(result.freedom), result.freedom, 1), noise_bins, 1 - _CERTAIN)
        poor = ~low & (result.noise_sd**2 / noise > limit) & (misfit > LARGEST_MISFIT)
        energy = result.noise_sd**2 / noise
        chances = np.stack(
            [
                fdtrc(result.freedom, noise_bins, energy),
                fdtrc(left.looks, noise_bins, left.power * energy),
                left.p,
            ]
        )
        surprise = -np.log10(np.clip(_TESTS * chances.min(axis=0), _LEAST_PROBABILITY, 1.0))
        rough = fdtrc(left.looks, result.freedom, left.power) < STRANGE
        large = (misfit > CRITERIA["misfit"].good) | (look.undescribed > CRITERIA["undescribed"].good)
        wide = ~low & rough & (left.widening > LARGEST_WIDENING) & large
        line = ~low & (left.p < STRANGE) & (np.abs(look.line) > CRITERIA["line"].good)
    known = np.isfinite(result.noise_sd)
    known_misfit, known_surprise = (np.where(known, value, np.nan) for value in (misfit, surprise))
    return FitFlags(known_misfit, known_surprise, *(known & flag for flag in (low, poor, line, wide)))


def flags_in_words(flags: NDArray[np.int16], line: tuple[float, float] | None = None) -> str:
    """Describe flags in one line; empty if no spectrum has one.

    Parameters
    ----------
    flags : ndarray, int16, shape (V,)
        Bits.
    line : tuple of float, optional
        For one spectrum: place in ppm and z of the highest unmodelled line.
    """
    flagged = int((flags != 0).sum())
    if not flagged:
        return ""
    counts: Mapping[str, int] = {token: int(((flags >> flag.bit) & 1).sum()) for token, flag in FLAGS.items()}
    if len(flags) == 1:
        where = {} if line is None else {"unmodelled_line": f" at {line[0]:.2f} ppm, z = {line[1]:.1f}"}
        return "the fit is flagged: " + "; ".join(
            f"{token}{where.get(token, '')} ({FLAGS[token].meaning})"
            for token, count in counts.items()
            if count
        )
    counted = ", ".join(f"{count} {token}" for token, count in counts.items() if count)
    return f"{flagged} of {len(flags)} voxels flagged: {counted} (qc/flags.nii.gz, meanings in qc/flags.json)"
