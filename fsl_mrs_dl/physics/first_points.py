"""The first points of a basis set, which some files hold halved or wrong."""

import logging
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Basis, Complex
from fsl_mrs_dl.physics.resample import points_before

logger = logging.getLogger(__name__)

# Relative errors of a prediction: one that can be trusted, one that shows a wrong point, and how exactly half a
# halved point must be (an offset taken off the spectrum moves it too).
_PREDICTABLE = 0.02
_WRONG = 0.3
_HALVED = 0.15
_CHECKED_POINTS = 3


def mended(basis: Basis) -> Basis:
    """Return a basis set whose first points belong to the rest.

    Two faults are common and clear. Some programs halve the first point of every FID, for a spectrum
    without an offset: it is doubled, or predicted if an offset of the spectrum changed it too. And a single
    first point may be wrong, as that of the measured macromolecules of the ISMRM 2016 challenge: where linear
    prediction from the points after it misses it by more than 30 %, though it meets the next three within 2 %,
    the prediction takes its place.

    Parameters
    ----------
    basis : Basis

    Returns
    -------
    Basis
        The same object if nothing is wrong.
    """
    fids = np.array(basis.fids, dtype=np.complex128)
    predicted = points_before(fids[:, 1:], 1)[:, 0]
    if (np.abs(fids[:, 0] - predicted) <= _WRONG * np.abs(predicted)).all():
        return basis
    predictable = _predictable(fids)
    if not predictable.any():
        return basis
    size = np.maximum(np.abs(predicted), np.finfo(np.float64).tiny)
    with np.errstate(over="ignore"):  # of a member that begins with zeros nothing is predicted
        missed = np.abs(2 * fids[:, 0] - predicted) / size
    if (missed[predictable] <= _HALVED).all():
        clean = ~predictable | (missed <= 2 * _PREDICTABLE)
        fids[:, 0] = np.where(clean, 2 * fids[:, 0], predicted)
        note = f"first points were halved: {clean.sum()} doubled, {(~clean).sum()} predicted"
        logger.info("%s: %s", basis.name or "basis set", note)
        return replace(basis, fids=fids, notes=(*basis.notes, note))
    wrong = predictable & (np.abs(fids[:, 0] - predicted) > _WRONG * np.maximum(size, np.abs(fids[:, 0])))
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
    """Return which FIDs' points after the first are met by linear prediction, so that it can be trusted."""
    predictable = np.ones(len(fids), dtype=bool)
    for n in range(1, 1 + _CHECKED_POINTS):
        missed = np.abs(points_before(fids[:, n + 1 :], 1)[:, 0] - fids[:, n])
        predictable &= missed <= _PREDICTABLE * np.abs(fids[:, n])
    return predictable
