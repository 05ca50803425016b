"""Gauss-Newton registration: shift and phase of transients at the Cramer-Rao bound of a ppm window.

The model of a transient is its reference, scaled, turned and shifted, plus white noise,
y = a exp(i phi + 2 pi i f t) r. Shift and phase are undone on the *data*, so that the window stays where the
reference has its signal, and what moves in from outside (residual water, lipid) is not fitted away. In that
corrected frame the derivatives of the model do not depend on the estimates: they are made once from the
reference, and an iteration costs two inner products a transient. Search and iterations run at the rate of the
window (:mod:`fsl_mrs_dl.fit.registration.decimation`), the last step on the whole FIDs.
"""

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.fit.registration.band import Band, Registration
from fsl_mrs_dl.fit.registration.decimation import decimated, moved_back
from fsl_mrs_dl.fit.registration.lobes import better_lobe
from fsl_mrs_dl.fit.registration.matched_filter import MatchedFilter
from fsl_mrs_dl.fit.registration.template import Template, registration_derivatives
from fsl_mrs_dl.physics import correct, fid_to_spectrum

_ITERATIONS = 12
_FEWEST_TO_LEARN = 8
_SETTLED_HZ = 1e-4
_LAST_STEP_SD = 2.0  # a last step above this, in SDs, says that the iterations were not at an end


def gn(
    fids: Complex,
    reference: Complex,
    band: Band,
    reference_noise_sd: float = 0.0,
    start_hz: Real | None = None,
) -> Registration:
    """Register transients to a reference by a matched-filter search and damped Gauss-Newton steps.

    Parameters
    ----------
    fids : ndarray, complex, shape (transient, coil, time)
        Coils weighted to equal noise.
    reference : ndarray, complex, shape (coil, time)
    band : Band
    reference_noise_sd : float
        Noise of the reference, a channel; what lies below it is not trusted. 0 = noise-free.
    start_hz : ndarray, float, shape (transient,), optional
        Shifts to start from in place of the search, in Hz.

    Returns
    -------
    Registration
        With SDs from the Fisher matrix of the window (specs: same samples, same projector) and the noise
        that the residual in the window shows.

    Raises
    ------
    DataError
        If the reference has no signal in the window.
    """
    decimation, low, low_band = decimated(fids, band, band.max_shift_hz)
    low_reference = reference if decimation is None else decimation.fids(reference[None])[0]
    found = capture(low, low_reference, low_band, reference_noise_sd, start_hz)
    learned = with_learned_baseline(low, low_reference, low_band, found)
    found = refine(low, low_reference, learned, found.shift_hz, reference_noise_sd)
    if decimation is None:
        return found
    template = Template.of(
        reference[None], replace(band, share=learned.share), np.array([reference_noise_sd])
    )
    near = moved_back(fids, found.shift_hz, band.dwelltime_s)
    return last_step(near, template, np.zeros(len(fids), dtype=int), band, found)


def capture(
    fids: Complex,
    reference: Complex,
    band: Band,
    reference_noise_sd: float = 0.0,
    start_hz: Real | None = None,
) -> Registration:
    """Do what :func:`gn` does, but take the whole smooth baseline out, as a first registration must."""
    template = Template.of(reference[None], band, np.array([reference_noise_sd]))
    which = np.zeros(len(fids), dtype=int)
    if start_hz is None:
        start_hz = MatchedFilter.of(fids, band).search(template, which, band.max_shift_hz)
    return at(fids, template, which, band, *iterate(fids, template, which, band, start_hz))


def refine(
    fids: Complex, reference: Complex, band: Band, start_hz: Real, reference_noise_sd: float = 0.0
) -> Registration:
    """Do what :func:`gn` does from known starting shifts, of shape (transient,), in Hz."""
    template = Template.of(reference[None], band, np.array([reference_noise_sd]))
    which = np.zeros(len(fids), dtype=int)
    shift_hz, settled = iterate(fids, template, which, band, start_hz)
    lobe_hz = better_lobe(moved_back(fids, shift_hz, band.dwelltime_s), template, which, band)
    other = np.flatnonzero(lobe_hz)
    if len(other):
        shift_hz[other], settled[other] = iterate(
            fids[other], template, which[other], band, (shift_hz + lobe_hz)[other]
        )
    return at(fids, template, which, band, shift_hz, settled)


