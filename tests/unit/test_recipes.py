"""Follows the recipes of CONTRIBUTING.md in a copy of the repository: a step, a network, a format of basis sets.

``<!-- file PATH -->`` before a block writes the block as that file; ``<!-- row of PATH behind LINE -->`` puts it
behind the first line that is LINE. Nothing else is changed; then the tests that the text names must pass.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
RECIPE = re.compile(
    r"^<!-- (?:file (?P<file>\S+)|row of (?P<of>\S+) behind (?P<line>[^\n]+)) -->\n"
    r"```(?:python|text)\n(?P<code>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of the package and of its tests, with all that the recipes add."""
    folder = tmp_path_factory.mktemp("copy")
    left_out = shutil.ignore_patterns("resources")
    for part in ("fsl_mrs_dl", "tests"):
        shutil.copytree(REPOSITORY / part, folder / part, ignore=left_out)
    (folder / "fsl_mrs_dl" / "resources").symlink_to(REPOSITORY / "fsl_mrs_dl" / "resources")
    shutil.copy(REPOSITORY / "pyproject.toml", folder)
    text = (REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8")
    recipes = list(RECIPE.finditer(text))
    assert len(recipes) == 7
    for recipe in recipes:
        if recipe["file"]:
            assert not (folder / recipe["file"]).exists()
            (folder / recipe["file"]).write_text(recipe["code"], encoding="utf-8")
            continue
        table = folder / recipe["of"]
        before, line, after = table.read_text(encoding="utf-8").partition(f"\n{recipe['line']}\n")
        assert line, f"{recipe['of']} has no line {recipe['line']}"
        table.write_text(before + line + recipe["code"] + after, encoding="utf-8")
    return folder


COMMANDS = """
import shlex, sys
from fsl_mrs_dl.cli import main
sys.exit(any(main(shlex.split(line)) for line in sys.argv[1:]))
"""
"""A program that runs its arguments as lines of ``fsl_mrs_dl``."""


def run_in(folder, *words):
    """Run Python in the copy, as an own process: this one has imported the package already."""
    environment = {**os.environ, "PYTHONPATH": str(folder), "FSL_MRS_DL_MODELS": str(folder / "models")}
    ran = subprocess.run(
        [sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-3000:]
    return ran.stdout


def run_tests(folder, file, word):
    return run_in(folder, "-m", "pytest", "-q", "-p", "no:cacheprovider", file, "-k", word)


def test_a_step_is_one_file_and_a_line_of_its_case(copy):
    assert re.search(r"\d{2} passed", run_tests(copy, "tests/cli/test_contract.py", "apodize"))


def test_a_network_is_one_file_and_one_row(copy):
    assert "3 passed" in run_tests(copy, "tests/unit/test_networks.py", "one-layer")
    shown = " ".join(run_in(copy, "-m", "fsl_mrs_dl", "align", "--help").split())
    assert "one-layer: one linear layer, trained with labels (train it first)." in shown
    run_in(
        copy,
        "-c",
        COMMANDS,
        "train align --architecture one-layer --prior brain_3t --samples 40 --epochs 1 --output models",
        "simulate --field 3 --transients 8 --output scan",
        "align --file scan/simulated.nii.gz --method one-layer --output out",
    )
    assert (copy / "out" / "simulated_align.csv").exists()


def test_a_format_of_basis_sets_is_one_file_and_one_row(copy):
    assert re.search(r"\d passed", run_tests(copy, "tests/unit/test_basis_formats.py", "npz"))
