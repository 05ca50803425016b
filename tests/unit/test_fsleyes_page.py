"""The table of features of the page on FSLeyes: each line that says yes names a test that exists."""

import ast
import re
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


def features():
    """Return the rows of the table: feature, ours, the other's, tests."""
    text = (REPOSITORY / "docs" / "fsleyes.md").read_text(encoding="utf-8").split("<!-- features -->\n")[1]
    lines = text.split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_each_feature_has_its_test():
    tests = {
        node.name
        for path in [
            *(REPOSITORY / "tests" / "gui").glob("*.py"),
            *(REPOSITORY / "tests" / "unit").glob("*viewer*.py"),
        ]
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef)
    }
    rows = features()
    assert len(rows) > 20
    assert {cell for row in rows for cell in row[1:3]} == {"yes", "no"}
    named = {row[0]: set(re.findall(r"`(test_\w+)`", row[3])) for row in rows if row[1] == "yes"}
    assert [feature for feature, names in named.items() if not names] == []
    assert set().union(*named.values()) - tests == set()
