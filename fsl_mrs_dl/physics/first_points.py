"""Correct the first points of a basis set, which are halved or wrong in some files."""

import logging
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Basis, Complex
from fsl_mrs_dl.physics.resample import points_before

logger = logging.getLogger(__name__)

_PREDICTION_ERROR = 0.02
"""Relative error of linear prediction, over the checked points, up to which it is trusted."""
_WRONG_ERROR = 0.3
"""Relative error of a first point that is wrong: far above that of a trusted prediction, below a halved one."""
_HALVED_ERROR = 0.15
"""Relative error of a doubled first point that was halved; an offset taken off the spectrum moves it too."""
_CHECKED_POINTS = 3
"""Points after the first whose prediction is compared with them."""


def mended(basis: Basis) -> Basis:
    """Correct the first points of a basis set that are halved or wrong.

    Some programs halve the first point of every FID, for a spectrum without an offset: it is doubled, or
    predicted if an offset of the spectrum changed it too. A single first point may be wrong, as that of the
    measured macromolecules of the ISMRM 2016 challenge: it is replaced by linear prediction from the points
    after it, where it differs by more than 30 % although the next three points are predicted within 2 %.

    Parameters
    ----------
    basis : Basis

    Returns
    -------
    Basis
        The same object if there is nothing to correct.
    """
    fids = np.array(basis.fids, dtype=np.complex128)
    predicted = points_before(fids[:, 1:], 1)[:, 0]
    if (np.abs(fids[:, 0] - predicted) <= _WRONG_ERROR * np.abs(predicted)).all():
        return basis
    predictable = _predictable(fids)
    if not predictable.any():
        return basis
    size = np.maximum(np.abs(predicted), np.finfo(np.float64).tiny)
    with np.errstate(over="ignore"):  # a member that begins with zeros has no prediction
        missed = np.abs(2 * fids[:, 0] - predicted) / size
    if (missed[predictable] <= _HALVED_ERROR).all():
        clean = ~predictable | (missed <= 2 * _PREDICTION_ERROR)
        fids[:, 0] = np.where(clean, 2 * fids[:, 0], predicted)
        note = f"first points were halved: {clean.sum()} doubled, {(~clean).sum()} predicted"
        logger.info("%s: %s", basis.name or "basis set", note)
        return replace(basis, fids=fids, notes=(*basis.notes, note))
    wrong = predictable & (
        np.abs(fids[:, 0] - predicted) > _WRONG_ERROR * np.maximum(size, np.abs(fids[:, 0]))
    )
    if not wrong.any():
        return basis
    notes = tuple(
        f"first point of {basis.names[m]} was wrong ({abs(fids[m, 0]):.4g}) and is predicted "
        f"({abs(predicted[m]):.4g})"
        for m in np.flatnonzero(wrong)
    )
    for note in notes:
        logger.warning("%s: %s", basis.name or "basis set", note)
    fids[wrong, 0] = predicted[wrong]
    return replace(basis, fids=fids, notes=(*basis.notes, *notes))


def _predictable(fids: Complex) -> NDArray[np.bool_]:
    """Return for which FIDs linear prediction of the points after the first is right, so that it is trusted."""
    predictable = np.ones(len(fids), dtype=bool)
    for n in range(1, 1 + _CHECKED_POINTS):
        missed = np.abs(points_before(fids[:, n + 1 :], 1)[:, 0] - fids[:, n])
        predictable &= missed <= _PREDICTION_ERROR * np.abs(fids[:, n])
    return predictable
