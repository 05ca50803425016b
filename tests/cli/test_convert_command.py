"""``convert``: what other programs wrote, through spec2nii where it is installed, and the commands that are told.

Where spec2nii has to fail or to be absent a stand-in takes its place; it says nothing of how well spec2nii reads.
"""

import importlib.util
import os
import re
import shlex
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import vendor_scans

from fsl_mrs_dl.cli import main
from fsl_mrs_dl.data import MRSData
from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.physics import fid_to_spectrum

spec2nii = pytest.mark.skipif(
    importlib.util.find_spec("spec2nii") is None, reason="spec2nii is not installed"
)
SIMULATED = "simulate --kind svs --basis press_3t_te30 --snr 200 --dwelltime 0.0005 --points 2048 --seed 3"


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> MRSData:
    """A simulated PRESS spectrum with residual water."""
    folder = tmp_path_factory.mktemp("simulated")
    assert main([*SIMULATED.split(), "--output", str(folder)]) == 0
    data = nifti.read(folder / "simulated.nii.gz")
    t = np.arange(data.n_points) * data.dwelltime_s
    fid = np.asarray(data.fid) + (5 * np.abs(data.fid[0, 0, 0, 0]) * np.exp(-25 * t + 1j))[None, None, None]
    scale = 1e3 / np.abs(fid).max()
    header = {"EchoTime": 0.03, "RepetitionTime": 2.0}
    return MRSData(scale * fid, data.dwelltime_s, data.spectrometer_frequency_mhz, header=header)


def convert_files(folder: Path, *files: Path, more: tuple[str, ...] = ()) -> int:
    return main(["convert", "--file", *map(str, files), "--output", str(folder), *more])


def run_next(said: str) -> list[str]:
    """Run the commands that were told, and return them."""
    lines = [line.strip() for line in said.splitlines() if line.startswith("  fsl_mrs_dl ")]
    for line in lines:
        assert main(shlex.split(line)[1:]) == 0, line
    return lines


@spec2nii
@pytest.mark.parametrize(
    ("write", "name", "words"),
    [
        (vendor_scans.write_rda, "scan.rda", "Siemens, PRESS, 1H at 123.25 MHz (2.89 T), TE 30 ms, TR 2 s"),
        (vendor_scans.write_sdat, "scan.SDAT", "Philips, PRESS, 1H at 123.25 MHz (2.89 T), TE 30 ms, TR 2 s"),
        (
            vendor_scans.write_raw,
            "scan.RAW",
            "vendor not said, sequence not said, 1H at 123.25 MHz (2.89 T), TE not",
        ),
        (
            vendor_scans.write_jmrui,
            "scan.txt",
            "vendor not said, sequence not said, 1H at 123.25 MHz (2.89 T), TE",
        ),
    ],
)
def test_what_was_written_is_read_and_said(
    scan: MRSData,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    write: Callable[[MRSData, Path], None],
    name: str,
    words: str,
) -> None:
    write(scan, tmp_path / name)
    assert convert_files(tmp_path / "out", tmp_path / name) == 0
    told = capsys.readouterr()
    found = nifti.read(tmp_path / "out" / "scan.nii.gz")
    np.testing.assert_allclose(found.fid, scan.fid, rtol=1e-5, atol=1e-3)
    assert found.dwelltime_s == pytest.approx(scan.dwelltime_s)
    assert found.spectrometer_frequency_mhz == pytest.approx(scan.spectrometer_frequency_mhz, rel=1e-6)
    assert f"scan.nii.gz: {words}" in told.out
    assert "2048 points of 0.5 ms, 1 voxel" in told.out
    assert re.search(r"residual water at 4\.6\d ppm", told.out)
    assert "somebody" not in told.out + told.err


