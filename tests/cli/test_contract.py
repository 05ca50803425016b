"""The contract of every step: help, record, untouched input, kept dimensions, determinism, bad input.

A step that is registered without a case here fails the first test.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from nifti_mrs.validator import validate_nifti_mrs

from fsl_mrs_dl import physics
from fsl_mrs_dl.cli import main
from fsl_mrs_dl.data import Basis, MRSData
from fsl_mrs_dl.errors import MRSDLError
from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.io.basis import read_basis, write_json_basis
from fsl_mrs_dl.steps.registry import Step, steps

N, DT, F0 = 256, 5e-4, 127.7
STEPS = steps()


@dataclass(frozen=True)
class Case:
    """What a step is tried on: options, dimension it removes, file it writes, whether it invents FIDs."""

    options: tuple[str, ...] = ()
    removes: str | None = None
    result: str = "scan.nii.gz"
    synthetic: bool = False


CASES = {
    "add": Case(options=("--reference", "{reference}")),
    "align": Case(),
    "augment": Case(synthetic=True),
    "average": Case(removes="DIM_DYN"),
    "coilcombine": Case(removes="DIM_COIL"),
    "ecc": Case(options=("--reference", "{reference}")),
    "process": Case(options=("--basis", "{basis}"), result="fit/fit.nii.gz"),
    "quantify": Case(options=("--basis", "{basis}"), result="fit/fit.nii.gz"),
    "reconstruct": Case(),
    "remove": Case(),
    "subtract": Case(options=("--reference", "{reference}")),
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


def source(name: str) -> MRSData:
    """Return what a step is given: the scan, or one spectrum a voxel of it where it fits."""
    whole = scan()
    if not STEPS[name].fits:
        return whole
    return replace(whole, fid=whole.fid[..., 0, 0, 0], dim_tags=(), dim_headers={})


def basis() -> Basis:
    """Return singlets that are where those of the scan are."""
    like = np.zeros(1, dtype=complex)
    names, ppm = ("NAA", "Cr", "PCh"), np.array([2.01, 3.03, 3.2])
    return Basis(physics.singlet(4 * N, DT, (ppm - 4.65) * F0, 10.0, 0.0, like), names, DT, F0, name="basis")


def file_options(name: str, folder: Path) -> dict[str, Path]:
    """Return the options of a step's case that name files."""
    files = {"reference": folder / "reference.nii.gz", "basis": folder / "basis"}
    return {key: path for key, path in files.items() if f"--{key}" in CASES[name].options}


def arguments(name: str, folder: Path, out: str = "out") -> list[str]:
    """Write the files, and return a command line for a step."""
    folder.mkdir(exist_ok=True)
    nifti.write(source(name), folder / "scan.nii.gz")
    nifti.write(reference(), folder / "reference.nii.gz")
    write_json_basis(basis(), folder / "basis", overwrite=True)
    options = [o.format(**file_options(name, folder)) for o in CASES[name].options]
    flag = "--data" if STEPS[name].fits else "--file"
    return [name, flag, str(folder / "scan.nii.gz"), "--output", str(folder / out), *options]


