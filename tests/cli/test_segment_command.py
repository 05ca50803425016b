"""``segment``: from images to the fractions that ``quantify`` takes. BET and FAST are stand-ins here."""

import itertools
import json
import os
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from fsl_mrs_dl.cli import main
from fsl_mrs_dl.data import MRSData
from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.io.position import places
from fsl_mrs_dl.io.volumes import read_fractions

SHAPE = (40, 36, 30)
T1 = np.array([[-1.0, 0, 0, 19.5], [0, 0, 1, -17.5], [0, 1, 0, -14.5], [0, 0, 0, 1]])
"""Of 1 mm, its axes turned against those of the scanner, as sagittal images are; edges at whole mm."""
NAMES = ("WM", "GM", "CSF")


def world() -> np.ndarray:
    """Return where each voxel of the image is, in mm, shape (3, x, y, z)."""
    return np.einsum("ij,jxyz->ixyz", T1[:3, :3], np.indices(SHAPE)) + T1[:3, 3, None, None, None]


def layers() -> np.ndarray:
    """Return maps with WM below x = 0, GM from 0 to 5 mm, CSF above."""
    x = world()[0]
    return np.stack([x < 0, (x > 0) & (x < 5), x > 5]).astype(np.float32)


def scan(affine: np.ndarray | None, grid: tuple[int, ...] = (1, 1, 1)) -> MRSData:
    fid = np.exp((2j - 0.01) * np.arange(64)) * np.ones((*grid, 1))
    return MRSData(fid, 5e-4, 123.2, affine=affine)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """A folder with a T1 image, three maps, and a scan of one voxel of 20 mm whose centre is at 0."""
    save(tmp_path / "T1.nii.gz", layers().sum(axis=0) * 100)
    for name, values in zip(NAMES, layers(), strict=True):
        save(tmp_path / f"{name}.nii.gz", values)
    nifti.write(scan(np.diag([20.0, 20, 20, 1])), tmp_path / "scan.nii.gz")
    return tmp_path


def save(path: Path, values: np.ndarray, affine: np.ndarray = T1) -> Path:
    nib.save(nib.Nifti1Image(np.asarray(values, dtype=np.float32), affine), path)
    return path


def line(
    folder: Path, *more: str, tissue: tuple[str, ...] = tuple(f"{name}.nii.gz" for name in NAMES)
) -> list[str]:
    words = ["segment", "--data", str(folder / "scan.nii.gz"), "--t1", str(folder / "T1.nii.gz")]
    words += ["--output", str(folder / "out"), *more]
    return words + (["--tissue", *(str(folder / name) for name in tissue)] if tissue else [])


def fractions(folder: Path) -> list[float]:
    found = json.loads((folder / "out" / "scan_fractions.json").read_text())
    assert list(found) == list(NAMES)
    return list(found.values())


