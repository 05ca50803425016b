"""What is known of macromolecules before the data: a Gaussian prior over their density along chemical shift."""

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
"""Places of the components: macromolecules lie from 0.7 to 4.2 ppm, and their tails beyond."""
REFERENCE_PPM = (0.65, 1.08)
"""Where the methyl groups at 0.9 ppm lie, whose area is the unit of the density."""
METHYL_PROTONS = 3.0
_FINE_PPM: Real = np.arange(-0.4, 5.3, 0.01)
_RIDGE = 1e-3
CONTINUUM_PPM = 0.5  # wider lines are the continuum under the lines, which most tables leave out
_ROUNDS = 10  # of bringing tables to one scale
# Spreads, as shares of the mean density. Regions of human spectra agree within 10 %, line areas within 10-60 %
# (table and fits of physics.macromolecules); a published mean also hides differences between people.
_OWN, _FLOOR = 0.30, 0.12  # of the density itself, and of its highest value where it is low
_CORRELATION_PPM = 0.07
_EDGES_PPM, _EDGE_PPM, _BEYOND = (0.60, 4.25), 0.05, 0.2
_SHIFT_PPM = 0.015  # tables are referenced within 0.05 ppm of each other
_WIDTH = 0.10  # relative spread of all widths, which shrink with field and grow with shim
_CONTINUUM = (
    0.5,
    0.5,
)  # mean and SD of its size over that of the fits that have one: others' baselines took it


@dataclass(frozen=True, eq=False)
class DensityPrior:
    """A Gaussian prior over coefficients of components at :data:`GRID_PPM`, in protons.

    Attributes
    ----------
    mean : ndarray, float, shape (G,)
        Scaled to three protons within :data:`REFERENCE_PPM`.
    root : ndarray, float, shape (G, G)
        L with the covariance L L^T, at the scale of the mean.
    tables : tuple of str
        Keys of :data:`~fsl_mrs_dl.physics.macromolecules.MM_SETS` that it is made of.
    """

    mean: Real
    root: Real
    tables: tuple[str, ...]


LEFT_OUT: ContextVar[tuple[str, ...]] = ContextVar("LEFT_OUT", default=())
"""Tables that the prior of a fit must not know: for benchmarks, on spectra that are made of them."""


@cache
def density_prior(without: tuple[str, ...] = ()) -> DensityPrior:
    """Return the prior made of the published tables.

    The mean is that of the tables at one scale. The covariance adds how they differ, a smooth deviation of 30 %
    of the density, a common shift and a common width, and a continuum under the lines.

    Parameters
    ----------
    without : tuple of str
        Tables that are left out, to judge the prior on spectra made of them.
    """
    names = tuple(name for name in MM_SETS if name not in without)
    split = [_parts(MM_SETS[name]) for name in names]
    scaled, mean = _one_scale(np.array([_on_grid(lines) for lines, _ in split]))
    broad = [_on_grid(wide) * scale for (_, wide), scale in zip(split, scaled[:, -1], strict=True) if wide]
    tables = scaled[:, :-1]
    unit = METHYL_PROTONS / _area(mean)
    tables, mean = tables * unit, mean * unit
    continuum = np.mean(broad, axis=0) * unit if broad else np.zeros_like(mean)
    apart = tables - mean
    covariance = apart.T @ apart / max(len(tables) - 1, 1)
    covariance += _smooth(mean)
    for slope in (_SHIFT_PPM * _moved(mean), _WIDTH * _widened(mean), _CONTINUUM[1] * continuum):
        covariance += np.outer(slope, slope)
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    return DensityPrior(mean + _CONTINUUM[0] * continuum, root, names)


def _parts(lines: Sequence[GaussianLine]) -> tuple[list[GaussianLine], list[GaussianLine]]:
    """Return the lines of a table and its continuum."""
    wide = [line for line in lines if line.fwhm_ppm > CONTINUUM_PPM]
    return [line for line in lines if line not in wide], wide


def _gaussians(places: Real, widths: Real) -> Real:
    """Return Gaussians of unit area, shape (fine, line)."""
    shape = np.exp(-4 * np.log(2) * ((_FINE_PPM[:, None] - places) / widths) ** 2)
    normed: Real = shape / (widths * np.sqrt(np.pi / (4 * np.log(2))))
    return normed


def _on_grid(lines: Sequence[GaussianLine]) -> Real:
    """Return the coefficients of the components that describe lines, by ridge regression."""
    if not lines:
        return np.zeros(len(GRID_PPM))
    widths = np.array([max(line.fwhm_ppm, FWHM_PPM) for line in lines])
    drawn = _gaussians(np.array([line.ppm for line in lines]), widths)
    return _described(drawn @ np.array([line.amplitude for line in lines]))


def _described(curve: Real) -> Real:
    design = _components()
    gram = design.T @ design
    ridge = _RIDGE * np.trace(gram) / len(gram) * np.eye(len(gram))
    found: Real = np.linalg.solve(gram + ridge, design.T @ curve)
    return found


@cache
def _components() -> Real:
    return _gaussians(GRID_PPM, np.full(len(GRID_PPM), FWHM_PPM))


def _one_scale(tables: Real) -> tuple[Real, Real]:
    """Return tables at one scale, with the scale of each as a last column, and their mean."""
    mean = tables.mean(axis=0)
    scale = np.ones(len(tables))
    for _ in range(_ROUNDS):
        scale = (tables @ mean) / (tables**2).sum(axis=1)
        mean = (scale[:, None] * tables).mean(axis=0)
        mean /= np.linalg.norm(mean)
    scale = (tables @ mean) / (tables**2).sum(axis=1)
    return np.hstack([scale[:, None] * tables, scale[:, None]]), mean


def _area(density: Real) -> float:
    inside = (REFERENCE_PPM[0] < GRID_PPM) & (REFERENCE_PPM[1] > GRID_PPM)
    return float(density[inside].sum())


def _smooth(mean: Real) -> Real:
    """Return the covariance of a smooth deviation, smaller beyond the ends of the macromolecules."""
    size = _OWN * np.maximum(mean, 0.0) + _FLOOR * mean.max()
    low, high = ((GRID_PPM - edge) / _EDGE_PPM for edge in _EDGES_PPM)
    inside = 1 / (1 + np.exp(-low)) / (1 + np.exp(high))
    size = size * (_BEYOND + (1 - _BEYOND) * inside)
    apart = (GRID_PPM[:, None] - GRID_PPM) / _CORRELATION_PPM
    covariance: Real = np.outer(size, size) * np.exp(-(apart**2) / 2)
    return covariance


def _moved(mean: Real) -> Real:
    """Return the derivative of the density by a common shift, per ppm."""
    slope: Real = np.gradient(mean, STEP_PPM)
    return slope


def _widened(mean: Real) -> Real:
    r"""Return the derivative by the logarithm of all widths, of lines of 0.15 ppm (FWHM).

    A Gaussian obeys :math:`\partial g / \partial s = s\, g''` with s its SD.
    """
    sd = 0.15 / 2.3548
    bent: Real = sd**2 * np.gradient(np.gradient(mean, STEP_PPM), STEP_PPM)
    return bent
