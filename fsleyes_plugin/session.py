"""The state of the plugin in this FSLeyes: open fits and files, and the user's choices; nothing here draws."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Complex, MRSData
from fsl_mrs_dl.io.voxels import VoxelFile
from fsleyes_plugin.model.curves import Curves, Display
from fsleyes_plugin.model.folder import ResultFolder, open_folder
from fsleyes_plugin.model.frames import Frame, Voxel
from fsleyes_plugin.model.held import Held
from fsleyes_plugin.model.look import Look
from fsleyes_plugin.model.maps import Maps
from fsleyes_plugin.model.masks import Limits, passing
from fsleyes_plugin.model.mirror import Mirror
from fsleyes_plugin.model.names import distinct_names
from fsleyes_plugin.model.place import Placed
from fsleyes_plugin.model.scan import Scan
from fsleyes_plugin.model.table import MapTable, SingleTable


class Fit(Placed):
    """One folder of results, opened, with the limits that the user has set for it.

    Attributes
    ----------
    name, place : str
        Name in lists and legends: the folder and who made the fit; and the folder alone.
    limits : Limits or None
        Limits for its shown voxels.
    mask : ndarray, bool, shape (x, y, z), or None
        Its voxels that meet the limits.

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
        self.name = self.place = folder.path.name
        self.limits: Limits | None = None
        self.mask: NDArray[np.bool_] | None = None
        self._opened = self._stamp()

    @property
    def files(self) -> tuple[VoxelFile, ...]:
        """The files of FIDs."""
        return self.curves.files

    @property
    def here(self) -> bool:
        """Whether the folder is still where it was."""
        return self.curves.fit_path.exists()

    def changed_on_disk(self) -> bool:
        """Return whether another run has written the folder since it was opened."""
        return self._stamp() != self._opened

    def _stamp(self) -> tuple[int, int]:
        """Return time and size of the file that a run writes last, or of the fit."""
        record = self.folder.path / "run.json"
        status = (record if record.exists() else self.curves.fit_path).stat()
        return status.st_mtime_ns, status.st_size

    @property
    def key(self) -> str:
        """What overlays that were made of it are known by."""
        return str(self.folder.path)

    @property
    def one(self) -> MRSData:
        """Header and axes."""
        return self.curves.one

    def measured(self, voxel: Voxel) -> Complex | None:
        """See :meth:`fsleyes_plugin.model.region.MeasuredGrid.measured`."""
        return self.curves.measured(voxel)

    def known_frame(self, voxel: Voxel) -> Frame | None:
        """See :meth:`fsleyes_plugin.model.region.MeasuredGrid.known_frame`."""
        return self.curves.known_frame(voxel)


