"""The members of a basis set as atoms, with the lineshape and the shift that a fit gives each set of FIDs."""

import numpy as np

from fsl_mrs_dl.data import Basis, Complex, MRSData, Real
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.fit.basis import basis_for
from fsl_mrs_dl.fit.lcm import Baseline, FitSettings, fitter_for
from fsl_mrs_dl.fit.reconstruction.lineshape import Lineshape
from fsl_mrs_dl.fit.reconstruction.operators import AtomOperator
from fsl_mrs_dl.fit.reconstruction.run import FidModel
from fsl_mrs_dl.fit.reconstruction.sets import Sets
from fsl_mrs_dl.physics import covered_points, damp, ppm_window, shift
from fsl_mrs_dl.physics.lines import gamma_from_fwhm

BASIS_FIT = "fit of the basis set"
"""Source of a lineshape that is what a fit adds to the lines of the basis set."""
SHIFTS_PPM = (-0.01, 0.0, 0.01)
"""Shifts of the copies of each member about the common shift; temperature and pH move a metabolite by 0.01 ppm."""
_WINDOW_PPM = (0.2, 4.2)
"""Window of the fit of 1H spectra, in ppm: that of ``quantify``."""
FIELD_TOLERANCE = 0.05  # scanners of one nominal field differ by up to 4 %


def dictionary(data: MRSData, basis: Basis, sets: Sets, fwhm_hz: float | None) -> FidModel:
    """Return the members of a basis set, each at a few shifts, under the lineshape of each set.

    The mean of a set's FIDs is fitted with a Lorentzian line, a shift and phases; broadening and shift
    are known from then on. Members are scaled to equal norm, so that the penalty weighs signals and not units.

    Parameters
    ----------
    data : MRSData
    basis : Basis
        Of the user.
    sets : Sets
    fwhm_hz : float or None
        Broadening of the members in the result, in Hz; None: as fitted.

    Returns
    -------
    FidModel

    Raises
    ------
    DataError
        If the basis set does not belong to the data, or no fit converges.
    """
    n = min(sets.n_measured, covered_points(basis, data.dwelltime_s, data.spectrometer_frequency_mhz))
    truncated = data.with_fid(data.fid[:, :, :, :n])
    members = basis_for(truncated, basis, field_tolerance=FIELD_TOLERANCE)
    window = _WINDOW_PPM if data.nucleus == "1H" else None
    inside = ppm_window(data.ppm_axis, window)
    settings = FitSettings(window, Baseline.parse("poly, 2"), lorentzian=True)
    mean = sets.fids[..., :n].mean(axis=1).astype(np.complex128)
    fitted = fitter_for(members, settings, reference_ppm=data.reference_ppm)(mean)
    good = (fitted.flag != "no_convergence") & np.isfinite(fitted.gamma[:, 0])
    if not good.any():
        raise DataError(
            "The basis set fits none of the FIDs; reconstruct without --basis, on a grid of lines."
        )
    gamma = np.where(good, fitted.gamma[:, 0], np.median(fitted.gamma[good, 0]))
    shift_hz = np.where(good, fitted.shift_hz[:, 0], np.median(fitted.shift_hz[good, 0]))
    step = data.dwelltime_s
    atoms = np.concatenate(
        [shift(np.asarray(members.fids), ppm * data.spectrometer_frequency_mhz, step) for ppm in SHIFTS_PPM]
    ).astype(np.complex128)
    typical = damp(atoms, np.full(len(atoms), np.median(gamma)), 0.0, step)
    atoms /= np.linalg.norm(typical, axis=1, keepdims=True)
    atoms = np.pad(
        atoms, ((0, 0), (0, data.n_points - n))
    )  # a basis set that ends before the data has decayed
    measured = _lineshapes(gamma, shift_hz, data)
    measured[..., n:] = 0
    width = gamma if fwhm_hz is None else np.full(len(gamma), gamma_from_fwhm(fwhm_hz))
    operator = AtomOperator(
        atoms.astype(np.complex64), measured.astype(np.complex64), _lineshapes(width, shift_hz, data), inside
    )
    typical_hz = float(np.median(gamma)) / np.pi
    return FidModel(operator, Lineshape(measured, typical_hz, BASIS_FIT), fwhm_hz or typical_hz)


def _lineshapes(gamma: Real, shift_hz: Real, data: MRSData) -> Complex:
    """Return decay and shift of each set, shape (set, 1, time)."""
    ones = np.ones((len(gamma), data.n_points), dtype=np.complex128)
    shapes: Complex = shift(damp(ones, gamma, 0.0, data.dwelltime_s), shift_hz, data.dwelltime_s)
    return shapes[:, None].astype(np.complex64)
