"""Make new FIDs like those of data with a model package; PyTorch is imported when it is needed."""

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Complex, MRSData, Real
from fsl_mrs_dl.errors import DataError, ModelError
from fsl_mrs_dl.io.transient_sets import TransientSets, set_scale
from fsl_mrs_dl.scores import noise_region, noise_sd
from fsl_mrs_dl.simulate.measured_noise import MeasuredNoise
from fsl_mrs_dl.simulate.measured_nuisance import SplitSet

if TYPE_CHECKING:
    from fsl_mrs_dl.models.card import Card
    from fsl_mrs_dl.models.synthesis import SynthesisNetwork
    from fsl_mrs_dl.models.synthesis_deviations import CarriedSet, DeviationNetwork

Mode = Literal["random", "interpolate", "hybrid"]
TASK = "synthesise"
DEFAULT_MODEL = "synthesise-cvae-press-1h-3t"
_LEAST_TRANSIENTS = 4
"""Least number of transients: with fewer, the average that new ones share is nearly a copy of each."""


def generative(
    model: str, data: MRSData | None, *, allow_mismatch: bool
) -> tuple["SynthesisNetwork", "Card"]:
    """Load a generative network and its card.

    Raises
    ------
    ModelError
        If there is no such package, it is for another task, or the data lie outside its valid range.
    """
    from fsl_mrs_dl.models.package import load

    package = load(model)
    if package.card.task != TASK:
        raise ModelError(
            f"--model {model} is for {package.card.task}; needed is one for {TASK} (fsl_mrs_dl models list)."
        )
    if data is not None:
        package.card.check(data, allow_mismatch=allow_mismatch)
    network: Any = package.network
    return network, package.card


def model_record(card: "Card") -> dict[str, Any]:
    """Return the name and checksum of a model, for a record."""
    return {"model": card.full_name, "package_sha256": card.package_sha256}


def transients_like(
    sets: TransientSets,
    n: int,
    model: str,
    *,
    mode: Mode,
    noiseless: bool,
    allow_mismatch: bool,
    rng: np.random.Generator,
) -> tuple[Complex, dict[str, Any]]:
    """Return ``n`` new FIDs for each set, (set, n, coil, time), and the model, for the record.

    Parameters
    ----------
    sets : TransientSets
        Coils combined.
    n : int
    model : str
    mode : {"random", "interpolate", "hybrid"}
        See :func:`fsl_mrs_dl.models.synthesis_modes.new_latent`; not used by a model of concentrations.
    noiseless : bool
    allow_mismatch : bool
    rng : numpy.random.Generator

    Raises
    ------
    MRSDLError
        If the model cannot be used, or the data have coils.
    """
    data = sets.data
    if sets.fids.shape[2] > 1:
        raise DataError(
            f"{data.name or 'The data'} has {sets.fids.shape[2]} coils; combine them first (coilcombine)."
        )
    network, card = generative(model, data, allow_mismatch=allow_mismatch)
    new = np.zeros((len(sets.fids), n, 1, data.n_points), dtype=np.complex128)
    for i, (fids, usable) in enumerate(zip(sets.fids[:, :, 0], sets.usable, strict=True)):
        if not usable.any():
            continue
        measured = fids[usable].astype(np.complex128)
        if not network.names and len(measured) < _LEAST_TRANSIENTS:
            raise DataError(
                f"{data.name or 'The data'} has a set with {len(measured)} usable transients; at least "
                f"{_LEAST_TRANSIENTS} are needed to make more like them, of fewer these would be copies. Take a "
                "file with more."
            )
        if network.names:
            new[i, :, 0] = _of_amounts(network, measured, data, n, noiseless, rng)
        else:
            new[i, :, 0] = new_transients(network, measured, data, n, mode, rng, noise=not noiseless)
    return new, model_record(card)


def reconstruct_transients(
    network: "SynthesisNetwork | DeviationNetwork", fids: Complex, data: MRSData
) -> tuple[Complex, Any, Any]:
    """Encode and decode transients; return the result in their units, and the encoding.

    Returns
    -------
    tuple
        FIDs, shape (transient, time); mean and log-variance of the latent numbers.
    """
    import torch

    from fsl_mrs_dl.models.inputs import on_network_points

    if network.kind == "deviations":
        decoded, mean, log_variance, _, _ = _carried(network, fids, data)
        return decoded, mean, log_variance
    scale = set_scale(fids)
    points = on_network_points(fids / scale, data.dwelltime_s, network.n_points, network.dwelltime_s)
    channels = torch.from_numpy(np.stack([points.real, points.imag], axis=-2).astype(np.float32))
    with torch.no_grad():
        mean, log_variance = network.encode(channels)
    decoded = network.on_points(data.n_points, data.dwelltime_s).synthesise(mean)
    return scale * decoded.astype(np.complex128), mean, log_variance


