"""Packages that may be absent: each message names an extra that brings the package."""

import re
import tomllib
from pathlib import Path

import pytest

from fsl_mrs_dl.errors import MissingDependencyError
from fsl_mrs_dl.extras import PACKAGES, absent, explained, require

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]


def names(requirements):
    return {re.split(r"[<>=\[; ]", one)[0] for one in requirements}


@pytest.mark.parametrize("module", PACKAGES)
def test_the_command_installs_the_package(module):
    package, requirement = PACKAGES[module]
    extra = re.search(r"^fsl-mrs-dl\[(\w+)\]$", requirement)
    brings = PROJECT["optional-dependencies"][extra[1]] if extra else PROJECT["dependencies"]
    assert package in names(brings)


def test_the_plain_install_has_no_networks():
    assert not names(PROJECT["dependencies"]) & names(PROJECT["optional-dependencies"]["networks"])


def test_every_extra_has_code_or_tools_behind_it():
    tools = {"test", "docs", "mutation", "fsleyes"}
    behind = {re.sub(r".*\[(\w+)\]", r"\1", requirement) for _, requirement in PACKAGES.values()}
    assert set(PROJECT["optional-dependencies"]) - tools == behind - {"plotly", "matplotlib"}


def test_a_package_that_is_there_is_imported():
    assert require("plotly.offline", "this test").__name__ == "plotly.offline"


def test_a_package_that_is_broken_is_distinct_names_from_one_that_is_absent():
    assert "which is not installed. " in str(absent("umap", "a picture"))
    broken = absent("umap", "a picture", ModuleNotFoundError("No module named 'numba'", name="numba"))
    assert str(broken) == (
        "a picture needs umap-learn, which cannot be imported (No module named 'numba'). "
        'Install it with: pip install "fsl-mrs-dl[studies]"'
    )


def test_only_packages_of_the_table_are_explained():
    of_torch = explained(ModuleNotFoundError("No module named 'torch'", name="torch"), "align")
    assert isinstance(of_torch, MissingDependencyError)
    own = ModuleNotFoundError("No module named 'fsl_mrs_dl.absent'", name="fsl_mrs_dl.absent")
    assert explained(own, "align") is own
