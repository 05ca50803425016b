"""``fsl_mrs_dl align`` on files: what it writes, that it can be replayed, and what it refuses."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fsl_mrs_dl import physics
from fsl_mrs_dl.cli import main
from fsl_mrs_dl.data import MRSData
from fsl_mrs_dl.io import nifti

N, DT, F0 = 1024, 4e-4, 127.7
LIKE = np.zeros(1, dtype=complex)
POSITIONS, HEIGHTS = np.array([2.008, 3.027, 3.2, 3.913]), np.array([3, 1.8, 1, 1.2])


def transients(
    n: int = 16, coils: int = 0, edit: bool = False, snr: float = 40.0, seed: int = 3
) -> tuple[MRSData, np.ndarray, np.ndarray]:
    """Return (data, shift_hz, phase_rad): truths of shape (n[, 2])."""
    rng = np.random.default_rng(seed)
    lines = physics.singlet(N, DT, (POSITIONS - 4.65) * F0, 16.0, 8.0, LIKE)
    on, off = ((HEIGHTS * keep)[:, None] * lines for keep in (np.array([0, 1, 1, 1]), np.ones(4)))
    fids = np.stack([on.sum(0), off.sum(0)]) if edit else off.sum(0)[None]
    shift_hz, phase_rad = rng.uniform(-8, 8, (n, len(fids))), rng.uniform(-0.5, 0.5, (n, len(fids)))
    fids = physics.phase(physics.shift(np.repeat(fids[None], n, axis=0), shift_hz, DT), phase_rad)
    sensitivity = np.exp(1j * np.arange(max(coils, 1)))[:, None]
    fids = physics.add_noise(fids[:, :, None] * sensitivity, 7.0 / snr, rng)  # (n, edit, coil, time)
    fids = np.moveaxis(fids, (3, 2, 0, 1), (0, 1, 2, 3))  # time, coil, dyn, edit
    tags = ("DIM_COIL", "DIM_DYN", "DIM_EDIT")
    keep = [coils > 0, True, edit]
    shape = [size for size, kept in zip(fids.shape[1:], keep, strict=True) if kept]
    data = MRSData(
        fids.reshape(1, 1, 1, N, *shape).astype(np.complex64),
        DT,
        F0,
        dim_tags=tuple(tag for tag, kept in zip(tags, keep, strict=True) if kept),
        header={"EchoTime": 0.03, "private_note": {"Value": "x", "Description": "y"}},
    )
    return data, shift_hz if edit else shift_hz[:, 0], phase_rad if edit else phase_rad[:, 0]


def write(tmp_path: Path, data: MRSData, name: str = "svs") -> Path:
    path = tmp_path / f"{name}.nii.gz"
    nifti.write(data, path)
    return path


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def test_estimates_are_the_truth_and_stand_in_the_table(tmp_path: Path) -> None:
    data, shift_hz, phase_rad = transients()
    assert main(["align", "--file", str(write(tmp_path, data)), "--output", str(tmp_path / "out")]) == 0
    table = rows(tmp_path / "out" / "svs_align.csv")
    assert list(table[0])[:4] == ["x", "y", "z", "DIM_DYN"]
    found = np.array([float(row["shift_hz"]) for row in table])
    sd = np.array([float(row["shift_hz_sd"]) for row in table])
    error = found - shift_hz
    assert np.abs(error - np.median(error)).max() < 5 * sd.max()
    turn = np.radians([float(row["phase_deg"]) for row in table]) - phase_rad
    assert (
        np.abs(turn - np.median(turn)).max() < 5 * np.radians([float(r["phase_deg_sd"]) for r in table]).max()
    )
    assert all(row["flag"] == "" for row in table)


def test_output_keeps_everything_and_records_the_step(tmp_path: Path) -> None:
    data, _, _ = transients()
    path = write(tmp_path, data)
    before = path.read_bytes()
    assert main(["align", "--file", str(path), "--output", str(tmp_path / "out"), "--filename", "done"]) == 0
    assert path.read_bytes() == before
    out = nifti.read(tmp_path / "out" / "done.nii.gz")
    assert out.fid.shape == data.fid.shape
    assert out.fid.dtype == data.fid.dtype
    assert dict(out.header)["private_note"] == {"Value": "x", "Description": "y"}
    (record,) = out.processing
    assert record["Program"] == "fsl_mrs_dl"
    assert record["Method"] == "Frequency and phase correction"
    assert "ppm=[1.8, 4.2]" in record["Details"]
    assert "method=gn" in record["Details"]


def test_replay_gives_the_same_fids(tmp_path: Path) -> None:
    data, _, _ = transients(edit=True, coils=2)
    path = str(write(tmp_path, data))
    assert main(["align", "--file", path, "--output", str(tmp_path / "a")]) == 0
    table = str(tmp_path / "a" / "svs_align.csv")
    assert main(["align", "--file", path, "--output", str(tmp_path / "b"), "--apply", table]) == 0
    first, second = (nifti.read(tmp_path / d / "svs.nii.gz") for d in "ab")
    # Nine digits of shift and phase leave less than single precision does.
    np.testing.assert_allclose(second.fid, first.fid, atol=2e-6 * np.abs(first.fid).max())
    assert (tmp_path / "a" / "svs_align.csv").read_text() == (tmp_path / "b" / "svs_align.csv").read_text()


def test_coils_share_one_estimate(tmp_path: Path) -> None:
    data, _, _ = transients(coils=3)
    assert main(["align", "--file", str(write(tmp_path, data)), "--output", str(tmp_path / "o")]) == 0
    table = rows(tmp_path / "o" / "svs_align.csv")
    assert len(table) == 3 * 16
    by_transient: dict[str, set[str]] = {}
    for row in table:
        by_transient.setdefault(row["DIM_DYN"], set()).add(row["shift_hz"])
    assert all(len(values) == 1 for values in by_transient.values())


def test_edit_conditions_are_brought_together(tmp_path: Path) -> None:
    data, shift_hz, _ = transients(edit=True)
    assert main(["align", "--file", str(write(tmp_path, data)), "--output", str(tmp_path / "o")]) == 0
    table = rows(tmp_path / "o" / "svs_align.csv")
    found = np.array([float(row["shift_hz"]) for row in table]).reshape(16, 2)
    error = found - shift_hz
    # Each condition keeps its mean; ON against OFF is an estimate from an average of 16.
    assert np.ptp(np.median(error, axis=0)) < 0.2
    shared = [{row["reference_shift_hz"] for row in table if row["DIM_EDIT"] == i} for i in "01"]
    assert [len(values) for values in shared] == [1, 1]
    # The means of 16 shifts of +-8 Hz differ by 1.6 Hz in the standard deviation; both share the axis.
    assert float(shared[1].pop()) - float(shared[0].pop()) == pytest.approx(
        np.subtract(*shift_hz.mean(axis=0)[::-1]), abs=0.2
    )


def test_broken_transients_are_flagged_and_carried_on(tmp_path: Path) -> None:
    data, shift_hz, _ = transients()
    fid = data.fid.copy()
    fid[..., 2], fid[..., 5] = np.nan, 0
    broken = replace(data, fid=fid)
    assert (
        main(["align", "--file", str(write(tmp_path, broken)), "--output", str(tmp_path / "o"), "--average"])
        == 0
    )
    table = rows(tmp_path / "o" / "svs_align.csv")
    assert [row["flag"] for row in table if row["flag"]] == ["nonfinite", "zero"]
    good = [i for i in range(16) if i not in (2, 5)]
    error = np.array([float(row["shift_hz"]) for row in table])[good] - shift_hz[good]
    assert np.abs(error - np.median(error)).max() < 1.0
    out = nifti.read(tmp_path / "o" / "svs.nii.gz")
    assert np.isfinite(out.fid).all()
    assert [r["Method"] for r in out.processing] == ["Frequency and phase correction", "Signal averaging"]


@pytest.mark.parametrize("method", ["gn", "sr", "srf", "corr", "corrf", "crr", "crrf"])
def test_every_method_runs_and_repeats_itself(method: str, tmp_path: Path) -> None:
    data, shift_hz, _ = transients(n=6)
    path = str(write(tmp_path, data))
    for folder in "ab":
        assert main(["align", "--file", path, "--output", str(tmp_path / folder), "--method", method]) == 0
    texts = [(tmp_path / d / "svs_align.csv").read_text() for d in "ab"]
    assert texts[0] == texts[1]
    error = np.array([float(r["shift_hz"]) for r in rows(tmp_path / "a" / "svs_align.csv")]) - shift_hz
    assert np.abs(error - np.median(error)).max() < 3.0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--dim", "DIM_MEAS"], "has no DIM_MEAS dimension; it has DIM_DYN"),
        (["--ppm", "20", "21"], "Choose another window"),
        (["--apply", "missing.csv"], "not a readable table"),
        (["--filename", "a/b"], "plain name"),
        (["--reference", "missing.nii.gz"], "no file missing.nii.gz"),
    ],
)
def test_refusals_say_what_to_do_and_leave_nothing(
    arguments: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, _, _ = transients(n=3)
    out = tmp_path / "out"
    assert main(["align", "--file", str(write(tmp_path, data)), "--output", str(out), *arguments]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert not out.exists()


def test_input_is_never_the_output(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, _, _ = transients(n=3)
    path = write(tmp_path, data)
    assert main(["align", "--file", str(path), "--output", str(tmp_path), "--overwrite"]) == 2
    assert "is the input itself" in capsys.readouterr().err
    assert nifti.read(path).fid.shape == data.fid.shape
