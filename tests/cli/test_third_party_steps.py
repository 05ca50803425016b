"""Steps of other packages: a good one is a command; a broken one is named and left out, and stops nothing else."""

import subprocess
import sys
from importlib.metadata import EntryPoint

import pytest

from fsl_mrs_dl import cli
from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.steps import third_party
from fsl_mrs_dl.steps.registry import built_in_steps

STEP = '''
from fsl_mrs_dl.data import MRSData
from fsl_mrs_dl.steps.registry import StepResult, step

@step(method="Scaling")
def scale(data: MRSData, *, {option}: float) -> StepResult:
    """Multiply all FIDs by a factor.

    Parameters
    ----------
    data : MRSData
    {option} : float
        What to multiply by.
    """
    return StepResult(data.with_fid(data.fid * {option}))
'''
GOOD = STEP.format(option="factor")


@pytest.fixture
def installed(tmp_path):
    """Return a function that runs the program with a package of these modules and entry points beside it."""

    def run(modules, points, *argv):
        site = tmp_path / "site"
        info = site / "mylab_mrs-1.0.dist-info"
        info.mkdir(parents=True, exist_ok=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mylab-mrs\nVersion: 1.0\n")
        lines = "".join(f"{name} = {value}\n" for name, value in points)
        (info / "entry_points.txt").write_text(f"[fsl_mrs_dl.steps]\n{lines}")
        for name, text in modules.items():
            (site / f"{name}.py").write_text(text)
        code = f"import sys; sys.path.insert(0, {str(site)!r}); from fsl_mrs_dl.cli import main; sys.exit(main())"
        done = subprocess.run([sys.executable, "-c", code, *map(str, argv)], capture_output=True, text=True)
        assert "Traceback" not in done.stderr
        return done

    return run


@pytest.fixture(scope="module")
def scan(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scan")
    said = ["--points", "64", "--transients", "2", "--filename", "scan"]
    assert cli.main(["simulate", "--output", str(folder), *said]) == 0
    return folder / "scan.nii.gz"


def test_a_good_step_is_a_command(installed, scan, tmp_path):
    points = [("scale", "good:scale"), ("double", "good:scale")]
    listed = installed({"good": GOOD}, points, "--help")
    assert (listed.returncode, listed.stderr) == (0, "")
    assert "Multiply all FIDs by a factor" in listed.stdout
    out = tmp_path / "out"
    done = installed({"good": GOOD}, points, "double", "--file", scan, "--output", out, "--factor", 3)
    assert (done.returncode, done.stderr) == (0, "")
    assert (nifti.read(out / "scan.nii.gz").fid == 3 * nifti.read(scan).fid).all()


BROKEN = {
    "absent": ("not_there:scale", "ModuleNotFoundError"),
    "raises": ("raises:scale", "ZeroDivisionError"),
    "exits": ("exits:scale", "SystemExit"),
    "syntax": ("syntax:scale", "SyntaxError"),
    "no_attribute": ("good:nothing", "AttributeError"),
    "no_step": ("good:MRSData", "not a Step"),
    "no_value": ("", "left out"),
    "takes_output": ("takes:scale", "option output"),
    "Has Spaces": ("good:scale", "lower-case"),
    "align": ("good:scale", "name of a command of fsl_mrs_dl"),
    "train": ("good:scale", "name of a command of fsl_mrs_dl"),
}
MODULES = {
    "good": GOOD,
    "raises": "1 / 0",
    "exits": "raise SystemExit(7)",
    "syntax": "def (",
    "takes": STEP.format(option="output"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_step_is_left_out_with_a_warning_that_names_it(name, installed):
    value, reason = BROKEN[name]
    listed = installed(MODULES, [(name, value), ("scale", "good:scale")], "--help")
    assert listed.returncode == 0
    (warning,) = listed.stderr.splitlines()
    assert warning.startswith(f"The step {name} of mylab-mrs is left out")
    assert reason in warning
    assert "Multiply all FIDs by a factor" in listed.stdout  # the good one beside it is there
    assert all(f"\n    {own} " in listed.stdout for own in [*built_in_steps(), *cli.TOOLS])


def test_no_command_of_the_program_imports_another_package(installed):
    """What a user runs works, whatever else is installed; so does the help of all commands."""
    points = [(name, value) for name, (value, _) in BROKEN.items() if value]
    for argv in (["--version"], ["align", "--help"], ["train", "--help"], ["models", "list"]):
        done = installed(MODULES, points, *argv)
        assert done.returncode == 0
        assert done.stdout
        assert done.stderr == ""
    helped = installed(MODULES, points, "align", "--help")
    assert "--method" in helped.stdout
    assert "What to multiply by" not in helped.stdout


def test_the_broken_command_itself_ends_in_a_message(installed):
    done = installed(MODULES, [("raises", "raises:scale")], "raises")
    assert done.returncode == 2
    assert "The step raises of mylab-mrs is left out: ZeroDivisionError" in done.stderr


LOUD = GOOD.replace("    return StepResult(", "    numpy.log(numpy.float64(-1))\n    return StepResult(")


@pytest.mark.parametrize("asked", [False, True])
def test_library_warnings_reach_nobody_who_does_not_ask(asked, installed, scan, tmp_path, monkeypatch):
    """NumPy's warning of a logarithm that does not exist; it is there with Python's own option."""
    if asked:
        monkeypatch.setenv("PYTHONWARNINGS", "default")
    said = ["scale", "--file", scan, "--output", tmp_path / "out", "--factor", 2]
    done = installed({"loud": f"import numpy\n{LOUD}"}, [("scale", "loud:scale")], *said)
    assert done.returncode == 0
    assert ("RuntimeWarning" in done.stderr) is asked
    if not asked:
        assert done.stderr == ""


@pytest.mark.parametrize("name", cli.TOOLS)
def test_no_step_takes_the_name_of_a_tool(name, monkeypatch, caplog):
    point = EntryPoint(name, "fsl_mrs_dl.steps.average:average", "fsl_mrs_dl.steps")
    monkeypatch.setattr(third_party, "entry_points", lambda group: [point])
    assert third_party.third_party_steps(built_in_steps()) == {}
    assert f"The step {name} of" in caplog.text
