"""What a quantification found, in one neutral form that the writers of results and the report share."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Basis, Complex, Real
from fsl_mrs_dl.io.scratch import let_go, new_array

_ROWS = 4096
"""Voxels that are put on the grid at a time: 32 MiB of 1024 points in single precision."""

SCALINGS: Mapping[str, str] = {"raw": "", "internal": "", "molality": "mmol/kg", "molarity": "mmol/l"}
"""Scaling, as FSL-MRS names its folder and its column -> unit."""

LEADING = ("molality", "molarity", "internal", "raw")
"""Scalings from the one that results lead with to the last choice: concentrations, in the order of FSL-MRS's
summary, before ratios before amplitudes."""

INTERVALS = ("ci68_low", "ci68_high", "ci95_low", "ci95_high")
"""Ends of the posterior intervals."""

POSTERIOR_COLUMNS = ("posterior_mean", "posterior_sd", *INTERVALS, "shrinkage")
"""What is said under the prior; no other number belongs between these or is told with their uncertainty."""

EXTRA_COLUMNS = ("crlb", *POSTERIOR_COLUMNS)
"""What stands behind FSL-MRS's columns: the bound alone, and the posterior."""


@dataclass(frozen=True, eq=False)
class Scaled:
    """Concentrations in one scaling; V fitted voxels, N metabolites and sums of metabolites.

    Two statements that are never mixed: ``value`` with ``sd`` (without prior; FSL-MRS's columns), and the
    columns of ``extra`` (under the prior of the posterior).

    Attributes
    ----------
    value : ndarray, float, shape (V, N)
        Maximum-likelihood estimate; NaN where the voxel could not be fitted or scaled.
    sd : ndarray, float, shape (V, N)
        Standard deviation of the estimate, same unit; of ratios and sums from the covariance. It holds the
        Cramer-Rao bound and what the choice between several hypotheses of the fit costs.
    unit : str
        Of all; empty for ratios and amplitudes.
    extra : mapping of str to ndarray, float, shape (V, N)
        Those of :data:`POSTERIOR_COLUMNS` that are known; the others are left empty.
    bound : ndarray, float, shape (V, N), or None
        Cramer-Rao bound alone, same unit; None where ``sd`` holds nothing else.
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
    def has_posterior(self) -> bool:
        """Whether there is a posterior to lead with; of a ratio an interval may be known without a mean."""
        ends = [self.extra.get(name) for name in ("ci95_low", "ci95_high")]
        known = all(end is not None and bool(np.isfinite(end).any()) for end in ends)
        return known and "posterior_mean" in self.extra


@dataclass(frozen=True, eq=False)
class WaterScaling:
    """How amplitudes became concentrations by the water reference; for the record and the report.

    Attributes
    ----------
    echo_time_s, repetition_time_s : float
        Of the metabolites, in s.
    reference : tuple of str
        Metabolites whose fitted signal was measured like the water's.
    protons : int
        Of that signal.
    limits_ppm : tuple of float
        Where it was integrated, in ppm.
    t1_s, t2_s : mapping of str to float
        ``H2O_WM``, ``H2O_GM``, ``H2O_CSF``, ``METAB``, in s.
    fractions : mapping of str to ndarray, float, shape (V,); or None
        ``WM``, ``GM``, ``CSF``, volume fractions that add up to one; None: pure water was assumed.
    water_area, reference_area : ndarray, float, shape (V,)
        Of the spectra, in the units of the data.
    scale : float
        Additional factor asked for by the user.
    water_echo_time_s, water_repetition_time_s : float or None
        Of the water reference, in s; None: as those of the metabolites.
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

    Everything is in our conventions: memory sign, our sign of the phases, Hz, rad, s. Only the writers of
    this package know FSL-MRS's.

    Attributes
    ----------
    members : tuple of str, length M
        Members of the basis that were fitted, in its order.
    sums : tuple of tuple of str
        Sums that stand behind them, for example ``(("Cr", "PCr"),)``.
    names : tuple of str, length N
        ``members`` and then the sums as ``"Cr+PCr"``; the columns of ``scaled``.
    internal_reference : tuple of str
        Sum that ``internal`` is a ratio to; empty where there is none.
    groups : tuple of int, length M
        Lineshape-and-shift group of each member.
    grid : tuple of int
        (x, y, z) of the data.
    voxels : ndarray, int, shape (V, 3)
        Where the fitted voxels lie in it, in the order of ``np.argwhere``; one row of zeros for SVS.
    scaled : mapping of str to Scaled
        ``raw`` (amplitudes of the basis as it was given), then those of ``internal``, ``molality`` and
        ``molarity`` that are known. Keys of :data:`SCALINGS`.
    crlb_percent : ndarray, float, shape (V, N)
        FSL-MRS's %CRLB: standard deviation of the estimate (``sd``) over the estimate of the amplitude, in per
        cent; at most 999, as FSL-MRS and LCModel print it.
    snr, fwhm_hz : ndarray, float, shape (V, M)
        Of each member's fitted signal, as FSL-MRS defines them: height after matched damping over noise
        outside the metabolites; full width at half maximum of the highest line, in Hz.
    shift_hz, gamma, sigma : ndarray, float, shape (V, G)
        Hz, rad/s, rad/s: Voigt line on top of the lines of the basis.
    phase_rad, delay_s : ndarray, float, shape (V,)
        Zero-order phase at the first group's shift, and first-order phase as a delay about it: what is fitted
        is exp(i phase) exp(2 pi i delay (f - shift_hz[:, 0])) times the spectrum.
    baseline_coefficients : ndarray, complex, shape (V, K)
    noise_sd, residual_whiteness : ndarray, float, shape (V,)
        Of one channel of the FID; lag-one autocorrelation of the residual in the window.
    iterations : ndarray, int, shape (V,)
    flags : ndarray, int16, shape (V,)
        Bits of :data:`fsl_mrs_dl.data.FLAGS`; 0 = nothing to say.
    fit, baseline : ndarray, complex, shape (V, time)
        FIDs in the frame of the data: everything fitted, and the baseline alone.
    metabolites : ndarray, complex, shape (1, M, time), or None
        FID of each member; None for MRSI, where ``basis`` and the parameters are enough to draw them.
    correlation : ndarray, float, shape (M, M), or None
        Of the amplitudes, from the Fisher matrix; None for MRSI.
    basis : Basis
        As it was fitted: conjugated if need be, at the points of the data, without what was left out.
    ppmlim : tuple of float
        The fit window, in ppm.
    water : WaterScaling or None
        None where there was no water reference.
    member_hz : ndarray, float, shape (V, M), or None
        Shift of each member of its own, on top of its group's, in Hz; None where not fitted.
    misfit : ndarray, float, shape (V,), or None
        Amplitude of what the fit left above the noise, over that of what it fitted; negative where the residual
        is smaller than the noise. None where not known, as the next four.
    surprise : ndarray, float, shape (V,), or None
        Decades of the chance that noise leaves as strange a residual: 3 = one spectrum in 1000.
    widening : ndarray, float, shape (V,), or None
        By how much errors are larger than the bounds, as the residual seen through lines tells; the posterior's
        intervals hold it.
    line_ppm, line_z : ndarray, float, shape (V,), or None
        Where in ppm of the basis set a line stands out of the residual most, and its height in SDs; negative
        where the fit is too high.
    nuisance_sd : mapping of str to ndarray, float; or None
        Standard deviations of ``shift_hz``, ``gamma``, ``sigma``, ``carrier_phase_rad``, ``delay_s`` and
        ``member_hz``, in their shapes, from the Fisher matrix; NaN where not fitted. None for MRSI.
    posterior : mapping or None
        What the posterior stands on, for the record; None where there is none.
    member_gamma : ndarray, float, shape (V, M), or None
        Lorentzian rate of each member of its own, on top of its group's, in rad/s; None where not fitted.
    lineshape : ndarray, float, shape (V, L), or None
        Shares of the signal beside the Voigt line (an uneven shim), see
        :class:`~fsl_mrs_dl.fit.lcm.problem.Parameters`; None where not fitted.
    broad_coefficients : ndarray, complex, shape (V, K), or None
        What the data add to the macromolecules of the prior, as coefficients of cosines over the fit window.
    proton_signal : ndarray, float, shape (V,), or None
        First point of the FID of about 1 mmol/kg of protons, by which priors are scaled.
    hypotheses : tuple of str
        What was averaged over, in words; empty where one model was fitted.
    hypothesis : ndarray, int, shape (V, L), or None
        The L that weigh most of each spectrum, best first, as places in ``hypotheses``.
    hypothesis_weight : ndarray, float, shape (V, L), or None
        Their posterior probabilities.
    verdict : ndarray, int8, shape (V,), or None
        Codes of :data:`fsl_mrs_dl.data.VERDICTS`; None where nobody judged.
    reasons : tuple of str, length V
        Why, a sentence without full stop each.
    causes : tuple of str, length V
        The first cause of each that is not good, a word or two without numbers, to be counted; else empty.
    quality : mapping of str to ndarray, float, shape (V,); or None
        What the verdicts stand on, see :data:`fsl_mrs_dl.fit.quantification.criteria.CRITERIA`.
    notes : tuple of str
        Statements for the record and the report, for example of conjugation.
    doubts : tuple of str
        Sentences that make every result usable at best, for example that the basis set is of another sequence;
        they stand in ``notes`` too.
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
        """Zero-order phase at the carrier, where FSL-MRS counts it from; shape (V,)."""
        phase = self.phase_rad - 2 * np.pi * self.delay_s * self.shift_hz[:, 0]
        wrapped: Real = np.angle(np.exp(1j * phase))
        return wrapped

    @property
    def line(self) -> tuple[float, float] | None:
        """Place in ppm and z of the line that stands out of the first residual most."""
        if self.line_ppm is None or self.line_z is None:
            return None
        return float(self.line_ppm[0]), float(self.line_z[0])

    @property
    def leading_scaling(self) -> str:
        """The scaling that report, terminal and viewer lead with, see :data:`LEADING`."""
        return next(name for name in LEADING if name in self.scaled)

    @property
    def single_voxel(self) -> bool:
        """Whether it is the fit of one spectrum."""
        return self.grid == (1, 1, 1)

    def column(self, name: str) -> int:
        """Return where a metabolite or a sum stands in the arrays of N columns."""
        return self.names.index(name)

    def on_grid(self, values: NDArray[Any], fill: float = 0.0) -> NDArray[Any]:
        """Return values of the fitted voxels on the grid of the data.

        Parameters
        ----------
        values : ndarray, shape (V, ...)
        fill : float
            Elsewhere.

        Returns
        -------
        ndarray, shape (x, y, z, ...)
        """
        if len(self.voxels) == np.prod(self.grid):
            return values.reshape(*self.grid, *values.shape[1:])  # every voxel, in its order: no copy
        whole = new_array((*self.grid, *values.shape[1:]), values.dtype)
        if fill:
            whole[...] = fill
        for start in range(0, len(self.voxels), _ROWS):
            rows = slice(start, start + _ROWS)
            whole[tuple(self.voxels[rows].T)] = values[rows]
            let_go(whole, values)
        return whole
