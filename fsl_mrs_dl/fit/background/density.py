"""The prior of macromolecules: a Gaussian over their proton density along chemical shift."""

from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache

import numpy as np

from fsl_mrs_dl.data import Real
from fsl_mrs_dl.physics.lines import GaussianLine
from fsl_mrs_dl.physics.macromolecules import MM_SETS

STEP_PPM, FWHM_PPM = 0.04, 0.09
"""Spacing and width of the components, in ppm: narrower than any macromolecule line that was measured in vivo
(0.11 ppm, of M0.92 at 9.4 T), wide against a line of a metabolite (0.04 ppm at 3 T)."""
GRID_PPM: Real = np.arange(0.40, 4.44, STEP_PPM)
"""Centres of the components, in ppm: macromolecules lie from 0.7 to 4.2 ppm, and their tails beyond."""
REFERENCE_PPM = (0.65, 1.08)
"""Limits, in ppm, of the methyl groups at 0.9 ppm. Their area is the unit of the density."""
METHYL_PROTONS = 3.0
"""Protons of one methyl group: the area within :data:`REFERENCE_PPM` of 1 mmol/kg."""
_FINE_PPM: Real = np.arange(-0.4, 5.3, 0.01)
"""Axis on which curves are compared, in ppm: steps of a ninth of a component's width; room for tails."""
_RIDGE = 1e-3
"""Ridge over the mean of the Gram matrix's diagonal: components overlap by half, and without it neighbours take
large coefficients of opposite sign."""
CONTINUUM_PPM = 0.5
"""Width (FWHM), in ppm, above which a line is the continuum under the lines. Most tables do not have one."""
_ITERATIONS = 10
"""Iterations that bring the tables to one scale."""
# Spreads, as shares of the mean density. Regions of human spectra agree within 10 %, line areas within 10-60 %
# (table and fits of physics.macromolecules); a published mean also hides differences between people.
_SPREAD, _LEAST_SPREAD = 0.30, 0.12
"""SD over the density itself, and the part over its highest value, which counts where the density is low."""
_CORRELATION_PPM = 0.07
"""Correlation length of the smooth deviation, in ppm: below the width of a component, so that neighbouring lines
may differ each in its own way."""
_EDGES_PPM, _EDGE_WIDTH_PPM, _SPREAD_BEYOND = (0.60, 4.25), 0.05, 0.2
"""Ends of the macromolecules and the width of the step there, in ppm; share of the spread that is left beyond,
where no table has lines."""
SHIFT_SD_PPM = 0.015
"""SD of a common shift, in ppm: the tables' references differ by up to 0.05 ppm."""
WIDTH_SD = 0.10
"""SD of the logarithm of all widths: they shrink with field and grow with the shim."""
_CONTINUUM = (0.5, 0.5)
"""Mean and SD of the continuum over that of the tables that have one; in others the fit's baseline took it."""


@dataclass(frozen=True, eq=False)
class DensityPrior:
    """A Gaussian prior over the coefficients of components at :data:`GRID_PPM`, in protons.

    Attributes
    ----------
    mean : ndarray, float, shape (G,)
        Scaled to three protons within :data:`REFERENCE_PPM`.
    root : ndarray, float, shape (G, G)
        L with the covariance L L^T, at the scale of the mean.
    tables : tuple of str
        The keys of :data:`~fsl_mrs_dl.physics.macromolecules.MM_SETS` behind the prior.
    """

    mean: Real
    root: Real
    tables: tuple[str, ...]


LEFT_OUT: ContextVar[tuple[str, ...]] = ContextVar("LEFT_OUT", default=())
"""Tables that the prior of a fit does not use: for benchmarks on spectra that were simulated from them."""


@cache
def density_prior(without: tuple[str, ...] = ()) -> DensityPrior:
    """Compute the prior from the published tables.

    The mean is that of the tables at one scale. The covariance is a sum: the differences of the tables, a smooth
    deviation of 30 % of the density, a common shift, a common width, and a continuum under the lines.

    Parameters
    ----------
    without : tuple of str
        Tables to leave out, to test the prior on spectra that were simulated from them.

    Returns
    -------
    DensityPrior
    """
    names = tuple(name for name in MM_SETS if name not in without)
    split = [_lines_and_continuum(MM_SETS[name]) for name in names]
    scaled, mean = _one_scale(np.array([_on_grid(lines) for lines, _ in split]))
    broad = [_on_grid(wide) * scale for (_, wide), scale in zip(split, scaled[:, -1], strict=True) if wide]
    tables = scaled[:, :-1]
    unit = METHYL_PROTONS / _area(mean)
    tables, mean = tables * unit, mean * unit
    continuum = np.mean(broad, axis=0) * unit if broad else np.zeros_like(mean)
    apart = tables - mean
    covariance = apart.T @ apart / max(len(tables) - 1, 1)
    covariance += _smooth(mean)
    for slope in (
        SHIFT_SD_PPM * _shift_slope(mean),
        WIDTH_SD * _width_slope(mean),
        _CONTINUUM[1] * continuum,
    ):
        covariance += np.outer(slope, slope)
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    return DensityPrior(mean + _CONTINUUM[0] * continuum, root, names)


