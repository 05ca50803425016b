"""The lines of one voxel: data, fit, baseline, residual, each metabolite, and how far the fit may be off."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import NUCLEI, Complex, MRSData, Real
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.io.voxels import VoxelFile
from fsl_mrs_dl.physics import damp, fid_to_spectrum, first_order_phase, phase
from fsleyes_plugin.model.damage import refusing_damage
from fsleyes_plugin.model.folder import ResultFolder
from fsleyes_plugin.model.frames import Frame, Source, Voxel, source_of

SHOWN_1H_PPM = (0.2, 4.2)
_UNTURNED = Frame()


@dataclass(frozen=True)
class Display:
    """How spectra are turned for the eye; nothing of it changes a file.

    Attributes
    ----------
    fit_phase : bool
        Undo the phases of the fit, so that lines stand upright.
    phase_deg, delay_us : float
        On top of it; the delay turns about the middle of the spectrum.
    broaden_hz : float
        Lorentzian width that is added to all lines, in Hz. The band is not drawn then.
    band : bool
    """

    fit_phase: bool = True
    phase_deg: float = 0.0
    delay_us: float = 0.0
    broaden_hz: float = 0.0
    band: bool = True


AS_FITTED = Display()


@dataclass(frozen=True, eq=False)
class Lines:
    """Real parts of the spectra of one voxel over ascending chemical shifts.

    Attributes
    ----------
    voxel : tuple of int
    ppm : ndarray, float, shape (frequency,)
        As the header has it; the shift of the fit is left in.
    data, fit, baseline, residual : ndarray, float, shape (frequency,); or None
        ``fit`` holds the baseline. None where there is none; NaN, but for the data, outside of the window of the
        fit where that is known.
    sd : ndarray, float, shape (frequency,); or None
        Standard deviation of the fit, by its Fisher matrix.
    metabolites : mapping of str to ndarray, float, shape (frequency,)
        Without the baseline; empty where they are not known.
    limits_ppm : tuple of float
        What is shown first.
    ground : float
        What was taken from data and fit, for half of the metabolites' first point lies under every frequency.
        It is the fit's own: to draw two fits over the same data, mind both.
    """

    voxel: Voxel
    ppm: Real
    data: Real | None
    fit: Real | None
    baseline: Real | None
    residual: Real | None
    sd: Real | None = None
    metabolites: Mapping[str, Real] = field(default_factory=dict)
    limits_ppm: tuple[float, float] = SHOWN_1H_PPM
    ground: float = 0.0


class Curves:
    """The curves of a folder of results; files are opened here and read voxel by voxel.

    Raises
    ------
    DataError
        If a file is no NIfTI-MRS, or the curves have different grids.
    """

    @refusing_damage
    def __init__(self, folder: ResultFolder) -> None:
        self.folder = folder
        paths = {kind: folder.curve(kind) for kind in ("fit", "baseline", "residual")}
        if paths["residual"] is None:
            paths["data"] = folder.image("data")
        self._band: Complex | None = None
        self._band_of: Voxel | None = None
        self._files = {kind: VoxelFile(path) for kind, path in paths.items() if path is not None}
        self.grid = self._files["fit"].grid
        for kind, file in self._files.items():
            if file.grid != self.grid:
                raise DataError(
                    f"{folder.path}: {kind} has the grid {file.grid}, fit has {self.grid}; all curves of a "
                    "result need the same. Run the fit again."
                )

    @cached_property
    @refusing_damage
    def one(self) -> MRSData:
        """Header, axes and position, with the FID of the first voxel."""
        return self._files["fit"].one()

    @cached_property
    @refusing_damage
    def source(self) -> Source | None:
        """The model of the fit, where the folder has it."""
        return source_of(self.folder, self.one)

    @property
    def fit_path(self) -> Path:
        """The file of the fit."""
        return self._files["fit"].path

    @refusing_damage
    def frame(self, voxel: Voxel) -> Frame:
        """Return the phases of the fit in one voxel, as far as they are known."""
        return (self.source.frame(voxel) if self.source else None) or _UNTURNED

    @refusing_damage
    def lines(self, voxel: Voxel, display: Display = AS_FITTED, turn: Frame | None = None) -> Lines | None:
        """Return the lines of one voxel, or None where nothing was fitted or the voxel is outside.

        Parameters
        ----------
        voxel : tuple of int
        display : Display
        turn : Frame, optional
            The phases to undo, where they are not those of this fit but of one it is compared with.
        """
        if not all(0 <= i < n for i, n in zip(voxel, self.grid, strict=True)):
            return None
        fids = {kind: self._fid(kind, voxel) for kind in self._files}
        if not np.abs(fids["fit"]).max() > 0:
            return None
        smooth = fids.get("baseline", np.zeros_like(fids["fit"]))
        residual = fids.get("residual")
        data = fids["fit"] + residual if residual is not None else fids.get("data")
        if residual is None and data is not None:
            residual = data - fids["fit"]
        source = self.source
        members = source.members(voxel) if source else None
        names = source.names if source and members is not None else ()
        rows = [fids["fit"] - smooth, smooth, *(members if members is not None else ())]
        rows += [residual] if residual is not None else []
        frame = self.frame(voxel)
        spectra, ground = turned(np.stack(rows), self.one.dwelltime_s, display, turn or frame, smooth=1)
        fit, baseline = spectra[0] + spectra[1] - ground[0], spectra[1]
        shown = {name: spectra[2 + n] - ground[2 + n] for n, name in enumerate(names)}
        left = spectra[-1] if residual is not None else None
        data = None if left is None else fit + left
        outside = self._outside(frame)
        for curve in (fit, baseline, *([] if left is None else [left])):
            curve[outside] = np.nan
        return Lines(
            voxel=voxel,
            ppm=self.one.ppm_axis,
            data=data,
            fit=fit,
            baseline=baseline if "baseline" in fids else None,
            residual=left,
            sd=self._sd(voxel, turn or frame, display)
            if source and display.band and not display.broaden_hz
            else None,
            metabolites=shown,
            limits_ppm=self._window or shown_ppm(self.one),
            ground=float(ground[0]),
        )

    def _fid(self, kind: str, voxel: Voxel) -> Complex:
        return self._files[kind].fid(voxel).reshape(self.one.n_points, -1)[:, 0]

    def _outside(self, frame: Frame) -> NDArray[np.bool_]:
        """Return where nothing was fitted, as far as it is known: outside of the window, in the fit's frame."""
        ppm = self.one.ppm_axis - frame.first_hz / self.one.spectrometer_frequency_mhz
        low, high = self._window or (-np.inf, np.inf)
        return (ppm < low) | (ppm > high)

    @cached_property
    def _window(self) -> tuple[float, float] | None:
        """The window of the fit in ppm, where the folder says it."""
        said = ((self.folder.record or {}).get("settings") or {}).get("ppmlim")
        return (float(min(said)), float(max(said))) if said else None

    def _sd(self, voxel: Voxel, frame: Frame, display: Display) -> Real | None:
        if self.source and self._band_of != voxel:
            self._band, self._band_of = self.source.band(voxel), voxel
        columns = self._band
        if columns is None:
            return None
        hz = self.one.frequency_axis_hz
        turn = np.radians(display.phase_deg) + 2e-6 * np.pi * display.delay_us * hz
        if not display.fit_phase:
            turn = turn + frame.phase_rad + 2 * np.pi * frame.delay_s * (hz - frame.first_hz)
        found: Real = np.sqrt(((columns * np.exp(1j * turn)).real ** 2).sum(axis=0))
        return found

    def close(self) -> None:
        """Remove temporary files."""
        for file in self._files.values():
            file.close()


