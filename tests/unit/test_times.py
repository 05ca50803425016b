"""Echo and repetition times of option and header: which counts, in which unit, and what is refused."""

import numpy as np
import pytest

from fsl_mrs_dl.data import MRSData
from fsl_mrs_dl.errors import DataError, OptionError
from fsl_mrs_dl.io.times import check_order, echo_time_s, header_echo_time, repetition_time_s


def scan(tags=(), shape=(), dim_headers=None, **header):
    fid = np.ones((1, 1, 1, 32, *shape), dtype=complex)
    return MRSData(
        fid, 5e-4, 123.2, dim_tags=tags, header=header, dim_headers=dim_headers or {}, name="a.nii.gz"
    )


@pytest.mark.parametrize("value", [1e-4, 0.03, 1.0, 0])
def test_echo_times_of_a_header_are_in_s_from_a_tenth_of_a_ms_to_1_s_or_0(value):
    assert echo_time_s(scan(EchoTime=value)) == value


@pytest.mark.parametrize("value", [5e-3, 2.0, 100.0])
def test_repetition_times_of_a_header_are_in_s_from_5_ms_to_100_s(value):
    assert repetition_time_s(scan(RepetitionTime=value)) == value


def test_without_option_and_header_neither_is_known():
    assert echo_time_s(scan()) is None
    assert repetition_time_s(scan()) is None


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        (30.0, "; 30 ms would be one, --TE 30. Give --TE in ms,"),
        (1.01, "; 1.01 ms would be one, --TE 1.01. Give"),
        (35000.0, "; 35000 us would be one, --TE 35. Give"),
        (9.9e-5, " is needed. Give --TE in ms,"),
        (2e6, " is needed. Give"),
        (-0.03, " is needed. Give"),
        ("30 ms", " is needed. Give"),
        (True, " is needed. Give"),
    ],
)
def test_an_echo_time_that_cannot_be_one_is_refused_with_its_unit(value, hint):
    with pytest.raises(DataError) as caught:
        echo_time_s(scan(EchoTime=value))
    assert str(caught.value).startswith(
        f"a.nii.gz says EchoTime {value!r} in its header; in s from 0.0001 to 1 "
    )
    assert hint in str(caught.value)


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        (2000, "; 2000 ms would be one, --TR 2. Give --TR in s,"),
        (3e5 + 1, "; 300001 us would be one, --TR 0.300001. Give"),
        (0, " is needed. Give"),
        (0.0049, " is needed. Give"),
        (2e8, " is needed. Give"),
    ],
)
def test_a_repetition_time_that_cannot_be_one_is_refused_with_its_unit(value, hint):
    with pytest.raises(DataError) as caught:
        repetition_time_s(scan(RepetitionTime=value))
    assert str(caught.value).startswith(
        f"a.nii.gz says RepetitionTime {value!r} in its header; in s from 0.005 "
    )
    assert hint in str(caught.value)


@pytest.mark.parametrize(("flag_ms", "seconds"), [(30.0, 0.03), (0.0, 0.0), (0.1, 1e-4), (1000.0, 1.0)])
def test_an_option_in_ms_is_preferred_to_the_header(flag_ms, seconds):
    assert echo_time_s(scan(EchoTime=0.068), flag_ms) == pytest.approx(seconds, rel=1e-12)
    assert echo_time_s(scan(EchoTime=-1.0), flag_ms) == pytest.approx(seconds, rel=1e-12)


@pytest.mark.parametrize(
    ("flag_ms", "words"),
    [
        (0.03, "--TE is 0.03 ms; --TE is in ms: for 0.03 s give --TE 30."),
        (1000.5, "from 0 to 1000 (1000.5 us would be 1.0005)."),
        (30000.0, "--TE is 30000; give --TE in ms, from 0 to 1000 (30000 us would be 30)."),
        (1e6, "from 0 to 1000 (1e+06 us would be 1000)."),
        (1.1e6, "--TE is 1.1e+06; give --TE in ms, from 0 to 1000."),
        (-1.0, "--TE is -1; give --TE in ms, from 0 to 1000."),
    ],
)
def test_an_echo_time_in_another_unit_is_refused(flag_ms, words):
    with pytest.raises(OptionError) as caught:
        echo_time_s(scan(), flag_ms)
    assert str(caught.value).endswith(words)


