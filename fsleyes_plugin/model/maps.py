"""Find the maps of a folder of results, and the range of their colours."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Real
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.io.results import SCALINGS
from fsleyes_plugin.model.damage import refusing_damage
from fsleyes_plugin.model.folder import ResultFolder
from fsleyes_plugin.model.maps_file import MapFile
from fsleyes_plugin.model.quantities import QUANTITIES, SINGLE, WIDTH, label


@dataclass(frozen=True)
class MapChoice:
    """One map: a kind, a metabolite, and another metabolite that it is divided by."""

    kind: str
    metabolite: str = ""
    over: str = ""

    @property
    def label(self) -> str:
        """Name of the map as an overlay."""
        what = f"{self.metabolite} / {self.over}" if self.over else self.metabolite
        return f"{what} {label(self.kind)}".strip()


class Maps:
    """The maps of a folder; each is read at its first use.

    Parameters
    ----------
    folder : ResultFolder
    grid : tuple of int
        Grid of the curves.
    """

    @refusing_damage
    def __init__(self, folder: ResultFolder, grid: tuple[int, int, int]) -> None:
        self.folder = folder
        self.grid = grid
        self.scalings = tuple(name for name in SCALINGS if folder.images(f"concs/{name}/*"))
        names: dict[str, None] = {}
        for scaling in self.scalings:
            names |= dict.fromkeys(folder.images(f"concs/{scaling}/*"))
        self.metabolites: tuple[str, ...] = tuple(names)
        self.others = () if names else tuple(self._plain())
        self._open: dict[str, MapFile | None] = {}
        self._kinds: dict[str, tuple[str, ...]] = {}

    def _plain(self) -> dict[str, MapFile]:
        """Return real-valued images on the grid in a folder of curves without ``concs``."""
        known: dict[str, MapFile] = {}
        for name, path in self.folder.images("*").items():
            try:
                file = MapFile(path)
            except DataError:
                continue
            if file.shape[:3] == self.grid and np.prod(file.shape[3:]) == 1 and max(self.grid) > 1:
                known[name] = file
        return known

    @refusing_damage
    def kinds(self, metabolite: str) -> tuple[str, ...]:
        """Return the existing maps of a metabolite, the leading one first; empty for an unknown one."""
        if metabolite not in self._kinds:
            existing = tuple(kind for kind in QUANTITIES if self._exists(kind, metabolite))
            self._kinds[metabolite] = existing or (("map",) if metabolite in self.others else ())
        return self._kinds[metabolite]

    def _exists(self, kind: str, metabolite: str) -> bool:
        needed = _ends(kind) if kind.startswith(WIDTH) else (kind,)
        return all(self._path(one, metabolite) for one in needed)

    @cached_property
    def every_kind(self) -> frozenset[str]:
        """The kinds of maps that any metabolite has."""
        return frozenset(kind for name in self.metabolites or self.others for kind in self.kinds(name))

    @property
    def single(self) -> tuple[str, ...]:
        """Maps that belong to no metabolite: flags, misfit and other measures of the residual."""
        return tuple(kind for kind in SINGLE if self.folder.image(f"qc/{kind}"))

    def default(self) -> MapChoice | None:
        """Return the map that is shown first: the leading quantity of NAA, or of the first metabolite."""
        names = self.metabolites or self.others
        if not names:
            return None
        chosen = next((name for name in ("NAA+NAAG", "NAA") if name in names), names[0])
        return MapChoice(self.kinds(chosen)[0], chosen)

    def _path(self, kind: str, metabolite: str) -> str | None:
        """Return the file of a map without ending, if it exists."""
        if kind in SINGLE:
            name = f"qc/{kind}"
        else:
            name = metabolite if kind == "map" else QUANTITIES[kind].file.format(metabolite)
        return name if self.folder.image(name) else None

    @refusing_damage
    def file(self, kind: str, metabolite: str = "") -> MapFile | None:
        """Return the file of a map, or None if there is none.

        Raises
        ------
        DataError
            If it is damaged, or on another grid than the curves.
        """
        name = self._path(kind, metabolite)
        if name is None:
            return None
        if name not in self._open:
            path = self.folder.image(name)
            assert path is not None
            file = MapFile(path)
            if file.shape[:3] != self.grid:
                raise DataError(f"{path} has the grid {file.shape[:3]}, the curves have {self.grid}.")
            self._open[name] = file
        return self._open[name]

    @refusing_damage
    def values(self, choice: MapChoice) -> Real | None:
        """Return a map, shape (x, y, z); None if there is none.

        NaN where a ratio has no denominator, or a posterior has no mean (0 in the file).
        """
        if choice.kind.startswith(WIDTH):
            ends = [self.values(MapChoice(kind, choice.metabolite)) for kind in _ends(choice.kind)]
            return None if ends[0] is None or ends[1] is None else ends[1] - ends[0]
        file = self.file(choice.kind, choice.metabolite)
        if file is None:
            return None
        values: Real = np.asarray(file.values, dtype=np.float32).reshape(self.grid)
        if choice.kind.startswith("posterior_mean"):
            values = np.where(values == 0, np.float32(np.nan), values)
        if not choice.over:
            return values
        below = self.file(choice.kind, choice.over)
        if below is None:
            return None
        under = np.asarray(below.values, dtype=np.float32).reshape(self.grid)
        return np.divide(values, under, out=np.full_like(values, np.nan), where=under > 0)

    def fitted(self) -> NDArray[np.bool_]:
        """Return which voxels were fitted, according to the maps; shape (x, y, z)."""
        return self._fitted

    def first_fitted(self) -> tuple[int, int, int]:
        """Return the first fitted voxel; (0, 0, 0) if there is none."""
        fitted = np.argwhere(self.fitted())
        x, y, z = (int(i) for i in (fitted[0] if len(fitted) else (0, 0, 0)))
        return x, y, z

    @cached_property
    @refusing_damage
    def _fitted(self) -> NDArray[np.bool_]:
        parameters = self.folder.image("fit/parameters")
        if parameters is not None:
            first = MapFile(parameters).volume(0)
            return np.asarray(np.isfinite(first), dtype=np.bool_)
        inside = np.zeros(self.grid, dtype=np.bool_)
        kind = self.scalings[0] if self.scalings else "map"
        for name in self.metabolites or self.others:
            file = self.file(kind, name)
            if file is not None:
                inside |= np.nan_to_num(file.values.reshape(self.grid)) != 0
        return inside


def _ends(kind: str) -> tuple[str, str]:
    """Return the kinds of the lower and the upper end of a width."""
    return kind.replace("width", "low"), kind.replace("width", "high")


def display_range(values: Real, inside: NDArray[np.bool_], kind: str) -> tuple[float, float]:
    """Return the range of values of the colours, from the included voxels.

    Parameters
    ----------
    values : ndarray, float, shape (x, y, z)
    inside : ndarray, bool, shape (x, y, z)
        Voxels that were fitted and are not masked.
    kind : str

    Returns
    -------
    tuple of float
        0 to the 98th percentile for amounts, the 2nd to the 98th for others.
    """
    shown = values[inside & np.isfinite(values)]
    if kind == "crlb":
        shown = shown[shown < 999]
    if not shown.size:
        return 0.0, 1.0
    low, high = (float(v) for v in np.percentile(shown, [2, 98]))
    if kind.split(":")[0] not in ("fwhm", "ood", "ci95_low", "widening", "line_ppm") and low >= 0:
        low = 0.0
    return low, high if high > low else low + max(abs(low), 1.0) * 1e-3