def shown_ppm(data: MRSData) -> tuple[float, float]:
    """Return the chemical shifts that are shown first, by the nucleus."""
    if data.nucleus == "1H":
        return SHOWN_1H_PPM
    nucleus = NUCLEI.get(data.nucleus)
    axis = data.ppm_axis
    return (nucleus.ppm_window if nucleus else None) or (float(axis[0]), float(axis[-1]))


def turned(
    fids: Complex, dwelltime_s: float, display: Display, frame: Frame = _UNTURNED, smooth: int | None = None
) -> tuple[Real, Real]:
    """Return real spectra as they are displayed, and their ground.

    Parameters
    ----------
    fids : ndarray, complex, shape (line, time)
    dwelltime_s : float
        In s.
    display : Display
    frame : Frame
        The phases of the fit, if there is one.
    smooth : int, optional
        Which line is a baseline, which is not broadened: it is no line, and its FID reaches to both sides of time
        zero.

    Returns
    -------
    spectra : ndarray, float, shape (line, frequency)
    ground : ndarray, float, shape (line,)
        What half of the first point puts under every frequency of a causal signal.
    """
    if display.broaden_hz:
        rate = np.full(len(fids), np.pi * display.broaden_hz)
        if smooth is not None:
            rate[smooth] = 0.0
        fids = damp(fids, rate, np.zeros(len(fids)), dwelltime_s)
    if display.fit_phase:
        fids = first_order_phase(phase(fids, -frame.phase_rad), -frame.delay_s, dwelltime_s, frame.first_hz)
    fids = phase(fids, np.radians(display.phase_deg))
    if display.delay_us:
        fids = first_order_phase(fids, 1e-6 * display.delay_us, dwelltime_s)
    ground = fids[:, 0].real / 2 / np.sqrt(fids.shape[1])
    return fid_to_spectrum(fids).real, ground
