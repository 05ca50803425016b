"""``align``: the ppm axis, transients left out, networks as a start."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fsl_mrs_dl import physics
from fsl_mrs_dl.cli import main
from fsl_mrs_dl.data import MRSData
from fsl_mrs_dl.errors import DataError, OptionError
from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.steps.align import align

N, DT, F0 = 1024, 4e-4, 127.7
LIKE = np.zeros(1, dtype=complex)
POSITIONS, HEIGHTS = np.array([2.008, 3.027, 3.21, 3.913]), np.array([3, 1.8, 1, 1.2])
SNR, COUNT = 40.0, 16


def scan(
    offset_hz: float, *, conditions: int = 1, landmarks: bool = True, seed: int = 3
) -> tuple[MRSData, np.ndarray]:
    """Return transients of a scan whose axis is off by ``offset_hz``, and their shifts (transient, condition)."""
    rng = np.random.default_rng(seed)
    positions = POSITIONS if landmarks else np.array([3.56, 3.75, 3.913, 2.35])
    lines = physics.singlet(N, DT, (positions - 4.65) * F0, 16.0, 8.0, LIKE)
    heights = np.stack([HEIGHTS, HEIGHTS * np.array([0, 1, 1, 1])])[:conditions]  # ON has no NAA
    shift_hz = offset_hz + rng.uniform(-6, 6, (COUNT, conditions))
    phase_rad = rng.uniform(-3, 3, (COUNT, conditions))
    phase_rad[:, 1:] += np.pi
    fids = physics.phase(
        physics.shift(np.repeat((heights @ lines)[None], COUNT, axis=0), shift_hz, DT), phase_rad
    )
    fids = np.moveaxis(physics.add_noise(fids, 7.0 / SNR, rng), -1, 0)
    tags = ("DIM_DYN", "DIM_EDIT")[: 1 + (conditions > 1)]
    shaped = fids.reshape(1, 1, 1, N, *fids.shape[1 : 1 + len(tags)])
    return MRSData(shaped.astype(np.complex64), DT, F0, dim_tags=tags), shift_hz


def write(tmp_path: Path, data: MRSData) -> str:
    path = tmp_path / "svs.nii.gz"
    nifti.write(data, path)
    return str(path)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


@pytest.mark.parametrize("conditions", [1, 2])
@pytest.mark.parametrize("offset_hz", [-18.0, 0.0, 25.0])
def test_landmarks_stand_where_they_belong(offset_hz: float, conditions: int) -> None:
    data, shift_hz = scan(offset_hz, conditions=conditions)
    result = align(data)
    found = result.estimates
    assert found is not None
    error = found.shift_hz.reshape(COUNT, conditions) - shift_hz
    sd = found.shift_hz_sd.reshape(COUNT, conditions)
    # An average of 16 knows its shift four times better than a transient; neighbouring lines and the noise of
    # three single lines are within twice that of one transient.
    assert np.abs(error.mean(axis=0)).max() < 2 * np.median(sd)
    assert result.settled["refer"] is True
    assert "from their places" in str(result.settled["axis"])


def test_nothing_is_moved_without_landmarks() -> None:
    data, _ = scan(10.0, landmarks=False)
    result = align(data)
    assert result.estimates is not None
    assert (result.estimates.reference_shift_hz == 0).all()
    assert "not found with confidence" in str(result.settled["axis"])


def test_the_axis_stays_where_there_is_a_reference_and_where_told() -> None:
    data, _ = scan(15.0)
    one = replace(data, fid=data.fid[..., 0], dim_tags=())
    for options in ({"reference": one}, {"refer": False}):
        result = align(data, **options)
        assert result.estimates is not None
        assert (result.estimates.reference_shift_hz == 0).all()
        assert result.settled["refer"] is False


def test_transients_of_a_reference_are_aligned_and_averaged() -> None:
    """The reference drifts too: its plain average would be a broad line of another place."""
    data, shift_hz = scan(0.0)
    reference, own_hz = scan(8.0, seed=4)
    result = align(data, reference=replace(reference, name="first.nii.gz"))
    found = result.estimates
    assert found is not None
    apart = shift_hz[:, 0] - found.shift_hz.ravel()
    # All transients go to one place, that of the reference's own average, known to 6 Hz / sqrt(3 x 16).
    assert np.std(apart) < 1.5 * np.median(found.shift_hz_sd)
    assert apart.mean() == pytest.approx(own_hz.mean(), abs=3 * 6 / np.sqrt(3 * COUNT))
    assert result.messages == (
        f"The reference first.nii.gz was aligned and averaged over {COUNT} of DIM_DYN.",
    )
    assert "reference_was=aligned and averaged" in result.data.processing[-1]["Details"]


def test_replay_takes_away_what_was_estimated_edited_half_turn_and_axis_included(tmp_path: Path) -> None:
    data, _ = scan(12.0, conditions=2)
    path = write(tmp_path, data)
    assert main(["align", "--file", path, "--output", str(tmp_path / "a")]) == 0
    table = tmp_path / "a" / "svs_align.csv"
    assert main(["align", "--file", path, "--output", str(tmp_path / "b"), "--apply", str(table)]) == 0
    first, second = (nifti.read(tmp_path / d / "svs.nii.gz").fid for d in "ab")
    # Both are single precision; nine digits of shift and phase leave less.
    np.testing.assert_allclose(second, first, atol=2e-6 * np.abs(first).max())
    shared = {row["DIM_EDIT"]: float(row["reference_shift_hz"]) for row in rows(table)}
    assert len({row["reference_shift_hz"] for row in rows(table)}) == 2
    assert abs(shared["0"]) > 5


def spoilt(conditions: int = 1) -> MRSData:
    data, _ = scan(0.0, conditions=conditions)
    fid = data.fid.copy()
    first = (..., 3) if conditions == 1 else (..., 3, 0)
    fid[first] = np.nan
    last = (..., 9) if conditions == 1 else (..., 9, 1)
    fid[last] = 0
    said = {
        "SomeTime": {"Value": list(range(COUNT)), "Description": "one number a transient"},
        "SpoilOrder": {"Value": {"start": 0.0, "increment": 2.0}, "Description": "a rule"},
    }
    return replace(data, fid=fid, dim_headers={"DIM_DYN": {"header": said}})


@pytest.mark.parametrize("conditions", [1, 2])
def test_flagged_transients_are_left_out_of_all_conditions(conditions: int, tmp_path: Path) -> None:
    data = spoilt(conditions)
    result = align(data, reject=True)
    assert result.settled["rejected"] == (3, 9)
    assert result.data.fid.shape[4] == COUNT - 2
    assert np.isfinite(result.data.fid).all()
    assert result.estimates is not None
    assert result.estimates.flag.size == COUNT * conditions
    header = result.data.dim_headers["DIM_DYN"]["header"]
    assert header["SomeTime"]["Value"] == [i for i in range(COUNT) if i not in (3, 9)]
    assert header["SpoilOrder"]["Value"] == [2.0 * i for i in range(COUNT) if i not in (3, 9)]
    kept = align(data)
    others = [i for i in range(COUNT) if i not in (3, 9)]
    np.testing.assert_array_equal(result.data.fid, np.take(kept.data.fid, others, axis=4))


def test_rejection_is_recorded_replayed_and_averaged(tmp_path: Path) -> None:
    path = write(tmp_path, spoilt())
    arguments = ["align", "--file", path, "--reject", "--average", "-r", "--output"]
    assert main([*arguments, str(tmp_path / "a")]) == 0
    out = nifti.read(tmp_path / "a" / "svs.nii.gz")
    assert "rejected=[3, 9]" in out.processing[0]["Details"]
    assert "left_out" not in out.processing[1]["Details"]
    assert len(rows(tmp_path / "a" / "svs_align.csv")) == COUNT
    assert "Transients 3 and 9 are left out" in (tmp_path / "a" / "svs_align.html").read_text(
        encoding="utf-8"
    )
    table = str(tmp_path / "a" / "svs_align.csv")
    assert main([*arguments, str(tmp_path / "b"), "--apply", table]) == 0
    np.testing.assert_allclose(
        nifti.read(tmp_path / "b" / "svs.nii.gz").fid, out.fid, atol=2e-6 * np.abs(out.fid).max()
    )


def test_rejecting_all_is_refused() -> None:
    data, _ = scan(0.0, conditions=2)
    fid = data.fid.copy()
    fid[..., : COUNT // 2, 0] = 0
    fid[..., COUNT // 2 :, 1] = 0
    with pytest.raises(DataError, match=r"All 16 transients .* leave --reject out"):
        align(replace(data, fid=fid), reject=True)


def test_a_table_and_a_new_axis_exclude_each_other(tmp_path: Path) -> None:
    data, _ = scan(0.0)
    with pytest.raises(OptionError, match="--refer"):
        align(data, apply=tmp_path / "any.csv", refer=True)


@pytest.mark.parametrize("method", ["gn", "crr", "crrf", "corr", "corrf", "sr", "srf"])
def test_a_transient_of_noise_is_flagged_by_every_method(method: str) -> None:
    data, _ = scan(0.0)
    rng = np.random.default_rng(0)
    fid = data.fid.copy()
    fid[..., 7] = 3 * (rng.standard_normal((1, 1, 1, N)) + 1j * rng.standard_normal((1, 1, 1, N)))
    found = align(replace(data, fid=fid), method=method).estimates
    assert found is not None
    flags = found.flag[0, 0, 0]
    assert flags[7] != ""
