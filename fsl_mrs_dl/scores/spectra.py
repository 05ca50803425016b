"""What spectra are like: similarity of transients, noise, and the SNRs by their definitions."""

import math
from typing import Any

import numpy as np

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.physics import fid_to_spectrum, ppm_window

SIGNAL_1H_PPM = (-0.5, 9.5)
"""Outside of this a 1H spectrum holds no signal in vivo: lipids at 0.9 to amides at 8.5 ppm, and a margin."""
BAND_EDGE = 0.1
"""Part of the band at either end where the scanner's digital filter may have damped the noise; left out."""
_MIN_NOISE_BINS = 64
_TAIL_ORDER = 3


def similarity_matrix(spectra: Complex) -> Real:
    r"""Return how alike transients are, two by two.

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

    over the signal-free bins of the orthonormal spectrum, in which white noise has the SD it has in time. A
    cubic is first taken off each run of bins: the tails of far lines, of water foremost, are smooth there.

    For 1H the bins lie outside of :data:`SIGNAL_1H_PPM`; the outer tenths of the band are left out. Where
    that leaves fewer than 64 bins, and for other nuclei, the quietest quarter of the band is taken, chosen
    once for all FIDs: with a few FIDs only, that choice makes the result a few per cent too low. The median
    bears a stray line in fewer than half of the bins. The relative error is about 0.72 / sqrt(bins).

    Parameters
    ----------
    fid : ndarray, complex, shape (..., time)
        Not zero-filled or apodised, else the result is the SD that their spectrum still has.
    ppm : ndarray, float, shape (time,)
        Chemical shifts of the DFT bins, ascending.
    nucleus : str
    region : tuple of slice, optional
        Runs of bins from :func:`noise_region`, where they were chosen from other FIDs than these.

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
    """Return the runs of bins from which :func:`noise_sd` takes the noise.

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
    """Return the runs of bins below and above the signal, less the edges of the band and too short ones."""
    edge = math.ceil(BAND_EDGE * ppm.size)
    low, high = (int(np.searchsorted(ppm, limit)) for limit in SIGNAL_1H_PPM)
    runs = [slice(edge, low), slice(max(high, edge), ppm.size - edge)]
    return [run for run in runs if run.stop - run.start >= 4 * (_TAIL_ORDER + 1)]


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
    """Return |S|^2 of a run of bins less its cubic, made up for the freedom that the cubic took."""
    n = bins.shape[-1]
    order = min(_TAIL_ORDER, n // 4)
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

    with the plain DFT; the orthonormal one used here holds the :math:`\sqrt N`.

    Parameters
    ----------
    fid : ndarray, complex, shape (..., time)
    ppm : ndarray, float, shape (time,)
    limits : tuple of float
        Where the peak is looked for, in ppm.
    n_noise : int
        Number of points at the FID's end that hold noise alone.

    References
    ----------
    Shamaei 2023, doi:10.1002/mrm.29498, its public code.
    """
    peak = np.abs(fid_to_spectrum(fid)[..., ppm_window(ppm, limits)]).max(axis=-1)
    return peak / np.std(fid[..., -n_noise:].real, axis=-1)
