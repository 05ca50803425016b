"""Damage to files, drawn by a seed: what the fuzzing tests feed to readers."""

import gzip
import json
import shutil
from pathlib import Path

import numpy as np

_VALUES = (
    None,
    [],
    {},
    "",
    "x",
    -1,
    0,
    1e308,
    2**70,
    True,
    [None],
    ["a", "b"],
    {"Value": 3},
    [[[]]],
    "9" * 40,
)


def damaged_copy(source: Path, target: Path, rng: np.random.Generator) -> tuple[Path, str]:
    """Copy a folder, damage one of its files, and return the copy and what was done to which file."""
    shutil.copytree(source, target)
    files = sorted(path for path in target.rglob("*") if path.is_file())
    chosen = files[rng.integers(len(files))]
    return target, f"{damage(chosen, rng)} {chosen.relative_to(target)}"


def damage(path: Path, rng: np.random.Generator) -> str:
    """Damage a file in place in one of several ways, and return which."""
    content = path.read_bytes()
    ways = ["cut", "flip", "empty", "garbage", "remove", "folder"]
    if path.suffix == ".gz":
        ways += ["inside"] * 4
    if path.suffix == ".json":
        ways += ["value"] * 6 + ["nested"]
    if path.suffix == ".csv":
        ways += ["cell"] * 4
    way = str(rng.choice(ways))
    if way == "remove":
        path.unlink()
    elif way == "folder":
        path.unlink()
        path.mkdir()
    else:
        path.write_bytes(_changed(content, way, path, rng))
    return way


def _changed(content: bytes, way: str, path: Path, rng: np.random.Generator) -> bytes:
    if way == "cut":
        return content[: rng.integers(len(content) + 1)]
    if way == "flip":
        return _flipped(content, rng)
    if way == "empty":
        return b""
    if way == "garbage":
        return rng.bytes(int(rng.integers(1, 2000)))
    if way == "inside":
        plain = gzip.decompress(content)
        # Most of what is wrong stands in the header and its extension.
        head = plain[:4096] if rng.random() < 0.8 else plain
        plain = _flipped(head, rng) + plain[len(head) :]
        return gzip.compress(plain[: rng.integers(len(plain))] if rng.random() < 0.2 else plain, 1)
    if way == "nested":
        return b"[" * 100_000
    if way == "cell":
        rows = [line.split(",") for line in content.decode().splitlines()]
        row = rows[rng.integers(len(rows))]
        row[rng.integers(len(row))] = str(rng.choice(["", "x", "nan", "inf", "-1e400", '"', "\x00", "=1+1"]))
        return "\n".join(",".join(row) for row in rows).encode()
    return json.dumps(_with_another_value(json.loads(content), rng)).encode()


def _flipped(content: bytes, rng: np.random.Generator) -> bytes:
    changed = bytearray(content)
    for _ in range(int(rng.integers(1, 5))):
        if changed:
            changed[rng.integers(len(changed))] = rng.integers(256)
    return bytes(changed)


def _with_another_value(value: object, rng: np.random.Generator) -> object:
    """Replace one value somewhere in a JSON document, or drop it."""
    if isinstance(value, dict) and value and rng.random() < 0.85:
        key = sorted(value)[rng.integers(len(value))]
        if rng.random() < 0.15:
            return {k: v for k, v in value.items() if k != key}
        return {**value, key: _with_another_value(value[key], rng)}
    if isinstance(value, list) and value and rng.random() < 0.7:
        n = int(rng.integers(len(value)))
        return [*value[:n], _with_another_value(value[n], rng), *value[n + 1 :]]
    return _VALUES[rng.integers(len(_VALUES))]
