"""Compare two fits of the same voxels."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Real
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.io.basis import read_json_basis
from fsleyes_plugin.model.curves import Lines
from fsleyes_plugin.model.damage import refusing_damage
from fsleyes_plugin.model.folder import ResultFolder
from fsleyes_plugin.model.maps import MapChoice, Maps
from fsleyes_plugin.model.quantities import scaling_of

_SAME_DATA = 0.999
"""Least correlation of the data of two fits: 1 for the same data, but for rounding to single precision."""
_SAME_UNIT = 1e-3
"""Largest share by which a scale differs from 1 and is not told: less than the width of a line in a figure."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """One quantity in two fits, voxel by voxel.

    Attributes
    ----------
    choice : MapChoice
    first, second : ndarray, float, shape (V,)
    voxels : ndarray, int, shape (V, 3)
    """

    choice: MapChoice
    first: Real
    second: Real
    voxels: NDArray[np.integer]

    @property
    def mean(self) -> Real:
        """Abscissa of the Bland-Altman plot."""
        return (self.first + self.second) / 2

    @property
    def difference(self) -> Real:
        """Second less first."""
        return self.second - self.first

    @property
    def bias(self) -> float:
        """Mean difference."""
        return float(self.difference.mean())

    @property
    def limits(self) -> tuple[float, float]:
        """Limits of agreement, bias ± 1.96 SD (Bland and Altman 1986, doi:10.1016/S0140-6736(86)90837-8)."""
        spread = 1.96 * float(self.difference.std(ddof=1)) if len(self.first) > 1 else 0.0
        return self.bias - spread, self.bias + spread

    @property
    def correlation(self) -> float:
        """Pearson's; NaN where a fit does not vary."""
        if len(self.first) < 2 or not (self.first.std() > 0 and self.second.std() > 0):
            return float("nan")
        return float(np.corrcoef(self.first, self.second)[0, 1])

    def summary(self) -> str:
        """Return the numbers in one line."""
        low, high = self.limits
        return (
            f"{len(self.first)} voxels, r = {self.correlation:.3f}, mean difference {self.bias:.4g}, "
            f"95 % of differences {low:.4g} to {high:.4g}"
        )


@refusing_damage
def common(first: Maps, second: Maps) -> tuple[MapChoice, ...]:
    """Return the maps that both fits have, amounts before quality."""
    names = [name for name in first.metabolites or first.others if second.kinds(name)]
    return tuple(
        MapChoice(kind, name) for name in names for kind in first.kinds(name) if kind in second.kinds(name)
    )


@refusing_damage
def compare(
    first: Maps, second: Maps, choice: MapChoice, mask: NDArray[np.bool_] | None = None
) -> Comparison:
    """Compare two fits in the voxels that both have.

    Parameters
    ----------
    first, second : Maps
    choice : MapChoice
    mask : ndarray, bool, shape (x, y, z), optional
        Voxels that count.

    Raises
    ------
    DataError
        If the grids differ, one of them has no such map, or no voxel is left.
    """
    if first.grid != second.grid:
        raise DataError(
            f"{second.folder.path.name} has the grid {second.grid}, {first.folder.path.name} has {first.grid}; "
            "two fits of the same data are needed."
        )
    if without_unit(first.folder, second.folder, choice):
        raise DataError(
            f"Amplitudes of {first.folder.path.name} and {second.folder.path.name} have no common unit, for "
            "they are of two basis sets or programs; choose a ratio or a concentration."
        )
    one, two = first.values(choice), second.values(choice)
    if one is None or two is None:
        without = first if one is None else second
        raise DataError(f"{without.folder.path.name} has no map of {choice.label}; choose another.")
    both = first.fitted() & second.fitted() & np.isfinite(one) & np.isfinite(two)
    if mask is not None:
        both &= mask
    if not both.any():
        raise DataError(f"No voxel has {choice.label} in both fits; choose other fits or a wider mask.")
    place = np.argwhere(both)
    return Comparison(choice, one[both].astype(np.float64), two[both].astype(np.float64), place)


def in_units_of(first: Lines, second: Lines) -> tuple[Lines | None, str]:
    """Scale the curves of a second fit to the units of a first one.

    The data are what both fitted; the factor is that of least squares between them.

    Parameters
    ----------
    first, second : Lines
        In the same phase.

    Returns
    -------
    lines : Lines or None
        None if the second fit is not of the same data.
    word : str
        To add to the name of the second fit; without lines, the reason.
    """
    if first.ppm.shape != second.ppm.shape or not np.allclose(first.ppm, second.ppm, atol=1e-4):
        return None, "its data are sampled otherwise"
    if first.data is None or second.data is None:
        return second, " (in units of its own, for its folder has no data)"
    one, two = first.data + first.ground, second.data + second.ground
    size = float(np.sqrt((one @ one) * (two @ two)))
    if not size > 0 or not float(one @ two) > _SAME_DATA * size:
        return None, "it is of other data"
    factor = float(one @ two) / float(two @ two)
    if abs(factor - 1) < _SAME_UNIT:
        return second, ""
    fit = None if second.fit is None else factor * second.fit
    return replace(second, fit=fit, ground=factor * second.ground), f", scaled by {factor:.3g}"


@refusing_damage
def without_unit(first: ResultFolder, second: ResultFolder, choice: MapChoice) -> bool:
    """Return whether two fits have no common unit for a quantity.

    Amplitudes ("raw") have the unit of the basis set: the signal of its metabolite at time zero. FSL-MRS scales
    each voxel of an MRSI before its fit.
    """
    if choice.over or scaling_of(choice.kind) != "raw":
        return False
    parts = choice.metabolite.split("+")
    units = [[_first_points(folder).get(part) for part in parts] for folder in (first, second)]
    if any(value is None for value in (*units[0], *units[1])):
        return True
    one, two = (np.array(values, dtype=complex) for values in units)
    return not np.allclose(one, two, rtol=_SAME_UNIT, atol=0)


@functools.lru_cache(maxsize=16)
def _first_points(folder: ResultFolder) -> Mapping[str, complex]:
    """Return the first point of each member of the basis set of a fit; empty if its folder has none."""
    if folder.fsl_mrs is not None or not (folder.path / "basis").is_dir():
        return {}
    basis = read_json_basis(folder.path / "basis")
    return {name: complex(fid[0]) for name, fid in zip(basis.names, basis.fids, strict=True)}


def difference_map(comparison: Comparison, grid: tuple[int, int, int]) -> Real:
    """Return second less first, shape (x, y, z); NaN where it is not known."""
    values = np.full(grid, np.nan, dtype=np.float32)
    values[tuple(comparison.voxels.T)] = comparison.difference
    return values
