"""Measured spectra damaged on purpose: each kind in several sizes, with the words a verdict should name it by."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import log, pi

import numpy as np

from fsl_mrs_dl.data import Complex, MRSData, Real
from fsl_mrs_dl.physics import fid_to_spectrum, time_axis
from fsl_mrs_dl.scores import noise_sd

_LIPID = ((1.3, 0.8), (0.9, 0.2))  # methylene and methyl of fatty acids: ppm, share
_LIPID_PPM = 0.25  # FWHM of fat under the skin: 32 Hz at 3 T
_FOREIGN_PPM = 2.62  # between NAA and creatine, where no metabolite is narrow and high
_TRANSIENTS = 32  # that a moved spectrum is the average of


@dataclass(frozen=True, eq=False)
class JudgedScan:
    """One FID as it is handed to ``quantify``, and what its metabolites measure.

    Attributes
    ----------
    data : MRSData
    metabolites : ndarray, complex, shape (time,)
        Their fitted signal, the unit of what is added.
    width_hz, snr : float
        FWHM of their lines, and height of the highest over the noise.
    """

    data: MRSData
    metabolites: Complex
    width_hz: float
    snr: float

    @property
    def first(self) -> float:
        """First point of the metabolites."""
        return float(np.abs(self.metabolites[0]))

    def as_high(self, line: Complex) -> float:
        """Return by what a line becomes as high in the spectrum as the highest of the metabolites."""
        return float(np.abs(fid_to_spectrum(self.metabolites)).max() / np.abs(fid_to_spectrum(line)).max())

    @property
    def fid(self) -> Complex:
        """The FID, shape (time,)."""
        fid: Complex = self.data.fid[0, 0, 0].astype(np.complex128)
        return fid

    @property
    def time_s(self) -> Real:
        """Sampling times in s."""
        times: Real = np.asarray(time_axis(self.data.n_points, self.data.dwelltime_s, self.fid))
        return times

    def line(self, ppm: float) -> Complex:
        """Return an undamped line of amplitude 1."""
        hz = (ppm - self.data.reference_ppm) * self.data.spectrometer_frequency_mhz
        line: Complex = np.exp(2j * pi * hz * self.time_s)
        return line

    def weighted(self, weight: Complex, rng: np.random.Generator) -> Complex:
        """Return the FID times a weight in time, its noise made white again.

        The noise of an average does not depend on how its transients move against each other.
        """
        sd = float(noise_sd(self.fid, self.data.ppm_axis, nucleus=self.data.nucleus))
        lost = sd * np.sqrt(np.maximum(1 - np.abs(weight) ** 2, 0.0))
        more = rng.normal(size=(2, len(weight)))
        changed: Complex = self.fid * weight + lost * (more[0] + 1j * more[1])
        return changed


Change = Callable[[JudgedScan, np.random.Generator], Complex]


@dataclass(frozen=True, eq=False)
class Damage:
    """One kind of damage in one size.

    Attributes
    ----------
    kind, size : str
    words : tuple of str
        The reason names it if it holds one of these.
    change : callable
        From a scan to the damaged FID.
    """

    kind: str
    size: str
    words: tuple[str, ...]
    change: Change


def damages() -> Iterator[Damage]:
    """Yield all damages of one FID."""
    for share in (0.3, 0.6, 1.0):
        yield Damage("lipid", f"{share:g} x highest metabolite", ("lipid",), _lipid(share))
    for share in (0.1, 0.3):
        yield Damage("spurious echo", f"{share:g} x metabolites", ("echo",), _echo(share))
    for share in (0.3, 0.6):
        size = f"{share:g} x highest metabolite"
        yield Damage(
            "foreign line", size, ("unmodelled line at 2.6", "unmodelled line at 2.5"), _foreign(share)
        )
    shim = ("linewidth", "lineshape")
    for hz in (4.0, 8.0):
        yield Damage("motion", f"frequency SD {hz:g} Hz, phase SD 30°", shim, _jitter(hz, 30.0))
    yield Damage("motion", "a third of the transients 10 Hz away", shim, _moved(10.0, 1 / 3))
    for hz in (8.0, 15.0):
        yield Damage("bad shim", f"{hz:g} Hz Gaussian", shim, _wider(hz))
    yield Damage("bad shim", "12 Hz, one-sided", shim, _one_sided(12.0))
    for snr in (6.0, 2.0):
        yield Damage("noise", f"SNR {snr:g}", ("SNR", "noise", "uncertain"), _noisier(snr))
    yield Damage("conjugated", "the FID", ("conjugated",), lambda scan, _: scan.fid.conj())
    yield Damage("wrong field", "5 % too high", ("field",), _stretched(1.05))


def nothings(scan: JudgedScan, water: MRSData | None) -> Iterator[Damage]:
    """Yield what holds no metabolites at all, at the points of a scan."""
    sd = float(noise_sd(scan.fid, scan.data.ppm_axis, nucleus=scan.data.nucleus))
    yield Damage("noise alone", "as in the scan", ("noise only",), lambda scan, rng: _noise(scan, sd, rng))
    if water is not None:
        fid = water.fid.reshape(-1, water.n_points)[0].astype(np.complex128)
        empty = np.zeros(scan.data.n_points, complex)
        empty[: min(len(fid), len(empty))] = fid[: len(empty)]
        yield Damage("water alone", "the reference scan", ("water alone",), lambda *_: empty)
    yield Damage("another nucleus", "31P labelled 1H", ("nucleus",), _phosphorus)


def _lipid(share: float) -> Change:
    def change(scan: JudgedScan, rng: np.random.Generator) -> Complex:
        rate = pi * _LIPID_PPM * scan.data.spectrometer_frequency_mhz
        lines = sum(part * scan.line(ppm) for ppm, part in _LIPID) * np.exp(-rate * scan.time_s)
        # From outside of the voxel, where the phase is another.
        turned = np.exp(1j * (np.angle(scan.metabolites[0]) + rng.uniform(-pi / 2, pi / 2)))
        damaged: Complex = scan.fid + share * scan.as_high(lines) * turned * lines
        return damaged

    return change


def _foreign(share: float) -> Change:
    def change(scan: JudgedScan, rng: np.random.Generator) -> Complex:
        del rng
        line = scan.line(_FOREIGN_PPM) * np.exp(-pi * scan.width_hz * scan.time_s)
        size = share * scan.as_high(line) * np.exp(1j * np.angle(scan.metabolites[0]))
        damaged: Complex = scan.fid + size * line
        return damaged

    return change


def _noisier(snr: float) -> Change:
    def change(scan: JudgedScan, rng: np.random.Generator) -> Complex:
        sd = float(noise_sd(scan.fid, scan.data.ppm_axis, nucleus=scan.data.nucleus))
        more = sd * np.sqrt(max((scan.snr / snr) ** 2 - 1, 0.0))
        noisy: Complex = scan.fid + _noise(scan, more, rng)
        return noisy

    return change


def _echo(share: float) -> Change:
    def change(scan: JudgedScan, rng: np.random.Generator) -> Complex:
        middle, width = rng.uniform(0.05, 0.15), rng.uniform(0.01, 0.03)  # s, as Kyathanahally 2018
        shape = np.exp(-(((scan.time_s - middle) / width) ** 2)) * np.exp(1j * rng.uniform(-pi, pi))
        echo: Complex = scan.fid + share * scan.first * shape * scan.line(rng.uniform(2.0, 4.0))
        return echo

    return change


def _jitter(hz: float, degrees: float) -> Change:
    def change(scan: JudgedScan, rng: np.random.Generator) -> Complex:
        shift, angle = rng.normal(0, hz, _TRANSIENTS), np.radians(rng.normal(0, degrees, _TRANSIENTS))
        moved = np.exp(1j * (2 * pi * np.outer(scan.time_s, shift) + angle)).mean(axis=1)
        return scan.weighted(moved, rng)

    return change


def _moved(hz: float, share: float) -> Change:
    return lambda scan, rng: scan.weighted(1 - share + share * np.exp(2j * pi * hz * scan.time_s), rng)


def _wider(fwhm_hz: float) -> Change:
    def change(scan: JudgedScan, rng: np.random.Generator) -> Complex:
        weight = np.exp(-((pi * fwhm_hz * scan.time_s) ** 2) / (4 * log(2)))
        return scan.weighted(weight.astype(complex), rng)

    return change


def _one_sided(hz: float) -> Change:
    """Return lines smeared to one side: an exponential distribution of fields."""
    return lambda scan, rng: scan.weighted(1 / (1 - 2j * pi * hz / 2 * scan.time_s), rng)


def _stretched(factor: float) -> Change:
    """Return the FID of a field that is higher than the header says."""

    def change(scan: JudgedScan, rng: np.random.Generator) -> Complex:
        del rng
        times = scan.time_s * factor
        # The carrier of MRS is water's: stretching about it moves metabolites away from it.
        real, imag = (
            np.interp(times, scan.time_s, part, right=0.0) for part in (scan.fid.real, scan.fid.imag)
        )
        stretched: Complex = real + 1j * imag
        return stretched

    return change


def _noise(scan: JudgedScan, sd: float, rng: np.random.Generator) -> Complex:
    parts = rng.normal(0, sd, (2, scan.data.n_points))
    noise: Complex = parts[0] + 1j * parts[1]
    return noise


def _phosphorus(scan: JudgedScan, rng: np.random.Generator) -> Complex:
    """Return a 31P spectrum of a brain at the field of the scan: PCr and the lines beside it."""
    sd = float(noise_sd(scan.fid, scan.data.ppm_axis, nucleus=scan.data.nucleus))
    mhz = scan.data.spectrometer_frequency_mhz * 17.235 / 42.576
    lines = (
        (0.0, 4.5),
        (-2.5, 3.0),
        (-7.6, 3.0),
        (-16.1, 3.0),
        (4.8, 1.0),
        (6.7, 2.3),
        (5.6, 1.5),
        (2.9, 1.8),
    )
    fid = sum(size * np.exp((2j * pi * ppm * mhz - pi * 15.0) * scan.time_s) for ppm, size in lines) * (
        scan.first / 10
    )
    values: Complex = fid + _noise(scan, sd, rng)
    return values
