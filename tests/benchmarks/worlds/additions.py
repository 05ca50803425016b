"""What lies in a spectrum besides metabolites and macromolecules, and what happens to its first points."""

import numpy as np

from fsl_mrs_dl.data import NUCLEI, Complex, Real
from fsl_mrs_dl.physics import fid_to_spectrum, first_order_phase, phase, singlet
from fsl_mrs_dl.physics.lines import gamma_from_fwhm, sigma_from_fwhm
from fsl_mrs_dl.physics.resample import HALF_WIDTH, points_before
from tests.benchmarks.worlds.spins import DWELLTIME_S, log_uniform

LIPID_PPM, LIPID_AREA = (0.90, 1.28, 2.02), (0.35, 1.0, 0.15)
"""Lines of fat of the scalp: CH3, CH2 and allylic CH2, and their areas over that of CH2."""
LIPID_HZ, LIPID_SIZE, LIPID_RAD = (20.0, 50.0), (0.05, 0.4), np.radians(20.0)
"""FWHM in Hz, first point over that of the metabolites, SD of the phase in rad."""
WATER_LINES, WATER_PPM, WATER_HZ, WATER_SIZE = 5, 0.12, (5.0, 25.0), (0.5, 3.0)
"""Lines that are left of water, SD of their places in ppm, FWHM in Hz, height over the highest metabolite."""
RIPPLE_PPM, RIPPLE_SIZE = (0.4, 1.0), (0.03, 0.08)
"""Length scale of a smooth baseline in ppm, far wider than a line; its SD over the highest metabolite."""
DELAY_S = 1e-4  # s that an acquisition starts late or early, at most: 4.4 degrees a ppm at 3 T
CORRUPTED = (0.5, 1.5)  # range of the factor of first points that a receiver distorts


def lipid_fids(n: int, n_points: int, mhz: float, first_point: Real, rng: np.random.Generator) -> Complex:
    """Return lipids from outside of the voxel: Gaussian lines of 20 to 50 Hz with a phase of their own.

    Parameters
    ----------
    n, n_points : int
    mhz : float
        Spectrometer frequency, in MHz.
    first_point : ndarray, float, shape (n,)
        Of the metabolites: the lipids' is 0.05 to 0.4 of it.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, complex128, shape (n, time)
    """
    shape = (n, len(LIPID_PPM))
    area = np.array(LIPID_AREA) * np.exp(0.3 * rng.standard_normal(shape))
    area *= (rng.uniform(*LIPID_SIZE, n) * first_point / area.sum(axis=1))[:, None]
    place = np.array(LIPID_PPM) + 0.02 * rng.standard_normal(shape)
    sigma = sigma_from_fwhm(rng.uniform(*LIPID_HZ, shape))
    hz = (place - NUCLEI["1H"].reference_ppm) * mhz
    lines = singlet(n_points, DWELLTIME_S, hz, 0.0 * hz, sigma, np.zeros(1, complex))
    turned: Complex = phase(np.einsum("nl,nlt->nt", area, lines), LIPID_RAD * rng.standard_normal(n))
    return turned


def water_fids(n: int, n_points: int, mhz: float, height: Real, rng: np.random.Generator) -> Complex:
    """Return what HSVD leaves of water: Lorentzian lines about 4.65 ppm, each with a phase of its own.

    Parameters
    ----------
    n, n_points : int
    mhz : float
        Spectrometer frequency, in MHz.
    height : ndarray, float, shape (n,)
        Highest peak of the metabolites' spectrum: that of the water is 0.5 to 3 of it, log-uniform.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, complex128, shape (n, time)
    """
    shape = (n, WATER_LINES)
    hz = WATER_PPM * mhz * rng.standard_normal(shape)
    gamma = gamma_from_fwhm(rng.uniform(*WATER_HZ, shape))
    area = rng.standard_normal(shape) + 1j * rng.standard_normal(shape)
    lines = singlet(n_points, DWELLTIME_S, hz, gamma, 0.0 * gamma, np.zeros(1, complex))
    fids = np.einsum("nl,nlt->nt", area, lines)
    size = log_uniform(WATER_SIZE, n, rng) * height
    scaled: Complex = fids * (size / np.abs(fid_to_spectrum(fids)).max(axis=1))[:, None]
    return scaled


def ripple_fids(n: int, n_points: int, mhz: float, height: Real, rng: np.random.Generator) -> Complex:
    """Return a smooth random baseline: in frequency a Gaussian process of squared-exponential covariance.

    Length scale 0.4 to 1 ppm, SD of its real part 3 to 8 % of the highest peak of the metabolites. It decays
    within the first points, as an FID that starts at zero time does.

    Parameters
    ----------
    n, n_points : int
    mhz : float
        Spectrometer frequency, in MHz.
    height : ndarray, float, shape (n,)
        Highest peak of the metabolites' spectrum.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, complex128, shape (n, time)
    """
    scale_hz = rng.uniform(*RIPPLE_PPM, (n, 1)) * mhz
    size = rng.uniform(*RIPPLE_SIZE, n) * height
    t = np.arange(n_points) * DWELLTIME_S
    # The covariance exp(-f^2 / (2 l^2)) is the transform of a power exp(-2 (pi l t)^2).
    envelope = np.exp(-((np.pi * scale_hz * t) ** 2))
    white = rng.standard_normal((2, n, n_points))
    # By Parseval the real part's variance is the mean of |FID|^2 / 2, here of white noise of variance 2.
    envelope *= (size / np.sqrt((envelope**2).mean(axis=1)))[:, None]
    fids: Complex = envelope * (white[0] + 1j * white[1])
    return fids


def delayed(fids: Complex, delay_s: Real) -> Complex:
    """Return FIDs whose sampling starts later, or earlier on the rising side of their echo.

    The FIDs are continued to before their start by linear prediction, which the transform would otherwise wrap.

    Parameters
    ----------
    fids : ndarray, complex, shape (n, time)
    delay_s : ndarray, float, shape (n,)
        In s.

    Returns
    -------
    ndarray, complex128, shape (n, time)
    """
    before = points_before(fids, HALF_WIDTH) * np.sin(np.pi / 2 * (np.arange(HALF_WIDTH) + 0.5) / HALF_WIDTH)
    longer = np.concatenate([before, fids], axis=1)
    moved: Complex = first_order_phase(longer, delay_s, DWELLTIME_S)[:, HALF_WIDTH:]
    return moved


def corrupted(fids: Complex, rng: np.random.Generator) -> Complex:
    """Return FIDs whose first point has the wrong size: 0.5 to 1.5 of what it should be.

    Parameters
    ----------
    fids : ndarray, complex, shape (n, time)
    rng : numpy.random.Generator
    """
    wrong = fids.copy()
    wrong[:, 0] *= rng.uniform(*CORRUPTED, len(fids))
    return wrong
