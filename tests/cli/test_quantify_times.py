"""Echo and repetition times of ``quantify``: of headers and flags, and of a water reference of its own."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from quantify_scans import MOLAR, TE_S, TR_S, run, table

from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.physics.relaxation import T1_S, T2_S

WATER = ("--h2o", "{f}/svs_water.nii.gz", "--no_posterior")


def with_times(path: Path, echo: object, repetition: object, factor: float = 1.0) -> None:
    """Give a file other times in its header (None: none), and other signal by a factor."""
    data = nifti.read(path)
    said = {"EchoTime": echo, "RepetitionTime": repetition}
    header = {key: value for key, value in {**data.header, **said}.items() if value is not None}
    nifti.write(replace(data, header=header, fid=(factor * data.fid).astype(np.complex64)), path)


def quantified(folder: Path, *more: str, out: str = "out") -> dict[str, dict[str, float]]:
    assert run(folder, "svs", *(word.format(f=folder) for word in (*WATER, *more)), out=out) == 0
    return table(folder / out / "summary.csv")


def water_left(echo_s: float, repetition_s: float) -> float:
    """Return the water that relaxation leaves at 3 T, of the mean of white and grey matter, by hand."""
    t1, t2 = ((t["3T"]["H2O_WM"] + t["3T"]["H2O_GM"]) / 2 for t in (T1_S, T2_S))
    return float((1 - np.exp(-repetition_s / t1)) * np.exp(-echo_s / t2))


@pytest.mark.parametrize(("echo_s", "repetition_s"), [(0.03, 10.0), (0.135, 2.0), (0.0, 0.6)])
def test_a_water_reference_relaxes_by_its_own_times(
    folder: Path, caplog: pytest.LogCaptureFixture, echo_s: float, repetition_s: float
) -> None:
    water = folder / "svs_water.nii.gz"
    # The same water, seen at other times.
    with_times(water, echo_s, repetition_s, water_left(echo_s, repetition_s) / water_left(TE_S, TR_S))
    found = quantified(folder)
    for name in ("NAA", "GPC", "Ins"):
        assert found[name]["mMol/kg"] == pytest.approx(MOLAR[name], rel=0.02)
    record = json.loads((folder / "out" / "run.json").read_text())
    assert record["water"]["water_echo_time_s"] == echo_s
    assert record["water"]["water_repetition_time_s"] == repetition_s
    assert record["water"]["echo_time_s"] == TE_S
    assert "each relaxes by its own times" in caplog.text
    assert any("each relaxes by its own times" in note for note in record["notes"])


@pytest.mark.parametrize("said", [(None, None), (30.0, 2000.0)])
def test_a_reference_that_does_not_say_its_times_has_those_of_the_flags(
    folder: Path, caplog: pytest.LogCaptureFixture, said: tuple[float | None, float | None]
) -> None:
    with_times(folder / "svs_water.nii.gz", *said)
    found = quantified(folder, "--TE", "30", "--TR", "2")
    assert found["NAA"]["mMol/kg"] == pytest.approx(MOLAR["NAA"], rel=0.02)
    assert "by its own times" not in caplog.text


def test_a_flag_counts_for_both_where_the_headers_agree(folder: Path) -> None:
    # Water and metabolites were really seen at TE 30 ms and TR 2 s; both headers are wrong alike.
    for name in ("svs", "svs_water"):
        with_times(folder / f"{name}.nii.gz", 0.144, 5.0)
    assert quantified(folder, "--TE", "30", "--TR", "2")["NAA"]["mMol/kg"] == pytest.approx(
        MOLAR["NAA"], rel=0.02
    )


REFUSED = {
    "ms": (30.0, 2.0, "says EchoTime 30.0 in its header", "--TE 30."),
    "us": (30000.0, 2.0, "30000 us would be one", "--TE 30."),
    "TR_ms": (0.03, 2000.0, "says RepetitionTime 2000.0 in its header", "--TR 2."),
    "TR_zero": (0.03, 0.0, "says RepetitionTime 0.0 in its header", "Give --TR in s"),
    "negative": (-0.03, 2.0, "says EchoTime -0.03 in its header", "Give --TE in ms"),
    "ks": (3e-5, 2.0, "says EchoTime 3e-05 in its header", "Give --TE in ms"),
    "echo_after_end": (0.5, 0.1, "the repetition time, 100 ms, is not above the echo time, 500 ms", "mend"),
}


@pytest.mark.parametrize("water", [False, True])
@pytest.mark.parametrize("case", list(REFUSED))
def test_times_that_cannot_be_are_refused_wherever_they_stand(
    folder: Path, capsys: pytest.CaptureFixture[str], case: str, water: bool
) -> None:
    echo, repetition, found, todo = REFUSED[case]
    with_times(folder / ("svs_water.nii.gz" if water else "svs.nii.gz"), echo, repetition)
    assert run(folder, "svs", *(word.format(f=folder) for word in WATER)) == 2
    said = capsys.readouterr().err
    assert found in said
    assert todo in said
    assert ("water.nii.gz" in said) == water
    assert said.count("\n") == 1
    assert not (folder / "out").exists()
    if case != "echo_after_end":
        assert quantified(folder, "--TE", "30", "--TR", "2")["NAA"]["mMol/kg"] == pytest.approx(
            MOLAR["NAA"], rel=0.02
        )


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--TE", "0.03"], "for 0.03 s give --TE 30"),
        (["--TE", "0.144"], "for 0.144 s give --TE 144"),  # the number of the header, which is in s
        (["--TE", "30000"], "30000 us would be 30"),
        (["--TR", "2000"], "for 2000 ms give --TR 2"),
        (["--TR", "0"], "where 0.005 to 100 s are needed"),
        (["--TR", "-2"], "where 0.005 to 100 s are needed"),
        (["--TR", "nan"], "where 0.005 to 100 s are needed"),
        (["--TR", "0.02"], "is not above the echo time, 144 ms"),
    ],
)
def test_flags_that_cannot_be_are_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], flags: list[str], said: str
) -> None:
    with_times(folder / "svs.nii.gz", 0.144, 2.0)
    assert run(folder, "svs", *flags) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("te", ["0", "0.3", "0.8"])
def test_short_echo_times_are_legal(folder: Path, te: str) -> None:
    # Metabolites and water are both less relaxed than at 30 ms, each by its own T2.
    t2 = T2_S["3T"]
    water_t2 = (t2["H2O_WM"] + t2["H2O_GM"]) / 2
    earlier_s = TE_S - float(te) / 1e3
    expected = MOLAR["NAA"] * np.exp(-earlier_s / t2["METAB"]) / np.exp(-earlier_s / water_t2)
    assert quantified(folder, "--TE", te)["NAA"]["mMol/kg"] == pytest.approx(expected, rel=0.02)
    with_times(folder / "svs.nii.gz", float(te) / 1e3, 2.0)
    with_times(folder / "svs_water.nii.gz", float(te) / 1e3, 2.0)
    assert quantified(folder, out="header")["NAA"]["mMol/kg"] == pytest.approx(expected, rel=0.02)


def test_a_flag_of_an_fid_repeats_a_header_in_ms(folder: Path) -> None:
    # Headers of 0.3 (ms, said as s) are believable, and --TE 0.3 is the way out.
    for name in ("svs", "svs_water"):
        with_times(folder / f"{name}.nii.gz", 0.3, 2.0)
    quantified(folder, "--TE", "0.3")
    record = json.loads((folder / "out" / "run.json").read_text())
    assert record["water"]["echo_time_s"] == record["water"]["water_echo_time_s"] == pytest.approx(3e-4)


def test_absent_times_are_needed_for_water_only(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with_times(folder / "svs.nii.gz", None, None)
    data = nifti.read(folder / "svs.nii.gz")
    header = {k: v for k, v in data.header.items() if k not in ("EchoTime", "RepetitionTime")}
    nifti.write(replace(data, header=header), folder / "svs.nii.gz")
    assert run(folder, "svs", *(word.format(f=folder) for word in WATER)) == 2
    assert "does not say its EchoTime" in capsys.readouterr().err
    assert run(folder, "svs", "--no_posterior") == 0