def test_halves_and_what_quantify_reads(images: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(line(images)) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith("WM 0.50, GM 0.25, CSF 0.25\n")
    assert shown.err == ""
    assert fractions(images) == pytest.approx([0.5, 0.25, 0.25], abs=1e-3)
    by_name = read_fractions([str(images / "out" / "scan_fractions.json")], (1, 1, 1))
    assert [by_name[name].item() for name in NAMES] == pytest.approx([0.5, 0.25, 0.25], abs=1e-3)
    mask = nib.load(images / "out" / "scan_mask.nii.gz")
    np.testing.assert_array_equal(mask.affine, T1)
    expected = (np.abs(world()) < 10).all(axis=0)
    np.testing.assert_allclose(np.asarray(mask.dataobj), expected, atol=1e-6)
    assert (images / "out" / "scan_voxel.png").read_bytes()[1:4] == b"PNG"


def test_an_image_of_labels_gives_the_same_as_maps(images: Path) -> None:
    """Cerebral white matter and a corpus callosum, thalamus and a cortical parcel, a ventricle and CSF."""
    y_above = world()[1] > 0
    wm, gm, csf = (part == 1 for part in layers())
    labels = np.select([wm & y_above, wm, gm & y_above, gm, csf & y_above, csf], [41, 253, 10, 1035, 4, 24])
    save(images / "labels.nii.gz", labels)
    assert main(line(images, tissue=("labels.nii.gz",))) == 0
    assert fractions(images) == pytest.approx([0.5, 0.25, 0.25], abs=1e-3)


def test_maps_of_another_grid_than_the_t1(images: Path) -> None:
    """Coarser ones of 2.5 mm, whose edges are at 0 and 5 mm too."""
    affine = np.diag([2.5, 2.5, 2.5, 1.0])
    affine[:3, 3] = -20 + 1.25
    x = np.broadcast_to((2.5 * np.arange(16) - 18.75)[:, None, None], (16, 16, 16))
    for name, values in zip(NAMES, (x < 0, (x > 0) & (x < 5), x > 5), strict=True):
        save(images / f"{name}.nii.gz", values, affine)
    assert main(line(images)) == 0
    assert fractions(images) == pytest.approx([0.5, 0.25, 0.25], abs=1e-3)


def test_a_voxel_partly_outside_and_partly_in_bone_is_told(
    images: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Moved by 13 mm along x: 3 of 20 mm are beyond the image, WM is gone; 3 mm of the CSF become bone."""
    voxel = np.diag([20.0, 20, 20, 1])
    voxel[0, 3] = 13
    nifti.write(scan(voxel), images / "scan.nii.gz")
    csf = layers()[2] * (world()[0] < 17)
    save(images / "CSF.nii.gz", csf)
    assert main(line(images)) == 0
    shown = capsys.readouterr()
    assert "15 % of the voxel lies outside of the tissue images." in caplog.text
    assert "15 % of the voxel is none of them" in shown.out
    assert "The fractions are of the rest." in shown.out
    # From x = 3 to 5 is GM, from 5 to 17 CSF.
    assert fractions(images) == pytest.approx([0, 2 / 14, 12 / 14], abs=1e-3)


def test_a_grid_gets_three_images_that_quantify_reads(
    images: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Voxels of 8 mm along x from -20 to 28 mm; the last one has 8 mm outside."""
    affine = np.diag([8.0, 10, 10, 1])
    affine[:3, 3] = [-16, 0, 0]
    data = scan(affine, (6, 1, 1))
    nifti.write(data, images / "scan.nii.gz")
    assert main(line(images)) == 0
    assert "1 voxels are less than half tissue" in capsys.readouterr().out
    paths = [str(images / "out" / f"scan_{name}.nii.gz") for name in NAMES]
    by_name = read_fractions(paths, (6, 1, 1), places(nifti.read(images / "scan.nii.gz")))
    gm = [0, 0, 0.5, 1 / 8, 0]
    expected = np.array([[1, 1, 0.5, 0, 0], gm, [0, 0, 0, 7 / 8, 1]])
    found = np.stack([by_name[name].ravel() for name in NAMES])
    np.testing.assert_allclose(found[:, :5], expected, atol=2e-3)
    assert np.isnan(found[:, 5]).all()
    tissue = np.asarray(nib.load(images / "out" / "scan_tissue.nii.gz").dataobj).ravel()
    np.testing.assert_allclose(tissue, [1, 1, 1, 1, 1, 0], atol=2e-3)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda f: save(f / "GM.nii.gz", 100 * layers()[1]), "values from 0 to 100; a probability map"),
        (
            lambda f: save(f / "GM.nii.gz", layers()[1], T1 + np.eye(4)[[3, 0, 1, 2]] * 0.6),
            "not on the grid of",
        ),
        (lambda f: save(f / "GM.nii.gz", layers()[0]), "add up to 2.00 somewhere"),
        (lambda f: nifti.write(scan(None), f / "scan.nii.gz"), "says no position"),
        (
            lambda f: nifti.write(scan(np.diag([1e4, 1e4, 1e4, 1])), f / "scan.nii.gz"),
            "at most 0 % of the voxel",
        ),
        (lambda f: (f / "T1.nii.gz").write_bytes(b"no image"), "T1.nii.gz"),
        (lambda f: unplaced(f / "T1.nii.gz"), "says no position"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(change, reason, images, capsys) -> None:
    change(images)
    assert main(line(images)) == 2
    said = capsys.readouterr().err
    assert reason in said
    assert said.count("\n") == 1
    assert not (images / "out").exists()


def unplaced(path: Path) -> None:
    image = nib.Nifti1Image(np.ones(SHAPE, dtype=np.float32), None)
    image.header.set_sform(None, code=0)
    image.header.set_qform(None, code=0)
    nib.save(image, path)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (lambda: layers()[0] * 3, "Of FAST give the three probability maps"),
        (lambda: layers()[0] * 9.5, "holds fractions"),
        (lambda: layers()[0] * 165, "no label of WM, GM, CSF"),
    ],
)
def test_other_labels_are_refused(values, reason, images, capsys) -> None:
    save(images / "labels.nii.gz", values())
    assert main(line(images, tissue=("labels.nii.gz",))) == 2
    assert reason in capsys.readouterr().err


@pytest.mark.parametrize("tissue", [(), ("WM.nii.gz", "GM.nii.gz")])
def test_neither_or_two_images_are_refused(tissue, images, capsys) -> None:
    assert main(line(images, tissue=tissue)) == 2
    assert "segment needs --tissue or" in (said := capsys.readouterr().err) or "has 2 images" in said