@spec2nii
def test_the_commands_that_are_told_lead_to_concentrations(
    scan: MRSData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of a Philips pair of which the reference lies beside; TE 30 has a shipped basis set."""
    monkeypatch.chdir(tmp_path)
    water = 2e4 * np.exp(-10 * np.arange(scan.n_points) * scan.dwelltime_s)
    vendor_scans.write_sdat(scan, Path("x_raw_act.SDAT"))
    vendor_scans.write_sdat(scan.with_fid(water[None, None, None] + 0j), Path("x_raw_ref.SDAT"))
    assert convert_files(Path("nifti"), Path("x_raw_act.SPAR"), more=("--filename", "metab")) == 0
    said = capsys.readouterr().out
    assert "nifti/metab_ref.nii.gz: Philips" in said
    assert re.search(r"metab_ref\.nii\.gz.*, water reference\n", said)
    assert run_next(said) == [
        "fsl_mrs_dl process --data nifti/metab.nii.gz --reference nifti/metab_ref.nii.gz --basis press_3t_te30 "
        "--output results --report",
        "fsl_mrs_dl remove --file nifti/metab.nii.gz --output dry",
        "fsl_mrs_dl quantify --data dry/metab.nii.gz --basis press_3t_te30 --h2o nifti/metab_ref.nii.gz "
        "--output fit --report",
    ]
    assert Path("fit/report.html").is_file()


@spec2nii
def test_transients_of_a_row_each(scan: MRSData, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    many = replace(scan, fid=np.stack([scan.fid, 1j * scan.fid, -scan.fid], axis=-1), dim_tags=("DIM_DYN",))
    vendor_scans.write_sdat(many, tmp_path / "x.SDAT")
    assert convert_files(tmp_path / "out", tmp_path / "x.SDAT") == 0
    found = nifti.read(tmp_path / "out" / "x.nii.gz")
    assert found.dim_tags == ("DIM_DYN",)
    np.testing.assert_allclose(found.fid, many.fid, rtol=1e-5, atol=1e-3)
    told = capsys.readouterr().out
    assert "1 voxel, 3 transients" in told
    assert "fsl_mrs_dl align --average --file" in told


@spec2nii
def test_a_p_file_with_its_reference_to_concentrations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of three coils: 8 transients, and 2 of the water that GE stores before them, in the same file."""
    monkeypatch.chdir(tmp_path)
    scan, water = (replace(one, fid=1e6 * one.fid / np.abs(one.fid).max()) for one in raw_scan())
    vendor_scans.write_p_file(scan, water, Path("P12345.7"))
    assert convert_files(Path("nifti"), Path("P12345.7"), more=("--filename", "metab")) == 0
    said = capsys.readouterr().out
    for name, written in (("metab", scan), ("metab_ref", water)):
        found = nifti.read(Path(f"nifti/{name}.nii.gz"))
        assert found.dim_tags == ("DIM_COIL", "DIM_DYN")
        np.testing.assert_allclose(found.fid, written.fid, atol=1.0)
    assert (
        "metab.nii.gz: GE, PRESS, 1H at 123.25 MHz (2.89 T), TE 30 ms, TR 1.5 s, 2560 points of 0.4 ms"
        in said
    )
    assert "1 voxel, 3 coils, 8 transients" in said
    assert "1 voxel, 3 coils, 2 transients, water reference" in said
    assert "somebody" not in said
    lines = run_next(said)
    steps = ["process", "coilcombine", "coilcombine", "ecc", "align", "quantify"]
    assert [line.split()[1] for line in lines] == steps
    assert Path("fit/report.html").is_file()


@spec2nii
def test_twix_files_of_a_scan_and_of_its_water(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    scans = raw_scan()
    for name, written in zip(("metab", "wref"), scans, strict=True):
        vendor_scans.write_twix(written, Path(f"meas_{name}.dat"))
    more = ("--reference", "meas_wref.dat", "--filename", "metab")
    assert convert_files(Path("nifti"), Path("meas_metab.dat"), more=more) == 0
    said = capsys.readouterr().out
    for name, written in zip(("metab", "metab_ref"), scans, strict=True):
        found = nifti.read(Path(f"nifti/{name}.nii.gz"))
        assert found.dim_tags == ("DIM_COIL", "DIM_DYN")
        np.testing.assert_allclose(found.fid, written.fid, rtol=1e-6)
    assert (
        "metab.nii.gz: Siemens, PRESS, 1H at 123.25 MHz (2.89 T), TE 30 ms, TR 1.5 s, 2560 points of 0.4 ms"
        in said
    )
    assert "1 voxel, 3 coils, 8 transients" in said
    assert "1 voxel, 3 coils, 2 transients, water reference" in said
    lines = run_next(said)
    steps = ["process", "coilcombine", "coilcombine", "ecc", "align", "quantify"]
    assert [line.split()[1] for line in lines] == steps
    # The water alone is recognised by its height.
    assert convert_files(Path("alone"), Path("meas_wref.dat")) == 0
    assert "It looks like a water reference" in capsys.readouterr().out


@spec2nii
@pytest.mark.parametrize(
    ("write", "name"), [(vendor_scans.write_rda, "scan.rda"), (vendor_scans.write_sdat, "scan.SDAT")]
)
def test_a_file_that_is_cut_short_is_refused(
    scan: MRSData,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    write: Callable[[MRSData, Path], None],
    name: str,
) -> None:
    write(scan, tmp_path / name)
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:-1000])
    assert convert_files(tmp_path / "out", tmp_path / name) == 2
    assert re.search("cut short|could not convert", capsys.readouterr().err)
    assert not (tmp_path / "out").exists()


