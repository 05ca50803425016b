"""Echo and repetition times for ``quantify``, of the data and of the water reference."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from fsl_mrs_dl.data import MRSData
from fsl_mrs_dl.errors import DataError, OptionError
from fsl_mrs_dl.io import times

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Times:
    """Echo and repetition time of a scan in s; None where they are not known.

    Attributes
    ----------
    echo_s, repetition_s : float or None
    """

    echo_s: float | None
    repetition_s: float | None

    @classmethod
    def of(cls, data: MRSData, echo_ms: float | None, repetition_s: float | None) -> Self:
        """Return the times of data: those of ``--TE`` in ms and ``--TR`` in s, or of the header, if they can be.

        Raises
        ------
        OptionError, DataError
            If a flag, or without one the header, holds an impossible time, or the echo comes after the repetition.
        """
        resolved = cls(times.echo_time_s(data, echo_ms), times.repetition_time_s(data, repetition_s))
        times.check_order(data, resolved.echo_s, resolved.repetition_s)
        return resolved

    def known(self, data: MRSData) -> tuple[float, float]:
        """Return both, or refuse the scaling by water that needs them.

        Raises
        ------
        OptionError
            If one is not known.
        """
        for value, key, flag in (
            (self.echo_s, "EchoTime", "TE in ms"),
            (self.repetition_s, "RepetitionTime", "TR in s"),
        ):
            if value is None:
                raise OptionError(
                    f"{data.name or 'The data'} does not say its {key}; water scaling needs it: give "
                    f"--{flag}, or leave --h2o out."
                )
        assert self.echo_s is not None
        assert self.repetition_s is not None
        return self.echo_s, self.repetition_s


def water_times_of(
    h2o: MRSData, data: MRSData, own: Times, echo_ms: float | None, repetition_s: float | None
) -> tuple[Times, tuple[str, ...]]:
    """Return the times of a water reference, and notes on them.

    Its header counts. Without an entry there, the times of the data count. If the user gives a flag, and the
    header has the same entry as the data or an impossible one, the flag counts for both.

    Parameters
    ----------
    h2o, data : MRSData
        As read.
    own : Times
        Of the data.
    echo_ms, repetition_s : float or None
        ``--TE`` and ``--TR``.

    Raises
    ------
    DataError
        If its header holds an impossible time, and there is no flag.
    """
    echo = _water_time(
        "EchoTime",
        (times.header_echo_time(h2o), times.header_echo_time(data)),
        lambda: times.echo_time_s(h2o),
        own.echo_s,
        by_flag=echo_ms is not None,
    )
    repetition = _water_time(
        "RepetitionTime",
        (h2o.header.get("RepetitionTime"), data.header.get("RepetitionTime")),
        lambda: times.repetition_time_s(h2o),
        own.repetition_s,
        by_flag=repetition_s is not None,
    )
    resolved = Times(echo[0], repetition[0])
    times.check_order(h2o, resolved.echo_s, resolved.repetition_s)
    notes = [note for _, note in (echo, repetition) if note]
    words = (
        ("TE", resolved.echo_s, own.echo_s, 1e3, "ms"),
        ("TR", resolved.repetition_s, own.repetition_s, 1, "s"),
    )
    differ = [
        f"{name} {per_s * theirs:g} {unit}, the data of {per_s * mine:g} {unit}"
        for name, theirs, mine, per_s, unit in words
        if theirs is not None and mine is not None and not np.isclose(theirs, mine, rtol=1e-3, atol=0)
    ]
    if differ:
        text = f"the water reference is of {' and of '.join(differ)}: each relaxes by its own times"
        logger.warning("%s.", text)
        notes.append(text)
    return resolved, tuple(notes)


def _water_time(
    key: str, entries: tuple[Any, Any], read: Callable[[], float | None], own: float | None, *, by_flag: bool
) -> tuple[float | None, str]:
    """Return one time of a water reference, and a note if it is that of the data."""
    theirs, mine = entries
    if theirs is None:
        return own, f"the water reference does not say its {key}: that of the data counts"
    if by_flag and theirs == mine:
        return own, ""
    try:
        return read(), ""
    except DataError:
        if not by_flag:
            raise
        return own, f"the water reference says {key} {theirs!r}, which cannot be: that of the data counts"
