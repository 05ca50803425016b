"""What is drawn: distributions, and the prior of one simulated scan or set of signals.

A prior is data, not code: frozen, comparable, and written into the file beside what was simulated from it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from fsl_mrs_dl.data import Real
from fsl_mrs_dl.errors import OptionError

SnrDefinition = Literal["snr_t0", "snr_f", "snr_db"]


@dataclass(frozen=True)
class Fixed:
    """Always the same value."""

    value: float

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Real:
        """Return the value in an array of this shape; the generator is not used."""
        return np.full(shape, float(self.value))


@dataclass(frozen=True)
class Uniform:
    """Any value from ``low`` to ``high`` alike."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low <= self.high:
            raise OptionError(f"A uniform range from {self.low:g} to {self.high:g} is empty; swap the ends.")

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Real:
        """Return independent draws, float64, of this shape."""
        return rng.uniform(self.low, self.high, shape)


@dataclass(frozen=True)
class Normal:
    """Normal distribution of a mean and a standard deviation."""

    mean: float
    sd: float

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Real:
        """Return independent draws, float64, of this shape."""
        return rng.normal(self.mean, self.sd, shape)


@dataclass(frozen=True)
class LogNormal:
    """Positive values whose natural logarithm is normal, of a median and a standard deviation of the log."""

    median: float
    log_sd: float

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Real:
        """Return independent draws, float64, of this shape."""
        return self.median * np.exp(rng.normal(0.0, self.log_sd, shape))


Distribution = Fixed | Uniform | Normal | LogNormal


@dataclass(frozen=True)
class Noise:
    """White complex noise, by one named definition of its level.

    Attributes
    ----------
    level : Distribution
        The SNR by ``definition``, or the standard deviation itself.
    definition : {"snr_t0", "snr_f", "snr_db", "sigma"}
        With x the noiseless metabolites and macromolecules of an FID (no nuisance signal), S its orthonormal
        spectrum, and sigma the standard deviation of the real and of the imaginary channel:
        ``snr_t0 = |x[0]| / sigma``; ``snr_f = max |S| / sigma``, sigma being that of the spectrum's real part
        as well; ``snr_db = 10 log10(sum |x|^2 / sum |noise|^2)`` over the whole FID, in dB. ``sigma``: the
        level is the standard deviation, in units of the basis set.
    """

    level: Distribution
    definition: SnrDefinition | Literal["sigma"] = "snr_t0"


@dataclass(frozen=True)
class Drift:
    """What changes from transient to transient over a scan.

    Attributes
    ----------
    ramp_hz : Distribution
        Linear change of the shift from the first to the last transient, one draw a scan, in Hz.
    walk_hz : float
        Standard deviation of the step of a random walk of the shift, in Hz.
    phase_jitter_rad : float
        Standard deviation of an independent phase of each transient, in rad.
    """

    ramp_hz: Distribution = Fixed(0.0)
    walk_hz: float = 0.0
    phase_jitter_rad: float = 0.0


@dataclass(frozen=True)
class Prior:
    """All that is random about simulated signals; the default disturbs nothing.

    Attributes
    ----------
    amplitudes : mapping of str to Distribution
        By metabolite of the basis set; one that is not named is absent.
    noise : Noise or None
        None = no noise.
    lorentzian_hz, gaussian_hz : Distribution
        Width (FWHM) that is added to the basis set's, in Hz. One draw a scan, as amplitudes.
    scale : Distribution
        Factor on all metabolites of an FID; one draw an FID, as everything that follows but the drift's ramp.
    shift_hz, phase_rad : Distribution
        Of each FID by itself, in Hz and rad.
    drift : Drift
        Over the transients of a scan, on top of the above; not used for independent signals.
    """

    amplitudes: Mapping[str, Distribution] = field(default_factory=dict)
    noise: Noise | None = None
    lorentzian_hz: Distribution = Fixed(0.0)
    gaussian_hz: Distribution = Fixed(0.0)
    scale: Distribution = Fixed(1.0)
    shift_hz: Distribution = Fixed(0.0)
    phase_rad: Distribution = Fixed(0.0)
    drift: Drift = Drift()
