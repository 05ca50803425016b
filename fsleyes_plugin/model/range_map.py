"""A map of the signal in a range of chemical shifts; it needs no fit."""

from collections.abc import Callable, Iterable

import numpy as np

from fsl_mrs_dl.data import Real
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.physics import fid_to_spectrum
from fsleyes_plugin.model.curves import Display, turned
from fsleyes_plugin.model.frames import Frame, Voxel
from fsleyes_plugin.model.region import MeasuredGrid

AREA, HEIGHT = "area", "height"


def range_map(
    data: MeasuredGrid,
    limits_ppm: tuple[float, float],
    *,
    part: str = "magnitude",
    kind: str = AREA,
    display: Display | None = None,
    progress: Callable[[Iterable[Voxel]], Iterable[Voxel]] = iter,
) -> Real:
    """Return the area below the spectrum between two chemical shifts, or its highest value, for each voxel.

    Parameters
    ----------
    data : MeasuredGrid
    limits_ppm : tuple of float
        In ppm, in any order.
    part : str
        ``real`` or ``magnitude``.
    kind : str
        :data:`AREA`, in signal times ppm, or :data:`HEIGHT`.
    display : Display, optional
        Phases for the real part, and added width.
    progress : callable
        Wraps the loop over voxels.

    Returns
    -------
    ndarray, float, shape (x, y, z)
        NaN in voxels without a signal.

    Raises
    ------
    DataError
        If the range has no point of the spectrum.
    """
    one = data.one
    low, high = sorted(limits_ppm)
    inside = (one.ppm_axis >= low) & (one.ppm_axis <= high)
    if not inside.any():
        ends = one.ppm_axis[[0, -1]]
        raise DataError(
            f"There is no point between {low:g} and {high:g} ppm; the spectrum reaches from {ends[0]:.3g} to "
            f"{ends[1]:.3g} ppm."
        )
    step_ppm = float(one.ppm_axis[1] - one.ppm_axis[0])
    values = np.full(data.grid, np.nan)
    for voxel in progress(_voxels(data.grid)):
        fid = data.measured(voxel)
        if fid is None:
            continue
        if part == "real":
            frame = data.known_frame(voxel) or Frame()
            spectra, ground = turned(fid[None], one.dwelltime_s, display or Display(), frame)
            line = spectra[0] - ground[0]
        else:
            line = np.abs(fid_to_spectrum(fid))
        shown = line[inside]
        values[voxel] = shown.max() if kind == HEIGHT else shown.sum() * step_ppm
    return values


def _voxels(grid: tuple[int, int, int]) -> list[Voxel]:
    return [(x, y, z) for x in range(grid[0]) for y in range(grid[1]) for z in range(grid[2])]
