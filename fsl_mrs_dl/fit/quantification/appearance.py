"""Measure signals beside a fit, as shares of the metabolites. The verdict uses these measures.

The shares do not grow with the SNR: the part of noise is subtracted, and no probability is used. By its
probability in white noise, every measured spectrum of high SNR would be unusual: no basis set is exact.
"""

from dataclasses import dataclass, fields, replace
from math import pi

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.fit.quantification.artefacts import beside_window, echo, lipid
from fsl_mrs_dl.fit.quantification.filtered_spectra import LEAST, FilteredSpectra, Fitted, ratio
from fsl_mrs_dl.fit.quantification.quality import QualityBand

_LEAST_PPM = 1.0  # smallest width of a fit window that has a middle without its edges, in ppm
_CHANCE_SD = 4.0  # one of 100 independent points of noise is higher than so many SDs once in 100 spectra
_SHIFTS_PPM = np.array([0.0, 1.0, -1.0, 2.0, -2.0, 3.5, -3.5, 5.0, -5.0, 7.0, -7.0]) * 2 / 127.7
"""Shifts of copies in ppm, 2 to 14 Hz at 3 T in both directions: those of motion and an uneven shim."""
_RIDGE = 1e-6  # ridge over a copy's energy: neighbouring copies are almost equal


@dataclass(frozen=True, eq=False)
class Appearance:
    """Signals beside the metabolites in S spectra; NaN for spectra without a fit, and for other nuclei.

    Attributes
    ----------
    fwhm_hz, base_hz : ndarray, float, shape (S,)
        Width of the highest line of the fitted metabolites at half and at a quarter of its height, in Hz.
    line : ndarray, float, shape (S,)
        Height of the highest narrow line that no metabolite describes, without the part of noise, over that of the
        highest line of the metabolites, both through one filter. Negative where the fit is too high.
    line_ppm : ndarray, float, shape (S,)
        Its chemical shift.
    distorted : ndarray, float, shape (S,)
        The part of ``undescribed`` that copies of the metabolites describe, shifted by up to 0.11 ppm: lines that
        are doubled, or of a shape that the fit does not have.
    undescribed : ndarray, float, shape (S,)
        RMS of narrow structure (less than 0.25 ppm) that no metabolite describes, over that of the metabolites. It
        includes the part of a flexible baseline, and macromolecules.
    echo : ndarray, float, shape (S,)
        Largest RMS of an interval of the FID in which signal grows again, over the first point of the metabolites;
        0 if it only decays.
    echo_ppm : ndarray, float, shape (S,)
        Chemical shift of the highest point of the echo's spectrum.
    lipid : ndarray, float, shape (S,)
        Height of lipid at 1.3 ppm, of any phase, over that of the highest line of the metabolites.
    water : ndarray, float, shape (S,)
        Height of the water over that of the highest narrow line of the data from 1.8 to 3.4 ppm.
    mirror : ndarray, float, shape (S,)
        RMS of narrow structure in the mirror image of the fit window over that in the window.
    signal : ndarray, float, shape (S,)
        Height of the highest narrow line of the data, water left out, over the SD of the noise there.
    """

    fwhm_hz: Real
    base_hz: Real
    line: Real
    line_ppm: Real
    distorted: Real
    undescribed: Real
    echo: Real
    echo_ppm: Real
    lipid: Real
    water: Real
    mirror: Real
    signal: Real

    @classmethod
    def unknown(cls, n: int) -> "Appearance":
        """Return the appearance of n spectra before it is measured: NaN."""
        return cls(
            fwhm_hz=np.full(n, np.nan),
            base_hz=np.full(n, np.nan),
            line=np.full(n, np.nan),
            line_ppm=np.full(n, np.nan),
            distorted=np.full(n, np.nan),
            undescribed=np.full(n, np.nan),
            echo=np.full(n, np.nan),
            echo_ppm=np.full(n, np.nan),
            lipid=np.full(n, np.nan),
            water=np.full(n, np.nan),
            mirror=np.full(n, np.nan),
            signal=np.full(n, np.nan),
        )

    def put(self, rows: NDArray[np.integer], part: "Appearance") -> None:
        """Replace some rows by those of another appearance."""
        for one in fields(self):
            getattr(self, one.name)[rows] = getattr(part, one.name)


