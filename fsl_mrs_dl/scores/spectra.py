"""Similarity of transients, noise of spectra, and SNR by several definitions."""

import math
from typing import Any

import numpy as np

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.physics import fid_to_spectrum, ppm_window

SIGNAL_1H_PPM = (-0.5, 9.5)
"""Range of 1H signals in vivo, in ppm: lipids at 0.9 to amides at 8.5, and a margin."""
BAND_EDGE = 0.1
"""Share of the band at either end that is left out: digital filters of scanners damp the noise there."""
_MIN_NOISE_BINS = 64
"""Least number of signal-free bins: the relative error of the noise is then 0.72 / sqrt(64) = 9 %."""
_TAIL_DEGREE = 3
"""Degree of the polynomial that is subtracted: tails of far lines are smooth over a run of bins."""


def similarity_matrix(spectra: Complex) -> Real:
    r"""Return the similarity of each pair of transients.

    .. math:: M_{ij} = \mathrm{Re} \langle S_i, S_j \rangle / (\|S_i\| \, \|S_j\|)

    Parameters
    ----------
    spectra : ndarray, complex, shape (..., transient, frequency)
        Spectra within a window, for example 2.5 to 3.5 ppm.

    Returns
    -------
    ndarray, float, shape (..., transient, transient)
        From -1 to 1; 0 for a spectrum that is zero everywhere.

    References
    ----------
    The similarity matrix of Shamaei 2023, doi:10.1002/mrm.29498, with complex inner products: this variant
    reproduces the values printed there, real parts or magnitudes do not.
    """
    unit = _normalised(spectra)
    return np.real(unit @ np.conj(np.swapaxes(unit, -1, -2)))


def similarity_index(spectra: Complex) -> Any:
    r"""Return the mean of all entries of :func:`similarity_matrix`, diagonal included.

    .. math:: SI = \frac{1}{n^2} \sum_{ij} M_{ij} = \Big\| \frac{1}{n} \sum_i S_i / \|S_i\| \Big\|^2

    It is 1 for equal spectra and 1/n on average for noise. Noise sets a ceiling below 1, so it compares
    corrections of the same data, not data sets.

    Parameters
    ----------
    spectra : ndarray, complex, shape (..., transient, frequency)

    Returns
    -------
    float, or ndarray, float, shape (...)
    """
    mean = _normalised(spectra).mean(axis=-2)
    return np.sum(np.abs(mean) ** 2, axis=-1)


def _normalised(spectra: Complex) -> Complex:
    norm = np.linalg.norm(spectra, axis=-1, keepdims=True)
    return spectra / np.where(norm == 0, 1, norm)


def noise_sd(fid: Complex, ppm: Real, nucleus: str = "1H", region: tuple[slice, ...] | None = None) -> Any:
    r"""Return the standard deviation of the noise in the real or the imaginary channel.

    .. math:: \sigma = \sqrt{\mathrm{median} |S|^2 / (2 \ln 2)}

    over the signal-free bins of the orthonormal spectrum, where white noise has the same SD as in time. A cubic is
    first subtracted from each run of bins: the tails of far lines, mostly of water, are smooth there.

    For 1H the bins lie outside of :data:`SIGNAL_1H_PPM`, without the outer tenths of the band. If these are fewer
    than 64 bins, and for other nuclei, the quietest quarter of the band is used, the same for all FIDs: with few
    FIDs, this choice makes the result a few per cent too low. The median tolerates lines in fewer than half of
    the bins. The relative error is about 0.72 / sqrt(bins).

    Parameters
    ----------
    fid : ndarray, complex, shape (..., time)
        Not zero-filled or apodised; otherwise the result is the SD of the noise that is left.
    ppm : ndarray, float, shape (time,)
        Chemical shifts of the DFT bins, ascending.
    nucleus : str
    region : tuple of slice, optional
        Runs of bins from :func:`noise_region`, if they were chosen from other FIDs.

    Returns
    -------
    float, or ndarray, float, shape (...)
        NaN for an FID that is not finite.
    """
    spectrum = fid_to_spectrum(np.asarray(fid))
    segments = region or _region(spectrum, ppm, nucleus)
    power = np.concatenate([_power_without_tails(spectrum[..., s]) for s in segments], axis=-1)
    return np.sqrt(np.median(power, axis=-1) / (2 * math.log(2)))


def noise_region(fid: Complex, ppm: Real, nucleus: str = "1H") -> tuple[slice, ...]:
    """Return the runs of bins in which :func:`noise_sd` measures the noise.

    Parameters
    ----------
    fid, ppm, nucleus
        As in :func:`noise_sd`.
    """
    return _region(fid_to_spectrum(np.asarray(fid)), ppm, nucleus)


