"""The prior of a simulated scan or of a set of signals: all random parameters in one frozen object."""

# The defaults are calls of frozen classes, which ruff sees only within one file.
# ruff: noqa: RUF009

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from fsl_mrs_dl.physics.lines import GaussianLine
from fsl_mrs_dl.simulate.distributions import Distribution, Fixed
from fsl_mrs_dl.simulate.nuisance import Nuisance

SnrDefinition = Literal["snr_t0", "snr_f", "snr_db"]


@dataclass(frozen=True)
class Noise:
    """White complex noise, with one definition of its level.

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
    """Changes between the transients of a scan.

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
class Eddy:
    r"""A field offset that decays over each FID, :math:`A e^{-t/\tau}`; one draw a scan.

    Attributes
    ----------
    amplitude_hz, time_constant_s : Distribution
        :math:`A` in Hz and :math:`\tau` in s, see :func:`fsl_mrs_dl.physics.eddy_current_phase`.
    """

    amplitude_hz: Distribution
    time_constant_s: Distribution


@dataclass(frozen=True)
class LineSignal:
    """Macromolecules or lipids as a fixed sum of lines, with an amplitude relative to the metabolites.

    Attributes
    ----------
    name : str
        Its name among the amplitudes.
    lines : tuple of GaussianLine
        For example :data:`fsl_mrs_dl.physics.lines.BIRCH_2017`.
    fraction : Distribution
        Its first point over the magnitude of the metabolites' first point; one draw a scan.
    """

    name: str
    lines: tuple[GaussianLine, ...]
    fraction: Distribution


@dataclass(frozen=True)
class Prior:
    """All random parameters of simulated signals; with the defaults nothing is random.

    Attributes
    ----------
    amplitudes : mapping of str to Distribution
        By metabolite of the basis set; others are absent. One draw for a scan.
    line_signals : tuple of LineSignal
        Macromolecules and lipids in addition to the basis set.
    lorentzian_hz, gaussian_hz : Distribution
        Width (FWHM) that is added to every line, in Hz. One draw for a scan.
    eddy : Eddy or None
        Eddy current, also in the water reference.
    noise : Noise or None
        None = no noise.
    scale : Distribution
        Factor on all metabolites of an FID. One draw for each FID, as for all that follow.
    shift_hz, phase_rad : Distribution
        In Hz and rad.
    nuisances : tuple of Nuisance
        At most one of each kind.
    drift : Drift
        Over the transients of a scan, added to shift and phase; independent signals have none.
    """

    amplitudes: Mapping[str, Distribution] = field(default_factory=dict)
    line_signals: tuple[LineSignal, ...] = ()
    lorentzian_hz: Distribution = Fixed(0.0)
    gaussian_hz: Distribution = Fixed(0.0)
    eddy: Eddy | None = None
    noise: Noise | None = None
    scale: Distribution = Fixed(1.0)
    shift_hz: Distribution = Fixed(0.0)
    phase_rad: Distribution = Fixed(0.0)
    nuisances: tuple[Nuisance, ...] = ()
    drift: Drift = Drift()
