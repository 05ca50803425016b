"""How large the members of a basis set are beside each other, and which of them are of another unit."""

import numpy as np

from fsl_mrs_dl.data import Complex, Real

UNLIKE_SIZE = 50.0
"""Ratio of a member's height to the usual one, beyond which it is of another unit: protons differ by up to 9."""


def usual_height(fids: Complex) -> float:
    """Return the height of a usual member: that which a quarter of all members exceed.

    Neither one member of another unit decides, nor the half of an edited difference that subtraction took away.

    Parameters
    ----------
    fids : ndarray, complex, shape (member, time)
    """
    return float(np.quantile(np.abs(fids).max(axis=1), 0.75, method="lower"))


def excess(fids: Complex) -> Real:
    """Return by how much each member is larger than the usual one, where that is another unit; else 1.

    Parameters
    ----------
    fids : ndarray, complex, shape (member, time)

    Returns
    -------
    ndarray, float64, shape (member,)
    """
    ratio = np.abs(fids).max(axis=1) / max(usual_height(fids), np.finfo(np.float64).tiny)
    found: Real = np.where(ratio > UNLIKE_SIZE, ratio, 1.0)
    return found
