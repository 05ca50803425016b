"""Results of a quantification, in one form for the writers of files and for the report."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Basis, Complex, Real
from fsl_mrs_dl.io.scratch import new_array, release_memory

_ROWS_AT_A_TIME = 4096
"""Voxels that are copied to the grid at a time: 32 MiB for 1024 points in single precision."""

SCALINGS: Mapping[str, str] = {"raw": "", "internal": "", "molality": "mmol/kg", "molarity": "mmol/l"}
"""Scaling, by FSL-MRS's name of its folder and column -> unit."""

LEADING = ("molality", "molarity", "internal", "raw")
"""Scalings in order of preference: concentrations, in the order of FSL-MRS's summary, then ratios, then
amplitudes. Reports lead with the first that is known."""

INTERVALS = ("ci68_low", "ci68_high", "ci95_low", "ci95_high")
"""Ends of the posterior intervals."""

POSTERIOR_COLUMNS = ("posterior_mean", "posterior_sd", *INTERVALS, "shrinkage")
"""Columns of the posterior, under the prior. Never mixed with columns without prior, or their uncertainties."""

EXTRA_COLUMNS = ("crlb", *POSTERIOR_COLUMNS)
"""Columns after those of FSL-MRS: the Cramer-Rao bound alone, and the posterior."""


@dataclass(frozen=True, eq=False)
class Scaled:
    """Concentrations in one scaling; V fitted voxels, N metabolites and sums of metabolites.

    ``value`` with ``sd`` (without prior; FSL-MRS's columns) is never mixed with ``extra`` (under the prior).

    Attributes
    ----------
    value : ndarray, float, shape (V, N)
        Maximum-likelihood estimate; NaN where the voxel could not be fitted or scaled.
    sd : ndarray, float, shape (V, N)
        Standard deviation of the estimate, same unit; of ratios and sums from the covariance. It includes the
        Cramer-Rao bound and the spread between the hypotheses of the fit.
    unit : str
        Empty for ratios and amplitudes.
    extra : mapping of str to ndarray, float, shape (V, N)
        Those of :data:`POSTERIOR_COLUMNS` that are known.
    bound : ndarray, float, shape (V, N), or None
        Cramer-Rao bound alone, same unit; None if it equals ``sd``.
    """

    value: Real
    sd: Real
    unit: str = ""
    extra: Mapping[str, Real] = field(default_factory=dict)
    bound: Real | None = None

    @property
    def crlb(self) -> Real:
        """Cramer-Rao bound, shape (V, N)."""
        return self.sd if self.bound is None else self.bound

    @property
    def has_bounds(self) -> bool:
        """Whether any amount has an SD; those of a regressor have none."""
        return bool(np.isfinite(self.sd).any())

    @property
    def has_posterior(self) -> bool:
        """Whether there is a posterior mean with an interval; a ratio may have an interval without a mean."""
        ends = [self.extra.get(name) for name in ("ci95_low", "ci95_high")]
        known = all(end is not None and bool(np.isfinite(end).any()) for end in ends)
        return known and "posterior_mean" in self.extra


@dataclass(frozen=True, eq=False)
class WaterScaling:
    """Conversion of amplitudes to concentrations by the water reference, for the record and the report.

    Attributes
    ----------
    echo_time_s, repetition_time_s : float
        Of the metabolites, in s.
    reference : tuple of str
        Metabolites whose fitted signal was integrated like that of water.
    protons : int
        Number of protons of that signal.
    limits_ppm : tuple of float
        Limits of the integral, in ppm.
    t1_s, t2_s : mapping of str to float
        ``H2O_WM``, ``H2O_GM``, ``H2O_CSF``, ``METAB``, in s.
    fractions : mapping of str to ndarray, float, shape (V,); or None
        ``WM``, ``GM``, ``CSF``, volume fractions with the sum one; None: pure water was assumed.
    water_area, reference_area : ndarray, float, shape (V,)
        Of the spectra, in the units of the data.
    scale : float
        Additional factor from the user.
    water_echo_time_s, water_repetition_time_s : float or None
        Of the water reference, in s; None: those of the metabolites.
    """

    echo_time_s: float
    repetition_time_s: float
    reference: tuple[str, ...]
    protons: int
    limits_ppm: tuple[float, float]
    t1_s: Mapping[str, float]
    t2_s: Mapping[str, float]
    fractions: Mapping[str, Real] | None
    water_area: Real
    reference_area: Real
    scale: float = 1.0
    water_echo_time_s: float | None = None
    water_repetition_time_s: float | None = None


