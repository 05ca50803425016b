"""What a reconstruction is judged by: error against truth, the source's measures, and the fit."""

from dataclasses import dataclass

import numpy as np

from fsl_mrs_dl.data import NUCLEI, Complex, Real
from fsl_mrs_dl.fit.lcm import Baseline, FitResult, FitSettings, Fitter
from fsl_mrs_dl.physics import fid_to_spectrum
from fsl_mrs_dl.scores.linewidth import peak_linewidth_hz
from tests.benchmarks.reconstruct.methods import Method
from tests.benchmarks.reconstruct.sets import DWELLTIME_S, Draw, study_basis, study_ppm

FIT = FitSettings((0.2, 4.2), Baseline.parse("off"), lorentzian=True, first_order_phase=False)
LINES_PPM = {"NAA": 2.01, "Cr": 3.03}
_NOISE_PPM = (-2.0, 0.0)  # where the source measures its noise
_REFERENCE_PPM = NUCLEI["1H"].reference_ppm


def fitter() -> Fitter:
    """Return the fit of the six metabolites that all methods share."""
    return Fitter(study_basis(), FIT, reference_ppm=_REFERENCE_PPM)


@dataclass(frozen=True, eq=False)
class Measured:
    """Measures of S results of one method.

    Attributes
    ----------
    error : ndarray, float, shape (S,)
        Norm of the error over that of the truth, with lines of the width that the method gives.
    seed_snr : ndarray, float, shape (S,)
        Height of NAA over the SD of the real part from -2 to 0 ppm: the source's.
    fwhm_hz : ndarray, float, shape (S, 2)
        Of NAA and creatine; NaN where no line stands out.
    accuracy : ndarray, float, shape (S,)
        1 less the mean relative error of the six amplitudes of a fit, at least 0.
    """

    error: Real
    seed_snr: Real
    fwhm_hz: Real
    accuracy: Real

    @property
    def output_db(self) -> Real:
        """Output SNR in dB, against the truth."""
        return -20 * np.log10(self.error)


def error_of(result: Complex, truth: Complex) -> Real:
    """Return the relative error of FIDs, shape (S,)."""
    size: Real = np.linalg.norm(result - truth, axis=1) / np.linalg.norm(truth, axis=1)
    return size


def measured(method: Method, sample: Draw, target_hz: float | None, fit: Fitter) -> Measured:
    """Run a method and measure its results."""
    result = np.asarray(method.run(sample, target_hz), dtype=np.complex128)
    deconvolved = target_hz if method.deconvolves else None
    truth = sample.truth(deconvolved)
    if method.filters:
        truth = method.run(Draw(truth, truth, *(getattr(sample, n) for n in _OTHERS)), None)
    spectra = fid_to_spectrum(result)
    ppm = study_ppm()
    noise = spectra[:, (ppm > _NOISE_PPM[0]) & (ppm < _NOISE_PPM[1])].real.std(axis=1)
    naa = np.abs(spectra[:, np.abs(ppm - LINES_PPM["NAA"]) < 0.1]).max(axis=1)
    with np.errstate(divide="ignore"):
        seed_snr = naa / noise
    place = (DWELLTIME_S, study_basis().spectrometer_frequency_mhz, _REFERENCE_PPM)
    widths = [[peak_linewidth_hz(fid, *place, at).fwhm_hz for at in LINES_PPM.values()] for fid in result]
    amplitudes = amounts(fit(result * sample.sd[:, None]))
    relative = np.abs(amplitudes - sample.amplitudes) / sample.amplitudes
    accuracy = np.clip(1 - relative.mean(axis=1), 0, None)
    return Measured(error_of(result, truth), seed_snr, np.array(widths), np.nan_to_num(accuracy))


def amounts(result: FitResult) -> Real:
    """Return fitted amplitudes, NaN where a fit did not settle; shape (S, M)."""
    return np.where((result.flag == "no_convergence")[:, None], np.nan, result.amplitudes)


_OTHERS = ("sd", "width_hz", "snr_f", "amplitudes")
