"""What creatine, phosphocreatine and NAA of a basis set show of its axis, each judged alone.

All are shares of a member's own energy, so that no other member's size matters. A methyl line counts as seen where
it holds half of that energy: the tails of lines that happen to reach where a methyl line should be tell nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Basis, Real
from fsl_mrs_dl.physics.member_sizes import usual_height

# Govindaraju et al. 2000, doi:10.1002/1099-1492(200005)13:3<129::AID-NBM619>3.0.CO;2-V, table 1.
METHYLS_PPM = {"Cr": 3.027, "PCr": 3.029, "NAA": 2.008}
"""Chemical shifts of methyl groups, by which an axis is told."""
_OTHERS_PPM = {"Cr": (3.913,), "PCr": (3.930,), "NAA": (2.486, 2.673, 4.382)}
"""Where else these metabolites have lines: the strongest ones where editing takes the methyl line away."""
_FOREIGN_PPM = (0.0, 8.44)
"""TSP or DSS, and formate, which some simulations add to each metabolite as a reference."""
_HALF_WINDOW_PPM = 0.1
_EDGE_PPM = 0.09  # a line beyond it may belong outside of the window
_NEAR_PPM = 0.12  # of a multiplet's lines around its shift
_FOREIGN_HALF_PPM = 0.15
_SHARE = 0.5  # of a metabolite's energy: CH3 of creatine holds 9/13, CH2 4/13, CH3 of NAA above 0.9
# How much more energy one side must hold, and how small a metabolite counts as absent (edited spectra).
_CLEAR = 4.0
_ABSENT = 1e-3
_ZERO_FILLING = 8


@dataclass(frozen=True)
class Landmark:
    """What one metabolite shows, if frequency zero is at the centre that its basis set has.

    Attributes
    ----------
    name : str
    centre_ppm : float
        Of the basis set.
    upright, turned : float
        Share of its energy at its methyl line, as it is and conjugated.
    strongest_ppm : float
        Distance of its strongest line from frequency zero, in ppm.
    strongest : float
        Share of its energy there.
    off_ppm : float or None
        How far its methyl line lies from where it belongs, in ppm; None where it is not seen there.
    """

    name: str
    centre_ppm: float
    upright: float
    turned: float
    strongest_ppm: float
    strongest: float
    off_ppm: float | None

    @property
    def reversed(self) -> bool | None:
        """Whether the methyl line lies on the wrong side of the centre; None where that is not seen."""
        if max(self.upright, self.turned) < _SHARE:
            return None
        if max(self.upright, self.turned) <= _CLEAR * min(self.upright, self.turned):
            return None  # the centre lies in the methyl line itself
        return self.turned > self.upright

    @property
    def is_strong(self) -> bool:
        """Whether one line holds half of the energy."""
        return self.strongest >= _SHARE

    @property
    def is_elsewhere(self) -> bool:
        """Whether the strongest line is a strong one, and lies where this metabolite has none."""
        if self.turned >= _SHARE:  # which is a question of sign
            return False
        place = self.centre_ppm + self.strongest_ppm
        methyl = self.upright >= _SHARE and abs(place - METHYLS_PPM[self.name]) <= _EDGE_PPM
        other = any(abs(place - ppm) <= _NEAR_PPM for ppm in _OTHERS_PPM[self.name])
        foreign = any(abs(place - ppm) <= _FOREIGN_HALF_PPM for ppm in _FOREIGN_PPM)
        return self.is_strong and not (methyl or other or (foreign and self.upright >= _SHARE))

    @property
    def place(self) -> str:
        """Where the strongest line lies and where the methyl line belongs, in words."""
        there = self.centre_ppm + self.strongest_ppm
        return f"{self.name} at {there:.2f} instead of {METHYLS_PPM[self.name]:.2f} ppm"


def landmarks(basis: Basis) -> Mapping[str, Landmark]:
    """Return what Cr, PCr and NAA of a basis set show.

    Parameters
    ----------
    basis : Basis
        Of any sign; its centre is :attr:`~fsl_mrs_dl.data.Basis.reference_ppm`.

    Returns
    -------
    mapping of str to Landmark
        Without metabolites that editing took away. Empty for another nucleus than 1H.
    """
    if basis.nucleus != "1H":
        return {}
    fids = np.asarray(basis.fids)
    n_points = fids.shape[1]
    rising = np.sin(np.pi * np.arange(n_points) / n_points) ** 2
    offset_ppm = np.fft.fftfreq(n_points, basis.dwelltime_s) / basis.spectrometer_frequency_mhz
    heights = np.abs(fids).max(axis=1)
    usual = usual_height(fids)
    found = {}
    for name, fid, height in zip(basis.names, fids, heights, strict=True):
        if name in METHYLS_PPM and height >= _ABSENT * usual:
            energy = np.abs(np.fft.fft(fid * rising)) ** 2
            upright, turned = _methyl_shares(name, energy, offset_ppm, basis.reference_ppm)
            strongest_ppm = float(offset_ppm[energy.argmax()])
            off_ppm = _methyl_off(basis, name) if upright >= _SHARE else None
            shares = (upright, turned, strongest_ppm, _share(energy, offset_ppm, strongest_ppm))
            found[name] = Landmark(name, basis.reference_ppm, *shares, off_ppm)
    return found


def _methyl_shares(name: str, energy: Real, offset_ppm: Real, centre_ppm: float) -> tuple[float, float]:
    """Return the shares of energy at the methyl line, as it is and conjugated, without reference lines."""
    shares = []
    for sign in (1, -1):
        near = [np.abs(sign * offset_ppm - (ppm - centre_ppm)) <= _FOREIGN_HALF_PPM for ppm in _FOREIGN_PPM]
        own: Real = np.where(np.any(near, axis=0), 0.0, energy)
        shares.append(_share(own, offset_ppm, sign * (METHYLS_PPM[name] - centre_ppm)))
    return shares[0], shares[1]


def _share(energy: Real, offset_ppm: Real, place_ppm: float) -> float:
    near: NDArray[np.bool_] = np.abs(offset_ppm - place_ppm) <= _HALF_WINDOW_PPM
    return float(energy[near].sum() / max(energy.sum(), np.finfo(float).tiny))


def _methyl_off(basis: Basis, name: str) -> float | None:
    """Return how far off the highest point near a methyl line lies, in ppm; None where it is at the edge."""
    n_points = _ZERO_FILLING * basis.fids.shape[1]
    ppm = basis.reference_ppm + np.fft.fftfreq(n_points, basis.dwelltime_s) / basis.spectrometer_frequency_mhz
    spectrum = np.abs(np.fft.fft(basis.fids[basis.names.index(name)], n_points))
    near = np.abs(ppm - METHYLS_PPM[name]) <= _HALF_WINDOW_PPM
    off = float(ppm[np.where(near, spectrum, 0).argmax()] - METHYLS_PPM[name])
    return off if abs(off) <= _EDGE_PPM else None
