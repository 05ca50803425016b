"""The house rules that no linter checks."""

import ast
import re
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

import pytest

import fsl_mrs_dl
from fsl_mrs_dl.cli import TOOLS

REPOSITORY = Path(__file__).parents[2]
TOP_LEVEL = {
    "pyproject.toml",
    "README.md",
    "fsl_mrs_dl",
    "fsleyes_plugin",
    "tests",
    "docs",
    "LICENSE",
    "CHANGELOG.md",
    "CITATION.cff",
    "CONTRIBUTING.md",
    "constraints.txt",
    "MANIFEST.in",
}
HEAVY = ("torch", "lightning", "scipy", "matplotlib", "plotly", "pandas", "nibabel", "nifti_mrs", "fsl_mrs")
SAY_NOTHING = {"utils", "util", "misc", "helpers", "common", "core"}
LONGEST_FILE = 400
"""Lines of a file, at most."""
LONGEST_FUNCTION = 60
"""Lines of code of a function, at most: a screen. Signature, docstring, comments and empty lines do not count."""
LONG_FUNCTIONS = {
    "fsl_mrs_dl/steps/quantify.py quantify": "hands each of its options by name to the group that checks it",
}
"""Functions that are longer, and why they read better whole; the list only gets shorter."""


def tracked() -> list[str]:
    """What git knows of, and what it would; a tree without git has no house to keep."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [name for name in listed.stdout.splitlines() if (REPOSITORY / name).exists()]


@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_help_imports_nothing_heavy(argument):
    script = (
        "import contextlib, sys\n"
        "from fsl_mrs_dl.cli import main\n"
        f"with contextlib.suppress(SystemExit): main([{argument!r}])\n"
        f"print('LOADED', *[name for name in {HEAVY!r} if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1].split() == ["LOADED"]


def test_version_is_the_same_everywhere():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    citation = (REPOSITORY / "CITATION.cff").read_text()
    assert project["version"] == fsl_mrs_dl.__version__
    assert f"\nversion: {fsl_mrs_dl.__version__}\n" in citation


def test_a_released_version_has_its_section_in_the_changelog():
    sections = re.findall(r"^## \[(.+?)\](.*)$", (REPOSITORY / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert sections[0] == ("Unreleased", "")
    dates = dict(sections[1:])
    if ".dev" not in fsl_mrs_dl.__version__:
        assert re.fullmatch(r" - \d{4}-\d{2}-\d{2}", dates[fsl_mrs_dl.__version__])


def test_licence_is_the_same_everywhere():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    assert f"\nlicense: {project['license']}\n" in (REPOSITORY / "CITATION.cff").read_text()
    assert "Redistribution and use in source and binary forms" in (REPOSITORY / "LICENSE").read_text()


def test_top_level_is_fixed():
    top = {name.split("/")[0] for name in tracked()}
    assert {name for name in top if not name.startswith(".")} <= TOP_LEVEL


def test_the_readme_has_one_line_that_demonstrates_and_one_that_tests():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    lines = re.findall(r"^python3 -m venv .*$", (REPOSITORY / "README.md").read_text(), re.MULTILINE)
    demonstrates, tests = ([part.split() for part in line.split(" && ")] for line in lines)
    assert demonstrates[-1] == ["env/bin/fsl_mrs_dl", "demo", "--output", "demo"]
    assert "demo" in TOOLS
    assert tests[-1] == ["env/bin/pytest", "-m", '"not', 'slow"', "-n", "auto"]
    assert any(mark.startswith("slow:") for mark in project["tool"]["pytest"]["ini_options"]["markers"])
    for _, install, _ in (demonstrates, tests):
        assert install[:4] == ["env/bin/pip", "install", "-c", "constraints.txt"]
        extras = re.findall(r"\[(.+)\]", install[-1])
        assert set(extras) <= set(project["project"]["optional-dependencies"])


def test_what_the_demo_of_the_readme_writes_is_ignored():
    ran = subprocess.run(["git", "check-ignore", "-q", "demo/align.png"], cwd=REPOSITORY, check=False)
    if ran.returncode not in (0, 1):
        pytest.skip("not a git checkout")
    assert ran.returncode == 0


def test_file_names_say_what_is_inside():
    assert [name for name in tracked() if SAY_NOTHING & set(re.split(r"[/.]", name))] == []


def test_python_files_are_short():
    lengths = {n: len((REPOSITORY / n).read_text().splitlines()) for n in tracked() if n.endswith(".py")}
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_FILE} == {}


def test_the_table_of_rooms_has_their_sizes():
    """Within a sixth, so that the table is not touched by every change and still never grows old."""
    page = (REPOSITORY / "docs" / "explanation" / "architecture.md").read_text()
    rows = re.findall(r"^\| (`[^|]+) \| (\d+) files?, ([\d ]+) lines \|", page, re.MULTILINE)
    package = [name for name in tracked() if name.startswith("fsl_mrs_dl/") and name.endswith(".py")]
    listed = []
    for names, n_files, n_lines in rows:
        rooms = re.findall(r"`(\w+)`", names)
        files = [name for name in package if re.split(r"[/.]", name)[1] in rooms]
        lines = sum(len((REPOSITORY / name).read_text().splitlines()) for name in files)
        assert int(n_files) == pytest.approx(len(files), rel=1 / 6), names
        assert int(n_lines.replace(" ", "")) == pytest.approx(lines, rel=1 / 6), names
        listed += rooms
    rooms = {re.split(r"[/.]", name)[1] for name in package}
    assert set(listed) == rooms - {"__init__", "__main__"}


def lines_of_code(function: ast.FunctionDef | ast.AsyncFunctionDef, lines: list[str]) -> int:
    """Count the lines of a function's body without its docstring, comments and empty lines."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    own = lines[body[0].lineno - 1 : function.end_lineno] if body else []
    return sum(bool(line.strip()) and not line.strip().startswith("#") for line in own)