def _carried(
    network: "DeviationNetwork", fids: Complex, data: MRSData
) -> tuple[Complex, Any, Any, SplitSet, "CarriedSet"]:
    """Return reconstruction and encoding of a set, the set split, and how the network sees its deviations."""
    from fsl_mrs_dl.models.synthesis_deviations import CarriedSet

    size = float(np.median(noise_sd(fids, data.ppm_axis, data.nucleus)))
    split = SplitSet.of(fids, data, size)
    carried = CarriedSet.of(network, split.carrier, split.deviations, data.dwelltime_s, size)
    mean, log_variance = carried.encoded()
    decoded: Complex = split.average + split.nuisance.fids + carried.decoded(mean)
    return decoded, mean, log_variance, split, carried


def new_transients(
    network: "SynthesisNetwork | DeviationNetwork",
    fids: Complex,
    data: MRSData,
    n: int,
    mode: Mode,
    rng: np.random.Generator,
    *,
    noise: bool = True,
    amounts: bool = True,
) -> Complex:
    """Encode the transients of one subject and condition and decode new ones.

    Parameters
    ----------
    network : SynthesisNetwork or DeviationNetwork
        Without concentrations.
    fids : ndarray, complex, shape (transient, time)
    data : MRSData
        For the axes.
    n : int
    mode : {"random", "interpolate", "hybrid"}
    rng : numpy.random.Generator
    noise : bool
        Add the noise that decoding removes, with the spectrum, size and correlation in signal-free bands of the
        transients minus their reconstruction; each new one is as noisy as one of the transients. For a network of
        deviations, also restore the spread that decoding removes.
    amounts : bool
        For a network of whole spectra: scale the new transients by the factor that makes the average of the
        reconstructions that of the transients. For deviations: subtract their mean, so that the average is kept.

    Returns
    -------
    ndarray, complex, shape (n, time)
    """
    import torch

    from fsl_mrs_dl.models.synthesis_modes import new_latent

    generator = torch.Generator().manual_seed(int(rng.integers(2**31)))
    if network.kind == "deviations":
        decoded, mean, log_variance, split, carried = _carried(network, fids, data)
        latent, parent = new_latent(mean, log_variance, n, mode, generator)
        new = carried.decoded(latent)
        if noise:
            new += carried.lost_spread(new, rng)
        new += split.average + split.nuisance.draw(n, rng)
        if amounts:
            new -= (decoded - split.average).mean(axis=0)
    else:
        decoded, mean, log_variance = reconstruct_transients(network, fids, data)
        latent, parent = new_latent(mean, log_variance, n, mode, generator)
        moved = network.on_points(data.n_points, data.dwelltime_s)
        new = set_scale(fids) * moved.synthesise(latent).astype(np.complex128)
        if amounts:
            new *= amount_gain(fids, decoded)
    if noise:
        new += lost_noise(fids, decoded, new, parent.numpy(), data, rng)
    return new


def amount_gain(fids: Complex, decoded: Complex) -> float:
    """Return the factor that scales the average of decoded transients to that of measured ones."""
    true, got = fids.mean(axis=0), decoded.mean(axis=0)
    power = float(np.vdot(got, got).real)
    return float(np.vdot(got, true).real) / power if power else 1.0


def lost_noise(
    fids: Complex,
    decoded: Complex,
    new: Complex,
    parent: NDArray[np.integer],
    data: MRSData,
    rng: np.random.Generator,
) -> Complex:
    """Return the noise that makes each new transient as noisy as its parent, shape (n, time)."""
    region = noise_region(fids, data.ppm_axis, data.nucleus)
    own: Real = noise_sd(fids, data.ppm_axis, data.nucleus, region)[parent]
    there: Real = noise_sd(new, data.ppm_axis, data.nucleus, region)
    missing = np.sqrt(np.maximum(own**2 - there**2, 0.0))
    return MeasuredNoise.of(fids - decoded, data.ppm_axis, data.nucleus).draw(missing, rng)


def _of_amounts(
    network: "SynthesisNetwork",
    fids: Complex,
    data: MRSData,
    n: int,
    noiseless: bool,
    rng: np.random.Generator,
) -> Complex:
    """Return spectra of random concentrations, with the size and noise of the measured ones."""
    import torch

    generator = torch.Generator().manual_seed(int(rng.integers(2**31)))
    low, high = network.lowest.numpy(), network.highest.numpy()
    drawn = torch.from_numpy(rng.uniform(low, high, (n, len(low))).astype(np.float32))
    moved = network.on_points(data.n_points, data.dwelltime_s)
    new: Complex = moved.synthesise(network.sample(n, generator), drawn).astype(np.complex128)
    new *= set_scale(fids) / float(np.median(np.linalg.norm(new, axis=1)))
    if not noiseless:
        parent = rng.integers(len(fids), size=n)
        sigma = noise_sd(fids, data.ppm_axis, data.nucleus)[parent]
        new += MeasuredNoise.of(fids, data.ppm_axis, data.nucleus).draw(sigma, rng)
    return new