@spec2nii
def test_raw_data_that_are_cut_short_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    scan, water = (replace(one, fid=1e6 * one.fid / np.abs(one.fid).max()) for one in raw_scan())
    vendor_scans.write_twix(scan, Path("meas.dat"))
    vendor_scans.write_p_file(scan, water, Path("P1.7"))
    for path in (Path("meas.dat"), Path("P1.7")):
        path.write_bytes(path.read_bytes()[:-30000])
        assert convert_files(Path("out"), path) == 2
        assert re.search("cut short|could not convert", capsys.readouterr().err)
    assert not Path("out").exists()


@spec2nii
def test_raw_mrsi_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    vendor_scans.write_twix(raw_scan()[0], Path("csi.dat"), matrix=4)
    assert convert_files(Path("out"), Path("csi.dat")) == 2
    assert "does not reconstruct raw MRSI" in capsys.readouterr().err
    assert not Path("out").exists()


@spec2nii
def test_names_of_any_bytes(scan: MRSData, tmp_path: Path) -> None:
    for name in (os.fsdecode(b"caf\xe9.rda"), "-dash and blank.rda"):
        vendor_scans.write_rda(scan, tmp_path / name)
        assert convert_files(tmp_path / "out", tmp_path / name) == 0
        np.testing.assert_allclose(
            nifti.read(tmp_path / "out" / f"{name[:-4]}.nii.gz").fid, scan.fid, rtol=1e-5
        )


@spec2nii
def test_anonymous_and_whole(scan: MRSData, tmp_path: Path) -> None:
    vendor_scans.write_rda(scan, tmp_path / "scan.rda")
    assert convert_files(tmp_path / "a", tmp_path / "scan.rda") == 0
    assert convert_files(tmp_path / "b", tmp_path / "scan.rda", more=("--anon",)) == 0
    whole, anonymous = (nifti.read(tmp_path / d / "scan.nii.gz") for d in "ab")
    assert whole.header["PatientName"] == "somebody"
    assert "PatientName" not in anonymous.header
    np.testing.assert_array_equal(whole.fid, anonymous.fid)