def test_functions_fit_a_screen():
    lengths = {}
    for file in (name for name in tracked() if name.endswith(".py")):
        text = (REPOSITORY / file).read_text()
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                lengths[f"{file} {node.name}"] = lines_of_code(node, text.splitlines())
    assert {name for name, length in lengths.items() if length > LONGEST_FUNCTION} == set(LONG_FUNCTIONS)


def test_constraints_meet_the_declared_dependencies():
    """Every package that is declared to run, test or document is pinned, PyTorch without CUDA on Linux."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    lines = (REPOSITORY / "constraints.txt").read_text().splitlines()
    pinned = {normal(line.split("==")[0]) for line in lines if "==" in line}
    (own, *tools), (networks, *writers) = extras["test"], extras["docs"]
    brought = [one for name in re.search(r"\[(.+)\]", own)[1].split(",") for one in extras[name]]
    assert networks == "fsl-mrs-dl[networks]"
    declared = [*project["dependencies"], *brought, *tools, *writers]
    assert {normal(re.split(r"[<>=\[; ]", name)[0]) for name in declared} - pinned == set()
    assert 'torch==2.13.0+cpu ; sys_platform == "linux"' in lines


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


RIDDLES = frozenset(
    ("said", "found", "made", "kept", "wanted", "given", "seen", "told", "asked", "tells", "telling", "holds")
)
"""Participles that do not name what a variable, a function or a class is."""


def named_files() -> list[str]:
    """The modules of the package, the viewer and the benchmarks, which are held to names and reasons."""
    rooms = ("fsl_mrs_dl/", "fsleyes_plugin/", "tests/benchmarks/")
    return [name for name in tracked() if name.startswith(rooms) and name.endswith(".py")]


def names_bound_in(tree: ast.AST) -> set[str]:
    """The names that a module gives: of variables, arguments, functions, classes and imports."""
    names = {
        node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    names |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    names |= {node.name for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    return names | {node.asname for node in ast.walk(tree) if isinstance(node, ast.alias) and node.asname}


def test_names_are_those_of_the_field():
    riddles = {}
    for file in named_files():
        names = names_bound_in(ast.parse((REPOSITORY / file).read_text())) | {Path(file).stem}
        if bad := sorted(name for name in names if RIDDLES & set(name.lower().strip("_").split("_"))):
            riddles[file] = bad
    assert riddles == {}


def is_number(value: ast.expr | None) -> bool:
    """Whether an expression is a number, or a tuple or sum of numbers."""
    match value:
        case ast.Constant(value=bool()):
            return False
        case ast.Constant(value=int() | float() | complex()):
            return True
        case ast.UnaryOp(operand=operand):
            return is_number(operand)
        case ast.BinOp(left=left, right=right):
            return is_number(left) or is_number(right)
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            return bool(parts) and all(map(is_number, parts))
    return False


def test_every_constant_has_a_reason():
    """A number of a module has a docstring, or a comment on its line or the line before it."""
    bare = []
    for file in named_files():
        text = (REPOSITORY / file).read_text()
        lines, body = text.splitlines(), ast.parse(text).body
        for node, after in zip(body, [*body[1:], None], strict=True):
            if not isinstance(node, (ast.Assign, ast.AnnAssign)) or not is_number(node.value):
                continue
            documented = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
            own = lines[node.lineno - 1 : node.end_lineno]
            commented = any("#" in line for line in own) or lines[node.lineno - 2].startswith("#")
            if not documented and not commented:
                bare.append(f"{file}:{node.lineno} {own[0]}")
    assert bare == []


def test_no_two_classes_share_a_name():
    files = [
        name
        for name in tracked()
        if name.startswith(("fsl_mrs_dl/", "fsleyes_plugin/")) and name.endswith(".py")
    ]
    bodies = [ast.parse((REPOSITORY / file).read_text()).body for file in files]
    classes = Counter(node.name for body in bodies for node in body if isinstance(node, ast.ClassDef))
    assert {name for name, count in classes.items() if count > 1} == set()
