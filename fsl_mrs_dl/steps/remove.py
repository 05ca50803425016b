"""The step ``remove``."""

from typing import TYPE_CHECKING

import numpy as np

from fsl_mrs_dl.data import TIME_AXIS, Complex, MRSData, Real
from fsl_mrs_dl.errors import OptionError
from fsl_mrs_dl.steps.registry import StepResult, step, usable_fids

if TYPE_CHECKING:
    from fsl_mrs_dl.fit.residual_water import WaterLine

Band = tuple[float, float]


@step(method="Nuisance peak removal")
def remove(data: MRSData, *, ppm: tuple[float, float] | None = None) -> StepResult:
    """Remove residual water, or all peaks in a window, by HSVD.

    Looks for water in each FID: the strongest line within 0.8 ppm of 4.65 ppm that cannot be a metabolite, or a
    line at the place of water that Cr, NAA and Cho indicate. If there is none, the FID is left as it is. Each FID
    is described by 20 damped sinusoids (Barkhuijsen et al. 1987, doi:10.1016/0022-2364(87)90023-0). Those within
    0.3 ppm of strong water, or within 0.15 ppm of weak water, are subtracted with their tails. The place of the
    water and the removed energy are printed and recorded.

    Parameters
    ----------
    data : MRSData
    ppm : tuple of float, optional
        Remove everything in this window, in ppm, from every FID. Default for 1H and 2H: a window around the water.

    Returns
    -------
    StepResult
        FIDs that are zero or not finite, and FIDs without water, do not change.

    Raises
    ------
    OptionError
        If the window is empty, outside the spectrum, or missing for another nucleus.

    Examples
    --------
    fsl_mrs_dl remove --file averaged/metab.nii.gz --output dry
    """
    from tqdm import tqdm

    from fsl_mrs_dl.fit.residual_water import lines_between  # SciPy's solvers: not for --help

    fids = np.moveaxis(data.fid, TIME_AXIS, -1).astype(np.complex128)
    places = [tuple(index) for index in np.argwhere(usable_fids(data))]
    window = None if ppm is None else _window(data, ppm)
    per_fid = [] if window else _water(data, np.stack([fids[place] for place in places]))
    waters = [water for water in per_fid if water is not None]
    bands = [window] * len(places) if window else [water and water.band_ppm for water in per_fid]
    work = [(place, band) for place, band in zip(places, bands, strict=True) if band]
    shares = []
    for place, band in tqdm(work, desc="remove", unit="FID", disable=None, leave=False):
        before = np.linalg.norm(fids[place])
        fids[place] -= lines_between(data, fids[place], band)
        shares.append(100 * (1 - float(np.linalg.norm(fids[place]) / before) ** 2))
    settled, messages = _summary(data, window, waters, np.array(shares), len(places))
    return StepResult(data.with_fid(np.moveaxis(fids, -1, TIME_AXIS)), settled=settled, messages=messages)


def _water(data: MRSData, fids: Complex) -> "list[WaterLine | None]":
    """Return the water of each FID, or refuse a nucleus without water."""
    from fsl_mrs_dl.fit.residual_water import WATER_PLACE_PPM, find_water

    if data.nucleus not in WATER_PLACE_PPM:
        raise OptionError(f"The data are {data.nucleus}, without water; say with --ppm what to remove.")
    return find_water(data, fids)


def _summary(
    data: MRSData, window: Band | None, waters: "list[WaterLine]", shares: Real, n_fids: int
) -> tuple[dict[str, object], tuple[str, ...]]:
    """Return the removed signal, as settings for the record and as messages for the terminal.

    Parameters
    ----------
    data : MRSData
    window : tuple of float or None
        From the user, in ppm.
    waters : list of WaterLine
        Water of each FID that has some, without a window.
    shares : ndarray, float
        Removed share of the energy of each changed FID, in percent.
    n_fids : int
        Usable FIDs.
    """
    of = "FID" if data.dim_tags else "voxel"
    energy = f"{_range(shares, '.1f', '%')} of the signal's energy" if len(shares) else ""
    if window is not None:
        message = f"Removed all lines from {window[0]:.2f} to {window[1]:.2f} ppm: {energy}."
        return {"ppm": window, "energy_removed_percent": float(np.median(shares))}, (message,)
    from fsl_mrs_dl.fit.lcm.capture import REACH_PPM
    from fsl_mrs_dl.fit.residual_water import SEARCH_PPM, WATER_PLACE_PPM

    place = WATER_PLACE_PPM[data.nucleus]
    if not waters:
        looked = f"{place - SEARCH_PPM:.2f} to {place + SEARCH_PPM:.2f} ppm"
        message = f"No residual water stands out from {looked}: nothing was removed."
        return {"ppm": "no water found"}, (message,)
    whole = (min(water.band_ppm[0] for water in waters), max(water.band_ppm[1] for water in waters))
    places_ppm = np.array([water.ppm for water in waters])
    settled = {
        "ppm": whole,
        "water_ppm": float(np.median(places_ppm)),
        "energy_removed_percent": float(np.median(shares)),
    }
    many = f" in {len(waters)} of {n_fids} {of}s" if n_fids > 1 else ""
    if many:
        settled["removed"] = many.strip()
    lines = [
        f"Removed water at {_range(places_ppm, '.2f', 'ppm')}{many}, "
        f"{whole[0]:.2f} to {whole[1]:.2f} ppm: {energy}."
    ]
    if dry := n_fids - len(waters):
        lines.append(f"No water stands out in {dry} {of}{'s' if dry > 1 else ''}: nothing was taken there.")
    off = float(np.median(places_ppm)) - place
    if abs(off) > REACH_PPM:
        lines.append(
            f"The axis is {off:+.2f} ppm off, farther than quantify looks: 'fsl_mrs_dl ecc' with a water "
            "reference puts water at its place."
        )
    return settled, tuple(lines)


def _range(values: Real, form: str, unit: str) -> str:
    """Return a value, or median and extremes of several, with the unit."""
    low, middle, high = (format(float(v), form) for v in np.percentile(values, [0, 50, 100]))
    return f"{middle} {unit}" if low == high else f"{middle} {unit} ({low} to {high})"


def _window(data: MRSData, ppm: Band) -> Band:
    low, high = sorted(ppm)
    first, last = data.ppm_axis[[0, -1]]
    if not low < high or high <= first or low >= last:
        raise OptionError(
            f"--ppm is {ppm[0]:g} {ppm[1]:g}; a window within {first:.2f} to {last:.2f} ppm is needed."
        )
    return low, high
