"""What would take more memory than it is worth is refused with the number and the limit, and quickly."""

import gzip
import resource
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from fsl_mrs_dl.cli import main
from fsl_mrs_dl.data import MRSData
from fsl_mrs_dl.errors import DataError, OptionError
from fsl_mrs_dl.io import nifti, sizes
from fsl_mrs_dl.io.toml_file import read_toml
from fsl_mrs_dl.io.volumes import read_image, read_volume


def bomb(path: Path, header: nib.nifti1.Nifti1Header, shape: tuple[int, ...]) -> Path:
    """Write a small file that unpacks to gigabytes of zeros."""
    header = header.copy()
    header.set_data_shape(shape)
    header["vox_offset"] = 0
    left = int(np.prod(shape)) * header.get_data_dtype().itemsize
    with path.open("wb") as plain, gzip.GzipFile(fileobj=plain, mode="wb", compresslevel=9) as file:
        header.write_to(file)
        file.write(bytes(header.get_data_offset() - file.tell()))
        zeros = bytes(2**24)
        block = gzip.compress(zeros, 9)
    with path.open("ab") as plain:  # members of a gzip file follow each other
        for _ in range(-(-left // len(zeros))):
            plain.write(block)
    return path


def test_a_scan_that_unpacks_to_a_hundred_times_its_size(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = MRSData(np.ones((1, 1, 1, 64), dtype=np.complex64), 5e-4, 123.2)
    header = nifti.to_nifti_mrs(data).image.nibImage.header
    path = bomb(tmp_path / "bomb.nii.gz", header, (100, 100, 64, 512))
    assert path.stat().st_size < 3e6
    assert main(["average", "--file", str(path), "--output", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert "unpacks to 2621440000, " in said
    assert "pack by at most 100" in said
    assert said.count("\n") == 1


def test_a_scan_larger_than_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sizes, "_MEMORY_SHARE", 1e-6)
    nifti.write(MRSData(np.ones((1, 1, 1, 8192), dtype=np.complex128), 5e-4, 123.2), tmp_path / "scan.nii")
    with pytest.raises(DataError, match=r"holds 0.0 GB of FIDs; this machine has room for"):
        nifti.read(tmp_path / "scan.nii")


def test_small_empty_files_are_read(tmp_path: Path) -> None:
    nifti.write(MRSData(np.zeros((8, 8, 4, 512), dtype=np.complex64), 5e-4, 123.2), tmp_path / "empty.nii.gz")
    assert not nifti.read(tmp_path / "empty.nii.gz").fid.any()


def test_a_mask_of_another_grid_is_not_read(tmp_path: Path) -> None:
    image = nib.Nifti1Image(np.zeros((1, 1, 1), dtype=np.uint8), np.eye(4))
    path = bomb(tmp_path / "mask.nii.gz", image.header, (1024, 1024, 2048))
    assert path.stat().st_size < 3e6
    program = (
        "import sys\nfrom pathlib import Path\n"
        "from fsl_mrs_dl.io.volumes import read_volume\n"
        "try: read_volume(Path(sys.argv[1]), (8, 8, 4), 'mask')\n"
        "except ValueError as error: print(error)\n"
        "status = Path('/proc/self/status')\n"
        "print(status.read_text().split('VmHWM:')[1].split()[0] if status.exists() else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True
    )
    said, peak_kb = done.stdout.splitlines()
    assert "has shape (1024, 1024, 2048); the data's grid (8, 8, 4) is needed" in said
    assert int(peak_kb) < 300 * 1024


def test_an_image_with_more_voxels_than_any_anatomy(tmp_path: Path) -> None:
    image = nib.Nifti1Image(np.zeros((1, 1, 1), dtype=np.uint8), np.eye(4))
    path = bomb(tmp_path / "t1.nii.gz", image.header, (512, 512, 1024))
    with pytest.raises(DataError, match=r"268435456 voxels; at most 134217728 are read"):
        read_image(path, "t1")


def test_a_mask_of_impossible_shape(tmp_path: Path) -> None:
    nib.save(nib.Nifti1Image(np.zeros((2, 3, 1), dtype=np.uint8), np.eye(4)), tmp_path / "mask.nii")
    content = bytearray((tmp_path / "mask.nii").read_bytes())
    content[42:44] = (-5).to_bytes(2, "little", signed=True)  # the first size
    (tmp_path / "mask.nii").write_bytes(content)
    with pytest.raises(DataError, match=r"shape \(-5, 3, 1\)"):
        read_volume(tmp_path / "mask.nii", (2, 3, 1), "mask")


def test_singleton_axes_of_a_mask_do_not_count(tmp_path: Path) -> None:
    nib.save(nib.Nifti1Image(np.ones((2, 3, 1, 1), dtype=np.uint8), np.eye(4)), tmp_path / "mask.nii")
    assert read_volume(tmp_path / "mask.nii", (2, 3, 1), "mask").shape == (2, 3, 1)


@pytest.mark.parametrize(
    "words",
    [
        ("simulate", "--output", "{}", "--transients", "10000000"),
        ("simulate", "--output", "{}", "--points", "1000000000"),
        ("synthesise", "--output", "{}", "--n", "10000000"),
        ("augment", "--file", "{}/scan.nii.gz", "--output", "{}", "--n", "10000000"),
        ("basis", "--output", "{}", "--sequence", "press", "--te", "30", "--points", "1000000000"),
        ("train", "align", "--architecture", "dsr", "--output", "{}", "--samples", "1000000000"),
    ],
    ids=lambda words: f"{words[0]} {words[-2]}",
)
def test_numbers_that_would_fill_the_memory(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    scan = MRSData(np.ones((1, 1, 1, 1024, 4), dtype=np.complex64), 5e-4, 123.2, dim_tags=("DIM_DYN",))
    nifti.write(scan, tmp_path / "scan.nii.gz")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert main([word.format(tmp_path / "out" if word == "{}" else tmp_path) for word in words]) == 2
    said = capsys.readouterr().err
    assert words[-1] in said
    assert "at most" in said
    assert said.count("\n") == 1
    assert (
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500 * 1024
    )  # a model and its packages
    assert not (tmp_path / "out").exists()


class TestToml:
    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("a" + ".a" * 40_000 + " = 1", "nested too deeply: a key has 40000 dots, at most 16"),
            ("[" + "a." * 40_000 + "a]", "a key has 40000 dots"),
            ("'a' . " * 20_000 + "a = 1", "a key has 20000 dots"),
            ("x = " + "[" * 5_000, "nested too deeply"),
            ("x = '" + "a" * 2_000_000 + "'", "longer than 1048576 bytes"),
            ("x = 1" + "0" * 5_000, "not a readable TOML file"),
            ("x =", "not a readable TOML file"),
        ],
    )
    def test_of_another_kind_is_refused(self, tmp_path: Path, text: str, said: str) -> None:
        (tmp_path / "a.toml").write_text(text)
        with pytest.raises(OptionError, match=said):
            read_toml(tmp_path / "a.toml", "config")

    def test_settings_are_read(self, tmp_path: Path) -> None:
        lines = (
            "ppmlim = [0.2, 4.2]",
            'baseline = "poly, 2"',
            "phase.normal = [0, 0.5]",
            "\"a.b\".c = 'x' # it's",
            'd = "1.2.3.4.5.6.7.8.9.0.1.2.3.4.5.6.7.8.9"',
        )
        text = "\n".join(lines)
        (tmp_path / "a.toml").write_text(text)
        assert read_toml(tmp_path / "a.toml", "config") == {
            "ppmlim": [0.2, 4.2],
            "baseline": "poly, 2",
            "phase": {"normal": [0, 0.5]},
            "a.b": {"c": "x"},
            "d": "1.2.3.4.5.6.7.8.9.0.1.2.3.4.5.6.7.8.9",
        }
