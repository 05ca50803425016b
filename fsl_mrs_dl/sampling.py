"""Nuclei, and the possible dwell times, frequencies and fields of their scans."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from fsl_mrs_dl.errors import DataError

DWELLTIME_S = (1e-6, 1e-2)
"""Accepted dwell times, in s: from a bandwidth of 1 MHz, beyond any receiver, to 100 Hz, which is less than the
range of 1H lines at 0.5 T. A value in ms or us that is read as s lies outside."""
_FIELD_T = (0.2, 30.0)  # open scanners to the strongest NMR magnets; a field in T in place of MHz lies below
_FREQUENCY_MHZ = (1.0, 1300.0)  # for nuclei that are not in NUCLEI; the upper end is 1H at 30 T
_NUCLEUS = re.compile(r"[1-9]\d{0,2}[A-Z][A-Z]?")


@dataclass(frozen=True)
class Nucleus:
    """Constants of a nucleus.

    Attributes
    ----------
    gyromagnetic_mhz_per_t : float
        Gyromagnetic ratio over 2 pi, in MHz/T (CODATA 2018 shielded proton for 1H; the others as in the
        NIfTI-MRS tools, so that a field strength printed here is the one printed there).
    reference_ppm : float
        Chemical shift at the spectrometer frequency, in ppm (FSL-MRS's constants).
    ppm_window : tuple of float or None
        Where metabolite signal is aligned, in ppm; None = the whole band.
    """

    gyromagnetic_mhz_per_t: float
    reference_ppm: float
    ppm_window: tuple[float, float] | None = None


NUCLEI: Mapping[str, Nucleus] = MappingProxyType(
    {
        "1H": Nucleus(42.576, 4.65, (1.8, 4.2)),
        "2H": Nucleus(6.536, 4.8),
        "13C": Nucleus(10.7084, 0.0),
        "31P": Nucleus(17.235, 0.0),
    }
)


def check_sampling(name: str, dwelltime_s: float, frequency_mhz: float, nucleus: str) -> None:
    """Refuse a dwell time, a spectrometer frequency or a nucleus that no scan has.

    Parameters
    ----------
    name : str
        Name of the data, for the message.
    dwelltime_s : float
        In s.
    frequency_mhz : float
        Spectrometer frequency in MHz.
    nucleus : str

    Raises
    ------
    DataError
        If a value is not finite or out of range; the message names the unit that would fit.
    """
    low, high = DWELLTIME_S
    if not low <= dwelltime_s <= high:
        unit = next((u for u, s in (("ms", 1e-3), ("us", 1e-6)) if low <= dwelltime_s * s <= high), None)
        hint = (
            f"; {dwelltime_s:g} {unit} would be one: is the unit of time in the header wrong?"
            if unit
            else "."
        )
        raise DataError(
            f"{name} has a dwell time of {dwelltime_s:g} s; needed are {low:g} to {high:g} s (bandwidths of "
            f"1 MHz to 100 Hz){hint} Convert the scan again, or mend pixdim[4] and xyzt_units."
        )
    if not _NUCLEUS.fullmatch(nucleus):
        raise DataError(
            f"{name} names its nucleus {nucleus!r}; a mass number and a chemical symbol are needed, such as 1H or "
            "31P. Mend ResonantNucleus in the header."
        )
    ratio = NUCLEI[nucleus].gyromagnetic_mhz_per_t if nucleus in NUCLEI else None
    low, high = _FREQUENCY_MHZ if ratio is None else (_FIELD_T[0] * ratio, _FIELD_T[1] * ratio)
    if not low <= frequency_mhz <= high:
        hint = ""
        if low <= frequency_mhz / 1e6 <= high:
            hint = f" {frequency_mhz:g} Hz would be one."
        elif ratio is not None and low <= frequency_mhz * ratio <= high:
            hint = f" A field of {frequency_mhz:g} T would be {frequency_mhz * ratio:.4g} MHz."
        raise DataError(
            f"{name} has a spectrometer frequency of {frequency_mhz:g} MHz for {nucleus}; a value in MHz is "
            f"needed, {low:.3g} to {high:.4g}.{hint} Convert the scan again, or mend SpectrometerFrequency and "
            "ResonantNucleus in the header."
        )