def _region(spectrum: Complex, ppm: Real, nucleus: str) -> tuple[slice, ...]:
    segments = _signal_free(ppm) if nucleus == "1H" else []
    if sum(s.stop - s.start for s in segments) < _MIN_NOISE_BINS:
        segments = [_quietest_quarter(spectrum)]
    return tuple(segments)


def _signal_free(ppm: Real) -> list[slice]:
    """Return the runs of bins below and above the signal, without the edges of the band and short runs."""
    edge = math.ceil(BAND_EDGE * ppm.size)
    low, high = (int(np.searchsorted(ppm, limit)) for limit in SIGNAL_1H_PPM)
    runs = [slice(edge, low), slice(max(high, edge), ppm.size - edge)]
    return [run for run in runs if run.stop - run.start >= 4 * (_TAIL_DEGREE + 1)]


def _quietest_quarter(spectrum: Complex) -> slice:
    n = spectrum.shape[-1]
    width, edge = max(n // 4, 1), math.ceil(BAND_EDGE * n)
    starts = range(edge, max(n - edge - width, edge) + 1, max(width // 8, 1))
    power = np.abs(spectrum.reshape(-1, n)) ** 2
    power = power[np.isfinite(power).all(axis=-1)]
    if not power.size:
        return slice(edge, edge + width)
    level = [np.mean(np.median(power[:, s : s + width], axis=-1)) for s in starts]
    start = starts[int(np.argmin(level))]
    return slice(start, start + width)


def _power_without_tails(bins: Complex) -> Real:
    """Return |S|^2 of a run of bins without its cubic, corrected for the degrees of freedom of the cubic."""
    n = bins.shape[-1]
    order = min(_TAIL_DEGREE, n // 4)
    smooth, _ = np.linalg.qr(np.vander(np.linspace(-1, 1, n), order + 1))
    power: Real = np.abs(bins - (bins @ smooth) @ smooth.T) ** 2 * (n / (n - order - 1))
    return power


def snr_t0(fid: Complex, sigma: Any) -> Any:
    r"""Return SNR_t0, :math:`|s(0)| / \sigma`; shape (...).

    Parameters
    ----------
    fid : ndarray, complex, shape (..., time)
    sigma : float or ndarray, shape (...)
        Noise SD a channel, see :func:`noise_sd`.

    References
    ----------
    Hatami 2018, arXiv:1806.07237; Shamaei 2023, doi:10.1002/mrm.29498.
    """
    return np.abs(fid[..., 0]) / sigma


def snr_f(spectrum: Complex, n_noise: int = 128) -> Any:
    r"""Return SNR_f; shape (...).

    .. math:: \max |S| / \mathrm{SD}(\mathrm{Re}\, S_{1..n})

    Parameters
    ----------
    spectrum : ndarray, complex, shape (..., frequency)
    n_noise : int
        Number of signal-free bins at the lower end of the band.

    References
    ----------
    Shamaei 2023, doi:10.1016/j.compbiomed.2023.106837.
    """
    return np.abs(spectrum).max(axis=-1) / np.std(spectrum[..., :n_noise].real, axis=-1)


def snr_db(signal: Complex, noise: Complex) -> Any:
    r"""Return SNR_dB over the whole record, :math:`10 \log_{10} (\sum |s|^2 / \sum |n|^2)`; shape (...).

    Parameters
    ----------
    signal, noise : ndarray, complex, shape (..., time)

    References
    ----------
    MATLAB's ``snr``.
    """
    power = np.sum(np.abs(signal) ** 2, axis=-1) / np.sum(np.abs(noise) ** 2, axis=-1)
    return 10 * np.log10(power)


def snr_cr(fid: Complex, ppm: Real, limits: tuple[float, float] = (2.5, 4.0), n_noise: int = 256) -> Any:
    r"""Return Cr-SNR; shape (...).

    .. math:: \max |S| / (\mathrm{SD}(\mathrm{Re}\, s_{tail}) \sqrt N)

    with the plain DFT; the orthonormal DFT used here includes the :math:`\sqrt N`.

    Parameters
    ----------
    fid : ndarray, complex, shape (..., time)
    ppm : ndarray, float, shape (time,)
    limits : tuple of float
        Range of the peak, in ppm.
    n_noise : int
        Number of points at the end of the FID that are noise alone.

    References
    ----------
    Shamaei 2023, doi:10.1002/mrm.29498, its public code.
    """
    peak = np.abs(fid_to_spectrum(fid)[..., ppm_window(ppm, limits)]).max(axis=-1)
    return peak / np.std(fid[..., -n_noise:].real, axis=-1)
