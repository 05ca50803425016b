"""Smooth baselines of the fit window, as orthonormal curves and the share that each takes out."""

import math

import numpy as np
from scipy.linalg import eigh
from scipy.optimize import brentq

from fsl_mrs_dl.data import Real
from fsl_mrs_dl.errors import OptionError
from fsl_mrs_dl.fit.lcm.settings import Baseline

_KNOTS_PER_DIMENSION = 2.5
"""Knots over the effective dimension: so many that the penalty and not the knots limits the spline."""
_FEWEST_KNOTS = 20
"""Smallest number of knots, for the same reason in stiff baselines."""
_START_DIMENSION = 25.0
"""Effective dimension of the baseline at the start of an averaged fit: it follows macromolecules."""
_COSINES_PER_WINDOW = 110
"""Number of cosines that describe a background: the finest follow a line of 0.09 ppm in a window of 4 ppm."""


def smoother(baseline: Baseline, n_inside: int) -> tuple[Real, Real]:
    r"""Return a baseline as orthonormal curves and the share of each that it takes out of a window.

    The baseline of a residual r is :math:`Q\,\mathrm{diag}(s)\,Q^T r`. All other parameters are then fitted under
    the weight :math:`W = 1 - Q\,\mathrm{diag}(s)\,Q^T`. A polynomial has shares of 1. A penalised cubic spline
    (Eilers and Marx 1996, doi:10.1214/ss/1038425655) in Demmler and Reinsch's coordinates has shares
    1 / (1 + lambda d); lambda is chosen so that they add up to its effective dimension.

    Parameters
    ----------
    baseline : Baseline
    n_inside : int
        Points of the window.

    Returns
    -------
    curves : ndarray, float, shape (inside, K)
    share : ndarray, float, shape (K,)

    Raises
    ------
    OptionError
        If the baseline has more freedom than half the window.
    """
    if baseline.kind == "off":
        return np.zeros((n_inside, 0)), np.zeros(0)
    if baseline.kind == "auto":
        return _cosines(n_inside)
    freedom = baseline.order + 1 if baseline.kind == "poly" else baseline.dimension
    if freedom > n_inside / 2:
        raise OptionError(
            f"A baseline of {freedom:g} free values in a window of {n_inside} points leaves too little to fit; "
            "choose a stiffer --baseline or a wider --ppmlim."
        )
    place = np.linspace(-1, 1, n_inside)
    if baseline.kind == "poly":
        curves = np.linalg.qr(np.polynomial.legendre.legvander(place, baseline.order))[0]
        return curves, np.ones(baseline.order + 1)
    return _spline(place, baseline.dimension)


def _spline(place: Real, dimension: float) -> tuple[Real, Real]:
    n_knots = max(_FEWEST_KNOTS, min(math.ceil(_KNOTS_PER_DIMENSION * dimension), len(place) // 2))
    # Evenly spaced beyond the ends too, so that coefficients on a line make a straight line.
    from scipy.interpolate import BSpline  # here, because only this kind of baseline needs it

    spacing = 2 / (n_knots - 1)
    knots = -1 + spacing * np.arange(-3, n_knots + 3)
    design = BSpline.design_matrix(place * (1 - 1e-9), knots, 3).toarray()
    bend = np.diff(np.eye(design.shape[1]), n=2, axis=0)
    gram = design.T @ design
    penalty, vectors = eigh(bend.T @ bend, gram + 1e-12 * np.trace(gram) * np.eye(len(gram)))
    penalty = np.maximum(penalty, 0.0)
    penalty[:2] = 0.0  # straight lines bend nothing, whatever rounding says

    def excess(log_weight: float) -> float:
        return float((1 / (1 + np.exp(log_weight) * penalty)).sum()) - dimension

    share = 1 / (1 + np.exp(brentq(excess, -40.0, 40.0)) * penalty)
    curves = np.linalg.qr(design @ vectors)[0]
    known = share > 1e-6
    return curves[:, known], share[known]


def _cosines(n_inside: int) -> tuple[Real, Real]:
    """Return cosines that describe a background in the window, and the shares of a smoothing spline.

    The cosines of the discrete transform are nearly the coordinates in which a smoothing spline is diagonal. The
    shares are used at the start of the fit.
    """
    count = min(_COSINES_PER_WINDOW, n_inside // 2)
    order, place = np.arange(count), np.arange(n_inside) + 0.5
    curves = np.cos(np.pi * place[:, None] * order / n_inside)
    curves /= np.linalg.norm(curves, axis=0)
    dimension = min(_START_DIMENSION, count / 2)

    def excess(half: float) -> float:
        return float((1 / (1 + (order / half) ** 4)).sum()) - dimension

    return curves, 1 / (1 + (order / brentq(excess, 0.1, 10.0 * count)) ** 4)