def appearance(
    band: QualityBand, fitted: Fitted, spectrometer_frequency_mhz: float, nucleus: str
) -> Appearance:
    """Measure the signals beside the metabolites.

    Parameters
    ----------
    band : QualityBand
    fitted : Fitted
        Rows that are not finite give NaN.
    spectrometer_frequency_mhz : float
    nucleus : str
        Lipid, water, mirror image and echo are measured for 1H only.

    Returns
    -------
    Appearance
    """
    whole = Appearance.unknown(len(fitted.fids))
    rows = np.flatnonzero(np.isfinite(fitted.metabolites).all(axis=1) & np.isfinite(fitted.phase_rad))
    window = band.ppm[band.inside]
    if rows.size and window.size and window[-1] - window[0] > _LEAST_PPM:
        whole.put(
            rows, _measured(FilteredSpectra(band, fitted.take(rows), spectrometer_frequency_mhz), nucleus)
        )
    return whole


def _measured(view: FilteredSpectra, nucleus: str) -> Appearance:
    """Return the appearance of spectra that were all fitted."""
    line, line_ppm, signal = _highest_line(view)
    undescribed, distorted = _structure(view)
    look = replace(
        Appearance.unknown(len(view.rest)),
        fwhm_hz=view.fwhm_hz,
        base_hz=view.base_hz,
        line=line,
        line_ppm=line_ppm,
        distorted=distorted,
        undescribed=undescribed,
        signal=signal,
    )
    if nucleus != "1H":
        return look
    grown, around = echo(view), beside_window(view)
    return replace(
        look,
        echo=grown.size,
        echo_ppm=grown.ppm,
        lipid=lipid(view),
        water=around.water,
        mirror=around.mirror,
        signal=around.signal,
    )


def _highest_line(view: FilteredSpectra) -> tuple[Real, Real, Real]:
    """Return the highest narrow line that no metabolite describes, each of shape (S,).

    Returns
    -------
    line, line_ppm, signal : ndarray, float
        Its relative height, its place, and the height of the data over the noise.
    """
    left, own = (view.real(fids, view.narrow)[:, view.core] for fids in (view.rest, view.fitted.metabolites))
    bins = np.abs(left).argmax(axis=1)
    highest = left[np.arange(len(left)), bins]
    noise = view.noise(view.narrow)
    above = np.maximum(np.abs(highest) - _CHANCE_SD * noise, 0.0)
    everywhere = np.abs(view.spectra(view.fitted.fids, view.narrow)).max(axis=1) / np.sqrt(2)
    line = np.sign(highest) * ratio(above, np.abs(own).max(axis=1))
    line_ppm = view.band.ppm[view.core][bins] - view.fitted.shift_hz / view.mhz
    return line, line_ppm, ratio(everywhere, noise)


def _structure(view: FilteredSpectra) -> tuple[Real, Real]:
    """Return the narrow structure that no metabolite describes, and its part from shifted metabolites, (S,)."""
    rest, own = (
        view.spectra(fids, view.narrow)[:, view.core] for fids in (view.rest, view.fitted.metabolites)
    )
    left, described = ((some.real**2).mean(axis=1) for some in (rest, own))
    undescribed = np.sqrt(ratio(view.above(left, view.narrow), described))
    return undescribed, undescribed * np.sqrt(_shifted(view, rest))


def _shifted(view: FilteredSpectra, rest: Complex) -> Real:
    """Return the part of the energy of narrow spectra that shifted copies of the metabolites describe, (S,)."""
    moved = [view.fitted.metabolites * np.exp(2j * pi * ppm * view.mhz * view.time_s) for ppm in _SHIFTS_PPM]
    copies = np.stack([view.spectra(fids, view.narrow)[:, view.core] for fids in moved], axis=1)
    size = np.maximum(np.linalg.norm(copies, axis=2, keepdims=True), LEAST * np.linalg.norm(rest))
    copies = copies / np.maximum(size, np.finfo(float).tiny)
    gram = np.einsum("skf,slf->skl", copies.conj(), copies) + _RIDGE * np.eye(len(_SHIFTS_PPM))
    towards = np.einsum("skf,sf->sk", copies.conj(), rest)
    power = np.einsum("sk,sk->s", towards.conj(), np.linalg.solve(gram, towards[..., None])[..., 0]).real
    return np.clip(ratio(power, (np.abs(rest) ** 2).sum(axis=1)), 0.0, 1.0)
