"""Options of documented functions: lists that repeat, answers of three kinds, and TOML files."""

import argparse
from pathlib import Path
from typing import Annotated

import numpy as np
import pytest

from fsl_mrs_dl.choices import Choices
from fsl_mrs_dl.data import MRSData
from fsl_mrs_dl.errors import OptionError
from fsl_mrs_dl.steps import command
from fsl_mrs_dl.steps.config import with_config
from fsl_mrs_dl.steps.options import describe
from fsl_mrs_dl.steps.quantify import quantify


def example(
    data: MRSData,
    *,
    combine: tuple[tuple[str, ...], ...] | None = None,
    turn: bool | None = None,
    mask: Path | None = None,
) -> None:
    """Do nothing.

    Parameters
    ----------
    data : MRSData
    combine : tuple of tuple of str
        Lists.
    turn : bool
        Whether.
    mask : Path
        An image.
    """


OPTIONS = {option.name: option for option in describe(example).options}


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    for option in OPTIONS.values():
        command.add_option(parser, option)
    return parser.parse_args(words)


def test_a_list_may_be_given_again() -> None:
    assert OPTIONS["combine"].repeats
    found = parsed("--combine", "A", "B", "--combine", "C", "D", "E").combine
    assert OPTIONS["combine"].check(found) == (("A", "B"), ("C", "D", "E"))
    with pytest.raises(OptionError, match="a list of values is needed"):
        OPTIONS["combine"].check(["A", "B"])


def test_neither_is_a_third_answer(capsys: pytest.CaptureFixture[str]) -> None:
    assert OPTIONS["turn"].negatable
    assert [parsed(*w).turn for w in ((), ("--turn",), ("--no_turn",))] == [None, True, False]
    with pytest.raises(SystemExit):
        parsed("--turn", "--no_turn")
    assert "not allowed with" in capsys.readouterr().err


def test_an_image_may_be_given_in_memory() -> None:
    image = np.ones((2, 2, 2))
    assert OPTIONS["mask"].check(image) is image
    assert OPTIONS["mask"].check("m.nii") == Path("m.nii")


def method_of(*, method: Annotated[str, Choices(("a", "b"), "a: one. b: two.")] = "a") -> None:
    """Do nothing.

    Parameters
    ----------
    method : str
        How.
    """


def mistaken(*, method: Annotated[str, "a"] = "a") -> None:
    """Do nothing.

    Parameters
    ----------
    method : str
        How.
    """


def test_choices_may_come_from_a_table() -> None:
    (option,) = describe(method_of).options
    assert (option.kind, option.choices, option.default) == (str, ("a", "b"), "a")
    assert option.help == "How. a: one. b: two."
    with pytest.raises(OptionError, match="must be one of a, b"):
        option.check("c")
    with pytest.raises(TypeError, match="Choices are needed"):
        describe(mistaken)


class TestConfig:
    def line(self, tmp_path: Path, text: str, *words: str) -> list[str]:
        (tmp_path / "run.toml").write_text(text)
        return with_config(["--config", str(tmp_path / "run.toml"), *words], quantify)

    def test_file_before_default_and_command_line_before_file(self, tmp_path: Path) -> None:
        text = (
            'ppmlim = [0.5, 4.0]\nbaseline = "poly, 3"\nTE = 35\ncombine = [["Cr", "PCr"], ["Ins", "Gly"]]\n'
        )
        words = self.line(tmp_path, text + "conj_fid = false\nreport = true\n", "--ppmlim", "0.2", "4.2")
        assert words[: words.index("--config")] == [
            *("--baseline", "poly, 3", "--TE", "35", "--combine", "Cr", "PCr", "--combine", "Ins", "Gly"),
            *("--no_conj_fid", "--report"),
        ]

    def test_one_list_of_a_flag_that_repeats(self, tmp_path: Path) -> None:
        assert self.line(tmp_path, 'combine = ["Ins", "Gly"]')[:3] == ["--combine", "Ins", "Gly"]

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("ppm_lim = [1, 2]", "has the key ppm_lim, which is no option; known are data"),
            ("ppmlim = [", "not a readable TOML file"),
            ("report = 1", "true or false is needed"),
            ("[ppmlim]\nlow = 1", "a number, a text or a list"),
            ("keep = []", "a number, a text or a list"),
        ],
    )
    def test_nonsense_is_refused(self, tmp_path: Path, text: str, said: str) -> None:
        with pytest.raises(OptionError, match=said):
            self.line(tmp_path, text)

    def test_missing_file(self, tmp_path: Path) -> None:
        with pytest.raises(OptionError, match="not a readable TOML file"):
            with_config([f"--config={tmp_path / 'none.toml'}"], quantify)
