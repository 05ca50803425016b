"""What is drawn of one fitted spectrum: data, fit, baseline, residual and metabolites, in absorption."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Complex, MRSData, Real
from fsl_mrs_dl.io.results.outcome import Outcome
from fsl_mrs_dl.physics import (
    basis_sum,
    fid_to_spectrum,
    first_order_phase,
    phase,
    ppm_axis,
    ppm_window,
    shift,
)

SHOWN_1H_PPM = (0.2, 4.2)
_FEW_POINTS = 2048


@dataclass(frozen=True, eq=False)
class FitView:
    """Real parts of the spectra of one voxel, turned and moved as the fit says.

    Attributes
    ----------
    ppm : ndarray, float, shape (frequency,)
        Ascending; only what is shown.
    data, fit, baseline, residual : ndarray, float, shape (frequency,)
        ``fit`` holds the baseline; NaN where the voxel could not be fitted.
    metabolites : ndarray, float, shape (metabolite, frequency)
        Without the baseline.
    names : tuple of str
        Of ``metabolites``.
    limits_ppm : tuple of float
        The fit window.
    voxel : tuple of int
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

    @property
    def fitted(self) -> bool:
        """Whether there is a fit to draw."""
        return bool(np.isfinite(self.fit).all())

    @property
    def height(self) -> float:
        """Highest point of the fit in the window above the baseline; 1 where there is none."""
        inside = (self.ppm >= self.limits_ppm[0]) & (self.ppm <= self.limits_ppm[1])
        curve = self.fit - self.baseline if self.fitted else self.data
        return float(np.max(np.abs(np.nan_to_num(curve[inside])), initial=0.0)) or 1.0


def view_fit(data: MRSData, outcome: Outcome, row: int = 0) -> FitView:
    """Choose and prepare what is drawn of one voxel.

    Zero- and first-order phase and the shift of the fit are taken away, the same for all curves, and the
    first point is halved: so lines stand upright, at their chemical shift, on a flat ground. Short FIDs are
    filled with zeros to twice their length.

    Parameters
    ----------
    data : MRSData
        What was fitted.
    outcome : Outcome
    row : int
        Among the fitted voxels.

    Returns
    -------
    FitView
    """
    x, y, z = (int(i) for i in outcome.voxels[row])
    fid = data.fid[x, y, z].reshape(data.n_points, -1)[:, 0].astype(np.complex128)
    curves = np.stack([fid, outcome.fit[row], outcome.baseline[row]])
    members = member_fids(outcome, row)
    filled = data.n_points * (2 if data.n_points < _FEW_POINTS else 1)
    ppm = ppm_axis(filled, data.dwelltime_s, data.spectrometer_frequency_mhz, data.reference_ppm)
    limits = outcome.ppmlim or (ppm[0], ppm[-1])
    wide = (min(*limits, SHOWN_1H_PPM[0]), max(*limits, SHOWN_1H_PPM[1]))
    shown = ppm_window(ppm, wide if data.nucleus == "1H" else limits)
    longer = np.pad(np.concatenate([curves, members]), ((0, 0), (0, filled - data.n_points)))
    turned = _upright(longer, outcome, row, data.dwelltime_s)[:, shown]
    return FitView(
        ppm=ppm[shown],
        data=np.where(np.isfinite(turned[0]), turned[0], 0.0),
        fit=turned[1],
        baseline=turned[2],
        residual=turned[0] - turned[1],
        metabolites=turned[3:],
        names=outcome.members,
        limits_ppm=(float(min(limits)), float(max(limits))),
        voxel=(x, y, z),
    )


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
    turned: Complex = first_order_phase(phase(fids, outcome.phase_rad[row]), outcome.delay_s[row], step)
    return turned


def main_group(outcome: Outcome, row: int) -> int:
    """Return the lineshape group with most fitted signal; its shift is taken away for display."""
    size = (
        np.linalg.norm(outcome.basis.fids, axis=1) * outcome.scaled["raw"].value[row, : len(outcome.members)]
    )
    return int(outcome.groups[int(np.argmax(np.nan_to_num(size)))]) if outcome.groups else 0


def _upright(fids: Complex, outcome: Outcome, row: int, dwelltime_s: float) -> Real:
    """Return real spectra with the fit's phases and shift taken away; plain ones where there is no fit."""
    shift_hz = outcome.shift_hz[row, main_group(outcome, row)]
    turn = [-float(value) for value in (outcome.phase_rad[row], outcome.delay_s[row], shift_hz)]
    known: NDArray[np.floating] = np.nan_to_num(np.array(turn))
    delayed = first_order_phase(phase(fids, known[0]), known[1], dwelltime_s)
    fids = shift(delayed, known[2], dwelltime_s)
    fids[..., 0] /= 2
    real: Real = fid_to_spectrum(fids).real
    return real
