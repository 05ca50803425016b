"""Check that a basis set fits the scan: compare echo time, sequence and editing of data and basis set.

Field and nucleus are compared where the basis set is brought to the data, :func:`fsl_mrs_dl.fit.basis.basis_for`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from fsl_mrs_dl.data import Basis, MRSData
from fsl_mrs_dl.fit.sequences import UNKNOWN, Sequence, part_of, sequence_of
from fsl_mrs_dl.io.times import ECHO_TIME_S, header_echo_time, single_headers

# Couplings evolve with TE: of a doublet of 7 Hz, sin(pi J dTE) = 7 % of the amplitude turns antiphase in 3 ms,
# which finite pulses make of one echo time too, and 22 % in 10 ms, as much as tells metabolites apart.
DOUBTFUL_S = 3e-3
"""Difference of echo times in s, beyond which a result is doubtful."""
REFUSED_S = 10e-3
"""Difference of echo times in s, beyond which the basis set is refused."""
_ROUNDING_S = 1e-6  # files have a microsecond at best

_SEQUENCE_KEYS = ("SequenceName", "SequenceType", "PulseSequenceType", "PulseSequenceFile", "ProtocolName")
"""Header keys that name a sequence: the sequence's own names before the name that the user gave the scan."""
_COMBINED = {"Subtraction": "diff", "Addition": "sum", "Signal averaging": "sum"}
"""First words of ``Method`` in a record -> the part that the step made of ON and OFF."""
_PART_WORDS = {
    "": "edited",
    "on": "the edit-ON spectrum",
    "off": "the edit-OFF spectrum",
    "diff": "an edited difference",
    "sum": "a sum of edit conditions",
}


@dataclass(frozen=True)
class Acquisition:
    """The acquisition of data or of a basis set, from their headers.

    Attributes
    ----------
    echo_time_s : float or None
        In s; None where not known.
    sequence : Sequence
    notes : tuple of str
        Header values that were ignored, and why.
    """

    echo_time_s: float | None = None
    sequence: Sequence = UNKNOWN
    notes: tuple[str, ...] = ()

    @property
    def unknown(self) -> tuple[str, ...]:
        """The parts that are not known, in words."""
        lacking = (("echo time", self.echo_time_s is None), ("sequence", not self.sequence.family))
        return tuple(name for name, lacks in lacking if lacks)


@dataclass(frozen=True)
class AcquisitionComparison:
    """The result of a comparison of data and basis set.

    Attributes
    ----------
    compared : tuple of str
        Which of echo time, sequence and editing are known of both.
    notes : tuple of str
        What could not be compared, and small differences.
    doubts : tuple of str
        Reasons to call the result usable at best, one sentence each.
    refusals : tuple of str
        Reasons to refuse the basis set, one sentence each.
    """

    compared: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()


def of_basis(basis: Basis) -> Acquisition:
    """Read the acquisition of a basis set from its files' headers."""
    sequence = sequence_of((basis.sequence,))
    if sequence.edited:
        sequence = replace(sequence, part=part_of(basis.sequence))
    # In files of basis sets an echo time of 0 means unknown; in data it means an FID without an echo.
    return _plausible(basis.echo_time_s, sequence, "the basis set says")


def of_data(data: MRSData, echo_time_s: float | None = None) -> Acquisition:
    """Read the acquisition of data from header, dimensions and processing records.

    Parameters
    ----------
    data : MRSData
        As read from the file: a dimension of one element may name its edit condition.
    echo_time_s : float, optional
        In s; replaces that of the header.

    Returns
    -------
    Acquisition
    """
    texts = [text for key in _SEQUENCE_KEYS if isinstance(text := _value(data.header.get(key)), str)]
    sequence = sequence_of(texts)
    if sequence.edited or _edited(data):
        sequence = Sequence(sequence.family, edited=True, part=_part(data))
    value = header_echo_time(data) if echo_time_s is None else echo_time_s
    pulse_acquire = isinstance(value, float) and value == 0.0
    return Acquisition(0.0, sequence) if pulse_acquire else _plausible(value, sequence, "the data say")


def _plausible(value: object, sequence: Sequence, source: str) -> Acquisition:
    """Return an acquisition with an echo time, or without it and with a note if it cannot be one in s."""
    if value is None:
        return Acquisition(None, sequence)
    low, high = ECHO_TIME_S
    if isinstance(value, (int, float)) and not isinstance(value, bool) and low <= value <= high:
        return Acquisition(float(value), sequence)
    note = f"{source} EchoTime {value!r}, which is no echo time in s: it counts as not said"
    return Acquisition(None, sequence, (note,))


def _value(entry: Any) -> Any:
    """Return the value of a header entry: user keys wrap it, dynamic headers have a list or a start."""
    if isinstance(entry, Mapping):
        entry = entry.get("Value", entry.get("start"))
    return entry[0] if isinstance(entry, (list, tuple)) and len(entry) == 1 else entry


