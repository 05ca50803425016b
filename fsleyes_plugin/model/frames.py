"""The fitted signal of one voxel from the files of a fit: its frame, each metabolite's curve, and the band."""

import csv
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from fsl_mrs_dl.data import Basis, Complex, MRSData, Real
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.fit.lcm import Baseline, FitSettings
from fsl_mrs_dl.fit.lcm.band import band_columns, under_background
from fsl_mrs_dl.fit.lcm.engine import broad_member, drawn, unscaled
from fsl_mrs_dl.fit.lcm.problem import Parameters, Problem
from fsl_mrs_dl.fit.quantification import settings_from_record
from fsl_mrs_dl.io.basis import read_json_basis
from fsl_mrs_dl.io.results.fsl_convention import from_maps, from_parameters
from fsl_mrs_dl.io.voxels import VoxelFile
from fsl_mrs_dl.physics import correct, first_order_phase
from fsleyes_plugin.model.damage import reason_of
from fsleyes_plugin.model.folder import ResultFolder
from fsleyes_plugin.model.maps_file import MapFile

Voxel = tuple[int, int, int]


@dataclass(frozen=True)
class Frame:
    """Phase at the shift of the first group, delay about it, and that shift; without them lines are in phase."""

    phase_rad: float = 0.0
    delay_s: float = 0.0
    first_hz: float = 0.0


class Source(Protocol):
    """The model of a fit, as far as its files have it."""

    names: tuple[str, ...]

    def frame(self, voxel: Voxel) -> Frame | None:
        """Return the frame of the fit; None if it is not known."""

    def members(self, voxel: Voxel) -> Complex | None:
        """Return the fitted FID of each metabolite, shape (metabolite, time), in the frame of the data."""

    def band(self, voxel: Voxel) -> Complex | None:
        """Return the columns of the band, see :func:`fsl_mrs_dl.fit.lcm.band.band_columns`."""


def source_of(folder: ResultFolder, data: MRSData) -> Source | None:
    """Return the most complete source of a folder.

    Parameters
    ----------
    folder : ResultFolder
    data : MRSData
        Of the fit, for its axes.
    """
    if folder.image("fit/parameters") is not None and (folder.path / "basis").is_dir():
        return ParameterSource(folder, data)
    if (folder.path / "all_parameters.csv").is_file():
        return TableSource(folder, data)
    if folder.image("nuisance/p0") is not None:
        return NuisanceSource(folder, data)
    return None


def settings_of(folder: ResultFolder, groups: tuple[int, ...], mhz: float) -> FitSettings | None:
    """Return the settings of a fit of this program; mhz: spectrometer frequency."""
    recorded = (folder.record or {}).get("settings")
    if (
        not isinstance(recorded, dict)
        or not recorded.get("ppmlim")
        or not isinstance(recorded.get("baseline"), str)
    ):
        return None
    low, high = recorded["ppmlim"]
    baseline = Baseline.parse(recorded["baseline"])
    settings = FitSettings((float(low), float(high)), baseline, groups, bool(recorded.get("lorentzian")))
    if settings.averaged:
        return settings_from_record(recorded, settings)
    return replace(settings, member_shift_hz=float(recorded.get("metab_shift_ppm") or 0.0) * mhz)


def own_sds_hz(settings: FitSettings, mhz: float) -> dict[str, float]:
    """Return the expected sizes of members' own shifts and widths, as :func:`band_columns` takes them."""
    if settings.averaged:
        return {
            "own_shift_sd_hz": settings.member_shift_ppm * mhz,
            "own_width_sd_hz": settings.member_width_hz,
        }
    return {"own_shift_sd_hz": settings.member_shift_hz}


