"""How far a fitted curve may be off: the Fisher matrix of a fit, carried over to its spectrum."""

import math
from dataclasses import replace

import numpy as np
from scipy.linalg import solve_triangular

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.fit.lcm.engine import shift_both_ways
from fsl_mrs_dl.fit.lcm.newton import real_products
from fsl_mrs_dl.fit.lcm.problem import Problem
from fsl_mrs_dl.physics import shift, spectrum_to_fid

_NO_INFORMATION = 1e-10


def band_columns(
    problem: Problem,
    members: Complex,
    amplitudes: Real,
    *,
    first_hz: float,
    noise_sd: float,
    own_shift_sd_hz: float = 0.0,
) -> Complex:
    r"""Return independent deviations of unit variance that make up the error of a fitted spectrum.

    With :math:`J` the derivatives of the model by all its parameters, amplitudes and baseline among them, and
    :math:`C = \sigma^2 (J^T J + P)^{-1}` their covariance, P being what the penalties of a spline and of the
    members' own shifts add, the columns are :math:`J C^{1/2}`. The variance of the real part of a spectrum that
    is turned by :math:`\psi(f)` is :math:`\sum_k (\mathrm{Re}\, e^{i \psi} l_k)^2`; first order in the errors.

    Parameters
    ----------
    problem : Problem
        Whose window, baseline and groups the fit had; of its basis only the number of members counts.
    members : ndarray, complex, shape (M, time)
        Each member at unit amplitude with its lineshape and its shift against the first group's.
    amplitudes : ndarray, float, shape (M,)
    first_hz : float
        Shift of the first group, in Hz.
    noise_sd : float
        Of one channel.
    own_shift_sd_hz : float
        Expected size of each member's own shift, in Hz; 0: none was fitted.

    Returns
    -------
    ndarray, complex, shape (P, frequency)
        Ascending frequencies in the frame of the data, phase and delay of the fit not yet put on; zero for the
        baseline outside of the fit window.
    """
    own = own_shift_sd_hz > 0
    free = np.concatenate([problem.free, np.ones(len(members) if own else 0, dtype=bool)])
    shapes = problem.jacobian(members[None], amplitudes[None], own_shifts=own)[0][free]
    smooth = problem.curves.T.astype(np.complex128)
    design = np.concatenate([problem.window(members), shapes, smooth, 1j * smooth])
    penalty = np.zeros(len(design))
    stiff = 1 / problem.share - 1
    penalty[len(members) + len(shapes) :] = np.concatenate([stiff, stiff])
    if own:
        penalty[len(members) + len(shapes) - len(members) : len(members) + len(shapes)] = (
            noise_sd / own_shift_sd_hz
        ) ** 2
    root = _root_of_inverse(real_products(design[None], design[None])[0] + np.diag(penalty))
    everywhere = replace(problem, inside=np.ones_like(problem.inside))
    moved = shift(members, first_hz, problem.dwelltime_s)
    turned = everywhere.jacobian(moved[None], amplitudes[None], own_shifts=own)[0]
    by_phase, by_delay = 3 * problem.n_groups, 3 * problem.n_groups + 1
    turned[by_delay] -= 2 * math.pi * first_hz * turned[by_phase]  # the delay counts from the first shift
    spectra = np.zeros((len(smooth), len(problem.inside)), dtype=np.complex128)
    spectra[:, problem.inside] = smooth
    carried = everywhere.window(
        shift_both_ways(spectrum_to_fid(spectra), np.full(len(smooth), first_hz), problem.dwelltime_s)
    )
    columns: Complex = np.concatenate([everywhere.window(moved), turned[free], carried, 1j * carried])
    return noise_sd * (root.T @ columns)


def _root_of_inverse(information: Real) -> Real:
    """Return R with R R^T the inverse; a parameter of an empty group has no information, and no say."""
    size = np.sqrt(np.diagonal(information))
    size = np.where(size > 0, size, 1.0)
    scaled = information / size[:, None] / size
    scaled[np.diag_indices_from(scaled)] = 1 + _NO_INFORMATION
    inverse = solve_triangular(
        np.linalg.cholesky(scaled), np.eye(len(scaled)), lower=True, check_finite=False
    )
    root: Real = inverse.T / size[:, None]
    return root
