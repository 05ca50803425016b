"""Prepare the curves of one fitted spectrum for display: data, fit, baseline, residual and metabolites."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import FLAGS, Complex, MRSData, Real
from fsl_mrs_dl.io.results.outcome import Outcome
from fsl_mrs_dl.physics import (
    basis_sum,
    fid_to_spectrum,
    first_order_phase,
    phase,
    ppm_window,
)

SHOWN_1H_PPM = (0.2, 4.2)
"""Range of a figure of 1H, in ppm: metabolites and lipids, without water."""


@dataclass(frozen=True, eq=False)
class FitView:
    """Real parts of the spectra of one voxel, with the phase and shift of the fit removed.

    Attributes
    ----------
    ppm : ndarray, float, shape (frequency,)
        Ascending; only the shown range.
    data, fit, baseline, residual : ndarray, float, shape (frequency,)
        ``fit`` includes the baseline; NaN if the voxel could not be fitted.
    metabolites : ndarray, float, shape (metabolite, frequency)
        Without the baseline.
    names : tuple of str
        Of ``metabolites``.
    limits_ppm : tuple of float
        The fit window.
    voxel : tuple of int
    line_ppm : float or None
        Chemical shift of an unmodelled line in the residual; None if none is flagged.
    """

    ppm: Real
    data: Real
    fit: Real
    baseline: Real
    residual: Real
    metabolites: Real
    names: tuple[str, ...]
    limits_ppm: tuple[float, float]
    voxel: tuple[int, int, int]
    line_ppm: float | None = None

    @property
    def fitted(self) -> bool:
        """Whether there is a fit to draw."""
        return bool(np.isfinite(self.fit).all())

    @property
    def height(self) -> float:
        """Highest point of the fit in the window above the baseline; 1 if it is zero."""
        inside = (self.ppm >= self.limits_ppm[0]) & (self.ppm <= self.limits_ppm[1])
        curve = self.fit - self.baseline if self.fitted else self.data
        return float(np.max(np.abs(np.nan_to_num(curve[inside])), initial=0.0)) or 1.0


def view_fit(data: MRSData, outcome: Outcome, row: int = 0) -> FitView:
    """Prepare the curves of one voxel for display.

    Zero- and first-order phase of the fit are removed from all curves, and its shift from the axis: lines are in
    absorption, at their chemical shift. The offset of a discrete transform below every line, half of the first
    point, is subtracted from the metabolites, and the sum of these offsets from data and fit; residual and
    baseline stay as they were fitted. FIDs are not shifted or zero-filled: the FID of a baseline is on both sides
    of time zero, and would change.

    Parameters
    ----------
    data : MRSData
        Data that were fitted.
    outcome : Outcome
    row : int
        Among the fitted voxels.

    Returns
    -------
    FitView
    """
    x, y, z = (int(i) for i in outcome.voxels[row])
    fid = data.fid[x, y, z].reshape(data.n_points, -1)[:, 0].astype(np.complex128)
    members, smooth = member_fids(outcome, row), outcome.baseline[row]
    curves = np.stack([fid, outcome.fit[row] - smooth, *members, smooth])
    turn = np.nan_to_num(np.array([outcome.phase_rad[row], outcome.delay_s[row]]))
    pivot_hz = float(np.nan_to_num(outcome.shift_hz[row, 0]))  # 0 Hz of the fit's own frame
    fids = first_order_phase(phase(curves, -turn[0]), -turn[1], data.dwelltime_s, pivot_hz)
    ground = (
        fids[2:-1, 0].real / 2 / np.sqrt(data.n_points)
    )  # what half a first point adds to every frequency
    ppm, limits, shown = _frequencies(data, outcome, row)
    spectra = fid_to_spectrum(fids).real[:, shown]
    whole, metabolites, baseline = spectra[0], spectra[1], spectra[-1]
    return FitView(
        ppm=ppm[shown],
        data=np.nan_to_num(whole - np.nansum(ground)),
        fit=metabolites + baseline - np.nansum(ground),
        baseline=baseline,
        residual=whole - metabolites - baseline,
        metabolites=spectra[2:-1] - ground[:, None],
        names=outcome.members,
        limits_ppm=limits,
        voxel=(x, y, z),
        line_ppm=_line_ppm(data, outcome, row),
    )


def _line_ppm(data: MRSData, outcome: Outcome, row: int) -> float | None:
    """Return the place of a flagged line on the axis, which has the shift of the main group, not of the first."""
    if outcome.line_ppm is None or not outcome.flags[row] >> FLAGS["unmodelled_line"].bit & 1:
        return None
    apart_hz = outcome.shift_hz[row, 0] - outcome.shift_hz[row, main_group(outcome, row)]
    return float(outcome.line_ppm[row] + apart_hz / data.spectrometer_frequency_mhz)


def _frequencies(
    data: MRSData, outcome: Outcome, row: int
) -> tuple[Real, tuple[float, float], NDArray[np.bool_]]:
    """Return the chemical shifts minus the shift of the fit, the fit window, and the shown range."""
    ppm = data.ppm_axis
    shift_hz = float(np.nan_to_num(outcome.shift_hz[row, main_group(outcome, row)]))
    moved = ppm - shift_hz / data.spectrometer_frequency_mhz
    low, high = sorted(outcome.ppmlim) if outcome.ppmlim else (float(ppm[0]), float(ppm[-1]))
    wide = (min(low, SHOWN_1H_PPM[0]), max(high, SHOWN_1H_PPM[1])) if data.nucleus == "1H" else (low, high)
    return moved, (low, high), ppm_window(moved, wide)


def member_fids(outcome: Outcome, row: int) -> Complex:
    """Return the fitted FID of each member of the basis in one voxel, shape (metabolite, time)."""
    if outcome.metabolites is not None:
        whole: Complex = outcome.metabolites[row]
        return whole
    amplitudes = np.diag(outcome.scaled["raw"].value[row, : len(outcome.members)])
    shape = (len(outcome.members), outcome.gamma.shape[1])
    shift_hz, gamma, sigma = (
        np.broadcast_to(v[row], shape) for v in (outcome.shift_hz, outcome.gamma, outcome.sigma)
    )
    step = outcome.basis.dwelltime_s
    groups = outcome.groups or None
    fids = basis_sum(np.asarray(outcome.basis.fids), amplitudes, shift_hz, gamma, sigma, step, groups)
    pivot_hz = float(outcome.shift_hz[row, 0])
    turned: Complex = first_order_phase(
        phase(fids, outcome.phase_rad[row]), outcome.delay_s[row], step, pivot_hz
    )
    return turned


def main_group(outcome: Outcome, row: int) -> int:
    """Return the lineshape group with most fitted signal, whose shift is removed for display."""
    size = (
        np.linalg.norm(outcome.basis.fids, axis=1) * outcome.scaled["raw"].value[row, : len(outcome.members)]
    )
    return int(outcome.groups[int(np.argmax(np.nan_to_num(size)))]) if outcome.groups else 0
