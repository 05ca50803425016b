"""Find the lines of creatine, phosphocreatine and NAA of a basis set, which show its sign and centre.

All values are shares of a member's own energy, so that the size of other members does not matter. A methyl line
counts where it has half of that energy; the tails of other lines have less.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Basis, Real
from fsl_mrs_dl.physics.member_sizes import usual_height

# Govindaraju et al. 2000, doi:10.1002/1099-1492(200005)13:3<129::AID-NBM619>3.0.CO;2-V, table 1.
METHYLS_PPM = {"Cr": 3.027, "PCr": 3.029, "NAA": 2.008}
"""Chemical shifts of the methyl groups, in ppm."""
SINGLETS_PPM = {"Cr": METHYLS_PPM["Cr"], "NAA": METHYLS_PPM["NAA"], "Cho": 3.210}
"""Methyl singlets of a brain, in ppm; of choline the mean of GPC (3.212) and PCh (3.208)."""
_OTHERS_PPM = {"Cr": (3.913,), "PCr": (3.930,), "NAA": (2.486, 2.673, 4.382)}
"""Chemical shifts of their other lines, in ppm: the strongest ones where editing removes the methyl line."""
_FOREIGN_PPM = (0.0, 8.44)
"""TSP or DSS, and formate, in ppm: some simulations add them to each metabolite as a reference."""
_HALF_WINDOW_PPM = 0.1
"""Half of the window around a methyl line: wider than any offset that is corrected (up to _EDGE_PPM)."""
_EDGE_PPM = 0.09  # a maximum beyond it may be the flank of a line outside of the window
_NEAR_PPM = 0.12  # distance of the lines of a multiplet from its chemical shift
_FOREIGN_HALF_PPM = 0.15
"""Half of the window around a foreign line: wider than that of a methyl line, which it must not fill."""
_LEAST_SHARE = 0.5  # of a metabolite's energy: CH3 of creatine has 9/13, CH2 4/13, CH3 of NAA above 0.9
_CLEAR_RATIO = 4.0
"""Energy at the methyl line over that at its mirror image, above which the sign is clear."""
_LEAST_HEIGHT = 1e-3
"""Height over that of a usual member, below which a metabolite is absent: edited spectra keep a remainder."""
_ZERO_FILLING = 8
"""Factor of zero filling: places are read off bins of an eighth of the resolution."""


@dataclass(frozen=True)
class Landmark:
    """Lines of one metabolite, if frequency zero is at the centre of its basis set.

    Attributes
    ----------
    name : str
    centre_ppm : float
        Centre of the basis set, in ppm.
    upright, turned : float
        Share of the energy at the methyl line, as it is and conjugated.
    strongest_ppm : float
        Distance of the strongest line from frequency zero, in ppm.
    strongest : float
        Share of the energy at the strongest line.
    off_ppm : float or None
        Offset of the methyl line from its chemical shift, in ppm; None if there is no such line.
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
        """Whether the methyl line lies on the wrong side of the centre; None if that is not clear."""
        if max(self.upright, self.turned) < _LEAST_SHARE:
            return None
        if max(self.upright, self.turned) <= _CLEAR_RATIO * min(self.upright, self.turned):
            return None  # the centre lies in the methyl line itself
        return self.turned > self.upright

    @property
    def is_strong(self) -> bool:
        """Whether one line has half of the energy."""
        return self.strongest >= _LEAST_SHARE

    @property
    def is_elsewhere(self) -> bool:
        """Whether one line has half of the energy and lies where this metabolite has no line."""
        if self.turned >= _LEAST_SHARE:  # the sign is wrong, not the centre
            return False
        place = self.centre_ppm + self.strongest_ppm
        methyl = self.upright >= _LEAST_SHARE and abs(place - METHYLS_PPM[self.name]) <= _EDGE_PPM
        other = any(abs(place - ppm) <= _NEAR_PPM for ppm in _OTHERS_PPM[self.name])
        foreign = any(abs(place - ppm) <= _FOREIGN_HALF_PPM for ppm in _FOREIGN_PPM)
        return self.is_strong and not (methyl or other or (foreign and self.upright >= _LEAST_SHARE))

    @property
    def place(self) -> str:
        """Name the place of the strongest line and that of the methyl line, for a message."""
        there = self.centre_ppm + self.strongest_ppm
        return f"{self.name} at {there:.2f} instead of {METHYLS_PPM[self.name]:.2f} ppm"


def landmarks(basis: Basis) -> Mapping[str, Landmark]:
    """Return the landmarks of a basis set by name: Cr, PCr and NAA.

    Parameters
    ----------
    basis : Basis
        In either sign; its centre is :attr:`~fsl_mrs_dl.data.Basis.reference_ppm`.

    Returns
    -------
    mapping of str to Landmark
        Without metabolites that editing removed. Empty for nuclei other than 1H.
    """
    if basis.nucleus != "1H":
        return {}
    fids = np.asarray(basis.fids)
    n_points = fids.shape[1]
    rising = np.sin(np.pi * np.arange(n_points) / n_points) ** 2
    offset_ppm = np.fft.fftfreq(n_points, basis.dwelltime_s) / basis.spectrometer_frequency_mhz
    heights = np.abs(fids).max(axis=1)
    usual = usual_height(fids)
    marks = {}
    for name, fid, height in zip(basis.names, fids, heights, strict=True):
        if name in METHYLS_PPM and height >= _LEAST_HEIGHT * usual:
            energy = np.abs(np.fft.fft(fid * rising)) ** 2
            upright, turned = _methyl_shares(name, energy, offset_ppm, basis.reference_ppm)
            strongest_ppm = float(offset_ppm[energy.argmax()])
            off_ppm = _methyl_off(basis, name) if upright >= _LEAST_SHARE else None
            shares = (upright, turned, strongest_ppm, _share(energy, offset_ppm, strongest_ppm))
            marks[name] = Landmark(name, basis.reference_ppm, *shares, off_ppm)
    return marks


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
    """Return the offset of the highest point near a methyl line, in ppm; None if it is at the window's edge."""
    n_points = _ZERO_FILLING * basis.fids.shape[1]
    ppm = basis.reference_ppm + np.fft.fftfreq(n_points, basis.dwelltime_s) / basis.spectrometer_frequency_mhz
    spectrum = np.abs(np.fft.fft(basis.fids[basis.names.index(name)], n_points))
    near = np.abs(ppm - METHYLS_PPM[name]) <= _HALF_WINDOW_PPM
    off = float(ppm[np.where(near, spectrum, 0).argmax()] - METHYLS_PPM[name])
    return off if abs(off) <= _EDGE_PPM else None