def test_no_two_labels_belong_to_two_tissues() -> None:
    from fsl_mrs_dl.io.tissue_images import _LABELS

    ranges = [span for spans in _LABELS.values() for span in spans]
    assert not any(a[0] <= b[1] and b[0] <= a[1] for a, b in itertools.combinations(ranges, 2))


STAND_IN = """#!/bin/sh
# Stands for a program of FSL, and says nothing of how well that segments.
{body}
"""


def stand_ins(folder: Path, fast: str) -> None:
    programs = folder / "fsl" / "bin"
    programs.mkdir(parents=True)
    for name, body in (("bet", 'cp "$1" "$2"'), ("fast", fast)):
        (programs / name).write_text(STAND_IN.format(body=body))
        (programs / name).chmod(0o755)


def test_fast_is_run_and_its_maps_are_put_in_order(
    images: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """FAST numbers its maps by brightness: CSF, GM, WM."""
    copies = "\n".join(f'cp {images / name}.nii.gz "$2_pve_{n}.nii.gz"' for n, name in enumerate(NAMES[::-1]))
    stand_ins(images, copies)
    monkeypatch.setenv("FSLDIR", str(images / "fsl"))
    assert main(line(images, "--run_fast", tissue=())) == 0
    assert fractions(images) == pytest.approx([0.5, 0.25, 0.25], abs=1e-3)
    again = tuple(f"out/scan_fast_{name}.nii.gz" for name in NAMES)
    assert main(line(images, "--filename", "again", tissue=again)) == 0
    first, second = (
        json.loads((images / "out" / f"{n}_fractions.json").read_text()) for n in ("scan", "again")
    )
    assert first == second
    capsys.readouterr()


def test_fast_that_fails_or_is_absent_is_told_in_one_line(
    images: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stand_ins(images, "echo 'Image is not a brain.' >&2; exit 1")
    monkeypatch.setenv("FSLDIR", str(images / "fsl"))
    assert main(line(images, "--run_fast", tissue=())) == 2
    assert "fast of FSL failed: Image is not a brain." in capsys.readouterr().err
    monkeypatch.setenv("PATH", os.devnull)
    monkeypatch.setenv("FSLDIR", str(images / "nowhere"))
    assert main(line(images, "--run_fast", tissue=())) == 2
    assert "--run_fast needs bet of FSL" in capsys.readouterr().err
    assert not (images / "out").exists()


def test_maps_in_the_order_of_fast_are_warned_of(images: Path, caplog: pytest.LogCaptureFixture) -> None:
    for n, name in enumerate(NAMES):
        (images / f"{name}.nii.gz").rename(images / f"T1_pve_{n}.nii.gz")
    assert main(line(images, tissue=("T1_pve_0.nii.gz", "T1_pve_1.nii.gz", "T1_pve_2.nii.gz"))) == 0
    assert "pve_0 is CSF" in caplog.text


@pytest.mark.realdata
def test_the_voxel_of_a_measured_scan_in_its_t1(shared_data: Path, tmp_path: Path) -> None:
    """Maps made for the test: linear along each world axis, so that fractions are their values at the centre."""
    place = shared_data / "invivo" / "press_3t"
    t1 = nib.load(place / "sub-01_T1w.nii.gz")
    x, y = (
        np.einsum("j,jxyz->xyz", row[:3], np.indices(t1.shape[:3], dtype=np.float32)) + row[3]
        for row in t1.affine[:2]
    )
    maps = np.clip([0.3 + x / 400, 0.3 + y / 400, 0.4 - x / 400 - y / 400], 0, 1)
    for name, values in zip(NAMES, maps, strict=True):
        save(tmp_path / f"{name}.nii.gz", values, t1.affine)
    words = [
        "segment",
        "--data",
        str(place / "sub-01_press.nii.gz"),
        "--t1",
        str(place / "sub-01_T1w.nii.gz"),
    ]
    words += ["--tissue", *(str(tmp_path / f"{name}.nii.gz") for name in NAMES), "--filename", "scan"]
    assert main([*words, "--output", str(tmp_path / "out")]) == 0
    centre = nifti.read(place / "sub-01_press.nii.gz").affine[:3, 3]
    expected = [0.3 + centre[0] / 400, 0.3 + centre[1] / 400, 0.4 - (centre[0] + centre[1]) / 400]
    assert fractions(tmp_path) == pytest.approx(expected, abs=1e-3)
    mask = nib.load(tmp_path / "out" / "scan_mask.nii.gz")
    volume = np.asarray(mask.dataobj).sum() * abs(np.linalg.det(mask.affine[:3, :3]))
    assert volume == pytest.approx(26 * 26 * 30, rel=2e-3)
