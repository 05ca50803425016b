"""What the help of every command shows: an example that its own options take, and each flag once."""

import contextlib
import io
import re
import shlex

import pytest

from fsl_mrs_dl.cli import TOOLS, main
from fsl_mrs_dl.steps.registry import built_in_steps
from fsl_mrs_dl.steps.tools import FIRST_OPTIONS

STEPS = built_in_steps()
COMMANDS = [*STEPS, *TOOLS]
EXAMPLE = "example:\n  "
FLAG = re.compile(r"(?<![\w-])--?\w[\w-]*")
IN_BRACKETS = re.compile(r"\[[^\[\]]*(\[[^\]]*\][^\[\]]*)*\]")


def help_of(name: str) -> str:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
        main([name, "--help"])
    return printed.getvalue()


@pytest.mark.parametrize("name", COMMANDS)
def test_the_example_has_known_flags_and_all_that_are_required(name: str) -> None:
    shown = help_of(name)
    usage = shown.split("\n\n")[0]
    _, found, example = shown.partition(EXAMPLE)
    assert found
    words = shlex.split(example)
    assert words[:2] == ["fsl_mrs_dl", name]
    flags = {word for word in words if word.startswith("-")}
    known = set(FLAG.findall(usage))
    required = set(FLAG.findall(IN_BRACKETS.sub("", usage)))
    assert flags - known == set()
    assert required - flags == set()


@pytest.mark.parametrize("name", COMMANDS)
def test_a_flag_and_its_opposite_are_one_entry(name: str) -> None:
    entries = re.findall(r"^  (--no_\w+)", help_of(name), re.MULTILINE)
    options = {option.name for step in STEPS.values() for option in step.options}
    assert [flag for flag in entries if flag.removeprefix("--no_") in options] == []


@pytest.mark.parametrize("name", STEPS)
def test_the_opposite_of_a_flag_is_told_by_its_entry(name: str) -> None:
    shown = " ".join(help_of(name).split())
    assert [o.name for o in STEPS[name].options if o.negatable and f"--no_{o.name}" not in shown] == []


@pytest.mark.parametrize("name", ["quantify", "process"])
def test_the_options_that_people_use_first_stand_first(name: str) -> None:
    shown = help_of(name)
    main_options, others = shown.partition(f"other {name} options:")[::2]
    assert all(f"\n  --{first} " in main_options for first in ("basis", "tissue_frac", "baseline"))
    assert "\n  --lorentzian" in others


@pytest.mark.parametrize("name", [*FIRST_OPTIONS, "align"])
def test_commands_with_many_options_have_the_first_six_before_the_others(name: str) -> None:
    first = FIRST_OPTIONS[name] if name in FIRST_OPTIONS else STEPS[name].first
    assert len(first) == 6
    shown = help_of(name)
    main_options, others = re.split(r"\nother .*options:\n", shown)
    assert [option for option in first if f"\n  --{option}" not in main_options] == []
    assert len(re.findall(r"^  --\w", others, re.MULTILINE)) > 3


def test_values_are_named_by_kind_or_unit() -> None:
    shown = help_of("quantify")
    for entry in (
        "--TE MS",
        "--TR S",
        "--mask IMAGE",
        "--ppmlim LO HI",
        "--metab_shift_ppm PPM",
        "--points N",
    ):
        assert entry in shown


@pytest.mark.parametrize("line", [("augment", "--recipe=--"), ("simulate", "--basis=--")])
def test_two_dashes_are_no_value(line: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    """Python's argparse hands an empty list over instead."""
    with pytest.raises(SystemExit) as left:
        main([line[0], "--file", "scan.nii.gz", "--output", "out", line[1]])
    assert left.value.code == 2
    assert "a value is needed" in capsys.readouterr().err
