"""What is to be said against a fit: nothing was found, or not all of it was described."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import f as f_distribution

from fsl_mrs_dl.data import FLAGS, Real
from fsl_mrs_dl.fit.lcm import FitResult
from fsl_mrs_dl.fit.lcm.leftover import Leftover
from fsl_mrs_dl.fit.quantification.appearance import Appearance
from fsl_mrs_dl.fit.quantification.criteria import CRITERIA

FALSE_ALARM = 1e-3
"""Chance that noise alone passes for a spectrum."""
LOOKS = 100
"""Shifts and linewidths that are told apart in the search, each of which is one more chance."""
LARGEST_MISFIT = 0.25
"""Amplitude of what is left over that of what was fitted, from which a fit is called poor."""
STRANGE = 1e-3
"""Chance that a residual of noise alone shows a line, and that it is called a misfit."""
LARGEST_WIDENING = 2.0
"""From which widening of errors on a fit is called a misfit."""
SERIOUS = np.int16(sum(1 << flag.bit for flag in FLAGS.values() if flag.severity != "note"))
"""Bits of the flags that a good result does not have."""
_CERTAIN = 1e-4
_TESTS = 3
_LEAST = 1e-300
_SHARED = 5  # shift, two widths, phase and delay
_MOST_SHARES = 1e6


@dataclass(frozen=True, eq=False)
class Verdict:
    """The verdict on S fits.

    Attributes
    ----------
    misfit : ndarray, float, shape (S,)
        See :func:`judge`; NaN where nothing was fitted.
    surprise : ndarray, float, shape (S,)
        Decades of the chance that noise leaves as strange a residual, see :func:`judge`; NaN likewise.
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


def judge(result: FitResult, left: Leftover, seen: Appearance, noise_sd: Real, noise_bins: int) -> Verdict:
    r"""Compare what was fitted and what is left with the noise outside of the signal.

    *low_snr*: with k free parameters the energy E that they explain of pure noise, :math:`E / (k \sigma^2)`, is at
    most F(k, n) distributed, n the bins from which sigma is known. A spectrum counts as found where it exceeds
    the quantile of :data:`FALSE_ALARM` over :data:`LOOKS`. So do not windows of fewer samples than twice the
    parameters, whose bounds are guesses.

    *misfit*: the residual of a right model has the energy :math:`\nu \sigma^2`, nu its degrees of freedom, and
    over that is F(nu, n) distributed. The excess over it is told as an amplitude, in units of the fitted
    metabolites,

    .. math:: m = \mathrm{sign}(R - \nu \sigma^2) \sqrt{|R - \nu \sigma^2| / E}

    which does not grow with the SNR. *poor_fit* is an excess that chance makes in 1 of 10 000 spectra and that
    is larger than :data:`LARGEST_MISFIT`: where the SNR is high any basis set leaves something.

    *surprise*: three tests ask for different alternatives. That energy is the first, for whatever is spread over
    the window; the mean power of lines in the residual, F(looks, n) distributed, is the second, for many lines or
    broad ones; the highest single line is the third. The smallest of their p counts, times three
    (Tippett, see Birnbaum 1954, doi:10.2307/2281130), as an alternative is seen by one of them more than by the
    others. Told is -log10 p.

    *unmodelled_line* is a line that chance shows in 1 of 1000 spectra or fewer, *model_misfit* a power of lines
    that makes errors :data:`LARGEST_WIDENING` times the bounds, and that chance makes as rarely. Both are flagged
    where they are larger than in good spectra, too (:data:`~.criteria.CRITERIA`): at the SNR of a single voxel no
    measured residual is white noise.

    Parameters
    ----------
    result : FitResult
    left : Leftover
        Of the same fits.
    seen : Appearance
        Likewise.
    noise_sd : ndarray, float, shape (S,)
        Of one channel, from outside of the signal.
    noise_bins : int
        From how many bins.

    Returns
    -------
    Verdict
    """
    fitted = result.amplitudes.shape[1] + _SHARED
    noise = np.maximum(noise_sd, np.finfo(float).tiny) ** 2
    certain = f_distribution.isf(FALSE_ALARM / LOOKS, fitted, noise_bins)
    few = result.freedom < fitted
    with np.errstate(invalid="ignore", divide="ignore"):
        low = few | (result.explained / (fitted * noise) < certain)
        excess = result.freedom * (result.noise_sd**2 - noise)
        least = np.maximum(np.abs(excess) / _MOST_SHARES, np.finfo(float).tiny)
        misfit = np.sign(excess) * np.sqrt(np.abs(excess) / np.maximum(result.explained, least))
        limit = f_distribution.isf(
            _CERTAIN, np.where(np.isfinite(result.freedom), result.freedom, 1), noise_bins
        )
        poor = ~low & (result.noise_sd**2 / noise > limit) & (misfit > LARGEST_MISFIT)
        energy = result.noise_sd**2 / noise
        chances = np.stack(
            [
                f_distribution.sf(energy, result.freedom, noise_bins),
                f_distribution.sf(left.power * energy, left.looks, noise_bins),
                left.p,
            ]
        )
        surprise = -np.log10(np.clip(_TESTS * chances.min(axis=0), _LEAST, 1.0))
        rough = f_distribution.sf(left.power, left.looks, result.freedom) < STRANGE
        large = (misfit > CRITERIA["misfit"].good) | (seen.undescribed > CRITERIA["undescribed"].good)
        wide = ~low & rough & (left.widening > LARGEST_WIDENING) & large
        line = ~low & (left.p < STRANGE) & (np.abs(seen.line) > CRITERIA["line"].good)
    known = np.isfinite(result.noise_sd)
    told, strange = (np.where(known, value, np.nan) for value in (misfit, surprise))
    return Verdict(told, strange, *(known & flag for flag in (low, poor, line, wide)))


def flags_in_words(flags: NDArray[np.int16], line: tuple[float, float] | None = None) -> str:
    """Return what is flagged in one line, empty if nothing is.

    Parameters
    ----------
    flags : ndarray, int16, shape (V,)
        Bits.
    line : tuple of float, optional
        Of one spectrum, place in ppm and z of the line that stands out most.
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
    said = ", ".join(f"{count} {token}" for token, count in counts.items() if count)
    return f"{flagged} of {len(flags)} voxels flagged: {said} (qc/flags.nii.gz, meanings in qc/flags.json)"
