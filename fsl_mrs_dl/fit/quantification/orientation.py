"""Check whether data look conjugated. They are never conjugated without the option: only a warning is printed."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Basis, Complex, MRSData, Real, fid_flags
from fsl_mrs_dl.physics import fid_to_spectrum, ppm_window

_ORDER = 4
"""Order of the polynomial that takes the tail of water out of the window, as in FSL-MRS's check."""
_MOST_SPECTRA = 64
"""Number of spectra whose energies are added, evenly spread over the voxels."""
_BROAD_PPM = 0.5
"""SD in ppm of the smoothing of power spectra: the largest offset of a carrier, and wider than lines."""
_LEAST_ASYMMETRY = 0.25
"""Share of a basis set's power without counterpart in its mirror image, below which the sign is not decided."""
_LEAST_RATIO = 2.0
"""Energy in the mirror image over that in the spectrum itself, from which data look conjugated."""


def looks_conjugated(
    data: MRSData, voxels: NDArray[Any], window: tuple[float, float], basis: Basis | None = None
) -> bool:
    """Return whether the mirror image of data fits better than the data themselves.

    For 1H, they do if the mirror image of the fit window has more signal than the window. A polynomial of fourth
    order is taken out first, as in FSL-MRS's check, so that the tail of water does not matter; here out of the
    complex spectrum, so that its phase does not matter either. Other nuclei have lines on both sides of their
    reference: their power spectrum is compared with the part of the basis set's that is not symmetric.

    Parameters
    ----------
    data : MRSData
        One spectrum a voxel.
    voxels : ndarray, int, shape (V, 3)
        The energies of at most 64 of them, evenly spread, are added up.
    window : tuple of float
        In ppm.
    basis : Basis, optional
        At the points of the data. Without it, other nuclei than 1H are not checked.
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
    # Power on both sides of the reference does not depend on the sign.
    only_here = np.maximum(expected - _mirrored(expected), 0.0)
    if only_here.sum() < _LEAST_ASYMMETRY * expected.sum():
        return False
    power = (np.abs(fid_to_spectrum(fids)) ** 2).sum(axis=0)
    power = np.maximum(power - np.median(power), 0.0)
    return bool(power @ _mirrored(only_here) > _LEAST_RATIO * (power @ only_here))


def _smooth(values: Real, sd_bins: float) -> Real:
    """Convolve values of a spectrum with a Gaussian, cyclically as the DFT."""
    n = len(values)
    distance = np.minimum(np.arange(n), n - np.arange(n))
    kernel = np.exp(-0.5 * (distance / max(sd_bins, 1e-3)) ** 2)
    return np.fft.ifft(np.fft.fft(values) * np.fft.fft(kernel / kernel.sum())).real


def _mirrored(values: Real) -> Real:
    """Return the values of an ascending spectrum at the opposite frequencies."""
    flipped: Real = np.fft.fftshift(np.roll(np.fft.ifftshift(values)[::-1], 1))
    return flipped
