"""Training data of quantification networks: simulated spectra of one basis set, with their true parameters."""

import hashlib
from dataclasses import dataclass, replace
from math import pi
from pathlib import Path
from typing import Any, Literal

import numpy as np

from fsl_mrs_dl.data import NUCLEI, Basis, Complex, Real
from fsl_mrs_dl.errors import OptionError
from fsl_mrs_dl.io.basis import read_basis
from fsl_mrs_dl.models.quantification import Expected
from fsl_mrs_dl.physics import damp, on_points, sound_basis
from fsl_mrs_dl.physics.lines import gamma_from_fwhm, sigma_from_fwhm
from fsl_mrs_dl.simulate.brain import BRAIN_RANGES, brain_amplitudes, macromolecule_amplitudes
from fsl_mrs_dl.simulate.distributions import Distribution, Fixed, Uniform
from fsl_mrs_dl.simulate.papers import DQ_RANGES, DQ_UNIT
from fsl_mrs_dl.simulate.priors import Noise, Prior
from fsl_mrs_dl.simulate.shipped import RECIPES, shipped_basis
from fsl_mrs_dl.simulate.signals import clean_fids, simulate_signals

POINTS, DWELLTIME_S = 1024, 2.5e-4
"""Of the networks: points, and s between them, as published (doi:10.1016/j.compbiomed.2023.106837)."""
SEED_NOISE_SD, WHITE_NOISE_SD = 1.0, 0.40
"""SD of a channel: published noise is damped with the signal; white noise of 0.40 gives the same SNR_f of 67."""
_CHALLENGE = (2.5e-4, 123.22)
"""Dwell time in s and spectrometer frequency in MHz of the text files of the ISMRM 2016 challenge."""
_WHITE_SNR_F = (20.0, 150.0)
"""Lowest and highest SNR_f of the prior ``brain``; uniform."""
_TYPICAL_SNR_F = 60.0
"""For the scale of the whitened coordinates alone; near the SNR_f of the published simulation."""
_SHIFT_HZ, _PHASE_RAD = 0.04 * 123.25, pi / 9
"""Shift and phase left by a coarse registration: a bin or a linewidth. Farther off the loss has other minima."""
_GAMMA_HZ_PER_T, _SIGMA_HZ_PER_T = 2.0, 2.5
"""Largest Lorentzian and Gaussian width in Hz per T: 6 and 7.5 Hz at 3 T."""

NoiseKind = Literal["white", "seed"]
_PER_FID = ("fids", "amplitudes", "shift_hz", "gamma", "sigma", "phase_rad", "noise_sd")
"""Fields of :class:`Spectra` with one row a spectrum."""


@dataclass(frozen=True, eq=False)
class Spectra:
    """Spectra to learn from or to be judged by; S of them, with a basis of M members.

    Attributes
    ----------
    fids : ndarray, complex64, shape (S, time)
    amplitudes : ndarray, float, shape (S, M)
        Of the basis; no columns where they are unknown.
    shift_hz, gamma, sigma, phase_rad, noise_sd : ndarray, float, shape (S,)
        In Hz, rad/s, rad/s, rad; the noise of one channel.
    basis : Basis
        On the points of the FIDs.
    expected : Expected
        Where the parameters lie.
    noise : {"white", "seed"}
        seed: the noise is damped with the signal, as in the published simulation.
    description : str
        What it is, in words.
    """

    fids: Complex
    amplitudes: Real
    shift_hz: Real
    gamma: Real
    sigma: Real
    phase_rad: Real
    noise_sd: Real
    basis: Basis
    expected: Expected
    noise: NoiseKind
    description: str

    @property
    def sha256(self) -> str:
        """Checksum of the FIDs."""
        return hashlib.sha256(np.ascontiguousarray(self.fids, dtype="<c8").tobytes()).hexdigest()

    @property
    def known(self) -> bool:
        """Whether the truth is known."""
        return bool(self.amplitudes.shape[1])

    def take(self, n: int) -> "Spectra":
        """Return the first of them."""
        return self.rows(slice(n))

    def rows(self, which: Any) -> "Spectra":
        """Return some of them, by their indices or a slice."""
        return replace(self, **{name: getattr(self, name)[which] for name in _PER_FID})

    def joined(self, other: "Spectra") -> "Spectra":
        """Return these and others of the same basis set, one after the other."""
        both = {name: np.concatenate([getattr(self, name), getattr(other, name)]) for name in _PER_FID}
        return replace(self, **both)  # type: ignore[arg-type]


def basis_of(name: str, prior: str, n_points: int = POINTS) -> Basis:
    """Return a basis set on the network's points, of those members that a prior has amplitudes for.

    Parameters
    ----------
    name : str
        A file or folder, or a shipped set.
    prior : {"dq", "brain"}
    n_points : int
        Of the network.

    Raises
    ------
    DataError
        If it cannot be read.
    OptionError
        If it is neither a file nor a name.
    """
    if not Path(name).exists() and name not in RECIPES:
        raise OptionError(
            f"--basis {name}: there is no such file or folder, and shipped are {', '.join(RECIPES)}."
        )
    if Path(name).exists():
        # Text files do not have their sampling; those of the challenge are the only ones in use.
        text = Path(name).is_dir() and any(Path(name).glob("*.txt"))
        sampling = dict(zip(("dwelltime_s", "spectrometer_frequency_mhz"), _CHALLENGE, strict=True))
        basis = sound_basis(read_basis(Path(name), **(sampling if text else {})))
    else:
        basis = read_basis(shipped_basis(name))
    known = ranges_of(basis, prior)
    rows = [i for i, member in enumerate(basis.names) if member in known]
    chosen = replace(basis, fids=basis.fids[rows], names=tuple(basis.names[i] for i in rows))
    return on_points(chosen, n_points, DWELLTIME_S, basis.spectrometer_frequency_mhz)


