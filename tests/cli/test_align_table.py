"""Tables that ``align --apply`` is given: fields and numbers beyond sense are refused with their line."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fsl_mrs_dl.cli import main
from fsl_mrs_dl.data import MRSData
from fsl_mrs_dl.io import nifti

HEAD = "x,y,z,DIM_DYN,shift_hz,phase_deg,shift_hz_sd,phase_deg_sd,reference_shift_hz,flag"
N, DT = 128, 5e-4


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    time = np.arange(N) * DT
    lines = np.exp(2j * np.pi * np.array([-200.0, -195.0])[:, None] * time - 30 * time)
    turned = lines * np.exp(1j * np.radians([0.0, 40.0]))[:, None]
    data = MRSData(turned.T.reshape(1, 1, 1, N, 2), DT, 123.2, dim_tags=("DIM_DYN",))
    nifti.write(replace(data, name="scan.nii.gz"), tmp_path / "scan.nii.gz")
    return tmp_path / "scan.nii.gz"


def applied(scan: Path, text: str | bytes) -> int:
    table = scan.with_name("table.csv")
    table.write_bytes(text if isinstance(text, bytes) else text.encode())
    out = str(scan.with_name("out"))
    return main(["align", "--file", str(scan), "--output", out, "--apply", str(table)])


def rows(*second: str) -> str:
    """Return a table of two transients, with other fields in the last row."""
    fields = dict(zip(HEAD.split(","), ["0", "0", "0", "1", "5", "40", "0.1", "1", "0", ""], strict=True))
    for word in second:
        key, value = word.split("=", 1)
        fields[key] = value
    return f"{HEAD}\n0,0,0,0,0,0,0.1,1,0,\n{','.join(fields.values())}\n"


def test_a_table_takes_away_what_it_says(scan: Path) -> None:
    assert applied(scan, rows()) == 0
    fids = nifti.read(scan.with_name("out") / "scan.nii.gz").fid[0, 0, 0]
    np.testing.assert_allclose(fids[:, 1], fids[:, 0], atol=1e-6)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("shift_hz=1e400", "shift_hz is '1e400'"),
        ("shift_hz=nan", "shift_hz is 'nan'"),
        ("phase_deg=1e9", "phase_deg is '1e9'"),
        ("shift_hz_sd=-1", "shift_hz_sd is '-1'"),
        ("reference_shift_hz=inf", "reference_shift_hz is 'inf'"),
        ("DIM_DYN=1" + "0" * 30, "cannot be used"),
        ("DIM_DYN=1" + "0" * 5000, "cannot be used"),
        ("DIM_DYN=-1", "cannot be used"),
        ("flag=" + "x" * 1000, "unknown flag"),
        ("flag=" + "x" * 200_000, "not a readable table of estimates"),
        ("shift_hz=five", "could not convert"),
    ],
)
def test_fields_and_numbers_beyond_sense_are_refused(
    scan: Path, capsys: pytest.CaptureFixture[str], change: str, said: str
) -> None:
    assert applied(scan, rows(change)) == 2
    printed = capsys.readouterr().err
    assert said in printed
    assert "table.csv" in printed
    assert printed.count("\n") == 1
    assert len(printed) < 600
    assert not scan.with_name("out").exists()


@pytest.mark.parametrize("text", [b"\xff\xfe", b"", b"\0" * 40, HEAD.encode()])
def test_what_is_no_table_is_refused(scan: Path, capsys: pytest.CaptureFixture[str], text: bytes) -> None:
    assert applied(scan, text) == 2
    assert capsys.readouterr().err.count("\n") == 1
