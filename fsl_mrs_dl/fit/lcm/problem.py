"""A fit resolved for one acquisition: basis, window, baseline and groups, and the model in the fit window."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Basis, Complex, Real
from fsl_mrs_dl.errors import DataError, OptionError
from fsl_mrs_dl.fit.background import Background, Window, background, density_prior, hypotheses, one_proton
from fsl_mrs_dl.fit.lcm.baseline import smoother
from fsl_mrs_dl.fit.lcm.settings import FitSettings
from fsl_mrs_dl.physics import correct, damp, frequency_axis_hz, ppm_axis, ppm_window, shift
from fsl_mrs_dl.scores import voigt_fwhm_hz

LARGEST_RATE = 400.0
"""Upper bound of gamma and sigma in rad/s: lines of 127 Hz (FWHM) contain no information on metabolites."""


LINESHAPE = (3, 0.35)
"""Number of shares on either side of the line, and their distance in widths (FWHM) of the line: they reach to
about one linewidth on both sides."""
OWN_WIDTH_HZ = 2.0
"""Assumed width (FWHM) of the lines of a basis set, in Hz."""


@dataclass(frozen=True, eq=False)
class Parameters:
    """The non-linear parameters of S spectra.

    Attributes
    ----------
    shift_hz, gamma, spread : ndarray, float, shape (S, G)
        Hz, rad/s, and sigma squared in rad^2/s^2 (whose derivative does not vanish at 0).
    phase_rad, delay_s : ndarray, float, shape (S,)
    member_hz, member_gamma : ndarray, float, shape (S, M) or (S, 0)
        Shift and Lorentzian rate of each member of its own, in Hz and rad/s; shape (S, 0) if not fitted.
    lineshape : ndarray, float, shape (S, L) or (S, 0)
        Shares of the signal beside the Voigt line, see :meth:`Problem.lineshape_curves`.
    noise : ndarray, float, shape (S,)
        Noise variance of one channel of the data, which weighs priors against the residual; 0: no priors.
    """

    shift_hz: Real
    gamma: Real
    spread: Real
    phase_rad: Real
    delay_s: Real
    member_hz: Real
    member_gamma: Real
    lineshape: Real
    noise: Real

    @classmethod
    def shared(
        cls, shift_hz: Real, gamma: Real, spread: Real, phase_rad: Real, delay_s: Real
    ) -> "Parameters":
        """Return parameters without shifts or widths of single members."""
        none = np.zeros((len(phase_rad), 0))
        return cls(
            shift_hz=shift_hz,
            gamma=gamma,
            spread=spread,
            phase_rad=phase_rad,
            delay_s=delay_s,
            member_hz=none,
            member_gamma=none,
            lineshape=none,
            noise=np.zeros(len(phase_rad)),
        )

    def take(self, rows: NDArray[np.generic]) -> "Parameters":
        """Return some rows."""
        return self.changed(lambda values: values[rows])

    def copy(self) -> "Parameters":
        """Return a copy that can be written to."""
        return self.changed(lambda values: values.copy())

    def changed(self, change: Callable[[Real], Real]) -> "Parameters":
        """Return the parameters with each array changed alike.

        Parameters
        ----------
        change : callable
            From an array (S, ...) to one (T, ...), of the rows alone.
        """
        return Parameters(
            shift_hz=change(self.shift_hz),
            gamma=change(self.gamma),
            spread=change(self.spread),
            phase_rad=change(self.phase_rad),
            delay_s=change(self.delay_s),
            member_hz=change(self.member_hz),
            member_gamma=change(self.member_gamma),
            lineshape=change(self.lineshape),
            noise=change(self.noise),
        )


@dataclass(frozen=True, eq=False)
class Problem:
    """Everything that all spectra of a fit share.

    Attributes
    ----------
    basis : ndarray, complex128, shape (M, time)
        Scaled to a largest norm of one.
    scale : float
        Divisor of that scaling.
    dwelltime_s, frequency_hz : float; ndarray, shape (time,)
        In s; the bins in Hz, ascending.
    inside : ndarray, bool, shape (time,)
        The bins of the window, in the frame in which the data are corrected.
    curves, share : ndarray, float
        The baseline, see :func:`~fsl_mrs_dl.fit.lcm.baseline.smoother`.
    groups : tuple of int
        Of each member.
    settings : FitSettings
    window_of : Window or None
        The window of the background, if hypotheses are averaged. Then ``curves`` are the cosines that describe the
        background, and ``share`` is used at the start of the fit.
    """

    basis: Complex
    scale: float
    dwelltime_s: float
    frequency_hz: Real
    inside: NDArray[np.bool_]
    curves: Real
    share: Real
    groups: tuple[int, ...]
    settings: FitSettings
    window_of: Window | None = None

    @classmethod
    def of(cls, basis: Basis, settings: FitSettings, reference_ppm: float) -> "Problem":
        """Resolve the settings of a fit for a basis set.

        Raises
        ------
        DataError
            If a member of the basis is empty, or the window has too few points.
        OptionError
            If groups or baseline are not possible.
        """
        fids = np.asarray(basis.fids, dtype=np.complex128)
        norms = np.linalg.norm(fids, axis=1)
        if not np.isfinite(norms).all() or not (norms > 0).all():
            empty = [name for name, norm in zip(basis.names, norms, strict=True) if not norm > 0]
            raise DataError(
                f"The basis holds nothing usable for {', '.join(empty) or 'a member'}; leave it out."
            )
        groups = settings.groups or (0,) * len(fids)
        if len(groups) != len(fids) or set(groups) != set(range(max(groups) + 1)):
            raise OptionError(f"{len(groups)} groups for {len(fids)} members; number the groups from 0 on.")
        n = fids.shape[1]
        axes = (n, basis.dwelltime_s)
        ppm = ppm_axis(*axes, basis.spectrometer_frequency_mhz, reference_ppm)
        inside = ppm_window(ppm, settings.ppmlim)
        curves, share = smoother(settings.baseline, int(inside.sum()))
        scale = float(norms.max())
        frequency = frequency_axis_hz(*axes)
        ground = _window(basis, inside, ppm[inside]) if settings.averaged else None
        return cls(
            fids / scale,
            scale,
            basis.dwelltime_s,
            frequency,
            inside,
            curves,
            share,
            tuple(groups),
            settings,
            ground,
        )

    @property
    def n_groups(self) -> int:
        """Number of lineshape groups."""
        return max(self.groups) + 1

    @cached_property
    def time_s(self) -> Real:
        """Times of the points, in s."""
        return np.arange(self.basis.shape[1]) * self.dwelltime_s

    @cached_property
    def background(self) -> Background:
        """Priors of the background under the metabolites, if hypotheses are averaged."""
        if self.window_of is None:
            raise TypeError("Only a fit whose baseline is 'auto' has a background.")
        settings = self.settings
        decay = math.exp((_USUAL_ECHO_TIME_S - settings.echo_time_s) / _DECAY_S)
        chosen = hypotheses(settings.macromolecules, lipids=settings.lipids, tables=settings.tables)
        return background(self.window_of, chosen, density_prior(settings.without_tables), decay)

    @cached_property
    def _unshifted(self) -> NDArray[np.integer]:
        """Indices of the window's bins in an FFT with the zero frequency first."""
        return (np.flatnonzero(self.inside) - len(self.inside) // 2) % len(self.inside)

    @cached_property
    def free(self) -> NDArray[np.bool_]:
        """Which of the shared non-linear parameters are fitted, in the order of :meth:`jacobian`."""
        g = self.n_groups
        widths = np.full(g, not self.settings.held_widths)
        gaussian = widths & (not self.settings.lorentzian)
        ones = np.ones(g, dtype=bool)
        return np.concatenate([ones, widths, gaussian, [True, self.settings.first_order_phase]])

    def weigh(self, bins: Complex) -> Complex:
        """Subtract the baseline's share from windows of shape (..., inside)."""
        if not len(self.share):
            return bins
        return bins - (self.share * (bins @ self.curves)) @ self.curves.T

    def corrected(self, fids: Complex, at: Parameters) -> Complex:
        """Return the windows of data, corrected for the first group's shift and the phases: (S, inside)."""
        bins = self.window(correct(fids, at.shift_hz[:, 0], at.phase_rad, self.dwelltime_s))
        if not at.delay_s.any():
            return bins
        turn: Complex = np.exp(-2j * math.pi * at.delay_s[:, None] * self.frequency_hz[self.inside])
        return bins * turn

    def members(self, at: Parameters) -> Complex:
        """Return each member with its lineshape and its shift against the first group's: (S, M, time)."""
        # One lineshape is damped once for all members.
        one = self.n_groups == 1 and not at.member_gamma.shape[1]
        group = [0] if one else list(self.groups)
        relative = at.shift_hz[:, group] - at.shift_hz[:, :1]
        sigma = np.sqrt(at.spread[:, group])
        gamma = at.gamma[:, group] + at.member_gamma if at.member_gamma.shape[1] else at.gamma[:, group]
        damped: Complex = damp(self.basis[None], gamma, sigma, self.dwelltime_s)
        if at.lineshape.shape[1]:
            beside = (at.lineshape[:, None] @ self.lineshape_curves(at))[:, 0]
            damped = damped * (1 + beside)[:, None]
        if at.member_hz.shape[1]:
            relative = relative + at.member_hz
        elif self.n_groups == 1:
            return damped
        moved: Complex = shift(damped, relative, self.dwelltime_s)
        return moved

    def lineshape_curves(self, at: Parameters) -> Complex:
        """Return the change of an FID's envelope by each line beside the Voigt line: (S, L, time).

        These lines lie at multiples of 0.35 of its width. The changes are zero at time zero: areas stay the same.
        """
        reach, step = LINESHAPE
        places = np.concatenate([np.arange(-reach, 0), np.arange(1, reach + 1)])
        width_hz = voigt_fwhm_hz(at.gamma[:, 0], np.sqrt(at.spread[:, 0])) + OWN_WIDTH_HZ
        angle = 2 * math.pi * step * width_hz[:, None, None] * places[:, None] * self.time_s
        curves: Complex = np.exp(1j * angle) - 1
        return curves

    def window(self, fids: Complex) -> Complex:
        """Return the bins of the window: shape (..., inside)."""
        # The bins of fid_to_spectrum, without moving all the others.
        bins: Complex = np.fft.fft(fids, axis=-1, norm="ortho")[..., self._unshifted]
        return bins

    def model(self, at: Parameters, amplitudes: Real) -> Complex:
        """Return the windows of the model, without baseline, in the corrected frame: (S, inside)."""
        if self.n_groups > 1 or at.member_hz.shape[1]:
            return self.window(np.einsum("sm,smn->sn", amplitudes, self.members(at)))
        summed = amplitudes.astype(np.complex128) @ self.basis
        return self.window(damp(summed, at.gamma[:, 0], np.sqrt(at.spread[:, 0]), self.dwelltime_s))

    def jacobian(self, members: Complex, amplitudes: Real, *, own_shifts: bool) -> Complex:
        """Return the derivatives of the model by the non-linear parameters.

        The order is: shift, gamma and spread of each group, phase, delay, and optionally each member's own shift.

        Parameters
        ----------
        members : ndarray, complex, shape (S, M, time)
        amplitudes : ndarray, float, shape (S, M)
        own_shifts : bool

        Returns
        -------
        ndarray, complex, shape (S, 3 G + 2 [+ M], inside)
            In the corrected frame; the first group's shift moves all groups, and the others' their own lines.
        """
        t = self.time_s
        sums = np.stack(
            [
                np.einsum("sm,smn->sn", amplitudes * (np.array(self.groups) == g), members)
                for g in range(self.n_groups)
            ],
            axis=1,
        )
        total = sums.sum(axis=1, keepdims=True)
        moved = 2j * math.pi * t * sums
        by_phase = self.window(1j * total)
        by_delay = 2j * math.pi * self.frequency_hz[self.inside] * self.window(total)
        by_shape = self.window(np.concatenate([moved, -t * sums, -(t**2) * sums], axis=1))
        columns = [by_shape, by_phase, by_delay]
        if own_shifts:
            columns.append(self.window(2j * math.pi * t * amplitudes[..., None] * members))
        return np.concatenate(columns, axis=1)


_DECAY_S, _USUAL_ECHO_TIME_S = 0.027, 0.030
"""T2 of macromolecules at 0.9 ppm at 3 T (Landheer 2020, doi:10.1002/mrm.28282: 25 to 28 ms in four groups), and
the echo time of their usual amount, in s."""


def _window(basis: Basis, inside: NDArray[np.bool_], ppm: Real) -> Window:
    """Return the window of the background of a fit."""
    bins = (np.flatnonzero(inside) - len(inside) // 2) % len(inside)
    axes = (basis.dwelltime_s, basis.spectrometer_frequency_mhz, basis.reference_ppm)
    return Window(bins, ppm, len(inside), *axes, one_proton(basis))
