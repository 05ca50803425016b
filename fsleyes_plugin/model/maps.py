"""Which maps a folder of results has, and in which range of values they are shown."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Real
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.io.results import SCALINGS
from fsleyes_plugin.model.folder import ResultFolder
from fsleyes_plugin.model.maps_file import MapFile

_KINDS: tuple[tuple[str, str, str], ...] = (
    ("crlb", "uncertainties/{}_sd", "SD (% of the amplitude)"),
    ("snr", "qc/{}_snr", "SNR"),
    ("fwhm", "qc/{}_fwhm", "FWHM (Hz)"),
    ("posterior_mean", "posterior/{}_mean", "posterior mean"),
    ("shrinkage", "posterior/{}_shrinkage", "shrinkage"),
    ("ci68_low", "intervals/{}_ci68_low", "68 % interval, low"),
    ("ci68_high", "intervals/{}_ci68_high", "68 % interval, high"),
    ("ci95_low", "intervals/{}_ci95_low", "95 % interval, low"),
    ("ci95_high", "intervals/{}_ci95_high", "95 % interval, high"),
)
_SINGLE: Mapping[str, str] = {
    "verdict": "verdict (1 good, 2 usable, 3 unusable)",
    "flags": "flags",
    "ood": "misfit (ood)",
    "surprise": "surprise (decades of chance)",
    "widening": "widening of intervals",
    "line_ppm": "highest line of the residual (ppm)",
    "line_z": "highest line of the residual (z)",
}
WIDTH = "ci95_width"
LABELS: Mapping[str, str] = {
    **{name: f"{name} ({unit})" if unit else name for name, unit in SCALINGS.items()},
    **{kind: label for kind, _, label in _KINDS},
    WIDTH: "95 % interval, width",
    "map": "map",
    **_SINGLE,
}
"""Kind of map -> what it is called in a window."""

COLOURS: Mapping[str, str] = {
    "crlb": "cool",
    "snr": "red",
    "fwhm": "blue",
    "shrinkage": "cool",
    WIDTH: "cool",
}
"""Kind of map -> colour map of FSLeyes; red-yellow for the others."""


@dataclass(frozen=True)
class MapChoice:
    """One map: a kind, a metabolite, and another metabolite that it is divided by."""

    kind: str
    metabolite: str = ""
    over: str = ""

    @property
    def label(self) -> str:
        """What the map is called as an overlay."""
        what = f"{self.metabolite} / {self.over}" if self.over else self.metabolite
        return f"{what} {LABELS.get(self.kind, self.kind)}".strip()


class Maps:
    """The maps of a folder; each is read when it is first asked for.

    Parameters
    ----------
    folder : ResultFolder
    grid : tuple of int
        Of the curves.
    """

    def __init__(self, folder: ResultFolder, grid: tuple[int, int, int]) -> None:
        self.folder = folder
        self.grid = grid
        self.scalings = tuple(name for name in SCALINGS if folder.images(f"concs/{name}/*"))
        found: dict[str, None] = {}
        for scaling in self.scalings:
            found |= dict.fromkeys(folder.images(f"concs/{scaling}/*"))
        self.metabolites: tuple[str, ...] = tuple(found)
        self.others = () if found else tuple(self._plain())
        self._open: dict[str, MapFile | None] = {}

    def _plain(self) -> dict[str, MapFile]:
        """Return real-valued images on the grid that lie beside the curves of a folder without ``concs``."""
        known: dict[str, MapFile] = {}
        for name, path in self.folder.images("*").items():
            try:
                file = MapFile(path)
            except DataError:
                continue
            if file.shape[:3] == self.grid and np.prod(file.shape[3:]) == 1 and max(self.grid) > 1:
                known[name] = file
        return known

    def kinds(self, metabolite: str) -> tuple[str, ...]:
        """Return which maps of a metabolite there are; empty for an unknown one."""
        found = [name for name in self.scalings if self._path(name, metabolite)]
        found += [kind for kind, _, _ in _KINDS if self._path(kind, metabolite)]
        if {"ci95_low", "ci95_high"} <= set(found):
            found.append(WIDTH)
        return tuple(found) or (("map",) if metabolite in self.others else ())

    @property
    def single(self) -> tuple[str, ...]:
        """Maps that belong to no metabolite: flags, misfit and what else the residual tells."""
        return tuple(kind for kind in _SINGLE if self.folder.image(f"qc/{kind}"))

    def default(self) -> MapChoice | None:
        """Return the map that is shown first: NAA, or what there is."""
        names = self.metabolites or self.others
        if not names:
            return None
        chosen = next((name for name in ("NAA+NAAG", "NAA") if name in names), names[0])
        return MapChoice(self.kinds(chosen)[0], chosen)

    def _path(self, kind: str, metabolite: str) -> str | None:
        """Return the file of a map without ending, if it is there."""
        if kind in SCALINGS:
            name = f"concs/{kind}/{metabolite}"
        elif kind in _SINGLE:
            name = f"qc/{kind}"
        elif kind == "map":
            name = metabolite
        else:
            name = next(pattern for known, pattern, _ in _KINDS if known == kind).format(metabolite)
        return name if self.folder.image(name) else None

    def file(self, kind: str, metabolite: str = "") -> MapFile | None:
        """Return the file of a map, or None where there is none.

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

    def values(self, choice: MapChoice) -> Real | None:
        """Return a map, shape (x, y, z); NaN where a ratio has no denominator; None where there is none."""
        if choice.kind == WIDTH:
            ends = [self.values(MapChoice(kind, choice.metabolite)) for kind in ("ci95_low", "ci95_high")]
            return None if ends[0] is None or ends[1] is None else ends[1] - ends[0]
        file = self.file(choice.kind, choice.metabolite)
        if file is None:
            return None
        values: Real = np.asarray(file.values, dtype=np.float32).reshape(self.grid)
        if not choice.over:
            return values
        below = self.file(choice.kind, choice.over)
        if below is None:
            return None
        under = np.asarray(below.values, dtype=np.float32).reshape(self.grid)
        return np.divide(values, under, out=np.full_like(values, np.nan), where=under > 0)

    def fitted(self) -> NDArray[np.bool_]:
        """Return which voxels were fitted, as far as the maps say; shape (x, y, z)."""
        parameters = self.folder.image("fit/parameters")
        if parameters is not None:
            first = MapFile(parameters).values[..., 0]
            return np.asarray(np.isfinite(first), dtype=np.bool_)
        inside = np.zeros(self.grid, dtype=np.bool_)
        for name in self.metabolites or self.others:
            file = self.file(self.kinds(name)[0], name)
            if file is not None:
                inside |= np.nan_to_num(file.values.reshape(self.grid)) != 0
        return inside


def display_range(values: Real, inside: NDArray[np.bool_], kind: str) -> tuple[float, float]:
    """Return the lowest and highest value that colours are spread over: those of the voxels that count.

    Parameters
    ----------
    values : ndarray, float, shape (x, y, z)
    inside : ndarray, bool, shape (x, y, z)
        Voxels that were fitted and are not masked.
    kind : str

    Returns
    -------
    tuple of float
        0 to the 98th percentile for what is an amount, the 2nd to the 98th for what is not.
    """
    seen = values[inside & np.isfinite(values)]
    if kind == "crlb":
        seen = seen[seen < 999]
    if not seen.size:
        return 0.0, 1.0
    low, high = (float(v) for v in np.percentile(seen, [2, 98]))
    if kind not in ("fwhm", "ood", "ci95_low", "widening", "line_ppm") and low >= 0:
        low = 0.0
    return low, high if high > low else low + max(abs(low), 1.0) * 1e-3
