"""Evaluation of a registration network: the rows of its card, each with a baseline and a bound."""

from dataclasses import dataclass

import numpy as np
import torch

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.fit.registration import Band, registration_crlb
from fsl_mrs_dl.models.card import Score
from fsl_mrs_dl.models.inputs import on_network_points, to_channels
from fsl_mrs_dl.models.registration_encoders import RegistrationNetwork, estimate
from fsl_mrs_dl.models.registration_likelihood import ShiftProbabilities
from fsl_mrs_dl.physics import correct, fid_to_spectrum, ppm_window
from fsl_mrs_dl.scores import phase_difference, precision_accuracy, r2, similarity_index
from fsl_mrs_dl.train.registration_data import Transients

SI_WINDOW_PPM = (2.5, 3.5)
"""Of the similarity index, in ppm, as published: the lines of creatine and choline (doi:10.1002/mrm.29498)."""
FAILURE_PPM = 0.025
"""A shift off by more has failed, in ppm: 3 Hz at 3 T, half a linewidth."""
_BOUNDED = 256
"""Number of transients whose bound is computed; the card has their root mean square."""
NONE, BOUND, CEILING = "no correction", "CRLB, template known, all points", "with the true values"
BY_LIKELIHOOD = "likelihood"


@dataclass(frozen=True)
class Errors:
    """Errors of estimates, precision = SD and accuracy = mean; in Hz and degrees.

    The mean is an offset of the reference, or the phase of the creatine line; averaging does not see it.
    """

    shift_sd_hz: float
    phase_sd_deg: float
    shift_mean_hz: float
    phase_mean_deg: float


def errors(estimates: tuple[Real, Real], truth: Real) -> Errors:
    """Return the errors of estimates (Hz, rad) against the truth, shape (transient, 2)."""
    shift = precision_accuracy(estimates[0], truth[:, 0])
    difference = phase_difference(estimates[1], truth[:, 1])
    # A mean of angles, so that an offset of 180 degrees is no scatter.
    mean = np.angle(np.exp(1j * difference).mean())
    scatter = np.degrees(np.std(phase_difference(difference, mean)))
    return Errors(float(shift.precision), float(scatter), float(shift.accuracy), float(np.degrees(mean)))


def scores(network: RegistrationNetwork, test: Transients) -> tuple[Score, ...]:
    """Evaluate a network on transients that it was not trained on.

    Parameters
    ----------
    network : RegistrationNetwork
        In evaluation mode.
    test : Transients

    Returns
    -------
    tuple of Score
        Precision of shift and phase, their R2 once the mean error is taken away, and the similarity index.
    """
    estimated = estimate(network, test.fids, test.dwelltime_s)
    n = len(test.fids)
    true_hz, true_rad = test.truth.T
    got = errors(estimated, test.truth)
    still = errors((np.zeros(n), np.zeros(n)), test.truth)
    bound = crlb_rms(test)
    error_rad = phase_difference(estimated[1] - np.radians(got.phase_mean_deg), true_rad)
    r2_shift = float(r2(estimated[0] - got.shift_mean_hz, true_hz))
    r2_phase = float(r2(true_rad + error_rad, true_rad))
    every = (estimated, (np.zeros(n), np.zeros(n)), (true_hz, true_rad))
    similar, before, ceiling = (_similarity(test, values) for values in every)
    return (
        Score("shift SD", "Hz", got.shift_sd_hz, still.shift_sd_hz, NONE, bound[0], BOUND, n),
        Score("phase SD", "deg", got.phase_sd_deg, still.phase_sd_deg, NONE, bound[1], BOUND, n),
        Score("shift R2", "1", r2_shift, 0.0, NONE, 1.0, "perfect", n),
        Score("phase R2", "1", r2_phase, 0.0, NONE, 1.0, "perfect", n),
        Score("similarity index, 2.5 to 3.5 ppm", "1", similar, before, NONE, ceiling, CEILING, n),
    )


@torch.no_grad()
def failures(network: ShiftProbabilities, test: Transients) -> Score:
    """Return the share of shifts that fail, beside that of the likelihood that the network learns from.

    Parameters
    ----------
    network : ShiftProbabilities
    test : Transients
        A shift has failed if its error is more than 0.025 ppm (3 Hz at 3 T) from the median error.

    Returns
    -------
    Score
        In per cent.
    """
    n = len(test.fids)
    fids = on_network_points(test.fids, test.dwelltime_s, network.n_points, network.dwelltime_s)
    own = None if test.references is None else torch.from_numpy(to_channels(test.references))
    best = network.odds(torch.from_numpy(to_channels(fids)).float(), own).argmax(dim=1)
    shares = []
    for shift_hz in (
        estimate(network, test.fids, test.dwelltime_s)[0],
        np.zeros(n),
        network.shifts_hz[best].double().numpy(),
    ):
        error_hz = np.abs(shift_hz - test.truth[:, 0] - np.median(shift_hz - test.truth[:, 0]))
        shares.append(100 * float(np.mean(error_hz > FAILURE_PPM * test.spectrometer_frequency_mhz)))
    return Score(
        "shifts off by more than 0.025 ppm", "%", shares[0], shares[1], NONE, shares[2], BY_LIKELIHOOD, n
    )


def crlb_rms(test: Transients) -> tuple[float | None, float | None]:
    """Return the bounds of shift (Hz) and phase (deg), or nothing where the clean signals are not known.

    White noise, the clean signal known but for scale, shift and phase, every point of the FID (networks read the
    first 512 alone), no nuisance signal: no row can be below it.
    """
    if test.clean is None or test.noise_sigma is None:
        return None, None
    everywhere = np.ones(test.fids.shape[1], dtype=bool)
    band = Band(test.dwelltime_s, test.spectrometer_frequency_mhz, test.ppm, everywhere, 0.0)
    chosen = range(min(_BOUNDED, len(test.fids)))
    both = [
        registration_crlb(test.clean[i : i + 1].astype(np.complex128), band, float(test.noise_sigma[i]))
        for i in chosen
    ]
    shift_hz, phase_rad = np.sqrt(np.mean(np.square(both), axis=0))
    return float(shift_hz), float(np.degrees(phase_rad))


def _similarity(test: Transients, values: tuple[Real, Real]) -> float:
    inside = ppm_window(test.ppm, SI_WINDOW_PPM)
    spectra: Complex = fid_to_spectrum(correct(test.fids, *values, test.dwelltime_s))
    return float(similarity_index(spectra[:, inside]))