@dataclass
class Session:
    """The selection: what is open, what of it is drawn, and how; with listeners to changes.

    Panels keep no copy of it. The voxel is where the cursor of FSLeyes is, and the map of a fit is among the
    overlays of FSLeyes (:func:`fsleyes_plugin.overlays.map_of`).

    Attributes
    ----------
    fits : list of Fit
    chosen, other : Fit or None
        The fit that was chosen last, and the fit for comparison.
    scans : list of Scan
        Files without a fit.
    scan : Scan or None
        File whose spectra are drawn instead of those of the chosen fit.
    places : tuple of int
        Indices in the higher dimensions of the scan.
    metabolite : str
        Highlighted metabolite; empty: none.
    display : Display
    look : Look
    held : tuple of Held
        Lines that stay on the axes.
    mirror : Mirror or None
        Plane to show the voxel on the other side of; None: it is not shown.
    upright : bool
        Whether the anatomy was turned upright at the first look.
    error_texts : set of str
        Errors that were shown since the last fit was opened or closed.
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
    held: tuple[Held, ...] = ()
    mirror: Mirror | None = None
    upright: bool = False
    error_texts: set[str] = field(default_factory=set)
    listeners: dict[str, Callable[[str], Any]] = field(default_factory=dict)

    @property
    def shown(self) -> Fit | Scan | None:
        """The fit or file whose spectra are drawn."""
        return self.scan if self.scan is not None else self.chosen

    @property
    def fit(self) -> Fit | None:
        """The fit that is drawn, to which table, maps and limits belong; None if a file without a fit is."""
        return self.chosen if self.scan is None else None

    @property
    def mask(self) -> NDArray[np.bool_] | None:
        """Voxels of the drawn fit that meet its limits; None: all."""
        return None if self.fit is None else self.fit.mask

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
        self.error_texts.clear()
        fit = next((fit for fit in self.fits if fit.folder.path == folder.path), None)
        if fit is not None and fit.changed_on_disk():
            return self.reopen(fit)
        if fit is None:
            fit = Fit(folder)
            self.fits.append(fit)
            self._name()
        self.choose(fit)
        return fit

    def reopen(self, fit: Fit) -> Fit:
        """Read a folder again that another run has written since; limits stay.

        Raises
        ------
        DataError
            See :meth:`open`.
        """
        new = Fit(open_folder(fit.folder.path))
        self.fits[self.fits.index(fit)] = new
        fit.curves.close()
        self._name()
        other = new if self.other is fit else self.other
        self.set("fits", chosen=new if self.chosen is fit else self.chosen, other=other)
        if fit.limits is not None:
            self.limit(new, fit.limits)
        return new

    def choose(self, fit: Fit) -> None:
        """Draw an open fit; the one before it, of as many voxels, is the other one for comparison."""
        others = [one for one in (self.chosen, self.other, *self.fits) if one in self.fits and one is not fit]
        others.sort(key=lambda one: one.grid != fit.grid)  # one of the same voxels, if there is one
        self.set("fits", chosen=fit, other=others[0] if others else None, scan=None, places=())

    def limit(self, fit: Fit, limits: Limits) -> None:
        """Set the limits of a fit."""
        fit.limits, fit.mask = limits, passing(fit.maps, limits)
        self.set("mask")

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
            self._name()
        self.show(scan)
        return scan

    def show(self, scan: Scan | None) -> None:
        """Show the spectra of a file without a fit, or (None) those of the chosen fit."""
        self.set("scan", scan=scan, places=_first_places(scan))

    def draw(self, one: Fit | Scan) -> None:
        """Draw an open fit or file."""
        if isinstance(one, Scan):
            self.show(one)
        else:
            self.choose(one)

    def _name(self) -> None:
        """Name all fits and files so that they can be told apart."""
        fits, scans = (distinct_names([Path(one.key) for one in group]) for group in (self.fits, self.scans))
        for fit, place in zip(self.fits, fits, strict=True):
            maker = fit.folder.producer
            fit.place, fit.name = place, place if maker == fit.folder.path.name else f"{place} ({maker})"
        for scan, place in zip(self.scans, scans, strict=True):
            scan.name = scan.place = place

    def close_one(self, one: Fit | Scan) -> None:
        """Close one fit or file; what is drawn stays, or the next one is drawn."""
        drawn = self.shown
        if isinstance(one, Scan):
            self.scans.remove(one)
            one.close()
        else:
            self.fits.remove(one)
            one.curves.close()
        left: list[Fit | Scan] = [*self.fits, *self.scans]
        self._name()
        chosen = self.chosen if self.chosen in self.fits else next(iter(self.fits), None)
        other = next(
            (fit for fit in (self.other, *self.fits) if fit in self.fits and fit is not chosen), None
        )
        following = drawn if drawn in left else next(iter(left), None)
        scan = following if isinstance(following, Scan) else None
        places = self.places if scan is self.scan else _first_places(scan)
        metabolite = "" if drawn is one else self.metabolite
        self.error_texts.clear()
        self.set("fits", chosen=chosen, other=other, scan=scan, places=places, metabolite=metabolite)

    def close(self) -> None:
        """Close all fits and files; listeners stay."""
        for fit in self.fits:
            fit.curves.close()
        for scan in self.scans:
            scan.close()
        self.fits.clear()
        self.scans.clear()
        self.set("fits", scan=None, places=(), chosen=None, other=None, metabolite="", upright=False)


def _first_places(scan: Scan | None) -> tuple[int, ...]:
    """Return the first index of each higher dimension of a file."""
    return () if scan is None else (0,) * len(scan.dimensions)


SESSION = Session()
"""The session of this FSLeyes; it is global, because a loader of FSLeyes has no window."""
