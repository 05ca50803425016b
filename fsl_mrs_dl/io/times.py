"""Echo and repetition times: of flag or header, in s, or refused where they cannot be one."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from fsl_mrs_dl.data import MRSData
from fsl_mrs_dl.errors import DataError, OptionError

ECHO_TIME_S = (1e-4, 1.0)
"""Echo times that are believed, in s, beside 0 of an FID without an echo: delays of pulse-acquire begin at 0.1 ms;
beyond 1 s nothing is left of metabolites whose T2 is 0.1 to 0.4 s. Those in ms that count as s are above."""
REPETITION_TIME_S = (5e-3, 100.0)
"""Repetition times that are believed, in s: from the fastest spectroscopic imaging to five times the T1 of slow
nuclei."""
_LONGEST_USUAL_S = 0.3
"""Beyond the echo times in use at the brain, 288 ms at most: a header that says more may be of an FID, in ms."""
_SAME = 0.01  # relative: the flag repeats the number of the header
_UNITS = (("ms", 1e3), ("us", 1e6))


def echo_time_s(data: MRSData, flag_ms: float | None = None) -> float | None:
    """Return the echo time of data.

    Parameters
    ----------
    data : MRSData
        Its header says it in s, or that of a dimension of one element.
    flag_ms : float, optional
        ``--TE``, in ms; counts before the header.

    Returns
    -------
    float or None
        In s; None where it is not said.

    Raises
    ------
    OptionError
        If the flag cannot be an echo time in ms.
    DataError
        If it is not given, and what the header says cannot be an echo time in s.
    """
    said = said_echo_time(data)
    if flag_ms is None:
        return _of_header(data, "EchoTime", said, ECHO_TIME_S, "TE in ms", 1e3)
    shortest, longest = (1e3 * limit for limit in ECHO_TIME_S)
    if not 0 <= flag_ms <= longest:
        hint = f" ({flag_ms:g} us would be {flag_ms / 1e3:g})" if longest < flag_ms <= 1e3 * longest else ""
        raise OptionError(f"--TE is {flag_ms:g}; give --TE in ms, from 0 to {longest:g}{hint}.")
    repeated = isinstance(said, float) and said > 0 and np.isclose(flag_ms, said, rtol=_SAME, atol=0)
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


def said_echo_time(data: MRSData) -> Any:
    """Return what the header says as the echo time, believable or not; a number as float, None if it says none."""
    said = [_value(header["EchoTime"]) for header in single_headers(data) if "EchoTime" in header]
    found = said[0] if said else data.header.get("EchoTime")
    return float(found) if isinstance(found, (int, float)) and not isinstance(found, bool) else found


def single_headers(data: MRSData) -> Iterator[Mapping[str, Any]]:
    """Yield the dynamic headers of the dimensions of one element."""
    for tag in data.dim_tags:
        header = data.dim_headers.get(tag, {}).get("header")
        if data.fid.shape[data.axis(tag)] == 1 and isinstance(header, Mapping):
            yield header


def _value(said: Any) -> Any:
    """Return what a dynamic header says once: it holds a list, a start, or either in a user key."""
    if isinstance(said, Mapping):
        said = said.get("Value", said.get("start"))
    return said[0] if isinstance(said, (list, tuple)) and len(said) == 1 else said


def _of_header(
    data: MRSData, key: str, said: Any, limits: tuple[float, float], flag: str, per_s: float
) -> float | None:
    if said is None:
        return None
    low, high = limits
    number = isinstance(said, (int, float)) and not isinstance(said, bool)
    if number and (low <= said <= high or (said == 0 and key == "EchoTime")):
        return float(said)
    fits = [
        (unit, said / scale)
        for unit, scale in _UNITS
        if number and said > high and low <= said / scale <= high
    ]
    hint = f"; {said:g} {fits[0][0]} would be one, --{flag.split()[0]} {per_s * fits[0][1]:g}" if fits else ""
    raise DataError(
        f"{data.name or 'The data'} says {key} {said!r} in its header; in s from {low:g} to {high:g} is "
        f"needed{hint}. Give --{flag}, or mend the header (spec2nii insert)."
    )
