"""Relaxation and water content of the brain, and the visible concentration of water."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from fsl_mrs_dl.data import NUCLEI, TISSUES, Real
from fsl_mrs_dl.errors import OptionError

WATER_MOLALITY = 55.51e3
"""Molality of pure water, in mmol/kg: 1 kg over 18.015 g/mol."""

TISSUE_WATER = MappingProxyType({"WM": 0.65, "GM": 0.78, "CSF": 0.97})
"""Water in a volume of tissue against pure water (Ernst, Kreis and Ross 1993, doi:10.1006/jmrb.1993.1055)."""

POOLS = ("H2O_WM", "H2O_GM", "H2O_CSF", "METAB")

_FIELDS_T = {"1.5T": (1.4, 1.6), "3T": (2.5, 3.5), "7T": (6.5, 7.5)}

# The averages that FSL-MRS takes from the literature (its utils/constants.py), so that results agree; METAB
# is the mean of NAA, Cr and Cho. 3 T and 7 T: T1 of water from Stanisz 2005 (doi:10.1002/mrm.20605), Wright
# 2008 (doi:10.1007/s10334-008-0104-8) and others, of CSF from Rooney 2007 (doi:10.1002/mrm.21122); T2 of CSF
# from Spijkerman 2018 (doi:10.1007/s10334-017-0659-3); metabolites from Mlynarik 2001 (doi:10.1002/nbm.713),
# An 2017 (doi:10.1002/mrm.26612), Marjanska 2012 (doi:10.1002/nbm.1754), Wyss 2018 (doi:10.1002/mrm.27067).
# 1.5 T: Wright 2008; Yamashiro 2019 (doi:10.1002/acm2.12659); Ratiney 2007 (doi:10.1007/s10334-007-0076-0);
# Cox and Gowland 2008 (Proc. ISMRM 16, 1411); Isobe 2002 (doi:10.1016/S0730-725X(02)00500-3).
T1_S: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        "1.5T": {"H2O_WM": 0.630, "H2O_GM": 1.185, "H2O_CSF": 3.90, "METAB": 1.238},
        "3T": {"H2O_WM": 0.97, "H2O_GM": 1.50, "H2O_CSF": 4.47, "METAB": 1.29},
        "7T": {"H2O_WM": 1.21, "H2O_GM": 2.05, "H2O_CSF": 4.43, "METAB": 1.43},
    }
)
"""Longitudinal relaxation times by field, in s."""

T2_S: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        "1.5T": {"H2O_WM": 0.080, "H2O_GM": 0.083, "H2O_CSF": 2.000, "METAB": 0.279},
        "3T": {"H2O_WM": 0.073, "H2O_GM": 0.088, "H2O_CSF": 2.030, "METAB": 0.194},
        "7T": {"H2O_WM": 0.055, "H2O_GM": 0.050, "H2O_CSF": 1.050, "METAB": 0.131},
    }
)
"""Transverse relaxation times by field, in s."""


_POSSIBLE_S = (1e-3, 20.0)
"""Range of possible T1 and T2, in s: pure water at body temperature has 4.5; a number in ms is above."""


def relaxation_times(
    spectrometer_frequency_mhz: float,
    t1_values: Mapping[str, float] | None,
    t2_values: Mapping[str, float] | None,
) -> tuple[Mapping[str, float], Mapping[str, float]]:
    """Return T1 and T2 of water and metabolites: from the user, or from the table of the field.

    Parameters
    ----------
    spectrometer_frequency_mhz : float
        Of 1H, in MHz.
    t1_values, t2_values : mapping, optional
        ``H2O_WM``, ``H2O_GM``, ``H2O_CSF`` and ``METAB`` in s.

    Raises
    ------
    OptionError
        If the field has no table and the user gives no values, or if one is missing or out of range.
    """
    field_t = spectrometer_frequency_mhz / NUCLEI["1H"].gyromagnetic_mhz_per_t
    key = next((name for name, (low, high) in _FIELDS_T.items() if low < field_t < high), None)
    times = []
    for name, chosen, table in (("t1_values", t1_values, T1_S), ("t2_values", t2_values, T2_S)):
        if chosen is None and key is None:
            raise OptionError(
                f"No relaxation times of the brain are known for {field_t:.1f} T (only for 1.5, 3 and 7 T); give "
                f"--{name} FILE.json with {', '.join(POOLS)} in s, or leave --h2o out."
            )
        values = chosen if chosen is not None else table[str(key)]
        low, high = _POSSIBLE_S
        wrong = [
            f"{pool} = {values.get(pool, 0):g}" for pool in POOLS if not low <= values.get(pool, 0) <= high
        ]
        if wrong:
            raise OptionError(
                f"--{name} has {', '.join(wrong)}; needed is a positive value in s for each, {low:g} to {high:g}."
            )
        times.append({pool: float(values[pool]) for pool in POOLS})
    return times[0], times[1]


def visible(t1_s: float, t2_s: float, echo_time_s: float, repetition_time_s: float) -> float:
    r"""Return the share of signal that relaxation leaves, for an excitation of 90 degrees and TR far above TE.

    .. math:: R = (1 - e^{-TR/T_1}) \, e^{-TE/T_2}
    """
    return float((1 - np.exp(-repetition_time_s / t1_s)) * np.exp(-echo_time_s / t2_s))


def visible_water(
    fractions: Mapping[str, Real] | None,
    t1_s: Mapping[str, float],
    t2_s: Mapping[str, float],
    echo_time_s: float,
    repetition_time_s: float,
    *,
    water_echo_time_s: float | None = None,
    water_repetition_time_s: float | None = None,
) -> tuple[Real, Real]:
    r"""Return the visible water relative to the visible metabolites, by mass and by volume.

    .. math::
        [H_2O]_{molal} \frac{\sum_t f_t R_t}{(1 - f_{CSF}) R_M}, \quad
        [H_2O]_{molal} \frac{\sum_t v_t d_t R_t}{(1 - v_{CSF}) R_M}, \quad
        f_t = \frac{v_t d_t}{\sum_u v_u d_u}

    with volume fractions v, water densities d and mole fractions of water f; :math:`R_t` at the times of the water
    reference, :math:`R_M` at those of the metabolites. Without fractions the tissue is taken as pure water that
    relaxes like the mean of white and grey matter.

    Parameters
    ----------
    fractions : mapping of str to ndarray, float, shape (V,), or None
        Volume fractions of ``WM``, ``GM``, ``CSF``.
    t1_s, t2_s : mapping
        From :func:`relaxation_times`.
    echo_time_s, repetition_time_s : float
        Of the metabolites, in s.
    water_echo_time_s, water_repetition_time_s : float, optional
        Of the water reference, in s. Default: those of the metabolites.

    Returns
    -------
    molal, molar : ndarray, float, shape (V,) or ()
        In mmol/kg and mmol/l; NaN where a voxel is all CSF.

    Notes
    -----
    FSL-MRS 2.4 divides the molality by one less the *volume* fraction of CSF; the sources below by one less
    its mole fraction of water, as is done here, because a molality counts the water of tissue alone.

    References
    ----------
    Gasparovic 2006, doi:10.1002/mrm.20901, eq. 5; Near 2021, doi:10.1002/nbm.4257, eq. 4 to 6.
    """
    echo_s = echo_time_s if water_echo_time_s is None else water_echo_time_s
    repetition_s = repetition_time_s if water_repetition_time_s is None else water_repetition_time_s
    metabolites = visible(t1_s["METAB"], t2_s["METAB"], echo_time_s, repetition_time_s)

    def left(pool: str) -> float:
        return visible(t1_s[pool], t2_s[pool], echo_s, repetition_s)

    if fractions is None:
        t1 = (t1_s["H2O_WM"] + t1_s["H2O_GM"]) / 2
        t2 = (t2_s["H2O_WM"] + t2_s["H2O_GM"]) / 2
        pure = np.asarray(WATER_MOLALITY * visible(t1, t2, echo_s, repetition_s) / metabolites)
        return pure, pure
    water = {tissue: fractions[tissue] * TISSUE_WATER[tissue] for tissue in TISSUES}
    everything = sum(water.values())
    signal = sum(water[tissue] * left(f"H2O_{tissue}") for tissue in TISSUES) / metabolites
    with np.errstate(divide="ignore", invalid="ignore"):
        molal = signal / everything / (1 - water["CSF"] / everything)
        molar = signal / (1 - fractions["CSF"])
    none = fractions["CSF"] >= 1
    return (
        WATER_MOLALITY * np.where(none, np.nan, molal),
        WATER_MOLALITY * np.where(none, np.nan, molar),
    )
