"""Whether data look conjugated. They are never turned unasked: the user is told."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Basis, Complex, MRSData, Real, fid_flags
from fsl_mrs_dl.physics import fid_to_spectrum, ppm_window

_ORDER = 4
_MOST_SPECTRA = 64
_BROAD_PPM = 0.5  # as far as a carrier may be off, and wider than the lines
_TELLING, _CLEARLY = 0.25, 2.0  # share of a basis set without counterpart, and ratio of energies


def looks_conjugated(
    data: MRSData, voxels: NDArray[Any], window: tuple[float, float], basis: Basis | None = None
) -> bool:
    """Return whether the mirror image of data fits better than the data themselves.

    Of 1H the mirror image of the fit window would hold more signal than the window. Signal is what a polynomial
    of fourth order leaves, as in FSL-MRS's check, so that the tail of the water does not decide; here of the
    complex spectrum, so that its phase does not either. Other nuclei have lines on both sides of their reference:
    their power spectrum is compared with that of the basis set, as far as that is not its own mirror image.

    Parameters
    ----------
    data : MRSData
        One spectrum a voxel.
    voxels : ndarray, int, shape (V, 3)
        Whose energies are added up; at most 64 of them, evenly spread.
    window : tuple of float
        In ppm.
    basis : Basis, optional
        At the points of the data; without it nothing is said of other nuclei than 1H.
    """
    some = data.fid[tuple(voxels[:: max(1, len(voxels) // _MOST_SPECTRA)].T)]
    some = some[fid_flags(some) == ""]
    if data.nucleus != "1H":
        return basis is not None and len(some) > 0 and _mirror_fits_better(some, basis)
    inside = ppm_window(data.ppm_axis, window)
    return _structure(some.conj(), inside) > _structure(some, inside)


def _structure(fids: Complex, inside: NDArray[np.bool_]) -> float:
    spectra = fid_to_spectrum(fids)[:, inside]
    smooth, _ = np.linalg.qr(np.vander(np.linspace(-1, 1, spectra.shape[1]), _ORDER + 1))
    return float(np.linalg.norm(spectra - (spectra @ smooth) @ smooth.T))


def _mirror_fits_better(fids: Complex, basis: Basis) -> bool:
    """Return whether spectra have clearly more energy where the mirror image of a basis set has it."""
    members = fid_to_spectrum(np.asarray(basis.fids))
    members = members / np.maximum(np.linalg.norm(members, axis=1, keepdims=True), np.finfo(float).tiny)
    bin_ppm = 1 / (basis.fids.shape[1] * basis.dwelltime_s * basis.spectrometer_frequency_mhz)
    expected = _smooth((np.abs(members) ** 2).sum(axis=0), _BROAD_PPM / bin_ppm)
    # What lies on both sides of the reference tells nothing.
    only_here = np.maximum(expected - _mirrored(expected), 0.0)
    if only_here.sum() < _TELLING * expected.sum():
        return False
    power = (np.abs(fid_to_spectrum(fids)) ** 2).sum(axis=0)
    power = np.maximum(power - np.median(power), 0.0)
    return bool(power @ _mirrored(only_here) > _CLEARLY * (power @ only_here))


def _smooth(values: Real, sd_bins: float) -> Real:
    """Return values of a spectrum convolved with a Gaussian, around the ends as the DFT is."""
    n = len(values)
    distance = np.minimum(np.arange(n), n - np.arange(n))
    kernel = np.exp(-0.5 * (distance / max(sd_bins, 1e-3)) ** 2)
    return np.fft.ifft(np.fft.fft(values) * np.fft.fft(kernel / kernel.sum())).real


def _mirrored(values: Real) -> Real:
    """Return the values of an ascending spectrum at the opposite frequencies."""
    flipped: Real = np.fft.fftshift(np.roll(np.fft.ifftshift(values)[::-1], 1))
    return flipped
