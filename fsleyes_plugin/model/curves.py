"""The lines of one voxel: data, fit, baseline, residual, each metabolite, and the uncertainty of the fit."""

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
"""Range of a figure of 1H, in ppm: metabolites and lipids, without water."""
_UNTURNED = Frame()


@dataclass(frozen=True)
class Display:
    """Phases and width of displayed spectra; no file is changed.

    Attributes
    ----------
    fit_phase : bool
        Whether to undo the phases of the fit, so that lines are in absorption.
    phase_deg, delay_us : float
        Further zero-order phase, and delay about the centre of the spectrum.
    broaden_hz : float
        Lorentzian width that is added to all lines, in Hz. The band is then not drawn.
    band : bool
        Whether to draw the band of the fit.
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
        Axis of the header, not corrected for the shift of the fit.
    data, fit, baseline, residual : ndarray, float, shape (frequency,); or None
        ``fit`` includes the baseline. None if there is none; all but the data are NaN outside of the window of the
        fit, if that is known.
    sd : ndarray, float, shape (frequency,); or None
        Standard deviation of the fit, from its Fisher matrix.
    metabolites : mapping of str to ndarray, float, shape (frequency,)
        Without the baseline; empty if they are not known.
    limits_ppm : tuple of float
        Range that is shown first.
    ground : float
        Offset that was subtracted from data and fit: half of the metabolites' first point. It differs between
        fits; to draw two fits over the same data, use both.
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

    def curve_of(self, name: str) -> Real | None:
        """Return the curve of a metabolite, or of a sum such as ``"NAA+NAAG"``; None if a part is not known."""
        if name in self.metabolites:
            return self.metabolites[name]
        parts = [self.metabolites.get(part) for part in name.split("+")]
        known = [part for part in parts if part is not None]
        return np.sum(known, axis=0) if len(known) == len(parts) else None


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

    @property
    def files(self) -> tuple[VoxelFile, ...]:
        """The files of FIDs."""
        return tuple(self._files.values())

    @cached_property
    @refusing_damage
    def one(self) -> MRSData:
        """Header, axes and position, with an FID of zeros."""
        return self._files["fit"].one()

    @cached_property
    @refusing_damage
    def source(self) -> Source | None:
        """The model of the fit, if the folder has it."""
        return source_of(self.folder, self.one)

    @property
    def fit_path(self) -> Path:
        """The file of the fit."""
        return self._files["fit"].path

    @refusing_damage
    def frame(self, voxel: Voxel) -> Frame:
        """Return the phases of the fit in one voxel; zero if they are not known."""
        return (self.source.frame(voxel) if self.source else None) or _UNTURNED

    @refusing_damage
    def lines(self, voxel: Voxel, display: Display = AS_FITTED, turn: Frame | None = None) -> Lines | None:
        """Return the lines of one voxel; None if it was not fitted or is outside.

        Parameters
        ----------
        voxel : tuple of int
        display : Display
        turn : Frame, optional
            Phases to undo instead of those of this fit: of another fit, for comparison.
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
            limits_ppm=self.shown_ppm,
            ground=float(ground[0]),
        )

    @refusing_damage
    def measured(self, voxel: Voxel) -> Complex | None:
        """Return the FID of the data, the sum of fit and residual, shape (time,); None if nothing was fitted."""
        fit = self._fid("fit", voxel)
        if not np.abs(fit).max() > 0:
            return None
        if "residual" in self._files:
            return fit + self._fid("residual", voxel)
        return self._fid("data", voxel) if "data" in self._files else None

    @refusing_damage
    def fitted(self, voxel: Voxel) -> Complex:
        """Return the FID of the fit with its baseline, shape (time,)."""
        return self._fid("fit", voxel)

    @property
    def shown_ppm(self) -> tuple[float, float]:
        """Range of chemical shifts that is shown first, in ppm."""
        return self._window or shown_ppm(self.one)

    @refusing_damage
    def known_frame(self, voxel: Voxel) -> Frame | None:
        """Return phase, delay and shift of the fit in one voxel; None if they are not known."""
        return self.source.frame(voxel) if self.source else None

    def _fid(self, kind: str, voxel: Voxel) -> Complex:
        return self._files[kind].fid(voxel).reshape(self.one.n_points, -1)[:, 0]

    def _outside(self, frame: Frame) -> NDArray[np.bool_]:
        """Return the frequencies outside of the window of the fit, in its frame; none if it is not known."""
        ppm = self.one.ppm_axis - frame.first_hz / self.one.spectrometer_frequency_mhz
        low, high = self._window or (-np.inf, np.inf)
        return (ppm < low) | (ppm > high)

    @cached_property
    def _window(self) -> tuple[float, float] | None:
        """The window of the fit in ppm, from the record of the folder."""
        limits = ((self.folder.record or {}).get("settings") or {}).get("ppmlim")
        return (float(min(limits)), float(max(limits))) if limits else None

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
        sd: Real = np.sqrt(((columns * np.exp(1j * turn)).real ** 2).sum(axis=0))
        return sd

    def close(self) -> None:
        """Remove temporary files."""
        for file in self._files.values():
            file.close()


def shown_ppm(data: MRSData) -> tuple[float, float]:
    """Return the range of chemical shifts that is shown first, in ppm."""
    if data.nucleus == "1H":
        return SHOWN_1H_PPM
    nucleus = NUCLEI.get(data.nucleus)
    axis = data.ppm_axis
    return (nucleus.ppm_window if nucleus else None) or (float(axis[0]), float(axis[-1]))


def turned(
    fids: Complex, dwelltime_s: float, display: Display, frame: Frame = _UNTURNED, smooth: int | None = None
) -> tuple[Real, Real]:
    """Return real spectra for display, and their offsets.

    Parameters
    ----------
    fids : ndarray, complex, shape (line, time)
    dwelltime_s : float
        In s.
    display : Display
    frame : Frame
        The phases of the fit, if there is one.
    smooth : int, optional
        Index of the baseline, which is not broadened: its FID is on both sides of time zero.

    Returns
    -------
    spectra : ndarray, float, shape (line, frequency)
    ground : ndarray, float, shape (line,)
        Offset of every frequency by half of the first point of a causal signal.
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