@dataclass(frozen=True, eq=False)
class Outcome:
    """Fits of V voxels with a basis of M members in G groups; N = M + number of sums.

    All signs and units are those of this package: Hz, rad, s. The writers convert to those of FSL-MRS.

    Attributes
    ----------
    members : tuple of str, length M
        Fitted members of the basis set, in its order.
    sums : tuple of tuple of str
        Sums of members, for example ``(("Cr", "PCr"),)``.
    names : tuple of str, length N
        ``members`` and then the sums as ``"Cr+PCr"``; the columns of ``scaled``.
    internal_reference : tuple of str
        Denominator of ``internal``; empty if there is none.
    groups : tuple of int, length M
        Lineshape-and-shift group of each member.
    grid : tuple of int
        (x, y, z) of the data.
    voxels : ndarray, int, shape (V, 3)
        Indices of the fitted voxels, in the order of ``np.argwhere``; one row of zeros for SVS.
    scaled : mapping of str to Scaled
        ``raw`` (amplitudes in units of the user's basis set), then those of ``internal``, ``molality`` and
        ``molarity`` that are known. Keys of :data:`SCALINGS`.
    crlb_percent : ndarray, float, shape (V, N)
        FSL-MRS's %CRLB: standard deviation of the estimate (``sd``) over the estimate of the amplitude, in per
        cent; at most 999, as FSL-MRS and LCModel print it.
    snr, fwhm_hz : ndarray, float, shape (V, M)
        Of each member's fitted signal, as FSL-MRS defines them: height after matched damping over noise
        outside the metabolites; full width at half maximum of the highest line, in Hz.
    shift_hz, gamma, sigma : ndarray, float, shape (V, G)
        In Hz, rad/s, rad/s: shift and Voigt broadening of the lines of the basis.
    phase_rad, delay_s : ndarray, float, shape (V,)
        Zero-order phase at the shift of the first group, and first-order phase as a delay about it: the model
        is exp(i phase) exp(2 pi i delay (f - shift_hz[:, 0])) times the spectrum.
    baseline_coefficients : ndarray, complex, shape (V, K)
    noise_sd, residual_whiteness : ndarray, float, shape (V,)
        Of one channel of the FID; lag-one autocorrelation of the residual in the window.
    iterations : ndarray, int, shape (V,)
    flags : ndarray, int16, shape (V,)
        Bits of :data:`fsl_mrs_dl.data.FLAGS`; 0 = no flag.
    fit, baseline : ndarray, complex, shape (V, time)
        FIDs with the phase and shift of the data: the whole fit, and the baseline alone.
    metabolites : ndarray, complex, shape (1, M, time), or None
        FID of each member; None for MRSI, where they are computed from ``basis`` and the parameters.
    correlation : ndarray, float, shape (M, M), or None
        Of the amplitudes, from the Fisher matrix; None for MRSI.
    basis : Basis
        The fitted set: conjugated if necessary, at the points of the data, without members that were left out.
    ppmlim : tuple of float
        The fit window, in ppm.
    water : WaterScaling or None
        None if there was no water reference.
    member_hz : ndarray, float, shape (V, M), or None
        Shift of each member relative to its group, in Hz; None if not fitted.
    misfit : ndarray, float, shape (V,), or None
        Amplitude of the residual above the noise, over that of the fit; negative where the residual is smaller
        than the noise. None if not known, as the next four.
    surprise : ndarray, float, shape (V,), or None
        -log10 of the probability that noise alone leaves such a residual: 3 = one spectrum in 1000.
    widening : ndarray, float, shape (V,), or None
        Factor of errors over their bounds, estimated from the residual filtered by lines; the intervals of the
        posterior include it.
    line_ppm, line_z : ndarray, float, shape (V,), or None
        Chemical shift in ppm, on the axis of the basis set, and height in SDs of the highest line in the residual;
        negative where the fit is too high.
    nuisance_sd : mapping of str to ndarray, float; or None
        Standard deviations of ``shift_hz``, ``gamma``, ``sigma``, ``carrier_phase_rad``, ``delay_s`` and
        ``member_hz``, in their shapes, from the Fisher matrix; NaN where not fitted. None for MRSI.
    posterior : mapping or None
        Prior and settings of the posterior, for the record; None if there is none.
    member_gamma : ndarray, float, shape (V, M), or None
        Lorentzian rate of each member relative to its group, in rad/s; None if not fitted.
    lineshape : ndarray, float, shape (V, L), or None
        Shares of the signal outside of the Voigt line (an uneven shim), see
        :class:`~fsl_mrs_dl.fit.lcm.problem.Parameters`; None if not fitted.
    broad_coefficients : ndarray, complex, shape (V, K), or None
        Correction of the macromolecules of the prior, as coefficients of cosines over the fit window.
    proton_signal : ndarray, float, shape (V,), or None
        First point of the FID of about 1 mmol/kg of protons: the scale of priors.
    hypotheses : tuple of str
        Hypotheses that were averaged, in words; empty if one model was fitted.
    hypothesis : ndarray, int, shape (V, L), or None
        Indices in ``hypotheses`` of the L most probable ones for each spectrum, best first.
    hypothesis_weight : ndarray, float, shape (V, L), or None
        Their posterior probabilities.
    verdict : ndarray, int8, shape (V,), or None
        Codes of :data:`fsl_mrs_dl.data.VERDICTS`; None if there is no verdict.
    reasons : tuple of str, length V
        Reason of each verdict, a sentence without full stop.
    causes : tuple of str, length V
        First cause of each verdict below good, one or two words without numbers, to count them; else empty.
    quality : mapping of str to ndarray, float, shape (V,); or None
        Measures behind the verdicts, see :data:`fsl_mrs_dl.fit.quantification.criteria.CRITERIA`.
    notes : tuple of str
        Notes for the record and the report, for example on conjugation.
    doubts : tuple of str
        Notes that limit every verdict to usable, for example that the basis set is of another sequence; they are
        in ``notes`` too.
    """

    members: tuple[str, ...]
    sums: tuple[tuple[str, ...], ...]
    internal_reference: tuple[str, ...]
    groups: tuple[int, ...]
    grid: tuple[int, int, int]
    voxels: NDArray[np.integer]
    scaled: Mapping[str, Scaled]
    crlb_percent: Real
    snr: Real
    fwhm_hz: Real
    shift_hz: Real
    gamma: Real
    sigma: Real
    phase_rad: Real
    delay_s: Real
    baseline_coefficients: Complex
    noise_sd: Real
    residual_whiteness: Real
    iterations: NDArray[np.integer]
    flags: NDArray[np.int16]
    fit: Complex
    baseline: Complex
    metabolites: Complex | None
    correlation: Real | None
    basis: Basis
    ppmlim: tuple[float, float]
    water: WaterScaling | None = None
    member_hz: Real | None = None
    nuisance_sd: Mapping[str, Real] | None = None
    posterior: Mapping[str, Any] | None = None
    misfit: Real | None = None
    surprise: Real | None = None
    widening: Real | None = None
    line_ppm: Real | None = None
    line_z: Real | None = None
    member_gamma: Real | None = None
    lineshape: Real | None = None
    broad_coefficients: Complex | None = None
    proton_signal: Real | None = None
    hypotheses: tuple[str, ...] = ()
    hypothesis: NDArray[np.integer] | None = None
    hypothesis_weight: Real | None = None
    verdict: NDArray[np.int8] | None = None
    reasons: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()
    quality: Mapping[str, Real] | None = None
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Members and sums, the columns of ``scaled``."""
        return (*self.members, *("+".join(parts) for parts in self.sums))

    @property
    def carrier_phase_rad(self) -> Real:
        """Zero-order phase at the carrier, as in FSL-MRS, in rad; shape (V,)."""
        phase = self.phase_rad - 2 * np.pi * self.delay_s * self.shift_hz[:, 0]
        wrapped: Real = np.angle(np.exp(1j * phase))
        return wrapped

    @property
    def line(self) -> tuple[float, float] | None:
        """Chemical shift in ppm and z of the highest line in the residual of the first spectrum."""
        if self.line_ppm is None or self.line_z is None:
            return None
        return float(self.line_ppm[0]), float(self.line_z[0])

    @property
    def leading_scaling(self) -> str:
        """Scaling that report, terminal and viewer show first, see :data:`LEADING`."""
        return next(name for name in LEADING if name in self.scaled)

    @property
    def single_voxel(self) -> bool:
        """Whether one spectrum was fitted."""
        return self.grid == (1, 1, 1)

    def column(self, name: str) -> int:
        """Return the index of a metabolite or a sum in arrays of N columns."""
        return self.names.index(name)

    def on_grid(self, values: NDArray[Any], fill: float = 0.0) -> NDArray[Any]:
        """Return values of the fitted voxels on the grid of the data.

        Parameters
        ----------
        values : ndarray, shape (V, ...)
        fill : float
            Value in all other voxels.

        Returns
        -------
        ndarray, shape (x, y, z, ...)
        """
        if len(self.voxels) == np.prod(self.grid):
            return values.reshape(*self.grid, *values.shape[1:])  # every voxel, in its order: no copy
        whole = new_array((*self.grid, *values.shape[1:]), values.dtype)
        if fill:
            whole[...] = fill
        for start in range(0, len(self.voxels), _ROWS_AT_A_TIME):
            rows = slice(start, start + _ROWS_AT_A_TIME)
            whole[tuple(self.voxels[rows].T)] = values[rows]
            release_memory(whole, values)
        return whole
