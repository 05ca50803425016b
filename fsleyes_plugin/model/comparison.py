"""Compare two fits of the same voxels."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Real
from fsl_mrs_dl.errors import DataError
from fsleyes_plugin.model.damage import refusing_damage
from fsleyes_plugin.model.maps import MapChoice, Maps


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


def difference_map(comparison: Comparison, grid: tuple[int, int, int]) -> Real:
    """Return second less first, shape (x, y, z); 0 where it is not known."""
    values = np.zeros(grid, dtype=np.float32)
    values[tuple(comparison.voxels.T)] = comparison.difference
    return values