def _lines_and_continuum(lines: Sequence[GaussianLine]) -> tuple[list[GaussianLine], list[GaussianLine]]:
    """Split a table into its lines and its continuum."""
    wide = [line for line in lines if line.fwhm_ppm > CONTINUUM_PPM]
    return [line for line in lines if line not in wide], wide


def _gaussians(places: Real, widths: Real) -> Real:
    """Return Gaussians of unit area, shape (fine, line)."""
    shape = np.exp(-4 * np.log(2) * ((_FINE_PPM[:, None] - places) / widths) ** 2)
    normed: Real = shape / (widths * np.sqrt(np.pi / (4 * np.log(2))))
    return normed


def _on_grid(lines: Sequence[GaussianLine]) -> Real:
    """Return the coefficients of the components that describe lines, in protons, shape (G,)."""
    if not lines:
        return np.zeros(len(GRID_PPM))
    widths = np.array([max(line.fwhm_ppm, FWHM_PPM) for line in lines])
    shapes = _gaussians(np.array([line.ppm for line in lines]), widths)
    return _coefficients(shapes @ np.array([line.amplitude for line in lines]))


def _coefficients(curve: Real) -> Real:
    """Fit the components to a curve on the fine axis by ridge regression, shape (G,)."""
    design = _components()
    gram = design.T @ design
    ridge = _RIDGE * np.trace(gram) / len(gram) * np.eye(len(gram))
    coefficients: Real = np.linalg.solve(gram + ridge, design.T @ curve)
    return coefficients


@cache
def _components() -> Real:
    return _gaussians(GRID_PPM, np.full(len(GRID_PPM), FWHM_PPM))


def _one_scale(tables: Real) -> tuple[Real, Real]:
    """Bring tables to one scale.

    Parameters
    ----------
    tables : ndarray, float, shape (T, G)

    Returns
    -------
    scaled : ndarray, float, shape (T, G + 1)
        The tables, and the scale of each in the last column.
    mean : ndarray, float, shape (G,)
        Of unit norm.
    """
    mean = tables.mean(axis=0)
    scale = np.ones(len(tables))
    for _ in range(_ITERATIONS):
        scale = (tables @ mean) / (tables**2).sum(axis=1)
        mean = (scale[:, None] * tables).mean(axis=0)
        mean /= np.linalg.norm(mean)
    scale = (tables @ mean) / (tables**2).sum(axis=1)
    return np.hstack([scale[:, None] * tables, scale[:, None]]), mean


def _area(density: Real) -> float:
    """Return the protons of the methyl groups at 0.9 ppm."""
    inside = (REFERENCE_PPM[0] < GRID_PPM) & (REFERENCE_PPM[1] > GRID_PPM)
    return float(density[inside].sum())


def _smooth(mean: Real) -> Real:
    """Return the covariance of a smooth deviation, shape (G, G), smaller beyond the ends of the macromolecules."""
    size = _SPREAD * np.maximum(mean, 0.0) + _LEAST_SPREAD * mean.max()
    low, high = ((GRID_PPM - edge) / _EDGE_WIDTH_PPM for edge in _EDGES_PPM)
    inside = 1 / (1 + np.exp(-low)) / (1 + np.exp(high))
    size = size * (_SPREAD_BEYOND + (1 - _SPREAD_BEYOND) * inside)
    apart = (GRID_PPM[:, None] - GRID_PPM) / _CORRELATION_PPM
    covariance: Real = np.outer(size, size) * np.exp(-(apart**2) / 2)
    return covariance


def _shift_slope(mean: Real) -> Real:
    """Return the derivative of the density by a common shift, per ppm, shape (G,)."""
    slope: Real = np.gradient(mean, STEP_PPM)
    return slope


def _width_slope(mean: Real) -> Real:
    r"""Return the derivative of the density by the logarithm of all widths, for lines of 0.15 ppm, shape (G,).

    A Gaussian obeys :math:`\partial g / \partial s = s\, g''` with s its SD, the FWHM over 2.3548.
    """
    sd_ppm = 0.15 / 2.3548
    slope: Real = sd_ppm**2 * np.gradient(np.gradient(mean, STEP_PPM), STEP_PPM)
    return slope
