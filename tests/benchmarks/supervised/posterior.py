"""The posterior of amplitudes under the very prior that signals were drawn from, by Gibbs sampling.

No estimator has a smaller expected error than the posterior mean (square) or median (absolute) under the prior of
the signals; the fit gives the mode instead. Each turn draws amplitude, shift and damping of one component
together, given all others: shift and damping from their joint posterior on a grid with the amplitude integrated
out, then the amplitude from its truncated Gaussian (Gelfand and Smith 1990, doi:10.2307/2289776).
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.physics import fid_to_spectrum, ppm_axis, ppm_window, singlet
from fsl_mrs_dl.simulate.components import ComponentSignals
from fsl_mrs_dl.simulate.distributions import Uniform

_BAND_PPM = (-0.3, 6.2)
"""Of the spectrum that is compared: outside of it are the far feet of lines."""
_SHIFTS, _DAMPINGS = 60, 12
"""Points of the grid: a third of a Hz of +-10, and 1.7 1/s of +-10; noise of an SNR_t0 of 10 leaves 1 Hz open."""
_HOT, _COOLED = 30.0, 0.6
"""Factor on the noise's variance in the first sweep, so that components can change places, and the share of the
sweeps that are not counted after which it is 1."""


@dataclass(frozen=True)
class Sampling:
    """Chains of each signal, sweeps that are not counted, and sweeps that are."""

    chains: int
    warm: int
    sweeps: int


def posterior_draws(signals: ComponentSignals, sampling: Sampling, seed: int) -> Real:
    """Return draws of the amplitudes.

    Parameters
    ----------
    signals : ComponentSignals
        Of zero phase, without broad signal, with noise.
    sampling : Sampling
    seed : int

    Returns
    -------
    ndarray, float, shape (chain, sweep, S, M)
    """
    place = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    atoms, data, sigma = (one.to(place) for one in _problem(signals))
    amplitude = signals.prior.amplitude
    assert isinstance(amplitude, Uniform)
    span = amplitude.low, amplitude.high
    n, m = len(data), len(atoms)
    rows = n * sampling.chains
    generator = torch.Generator(place).manual_seed(seed)
    amplitudes = torch.rand((rows, m), generator=generator, device=place) * (span[1] - span[0]) + span[0]
    chosen = torch.randint(atoms.shape[1], (rows, m), generator=generator, device=place)
    residual = data.repeat(sampling.chains, 1)
    for k in range(m):
        residual -= amplitudes[:, k, None] * atoms[k][chosen[:, k]]
    draws = []
    for sweep in range(sampling.warm + sampling.sweeps):
        heat = max(1.0, _HOT * (1 - sweep / (_COOLED * max(1, sampling.warm))))
        variance = heat * sigma.repeat(sampling.chains)[:, None] ** 2
        for k in np.random.default_rng([seed, sweep]).permutation(m):
            residual += amplitudes[:, k, None] * atoms[k][chosen[:, k]]
            amplitudes[:, k], chosen[:, k] = _drawn(atoms[k], residual, variance, span, generator)
            residual -= amplitudes[:, k, None] * atoms[k][chosen[:, k]]
        if sweep >= sampling.warm:
            draws.append(amplitudes.reshape(sampling.chains, n, m).to("cpu", copy=True))
    values: Real = torch.stack(draws, dim=1).double().numpy()
    return values


def _problem(signals: ComponentSignals) -> tuple[Tensor, Tensor, Tensor]:
    """Return components on the grid, (M, grid, channel), the signals, (S, channel), and the noise's SD, (S,)."""
    basis, prior = signals.basis, signals.prior
    n = basis.fids.shape[1]
    grids = []
    for one, points in ((prior.shift_hz, _SHIFTS), (prior.gamma, _DAMPINGS)):
        assert isinstance(one, Uniform)
        edges = np.linspace(one.low, one.high, points + 1)
        grids.append((edges[1:] + edges[:-1]) / 2)
    shift_hz, gamma = (one.ravel() for one in np.meshgrid(*grids, indexing="ij"))
    axis = ppm_axis(n, basis.dwelltime_s, basis.spectrometer_frequency_mhz, basis.reference_ppm)
    inside = np.flatnonzero(ppm_window(axis, _BAND_PPM))

    def channels(fids: Complex) -> Tensor:
        spectrum = fid_to_spectrum(fids)[:, inside]
        return torch.from_numpy(np.concatenate([spectrum.real, spectrum.imag], axis=1).astype(np.float32))

    members = np.asarray(basis.fids, dtype=np.complex128)
    lines = singlet(n, basis.dwelltime_s, shift_hz, gamma, 0 * gamma, members)
    atoms = torch.stack([channels(member * lines) for member in members])
    return atoms, channels(signals.fids), torch.from_numpy(signals.noise_sigma.astype(np.float32))


def _drawn(
    atoms: Tensor, residual: Tensor, variance: Tensor, span: tuple[float, float], generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Return amplitude and place on the grid of one component, given what the others leave, shape (row,) each."""
    energy = (atoms**2).sum(dim=1)
    middle, sd = residual @ atoms.T / energy, (variance / energy).sqrt()
    low, high = ((end - middle) / sd for end in span)
    flat = _log_mass(low, high) + middle**2 / (2 * sd**2) + sd.log()
    weights = (flat - flat.amax(dim=1, keepdim=True)).exp()
    chosen = torch.multinomial(weights, 1, generator=generator)
    centre, spread = (one.gather(1, chosen)[:, 0].double() for one in (middle, sd))
    ends = [torch.special.ndtr((end - centre) / spread) for end in span]
    uniform = torch.rand(len(centre), generator=generator, device=centre.device, dtype=torch.float64)
    within = (ends[0] + uniform * (ends[1] - ends[0])).clamp(1e-15, 1 - 1e-15)
    amplitude = (centre + spread * torch.special.ndtri(within)).clamp(*span)
    return amplitude.float(), chosen[:, 0]


def _log_mass(low: Tensor, high: Tensor) -> Tensor:
    """Return the logarithm of the standard Gaussian's mass between two ends, exact in both tails."""
    flipped = low > 0
    a, b = torch.where(flipped, -high, low), torch.where(flipped, -low, high)
    upper, lower = torch.special.log_ndtr(b), torch.special.log_ndtr(a)
    mass: Tensor = upper + torch.log1p(-torch.exp((lower - upper).clamp(max=-1e-6)))
    return mass
