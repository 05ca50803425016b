"""Compare synthetic transients with real ones: feature space, noise, averages, amounts, memorisation."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fsl_mrs_dl.data import Basis, Complex, MRSData, Real
from fsl_mrs_dl.fit.basis import basis_for
from fsl_mrs_dl.fit.lcm import FitSettings, Fitter
from fsl_mrs_dl.fit.lcm.settings import Baseline
from fsl_mrs_dl.io.transient_sets import TransientSets
from fsl_mrs_dl.physics import fid_to_spectrum, ppm_window
from fsl_mrs_dl.physics.landmarks import METHYLS_PPM
from fsl_mrs_dl.scores import noise_region, noise_sd, peak_linewidth_hz
from fsl_mrs_dl.scores.synthesis import (
    Interval,
    classifier_two_sample,
    concordance,
    excess_kurtosis,
    limits_of_agreement,
    memorisation,
    mmd,
    precision_recall,
)

METABOLITES_PPM = (0.5, 4.2)
"""Window of metabolites, macromolecules and lipids, without water."""
REGIONS = {
    "0.2 to 4.2": (0.2, 4.2),
    "0.2 to 1.8 (MM, Lac)": (0.2, 1.8),
    "1.8 to 2.2 (NAA)": (1.8, 2.2),
    "2.2 to 2.8 (Glx)": (2.2, 2.8),
    "2.8 to 3.3 (Cr, Cho)": (2.8, 3.3),
    "3.3 to 4.2 (Ins, Cr)": (3.3, 4.2),
    "4.2 to 5.2 (water)": (4.2, 5.2),
}
"""Name -> window in ppm."""
N_FEATURES = 12  # principal components of the embedding
_WINDOW_PPM = 0.3  # width of the windows over which spectra are summed to features
_LARGEST_SAMPLE = 600  # transients of a comparison; the memory of the kernel grows as the square
_FIELD_TOLERANCE = 0.05
"""Relative: a basis set of 123 MHz may fit data of 128 MHz, for its errors are the same for both averages."""


@dataclass(frozen=True, eq=False)
class Sample:
    """Transients of one condition, with the axes to read them.

    Attributes
    ----------
    fids : ndarray, complex, shape (transient, time)
    data : MRSData
        For the axes.
    """

    fids: Complex
    data: MRSData

    @property
    def average(self) -> Complex:
        """The mean over the transients."""
        mean: Complex = self.fids.mean(axis=0)
        return mean


def samples_of(data: MRSData, dim: str = "DIM_DYN") -> tuple[Sample, ...]:
    """Return the usable transients of each voxel, edit condition and further index; coils combined."""
    sets = TransientSets.of(data, dim)
    flat = sets.fids[:, :, 0].astype(np.complex128)
    return tuple(
        Sample(fids[usable], data) for fids, usable in zip(flat, sets.usable, strict=True) if usable.any()
    )


def features(sample: Complex, data: MRSData, limits: tuple[float, float] = METABOLITES_PPM) -> Real:
    """Return real and imaginary part of spectra in a window, side by side, shape (transient, feature)."""
    inside = ppm_window(data.ppm_axis, limits)
    spectra = fid_to_spectrum(sample)[:, inside]
    return np.concatenate([spectra.real, spectra.imag], axis=1)


def coarse(sample: Complex, data: MRSData) -> Real:
    """Return real and imaginary part of spectra, summed over windows of 0.3 ppm, shape (transient, feature)."""
    spectra = fid_to_spectrum(sample)
    edges = np.arange(METABOLITES_PPM[0], METABOLITES_PPM[1] + 1e-9, _WINDOW_PPM)
    sums = [
        spectra[:, ppm_window(data.ppm_axis, (low, high))].sum(axis=1)
        for low, high in itertools.pairwise(edges)
    ]
    together = np.stack(sums, axis=1)
    return np.concatenate([together.real, together.imag], axis=1)


def embedded(real: Real, *others: Real) -> tuple[Real, ...]:
    """Return the principal components of real samples, and others on the same ones."""
    centre = real.mean(axis=0)
    _, _, axes = np.linalg.svd(real - centre, full_matrices=False)
    components = axes[:N_FEATURES]
    return tuple((part - centre) @ components.T for part in (real, *others))


@dataclass(frozen=True)
class Likeness:
    """Comparison of synthetic transients with real ones that were not used to make them.

    Attributes
    ----------
    c2st, discrepancy : Interval
        Accuracy of a classifier; squared MMD with its null range.
    precision, recall : float
        By nearest neighbours.
    memory : float
        Distance to the nearest parent over that between parents.
    noise : float
        Median noise SD over that of the real transients.
    quarters : tuple of float
        Noise power in each quarter of the signal-free bins, over that of the real transients.
    kurtosis : tuple of float
        Of the real and of the synthetic noise.
    """

    c2st: Interval
    discrepancy: Interval
    precision: float
    recall: float
    memory: float
    noise: float
    quarters: tuple[float, ...]
    kurtosis: tuple[float, float]

    @property
    def spectrum(self) -> float:
        """Largest relative deviation of the noise power of a quarter of the bins from that of real transients."""
        return max(abs(quarter - 1) for quarter in self.quarters)


def likeness(parents: Sample, held_out: Sample, generated: Sample, rng: np.random.Generator) -> Likeness:
    """Compare synthetic transients with real ones.

    Parameters
    ----------
    parents : Sample
        Real ones from which the synthetic ones were made.
    held_out : Sample
        Real ones of the same kind that were not used.
    generated : Sample
        Synthetic ones.
    rng : numpy.random.Generator
    """
    data = parents.data
    few = [
        part.fids[rng.permutation(len(part.fids))[:_LARGEST_SAMPLE]]
        for part in (held_out, generated, parents)
    ]
    # Fixed features: components fitted to one sample include its noise, which would separate the others.
    real, synthetic, used = (coarse(part, data) for part in few)
    region = noise_region(parents.fids, data.ppm_axis, data.nucleus)
    size = [noise_sd(part, data.ppm_axis, data.nucleus, region) for part in few]
    bins = [_noise_bins(part, region) for part in few]
    power = [np.mean(np.abs(part) ** 2, axis=0) for part in bins]
    quarters = [
        float(b.mean() / a.mean()) for a, b in zip(*(np.array_split(p, 4) for p in power[:2]), strict=True)
    ]
    return Likeness(
        classifier_two_sample(real, synthetic, rng),
        mmd(real, synthetic, rng),
        *precision_recall(real, synthetic),
        memorisation(used, synthetic),
        float(np.median(size[1]) / np.median(size[0])),
        tuple(quarters),
        (excess_kurtosis(_parts(bins[0])), excess_kurtosis(_parts(bins[1]))),
    )


def _noise_bins(fids: Complex, region: Sequence[slice]) -> Complex:
    spectra = fid_to_spectrum(fids)
    parts = []
    for run in region:
        inside = spectra[:, run]
        smooth, _ = np.linalg.qr(np.vander(np.linspace(-1, 1, inside.shape[1]), 4))
        parts.append(inside - (inside @ smooth) @ smooth.T)
    joined: Complex = np.concatenate(parts, axis=1)
    return joined


def _parts(bins: Complex) -> Real:
    each = bins / np.sqrt(np.mean(np.abs(bins) ** 2, axis=1, keepdims=True))
    return np.concatenate([each.real.ravel(), each.imag.ravel()])


@dataclass(frozen=True)
class Quality:
    """Quality of an average relative to a reference.

    Attributes
    ----------
    snr : float
        Height of creatine (or of the highest line from 1.8 to 3.4 ppm) over the SD of the noise.
    fwhm_hz : float
        Of creatine.
    shape : float
        Correlation of the real parts of the spectra from 0.5 to 4.2 ppm with the reference's.
    error : float
        Norm of the difference from the reference over the reference's, 0.5 to 4.2 ppm.
    """

    snr: float
    fwhm_hz: float
    shape: float
    error: float


def quality(average: Complex, reference: Complex, data: MRSData) -> Quality:
    """Return the quality of an average relative to a reference: the average of all transients, or the truth."""
    inside = ppm_window(data.ppm_axis, METABOLITES_PPM)
    spectrum, true = (fid_to_spectrum(fid)[inside] for fid in (average, reference))
    lines = ppm_window(data.ppm_axis, (1.8, 3.4))
    height = float(np.abs(fid_to_spectrum(average)[lines]).max())
    noise = float(noise_sd(average[None], data.ppm_axis, data.nucleus)[0])
    axes = (data.dwelltime_s, data.spectrometer_frequency_mhz, data.reference_ppm, METHYLS_PPM["Cr"])
    return Quality(
        height / noise if noise else float("inf"),
        float(peak_linewidth_hz(average, *axes).fwhm_hz),
        float(np.corrcoef(spectrum.real, true.real)[0, 1]),
        float(np.linalg.norm(spectrum - true) / np.linalg.norm(true)),
    )


class Quantifier:
    """Fit of averages: one basis set, one group, a stiff spline."""

    def __init__(self, basis: Basis, data: MRSData) -> None:
        self.basis = basis_for(data, basis, field_tolerance=_FIELD_TOLERANCE)
        settings = FitSettings(ppmlim=METABOLITES_PPM, baseline=Baseline.parse("spline, stiff"))
        self._fit = Fitter(self.basis, settings, reference_ppm=data.reference_ppm)

    def amounts(self, averages: Complex, sums: Sequence[Sequence[str]]) -> tuple[Real, Real]:
        """Return the sums' amplitudes and their CRLB, each of shape (average, sum)."""
        result = self._fit(averages)
        weights = np.array([[float(name in members) for name in self.basis.names] for members in sums])
        sd = np.sqrt(np.einsum("gm,smn,gn->sg", weights, result.covariance, weights))
        return result.amplitudes @ weights.T, sd


@dataclass(frozen=True)
class AmountAgreement:
    """Agreement of the amounts of synthetic averages with those of real ones."""

    bias: Interval
    ccc: float


def agreement(real: Real, synthetic: Real) -> AmountAgreement:
    """Return the relative bias, in %, with its limits of agreement, and the concordance correlation."""
    scale = float(np.mean(real)) or 1.0
    return AmountAgreement(
        limits_of_agreement(100 * real / scale, 100 * synthetic / scale), concordance(real, synthetic)
    )