def with_learned_baseline(fids: Complex, reference: Complex, band: Band, found: Registration) -> Band:
    """Return the band with as much smooth baseline taken out as the registered transients show.

    To take it out costs information: of simulated brain at 3 T without any water, 40 % more SD of the shift
    and twice the SD of the phase. What the transients leave over their common reference tells whether, and
    in which combination of polynomials, there is more than noise.

    Parameters
    ----------
    fids : ndarray, complex, shape (transient, coil, time)
    reference : ndarray, complex, shape (coil, time)
    band : Band
    found : Registration
        Of these transients to this reference.

    Returns
    -------
    Band
    """
    if fids.shape[0] * fids.shape[1] < _FEWEST_TO_LEARN or not band.baseline.shape[1]:
        return band
    corrected = correct(fids, found.shift_hz[:, None], found.phase_rad[:, None], band.dwelltime_s)
    known = fid_to_spectrum(reference)[..., band.inside]
    bins = fid_to_spectrum(corrected)[..., band.inside]
    sharp = band.inside_bins(reference)
    scale = (bins.reshape(len(bins), -1) @ sharp.conj().ravel()).real / (np.abs(sharp) ** 2).sum()
    left = bins - scale[:, None, None] * known
    smooth = left @ band.baseline.conj()
    sharp_power = _power(left) - _power(smooth)
    noise_power = sharp_power / (left[0].size - smooth[0].size)
    relative = (smooth / np.sqrt(np.maximum(noise_power, np.finfo(float).tiny))[:, None, None]).reshape(
        -1, smooth.shape[-1]
    )
    # What noise and errors alone would leave has this covariance, whitened by which the rest shows.
    expected = np.linalg.cholesky(np.eye(relative.shape[1]) + _left_by_errors(reference, band))
    white = np.linalg.solve(expected, relative.T)
    power, combination = np.linalg.eigh(white @ white.conj().T / len(relative))
    # The largest that noise alone would show (Marchenko & Pastur 1967, doi:10.1070/SM1967v001n04ABEH001994).
    most = (1 + math.sqrt(len(power) / len(relative))) ** 2
    shape = expected @ combination
    more = (shape * np.where(power > most, power - 1, 0.0)) @ shape.conj().T
    return replace(band, share=more @ np.linalg.inv(np.eye(len(power)) + more))


def _left_by_errors(reference: Complex, band: Band) -> Complex:
    """Return the smooth covariance that errors of scale, phase and shift leave, in units of the noise's.

    The reference itself has smooth parts (macromolecules), of which a transient that is a little out of phase
    leaves some. The estimates know nothing of the smooth noise, so that the two add up.
    """
    whole = replace(band, share=None)
    covariance = Template.of(reference[None], whole, np.zeros(1)).covariance[0] / 2  # a bin has two channels
    derivatives = fid_to_spectrum(registration_derivatives(reference, band.dwelltime_s))[..., band.inside]
    smooth = derivatives @ band.baseline.conj()
    left: Complex = np.einsum("kci,kl,lcj->ij", smooth, covariance, smooth.conj()) / reference.shape[0]
    return left


def iterate(
    fids: Complex,
    template: Template,
    which: NDArray[np.integer],
    band: Band,
    start_hz: Real,
    settled_hz: float = _SETTLED_HZ,
) -> tuple[Real, NDArray[np.bool_]]:
    """Take Gauss-Newton steps from starting shifts until they are settled.

    Parameters
    ----------
    fids : ndarray, complex, shape (transient, coil, time)
    template : Template
    which : ndarray, int, shape (transient,)
        The reference of each transient.
    band : Band
    start_hz : ndarray, float, shape (transient,)
    settled_hz : float
        A step below this, in Hz, is the last.

    Returns
    -------
    shift_hz : ndarray, float, shape (transient,)
    settled : ndarray, bool, shape (transient,)
    """
    shift_hz = start_hz.astype(np.float64)
    active = np.arange(len(fids))
    moving, mine = fids, which
    for _ in range(_ITERATIONS):
        near = moved_back(moving, shift_hz[active], band.dwelltime_s)
        step_hz = template.step(template.products(near, mine), mine).shift_hz
        shift_hz[active] += step_hz
        # Done is done, or a result would depend on the company it was computed in.
        more = np.abs(step_hz) >= settled_hz
        if not more.all():
            active, moving, mine = active[more], moving[more], mine[more]
        if not len(active):
            break
    settled = np.ones(len(fids), dtype=bool)
    settled[active] = False
    return shift_hz, settled


