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
CONFTESTS = [file.name for file in (REPOSITORY / "tests").glob("*.py")]
RECIPE = re.compile(
    r"^<!-- (?:file (?P<file>\S+)|row of (?P<of>\S+) behind (?P<line>[^\n]+)) -->\n"
    r"```(?:python|text)\n(?P<code>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of the package and of the tests that the recipes name, with all that they add."""
    folder = tmp_path_factory.mktemp("copy")
    left_out = shutil.ignore_patterns("__pycache__", "resources")
    shutil.copytree(REPOSITORY / "fsl_mrs_dl", folder / "fsl_mrs_dl", ignore=left_out)
    (folder / "fsl_mrs_dl" / "resources").symlink_to(REPOSITORY / "fsl_mrs_dl" / "resources")
    shutil.copy(REPOSITORY / "pyproject.toml", folder)
    for name in (*CONFTESTS, "unit/test_networks.py", "unit/test_basis_formats.py", "cli/test_contract.py"):
        (folder / "tests" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / "tests" / name, folder / "tests" / name)
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


def run_in(folder, *words):
    environment = {**os.environ, "PYTHONPATH": str(folder), "FSL_MRS_DL_MODELS": str(folder / "models")}
    ran = subprocess.run(
        [sys.executable, "-m", *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-3000:]
    return ran.stdout


def test_a_step_is_one_file_and_a_line_of_its_case(copy):
    said = run_in(
        copy, "pytest", "-q", "-p", "no:cacheprovider", "tests/cli/test_contract.py", "-k", "apodize"
    )
    assert re.search(r"\d{2} passed", said)


def test_a_network_is_one_file_and_one_row(copy):
    said = run_in(
        copy, "pytest", "-q", "-p", "no:cacheprovider", "tests/unit/test_networks.py", "-k", "one-layer"
    )
    assert "3 passed" in said
    assert "one-layer: one linear layer, trained with labels (train it first)." in " ".join(
        run_in(copy, "fsl_mrs_dl", "align", "--help").split()
    )
    few = ("--samples", "40", "--epochs", "1", "--prior", "brain_3t")
    run_in(copy, "fsl_mrs_dl", "train", "align", "--architecture", "one-layer", *few, "--output", "models")
    run_in(copy, "fsl_mrs_dl", "simulate", "--field", "3", "--transients", "8", "--output", "scan")
    run_in(
        copy,
        "fsl_mrs_dl",
        "align",
        "--file",
        "scan/simulated.nii.gz",
        "--method",
        "one-layer",
        "--output",
        "out",
    )


def test_a_format_of_basis_sets_is_one_file_and_one_row(copy):
    said = run_in(
        copy, "pytest", "-q", "-p", "no:cacheprovider", "tests/unit/test_basis_formats.py", "-k", "npz"
    )
    assert re.search(r"\d passed", said)
