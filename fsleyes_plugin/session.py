"""What is open in this FSLeyes: the fits, and what is chosen of them. The panels listen; nothing here draws."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Real
from fsleyes_plugin.model.curves import Curves, Display
from fsleyes_plugin.model.folder import ResultFolder, open_folder
from fsleyes_plugin.model.frames import Voxel
from fsleyes_plugin.model.maps import Maps
from fsleyes_plugin.model.masks import Limits
from fsleyes_plugin.model.table import MapTable, SingleTable


class Fit:
    """One folder of results, opened.

    Raises
    ------
    DataError
        If it is no result, or only half of one.
    """

    def __init__(self, folder: ResultFolder) -> None:
        self.folder = folder
        self.curves = Curves(folder)
        self.maps = Maps(folder, self.curves.grid)
        self.single = self.curves.grid == (1, 1, 1)
        self.table: SingleTable | MapTable = (
            SingleTable(folder) if self.single else MapTable(folder, self.maps)
        )
        self.name = folder.made_by

    @property
    def affine(self) -> Real:
        """Voxel to world, in mm; shape (4, 4)."""
        affine = self.curves.one.affine
        return np.eye(4) if affine is None else affine

    def voxel_at(self, world_mm: Real) -> Voxel | None:
        """Return the voxel at a place in the scanner, None outside; the one voxel of SVS is everywhere."""
        if self.single:
            return (0, 0, 0)
        place = np.linalg.solve(self.affine, np.append(np.asarray(world_mm, dtype=float), 1.0))[:3]
        x, y, z = (int(np.floor(p + 0.5)) for p in place)
        inside = all(0 <= i < n for i, n in zip((x, y, z), self.curves.grid, strict=True))
        return (x, y, z) if inside else None

    def centre(self, voxel: Voxel) -> Real:
        """Return the middle of a voxel in the scanner, in mm; shape (3,)."""
        found: Real = (self.affine @ np.append(voxel, 1.0))[:3]
        return found


@dataclass
class Session:
    """The open fits and the choices, and who wants to know of a change.

    Attributes
    ----------
    fits : list of Fit
    chosen, other : Fit or None
        The one that is shown, and the one it is compared with.
    metabolite : str
        Highlighted; empty: none.
    display : Display
    limits : Limits or None
        What voxels must meet to be shown.
    mask : ndarray, bool, shape (x, y, z), or None
        The voxels of the chosen fit that meet them.
    """

    fits: list[Fit] = field(default_factory=list)
    chosen: Fit | None = None
    other: Fit | None = None
    metabolite: str = ""
    display: Display = field(default_factory=Display)
    limits: Limits | None = None
    mask: NDArray[np.bool_] | None = None
    listeners: dict[str, Callable[[str], Any]] = field(default_factory=dict)

    def listen(self, name: str, callback: Callable[[str], Any]) -> None:
        """Call back with what changed: ``fits``, ``metabolite``, ``display`` or ``mask``."""
        self.listeners[name] = callback

    def forget(self, name: str) -> None:
        """Call back no more."""
        self.listeners.pop(name, None)

    def set(self, what: str, **values: Any) -> None:
        """Change attributes and tell the listeners."""
        for name, value in values.items():
            setattr(self, name, value)
        for callback in tuple(self.listeners.values()):
            callback(what)

    def open(self, path: Path) -> Fit:
        """Open a folder of results, or the one that a file belongs to, and choose it.

        Raises
        ------
        DataError
            If it is no result, or only half of one.
        """
        folder = open_folder(path)
        fit = next((fit for fit in self.fits if fit.folder.path == folder.path), None)
        if fit is None:
            fit = Fit(folder)
            self._name(fit)
            self.fits.append(fit)
        other = next((one for one in self.fits if one is not fit), None)
        self.set("fits", chosen=fit, other=other, mask=None, limits=None)
        return fit

    def _name(self, fit: Fit) -> None:
        """Tell fits of the same maker apart by their folders."""
        alike = [one for one in self.fits if one.folder.made_by == fit.folder.made_by]
        for one in [*alike, fit] if alike else []:
            one.name = f"{one.folder.made_by} ({one.folder.path.name})"

    def close(self) -> None:
        """Forget all fits; listeners stay."""
        for fit in self.fits:
            fit.curves.close()
        self.fits.clear()
        self.set("fits", chosen=None, other=None, mask=None, limits=None, metabolite="")


SESSION = Session()
"""That of this FSLeyes; a loader gets no window to ask, so there is one."""