class ParameterSource:
    """``fit/parameters.nii.gz`` and ``basis/``: any curve at any voxel, and the band."""

    def __init__(self, folder: ResultFolder, data: MRSData) -> None:
        path = folder.image("fit/parameters")
        assert path is not None
        try:
            description = json.loads((folder.path / "fit" / "parameters.json").read_text(encoding="utf-8"))
            self._column = {entry["name"]: n for n, entry in enumerate(description["parameters"])}
            self.names = tuple(description["metabolites"])
            self._groups = tuple(int(g) for g in description["groups"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(
                f"{folder.path}/fit/parameters.json is not readable ({reason_of(error)})."
            ) from error
        self._values = MapFile(path)
        basis = read_json_basis(folder.path / "basis")
        if not set(self.names) <= set(basis.names):
            raise DataError(
                f"{folder.path}/basis lacks metabolites of fit/parameters.json; run the fit again."
            )
        order = [basis.names.index(name) for name in self.names]
        fids = np.asarray(basis.fids)[order]
        # The fit used the centre of the data, which the files of the basis set do not have.
        self._basis = replace(basis, fids=fids, names=self.names, centre_ppm=data.reference_ppm)
        self._data = data
        self._settings = settings_of(folder, self._groups, basis.spectrometer_frequency_mhz)
        self._resolved: Problem | None = None

    def _problem(self) -> Problem:
        if self._resolved is None:
            settings = self._settings or FitSettings(None, groups=self._groups)
            self._resolved = unscaled(Problem.of(self._basis, settings, self._data.reference_ppm))
        return self._resolved

    def _read(self, voxel: Voxel) -> tuple[Parameters, Real] | None:
        row = self._values.at(voxel)
        groups = range(max(self._groups, default=0) + 1)
        own = f"shift_{self.names[0]}" in self._column

        def of(*names: str) -> Real:
            return row[[self._column[name] for name in names]]

        phase, delay = of("phase", "delay")
        amplitudes = of(*(f"amplitude_{name}" for name in self.names))
        if not np.isfinite(phase) or not np.isfinite(amplitudes).all():
            return None
        shape = [of(*(f"{kind}_{g}" for g in groups))[None] for kind in ("shift", "gamma", "sigma")]
        member = of(*(f"shift_{name}" for name in self.names)) if own else np.zeros(0)
        beside = self._numbered(row, "lineshape")
        wider = f"gamma_{self.names[0]}" in self._column
        width = of(*(f"gamma_{name}" for name in self.names)) if wider else np.zeros(0)
        at = Parameters(
            shift_hz=shape[0],
            gamma=shape[1],
            spread=shape[2] ** 2,
            phase_rad=np.array([phase]),
            delay_s=np.array([delay]),
            member_hz=member[None],
            member_gamma=width[None],
            lineshape=beside[None],
            noise=np.zeros(1),
        )
        return at, amplitudes

    def _numbered(self, row: Real, kind: str) -> Real:
        """Return the values of parameters ``kind_0``, ``kind_1``, ...; none where there are none."""
        count = sum(name.startswith(f"{kind}_") for name in self._column)
        return row[[self._column[f"{kind}_{i}"] for i in range(count)]]

    def frame(self, voxel: Voxel) -> Frame | None:
        """See :meth:`Source.frame`."""
        read = self._read(voxel)
        if read is None:
            return None
        at = read[0]
        return Frame(float(at.phase_rad[0]), float(at.delay_s[0]), float(at.shift_hz[0, 0]))

    def members(self, voxel: Voxel) -> Complex | None:
        """See :meth:`Source.members`."""
        read = self._read(voxel)
        if read is None:
            return None
        problem = self._problem()
        nothing = np.zeros((1, len(problem.share)), dtype=np.complex128)
        row = self._values.at(voxel)
        broad = self._numbered(row, "broad_real") + 1j * self._numbered(row, "broad_imag")
        member = broad_member(self.names)
        curves: Complex = drawn(problem, read[0], read[1][None], nothing, broad[None], member).metabolites[0]
        return curves

    def band(self, voxel: Voxel) -> Complex | None:
        """See :meth:`Source.band`."""
        read = self._read(voxel)
        if read is None or self._settings is None:
            return None
        at, amplitudes = read
        noise = float(self._values.at(voxel)[self._column["noise_sd"]])
        problem = self._problem()
        members = problem.members(at)[0]
        first = float(at.shift_hz[0, 0])
        under = None
        if self._settings.averaged:
            chosen, signal = (
                self._values.at(voxel)[self._column[name]] for name in ("hypothesis", "proton_signal")
            )
            under = under_background(problem, int(chosen), noise, float(signal))
        sds = own_sds_hz(self._settings, self._basis.spectrometer_frequency_mhz)
        return band_columns(problem, members, amplitudes, first_hz=first, noise_sd=noise, under=under, **sds)


class TableSource:
    """``all_parameters.csv`` and a file of each metabolite's curve: one spectrum, ours or FSL-MRS's."""

    def __init__(self, folder: ResultFolder, data: MRSData) -> None:
        self._data = data
        self._table = _parameters(folder.path / "all_parameters.csv")
        self._file: VoxelFile | None = None
        self._files: dict[str, VoxelFile] = {}
        path = folder.image("metabolites")
        if path is not None:
            self._file = VoxelFile(path)
            header = self._file.one().dim_headers.get("DIM_USER_0", {}).get("header", {})
            entry: Any = next(iter(header.values()), [])
            names = entry.get("Value", []) if isinstance(entry, dict) else entry
            self.names: tuple[str, ...] = tuple(str(name) for name in names)
        else:
            known = folder.images("fit_*")
            self._files = {
                name.removeprefix("fit_"): VoxelFile(path)
                for name, path in known.items()
                if name.removeprefix("fit_") in self._table
            }
            self.names = tuple(self._files)
        groups = tuple((folder.record or {}).get("basis", {}).get("groups", ()))
        self._groups = groups if len(groups) == len(self.names) else (0,) * len(self.names)
        self._settings = settings_of(folder, self._groups, data.spectrometer_frequency_mhz)
        self._residual = folder.curve("residual")

    def frame(self, voxel: Voxel) -> Frame | None:
        """See :meth:`Source.frame`."""
        parameters = self._table
        if not {"Phi0", "Phi1", "eps_0"} <= set(parameters):
            return None
        return Frame(*from_parameters(parameters["Phi0"], parameters["Phi1"], parameters["eps_0"]))

    def members(self, voxel: Voxel) -> Complex | None:
        """See :meth:`Source.members`."""
        if self._file is not None:
            return self._file.fid(voxel).reshape(self._data.n_points, -1).T
        if not self._files:
            return None
        return np.stack([file.fid(voxel).reshape(-1) for file in self._files.values()])

    def band(self, voxel: Voxel) -> Complex | None:
        """See :meth:`Source.band`."""
        frame, curves = self.frame(voxel), self.members(voxel)
        if frame is None or curves is None or self._settings is None or self._residual is None:
            return None
        used = np.flatnonzero(np.abs(curves).max(axis=1) > 0)  # what is fitted as zero has no curve to vary
        if not used.size:
            return None
        step = self._data.dwelltime_s
        upright = first_order_phase(curves[used], -frame.delay_s, step, frame.first_hz)
        members = correct(upright, frame.first_hz, frame.phase_rad, step)
        used_groups = [self._groups[n] for n in used]
        groups = tuple(sorted(set(used_groups)).index(g) for g in used_groups)
        settings = self._settings
        mhz, nucleus = self._data.spectrometer_frequency_mhz, self._data.nucleus
        names, centre = tuple(self.names[n] for n in used), self._data.reference_ppm
        basis = Basis(members, names, step, mhz, nucleus, centre_ppm=centre)
        problem = unscaled(Problem.of(basis, replace(settings, groups=groups), self._data.reference_ppm))
        under = None
        if settings.averaged:
            if not {"noise_sd", "proton_signal", "hypothesis"} <= set(self._table):
                return None
            noise, signal = self._table["noise_sd"], self._table["proton_signal"]
            under = under_background(problem, int(self._table["hypothesis"]), noise, signal)
        else:
            residual = problem.weigh(self._corrected(voxel, frame, problem))
            freedom = 2 * (len(residual) - problem.share.sum()) - problem.free.sum() - len(used)
            noise = float(np.sqrt((np.abs(residual) ** 2).sum() / max(freedom, 1)))
        ones, sds = np.ones(len(used)), own_sds_hz(settings, mhz)
        curves_used = np.asarray(members)
        return band_columns(
            problem, curves_used, ones, first_hz=frame.first_hz, noise_sd=noise, under=under, **sds
        )

    def _corrected(self, voxel: Voxel, frame: Frame, problem: Problem) -> Complex:
        """Return the residual in the window and frame of the fit, from which its noise was estimated."""
        assert self._residual is not None
        fid = VoxelFile(self._residual).fid(voxel).reshape(-1)
        upright = first_order_phase(fid, -frame.delay_s, problem.dwelltime_s, frame.first_hz)
        return problem.window(correct(upright, frame.first_hz, frame.phase_rad, problem.dwelltime_s))


class NuisanceSource:
    """``nuisance/*.nii.gz`` of fsl_mrsi: the frame, and no curves."""

    names: tuple[str, ...] = ()

    def __init__(self, folder: ResultFolder, data: MRSData) -> None:
        paths = {key: folder.image(f"nuisance/{key}") for key in ("p0", "p1", "shift_group0")}
        self._maps: Mapping[str, MapFile] = {
            key: MapFile(path) for key, path in paths.items() if path is not None
        }
        self._mhz = data.spectrometer_frequency_mhz

    def frame(self, voxel: Voxel) -> Frame | None:
        """See :meth:`Source.frame`."""
        values = {key: float(file.at(voxel)) for key, file in self._maps.items()}
        if not all(math.isfinite(value) for value in values.values()):
            return None
        p1, shift_group = values.get("p1", 0.0), values.get("shift_group0", 0.0)
        return Frame(*from_maps(values["p0"], p1, shift_group, self._mhz))

    def members(self, voxel: Voxel) -> Complex | None:
        """See :meth:`Source.members`."""
        return None

    def band(self, voxel: Voxel) -> Complex | None:
        """See :meth:`Source.band`."""
        return None


def _parameters(path: Path) -> dict[str, float]:
    """Return the means of ``all_parameters.csv`` by name."""
    means: dict[str, float] = {}
    try:
        rows: list[dict[str, Any]] = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
        for row in rows:
            means[str(row["parameter"])] = float(row["mean"] or "nan")
    except (OSError, UnicodeError, KeyError, ValueError) as error:
        raise DataError(
            f"{path} is not FSL-MRS's table of parameters ({reason_of(error)}); run the fit again."
        ) from error
    return means
