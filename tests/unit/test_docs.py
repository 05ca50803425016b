"""Runs the code that the documentation shows.

A block fenced as ``python`` is run; a block fenced as ``bash`` holds lines of ``fsl_mrs_dl`` and is run too,
in process. Both may stand in an HTML comment (``<!-- bash ... -->``), for a set-up that readers need not see.
The blocks of a page are run in order, in one empty folder. What cannot be run is fenced otherwise (``sh``). A
``text`` block below the comment ``<!-- printed -->`` must be what the block before it printed. With
``FSL_MRS_DL_WRITE_PRINTED=1`` in the environment these blocks are written anew instead.
"""

import importlib.util
import os
import re
import shlex
from pathlib import Path

import pytest

from fsl_mrs_dl.cli import main

REPOSITORY = Path(__file__).parents[2]
BLOCK = re.compile(
    r"^(?:```|<!-- )(?P<kind>python|bash|printed -->\n\n?```text)\n(?P<code>.*?)^(?:```|-->)$",
    re.MULTILINE | re.DOTALL,
)
WRITES = os.environ.get("FSL_MRS_DL_WRITE_PRINTED") == "1"
PAGES = [
    page
    for page in [*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/**/*.md")]
    if "generated" not in page.parts and BLOCK.search(page.read_text(encoding="utf-8"))
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_code_of_page_runs(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    text = page.read_text(encoding="utf-8")
    names = {"__name__": "docs"}
    printed = ""
    anew, copied = "", 0
    for block in BLOCK.finditer(text):
        if block["kind"].startswith("printed"):
            anew += text[copied : block.start("code")] + printed
            copied = block.end("code")
            assert WRITES or block["code"] == printed
            continue
        if block["kind"] == "bash":
            for line in block["code"].replace("\\\n", " ").splitlines():
                run_line(line)
        else:
            first_line = text.count("\n", 0, block.start("code"))
            code = compile("\n" * first_line + block["code"], str(page), "exec")
            exec(code, names)  # noqa: S102
        printed = capsys.readouterr().out
    if WRITES:
        page.write_text(anew + text[copied:], encoding="utf-8")


def test_the_summary_of_validation_has_the_numbers_of_its_pages():
    script = REPOSITORY / "docs" / "_ext" / "validation_numbers.py"
    spec = importlib.util.spec_from_file_location("validation_numbers", script)
    numbers = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(numbers)
    text = numbers.SUMMARY.read_text(encoding="utf-8")
    assert len(numbers.NUMBERS) == 10
    assert text == numbers.anew(text), f"run python {script.relative_to(REPOSITORY)}"


def run_line(line):
    words = shlex.split(line, comments=True)
    if words:
        assert words[0] == "fsl_mrs_dl", f"only fsl_mrs_dl is run; fence {line!r} as sh"
        assert main(words[1:]) == 0, line
