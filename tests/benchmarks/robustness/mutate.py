"""Ways to spoil a file of text or bytes, a table, a JSON object or the words of a command."""

import json
from copy import deepcopy
from typing import Any

import numpy as np

_WORDS = ("nan", "inf", "-inf", "1e999", "-1", "0", "1e-320", "x", "1,5", "true", "1e9", "", "\0", "9" * 400)
_VALUES: tuple[Any, ...] = (
    *(None, "", "x", "\u202e", 0, -1, 1e308, -1e308, True, [], {}, [[]], [1, "x"], {"Value": 1}),
    *(float("nan"), float("inf"), 10**400, "../../x", [0] * 1000, "a" * 10_000, 2**63, 0.5),
)
"""What stands in the place of a value: of another kind, another sign, another size."""


def spoiled_bytes(content: bytes, rng: np.random.Generator) -> bytes:
    """Flip, cut, double, insert or take away bytes, or put a word in the place of some."""
    damaged = bytearray(content)
    for _ in range(int(rng.choice([1, 1, 2, 8]))):
        at = int(rng.integers(len(damaged) + 1))
        length = int(rng.choice([1, 2, 8, 64]))
        kind = int(rng.integers(6))
        if kind == 0 and at < len(damaged):
            damaged[at] ^= 1 << int(rng.integers(8))
        elif kind == 1:
            del damaged[at : at + length]
        elif kind == 2:
            damaged[at:at] = damaged[max(0, at - length) : at]
        elif kind == 3:
            damaged[at:at] = rng.bytes(length)
        elif kind == 4:
            damaged[at : at + length] = str(rng.choice(_WORDS)).encode()
        else:
            del damaged[at if rng.random() < 0.2 else len(damaged) :]
    return bytes(damaged)


def spoiled_json(content: bytes, rng: np.random.Generator) -> bytes:
    """Change, take away or double a value anywhere in a JSON object; at times spoil its text."""
    if rng.random() < 0.2:
        return spoiled_bytes(content, rng)
    document = json.loads(content)
    for _ in range(int(rng.choice([1, 1, 2]))):
        _change(document, rng)
    return json.dumps(document).encode()


def _change(document: Any, rng: np.random.Generator) -> None:
    """Change one value of a tree, the deeper the less likely; numbers of long lists count as one."""
    while True:
        keys = list(document) if isinstance(document, dict) else list(range(len(document)))
        if not keys:
            return
        key = keys[int(rng.integers(len(keys)))]
        if isinstance(document[key], (dict, list)) and document[key] and rng.random() < 0.7:
            document = document[key]
            continue
        if rng.random() < 0.25:
            del document[key]
        else:
            document[key] = deepcopy(_VALUES[int(rng.integers(len(_VALUES)))])
        return


def spoiled_table(content: bytes, rng: np.random.Generator) -> bytes:
    """Change a cell, or take away, double or cut a row or a column of a table; at times spoil its text."""
    if rng.random() < 0.2:
        return spoiled_bytes(content, rng)
    rows = [line.split(",") for line in content.decode().splitlines()]
    row, column = int(rng.integers(len(rows))), int(rng.integers(len(rows[0])))
    kind = int(rng.integers(5))
    if kind == 0:
        rows[row][column % len(rows[row])] = str(rng.choice(_WORDS))
    elif kind == 1:
        del rows[row]
    elif kind == 2:
        rows.insert(row, rows[row])
    elif kind == 3:
        rows = [[cell for i, cell in enumerate(cells) if i != column] for cells in rows]
    else:
        rows[row] = rows[row][:column]
    return "\n".join(",".join(cells) for cells in rows).encode()


def any_word(rng: np.random.Generator) -> str:
    """Return a word that few options can use."""
    return str(
        rng.choice([*_WORDS, "../x", "/", ".", "--", "poly, -1", "spline, nan", "0.0", "3", "A+B", "🧠"])
    )
