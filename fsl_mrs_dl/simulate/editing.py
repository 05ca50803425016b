"""Edited pairs: basis sets with and without an editing pulse at 1.9 ppm."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from fsl_mrs_dl.data import Basis
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.simulate.singlets import SINGLETS, Lines, brain_singlets

EDIT_CONDITIONS = ("ON", "OFF")
"""Conditions in the order of DIM_EDIT."""

_WITHOUT_ACETYL: Mapping[str, Lines] = MappingProxyType({"NAA": SINGLETS["NAA"][1:], "NAAG": ()})
_GABA_J_HZ = 7.3  # splitting of the triplet at 3.01 ppm, rounded


@dataclass(frozen=True, eq=False)
class EditedPair:
    """One basis set for each edit condition, with the same metabolites.

    Attributes
    ----------
    on, off : Basis
        With and without the editing pulse.
    """

    on: Basis
    off: Basis

    def __post_init__(self) -> None:
        if self.on.names != self.off.names or self.on.fids.shape != self.off.fids.shape:
            raise DataError("The basis sets of ON and OFF differ in metabolites or points; they must match.")
        if (self.on.dwelltime_s, self.on.spectrometer_frequency_mhz) != (
            self.off.dwelltime_s,
            self.off.spectrometer_frequency_mhz,
        ):
            raise DataError("The basis sets of ON and OFF differ in dwell time or field; they must match.")


def edited_singlets(
    spectrometer_frequency_mhz: float, dwelltime_s: float = 1 / 4000, n_points: int = 2048
) -> EditedPair:
    """Return a simplified MEGA-edited pair for GABA, made of singlets.

    With the pulse on, the acetyl lines of NAA and NAAG and the GABA line at 1.89 ppm are absent, and the GABA
    triplet at 3.01 ppm is positive; with the pulse off, the outer lines of the triplet are inverted, as at the
    usual echo time of 68 ms (Mescher et al 1998,
    doi:10.1002/(SICI)1099-1492(199810)11:6<266::AID-NBM530>3.0.CO;2-J). The difference has NAA inverted at
    2.01 ppm and two positive GABA lines around 3.01 ppm. All other lines are the same in both.

    Parameters
    ----------
    spectrometer_frequency_mhz : float
        In MHz.
    dwelltime_s : float
        In s.
    n_points : int

    Returns
    -------
    EditedPair
    """
    split_ppm = _GABA_J_HZ / spectrometer_frequency_mhz

    def triplet(outer: float) -> Lines:
        return ((3.0128, 1.0), (3.0128 - split_ppm, outer), (3.0128 + split_ppm, outer))

    on = {**SINGLETS, **_WITHOUT_ACETYL, "GABA": (*triplet(0.5), (2.2840, 2))}
    off = {**SINGLETS, "GABA": (*triplet(-0.5), *SINGLETS["GABA"][1:])}
    sampling = (spectrometer_frequency_mhz, dwelltime_s, n_points)
    return EditedPair(brain_singlets(*sampling, table=on), brain_singlets(*sampling, table=off))
