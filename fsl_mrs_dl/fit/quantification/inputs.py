"""Inputs that are readable but not what they are taken for: told, or refused, before and after a fit."""

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Complex, MRSData, Real, fid_flags
from fsl_mrs_dl.errors import OptionError
from fsl_mrs_dl.fit.lcm import Baseline
from fsl_mrs_dl.fit.lcm.baseline import smoother
from fsl_mrs_dl.io.results import Outcome
from fsl_mrs_dl.physics import fid_to_spectrum, ppm_window
from fsl_mrs_dl.physics.hsvd import band_signal

WATER_PPM = (4.4, 4.9)
_WATER_PEAK_PPM = (4.05, 5.25)
_METABOLITES_PPM = (1.5, 3.4)
_LEAST_WATER = 10.0
_MOST_SPECTRA = 64
_LOOKED_AT = 3
_TALL = 2.0
LARGEST_TAIL = 0.1
"""Share of the window's energy, less the baseline, from which the tail of the water is told."""
_SHORTEST_TE_S, _LONGEST_TR_S = 1e-3, 100.0


def _some(data: MRSData, voxels: NDArray[np.intp]) -> Complex:
    fids: Complex = data.fid[tuple(voxels[:: max(1, len(voxels) // _MOST_SPECTRA)].T)].astype(np.complex128)
    good: Complex = fids[fid_flags(fids) == ""]
    return good


def check_water_reference(water: MRSData, voxels: NDArray[np.intp]) -> None:
    """Refuse a water reference in which water does not stand out.

    Parameters
    ----------
    water : MRSData
        One FID a voxel.
    voxels : ndarray, int, shape (V, 3)

    Raises
    ------
    OptionError
        If its highest line about 4.65 ppm is less than ten times as high as what lies at metabolites.
    """
    fids = _some(water, voxels)
    if not len(fids):
        return
    height = np.abs(fid_to_spectrum(fids)).mean(axis=0)
    peak = height[ppm_window(water.ppm_axis, _WATER_PEAK_PPM)].max()
    other = height[ppm_window(water.ppm_axis, _METABOLITES_PPM)].max()
    if peak < _LEAST_WATER * other:
        raise OptionError(
            f"{water.name or 'The water reference'} has a line at 4.65 ppm {peak / max(other, 1e-300):.1f} times "
            "as high as at the metabolites; --h2o needs a scan without water suppression."
        )


def check_times(echo_time_s: float | None, repetition_time_s: float | None, header_s: object) -> None:
    """Refuse times given in the wrong unit.

    Parameters
    ----------
    echo_time_s, repetition_time_s : float or None
        As given by ``--TE`` and ``--TR``.
    header_s : object
        ``EchoTime`` of the header.

    Raises
    ------
    OptionError
        If TE is below 1 ms, and the header does not say so too, or TR is above 100 s.
    """
    short = isinstance(header_s, (int, float)) and 0 < header_s < _SHORTEST_TE_S
    if echo_time_s is not None and 0 < echo_time_s < _SHORTEST_TE_S and not short:
        told = 1e3 * echo_time_s
        raise OptionError(f"--TE is {told:g} ms; --TE is in ms: for {told:g} s give --TE {1e3 * told:g}.")
    if repetition_time_s is not None and _LONGEST_TR_S < repetition_time_s < np.inf:
        raise OptionError(
            f"--TR is {repetition_time_s:g} s; --TR is in s: for {repetition_time_s:g} ms give "
            f"--TR {repetition_time_s / 1e3:g}."
        )


def water_tail(
    data: MRSData, voxels: NDArray[np.intp], window: tuple[float, float], baseline: Baseline
) -> float:
    """Return the largest share of residual water in the energy of the window, after the baseline took its part.

    The water is what HSVD finds from 4.4 to 4.9 ppm (the band of ``remove`` and a margin for its width), in
    the up to three spectra in which it is highest against the rest.

    Parameters
    ----------
    data : MRSData
        One spectrum a voxel.
    voxels : ndarray, int, shape (V, 3)
    window : tuple of float
        In ppm.
    baseline : Baseline

    Returns
    -------
    float
        0 where no line of water is twice as high as the rest, or the nucleus is not 1H.
    """
    fids = _some(data, voxels)
    inside = ppm_window(data.ppm_axis, window)
    water = ppm_window(data.ppm_axis, WATER_PPM)
    if data.nucleus != "1H" or not len(fids) or (water & inside).all() or not water.any():
        return 0.0
    height = np.abs(fid_to_spectrum(fids))
    over = height[:, water].max(axis=1) / np.maximum(height[:, inside & ~water].max(axis=1), 1e-300)
    curves, share = smoother(baseline, int(inside.sum()))
    low, high = ((edge - data.reference_ppm) * data.spectrometer_frequency_mhz for edge in WATER_PPM)

    def energy(bins: Complex) -> Real:
        left: Real = np.abs(bins - (share * (bins @ curves)) @ curves.T) ** 2
        total: Real = left.sum(axis=-1)
        return total

    found = 0.0
    for row in np.argsort(-over)[:_LOOKED_AT]:
        if over[row] > _TALL:
            tail = fid_to_spectrum(band_signal(fids[row], data.dwelltime_s, (low, high)))[inside]
            rest = fid_to_spectrum(fids[row])[inside] - tail
            found = max(found, float(energy(tail) / (energy(tail) + energy(rest))))
    return found


def empty_results(outcome: Outcome) -> tuple[str, ...]:
    """Return what is to be said of scalings without values.

    Parameters
    ----------
    outcome : Outcome
    """
    reasons = {
        "internal": f"the reference {'+'.join(outcome.internal_reference)} was fitted as zero",
        "molality": "the voxel holds no tissue water (--tissue_frac), or no water was found",
        "molarity": "the voxel holds no tissue (--tissue_frac), or no water was found",
    }
    fitted = np.isfinite(outcome.noise_sd)
    said = []
    for scaling, reason in reasons.items():
        if scaling in outcome.scaled:
            empty = fitted & ~np.isfinite(outcome.scaled[scaling].value).any(axis=1)
            if empty.any():
                where = "" if outcome.single_voxel else f" in {int(empty.sum())} of {len(empty)} voxels"
                said.append(f"{scaling} is empty{where}: {reason}")
    return tuple(said)


def own_fit(data: MRSData) -> bool:
    """Return whether the data are the curve of a fit and not a measurement, by their record."""
    return any(record.get("Method") == "Quantification" for record in data.processing)
