"""Evaluation of generative networks by the fit: reconstruction, conditioning, and paths between two spectra."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch

from fsl_mrs_dl.data import Basis, Complex, MRSData, Real
from fsl_mrs_dl.fit.lcm import FitResult, FitSettings, Fitter
from fsl_mrs_dl.fit.lcm.settings import Baseline
from fsl_mrs_dl.models.card import Score
from fsl_mrs_dl.models.network import Network
from fsl_mrs_dl.models.synthesis import SynthesisNetwork
from fsl_mrs_dl.models.synthesis_deviations import CarriedSet, DeviationNetwork
from fsl_mrs_dl.physics import fid_to_spectrum, ppm_window
from fsl_mrs_dl.scores import noise_sd, r2, voigt_fwhm_hz
from fsl_mrs_dl.simulate.measured_nuisance import SplitSet
from fsl_mrs_dl.simulate.signals import clean_fids
from fsl_mrs_dl.train.synthesis_data import LabelledSpectra, prior_of
from fsl_mrs_dl.train.synthesis_transients import TransientCollection

N_STEPS = 9
"""Spectra on a path, both ends included."""
N_PATHS = 12
"""Paths a parameter, each of other concentrations."""
_TRANSIENTS = 1000
"""Measured transients that are encoded and decoded for the card, at most."""
_METABOLITES_PPM = (0.2, 4.2)
"""Where the average is compared, in ppm: the window of the fit."""
N_REQUESTS = 200
"""Spectra of requested concentrations that are fitted."""
_ENDS = {"phase": (-40.0, 40.0), "linewidth": (2.0, 16.0)}
"""Ends of the paths: degrees, and rad/s of the Lorentzian and of the Gaussian rate each."""
_MIDDLE_RATE = 8.0
"""Lorentzian and Gaussian rate, in rad/s, along the paths of the phase."""
STRONG = (("NAA", "NAAG"), ("Cr", "PCr"), ("GPC", "PCh"), ("Ins",), ("Glu", "Gln"))
"""The five signals that a fit at 3 T and short echo time tells apart with certainty."""


@dataclass(frozen=True, eq=False)
class InterpolationPath:
    """Fits of spectra along paths from one spectrum to another, through the latent space or by mixing data.

    Attributes
    ----------
    kind : str
        ``phase`` or ``linewidth``: what differs between the ends.
    unit : str
    fitted : ndarray, float, shape (step, path)
        The parameter of each fit, in ``unit``.
    ends : tuple of float
        The truth at both ends.
    amounts : ndarray, float, shape (step, path, sum)
        Fitted over true concentration.
    fids : ndarray, complex, shape (step, time)
        Of the first path.
    """

    kind: str
    unit: str
    fitted: Real
    ends: tuple[float, float]
    amounts: Real
    fids: Complex

    @property
    def monotone(self) -> float:
        """Share of the paths along which the parameter only grows."""
        return float(np.mean((np.diff(self.fitted, axis=0) > 0).all(axis=0)))

    @property
    def end_error(self) -> float:
        """Largest error at an end."""
        return float(np.abs(self.fitted[[0, -1]] - np.array(self.ends)[:, None]).max())

    @property
    def change(self) -> float:
        """Largest change of a concentration along a path, as a share of the true one."""
        return float(np.abs(self.amounts - 1).max())


@lru_cache(maxsize=2)
def fitter_of(basis: Basis) -> Fitter:
    """Return the fit to evaluate by: the basis set, one lineshape, a spline baseline; exact for true spectra."""
    settings = FitSettings(baseline=Baseline.parse("spline, moderate"), first_order_phase=False)
    return Fitter(basis, settings, reference_ppm=basis.reference_ppm)


def sums_matrix(basis: Basis) -> tuple[tuple[str, ...], Real]:
    """Return names and weights of the strong sums that a basis set has, shape (sum, metabolite)."""
    if len(basis.names) <= len(STRONG):
        return basis.names, np.eye(len(basis.names))
    present = [[m for m in members if m in basis.names] for members in STRONG]
    present = [members for members in present if members]
    weights = np.array([[float(name in members) for name in basis.names] for members in present])
    return tuple("+".join(members) for members in present), weights


def reconstruction_errors(network: SynthesisNetwork, examples: LabelledSpectra) -> Real:
    """Return the error of each reconstruction over the spectrum, as root mean squares, shape (example,)."""
    decoded = reconstructed(network, examples.fids, examples.amounts)
    return nrmse(decoded, examples.fids)


def reconstructed(network: SynthesisNetwork, fids: Complex, amounts: Real | None) -> Complex:
    """Return FIDs decoded from the mean of their own encoding."""
    from fsl_mrs_dl.train.synthesis import tensors

    inputs = tensors(fids, amounts)
    with torch.no_grad():
        latent, _ = network.encode(*inputs)
    return network.synthesise(latent, inputs[1] if amounts is not None else None)


def nrmse(estimate: Complex, truth: Complex) -> Real:
    """Return root mean square error over root mean square of each spectrum, shape (example,)."""
    error: Real = np.linalg.norm(estimate - truth, axis=1) / np.linalg.norm(truth, axis=1)
    return error


def requested(
    network: SynthesisNetwork, basis: Basis, rng: np.random.Generator, n: int = N_REQUESTS
) -> tuple[Real, FitResult]:
    """Draw concentrations over the whole range, and return them with the fit of the spectra made for them."""
    low, high = network.lowest.numpy(), network.highest.numpy()
    amounts = rng.uniform(low, high, (n, len(low)))
    generator = torch.Generator().manual_seed(int(rng.integers(2**31)))
    latent = network.sample(n, generator)
    fids = network.synthesise(latent, torch.from_numpy(amounts.astype(np.float32)))
    return amounts, fitter_of(basis)(fids)


def path_between(
    network: SynthesisNetwork,
    basis: Basis,
    kind: str,
    rng: np.random.Generator,
    *,
    latent: bool = True,
    n_paths: int = N_PATHS,
) -> InterpolationPath:
    """Interpolate between two spectra that differ in phase, or in linewidth, and fit the spectra between.

    Parameters
    ----------
    network : SynthesisNetwork
    basis : Basis
    kind : {"phase", "linewidth"}
    rng : numpy.random.Generator
        For the concentrations.
    latent : bool
        Whether to interpolate latent numbers; else the spectra themselves are mixed, for comparison.
    n_paths : int
    """
    from fsl_mrs_dl.train.synthesis import tensors

    drawn = {name: spread.draw((n_paths,), rng) for name, spread in prior_of(basis).amplitudes.items()}
    amounts = np.stack([drawn.get(name, np.zeros(n_paths)) for name in basis.names], axis=1)
    rate = np.full(n_paths, _MIDDLE_RATE)
    ends = []
    for value in _ENDS[kind]:
        phase_rad = np.full(n_paths, np.radians(value) if kind == "phase" else 0.0)
        widths = rate if kind == "phase" else np.full(n_paths, value)
        parameters = {
            "amplitudes": amounts,
            "gamma": widths,
            "sigma": widths,
            "scale": np.ones(n_paths),
            "shift_hz": np.zeros(n_paths),
            "phase_rad": phase_rad,
        }
        ends.append(clean_fids(parameters, np.asarray(basis.fids), basis.dwelltime_s).astype(np.complex64))
    with torch.no_grad():
        codes = [network.encode(*tensors(fids, amounts))[0] for fids in ends]
    condition = torch.from_numpy(amounts.astype(np.float32))
    fit = fitter_of(basis)
    _, weights = sums_matrix(basis)
    fitted, ratios, first = [], [], []
    for share in np.linspace(0, 1, N_STEPS):
        if latent:
            fids = network.synthesise((1 - share) * codes[0] + share * codes[1], condition)
        else:
            fids = ((1 - share) * ends[0] + share * ends[1]).astype(np.complex64)
        result = fit(fids)
        fitted.append(
            np.degrees(result.phase_rad)
            if kind == "phase"
            else voigt_fwhm_hz(result.gamma, result.sigma)[:, 0]
        )
        ratios.append((result.amplitudes @ weights.T) / (amounts @ weights.T))
        first.append(fids[0])
    low, high = _ENDS[kind]
    truth = (low, high) if kind == "phase" else tuple(float(voigt_fwhm_hz(r, r)) for r in (low, high))
    unit = "degrees" if kind == "phase" else "Hz"
    return InterpolationPath(
        kind, unit, np.array(fitted), (truth[0], truth[1]), np.array(ratios), np.array(first)
    )


def scores(
    network: SynthesisNetwork,
    test: LabelledSpectra,
    seed: int,
    *,
    n_requests: int = N_REQUESTS,
    n_paths: int = N_PATHS,
) -> tuple[Score, ...]:
    """Return the rows of the card; the baseline of each row is the fit of true spectra, or mixing spectra."""
    rng = np.random.default_rng([seed, 1])
    basis = test.basis
    n = len(test.fids)
    error = reconstruction_errors(network, test)
    spread = float(np.mean(nrmse(np.broadcast_to(test.fids.mean(axis=0), test.fids.shape), test.fids)))
    rows = [
        Score(
            "NRMSE of reconstruction, mean",
            "%",
            100 * float(error.mean()),
            100 * spread,
            "training mean",
            None,
            "",
            n,
        )
    ]
    amounts, result = requested(network, basis, rng, n_requests)
    names, weights = sums_matrix(basis)
    got = r2(result.amplitudes @ weights.T, amounts @ weights.T)
    some = test.fids[:n_requests]
    true = test.amounts[:n_requests] @ weights.T
    fitted = r2(fitter_of(basis)(some).amplitudes @ weights.T, true)
    for name, value, best in zip(names, got, fitted, strict=True):
        rows.append(
            Score(
                f"R2 of fitted on requested, {name}",
                "1",
                float(value),
                float(best),
                "simulated",
                None,
                "",
                n_requests,
            )
        )
    for kind in _ENDS:
        ours = path_between(network, basis, kind, np.random.default_rng([seed, 2]), n_paths=n_paths)
        mixed = path_between(
            network, basis, kind, np.random.default_rng([seed, 2]), latent=False, n_paths=n_paths
        )
        for what, value, other, unit in (
            ("monotone paths", ours.monotone, mixed.monotone, "1"),
            ("largest error at an end", ours.end_error, mixed.end_error, ours.unit),
            ("largest change of a concentration", 100 * ours.change, 100 * mixed.change, "%"),
        ):
            rows.append(
                Score(f"{kind} path, {what}", unit, value, other, "mixing spectra", None, "", n_paths)
            )
    return tuple(rows)


def transient_scores(network: Network, transients: TransientCollection) -> tuple[Score, ...]:
    """Return the rows of the card of a VAE: how well it encodes and decodes transients."""
    if isinstance(network, DeviationNetwork):
        return _deviation_scores(network, transients)
    assert isinstance(network, SynthesisNetwork)
    fids, data = transients.fids[:_TRANSIENTS], transients.data
    decoded = reconstructed(network, fids, None)
    inside = ppm_window(data.ppm_axis, _METABOLITES_PPM)
    averages = (fid_to_spectrum(part.mean(axis=0))[None, inside] for part in (decoded, fids))
    error = 100 * float(nrmse(*averages)[0])
    floor = 100 * float(nrmse(fid_to_spectrum(np.zeros_like(decoded[:1])), fid_to_spectrum(fids[:1]))[0])
    return (
        Score("error of the average, 0.2 to 4.2 ppm", "%", error, floor, "zero", None, "", len(fids)),
        _noise_left(fids, decoded, data),
    )


def _noise_left(fids: Complex, decoded: Complex, data: MRSData) -> Score:
    left, noise = (float(np.median(noise_sd(part, data.ppm_axis, data.nucleus))) for part in (decoded, fids))
    name = "noise left by decoding, over the transient's"
    return Score(name, "1", left / noise, 1.0, "transient", None, "", len(fids))


def _deviation_scores(network: DeviationNetwork, transients: TransientCollection) -> tuple[Score, ...]:
    """Return the share of the deviations above the noise that is decoded, and the noise decoded with it."""
    data = transients.data
    explained, beyond, decoded, fids = 0.0, 0.0, [], []
    for index in np.unique(transients.sets):
        part = transients.fids[transients.sets == index]
        size = float(np.median(noise_sd(part, data.ppm_axis, data.nucleus)))
        split = SplitSet.of(part, data, size)
        carried = CarriedSet.of(network, split.carrier, split.deviations, data.dwelltime_s, size)
        deviations = carried.decoded(carried.encoded()[0])
        power, left = (
            (np.abs(some @ carried.axes.conj().T) ** 2).sum()
            for some in (carried.deviations, carried.deviations - deviations)
        )
        explained += float(power - left) / carried.size**2
        beyond += float(power) / carried.size**2 - 2 * len(carried.axes) * len(part)
        decoded.append(split.average + split.nuisance.fids + deviations)
        fids.append(part)
    share = explained / beyond if beyond > 0 else 0.0
    n = len(transients.fids)
    name = "power of deviations decoded, over what stands out of the noise"
    return (
        Score(name, "1", share, 0.0, "average alone", None, "", n),
        _noise_left(np.concatenate(fids), np.concatenate(decoded), data),
    )