def _edited(data: MRSData) -> bool:
    """Return whether data are of an edited scan, by header, dimensions or processing records."""
    keys = {"EditPulse", "EditCondition"} & set(data.header)
    return bool(keys) or "DIM_EDIT" in data.dim_tags or any(map(_across_conditions, data.processing))


def _across_conditions(record: Mapping[str, Any]) -> bool:
    return "DIM_EDIT" in str(record.get("Details", ""))


def _part(data: MRSData) -> str:
    """Return which part of an edited scan data are, a key of PARTS; empty if unknown."""
    conditions = [header.get("EditCondition") for header in (*single_headers(data), data.header)]
    for text in map(_value, conditions):
        if isinstance(text, str) and part_of(text):
            return part_of(text)
    combined = [(part, record) for record in data.processing if (part := _part_by(record))]
    # Across DIM_EDIT, or from two files with one condition each, whose records name no dimension.
    return next(
        (part for part, record in reversed(combined) if _across_conditions(record) or part == "diff"), ""
    )


def _part_by(record: Mapping[str, Any]) -> str:
    """Return which part of an edited scan the step of a record makes; empty if none."""
    method = str(record.get("Method", ""))
    return next((part for first, part in _COMBINED.items() if method.startswith(first)), "")


def compare(data: Acquisition, basis: Acquisition) -> AcquisitionComparison:
    """Compare the acquisitions of data and basis set.

    A doubt is another sequence, or an echo time more than :data:`DOUBTFUL_S` away. A refusal is edited against
    unedited, another part of an edited scan, or an echo time more than :data:`REFUSED_S` away. The edit-OFF
    spectrum counts as nearly unedited: its pulses do not act on the fitted signals.

    Parameters
    ----------
    data, basis : Acquisition

    Returns
    -------
    AcquisitionComparison
    """
    notes = [*data.notes, *basis.notes]
    if data.unknown:
        missing = " and ".join(data.unknown)
        notes.append(f"the data do not say their {missing}: not compared with the basis set's")
    if basis.unknown:
        missing = " and ".join(basis.unknown)
        notes.append(f"the basis set does not say its {missing}: not compared with the data's")
    parts = (
        AcquisitionComparison(notes=tuple(notes)),
        _echo_times(data, basis),
        _families(data, basis),
        _editing(data.sequence, basis.sequence),
    )
    return AcquisitionComparison(
        *(sum((getattr(part, one.name) for part in parts), ()) for one in fields(AcquisitionComparison))
    )


def _echo_times(data: Acquisition, basis: Acquisition) -> AcquisitionComparison:
    if data.echo_time_s is None or basis.echo_time_s is None:
        return AcquisitionComparison()
    compared = ("echo time",)
    apart_s = abs(data.echo_time_s - basis.echo_time_s)
    times = f"the basis set is of TE {_ms(basis.echo_time_s)} ms, the data of TE {_ms(data.echo_time_s)} ms"
    if apart_s > REFUSED_S + _ROUNDING_S:
        return AcquisitionComparison(compared, refusals=(f"{times}: more than {_ms(REFUSED_S)} ms apart",))
    if apart_s > DOUBTFUL_S + _ROUNDING_S:
        return AcquisitionComparison(compared, doubts=(f"{times}: signals of coupled spins differ",))
    return AcquisitionComparison(compared)


def _families(data: Acquisition, basis: Acquisition) -> AcquisitionComparison:
    theirs, own = basis.sequence.family, data.sequence.family
    if not theirs or not own:
        return AcquisitionComparison()
    if theirs == own:
        return AcquisitionComparison(("sequence",))
    doubt = f"the basis set is of {theirs}, the data of {own}: signals of coupled spins differ"
    return AcquisitionComparison(("sequence",), doubts=(doubt,))


def _editing(data: Sequence, basis: Sequence) -> AcquisitionComparison:
    if data.edited is None or basis.edited is None:
        return AcquisitionComparison()
    compared = ("editing",)
    if not data.edited and not basis.edited:
        return AcquisitionComparison(compared)
    kinds = f"the basis set is {_kind(basis)}, the data are {_kind(data)}"
    if data.edited and basis.edited:
        if not data.part or not basis.part:
            return AcquisitionComparison(notes=(f"{kinds}: whether they are the same part is not said",))
        if data.part == basis.part:
            return AcquisitionComparison(compared)
        if {data.part, basis.part} == {"diff", "sum"}:
            return AcquisitionComparison(
                compared, notes=(f"{kinds}: right where ON and OFF have opposite signs",)
            )
    elif "off" in (data.part, basis.part):
        return AcquisitionComparison(compared, notes=(f"{kinds}: nearly the same",))
    return AcquisitionComparison(compared, refusals=(kinds,))


def _kind(sequence: Sequence) -> str:
    return _PART_WORDS[sequence.part] if sequence.edited else "unedited"


def _ms(seconds: float) -> str:
    return f"{round(1e3 * seconds, 3):g}"