def at(
    fids: Complex,
    template: Template,
    which: NDArray[np.integer],
    band: Band,
    shift_hz: Real,
    settled: NDArray[np.bool_],
) -> Registration:
    """Return what a template says of transients at given shifts: best phases, and all SDs."""
    near = moved_back(fids, shift_hz, band.dwelltime_s)
    best = template.step(template.products(near, which), which)
    sd = _deviations(near, best.phase_rad, best.amplitude, template, which, band)
    inside = np.abs(shift_hz) < band.max_shift_hz
    return Registration(shift_hz, best.phase_rad, sd[:, 1], sd[:, 0], settled & inside)


def last_step(
    near: Complex, template: Template, which: NDArray[np.integer], band: Band, found: Registration
) -> Registration:
    """Take one step on whole FIDs from the estimates of decimated ones.

    Parameters
    ----------
    near : ndarray, complex, shape (transient, coil, time)
        The transients moved back by the shifts found so far.
    template : Template
        Of whole references.
    which : ndarray, int, shape (transient,)
    band : Band
        Of the whole FIDs.
    found : Registration
        Its SD of the shift stays: it comes from the residual in the window.

    Returns
    -------
    Registration
    """
    step = template.step(template.products(near, which), which)
    shift_hz = found.shift_hz + step.shift_hz
    phase_sd = found.shift_hz_sd * (template.unit_sd[:, 0] / template.unit_sd[:, 1])[which]
    near_end = ~(np.abs(step.shift_hz) > np.maximum(_LAST_STEP_SD * found.shift_hz_sd, _SETTLED_HZ))
    inside = np.abs(shift_hz) < band.max_shift_hz
    phase_rad = step.phase_rad + step.turn_rad
    return Registration(shift_hz, phase_rad, found.shift_hz_sd, phase_sd, found.converged & near_end & inside)


def _deviations(
    near: Complex,
    phase_rad: Real,
    amplitude: Real,
    template: Template,
    which: NDArray[np.integer],
    band: Band,
) -> Real:
    """Return the SDs of phase (rad) and shift (Hz), shape (transient, 2), from residual and Fisher matrix.

    With J the derivatives for (a, phase, shift), G their faded twins and s the noise SD a channel in the
    window, the covariance is s^2 (G^T J)^-1 G^T G (J^T G)^-1: the Fisher matrix's inverse where nothing is
    faded (Kay 1993, Fundamentals of Statistical Signal Processing I, ch. 3.9 and 6).
    """
    known = band.inside_bins(template.columns[:, 0].reshape(-1, *near.shape[1:])).reshape(
        len(template.gram), -1
    )
    bins = fid_to_spectrum(near)[..., band.inside]
    # The power of what is sharp less the model, term by term: no array of residuals is made.
    power = _power(bins) - _power(bins @ band.baseline.conj())
    flat = bins.reshape(len(bins), -1)
    likeness = np.empty(len(bins))
    for k, one in enumerate(known):
        mine = which == k
        likeness[mine] = (flat[mine] @ one.conj() * np.exp(-1j * phase_rad[mine])).real
    own = (np.abs(known) ** 2).sum(axis=1)[which]
    power = power - 2 * amplitude * likeness + amplitude**2 * own
    freedom = max(2 * (bins[0].size - bins.shape[1] * band.baseline.shape[1]) - 3, 1)
    noise_sd = np.sqrt(np.maximum(power, 0.0) / freedom)
    safe = np.maximum(amplitude, np.finfo(float).tiny)
    scaled: Real = (noise_sd / safe)[:, None] * template.unit_sd[which]
    return scaled


def _power(spectra: Complex) -> Real:
    """Return the sum of squares of each transient."""
    power: Real = (spectra.real**2 + spectra.imag**2).sum(axis=(1, 2))
    return power
