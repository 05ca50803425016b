"""Results read again from their files with nibabel and csv, and nothing of the plugin, to judge what is shown."""

import csv
import functools
import json
from pathlib import Path

import nibabel as nib
import numpy as np

MAPS = {
    "posterior mean, internal": "posterior/internal/{}_mean",
    "95 % interval, low, internal": "intervals/internal/{}_ci95_low",
    "posterior SD, raw": "posterior/{}_sd",
    "shrinkage": "posterior/{}_shrinkage",
    "without prior, internal": "concs/internal/{}",
    "without prior, raw": "concs/raw/{}",
    "without prior, SD (% of the amplitude)": "uncertainties/{}_sd",
    "SNR": "qc/{}_snr",
    "FWHM (Hz)": "qc/{}_fwhm",
}
"""Words of the list of quantities -> file, with {} for the metabolite."""
SINGLE = {"verdict": "qc/verdict", "flags": "qc/flags", "ood": "qc/ood"}
"""Entry of the list of metabolites that belongs to none -> file."""
COLUMNS = {
    "shrinkage": "posterior/{}_shrinkage",
    "without prior": "concs/{scaling}/{}",
    "ampl. SD %": "uncertainties/{}_sd",
    "SNR": "qc/{}_snr",
    "FWHM Hz": "qc/{}_fwhm",
}
"""Heading of the table of an MRSI -> file."""
SVS_COLUMNS = {"shrinkage": "shrinkage", "without prior": "mean", "its SD": "std"}
"""Heading of the table of one spectrum -> first heading of concentrations.csv."""


@functools.cache
def image(path: Path):
    """Return the values and the affine of a NIfTI file."""
    for ending in ("", ".nii.gz", ".nii"):
        whole = path.with_name(path.name + ending)
        if whole.is_file():
            loaded = nib.load(whole)
            return np.asarray(loaded.dataobj), loaded.affine
    return None, None


class Source:
    """A folder of results, or a scan.

    Parameters
    ----------
    path : Path
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.is_fit = path.is_dir()
        self.curves = path / "fit" if (path / "fit").is_dir() else path
        fids, self.affine = image(self.curves / "fit" if self.is_fit else path)
        if self.is_fit:
            fids = fids + image(self.curves / "residual")[0]
        self.fids = fids.conj()  # the standard has the other sign
        self.grid = fids.shape[:3]
        self.single = self.grid == (1, 1, 1)
        header = nib.load(next(self.curves.glob("fit.nii*")) if self.is_fit else path).header
        self.dwelltime_s = float(header["pixdim"][4])
        self.parameters = None
        if self.is_fit and not self.single:
            self.parameters, _ = image(self.curves / "parameters")
            listed = json.loads((self.curves / "parameters.json").read_text())["parameters"]
            self.columns = [entry["name"] for entry in listed]

    def voxel_at(self, world_mm):
        """Return the voxel at a place, or None; that of a single spectrum is everywhere."""
        if self.single:
            return (0, 0, 0)
        place = (np.linalg.inv(self.affine) @ np.append(world_mm, 1.0))[:3]
        voxel = tuple(int(i) for i in np.floor(place + 0.5))
        return voxel if all(0 <= i < n for i, n in zip(voxel, self.grid, strict=True)) else None

    def fitted(self):
        """Return which voxels have a fit."""
        if self.parameters is None:
            return np.ones(self.grid, dtype=bool)
        return np.isfinite(self.parameters[..., 0])

    def spectrum(self, voxel, places, fit_phase, phase_deg):
        """Return the real spectrum of the data, less its mean; None if the phases of the fit are not in a map."""
        fid = self.fids[voxel]
        fid = fid[(slice(None), *places)] if places else fid
        n = len(fid)
        spectrum = np.fft.fftshift(np.fft.fft(fid)) / np.sqrt(n)
        hz = np.fft.fftshift(np.fft.fftfreq(n, self.dwelltime_s))
        turn = np.full(n, np.radians(phase_deg))
        if fit_phase and self.is_fit:
            if self.parameters is None:
                return None
            row = dict(zip(self.columns, self.parameters[voxel], strict=True))
            turn -= row["phase"] + 2 * np.pi * row["delay"] * (hz - row["shift_0"])
        turned = (spectrum * np.exp(1j * turn)).real
        return turned - turned.mean()

    def map(self, name, kind, over):
        """Return the values of a map; None if this module does not know its file."""
        pattern = SINGLE.get(name) or MAPS.get(kind)
        if pattern is None:
            return None
        values = self._values(pattern.format(name))
        if kind.startswith("posterior mean") and name not in SINGLE:
            values = np.where(values == 0, np.nan, values)
        if over and over != "(nothing)":
            below = self._values(pattern.format(over))
            with np.errstate(all="ignore"):
                values = np.where(below > 0, values / below, np.nan)
        return values

    def _values(self, name):
        """Return a map, which must exist."""
        values, _ = image(self.path / name)
        assert values is not None, f"{self.path} has no {name}"
        return values.astype(np.float32).reshape(self.grid)

    def mask(self, metabolite, most_percent, least_snr, most_hz, without_unusable):
        """Return the fitted voxels that meet limits; None: no limit."""
        mask = self.fitted()
        for kind, limit, sign in (("SD", most_percent, 1), ("SNR", least_snr, -1), ("FWHM", most_hz, 1)):
            file = {
                "SD": "uncertainties/{}_sd", "SNR": "qc/{}_snr", "FWHM": "qc/{}_fwhm",
            }[kind]  # fmt: skip
            if limit is not None:
                values = image(self.path / file.format(metabolite))[0].reshape(self.grid)
                mask = mask & (sign * values <= sign * limit)
        if without_unusable:
            mask = mask & (image(self.path / "qc" / "verdict")[0].reshape(self.grid) != 3)
        return mask

    def cell(self, heading, metabolite, scaling, voxel):
        """Return a value of the table; None if this module does not know the column."""
        if self.single:
            if heading not in SVS_COLUMNS:
                return None
            rows = list(csv.reader((self.path / "concentrations.csv").read_text().splitlines()))
            heads = list(zip(rows[0], rows[1], strict=True))
            row = next((row for row in rows[2:] if row[0] == metabolite), None)
            assert row is not None, f"{self.path} has no {metabolite}"
            text = row[heads.index((SVS_COLUMNS[heading], scaling))]
            return float(text) if text else np.nan
        if heading not in COLUMNS:
            return None
        if not self.fitted()[voxel]:
            return np.nan
        values, _ = image(self.path / COLUMNS[heading].format(metabolite, scaling=scaling))
        return np.nan if values is None else float(values.reshape(self.grid)[voxel])
