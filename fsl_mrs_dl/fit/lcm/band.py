"""Carry the uncertainty of a fit over to its curve: a band around the fitted spectrum."""

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import solve_triangular

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.fit.background import joined
from fsl_mrs_dl.fit.lcm.engine import shift_both_ways
from fsl_mrs_dl.fit.lcm.newton import real_products
from fsl_mrs_dl.fit.lcm.problem import Problem
from fsl_mrs_dl.physics import shift, spectrum_to_fid

_RIDGE = 1e-10
"""Ridge over a parameter's own curvature: keeps the inverse finite where two members are alike."""


@dataclass(frozen=True, eq=False)
class Under:
    """The background under the members: curves of the window, with a Gaussian prior on their coefficients.

    Attributes
    ----------
    curves : ndarray, complex, shape (K, inside)
        With real coefficients.
    penalty : ndarray, float, shape (K,)
        Noise variance over the variance of each coefficient.
    delay : float
        The same for the delay, in 1/s^2; 0: it has no prior.
    """

    curves: Complex
    penalty: Real
    delay: float = 0.0


def under_baseline(problem: Problem) -> Under:
    """Return the baseline of a fit without hypotheses."""
    smooth = problem.curves.T.astype(np.complex128)
    stiff = 1 / problem.share - 1
    return Under(np.concatenate([smooth, 1j * smooth]), np.concatenate([stiff, stiff]))


def under_background(problem: Problem, hypothesis: int, noise_sd: float, proton_signal: float) -> Under:
    """Return the background of one hypothesis of an averaged fit.

    Parameters
    ----------
    problem : Problem
    hypothesis : int
        Place in :attr:`~fsl_mrs_dl.fit.background.Background.hypotheses`.
    noise_sd : float
        Of one channel.
    proton_signal : float
        First point of the FID of 1 mmol/kg of protons, in units of the data.
    """
    ground = problem.background
    assert problem.window_of is not None
    noise = (noise_sd / proton_signal * problem.window_of.proton) ** 2
    axes, power = ground.of(hypothesis).axes, ground.of(hypothesis).power
    return Under(joined(axes.T @ ground.rows), noise / power, (noise_sd / problem.settings.delay_sd_s) ** 2)


def band_columns(
    problem: Problem,
    members: Complex,
    amplitudes: Real,
    *,
    first_hz: float,
    noise_sd: float,
    own_shift_sd_hz: float = 0.0,
    own_width_sd_hz: float = 0.0,
    under: Under | None = None,
) -> Complex:
    r"""Return independent deviations of unit variance whose sum is the error of a fitted spectrum.

    With :math:`J` the derivatives of the model by all its parameters, amplitudes and baseline among them, and
    :math:`C = \sigma^2 (J^T J + P)^{-1}` their covariance, P being what the penalties of a spline and of the
    members' own shifts add, the columns are :math:`J C^{1/2}`. The variance of the real part of a spectrum that
    is turned by :math:`\psi(f)` is :math:`\sum_k (\mathrm{Re}\, e^{i \psi} l_k)^2`; first order in the errors.

    Parameters
    ----------
    problem : Problem
        With the window, baseline and groups of the fit; of its basis only the number of members is used.
    members : ndarray, complex, shape (M, time)
        Each member at unit amplitude with its lineshape and its shift against the first group's.
    amplitudes : ndarray, float, shape (M,)
    first_hz : float
        Shift of the first group, in Hz.
    noise_sd : float
        Of one channel.
    own_shift_sd_hz, own_width_sd_hz : float
        Expected size of each member's own shift and width (FWHM), in Hz; 0: none was fitted.
    under : Under, optional
        The background under the members; by default the problem's baseline.

    Returns
    -------
    ndarray, complex, shape (P, frequency)
        Ascending frequencies in the frame of the data, without phase and delay of the fit. The background under
        the members is zero outside of the fit window.
    """
    under = under_baseline(problem) if under is None else under
    own = (own_shift_sd_hz, own_width_sd_hz)
    shapes, penalty = _derivatives(problem, members, amplitudes, own)
    by_phase, by_delay = 3 * problem.n_groups, 3 * problem.n_groups + 1
    penalty = noise_sd**2 * penalty
    penalty[by_delay] += under.delay
    free = np.concatenate([problem.free, np.ones(len(shapes) - len(problem.free), dtype=bool)])
    design = np.concatenate([problem.window(members), shapes[free], under.curves])
    whole = np.concatenate([np.zeros(len(members)), penalty[free], under.penalty])
    root = _root_of_inverse(real_products(design[None], design[None])[0] + np.diag(whole))
    everywhere = replace(problem, inside=np.ones_like(problem.inside))
    moved = shift(members, first_hz, problem.dwelltime_s)
    turned, _ = _derivatives(everywhere, moved, amplitudes, own)
    turned[by_delay] -= 2 * math.pi * first_hz * turned[by_phase]  # the delay counts from the first shift
    spectra = np.zeros((len(under.curves), len(problem.inside)), dtype=np.complex128)
    spectra[:, problem.inside] = under.curves
    carried = everywhere.window(
        shift_both_ways(spectrum_to_fid(spectra), np.full(len(spectra), first_hz), problem.dwelltime_s)
    )
    columns: Complex = np.concatenate([everywhere.window(moved), turned[free], carried])
    return noise_sd * (root.T @ columns)


def _derivatives(
    problem: Problem, members: Complex, amplitudes: Real, own: tuple[float, float]
) -> tuple[Complex, Real]:
    """Return the derivatives by the non-linear parameters, and one over the prior variance of each."""
    shift_sd, width_sd = own
    columns = problem.jacobian(members[None], amplitudes[None], own_shifts=shift_sd > 0)[0]
    count = len(members) if shift_sd > 0 else 0
    penalty = np.zeros(len(columns))
    if count:
        penalty[-count:] = 1 / shift_sd**2
    if width_sd > 0:
        wider = problem.window(-math.pi * problem.time_s * amplitudes[:, None] * members)
        columns = np.concatenate([columns, wider])
        penalty = np.concatenate([penalty, np.full(len(members), 1 / width_sd**2)])
    return columns, penalty


def _root_of_inverse(information: Real) -> Real:
    """Return R, where R R^T is the inverse; a parameter of an empty group has no information and no effect."""
    size = np.sqrt(np.diagonal(information))
    size = np.where(size > 0, size, 1.0)
    scaled = information / size[:, None] / size
    scaled[np.diag_indices_from(scaled)] = 1 + _RIDGE
    inverse = solve_triangular(
        np.linalg.cholesky(scaled), np.eye(len(scaled)), lower=True, check_finite=False
    )
    root: Real = inverse.T / size[:, None]
    return root
