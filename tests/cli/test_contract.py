"""The contract of every step: help, record, untouched input, kept dimensions, determinism, bad input.

A step that is registered without a case here fails the first test.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from nifti_mrs.validator import validate_nifti_mrs

from fsl_mrs_dl import physics
from fsl_mrs_dl.cli import main
from fsl_mrs_dl.data import MRSData
from fsl_mrs_dl.errors import MRSDLError
from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.steps.registry import Step, steps

N, DT, F0 = 256, 5e-4, 127.7
STEPS = steps()


@dataclass(frozen=True)
class Case:
    """What a step is tried on: its options, and the dimension it takes away."""

    options: tuple[str, ...] = ()
    removes: str | None = None


CASES = {
    "align": Case(),
    "average": Case(removes="DIM_DYN"),
    "coilcombine": Case(removes="DIM_COIL"),
    "ecc": Case(options=("--reference", "{reference}")),
    "remove": Case(),
}


def scan() -> MRSData:
    """Two voxels, two coils, four transients, ON and OFF, with everything a header can hold."""
    rng = np.random.default_rng(5)
    like = np.zeros(1, dtype=complex)
    lines = physics.singlet(N, DT, (np.array([2.01, 3.03, 3.2, 4.65]) - 4.65) * F0, 20.0, 5.0, like)
    fid = (np.array([3, 2, 1, 5])[:, None] * lines).sum(axis=0)
    coils = np.exp(1j * np.array([0.3, 2.0])) * [1.0, 0.7]
    fids = np.broadcast_to(fid[:, None, None, None] * coils[:, None, None], (2, 1, 1, N, 2, 4, 2))
    return MRSData(
        physics.add_noise(fids, 0.05, rng).astype(np.complex64),
        DT,
        F0,
        dim_tags=("DIM_COIL", "DIM_DYN", "DIM_EDIT"),
        affine=np.diag([20.0, 20.0, 20.0, 1.0]),
        header={
            "EchoTime": 0.068,
            "PatientName": "nobody",
            "MyKey": {"Value": [1, 2], "Description": "mine", "Unit": "ms"},
            "private_key": {"Value": "x", "Description": "secret"},
        },
        dim_headers={"DIM_EDIT": {"info": "editing", "header": {"EditCondition": ["ON", "OFF"]}}},
        processing=({"Time": "2020-01-01T00:00:00.000", "Program": "FSL-MRS", "Version": "2.4.11"},),
    )


def reference() -> MRSData:
    """Return a water reference of the same coils, one FID each."""
    whole = scan()
    return replace(whole, fid=whole.fid[..., 0, 0], dim_tags=("DIM_COIL",), dim_headers={}, processing=())


def arguments(name: str, folder: Path, out: str = "out") -> list[str]:
    """Write the files, and return a command line for a step."""
    folder.mkdir(exist_ok=True)
    nifti.write(scan(), folder / "scan.nii.gz")
    nifti.write(reference(), folder / "reference.nii.gz")
    options = [o.format(reference=folder / "reference.nii.gz") for o in CASES[name].options]
    return [name, "--file", str(folder / "scan.nii.gz"), "--output", str(folder / out), *options]


def test_every_step_has_a_case() -> None:
    assert set(STEPS) == set(CASES)


@pytest.mark.parametrize("step", STEPS.values(), ids=list(STEPS))
class TestContract:
    def test_help_tells_every_option(self, step: Step, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit) as left:
            main([step.name, "--help"])
        assert left.value.code == 0
        said = " ".join(capsys.readouterr().out.split())
        assert step.summary in said
        for option in step.options:
            assert f"--{option.name}" in said
            assert option.help.split(".")[0][:30] in said

    def test_output_keeps_header_dimensions_and_history(self, step: Step, tmp_path: Path) -> None:
        before = (arguments(step.name, tmp_path), (tmp_path / "scan.nii.gz").read_bytes())
        assert main(before[0]) == 0
        assert (tmp_path / "scan.nii.gz").read_bytes() == before[1]
        original, out = nifti.read(tmp_path / "scan.nii.gz"), nifti.read(tmp_path / "out" / "scan.nii.gz")
        removed = CASES[step.name].removes
        assert out.dim_tags == tuple(tag for tag in original.dim_tags if tag != removed)
        assert dict(out.header) == dict(original.header)
        kept = {tag: value for tag, value in original.dim_headers.items() if tag != removed}
        assert dict(out.dim_headers) == kept
        assert out.fid.dtype == original.fid.dtype
        np.testing.assert_array_equal(out.affine, original.affine)
        assert out.processing[0] == original.processing[0]
        record = out.processing[1]
        assert len(out.processing) == 2
        assert set(record) == {"Time", "Program", "Version", "Method", "Details"}
        assert record["Program"] == "fsl_mrs_dl"
        assert record["Method"] == step.method
        assert record["Details"].startswith(f"fsl_mrs_dl.steps.{step.name}.{step.name}, ")
        for option in step.options:
            assert f"{option.name}=" in record["Details"]

    def test_output_is_valid_and_an_ordinary_file(self, step: Step, tmp_path: Path) -> None:
        assert main(arguments(step.name, tmp_path)) == 0
        path = tmp_path / "out" / "scan.nii.gz"
        validate_nifti_mrs(nifti.to_nifti_mrs(nifti.read(path)).image)
        ordinary = tmp_path / "ordinary"
        ordinary.touch()
        assert path.stat().st_mode == ordinary.stat().st_mode
        assert not [p for p in path.parent.iterdir() if p.name.startswith(".")]

    def test_twice_is_the_same(self, step: Step, tmp_path: Path) -> None:
        assert main(arguments(step.name, tmp_path, "a")) == 0
        assert main(arguments(step.name, tmp_path, "b")) == 0
        first, second = (nifti.read(tmp_path / d / "scan.nii.gz") for d in "ab")
        np.testing.assert_array_equal(first.fid, second.fid)

    def test_python_and_command_line_agree(self, step: Step, tmp_path: Path) -> None:
        assert main(arguments(step.name, tmp_path)) == 0
        options = {"reference": nifti.read(tmp_path / "reference.nii.gz")} if CASES[step.name].options else {}
        result = step(nifti.read(tmp_path / "scan.nii.gz"), **options)
        out = nifti.read(tmp_path / "out" / "scan.nii.gz")
        np.testing.assert_array_equal(result.data.fid, out.fid)
        assert result.data.processing[-1]["Details"] == out.processing[-1]["Details"]

    def test_existing_output_is_not_replaced_unasked(self, step: Step, tmp_path: Path) -> None:
        line = arguments(step.name, tmp_path)
        assert main(line) == 0
        bystander = tmp_path / "out" / "notes.txt"
        bystander.write_text("mine")
        before = (tmp_path / "out" / "scan.nii.gz").read_bytes()
        assert main(line) == 2
        assert (tmp_path / "out" / "scan.nii.gz").read_bytes() == before
        assert main([*line, "--overwrite"]) == 0
        assert bystander.read_text() == "mine"

    def test_one_bad_fid_is_carried_on(self, step: Step, tmp_path: Path) -> None:
        line = arguments(step.name, tmp_path)
        fid = scan().fid.copy()
        fid[0, 0, 0, :, 0, 1, 0] = np.nan
        fid[1] = 0
        nifti.write(replace(scan(), fid=fid), tmp_path / "scan.nii.gz")
        assert main(line) == 0
        assert np.isfinite(nifti.read(tmp_path / "out" / "scan.nii.gz").fid[0, ..., 1]).all()

    @pytest.mark.parametrize(
        "spoil", ["text", "image", "real", "no_key", "unknown_tag", "nan", "zero", "short", "cut"]
    )
    def test_bad_input_is_refused_in_one_line(
        self, step: Step, spoil: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        line = arguments(step.name, tmp_path)
        SPOILERS[spoil](tmp_path / "scan.nii.gz")
        assert main(line) == 2
        said = capsys.readouterr()
        assert said.out == ""
        assert said.err.count("\n") == 1
        assert said.err.startswith(f"fsl_mrs_dl {step.name}: ")
        assert "Traceback" not in said.err
        assert not (tmp_path / "out").exists()

    def test_unwritable_places_are_refused(self, step: Step, tmp_path: Path) -> None:
        line = arguments(step.name, tmp_path)
        (tmp_path / "out").write_text("a file where a folder should be")
        assert main(line) == 2
        line[line.index("--output") + 1] = str(tmp_path / "out" / "below")
        assert main(line) == 2

    def test_unknown_and_impossible_options_are_refused(self, step: Step) -> None:
        with pytest.raises(MRSDLError, match="no option nonsense"):
            step(scan(), nonsense=1)


def _text(path: Path) -> None:
    path.write_text("not an image")


def _image(path: Path) -> None:
    nib.save(nib.Nifti1Image(np.zeros((4, 4, 4), dtype=np.float32), np.eye(4)), path)


def _real(path: Path) -> None:
    image = nib.load(path)
    image.header.set_data_dtype(np.float32)
    nib.save(nib.Nifti2Image(np.asarray(image.dataobj).real.astype(np.float32), None, image.header), path)


def _extension(path: Path, change: Callable[[dict[str, object]], None]) -> None:
    image = nib.load(path)
    said = image.header.extensions[0].json()
    change(said)
    image.header.extensions.clear()
    image.header.extensions.append(nib.nifti1.Nifti1Extension(44, json.dumps(said).encode()))
    nib.save(nib.Nifti2Image(np.asarray(image.dataobj), None, image.header), path)


def _no_key(path: Path) -> None:
    _extension(path, lambda said: said.pop("SpectrometerFrequency"))


def _unknown_tag(path: Path) -> None:
    _extension(path, lambda said: said.update({"dim_6": "DIM_NONSENSE"}))


def _values(value: float) -> Callable[[Path], None]:
    return lambda path: nifti.write(replace(scan(), fid=np.full_like(scan().fid, value)), path)


def _short(path: Path) -> None:
    nifti.write(replace(scan(), fid=scan().fid[:, :, :, :8]), path)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-2000])


SPOILERS = {
    "text": _text,
    "image": _image,
    "real": _real,
    "no_key": _no_key,
    "unknown_tag": _unknown_tag,
    "nan": _values(np.nan),
    "zero": _values(0.0),
    "short": _short,
    "cut": _cut,
}
