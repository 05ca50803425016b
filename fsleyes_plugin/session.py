"""The state of the plugin in this FSLeyes: open fits and files, and the user's choices; nothing here draws."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsleyes_plugin.model.curves import Curves, Display
from fsleyes_plugin.model.folder import ResultFolder, open_folder
from fsleyes_plugin.model.look import Look
from fsleyes_plugin.model.maps import Maps
from fsleyes_plugin.model.masks import Limits
from fsleyes_plugin.model.place import Placed
from fsleyes_plugin.model.scan import Scan
from fsleyes_plugin.model.table import MapTable, SingleTable


class Fit(Placed):
    """One folder of results, opened.

    Raises
    ------
    DataError
        If it is no result, or only half of one.
    """

    def __init__(self, folder: ResultFolder) -> None:
        self.folder = folder
        self.curves = Curves(folder)
        Placed.__init__(self, self.curves.one, self.curves.grid)
        self.maps = Maps(folder, self.curves.grid)
        self.table: SingleTable | MapTable = (
            SingleTable(folder) if self.single else MapTable(folder, self.maps)
        )
        self.name = folder.producer

    @property
    def key(self) -> str:
        """What overlays that were made of it are known by."""
        return str(self.folder.path)


@dataclass
class Session:
    """Open fits, choices, and listeners to changes.

    Attributes
    ----------
    fits : list of Fit
    chosen, other : Fit or None
        The shown fit, and the fit for comparison.
    scans : list of Scan
        Files without a fit.
    scan : Scan or None
        File whose spectra are shown instead of those of the chosen fit.
    places : tuple of int
        Indices in the higher dimensions of the scan.
    metabolite : str
        Highlighted metabolite; empty: none.
    display : Display
    look : Look
    limits : Limits or None
        Limits for shown voxels.
    mask : ndarray, bool, shape (x, y, z), or None
        Voxels of the chosen fit that meet the limits.
    """

    fits: list[Fit] = field(default_factory=list)
    chosen: Fit | None = None
    other: Fit | None = None
    scans: list[Scan] = field(default_factory=list)
    scan: Scan | None = None
    places: tuple[int, ...] = ()
    metabolite: str = ""
    display: Display = field(default_factory=Display)
    look: Look = field(default_factory=Look)
    limits: Limits | None = None
    mask: NDArray[np.bool_] | None = None
    listeners: dict[str, Callable[[str], Any]] = field(default_factory=dict)

    def listen(self, name: str, callback: Callable[[str], Any]) -> None:
        """Add a listener; it is called with ``fits``, ``scan``, ``metabolite``, ``display`` or ``mask``."""
        self.listeners[name] = callback

    def forget(self, name: str) -> None:
        """Remove a listener."""
        self.listeners.pop(name, None)

    def set(self, what: str, **values: Any) -> None:
        """Change attributes and call the listeners."""
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
        self.choose(fit)
        return fit

    def choose(self, fit: Fit) -> None:
        """Show an open fit, with the first of the others for comparison."""
        other = next((one for one in self.fits if one is not fit), None)
        self.set("fits", chosen=fit, other=other, mask=None, limits=None, scan=None)

    def open_scan(self, path: Path) -> Scan:
        """Open a file without a fit, and show it instead of the chosen fit.

        Raises
        ------
        DataError
            If it is no NIfTI-MRS.
        """
        scan = next((scan for scan in self.scans if scan.path == path), None)
        if scan is None:
            scan = Scan(path)
            self.scans.append(scan)
        self.show(scan)
        return scan

    def show(self, scan: Scan | None) -> None:
        """Show the spectra of a file without a fit, or (None) those of the chosen fit."""
        self.set("scan", scan=scan, places=(0,) * len(scan.dimensions) if scan is not None else ())

    def _name(self, fit: Fit) -> None:
        """Add the folder to the names of fits with the same producer."""
        alike = [one for one in self.fits if one.folder.producer == fit.folder.producer]
        for one in [*alike, fit] if alike else []:
            one.name = f"{one.folder.producer} ({one.folder.path.name})"

    def close_one(self, shown: Fit | Scan) -> None:
        """Close one fit or file; another one is shown instead, if there is one."""
        if isinstance(shown, Scan):
            self.scans.remove(shown)
            shown.close()
            self.show(self.scans[-1] if self.chosen is None and self.scans else None)
            return
        self.fits.remove(shown)
        shown.curves.close()
        if shown is self.chosen:
            self.metabolite = ""
        left = self.chosen if self.chosen in self.fits else next(iter(self.fits), None)
        if left is not None:
            self.choose(left)
            return
        scan = self.scan or next(iter(self.scans), None)
        self.set("fits", chosen=None, other=None, mask=None, limits=None)
        self.show(scan)

    def close(self) -> None:
        """Close all fits and files; listeners stay."""
        for fit in self.fits:
            fit.curves.close()
        for scan in self.scans:
            scan.close()
        self.fits.clear()
        self.scans.clear()
        self.set("fits", scan=None, places=(), chosen=None, other=None, mask=None, limits=None, metabolite="")


SESSION = Session()
"""The session of this FSLeyes; it is global, because a loader of FSLeyes has no window."""