@spec2nii
@pytest.mark.realdata
def test_a_real_philips_pair(shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same scan lies there as somebody else converted it."""
    folder = shared_data / "invivo" / "press_3t"
    (sdat,) = (folder / "vendor").glob("*.SDAT")
    assert convert_files(tmp_path, sdat, more=("--filename", "metab")) == 0
    theirs, ours = nifti.read(folder / "sub-01_press.nii.gz"), nifti.read(tmp_path / "metab.nii.gz")
    np.testing.assert_allclose(ours.fid, theirs.fid, rtol=1e-6)
    told = capsys.readouterr().out
    assert "Philips, PRESS, 1H at 127.76 MHz (3 T), TE 30 ms, TR 2 s, 2048 points of 0.5 ms, 1 voxel" in told
    assert "--basis press_3t_te30" in told
    naa = np.abs(ours.ppm_axis - 2.01) < 0.05
    height = np.abs(fid_to_spectrum(ours.fid[0, 0, 0].astype(complex)))
    assert height[naa].max() == height[(ours.ppm_axis > 1.7) & (ours.ppm_axis < 2.9)].max()


STAND_IN = """#!{python}
import sys
from pathlib import Path
import numpy as np
from fsl_mrs_dl.io import nifti
arguments = sys.argv[1:]
Path("arguments.txt").write_text(" ".join(arguments))
if "broken" in " ".join(arguments):
    print("Traceback ..\\nValueError: of no use", file=sys.stderr)
    sys.exit(1)
out, name = Path(arguments[arguments.index("-o") + 1]), arguments[arguments.index("-f") + 1]
out.mkdir()
for ending in ("", "_ref"):
    nifti.write(nifti.read(Path("made" + ending + ".nii.gz")), out / (name + ending + ".nii.gz"))
"""


def hide_spec2nii(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *a: None if name == "spec2nii" else find(name, *a)
    )


def raw_scan() -> tuple[MRSData, MRSData]:
    """Return transients of three coils, and two of their water in opposite phase, of a folder that is current."""
    line = "simulate --output . --filename made --coils 3 --transients 8 --basis press_3t_te30 --snr 40"
    assert main([*line.split(), "--drift_hz", "3", "--eddy_hz", "2", "--water_reference", "--seed", "4"]) == 0
    scan, water = (nifti.read(Path(f"{name}.nii.gz")) for name in ("made", "made_wref"))
    said = {"Manufacturer": "GE", "SequenceName": "PROBE-P", "EchoTime": 0.03, "RepetitionTime": 1.5}
    twice = np.stack([water.fid, -water.fid], axis=-1)
    return (
        replace(scan, header={**scan.header, **said}),
        replace(water, fid=twice, dim_tags=("DIM_COIL", "DIM_DYN"), header={**water.header, **said}),
    )


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a program ``spec2nii`` on the path that writes a scan of coils, and its water."""
    monkeypatch.chdir(tmp_path)
    for name, data in zip(("made", "made_ref"), raw_scan(), strict=True):
        header = {**data.header, "ConversionMethod": "spec2nii stand-in"}
        nifti.write(replace(data, header=header), Path(f"{name}.nii.gz"))
    Path("bin").mkdir()
    program = Path("bin/spec2nii")
    program.write_text(STAND_IN.format(python=sys.executable))
    program.chmod(0o755)
    hide_spec2nii(monkeypatch)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    return tmp_path


def p_file(path: Path) -> Path:
    path.write_bytes(np.float32(26.002).tobytes() + bytes(1000))
    return path


def test_failure_of_spec2nii_is_one_line_and_nothing_is_written(
    stand_in: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert convert_files(Path("out"), p_file(Path("broken.7"))) == 2
    said = capsys.readouterr()
    assert said.err == (
        "fsl_mrs_dl convert: spec2nii could not convert broken.7 as GE P-file: ValueError: of no use. By hand: "
        "spec2nii ge broken.7 (options: spec2nii ge --help).\n"
    )
    assert not said.out
    assert not Path("out").exists()


def test_existing_files_are_not_replaced_unasked(stand_in: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scan = p_file(Path("P1.7"))
    assert convert_files(Path("out"), scan) == 0
    before = Path("out/P1.nii.gz").stat().st_mtime_ns
    assert convert_files(Path("out"), scan) == 2
    assert "add --overwrite" in capsys.readouterr().err
    assert Path("out/P1.nii.gz").stat().st_mtime_ns == before
    assert convert_files(Path("out"), scan, more=("--overwrite",)) == 0
    assert Path("out/P1.nii.gz").stat().st_mtime_ns > before


def test_processed_data_are_never_replaced(stand_in: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scan = p_file(Path("P1.7"))
    assert convert_files(Path("raw"), scan) == 0
    assert main(["coilcombine", "--file", "raw/P1.nii.gz", "--output", "out"]) == 0
    before = Path("out/P1.nii.gz").read_bytes()
    assert convert_files(Path("out"), scan, more=("--overwrite",)) == 2
    assert "not an unprocessed conversion by spec2nii; it is left alone" in capsys.readouterr().err
    assert Path("out/P1.nii.gz").read_bytes() == before
    assert not Path("out/P1_ref.nii.gz").exists()


def test_without_spec2nii_one_line_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hide_spec2nii(monkeypatch)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert convert_files(tmp_path / "out", p_file(tmp_path / "P1.7")) == 2
    said = capsys.readouterr().err
    assert said == (
        "fsl_mrs_dl convert: convert needs spec2nii, which is not installed. Install it with: "
        'pip install "fsl-mrs-dl[convert]"\n'
    )
    assert not (tmp_path / "out").exists()
