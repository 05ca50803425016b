"""The plain install has no networks: what needs none works, all else ends in the line that installs it.

Each command runs in a process in which the packages cannot be imported, so that the tests are the same where they
are installed and where they are not.
"""

import subprocess
import sys

import pytest

from fsl_mrs_dl.steps.registry import built_in_steps
from fsl_mrs_dl.steps.tools import TOOLS

NETWORKS = ("torch", "lightning", "safetensors", "sklearn")
BLOCK = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in sys.argv[1].split(","):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
"""
RUN = f"{BLOCK}from fsl_mrs_dl.cli import main; sys.exit(main(sys.argv[2:]))"
HELP = f"""{BLOCK}
import contextlib, io
from fsl_mrs_dl.cli import main
for name in sys.argv[2:]:
    said = io.StringIO()
    with contextlib.suppress(SystemExit), contextlib.redirect_stdout(said):
        main([name, "--help"])
    print(name, "example:" in said.getvalue())
"""
IMPORTS = f"""{BLOCK}
import importlib, pkgutil
import fsl_mrs_dl
for package in sys.argv[2:]:
    module = importlib.import_module(package)
    for one in pkgutil.walk_packages(getattr(module, "__path__", []), f"{{package}}."):
        importlib.import_module(one.name)
"""
INSTALL = 'is not installed. Install it with: pip install "fsl-mrs-dl[networks]"\n'


def python(script, *words, absent=NETWORKS):
    """Run a script in a process where packages are absent."""
    return subprocess.run(
        [sys.executable, "-c", script, ",".join(absent), *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
    )


def done(*words, absent=NETWORKS):
    """Run a command of the program that must work, and return what it prints."""
    ran = python(RUN, *words, absent=absent)
    assert (ran.returncode, ran.stderr) == (0, "")
    return ran.stdout


@pytest.fixture(scope="module")
def scan(tmp_path_factory):
    """A simulated scan of eight transients."""
    folder = tmp_path_factory.mktemp("scan")
    made = ("--transients", 8, "--basis", "press_3t_te30", "--filename", "scan")
    done("simulate", "--output", folder, *made)
    return folder / "scan.nii.gz"


@pytest.fixture(scope="module")
def average(scan):
    """The scan aligned, with its report, and averaged."""
    folder = scan.parent / "aligned"
    done("align", "--file", scan, "--output", folder, "--average", "-r")
    assert "plotly" in (folder / "scan_align.html").read_text()
    return folder / "scan.nii.gz"


def test_the_help_of_every_command_needs_no_network():
    names = [*built_in_steps(), *TOOLS]
    assert python(HELP, *names).stdout.splitlines() == [f"{name} True" for name in names]


def test_networks_are_imported_only_where_they_are_built_and_trained():
    rooms = (
        "choices cli data demo errors extras fit io models.catalogue models.package physics report sampling"
    )
    rooms += " scores simulate steps study train.command"
    viewer = (
        "fsleyes_plugin.model",
        "fsleyes_plugin.plots",
        "fsleyes_plugin.running",
        "fsleyes_plugin.session",
    )
    ran = python(IMPORTS, *(f"fsl_mrs_dl.{room}" for room in rooms.split()), *viewer)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_the_packages_of_networks_are_listed_and_shown():
    listed = done("models", "list").splitlines()
    assert any(line.startswith("align-dsr-1h-3t@") for line in listed)
    assert not any("cannot be used" in line for line in listed)
    assert "dsrf" in done("models", "list", "--architectures")
    assert "Not for " in done("models", "show", "align-dsr-1h-3t")


def test_a_scan_is_quantified_with_its_report(average, tmp_path):
    told = done("quantify", "--data", average, "--basis", "press_3t_te30", "--output", tmp_path, "--report")
    assert "NAA+NAAG" in told
    assert "plotly" in (tmp_path / "report.html").read_text()


def test_a_scan_is_reconstructed_with_its_report(scan, tmp_path):
    told = done("reconstruct", "--file", scan, "--penalty", "auto", "--output", tmp_path, "-r")
    assert "The penalty follows from the noise" in told
    assert "plotly" in (tmp_path / "scan_reconstruct.html").read_text()


@pytest.mark.parametrize(
    ("words", "by"),
    [
        (("align", "--file", "SCAN", "--model", "align-dsr-1h-3t"), "The network align-dsr-1h-3t@2.0.0"),
        (("align", "--file", "SCAN", "--method", "dsrf"), "The network align-dsrf-1h-3t@2.0.0"),
        (
            ("augment", "--file", "SCAN", "--model", "synthesise-cvae-press-1h-3t"),
            "The network synthesise-cvae-press-1h-3t@1.0.0",
        ),
        (
            ("quantify", "--data", "SCAN", "--basis", "press_3t_te30", "--method", "dq-nmm"),
            "The network quantify-dq-nmm-press-1h-3t@1.0.0",
        ),
        (("synthesise",), "The network synthesise-cvae-press-1h-3t@1.0.0"),
        (("train", "align", "--architecture", "dsr"), "train align"),
        (("train", "quantify", "--architecture", "start"), "train quantify"),
        (("train", "reconstruct", "--architecture", "asds-vae"), "train reconstruct"),
        (("train", "synthesise", "--architecture", "cvae"), "train synthesise"),
        (("evaluate", "--real", "SCAN", "--synthetic", "SCAN"), "evaluate"),
    ],
)
def test_what_needs_a_network_ends_in_one_line(scan, average, tmp_path, words, by):
    file = average if "--data" in words else scan
    words = [file if word == "SCAN" else word for word in words]
    ran = python(RUN, *words, "--output", tmp_path / "result")
    assert (ran.returncode, ran.stderr) == (2, f"fsl_mrs_dl {words[0]}: {by} needs torch, which {INSTALL}")
    assert not (tmp_path / "result").exists()


def test_packages_cannot_be_verified_without_networks():
    ran = python(RUN, "models", "verify", "align-dsr-1h-3t")
    assert ran.returncode == 2
    assert ran.stderr.endswith(f"needs torch, which {INSTALL}")


def test_a_study_without_the_package_of_its_report_ends_before_its_scans(scan, tmp_path):
    words = ("study", "--input", scan.parent, "--output", tmp_path / "result", "--basis", "press_3t_te30")
    ran = python(RUN, *words, absent=("plotly",))
    assert ran.returncode == 2
    assert ran.stderr.endswith("needs plotly, which is not installed. Install it with: pip install plotly\n")
    assert not (tmp_path / "result").exists()


def test_a_result_is_written_where_its_report_cannot_be_drawn(scan, average, tmp_path):
    missing = "The result is written. Its report needs plotly, which is not installed. "
    missing += "Install it with: pip install plotly\n"
    fit, aligned = tmp_path / "fit", tmp_path / "aligned"
    words = ("quantify", "--data", average, "--basis", "press_3t_te30", "--output", fit)
    ran = python(RUN, *words, "--report", absent=("plotly",))
    assert (ran.returncode, ran.stderr) == (2, f"fsl_mrs_dl quantify: {missing}")
    assert "NAA+NAAG" in ran.stdout
    assert {"concentrations.csv", "fit.nii.gz", "run.json"} <= {path.name for path in fit.iterdir()}
    ran = python(RUN, "align", "--file", scan, "--output", aligned, "-r", absent=("plotly",))
    assert (ran.returncode, ran.stderr) == (2, f"fsl_mrs_dl align: {missing}")
    assert sorted(path.name for path in aligned.iterdir()) == ["scan.nii.gz", "scan_align.csv"]
