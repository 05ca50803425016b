"""Transients of scans as different as scans are, made while a registration network learns.

Each scan has its own sequence, amounts, macromolecules, lineshape, first points, SNR, water and lipids; each of
its transients its own shift, phase and noise, and in many scans water and lipids of its own as well. Ranges are
wider than those of scans in use, so that a scan in use is nothing new.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import log, pi, sqrt
from types import MappingProxyType
from typing import Any

import numpy as np

from fsl_mrs_dl.data import NUCLEI, Complex, Real
from fsl_mrs_dl.io.basis import read_basis
from fsl_mrs_dl.io.basis.names import canonical_name
from fsl_mrs_dl.physics import on_points, phase, shift, singlet
from fsl_mrs_dl.physics.lines import BIRCH_2017, WILSON_2011, GaussianLine, gamma_from_fwhm, sigma_from_fwhm
from fsl_mrs_dl.physics.macromolecules import CONSENSUS_4T, MURALI_2020_GREY, NULLED_3T, POVAZAN_2015
from fsl_mrs_dl.physics.metabolites import BRAIN_RANGES
from fsl_mrs_dl.simulate.brain import macromolecules
from fsl_mrs_dl.simulate.shipped import shipped_basis
from fsl_mrs_dl.train.registration_data import BRAIN_DWELLTIME_S, Spread, Transients

SEQUENCES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "world_3t": (
            "press_3t_te30",
            "press_3t_te35",
            "slaser_3t_te28",
            "slaser_3t_te35",
            "mega-press_3t_te68_on",
            "mega-press_3t_te68_off",
        ),
        "world_7t": ("steam_7t_te11", "slaser_7t_te26"),
    }
)
"""World -> the shipped basis sets that its scans are made from."""
TRANSIENTS = 16
"""Of a scan."""
_DELAYS_S = 2e-3
"""Longest time of missing first points, in s: 8 points of 4 kHz."""
_DELAYED = 0.3
"""Share of scans that miss first points."""
_SNR_T0 = (2.5, 100.0)
"""Lowest and highest first point over the SD of the noise of a channel; log-uniform."""
_WIDTH_HZ_PER_T = (0.3, 3.0)
"""Of the Lorentzian and the Gaussian part each, in Hz per T: 1 to 9 Hz at 3 T; log-uniform."""
_LATE = 0.4
"""Share of scans whose coupled metabolites have any phase and less signal, as at other echo times."""
_SINGLETS = ("Cr", "PCr", "GPC", "PCh", "NAA", "NAAG", "Gly", "sIns")
"""Metabolites whose strongest line is uncoupled: upright at every echo time."""
_AMOUNT_SD = log(1.5)
"""Logarithmic SD of each amount around its healthy range: disease, and relaxation at other echo times."""
_MM_MAX = 0.5
"""Largest first point of macromolecules over that of metabolites."""
_MM_LINE_SD = 0.3
"""Logarithmic SD of each macromolecule line: the tables differ by this much."""
_MM_TABLES = (BIRCH_2017, WILSON_2011[:8], POVAZAN_2015, MURALI_2020_GREY, CONSENSUS_4T, NULLED_3T)
_WATER = (0.01, 200.0)
"""Smallest and largest residual water over the metabolites, both at the first point; log-uniform."""
_WATER_LINES = 3
"""Most lines of residual water."""
_WATER_PPM = 0.06
"""SD of the place of a line of water, in ppm (7 Hz at 3 T)."""
_WATER_HZ_PER_T = (0.7, 12.0)
"""Width (FWHM) of a line of water, in Hz per T; log-uniform."""
_UNSTABLE = 0.5
"""Share of scans whose water has an amplitude and a phase of its own in each transient."""
_LIPID = (0.01, 30.0)
"""Smallest and largest lipid over the metabolites, both at the first point; log-uniform."""
_LIPID_LINES = 2
"""Lines of lipid."""
_LIPIDS_PPM = (0.85, 1.45)
"""Places of lipid lines, in ppm."""
_LIPID_HZ_PER_T = (4.0, 25.0)
"""Width (FWHM) of a line of lipid, in Hz per T."""
_PRESENT = 0.7
"""Share of scans with water, and with lipids."""
_STABLE_RAD = 0.3
"""SD in rad of the phase of stable water and lipids between transients, beside that of the transient."""


@dataclass(frozen=True, eq=False)
class DrawnScans:
    """Transients of several scans.

    Attributes
    ----------
    fids : ndarray, complex64, shape (scan, transient, time)
    references : ndarray, complex64, shape (scan, time)
        What the metabolites and macromolecules of each scan are at no shift and no phase, without noise.
    shift_hz, phase_rad : ndarray, float, shape (scan, transient)
    snr_t0 : ndarray, float, shape (scan,)
    water, lipid : ndarray, float, shape (scan,)
        First point over that of the reference.
    """

    fids: Complex
    references: Complex
    shift_hz: Real
    phase_rad: Real
    snr_t0: Real
    water: Real
    lipid: Real


@dataclass(frozen=True, eq=False)
class World:
    """A world of one nominal field.

    Attributes
    ----------
    name : str
        Key of :data:`SEQUENCES`.
    n_points : int
    dwelltime_s : float
        In s.
    max_shift_hz, max_phase_rad : float
        Shift and phase are uniform within plus and minus these.
    """

    name: str
    n_points: int
    dwelltime_s: float
    max_shift_hz: float
    max_phase_rad: float

    @classmethod
    def of(cls, name: str, n_points: int, spread: Spread) -> "World":
        """Return a world of the range of shifts and phases of a spread; its nuisance is not used."""
        return cls(name, n_points, BRAIN_DWELLTIME_S, spread.shift_hz, spread.phase_rad)

    def transients(self, n: int, rng: np.random.Generator) -> Transients:
        """Draw transients of as many whole scans as ``n`` holds, one at least."""
        scans = self.draw(max(1, n // TRANSIENTS), rng)
        truth = np.stack([scans.shift_hz.ravel(), scans.phase_rad.ravel()], axis=1)
        clean = np.repeat(scans.references, TRANSIENTS, axis=0)
        clean = phase(shift(clean, truth[:, 0], self.dwelltime_s), truth[:, 1])
        return Transients(
            scans.fids.reshape(-1, self.n_points),
            truth,
            self.dwelltime_s,
            self.spectrometer_frequency_mhz,
            np.full(len(truth), "Free"),
            f"scans of {', '.join(SEQUENCES[self.name])}, drawn anew for each batch, with any water and lipids",
            (_WIDTH_HZ_PER_T[0] * self._field_t, _WIDTH_HZ_PER_T[1] * self._field_t),
            _SNR_T0,
            clean,
            np.repeat(1 / scans.snr_t0, TRANSIENTS),
            references=scans.references,
        )

    @cached_property
    def _sets(self) -> list[tuple[Complex, tuple[str, ...], float]]:
        """FIDs of the metabolites, shape (metabolite, time), their names, and MHz, of each sequence."""
        sets = []
        for name in SEQUENCES[self.name]:
            basis = read_basis(shipped_basis(name))
            mhz = basis.spectrometer_frequency_mhz
            on_grid = on_points(basis, self.n_points, self.dwelltime_s, mhz)
            broad = set(macromolecules(on_grid.names))
            known = [
                m
                for m, member in enumerate(on_grid.names)
                if m not in broad and canonical_name(member) in BRAIN_RANGES
            ]
            names = tuple(canonical_name(on_grid.names[m]) for m in known)
            sets.append((on_grid.fids[known].astype(np.complex64), names, mhz))
        return sets

    @cached_property
    def _macromolecules(self) -> list[tuple[Complex, Real]]:
        """Lines and areas of each table of macromolecules."""
        sampling = (self.spectrometer_frequency_mhz, self.n_points, self.dwelltime_s)
        return [_table_fids(table, *sampling) for table in _MM_TABLES]

    @property
    def _field_t(self) -> float:
        """In T."""
        return self.spectrometer_frequency_mhz / NUCLEI["1H"].gyromagnetic_mhz_per_t

    @property
    def spectrometer_frequency_mhz(self) -> float:
        """In MHz."""
        return self._sets[0][2]

    def draw(self, n_scans: int, rng: np.random.Generator) -> DrawnScans:
        """Draw scans of :data:`TRANSIENTS` transients each."""
        references = np.stack([self._reference(rng) for _ in range(n_scans)])
        shape = (n_scans, TRANSIENTS)
        shift_hz = rng.uniform(-self.max_shift_hz, self.max_shift_hz, shape)
        phase_rad = rng.uniform(-self.max_phase_rad, self.max_phase_rad, shape)
        water, water_lines, water_factors = self._water(n_scans, rng)
        lipid, lipid_lines, lipid_factors = self._lipids(n_scans, rng)
        ones = np.ones((*shape, 1), dtype=np.complex64)
        factors = np.concatenate([ones, water_factors, lipid_factors], axis=2)
        fids = factors @ np.concatenate([references[:, None], water_lines, lipid_lines], axis=1)
        fids = phase(shift(fids, shift_hz, self.dwelltime_s), phase_rad)
        snr_t0 = _log_uniform(_SNR_T0, (n_scans,), rng)
        noise = rng.standard_normal((*fids.shape, 2), dtype=np.float32).view(np.complex64)[..., 0]
        fids += noise / snr_t0[:, None, None].astype(np.float32)
        return DrawnScans(fids, references, shift_hz, phase_rad, snr_t0, water, lipid)

    def _reference(self, rng: np.random.Generator) -> Complex:
        """Draw the signal of a scan without water, lipids and noise, shape (time,)."""
        fids, names, _ = self._sets[rng.integers(len(self._sets))]
        amounts = np.array([rng.uniform(*BRAIN_RANGES[name]) for name in names]).astype(np.complex64)
        amounts *= np.exp(_AMOUNT_SD * rng.standard_normal(len(names))).astype(np.float32)
        if rng.random() < _LATE:
            coupled = np.array([name not in _SINGLETS for name in names])
            other = rng.random(len(names)) * np.exp(1j * rng.uniform(-pi, pi, len(names)))
            amounts = np.where(coupled, amounts * other, amounts).astype(np.complex64)
        metabolites = amounts @ fids
        lines, areas = self._macromolecules[rng.integers(len(_MM_TABLES))]
        broad = (areas * np.exp(_MM_LINE_SD * rng.standard_normal(len(areas)))).astype(np.float32) @ lines
        widths = self._field_t * _log_uniform(_WIDTH_HZ_PER_T, (2,), rng)
        share = rng.uniform(0, _MM_MAX) * np.abs(metabolites[0]) / np.abs(broad[0])
        # Times in single precision, as the checksums of draws on the cards of shipped networks have it.
        t = np.arange(self.n_points, dtype=np.float32) * np.float32(self.dwelltime_s)
        decay = np.exp(-gamma_from_fwhm(widths[0]) * t - (sigma_from_fwhm(widths[1]) * t) ** 2)
        whole = (metabolites + share * broad) * decay
        if rng.random() < _DELAYED:
            whole = _later(whole, rng.uniform(0, _DELAYS_S), self.dwelltime_s)
        reference: Complex = (whole / np.abs(whole).max()).astype(np.complex64)
        return reference

    def _water(self, n_scans: int, rng: np.random.Generator) -> tuple[Real, Complex, Complex]:
        """Draw residual water: how much each scan has, its lines, and their factor in each transient."""
        shape = (n_scans, _WATER_LINES)
        amount = _log_uniform(_WATER, (n_scans,), rng) * (rng.random(n_scans) < _PRESENT)
        hz = _WATER_PPM * self.spectrometer_frequency_mhz * rng.standard_normal(shape)
        width_hz = self._field_t * _log_uniform(_WATER_HZ_PER_T, shape, rng)
        shares = rng.dirichlet(np.ones(_WATER_LINES), n_scans)
        return amount, *self._lines(amount[:, None] * shares, hz, width_hz, rng)

    def _lipids(self, n_scans: int, rng: np.random.Generator) -> tuple[Real, Complex, Complex]:
        """Draw lipids from outside of the voxel, as :meth:`_water` does."""
        shape = (n_scans, _LIPID_LINES)
        amount = _log_uniform(_LIPID, (n_scans,), rng) * (rng.random(n_scans) < _PRESENT)
        hz = rng.uniform(*_LIPIDS_PPM, shape) - NUCLEI["1H"].reference_ppm
        width_hz = self._field_t * _log_uniform(_LIPID_HZ_PER_T, shape, rng)
        shares = rng.dirichlet(np.ones(_LIPID_LINES), n_scans)
        return amount, *self._lines(
            amount[:, None] * shares, self.spectrometer_frequency_mhz * hz, width_hz, rng
        )

    def _lines(
        self, amplitude: Real, hz: Real, width_hz: Real, rng: np.random.Generator
    ) -> tuple[Complex, Complex]:
        """Return lines, shape (scan, line, time), and factors, shape (scan, transient, line), both complex64.

        In half of the scans the factors vary a little between transients, in the others they are any: complex and
        normal.
        """
        gamma, like = gamma_from_fwhm(width_hz), np.empty(1, np.complex128)
        lines = singlet(self.n_points, self.dwelltime_s, hz, gamma, 0 * gamma, like).astype(np.complex64)
        shape = (len(hz), TRANSIENTS, hz.shape[1])
        turn = rng.uniform(-pi, pi, (len(hz), 1, hz.shape[1])) + _STABLE_RAD * rng.standard_normal(shape)
        own = (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)) / sqrt(2)
        unstable = (rng.random(len(hz)) < _UNSTABLE)[:, None, None]
        factors = amplitude[:, None] * np.where(unstable, own, np.exp(1j * turn))
        return lines, factors.astype(np.complex64)


def _later(fid: Complex, delay_s: float, dwelltime_s: float) -> Complex:
    """Return an FID without its first points, which a delay of any length stands for: later by a whole number."""
    missing = round(delay_s / dwelltime_s)
    return np.concatenate([fid[missing:], np.zeros(missing, dtype=fid.dtype)])


def _table_fids(
    table: tuple[GaussianLine, ...], mhz: float, n_points: int, dwelltime_s: float
) -> tuple[Complex, Real]:
    """Return the lines of a table of macromolecules, complex64, shape (line, time), and their areas."""
    hz = np.array([(line.ppm - NUCLEI["1H"].reference_ppm) * mhz for line in table])
    sigma = sigma_from_fwhm(np.array([line.fwhm_ppm * mhz for line in table]))
    fids = singlet(n_points, dwelltime_s, hz, 0 * hz, sigma, np.empty(1, np.complex128))
    return fids.astype(np.complex64), np.array([line.amplitude for line in table])


def _log_uniform(limits: tuple[float, ...], shape: tuple[int, ...], rng: np.random.Generator) -> Any:
    """Return draws that are uniform in their logarithm."""
    low, high = limits
    return np.exp(rng.uniform(log(low), log(high), shape))
