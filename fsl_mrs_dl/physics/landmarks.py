"""Which way round a basis set is, and about which centre: told by creatine and N-acetylaspartate."""

import logging
from dataclasses import dataclass, replace

import numpy as np

from fsl_mrs_dl.data import Basis
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.physics.signal import shift

logger = logging.getLogger(__name__)

# Methyl groups: Govindaraju et al. 2000, doi:10.1002/1099-1492(200005)13:3<129::AID-NBM619>3.0.CO;2-V, table 1.
METHYLS_PPM = {"Cr": 3.027, "PCr": 3.029, "NAA": 2.008}
"""Chemical shifts by which an axis is told."""
_HALF_WINDOW_PPM = 0.1
_OFF_CENTRE_PPM = 0.015
_SPREAD_PPM = 0.01
# How much more energy one side must hold, and how small a metabolite counts as absent (edited spectra).
_CLEAR = 4.0
_ABSENT = 1e-3


@dataclass(frozen=True)
class Orientation:
    """Which way round a basis set was.

    Attributes
    ----------
    conjugated : bool
        Whether it was turned.
    by : tuple of str
        The metabolites that say where downfield is; empty if none does, and the format was believed.
    """

    conjugated: bool
    by: tuple[str, ...]

    @property
    def statement(self) -> str:
        """One line for the record."""
        if not self.by:
            return "sign as the format says: the basis set has no Cr, PCr or NAA to tell it"
        return f"{'conjugated' if self.conjugated else 'sign confirmed'} by {', '.join(self.by)}"


def oriented(basis: Basis) -> tuple[Basis, Orientation]:
    """Return a basis set in the sign of memory, told by where the methyl groups of Cr, PCr and NAA lie.

    Parameters
    ----------
    basis : Basis

    Returns
    -------
    basis : Basis
        With the statement among its notes.
    orientation : Orientation

    Raises
    ------
    DataError
        If the metabolites contradict each other.
    """
    votes = _votes(basis)
    reversed_ = [name for name, turned in votes.items() if turned]
    if reversed_ and len(reversed_) < len(votes):
        upright = [name for name in votes if name not in reversed_]
        raise DataError(
            f"{basis.name or 'The basis set'} has {', '.join(upright)} the right way round and "
            f"{', '.join(reversed_)} reversed; simulate it again, or conjugate single metabolites."
        )
    found = Orientation(bool(reversed_), tuple(votes))
    fids = basis.fids.conj() if found.conjugated else basis.fids
    return replace(basis, fids=fids, notes=(*basis.notes, found.statement)), found


def _votes(basis: Basis) -> dict[str, bool]:
    """Return which landmarks are there, and whether each lies on the wrong side of the centre."""
    if basis.nucleus != "1H":
        return {}
    fids = np.asarray(basis.fids)
    n_points = fids.shape[1]
    rising = np.sin(np.pi * np.arange(n_points) / n_points) ** 2
    frequency_ppm = np.fft.fftfreq(n_points, basis.dwelltime_s) / basis.spectrometer_frequency_mhz
    largest = np.abs(fids).max()
    votes = {}
    for name, fid in zip(basis.names, fids, strict=True):
        if name not in METHYLS_PPM or np.abs(fid).max() < _ABSENT * largest:
            continue
        energy = np.abs(np.fft.fft(fid * rising)) ** 2
        offset = METHYLS_PPM[name] - basis.reference_ppm
        upright, turned = (
            float(energy[np.abs(frequency_ppm - place) <= _HALF_WINDOW_PPM].sum())
            for place in (offset, -offset)
        )
        if max(upright, turned) > _CLEAR * min(upright, turned):
            votes[name] = turned > upright
    return votes


def centred(basis: Basis) -> Basis:
    """Return a basis set whose methyl groups of Cr or PCr and of NAA lie where they belong.

    Some programs simulate about another centre than 4.65 ppm (Osprey: 4.68) and their files do not say so;
    then all metabolites are off by the same. Nothing is moved unless both landmarks agree within 0.01 ppm on
    more than 0.015 ppm.

    Parameters
    ----------
    basis : Basis
        In the sign of memory.

    Returns
    -------
    Basis
        The same object if nothing is to be moved.
    """
    n_points = 8 * basis.fids.shape[1]
    ppm = basis.reference_ppm + np.fft.fftfreq(n_points, basis.dwelltime_s) / basis.spectrometer_frequency_mhz
    off = {}
    for name in (name for name, turned in _votes(basis).items() if not turned):
        spectrum = np.abs(np.fft.fft(basis.fids[basis.names.index(name)], n_points))
        place = ppm[np.where(np.abs(ppm - METHYLS_PPM[name]) <= _HALF_WINDOW_PPM, spectrum, 0).argmax()]
        off[name] = float(place - METHYLS_PPM[name])
    if len(off) < 2 or "NAA" not in off:
        return basis
    offset_ppm = float(np.mean(list(off.values())))
    if np.ptp(list(off.values())) > _SPREAD_PPM or abs(offset_ppm) <= _OFF_CENTRE_PPM:
        return basis
    fids = shift(np.asarray(basis.fids), -offset_ppm * basis.spectrometer_frequency_mhz, basis.dwelltime_s)
    note = f"moved by {-offset_ppm:+.4f} ppm, told by {', '.join(off)}: simulated about another centre"
    logger.info("%s: %s", basis.name or "basis set", note)
    return replace(basis, fids=fids, notes=(*basis.notes, note))
