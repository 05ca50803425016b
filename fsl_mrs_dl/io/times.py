"""Read echo and repetition times from option or header, in s, and refuse impossible ones."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from fsl_mrs_dl.data import MRSData
from fsl_mrs_dl.errors import DataError, OptionError

ECHO_TIME_S = (1e-4, 1.0)
"""Accepted echo times, in s; and 0, for an FID without an echo. Delays of pulse-acquire begin at 0.1 ms; after 1 s
metabolites, with T2 of 0.1 to 0.4 s, have no signal. A value in ms that is read as s is above."""
REPETITION_TIME_S = (5e-3, 100.0)
"""Accepted repetition times, in s: from the fastest spectroscopic imaging to five times the T1 of slow nuclei."""
_LONGEST_USUAL_S = 0.3
"""Longer than any echo time in use at the brain, 288 ms: a longer one in a header may be in ms."""
_REPEATED_TOLERANCE = 0.01  # relative difference of a flag that repeats the number of the header
_UNITS = (("ms", 1e3), ("us", 1e6))


def echo_time_s(data: MRSData, flag_ms: float | None = None) -> float | None:
    """Return the echo time of data.

    Parameters
    ----------
    data : MRSData
        The time, in s, is in its header or in the header of a dimension of one element.
    flag_ms : float, optional
        ``--TE``, in ms; it is preferred to the header.

    Returns
    -------
    float or None
        In s; None if it is not known.

    Raises
    ------
    OptionError
        If the flag cannot be an echo time in ms.
    DataError
        If there is no flag, and the value of the header cannot be an echo time in s.
    """
    header_s = header_echo_time(data)
    if flag_ms is None:
        return _of_header(data, "EchoTime", header_s, ECHO_TIME_S, "TE in ms", 1e3)
    shortest, longest = (1e3 * limit for limit in ECHO_TIME_S)
    if not 0 <= flag_ms <= longest:
        hint = f" ({flag_ms:g} us would be {flag_ms / 1e3:g})" if longest < flag_ms <= 1e3 * longest else ""
        raise OptionError(f"--TE is {flag_ms:g}; give --TE in ms, from 0 to {longest:g}{hint}.")
    repeated = (
        isinstance(header_s, float)
        and header_s > 0
        and np.isclose(flag_ms, header_s, rtol=_REPEATED_TOLERANCE, atol=0)
    )
    if 0 < flag_ms < shortest or (repeated and flag_ms < _LONGEST_USUAL_S):
        raise OptionError(
            f"--TE is {flag_ms:g} ms; --TE is in ms: for {flag_ms:g} s give --TE {1e3 * flag_ms:g}."
        )
    return flag_ms / 1e3


def repetition_time_s(data: MRSData, flag_s: float | None = None) -> float | None:
    """Return the repetition time of data, as :func:`echo_time_s` does the echo time; ``--TR`` is in s."""
    if flag_s is None:
        return _of_header(
            data, "RepetitionTime", data.header.get("RepetitionTime"), REPETITION_TIME_S, "TR in s", 1.0
        )
    low, high = REPETITION_TIME_S
    if not low <= flag_s <= high:
        fits = high < flag_s <= 1e3 * high
        hint = f"; --TR is in s: for {flag_s:g} ms give --TR {flag_s / 1e3:g}" if fits else ""
        raise OptionError(f"--TR is {flag_s:g} s, where {low:g} to {high:g} s are needed{hint}.")
    return flag_s


def check_order(data: MRSData, echo_s: float | None, repetition_s: float | None) -> None:
    """Refuse a repetition time that ends before the echo.

    Raises
    ------
    DataError
        If it does.
    """
    if echo_s is not None and repetition_s is not None and repetition_s <= echo_s:
        raise DataError(
            f"{data.name or 'The data'}: the repetition time, {1e3 * repetition_s:g} ms, is not above the "
            f"echo time, {1e3 * echo_s:g} ms; give --TE in ms and --TR in s, or mend the header."
        )


def header_echo_time(data: MRSData) -> Any:
    """Return the echo time of the header unchecked: a number as float, or any other value; None if it has none."""
    values = [_value(header["EchoTime"]) for header in single_headers(data) if "EchoTime" in header]
    value = values[0] if values else data.header.get("EchoTime")
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


def single_headers(data: MRSData) -> Iterator[Mapping[str, Any]]:
    """Yield the dynamic headers of the dimensions of one element."""
    for tag in data.dim_tags:
        header = data.dim_headers.get(tag, {}).get("header")
        if data.fid.shape[data.axis(tag)] == 1 and isinstance(header, Mapping):
            yield header


def _value(value: Any) -> Any:
    """Return the single value of a dynamic header: it has a list, a start, or either in a user key."""
    if isinstance(value, Mapping):
        value = value.get("Value", value.get("start"))
    return value[0] if isinstance(value, (list, tuple)) and len(value) == 1 else value


def _of_header(
    data: MRSData, key: str, value: Any, limits: tuple[float, float], flag: str, per_s: float
) -> float | None:
    if value is None:
        return None
    low, high = limits
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if number and (low <= value <= high or (value == 0 and key == "EchoTime")):
        return float(value)
    fits = [
        (unit, value / scale)
        for unit, scale in _UNITS
        if number and value > high and low <= value / scale <= high
    ]
    hint = (
        f"; {value:g} {fits[0][0]} would be one, --{flag.split()[0]} {per_s * fits[0][1]:g}" if fits else ""
    )
    raise DataError(
        f"{data.name or 'The data'} says {key} {value!r} in its header; in s from {low:g} to {high:g} is "
        f"needed{hint}. Give --{flag}, or mend the header (spec2nii insert)."
    )
