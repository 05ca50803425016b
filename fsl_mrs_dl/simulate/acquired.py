"""What the header of a simulated scan says of its acquisition, and the water that belongs to its metabolites."""

from typing import Any

from fsl_mrs_dl.data import Basis
from fsl_mrs_dl.errors import OptionError
from fsl_mrs_dl.physics.areas import WATER_PROTONS, area_of_a_proton
from fsl_mrs_dl.physics.relaxation import WATER_MOLALITY, relaxation_times, visible_water

REPETITION_TIME_S = 2.0
"""Of simulated scans, in s: the usual one of single voxels at 3 T."""
_ECHO_TIME_S = 0.03
"""Of singlets, which have no couplings to evolve, and of basis sets that do not say theirs, in s."""
_PARTS = ("on", "off", "diff", "sum")
_FIRST_POINT_OF_AREA = 2.0  # the area of a line well inside of its limits is half of its first point


def acquired(basis: Basis, *, edited: bool = False) -> dict[str, Any]:
    """Return the header keys of a scan with a basis set: times, and the sequence where the set says it.

    Parameters
    ----------
    basis : Basis
        Singlets, or a set of a known or an unknown sequence.
    edited : bool
        Whether the scan holds all conditions of an edited pair; else it is of the condition of its basis set.
    """
    said: dict[str, Any] = {"RepetitionTime": REPETITION_TIME_S}
    if basis.echo_time_s is not None or not basis.file_format:
        said["EchoTime"] = echo_time_of(basis)
    name, _, part = basis.sequence.rpartition(" ")
    if part not in _PARTS:
        name, part = basis.sequence, ""
    if name:
        said["SequenceName"] = name
    if part in ("on", "off") and not edited:
        said["EditCondition"] = [part.upper()]
    return said


def echo_time_of(basis: Basis) -> float:
    """Return the echo time of a scan with a basis set, in s."""
    return _ECHO_TIME_S if basis.echo_time_s is None else basis.echo_time_s


def water_first_point(basis: Basis) -> float | None:
    """Return the first point of the water of a voxel whose metabolites have amplitudes in mmol/kg.

    Pure water relaxes like the mean of grey and white matter, metabolites like metabolites, both as
    ``quantify --h2o`` has it without tissue fractions: the amplitudes that were simulated are what it finds.

    Parameters
    ----------
    basis : Basis

    Returns
    -------
    float or None
        For an amplitude of one in mmol/kg of the basis set; None where it has no Cr, PCr or NAA to measure by.
    """
    proton = area_of_a_proton(basis)
    if proton is None:
        return None
    try:
        relaxation = relaxation_times(basis.spectrometer_frequency_mhz, None, None)
        seen = float(visible_water(None, *relaxation, echo_time_of(basis), REPETITION_TIME_S)[0])
    except OptionError:  # no times are known for the field: nothing relaxes
        seen = WATER_MOLALITY
    return _FIRST_POINT_OF_AREA * WATER_PROTONS * proton * seen
