"""Active learning: which spectra of a pool a network should learn next."""

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Real


def query(errors: Real, n: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Return spectra of a pool, drawn without repetition in proportion to their mean square error.

    Parameters
    ----------
    errors : ndarray, float, shape (spectrum, output)
        Of the network's outputs, in units in which outputs weigh alike.
    n : int
        Spectra to draw, at most as many as there are.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, int, shape (n,)
    """
    score = np.mean(np.asarray(errors) ** 2, axis=1)
    # The n largest of log(score) + Gumbel noise are a draw without repetition (Efraimidis and Spirakis 2006,
    # doi:10.1016/j.ipl.2005.11.003).
    keys = np.log(np.maximum(score, np.finfo(float).tiny)) + rng.gumbel(size=len(score))
    return np.sort(np.argsort(keys)[len(keys) - n :])
