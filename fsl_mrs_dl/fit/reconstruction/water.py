"""Residual water as a component of its own: it is many lines of an uneven shim, which need many atoms."""

from dataclasses import dataclass, replace

import numpy as np
from tqdm import tqdm

from fsl_mrs_dl.data import MRSData
from fsl_mrs_dl.fit.quantification.criteria import WATER_ALONE
from fsl_mrs_dl.fit.reconstruction.sets import Sets
from fsl_mrs_dl.fit.residual_water import WATER_PLACE_PPM, find_water, lines_between, over_rest


@dataclass(frozen=True)
class WaterAside:
    """Residual water that was separated from the FIDs.

    Attributes
    ----------
    n_fids : int
        FIDs with strong water.
    ppm, height : float
        Medians: its place, and its height over that of the highest metabolite.
    """

    n_fids: int
    ppm: float
    height: float


def without_water(data: MRSData, sets: Sets) -> tuple[Sets, WaterAside | None]:
    """Return sets whose strong residual water stands aside, described by HSVD.

    It is the water that ``remove`` would take. Weak water stays where it is: a few lines describe it. So does
    water that was not suppressed: HSVD leaves more of it than metabolites have, and in a reference it is the
    signal.

    Parameters
    ----------
    data : MRSData
        Gives axis and nucleus.
    sets : Sets
        Its FIDs.

    Returns
    -------
    sets : Sets
    water : WaterAside or None
        None where there is no strong water.
    """
    if data.nucleus not in WATER_PLACE_PPM:
        return sets, None
    places = np.argwhere(sets.usable)
    fids = sets.fids[sets.usable].astype(np.complex128)
    waters = find_water(data, fids, weak=False)
    work = [row for row, water in enumerate(waters) if water is not None]
    if not work:
        return sets, None
    water, dry, lines = np.zeros_like(sets.fids), sets.fids.copy(), []
    n = sets.n_measured
    for row in tqdm(work, desc="residual water", unit="FID", disable=None, leave=False):
        line, place = waters[row], tuple(places[row])
        assert line is not None
        own = lines_between(data, fids[row], line.band_ppm)
        rest = np.where(np.arange(len(own)) < n, fids[row] - own, 0)
        if over_rest(data, line, fids[row], rest) < WATER_ALONE:
            water[place], dry[place] = own, rest
            lines.append(line)
    if not lines:
        return sets, None
    ppm, height = (float(np.median([getattr(line, name) for line in lines])) for name in ("ppm", "height"))
    return replace(sets, fids=dry, water=water), WaterAside(len(lines), ppm, height)
