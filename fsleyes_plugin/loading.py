"""Read large results in a thread, so that the window does not freeze; nothing here draws."""

import tempfile
import threading
from collections.abc import Callable

from fsl_mrs_dl.errors import MRSDLError
from fsl_mrs_dl.io.voxels import VoxelFile
from fsleyes_plugin.model.scan import Scan
from fsleyes_plugin.session import Fit

LARGE_BYTES = 3 * 2**24
"""FIDs from this size on are decompressed in a thread: 48 MiB, about 0.3 s."""
LARGE_VOXELS = 2**14
"""Maps from this number of voxels on are read in a thread: a few hundred maps of 16384 take about 0.3 s."""


class Loading:
    """Decompress the files of a fit or scan in a thread, and read what its first voxel needs.

    Parameters
    ----------
    one : Fit or Scan

    Attributes
    ----------
    error : MRSDLError or None
        Why it failed.
    """

    def __init__(self, one: Fit | Scan) -> None:
        self._files: tuple[VoxelFile, ...] = one.files
        self._name, self._bytes, self._done = one.name, sum(file.packed_bytes for file in self._files), 0
        self._work = _first_reading(one)
        self._stopped = threading.Event()
        self.error: MRSDLError | None = None
        self._thread = threading.Thread(target=self._run, name=f"load {one.key}", daemon=True)
        self._thread.start()

    @property
    def running(self) -> bool:
        """Whether it is not yet at its end."""
        return self._thread.is_alive()

    def text(self) -> str:
        """Return a sentence on what is done."""
        if self._done >= self._bytes:
            return f"Reading the maps of {self._name} .."
        return (
            f"Decompressing {self._name}: {100 * self._done / self._bytes:.0f} % of {self._bytes / 1e9:.1f} GB, "
            f"into {tempfile.gettempdir()}, not into memory."
        )

    def stop(self) -> None:
        """End it early."""
        self._stopped.set()

    def _run(self) -> None:
        try:
            if all(file.unpack(self._go_on) for file in self._files):
                self._work()
        except MRSDLError as error:
            self.error = error

    def _go_on(self, size: int) -> bool:
        self._done += size
        return not self._stopped.is_set()


def loading_of(one: Fit | Scan) -> Loading | None:
    """Return the reading of a large fit or file that is not at its end; start it if need be.

    Raises
    ------
    MRSDLError
        If it failed.
    """
    if one.loading is None and _is_large(one):
        one.loading = Loading(one)
    loading: Loading | None = one.loading
    if loading is None or loading.running:
        return loading
    if loading.error is not None:
        raise loading.error
    return None


def _is_large(one: Fit | Scan) -> bool:
    x, y, z = one.grid
    many = isinstance(one, Fit) and x * y * z >= LARGE_VOXELS
    return many or sum(file.packed_bytes for file in one.files) >= LARGE_BYTES


def _first_reading(one: Fit | Scan) -> Callable[[], None]:
    """Return the work that reads curves and maps of a first voxel, which later ones use again."""

    def read() -> None:
        if isinstance(one, Fit):
            voxel = one.maps.first_fitted()
            one.curves.lines(voxel)
            for scaling in one.table.scalings:
                one.table.at(voxel, scaling)

    return read
