"""The step ``remove``."""

import numpy as np

from fsl_mrs_dl.data import TIME_AXIS, MRSData
from fsl_mrs_dl.errors import OptionError
from fsl_mrs_dl.steps.registry import StepResult, step, usable_fids

WATER_PPM = (4.5, 4.8)
_HAS_WATER = ("1H", "2H")


@step(method="Nuisance peak removal")
def remove(data: MRSData, *, ppm: tuple[float, float] | None = None) -> StepResult:
    """Remove the peaks in a window, by default residual water, by HSVD.

    Each FID is described by 20 damped sinusoids (Barkhuijsen et al. 1987,
    doi:10.1016/0022-2364(87)90023-0); those with their frequency in the window are subtracted, with their
    tails beyond it.

    Parameters
    ----------
    data : MRSData
    ppm : tuple of float, optional
        Window in ppm. Default for 1H and 2H: 4.5 4.8, water.

    Returns
    -------
    StepResult
        FIDs that hold NaN or nothing stay as they are.

    Raises
    ------
    OptionError
        If the window is empty, outside the spectrum, or needed and not given.
    """
    from tqdm import tqdm

    from fsl_mrs_dl.physics.hsvd import band_signal  # SciPy's sparse solvers: not for --help

    low, high = _window(data, ppm)
    band_hz = tuple((edge - data.reference_ppm) * data.spectrometer_frequency_mhz for edge in (low, high))
    fids = np.moveaxis(data.fid, TIME_AXIS, -1).astype(np.complex128)
    indices = np.argwhere(usable_fids(data))
    for index in tqdm(indices, desc="remove", unit="FID", disable=None, leave=False):
        place = tuple(index)
        fids[place] -= band_signal(fids[place], data.dwelltime_s, (band_hz[0], band_hz[1]))
    return StepResult(data.with_fid(np.moveaxis(fids, -1, TIME_AXIS)), settled={"ppm": (low, high)})


def _window(data: MRSData, ppm: tuple[float, float] | None) -> tuple[float, float]:
    if ppm is None:
        if data.nucleus not in _HAS_WATER:
            raise OptionError(f"The data are {data.nucleus}, without water; say with --ppm what to remove.")
        ppm = WATER_PPM
    low, high = sorted(ppm)
    first, last = data.ppm_axis[[0, -1]]
    if not low < high or high <= first or low >= last:
        raise OptionError(
            f"--ppm is {ppm[0]:g} {ppm[1]:g}; a window within {first:.2f} to {last:.2f} ppm is needed."
        )
    return low, high