def ranges_of(basis: Basis, prior: str) -> dict[str, tuple[float, float]]:
    """Return the ranges of the amplitudes of a basis set's members, in units of 17 mmol/kg."""
    known: dict[str, Distribution] = {}
    if prior == "dq":
        known |= {name: Uniform(*DQ_RANGES[name]) for name in basis.names if name in DQ_RANGES}
    if set(basis.names) & set(BRAIN_RANGES) and prior == "brain":
        known |= brain_amplitudes(basis.names)
    if "Mac" not in known:
        known |= macromolecule_amplitudes(basis)
    return {
        name: (span.low / DQ_UNIT, span.high / DQ_UNIT)
        for name, span in known.items()
        if isinstance(span, Uniform)
    }


def expected_of(basis: Basis, prior: str) -> Expected:
    """Return the ranges of the parameters of a prior.

    ``dq``: as published, a damping of 0 to 15 /s, +-3 Hz, +-9 degrees. ``brain``: Voigt lines of 0 to 6 Hz
    Lorentzian and 0 to 7.5 Hz Gaussian width at 3 T, +-4.9 Hz and +-20 degrees, which a coarse registration
    leaves, and noise of an SNR_f of 20 to 150.
    """
    known = ranges_of(basis, prior)
    amplitudes = tuple(known[name] for name in basis.names)
    if prior == "dq":
        return Expected(amplitudes, (-3.0, 3.0), (0.0, 15.0), (0.0, 0.0), (-pi / 20, pi / 20), WHITE_NOISE_SD)
    mhz = basis.spectrometer_frequency_mhz
    field_t = mhz / NUCLEI["1H"].gyromagnetic_mhz_per_t
    middle = np.array([sum(span) / 2 for span in amplitudes]) @ basis.fids
    damped = damp(middle, gamma_from_fwhm(1.0 * field_t), sigma_from_fwhm(1.2 * field_t), basis.dwelltime_s)
    highest = float(np.abs(np.fft.fft(damped, norm="ortho")).max())
    return Expected(
        amplitudes,
        (-_SHIFT_HZ, _SHIFT_HZ),
        (0.0, gamma_from_fwhm(_GAMMA_HZ_PER_T * field_t)),
        (0.0, sigma_from_fwhm(_SIGMA_HZ_PER_T * field_t)),
        (-_PHASE_RAD, _PHASE_RAD),
        highest / _TYPICAL_SNR_F,
    )


def simulated(
    basis: Basis, prior: str, noise: NoiseKind, n: int, rng: np.random.Generator, *, single: bool = True
) -> Spectra:
    """Simulate spectra.

    Parameters
    ----------
    basis : Basis
        From :func:`basis_of`.
    prior : {"dq", "brain"}
    noise : {"white", "seed"}
        Of ``dq``: white noise of 0.40 after all else, or noise of 1 before the damping, as published; both make
        an SNR_f of 67 +- 16.
    n : int
    rng : numpy.random.Generator
    single : bool
        Whether in single precision.

    Returns
    -------
    Spectra
    """
    expected = expected_of(basis, prior)
    level: Distribution = Fixed(WHITE_NOISE_SD) if prior == "dq" else Uniform(*_WHITE_SNR_F)
    damped = noise == "seed" and prior == "dq"
    declared = Prior(
        amplitudes={
            name: Uniform(*span) for name, span in zip(basis.names, expected.amplitudes, strict=True)
        },
        lorentzian_hz=Uniform(*(gamma / pi for gamma in expected.gamma)),
        gaussian_hz=Uniform(*(sigma / sigma_from_fwhm(1.0) for sigma in expected.sigma)),
        noise=None if damped else Noise(level, "sigma" if prior == "dq" else "snr_f"),
        shift_hz=Uniform(*expected.shift_hz),
        phase_rad=Uniform(*expected.phase_rad),
    )
    signals = simulate_signals(declared, basis, n, rng, single_precision=single)
    drawn = signals.parameters
    fids, noise_sd = signals.fids, signals.noise_sigma
    if damped:
        white = rng.standard_normal((2, *fids.shape), dtype=np.float32)
        fids = fids + damp(white[0] + 1j * white[1], drawn["gamma"], drawn["sigma"], basis.dwelltime_s)
        fids, noise_sd = fids.astype(signals.fids.dtype), np.full(n, SEED_NOISE_SD)
    source = f"{basis.name or 'a basis set'}, prior {prior}" + (", damped noise" if damped else "")
    return Spectra(
        fids,
        drawn["amplitudes"],
        drawn["shift_hz"],
        drawn["gamma"],
        drawn["sigma"],
        drawn["phase_rad"],
        noise_sd,
        basis,
        expected,
        "seed" if damped else "white",
        f"{n} simulated spectra of {source}",
    )


def clean_of(spectra: Spectra) -> Complex:
    """Return the FIDs without noise, complex128, shape (S, time)."""
    parameters = {
        "amplitudes": spectra.amplitudes,
        "scale": np.ones(len(spectra.fids)),
        **{name: getattr(spectra, name) for name in ("shift_hz", "gamma", "sigma", "phase_rad")},
    }
    clean: Complex = clean_fids(parameters, np.asarray(spectra.basis.fids), spectra.basis.dwelltime_s)
    return clean
