"""What spectra look like beside their fits, as shares of the metabolites: by which a verdict is given.

No share grows with the SNR: what noise makes is taken off, and chance is nowhere asked for. A chance of white
noise calls every measured spectrum strange whose SNR is high, as no basis set is exact.
"""

from dataclasses import dataclass, fields, replace
from math import pi

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.fit.quantification.artefacts import beside_window, echo, lipid
from fsl_mrs_dl.fit.quantification.quality import QualityBand
from fsl_mrs_dl.fit.quantification.seen import LEAST, Fitted, Seen, ratio

_LEAST_PPM = 1.0  # of a fit window in which there is a middle to look at
_CHANCE_SD = 4.0  # noise makes a point of 100 independent ones this high once in 100 spectra
_SHIFTS_PPM = np.array([0.0, 1.0, -1.0, 2.0, -2.0, 3.5, -3.5, 5.0, -5.0, 7.0, -7.0]) * 2 / 127.7
"""Shifts of copies, 2 to 14 Hz at 3 T either way: what motion and an uneven shim do."""
_RIDGE = 1e-6  # of a copy's energy, for neighbours are nearly alike


@dataclass(frozen=True, eq=False)
class Appearance:
    """What S spectra look like; NaN where they were not fitted or where it is not known of their nucleus.

    Attributes
    ----------
    fwhm_hz, base_hz : ndarray, float, shape (S,)
        Width of the highest line of the fitted metabolites at half and at a quarter of its height, in Hz.
    line : ndarray, float, shape (S,)
        Height of the narrow line that stands out most of what no metabolite describes, above what noise makes,
        over that of the highest of the metabolites, both through one filter. Negative where the fit is too high.
    line_ppm : ndarray, float, shape (S,)
        Where it stands.
    distorted : ndarray, float, shape (S,)
        The part of ``undescribed`` that copies of the metabolites make which are shifted by up to 0.11 ppm: lines
        that are doubled, or of another shape than the fit could take.
    undescribed : ndarray, float, shape (S,)
        RMS of narrow structure (less than 0.25 ppm) that no metabolite describes, over that of the metabolites.
        What a flexible baseline took is in it, and macromolecules are.
    echo : ndarray, float, shape (S,)
        Largest RMS of an interval of the FID after which signal has grown again, over the first point of the
        metabolites; 0 where nothing grows.
    echo_ppm : ndarray, float, shape (S,)
        Where its spectrum is highest.
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
        """Return what is known of n spectra before they are looked at: NaN."""
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
    """Measure what spectra look like.

    Parameters
    ----------
    band : QualityBand
    fitted : Fitted
        Rows that are not finite give NaN.
    spectrometer_frequency_mhz : float
    nucleus : str
        Lipid, water, mirror image and echo are known of 1H only.

    Returns
    -------
    Appearance
    """
    whole = Appearance.unknown(len(fitted.fids))
    rows = np.flatnonzero(np.isfinite(fitted.metabolites).all(axis=1) & np.isfinite(fitted.phase_rad))
    window = band.ppm[band.inside]
    if rows.size and window.size and window[-1] - window[0] > _LEAST_PPM:
        whole.put(rows, _measured(Seen(band, fitted.take(rows), spectrometer_frequency_mhz), nucleus))
    return whole


def _measured(seen: Seen, nucleus: str) -> Appearance:
    """Return the appearance of spectra that were all fitted."""
    line, line_ppm, signal = _highest_line(seen)
    undescribed, distorted = _structure(seen)
    look = replace(
        Appearance.unknown(len(seen.rest)),
        fwhm_hz=seen.fwhm_hz,
        base_hz=seen.base_hz,
        line=line,
        line_ppm=line_ppm,
        distorted=distorted,
        undescribed=undescribed,
        signal=signal,
    )
    if nucleus != "1H":
        return look
    grown, around = echo(seen), beside_window(seen)
    return replace(
        look,
        echo=grown.size,
        echo_ppm=grown.ppm,
        lipid=lipid(seen),
        water=around.water,
        mirror=around.mirror,
        signal=around.signal,
    )


def _highest_line(seen: Seen) -> tuple[Real, Real, Real]:
    """Return the narrow line that stands out most of what no metabolite describes, each of shape (S,).

    Returns
    -------
    line, line_ppm, signal : ndarray, float
        Its relative height, its place, and the height of the data over the noise.
    """
    left, own = (seen.real(fids, seen.narrow)[:, seen.core] for fids in (seen.rest, seen.fitted.metabolites))
    at = np.abs(left).argmax(axis=1)
    highest = left[np.arange(len(left)), at]
    noise = seen.noise(seen.narrow)
    above = np.maximum(np.abs(highest) - _CHANCE_SD * noise, 0.0)
    everywhere = np.abs(seen.spectra(seen.fitted.fids, seen.narrow)).max(axis=1) / np.sqrt(2)
    line = np.sign(highest) * ratio(above, np.abs(own).max(axis=1))
    line_ppm = seen.band.ppm[seen.core][at] - seen.fitted.shift_hz / seen.mhz
    return line, line_ppm, ratio(everywhere, noise)


def _structure(seen: Seen) -> tuple[Real, Real]:
    """Return the narrow structure that no metabolite describes, and the part of shifted metabolites, (S,)."""
    rest, own = (
        seen.spectra(fids, seen.narrow)[:, seen.core] for fids in (seen.rest, seen.fitted.metabolites)
    )
    left, described = ((some.real**2).mean(axis=1) for some in (rest, own))
    undescribed = np.sqrt(ratio(seen.above(left, seen.narrow), described))
    return undescribed, undescribed * np.sqrt(_shifted(seen, rest))


def _shifted(seen: Seen, rest: Complex) -> Real:
    """Return which part of the energy of narrow spectra shifted copies of the metabolites make."""
    moved = [seen.fitted.metabolites * np.exp(2j * pi * ppm * seen.mhz * seen.time_s) for ppm in _SHIFTS_PPM]
    copies = np.stack([seen.spectra(fids, seen.narrow)[:, seen.core] for fids in moved], axis=1)
    size = np.maximum(np.linalg.norm(copies, axis=2, keepdims=True), LEAST * np.linalg.norm(rest))
    copies = copies / np.maximum(size, np.finfo(float).tiny)
    gram = np.einsum("skf,slf->skl", copies.conj(), copies) + _RIDGE * np.eye(len(_SHIFTS_PPM))
    towards = np.einsum("skf,sf->sk", copies.conj(), rest)
    made = np.einsum("sk,sk->s", towards.conj(), np.linalg.solve(gram, towards[..., None])[..., 0]).real
    return np.clip(ratio(made, (np.abs(rest) ** 2).sum(axis=1)), 0.0, 1.0)
