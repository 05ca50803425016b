"""Whether a basis set is of the scan: echo time, sequence and editing of data and basis set, compared.

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
"""Difference of echo times in s, beyond which it is refused."""
_ROUNDING_S = 1e-6  # files have a microsecond at best
_SHORTEST_OF_BASIS_S = (
    1e-4  # delays of pulse-acquire begin at 0.1 ms; files of basis sets write 0 for not known
)

_SEQUENCE_KEYS = ("SequenceName", "SequenceType", "PulseSequenceType", "PulseSequenceFile", "ProtocolName")
"""Where a header names its sequence; what ran before what the user called it."""
_COMBINED = {"Subtraction": "diff", "Addition": "sum", "Signal averaging": "sum"}
"""First words of ``Method`` in a record -> what it made of ON and OFF."""
_PART_WORDS = {
    "": "edited",
    "on": "the edit-ON spectrum",
    "off": "the edit-OFF spectrum",
    "diff": "an edited difference",
    "sum": "a sum of edit conditions",
}


@dataclass(frozen=True)
class Acquisition:
    """What data, or a basis set, say of how they were acquired.

    Attributes
    ----------
    echo_time_s : float or None
        In s; None where not known.
    sequence : Sequence
    notes : tuple of str
        What they say and is not believed.
    """

    echo_time_s: float | None = None
    sequence: Sequence = UNKNOWN
    notes: tuple[str, ...] = ()

    @property
    def unknown(self) -> tuple[str, ...]:
        """What is not known, in words."""
        lacking = (("echo time", self.echo_time_s is None), ("sequence", not self.sequence.family))
        return tuple(name for name, lacks in lacking if lacks)


@dataclass(frozen=True)
class Agreement:
    """What a comparison of data and basis set gave.

    Attributes
    ----------
    compared : tuple of str
        Of echo time, sequence and editing, those that both say.
    notes : tuple of str
        What could not be compared, and small print.
    doubts : tuple of str
        Sentences, each of which makes the result usable at best.
    refusals : tuple of str
        Sentences, each of which makes the basis set the wrong one.
    """

    compared: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()


def of_basis(basis: Basis) -> Acquisition:
    """Return what a basis set says of its acquisition."""
    sequence = sequence_of((basis.sequence,))
    if sequence.edited:
        sequence = replace(sequence, part=part_of(basis.sequence))
    # Files of basis sets write 0 where the echo time is not known; of data it is an FID without an echo.
    return _plausible(basis.echo_time_s, sequence, "the basis set says")


def of_data(data: MRSData, echo_time_s: float | None = None) -> Acquisition:
    """Return what data say of their acquisition in header, dimensions and record.

    Parameters
    ----------
    data : MRSData
        As read: a dimension of one element may say which edit condition it is.
    echo_time_s : float, optional
        In s; counts before the header.

    Returns
    -------
    Acquisition
    """
    texts = [text for key in _SEQUENCE_KEYS if isinstance(text := _value(data.header.get(key)), str)]
    sequence = sequence_of(texts)
    if sequence.edited or _edited(data):
        sequence = Sequence(sequence.family, edited=True, part=_part(data))
    said = header_echo_time(data) if echo_time_s is None else echo_time_s
    pulse_acquire = isinstance(said, float) and said == 0.0
    return Acquisition(0.0, sequence) if pulse_acquire else _plausible(said, sequence, "the data say")


def _plausible(said: object, sequence: Sequence, who_says: str) -> Acquisition:
    """Return an acquisition with the echo time that was said, if it can be one."""
    if said is None:
        return Acquisition(None, sequence)
    low, high = ECHO_TIME_S
    if isinstance(said, (int, float)) and not isinstance(said, bool) and low <= said <= high:
        return Acquisition(float(said), sequence)
    note = f"{who_says} EchoTime {said!r}, which is no echo time in s: it counts as not said"
    return Acquisition(None, sequence, (note,))


def _value(said: Any) -> Any:
    """Return what a key says once: user keys wrap it, dynamic headers hold a list or a start."""
    if isinstance(said, Mapping):
        said = said.get("Value", said.get("start"))
    return said[0] if isinstance(said, (list, tuple)) and len(said) == 1 else said


def _edited(data: MRSData) -> bool:
    """Return whether header, dimensions or record say that data are of an edited scan."""
    keys = {"EditPulse", "EditCondition"} & set(data.header)
    return bool(keys) or "DIM_EDIT" in data.dim_tags or any(map(_across_conditions, data.processing))


def _across_conditions(record: Mapping[str, Any]) -> bool:
    return "DIM_EDIT" in str(record.get("Details", ""))


def _part(data: MRSData) -> str:
    """Return which part of an edited scan data are, a key of PARTS; empty where that is not said."""
    conditions = [header.get("EditCondition") for header in (*single_headers(data), data.header)]
    for text in map(_value, conditions):
        if isinstance(text, str) and part_of(text):
            return part_of(text)
    made = [(part, record) for record in data.processing if (part := _made_by(record))]
    # Across DIM_EDIT, or of two files, one a condition: these say no dimension.
    return next((part for part, record in reversed(made) if _across_conditions(record) or part == "diff"), "")


def _made_by(record: Mapping[str, Any]) -> str:
    """Return which part of an edited scan a record makes, if it is one of such a scan."""
    method = str(record.get("Method", ""))
    return next((part for first, part in _COMBINED.items() if method.startswith(first)), "")


def compare(data: Acquisition, basis: Acquisition) -> Agreement:
    """Compare what data and basis set say of their acquisition.

    Another sequence, or an echo time more than :data:`DOUBTFUL_S` away, is a doubt; edited against unedited,
    another part of an edited scan, or an echo time more than :data:`REFUSED_S` away, is a refusal. The edit-OFF
    spectrum counts as nearly unedited: its pulses leave what is fitted alone.

    Parameters
    ----------
    data, basis : Acquisition

    Returns
    -------
    Agreement
    """
    notes = [*data.notes, *basis.notes]
    if data.unknown:
        missing = " and ".join(data.unknown)
        notes.append(f"the data do not say their {missing}: not compared with the basis set's")
    if basis.unknown:
        missing = " and ".join(basis.unknown)
        notes.append(f"the basis set does not say its {missing}: not compared with the data's")
    parts = (
        Agreement(notes=tuple(notes)),
        _echo_times(data, basis),
        _families(data, basis),
        _editing(data.sequence, basis.sequence),
    )
    return Agreement(*(sum((getattr(part, one.name) for part in parts), ()) for one in fields(Agreement)))


def _echo_times(data: Acquisition, basis: Acquisition) -> Agreement:
    if data.echo_time_s is None or basis.echo_time_s is None:
        return Agreement()
    compared = ("echo time",)
    apart_s = abs(data.echo_time_s - basis.echo_time_s)
    said = f"the basis set is of TE {_ms(basis.echo_time_s)} ms, the data of TE {_ms(data.echo_time_s)} ms"
    if apart_s > REFUSED_S + _ROUNDING_S:
        return Agreement(compared, refusals=(f"{said}: more than {_ms(REFUSED_S)} ms apart",))
    if apart_s > DOUBTFUL_S + _ROUNDING_S:
        return Agreement(compared, doubts=(f"{said}: signals of coupled spins differ",))
    return Agreement(compared)


def _families(data: Acquisition, basis: Acquisition) -> Agreement:
    theirs, own = basis.sequence.family, data.sequence.family
    if not theirs or not own:
        return Agreement()
    if theirs == own:
        return Agreement(("sequence",))
    doubt = f"the basis set is of {theirs}, the data of {own}: signals of coupled spins differ"
    return Agreement(("sequence",), doubts=(doubt,))


def _editing(data: Sequence, basis: Sequence) -> Agreement:
    if data.edited is None or basis.edited is None:
        return Agreement()
    compared = ("editing",)
    if not data.edited and not basis.edited:
        return Agreement(compared)
    said = f"the basis set is {_kind(basis)}, the data are {_kind(data)}"
    if data.edited and basis.edited:
        if not data.part or not basis.part:
            return Agreement(notes=(f"{said}: whether they are the same part is not said",))
        if data.part == basis.part:
            return Agreement(compared)
        if {data.part, basis.part} == {"diff", "sum"}:
            return Agreement(compared, notes=(f"{said}: right where ON and OFF have opposite signs",))
    elif "off" in (data.part, basis.part):
        return Agreement(compared, notes=(f"{said}: nearly the same",))
    return Agreement(compared, refusals=(said,))


def _kind(sequence: Sequence) -> str:
    return _PART_WORDS[sequence.part] if sequence.edited else "unedited"


def _ms(seconds: float) -> str:
    return f"{round(1e3 * seconds, 3):g}"
