"""Acquisition keys in the header of a simulated scan, and the amplitude of its water reference."""

from typing import Any

from fsl_mrs_dl.data import Basis
from fsl_mrs_dl.errors import OptionError
from fsl_mrs_dl.physics.areas import WATER_PROTONS, area_of_a_proton
from fsl_mrs_dl.physics.relaxation import WATER_MOLALITY, relaxation_times, visible_water

REPETITION_TIME_S = 2.0
"""Repetition time of simulated scans, in s: the usual one of single voxels at 3 T."""
_DEFAULT_ECHO_TIME_S = 0.03
"""Echo time, in s, of singlets, which have no couplings that evolve, and of basis sets without an echo time."""
_PARTS = ("on", "off", "diff", "sum")
_FIRST_POINT_OVER_AREA = 2.0  # the area of a line well inside of its limits is half of its first point


def acquired(basis: Basis, *, edited: bool = False) -> dict[str, Any]:
    """Return the header keys of a scan with a basis set: times, and the sequence if the set has it.

    Parameters
    ----------
    basis : Basis
        Singlets, or a set of a known or an unknown sequence.
    edited : bool
        Whether the scan has both conditions of an edited pair; if not, it has the condition of its basis set.
    """
    header: dict[str, Any] = {"RepetitionTime": REPETITION_TIME_S}
    if basis.echo_time_s is not None or not basis.file_format:
        header["EchoTime"] = echo_time_of(basis)
    name, _, part = basis.sequence.rpartition(" ")
    if part not in _PARTS:
        name, part = basis.sequence, ""
    if name:
        header["SequenceName"] = name
    if part in ("on", "off") and not edited:
        header["EditCondition"] = [part.upper()]
    return header


def echo_time_of(basis: Basis) -> float:
    """Return the echo time of a scan with a basis set, in s."""
    return _DEFAULT_ECHO_TIME_S if basis.echo_time_s is None else basis.echo_time_s


def water_first_point(basis: Basis) -> float | None:
    """Return the first point of the FID of water in a voxel whose metabolites have amplitudes in mmol/kg.

    Water is pure and relaxes like the mean of grey and white matter, as ``quantify --h2o`` assumes without tissue
    fractions: quantify then returns the simulated amplitudes.

    Parameters
    ----------
    basis : Basis

    Returns
    -------
    float or None
        If an amplitude of one of the basis set is 1 mmol/kg; None without Cr, PCr or NAA as the reference.
    """
    proton = area_of_a_proton(basis)
    if proton is None:
        return None
    try:
        relaxation = relaxation_times(basis.spectrometer_frequency_mhz, None, None)
        water = float(visible_water(None, *relaxation, echo_time_of(basis), REPETITION_TIME_S)[0])
    except OptionError:  # without relaxation times for the field, there is no relaxation
        water = WATER_MOLALITY
    return _FIRST_POINT_OVER_AREA * WATER_PROTONS * proton * water
