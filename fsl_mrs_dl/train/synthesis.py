"""The fixed signals of a generative network, from the training data, and its first random layers."""

from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.models.synthesis import SynthesisNetwork
from fsl_mrs_dl.physics import damp, phase, shift
from fsl_mrs_dl.train.synthesis_data import LabelledSpectra

_FOR_COMPONENTS = 500
"""Training spectra that the components are computed of; enough for 128, and the Gram matrix stays small."""
_LEFT_OUT = 1e-6
"""Largest share of the energy outside the components."""
_MOST_COMPONENTS, _FEWEST_COMPONENTS = 128, 16
"""Limits on the number of components, whatever their energy."""
_N_ENVELOPES = 32
"""Most components of phase, shift and lineshape."""
_SHAPE_PARAMETERS = ("phase_rad", "shift_hz", "gamma", "sigma")
"""Parameters that the decoder ``physics`` gives for each spectrum, in its order."""
Decoder = Literal["spectrum", "physics"]


def tensors(fids: Complex, amounts: Real | None = None) -> tuple[Tensor, ...]:
    """Return the inputs of a network, shape (example, 2, time), and its concentrations, in single precision."""
    channels = np.stack([fids.real, fids.imag], axis=-2).astype(np.float32)
    inputs = (torch.from_numpy(channels),)
    return inputs if amounts is None else (*inputs, torch.from_numpy(amounts.astype(np.float32)))


def principal_components(fids: Complex, left_out: float = _LEFT_OUT, most: int = _MOST_COMPONENTS) -> Complex:
    """Return orthonormal signals that hold all but a share of the energy of FIDs, shape (component, time)."""
    part = fids[:_FOR_COMPONENTS].astype(np.complex128)
    values, vectors = np.linalg.eigh(part @ part.conj().T)
    energy = np.cumsum(np.maximum(values[::-1], 0))
    needed = int(np.searchsorted(energy, (1 - left_out) * energy[-1])) + 1
    n_components = min(max(needed, _FEWEST_COMPONENTS), most, len(part))
    # Rows of U^H X are orthogonal, and as long as the singular values.
    signals = vectors[:, ::-1][:, :n_components].conj().T @ part
    components: Complex = np.linalg.qr(signals.T)[0].T
    return components


def envelopes(examples: LabelledSpectra) -> Complex:
    """Return components of a line of varying phase, shift and lineshape, shape (component, time)."""
    drawn, dwelltime_s = examples.parameters, examples.basis.dwelltime_s
    rows = slice(0, _FOR_COMPONENTS)
    flat = np.ones((len(drawn["gamma"][rows]), examples.fids.shape[1]), dtype=np.complex64)
    shaped = damp(flat, drawn["gamma"][rows], drawn["sigma"][rows], dwelltime_s)
    shaped = phase(shift(shaped, drawn["shift_hz"][rows], dwelltime_s), drawn["phase_rad"][rows])
    return principal_components(shaped, 1e-7, _N_ENVELOPES)


def coefficient_statistics(coefficients: Complex) -> tuple[Real, Real]:
    """Return mean and standard deviation of real and imaginary parts, one behind the other."""
    numbers = np.concatenate([coefficients.real, coefficients.imag], axis=1)
    return numbers.mean(axis=0), np.maximum(numbers.std(axis=0), 1e-6)


def new_network(
    examples: LabelledSpectra,
    decoder: Decoder,
    seed: int,
    *,
    latent: int,
    hidden: tuple[int, ...],
    beta: float,
    warm_up: int,
) -> tuple[SynthesisNetwork, dict[str, Any]]:
    """Return a cVAE with random layers and the signals of some training data, and its config."""
    scale = float(np.sqrt(np.mean(np.sum(np.abs(examples.fids) ** 2, axis=1))))
    scaled = examples.fids / np.float32(scale)
    components = principal_components(scaled)
    config: dict[str, Any] = {
        "n_points": examples.fids.shape[1],
        "dwelltime_s": examples.basis.dwelltime_s,
        "spectrometer_frequency_mhz": examples.basis.spectrometer_frequency_mhz,
        "n_components": len(components),
        "latent": latent,
        "hidden": list(hidden),
        "names": list(examples.basis.names),
        "decoder": decoder,
        "beta": beta,
        "warm_up": warm_up,
    }
    signals: dict[str, Complex] = {"components": components}
    centre, spread = coefficient_statistics(scaled @ components.conj().T)
    statistics: dict[str, Any] = {"centre": centre, "spread": spread, "scale": scale}
    statistics |= {"lowest": examples.amounts.min(axis=0), "highest": examples.amounts.max(axis=0)}
    if decoder == "physics":
        shapes = envelopes(examples)
        largest = np.linalg.norm(examples.baselines, axis=1).max()
        size = 0.1 / largest  # the outputs of the layers are then of order one
        n_lines = len(examples.baselines)
        config |= {"n_envelopes": len(shapes), "n_baselines": n_lines}
        signals |= {
            "metabolites": examples.basis.fids,
            "envelopes": shapes,
            "baselines": examples.baselines * size,
        }
        drawn = np.stack([examples.parameters[name] for name in _SHAPE_PARAMETERS], axis=1)
        statistics["shape_centre"] = np.concatenate([drawn.mean(axis=0), np.zeros(2 * n_lines)])
        statistics["shape_spread"] = np.concatenate([drawn.std(axis=0), np.ones(2 * n_lines)])
    else:
        statistics |= {"shape_centre": centre, "shape_spread": spread}
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = SynthesisNetwork(**config)
    network.set_signals(**signals)
    network.set_statistics(**statistics)
    if decoder == "physics":
        some = slice(0, _FOR_COMPONENTS)
        read = network.coefficients(*tensors(examples.fids[some], examples.amounts[some])).numpy()
        network.set_statistics(centre=read.mean(axis=0), spread=np.maximum(read.std(axis=0), 1e-6))
    return network, config
