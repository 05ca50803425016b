"""Side lobes: other shifts near by at which a transient seems to fit, and the best of them.

The likelihood of a shift has a main lobe, as wide as the inverse of the time for which a signal lasts, and lower
ones beside it that noise lifts now and then. Gauss-Newton steps stay on the one where they began.
"""

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.fit.registration.band import Band
from fsl_mrs_dl.fit.registration.template import Template
from fsl_mrs_dl.physics import shift

_STEP = 0.15  # of the shift that turns the signal by a radian at its middle time
_STEPS = 12


def better_lobe(near: Complex, template: Template, which: NDArray[np.integer], band: Band) -> Real:
    """Return how much more each transient is shifted than was found, by where it fits best near by.

    The window stays and the reference moves, so that the same data are explained everywhere: the power that a
    reference r explains is |<W r, y>|^2 / <W r, r>.

    Parameters
    ----------
    near : ndarray, complex, shape (transient, coil, time)
        Moved back by the shifts found so far.
    template : Template
    which : ndarray, int, shape (transient,)
        The reference of each transient.
    band : Band

    Returns
    -------
    ndarray, float, shape (transient,)
        In Hz; zero where it is best already, to a step of the search.
    """
    n_points = near.shape[-1]
    turn_s = np.sqrt(np.median(template.gram[:, 2, 2] / template.gram[:, 0, 0]))  # 2 pi times the rms time
    steps = np.arange(-_STEPS, _STEPS + 1)
    hz = steps * _STEP / turn_s
    flat = near.reshape(len(near), -1)
    found = np.zeros(len(near))
    for k, faded in enumerate(template.faded):
        mine = np.flatnonzero(which == k)
        moved = shift(faded.reshape(1, -1, n_points), hz[:, None], band.dwelltime_s)
        columns = band.weighed(moved).reshape(len(hz), -1)
        own = (columns.conj() * moved.reshape(len(hz), -1)).sum(axis=1).real
        explained = np.abs(flat[mine] @ columns.conj().T) ** 2 / own
        best = explained.argmax(axis=1)
        elsewhere = np.abs(steps[best]) > 1
        found[mine] = np.where(elsewhere, hz[best], 0.0)
    return found
