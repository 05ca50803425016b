"""The methods of the study by name: noisy FIDs to reconstructed ones, all in units of the noise."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache

import numpy as np

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.fit import reconstruction as sparse
from fsl_mrs_dl.fit.reconstruction.partners import filtered, tikhonov
from fsl_mrs_dl.models.reconstruction import SparsityVAE, grid_axis_hz, grid_spectra, independent_bins
from fsl_mrs_dl.physics import fid_to_spectrum, spectrum_to_fid
from tests.benchmarks.reconstruct.sets import DWELLTIME_S, POINTS, Draw, study_basis

Weights = Callable[[Draw], Real]
"""The penalty of each spectrum over the largest useful one."""
POLYNOMIAL = 5  # order of the baseline that the literal recipe takes away; the source does not say it


def largest(sample: Draw) -> Real:
    """Return the largest line of each spectrum, the unit of penalties."""
    return sparse.largest_line(sample.operator(None), single(sample.fids))


def single(fids: Complex) -> Complex:
    """Return FIDs as sets of one, in single precision."""
    return fids[:, None].astype(np.complex64)


def inputs_of(sample: Draw) -> tuple[Real, Real, Real]:
    """Return inputs of a network with and without noise, and their noise."""
    unit = largest(sample) / sample.operator(None).norms[:, 0, 0]
    axis_hz = grid_axis_hz(study_basis().spectrometer_frequency_mhz)
    noisy, clean = grid_spectra(sample.fids, axis_hz, DWELLTIME_S, unit, sample.clean)
    return noisy, clean, (1 / unit).astype(np.float32)


def study_bins() -> float:
    """Return the independent bins of the spectra of the study."""
    return independent_bins(POINTS, DWELLTIME_S, study_basis().spectrometer_frequency_mhz)


def by_noise(share: float) -> Weights:
    """Return the rule of a share of the universal penalty."""

    def weights(sample: Draw) -> Real:
        universal = sparse.universal_penalty(sample.operator(None), np.ones(len(sample.fids)))
        ratio: Real = share * universal / largest(sample)
        return ratio

    return weights


def by_network(network: SparsityVAE) -> Weights:
    """Return the rule of a calibrated network."""
    return lambda sample: network.penalty_ratio(inputs_of(sample)[0], study_bins())


def by_shipped(network: SparsityVAE) -> Weights:
    """Return the rule of the step with the shipped network: kept near what the noise says."""
    noise = by_noise(sparse.NOISE_SHARE)
    return lambda sample: sparse.near_noise(by_network(network)(sample), noise(sample))


@cache
def by_sure(seed: int) -> Weights:
    """Return the rule of the least unbiased estimate of the error."""

    @cache  # two tables ask for the same spectra, and each answer takes 24 solutions
    def weights(sample: Draw) -> Real:
        ones, rng = np.ones(len(sample.fids)), np.random.default_rng(seed)
        ratio: Real = sparse.sure_penalty(sample.operator(None), single(sample.fids), ones, rng) / largest(
            sample
        )
        return ratio

    return weights


def by_discrepancy(sample: Draw) -> Real:
    """Return the ratios of the discrepancy principle."""
    ones = np.ones(len(sample.fids))
    penalty = sparse.discrepancy_penalty(sample.operator(None), single(sample.fids), ones, POINTS)
    ratio: Real = penalty / largest(sample)
    return ratio


@dataclass(frozen=True, eq=False)
class Method:
    """One way from noisy FIDs to a result.

    Attributes
    ----------
    run : callable
        ``run(draw, wanted width in Hz or None) -> FIDs``, shape (S, time).
    deconvolves : bool
        Whether the result has the wanted width; else its lines are as measured.
    filters : bool
        Whether it only weighs the FID, so that its truth is the weighed one.
    """

    run: Callable[[Draw, float | None], Complex]
    deconvolves: bool = True
    filters: bool = False


def _raw(sample: Draw, fwhm_hz: float | None) -> Complex:
    return sample.fids


def _matched(sample: Draw, fwhm_hz: float | None) -> Complex:
    return filtered(sample.fids[:, None], sample.operator(None))[:, 0]


def _least_squares(sample: Draw, fwhm_hz: float | None) -> Complex:
    return tikhonov(sample.fids[:, None], sample.operator(fwhm_hz), np.ones(len(sample.fids)))[:, 0]


def lasso(weights: Weights, *, refit: bool = False) -> Method:
    """Return the sparse reconstruction with a rule for its penalty."""

    def run(sample: Draw, fwhm_hz: float | None) -> Complex:
        operator, fids = sample.operator(fwhm_hz), single(sample.fids)
        amplitudes = sparse.two_passes(operator, fids, weights(sample) * largest(sample))[1].amplitudes
        if refit:
            amplitudes = sparse.debias(operator, fids, amplitudes)
        return operator.restored(amplitudes)[:, 0]

    return Method(run)


def one_pass(weights: Weights) -> Method:
    """Return the problem of the specification as it stands: one pass, without broad lines."""

    def run(sample: Draw, fwhm_hz: float | None) -> Complex:
        operator = sample.operator(fwhm_hz, broad=False)
        amplitudes = sparse.solve(operator, single(sample.fids), weights(sample) * largest(sample)).amplitudes
        return operator.restored(amplitudes)[:, 0]

    return Method(run)


def without_baseline(fids: Complex) -> Complex:
    """Return FIDs less a polynomial through the whole spectrum, as the literal recipe has."""
    spectra = fid_to_spectrum(fids)
    columns = np.linalg.qr(np.vander(np.linspace(-1, 1, POINTS), POLYNOMIAL + 1))[0]
    left: Complex = spectrum_to_fid(spectra - (spectra @ columns) @ columns.T)
    return left


def plain_ista(operator: sparse.Operator, fids: Complex, penalty: Real, iterations: int = 200) -> Complex:
    """Return amplitudes after plain iterations of gradient and soft threshold, without momentum."""
    step = 1 / sparse.largest_eigenvalue(operator, len(operator.norms))
    here = np.zeros((*fids.shape[:2], operator.n_atoms), dtype=np.complex64)
    for _ in range(iterations):
        gradient = operator.adjoint(operator.forward(here) - fids)
        moved = here - step.astype(np.float32) * gradient
        here = sparse.shrink(moved, (penalty[:, None, None] * step).astype(np.float32))
    return here


def literal(network: SparsityVAE) -> Method:
    """Return the recipe as printed: a polynomial off, data over their maximum, lambda = alpha sigma^2, ISTA."""

    def run(sample: Draw, fwhm_hz: float | None) -> Complex:
        fids = without_baseline(sample.fids)
        unit = np.abs(fid_to_spectrum(fids)).max(axis=1)
        axis_hz = grid_axis_hz(study_basis().spectrometer_frequency_mhz)
        inputs, _ = grid_spectra(fids, axis_hz, DWELLTIME_S, unit)
        penalty = network.penalty_ratio(
            inputs, study_bins()
        )  # here not of the largest useful one, but of the normalised data
        operator = sample.operator(fwhm_hz, broad=False)
        amplitudes = plain_ista(operator, single(fids / unit[:, None]), penalty)
        result: Complex = operator.restored(amplitudes)[:, 0] * unit[:, None]
        return result

    return Method(run)


@dataclass(frozen=True, eq=False)
class Networks:
    """The networks of the study."""

    shipped: SparsityVAE | None
    corrected: SparsityVAE
    few: SparsityVAE
    published: SparsityVAE
    literal: SparsityVAE
    words: Mapping[str, str] = field(default_factory=dict)


def methods_of(networks: Networks, fixed_ratio: float, seed: int) -> dict[str, Method]:
    """Return the methods of the tables, in their order."""
    shipped = {} if networks.shipped is None else {SHIPPED: lasso(by_shipped(networks.shipped))}
    return {
        RAW: Method(_raw, deconvolves=False),
        "matched filter": Method(_matched, deconvolves=False, filters=True),
        LEAST_SQUARES: Method(_least_squares),
        "sparse, best fixed share": lasso(lambda sample: np.full(len(sample.fids), fixed_ratio)),
        "sparse, universal": lasso(by_noise(1.0)),
        ONE_PASS: one_pass(by_noise(ONE_PASS_SHARE)),
        NOISE: lasso(by_noise(sparse.NOISE_SHARE)),
        "sparse, SURE": lasso(by_sure(seed)),
        "sparse, discrepancy": lasso(by_discrepancy),
        ADAPTIVE: lasso(by_network(networks.corrected)),
        **shipped,
        "sparse, universal, debiased": lasso(by_noise(1.0), refit=True),
        f"{ADAPTIVE}, debiased": lasso(by_network(networks.corrected), refit=True),
        LITERAL: literal(networks.literal),
    }


RAW, LEAST_SQUARES = "Fourier transform (raw data)", "least squares (Tikhonov)"
NOISE, ADAPTIVE, SHIPPED = (
    "sparse, from the noise",
    "sparse, adaptive (VAE)",
    "sparse, adaptive (shipped VAE)",
)
LITERAL = "literal recipe"
ONE_PASS = "sparse, one pass, no broad lines"
ONE_PASS_SHARE = 0.5  # of the universal penalty: the least error of one pass at SNR_f of 5 to 30
