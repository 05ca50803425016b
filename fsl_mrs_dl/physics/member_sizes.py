"""Compare the sizes of the members of a basis set, to find those in another unit."""

import numpy as np

from fsl_mrs_dl.data import Complex, Real

UNLIKE_SIZE = 50.0
"""Height of a member over the usual one, beyond which it is in another unit: protons differ by up to 9."""


def usual_height(fids: Complex) -> float:
    """Return the upper quartile of the members' heights.

    One member in another unit does not change it, nor half of the members, which subtraction removes when editing.

    Parameters
    ----------
    fids : ndarray, complex, shape (member, time)
    """
    return float(np.quantile(np.abs(fids).max(axis=1), 0.75, method="lower"))


def excess(fids: Complex) -> Real:
    """Return each member's height over the usual one if it is in another unit, else 1.

    Parameters
    ----------
    fids : ndarray, complex, shape (member, time)

    Returns
    -------
    ndarray, float64, shape (member,)
    """
    ratio = np.abs(fids).max(axis=1) / max(usual_height(fids), np.finfo(np.float64).tiny)
    factor: Real = np.where(ratio > UNLIKE_SIZE, ratio, 1.0)
    return factor