@pytest.mark.parametrize(
    ("flag_ms", "refused"), [(0.144, True), (0.1454, True), (0.1457, False), (0.13, False)]
)
def test_an_option_that_repeats_the_seconds_of_the_header_is_refused(flag_ms, refused):
    """Within 1 % of 0.144 s it is the number of the header; 0.1457 is 1.2 % off, an FID's delay in ms."""
    data = scan(EchoTime=0.144)
    if refused:
        with pytest.raises(OptionError, match=r"for 0\.14"):
            echo_time_s(data, flag_ms)
    else:
        assert echo_time_s(data, flag_ms) == flag_ms / 1e3
    # A header of 0.5 s may be wrong: an option of the same number is not a repetition of seconds.
    assert echo_time_s(scan(EchoTime=0.5), 0.5) == 5e-4
    assert echo_time_s(scan(EchoTime=0), 0.0) == 0.0


@pytest.mark.parametrize(
    ("flag_s", "words"),
    [
        (2000.0, "--TR is 2000 s, where 0.005 to 100 s are needed; --TR is in s: for 2000 ms give --TR 2."),
        (1e5, "; --TR is in s: for 100000 ms give --TR 100."),
        (1.1e5, "--TR is 110000 s, where 0.005 to 100 s are needed."),
        (0.004, "--TR is 0.004 s, where 0.005 to 100 s are needed."),
    ],
)
def test_a_repetition_time_in_another_unit_is_refused(flag_s, words):
    with pytest.raises(OptionError) as caught:
        repetition_time_s(scan(), flag_s)
    assert str(caught.value).endswith(words)


@pytest.mark.parametrize("flag_s", [0.005, 1.5, 100.0])
def test_a_repetition_time_in_s_is_taken(flag_s):
    assert repetition_time_s(scan(RepetitionTime=3.0), flag_s) == flag_s


def test_an_echo_after_the_end_of_the_repetition_is_refused():
    with pytest.raises(DataError, match="the repetition time, 30 ms, is not above the echo time, 35 ms"):
        check_order(scan(), 0.035, 0.03)
    with pytest.raises(DataError, match="is not above"):
        check_order(scan(), 0.03, 0.03)
    check_order(scan(), 0.03, 0.031)
    check_order(scan(), None, 0.03)
    check_order(scan(), 0.03, None)


@pytest.mark.parametrize(
    "value",
    [[0.068], (0.068,), {"start": 0.068, "increment": 0.1}, {"Value": [0.068]}, {"Value": 0.068}, 0.068],
)
def test_a_dimension_of_one_element_says_the_echo_time_of_its_element(value):
    headers = {"DIM_INDIRECT_0": {"header": {"EchoTime": value}}}
    data = scan(("DIM_INDIRECT_0",), (1,), headers, EchoTime=0.03)
    assert header_echo_time(data) == echo_time_s(data) == 0.068
    # Of several elements each has its own: the header of the file counts.
    several = scan(("DIM_INDIRECT_0",), (2,), headers, EchoTime=0.03)
    assert header_echo_time(several) == echo_time_s(several) == 0.03


def test_what_is_no_number_stays_what_it_is():
    assert header_echo_time(scan(EchoTime="short")) == "short"
    assert header_echo_time(scan(EchoTime=True)) is True
    two = {"DIM_DYN": {"header": {"EchoTime": [0.03, 0.04]}}}
    assert header_echo_time(scan(("DIM_DYN",), (1,), two)) == [0.03, 0.04]