def result(step: Step, folder: Path, out: str = "out") -> Path:
    """Return the file that a step writes."""
    return folder / out / CASES[step.name].result


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
        original, out = nifti.read(tmp_path / "scan.nii.gz"), nifti.read(result(step, tmp_path))
        removed = CASES[step.name].removes
        assert out.dim_tags == tuple(tag for tag in original.dim_tags if tag != removed)
        assert ("SyntheticData" in out.header) == CASES[step.name].synthetic
        header = dict(original.header)
        if CASES[step.name].synthetic:  # of the person, and of keys that nobody knows, nothing is passed on
            header = {k: v for k, v in header.items() if k not in ("PatientName", "MyKey", "private_key")}
        assert {k: v for k, v in out.header.items() if k != "SyntheticData"} == header
        kept = {tag: dict(value) for tag, value in original.dim_headers.items() if tag != removed}
        found = {tag: dict(value) for tag, value in out.dim_headers.items()}
        if CASES[step.name].synthetic:
            assert out.header["SyntheticData"]["parents"] == ["scan.nii.gz"]
            for tag in out.dim_tags:
                header = dict(found[tag].pop("header"))
                assert header.pop("SyntheticData")["Value"] == [1] * original.fid.shape[out.axis(tag)]
                found[tag] |= {"header": header} if header else {}
        assert found == kept
        assert out.fid.dtype == original.fid.dtype
        np.testing.assert_array_equal(out.affine, original.affine)
        assert out.processing[0] == original.processing[0]
        last = STEPS["quantify"] if step.chained else step  # a chain has the records of its steps
        record = out.processing[-1]
        assert len(out.processing) == (3 if step.chained else 2)
        assert set(record) == {"Time", "Program", "Version", "Method", "Details"}
        assert record["Program"] == "fsl_mrs_dl"
        assert record["Method"] == last.method
        assert record["Details"].startswith(f"fsl_mrs_dl.steps.{last.name}.{last.name}, ")
        for option in last.options:
            assert f"{option.name}=" in record["Details"]

    def test_a_report_is_written_and_says_what_was_done(self, step: Step, tmp_path: Path) -> None:
        assert main([*arguments(step.name, tmp_path), "--report" if step.fits else "-r"]) == 0
        name = "fit/../report.html" if step.fits else f"scan_{step.name}.html"
        text = (tmp_path / "out" / name).read_text(encoding="utf-8")
        last = nifti.read(result(step, tmp_path)).processing[-1]
        assert last["Method"] in text
        assert "nobody" not in text  # the name of the person
        if step.report == "step_page":
            rows = re.findall(r"<tr><th>(\w[^<]*)</th><td>", text)
            assert rows[:2] == ["before", last["Method"]]

    def test_output_is_valid_and_an_ordinary_file(self, step: Step, tmp_path: Path) -> None:
        assert main(arguments(step.name, tmp_path)) == 0
        path = result(step, tmp_path)
        validate_nifti_mrs(nifti.to_nifti_mrs(nifti.read(path)).image)
        ordinary = tmp_path / "ordinary"
        ordinary.touch()
        assert path.stat().st_mode == ordinary.stat().st_mode
        assert not [p for p in path.parent.iterdir() if p.name.startswith(".")]

    def test_twice_is_the_same(self, step: Step, tmp_path: Path) -> None:
        assert main(arguments(step.name, tmp_path, "a")) == 0
        assert main(arguments(step.name, tmp_path, "b")) == 0
        first, second = (nifti.read(result(step, tmp_path, d)) for d in "ab")
        np.testing.assert_array_equal(first.fid, second.fid)

    def test_python_and_command_line_agree(self, step: Step, tmp_path: Path) -> None:
        assert main(arguments(step.name, tmp_path)) == 0
        read = {"reference": nifti.read, "basis": read_basis}
        options = {key: read[key](path) for key, path in file_options(step.name, tmp_path).items()}
        done = step(nifti.read(tmp_path / "scan.nii.gz"), **options)
        out = nifti.read(result(step, tmp_path))
        np.testing.assert_array_equal(done.data.fid, out.fid)
        assert done.data.processing[-1]["Details"] == out.processing[-1]["Details"]

    def test_existing_output_is_not_replaced_unasked(self, step: Step, tmp_path: Path) -> None:
        line = arguments(step.name, tmp_path)
        assert main(line) == 0
        bystander = tmp_path / "out" / "notes.txt"
        bystander.write_text("mine")
        before = result(step, tmp_path).read_bytes()
        assert main(line) == 2
        assert result(step, tmp_path).read_bytes() == before
        assert main([*line, "--overwrite"]) == 0
        assert bystander.read_text() == "mine"

    def test_one_bad_fid_is_carried_on(self, step: Step, tmp_path: Path) -> None:
        line = arguments(step.name, tmp_path)
        given = source(step.name)
        fid = given.fid.copy()
        bad, good = ((0, 0, 0), 1) if step.fits else ((0, 0, 0, slice(None), 0, 1, 0), (0, ..., 1))
        fid[bad] = np.nan
        if not step.fits:
            fid[1] = 0
        nifti.write(replace(given, fid=fid), tmp_path / "scan.nii.gz")
        assert main(line) == 0
        assert np.isfinite(nifti.read(result(step, tmp_path)).fid[good]).all()

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

    def test_an_interrupted_run_says_so_and_leaves_nothing(
        self, step: Step, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def interrupted(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        line = arguments(step.name, tmp_path)
        monkeypatch.setattr(Step, "__call__", interrupted)
        assert main(line) == 130
        assert capsys.readouterr().err == f"fsl_mrs_dl {step.name}: interrupted.\n"
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
