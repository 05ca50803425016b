"""Signals whose every component has an amplitude, shift, damping and phase of its own.

Published studies of supervised quantification draw them so (Hatami et al. 2018, arXiv:1806.07237; Shamaei et al.
2021, doi:10.5220/0010318502680275). In a measured spectrum metabolites share nearly all of shift and damping:
:mod:`fsl_mrs_dl.simulate.signals` draws those.
"""

# The defaults are calls of frozen classes, which ruff sees only within one file.
# ruff: noqa: RUF009

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device, is_torch_array

from fsl_mrs_dl.data import NUCLEI, Basis, Complex, Real
from fsl_mrs_dl.physics import add_noise, basis_sum
from fsl_mrs_dl.physics.lines import GaussianLine, gaussian_lines
from fsl_mrs_dl.simulate.distributions import Distribution, Fixed, Uniform
from fsl_mrs_dl.simulate.priors import Noise
from fsl_mrs_dl.simulate.signals import noise_sigma

Array = Any
_BLOCK, _BLOCK_ON_GPU = 256, 4096
"""Signals made at once by NumPy and by PyTorch: bounds the memory, and a GPU is slow with few. Constants, for the
noise of a signal depends on them."""


@dataclass(frozen=True)
class BroadSignal:
    """Macromolecules that are in the signal and not among its components.

    Attributes
    ----------
    lines : tuple of GaussianLine
    size : float
        First point of all lines over that of the mean mixture of the components.
    spread : float
        Each line's amplitude is uniform within 1 +- this; 0 = constant.
    """

    lines: tuple[GaussianLine, ...]
    size: float
    spread: float = 0.0


@dataclass(frozen=True)
class ComponentPrior:
    """What is random about signals of independent components; one draw a component and signal.

    Attributes
    ----------
    amplitude, shift_hz, gamma : Distribution
        Amplitude in units of the basis set, shift in Hz, Lorentzian rate in rad/s; a negative rate makes a
        component decay more slowly than in the basis set.
    phase_rad : Distribution
        In rad.
    own_phases : bool
        Whether each component has its own phase; else one phase a signal.
    noise : Noise or None
    broad : BroadSignal or None
    """

    amplitude: Distribution
    shift_hz: Distribution
    gamma: Distribution
    phase_rad: Distribution = Fixed(0.0)
    own_phases: bool = False
    noise: Noise | None = None
    broad: BroadSignal | None = None


@dataclass(frozen=True, eq=False)
class ComponentSignals:
    """S signals of M components and all that is true of them.

    Attributes
    ----------
    fids : ndarray or Tensor, complex64 or complex128, shape (S, time)
    amplitudes, shift_hz, gamma, phase_rad : ndarray, float, shape (S, M)
        In units of the basis set, Hz, rad/s and rad.
    noise_sigma : ndarray, float, shape (S,)
        Standard deviation of the noise, of the real and of the imaginary channel.
    basis : Basis
    prior : ComponentPrior
    """

    fids: Complex
    amplitudes: Real
    shift_hz: Real
    gamma: Real
    phase_rad: Real
    noise_sigma: Real
    basis: Basis
    prior: ComponentPrior

    def take(self, n: int) -> "ComponentSignals":
        """Return the first n signals."""
        names = ("fids", "amplitudes", "shift_hz", "gamma", "phase_rad", "noise_sigma")
        return replace(self, **{name: getattr(self, name)[:n] for name in names})


def simulate_components(
    prior: ComponentPrior,
    basis: Basis,
    n_signals: int,
    rng: np.random.Generator,
    *,
    like: Array | None = None,
) -> ComponentSignals:
    r"""Simulate signals of independent components.

    .. math:: s(t) = \sum_m a_m x_m(t) \, e^{i \phi_m + (2 \pi i f_m - \gamma_m) t} + b(t) + \epsilon(t)

    Parameters
    ----------
    prior : ComponentPrior
    basis : Basis
        Gives the components and the sampling.
    n_signals : int
    rng : numpy.random.Generator
    like : Array, optional
        A complex array that gives the FIDs library, device and precision. Default: NumPy, complex64.

    Returns
    -------
    ComponentSignals
    """
    shape = (n_signals, len(basis.names))
    amplitudes = prior.amplitude.draw(shape, rng)
    shift_hz, gamma = prior.shift_hz.draw(shape, rng), prior.gamma.draw(shape, rng)
    phase_rad = prior.phase_rad.draw(shape if prior.own_phases else (n_signals, 1), rng)
    phase_rad = np.broadcast_to(phase_rad, shape)
    level = prior.noise.level.draw((n_signals,), rng) if prior.noise else np.zeros(n_signals)
    broad = _broad_fids(prior, basis, n_signals, rng)
    like = np.empty(0, np.complex64) if like is None else like
    xp, real = array_namespace(like), array_namespace(like).real(like).dtype

    def near(values: Real | Complex) -> Array:
        dtype = like.dtype if np.iscomplexobj(values) else real
        return xp.asarray(values, dtype=dtype, device=device(like))

    members, turned = near(np.array(basis.fids)), amplitudes * np.exp(1j * phase_rad)
    lines = None if broad is None else (near(broad[0] + 0j), near(broad[1]))
    white: Any = rng
    if is_torch_array(like):
        white = xp.Generator(device(like)).manual_seed(int(rng.integers(2**62)))
    fids = xp.empty((n_signals, members.shape[1]), dtype=like.dtype, device=device(like))
    sigma = np.zeros(n_signals)
    groups = tuple(range(shape[1]))
    block = _BLOCK_ON_GPU if is_torch_array(like) else _BLOCK
    for start in range(0, n_signals, block):
        rows = slice(start, start + block)
        shapes = (near(shift_hz[rows]), near(gamma[rows]), near(0 * gamma[rows]))
        clean = basis_sum(members, near(turned[rows]), *shapes, basis.dwelltime_s, groups)
        clean = clean if lines is None else clean + lines[0][rows] @ lines[1]
        if prior.noise is not None:
            spread = noise_sigma(prior.noise, near(level[rows]), clean)
            sigma[rows] = np.asarray(spread.tolist())
            clean = add_noise(clean, spread, white)
        fids[rows] = clean
    return ComponentSignals(fids, amplitudes, shift_hz, gamma, phase_rad, sigma, basis, prior)


def _broad_fids(
    prior: ComponentPrior, basis: Basis, n_signals: int, rng: np.random.Generator
) -> tuple[Real, Complex] | None:
    """Return the factors of the broad lines, shape (S, line), and the lines themselves, shape (line, time)."""
    if prior.broad is None:
        return None
    lines = gaussian_lines(
        prior.broad.lines,
        basis.fids.shape[1],
        basis.dwelltime_s,
        basis.spectrometer_frequency_mhz,
        np.empty(1, np.complex128),
        NUCLEI[basis.nucleus].reference_ppm,
    )
    mean = prior.amplitude
    middle = (mean.low + mean.high) / 2 if isinstance(mean, Uniform) else 1.0
    first = abs(middle * basis.fids[:, 0].sum()) / abs(lines[:, 0].sum())
    spread = prior.broad.spread
    factors = rng.uniform(1 - spread, 1 + spread, (n_signals, len(lines)))
    return factors, prior.broad.size * first * lines
