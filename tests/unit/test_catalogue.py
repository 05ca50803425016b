"""The table of networks: what derives from it, and what must agree with it."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from fsl_mrs_dl.cli import main
from fsl_mrs_dl.errors import ModelError
from fsl_mrs_dl.fit.registration import METHODS
from fsl_mrs_dl.models.catalogue import CATALOGUE, SHIPPED, architectures, choices, methods
from fsl_mrs_dl.steps.options import describe
from fsl_mrs_dl.steps.registry import built_in_steps
from fsl_mrs_dl.train.command import options_of, resolved, train
from fsl_mrs_dl.train.writing import command_of

DOCS = Path(__file__).parents[2] / "docs"


def option(options, name):
    return next(one for one in options if one.name == name)


@pytest.mark.parametrize("task", ["align", "quantify"])
def test_the_methods_of_a_step_are_those_of_the_table(task):
    offered = option(built_in_steps()[task].options, "method")
    assert offered.choices == tuple(methods(task))
    for entry in methods(task).values():
        assert entry.summary in offered.help


def test_the_classical_methods_of_align_are_those_of_the_fit():
    assert [name for name, entry in methods("align").items() if not entry.builder] == list(METHODS)


def test_train_offers_every_network_and_says_which_are_shipped():
    offered = option(describe(train).options, "architecture")
    assert offered.choices == tuple(architectures())
    assert (
        "dsrf: network, relative to a reference, by the spectrum near creatine (shipped for 3 T and 7 T)."
        in (offered.help)
    )
    assert "tapper: two fully connected networks, trained with labels (train it first)." in offered.help
    assert "start: network that starts the fit with any basis set (shipped for any field)." in offered.help


def test_a_start_is_no_method():
    assert "start" in architectures("quantify")
    assert "start" not in methods("quantify")


def test_every_shipped_package_is_of_a_row_that_says_its_field():
    for file in SHIPPED.glob("*/*/card.json"):
        card = json.loads(file.read_text(encoding="utf-8"))
        entry = CATALOGUE[card["architecture"]]
        assert entry.task == card["task"]
        field = file.parents[1].name.rpartition("-")[2]
        assert (f"{field.removesuffix('t')} T" if field.endswith("t") else "any field") in entry.fields


def test_every_row_with_a_source_has_it_in_the_table_of_methods():
    text = (DOCS / "methods.md").read_text(encoding="utf-8")
    assert [entry.name for entry in CATALOGUE.values() if entry.source not in text] == []


def test_help_of_one_task_is_not_grouped():
    assert not choices(methods("align")).help.startswith("For align")
    assert re.search(r"For quantify: [^.]*\bdq-nmm\b", choices(architectures()).help)


def test_the_table_needs_no_torch():
    script = (
        "import sys; from fsl_mrs_dl.models.catalogue import architectures, choices; choices(architectures());"
        "print([name for name in ('torch', 'scipy', 'lightning') if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_the_command_lists_every_network(capsys):
    assert main(["models", "list", "--architectures"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines if line[0] != " "] == ["network", *architectures()]
    assert max(map(len, lines)) <= 100
    assert main(["models", "verify", "--architectures"]) == 2
    assert "--architectures is for list" in capsys.readouterr().err


@pytest.mark.parametrize(
    "command",
    [
        "",
        "rm -rf here",
        "fsl_mrs_dl train align --architecture nothing",
        "fsl_mrs_dl train quantify --architecture dsr",
        "fsl_mrs_dl train align --architecture dsr --samples many",
        "fsl_mrs_dl train align --architecture dsr --nothing 1",
        "fsl_mrs_dl train align --architecture dsr --samples 100 200",
        "fsl_mrs_dl train align --architecture 'dsr",
    ],
)
def test_a_command_on_a_card_that_cannot_be_repeated_is_refused(command):
    with pytest.raises(ModelError, match="cannot be repeated"):
        options_of(command)


def test_options_come_back_from_their_command():
    options = resolved(
        "dq-rpmm", amplitudes="whitened", seed_sign=True, data=(Path("a b.nii"), Path("c.nii"))
    )
    assert options_of(command_of(options)) == options
