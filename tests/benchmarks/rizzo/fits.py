"""The model fit of the study, in the manner of FiTAID, its bound, and the posterior mean that knows the ranges.

Lines are the truth's but for a common Gaussian width; amplitudes of metabolites stay within -0.5 to 2.5 times the
middle of their range, as in the paper. Shift and phase are known, as they are to the networks.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import lsq_linear

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.fit.fisher import crlb
from fsl_mrs_dl.fit.posterior import Sampling, sample_box
from fsl_mrs_dl.physics.lines import sigma_from_fwhm
from tests.benchmarks.rizzo.spectra import (
    DWELLTIME_S,
    MAXIMA,
    NAMES,
    WATER_MM,
    StudySpectra,
    study_basis,
)

_WIDTHS_HZ = np.linspace(0.5, 8.0, 46)
"""Grid of Gaussian widths, on which the fit starts."""
_BOUNDS = (-0.5, 2.5)  # of amplitudes, times the middle of the range; as published
_STEPS = 6  # Gauss-Newton from the nearest of the grid: settled to rounding after four
_SAMPLING = Sampling(chains=32, burn_in=6, recorded=4)
_BLOCK = 100  # spectra at once: bounds the memory


@dataclass(frozen=True, eq=False)
class Fitted:
    """Concentrations of S spectra in mM, shape (S, 16).

    Attributes
    ----------
    bounded, free : ndarray
        Within the bounds of the paper; without.
    posterior : ndarray
        Mean over the posterior of amplitudes uniform in their true ranges, at the width of the fit.
    """

    bounded: Real
    free: Real
    posterior: Real


def _members(spectra: StudySpectra) -> Complex:
    """Return the members that are in the spectra, shape (member, time): without water where there is none."""
    basis = study_basis(spectra.fids.shape[1])
    rows = [m for m, name in enumerate(basis.names) if spectra.world.water or name != "Water"]
    members: Complex = np.asarray(basis.fids)[rows]
    return members


def _moments(members: Complex, square: Real, t: Real) -> list[Real]:
    """Return Re sum x_i* x_j t^k exp(-2 s t^2), s = sigma squared, for k = 0, 2, 4; shape (S, member, member)."""
    m = len(members)
    products = (members.conj()[:, None] * members[None]).real.reshape(m * m, -1)
    envelope = np.exp(-2 * square[:, None] * t**2)
    return [((envelope * t**k) @ products.T).reshape(len(square), m, m) for k in (0, 2, 4)]


def _right(fids: Complex, members: Complex, square: Real, t: Real) -> list[Real]:
    """Return Re sum x_m* y t^k exp(-s t^2) for k = 0, 2, 4; shape (S, member) each."""
    damped = fids * np.exp(-square[:, None] * t**2)
    return [((damped * t**k) @ members.conj().T).real for k in (0, 2, 4)]


def _widths(fids: Complex, members: Complex, t: Real) -> Real:
    """Return sigma squared of each spectrum by least squares: a grid, then Gauss-Newton steps."""
    grid = sigma_from_fwhm(_WIDTHS_HZ) ** 2
    explained = []
    for square in grid:
        one = np.full(len(fids), square)
        gram = _moments(members, one[:1], t)[0][0]
        right = _right(fids, members, one, t)[0]
        explained.append(np.einsum("sm,sm->s", right, np.linalg.solve(gram, right.T).T))
    square = grid[np.argmax(explained, axis=0)]
    for _ in range(_STEPS):
        g0, g2, g4 = _moments(members, square, t)
        r0, r2, _ = _right(fids, members, square, t)
        a = np.linalg.solve(g0, r0[..., None])[..., 0]
        along = np.einsum("smn,sn->sm", g2, a)
        slope = -(np.einsum("sm,sm->s", a, r2) - np.einsum("sm,sm->s", a, along))
        curvature = np.einsum("sm,smn,sn->s", a, g4, a) - np.einsum(
            "sm,sm->s", along, np.linalg.solve(g0, along[..., None])[..., 0]
        )
        square = np.clip(square + slope / curvature, grid[0], grid[-1])
    widths: Real = square
    return widths


def fitted(spectra: StudySpectra, seed: int) -> Fitted:
    """Fit spectra; with water, concentrations are relative to its fitted size."""
    parts = [_fitted(spectra.rows(slice(k, k + _BLOCK)), seed) for k in range(0, len(spectra.fids), _BLOCK)]
    return Fitted(*(np.concatenate([getattr(p, f) for p in parts]) for f in ("bounded", "free", "posterior")))


def _fitted(spectra: StudySpectra, seed: int) -> Fitted:
    fids, members = spectra.fids.astype(np.complex128), _members(spectra)
    t = np.arange(fids.shape[1]) * DWELLTIME_S
    square = _widths(fids, members, t)
    gram, right = _moments(members, square, t)[0], _right(fids, members, square, t)[0]
    free = np.linalg.solve(gram, right[..., None])[..., 0]
    n, middle = len(NAMES), np.array(list(MAXIMA.values())) / 2
    scale = free[:, n] / WATER_MM if spectra.world.water else np.ones(len(fids))
    low = np.concatenate([_BOUNDS[0] * middle, np.zeros(len(members) - n)])
    high = np.concatenate([_BOUNDS[1] * middle, np.full(len(members) - n, np.inf)])
    bounded = np.empty_like(free)
    for row in range(len(fids)):
        factor = np.linalg.cholesky(gram[row])
        target = np.linalg.solve(factor, right[row])
        span = (low * scale[row], high * scale[row])
        bounded[row] = lsq_linear(factor.T, target, bounds=span, method="bvls").x
    return Fitted(
        bounded[:, :n] / scale[:, None],
        free[:, :n] / scale[:, None],
        _posterior(gram, right, scale, spectra, seed)[:, :n] / scale[:, None],
    )


def _posterior(gram: Real, right: Real, scale: Real, spectra: StudySpectra, seed: int) -> Real:
    """Return the posterior means of amplitudes in their ranges, noise and Gaussian width taken as known."""
    most = np.array([*MAXIMA.values(), *([1.2 * WATER_MM] if spectra.world.water else []), 1.33])
    least = np.array([*[0.0] * len(MAXIMA), *([0.8 * WATER_MM] if spectra.world.water else []), 0.67])
    weight = spectra.noise_sd**-2.0
    low, high = scale[:, None] * least, scale[:, None] * most
    draws = sample_box(
        gram * weight[:, None, None],
        right * weight[:, None],
        low,
        high,
        (low + high) / 2,
        _SAMPLING,
        seed * 10_000_000 + np.arange(len(gram)),
    )
    mean: Real = draws.mean(axis=1)
    return mean


def bounds_mm(spectra: StudySpectra) -> Real:
    """Return the Cramer-Rao bounds of the concentrations in mM, shape (S, 16); all amplitudes and width unknown.

    The water's size is well known beside the metabolites': its share in the bound of a ratio is left out.
    """
    members, parts = _members(spectra), []
    t = np.arange(spectra.fids.shape[1]) * DWELLTIME_S
    water = np.full((len(spectra.fids), 1), WATER_MM)
    columns = [spectra.concentrations, *([water] if spectra.world.water else []), spectra.broad[:, None]]
    amplitudes = np.concatenate(columns, axis=1)
    for k in range(0, len(amplitudes), _BLOCK):
        rows = slice(k, k + _BLOCK)
        square, a = sigma_from_fwhm(spectra.shim_hz[rows]) ** 2, amplitudes[rows]
        g0, g2, g4 = _moments(members, square, t)
        cross = -np.einsum("smn,sn->sm", g2, a)
        own = np.einsum("sm,smn,sn->s", a, g4, a)
        top = np.concatenate([g0, cross[..., None]], axis=2)
        bottom = np.concatenate([cross, own[:, None]], axis=1)[:, None]
        fisher = np.concatenate([top, bottom], axis=1)
        noise = spectra.noise_sd[rows] / spectra.gain[rows]
        parts.append(crlb(fisher / noise[:, None, None] ** 2)[:, : len(NAMES)])
    return np.concatenate(parts)
