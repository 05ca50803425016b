"""Model packages that were changed, malformed or put in the way: refused in one line."""

import hashlib
import json
import struct
from pathlib import Path

import pytest

from fsl_mrs_dl.cli import main
from fsl_mrs_dl.errors import ModelError
from fsl_mrs_dl.models.card_file import MAX_CARD_BYTES, MAX_SIZE
from fsl_mrs_dl.models.package import CARD, VARIABLE, WEIGHTS, find, load, read_card, roots

SHIPPED = roots()[-1]
PACKAGE = "align-dsrf-1h-3t"
FOLDERS = sorted(SHIPPED.glob("*/*"), key=lambda folder: folder.parent.name)
DOCS = Path(__file__).parents[2] / "docs" / "reference" / "models.md"


@pytest.fixture
def copy(tmp_path):
    """A copy of a shipped package: its folder, and a function that changes its card."""
    folder = tmp_path / "copies" / PACKAGE / "2.0.0"
    folder.mkdir(parents=True)
    for name in (CARD, WEIGHTS):
        (folder / name).write_bytes((SHIPPED / PACKAGE / "2.0.0" / name).read_bytes())
    return folder


def change(folder, **changes):
    card = json.loads((folder / CARD).read_text())
    (folder / CARD).write_text(json.dumps(card | changes))


def config(folder, **changes):
    change(folder, config=json.loads((folder / CARD).read_text())["config"] | changes)


def sealed_again(folder):
    """Write the checksum by hand, as somebody who means harm would: sorted keys, no spaces, zero byte, weights."""
    card = json.loads((folder / CARD).read_text())
    del card["package_sha256"]
    canonical = json.dumps(card, sort_keys=True, separators=(",", ":")).encode()
    digest = hashlib.sha256(canonical + b"\x00" + (folder / WEIGHTS).read_bytes()).hexdigest()
    change(folder, package_sha256=digest)


def refusal(folder):
    with pytest.raises(ModelError) as refused:
        load(folder)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 500
    return str(refused.value)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.parent.name)
def test_the_checksum_of_a_shipped_package_is_that_of_the_documentation(folder):
    """Computed here by hand, so that a card changed by mistake, or a checksum of less than the card, is seen."""
    card = json.loads((folder / CARD).read_text())
    stated = card.pop("package_sha256")
    canonical = json.dumps(card, sort_keys=True, separators=(",", ":")).encode()
    assert stated == hashlib.sha256(canonical + b"\x00" + (folder / WEIGHTS).read_bytes()).hexdigest()
    assert f"| `{folder.parent.name}@{folder.name}` | `{stated}` |" in DOCS.read_text(encoding="utf-8")


def test_every_value_of_the_card_is_sealed(copy):
    """One value at a time, down to each number: none can be changed without being noticed."""
    original = json.loads((copy / CARD).read_text())
    places = [path for path in _leaves(original) if path != ("schema_version",)]
    assert len(places) > 50
    for path in places:
        changed = json.loads(json.dumps(original))
        _set(changed, path)
        (copy / CARD).write_text(json.dumps(changed))
        with pytest.raises(ModelError):
            load(copy)
    (copy / CARD).write_text(json.dumps(original, indent=7, sort_keys=True))
    load(copy)  # the layout of the file says nothing


def _leaves(value, path=()):
    if isinstance(value, dict):
        return [leaf for key, item in value.items() for leaf in _leaves(item, (*path, key))]
    if isinstance(value, list):
        return [leaf for i, item in enumerate(value) for leaf in _leaves(item, (*path, i))]
    return [path]


def _set(card, path):
    *parents, last = path
    for key in parents:
        card = card[key]
    before = card[last]
    if isinstance(before, bool):
        card[last] = not before
    elif isinstance(before, str):
        card[last] = before + "x"
    else:
        card[last] = (before or 0) * 1.0000001 + 1e-9 if isinstance(before, float) else (before or 0) + 1


def test_a_scale_of_three_times_is_refused(copy):
    config(copy, max_shift_hz=3 * read_card(copy).config["max_shift_hz"])
    assert "SHA-256" in refusal(copy)


def test_an_architecture_of_no_row_is_refused_even_if_it_is_sealed(copy):
    change(copy, architecture="os.system")
    sealed_again(copy)
    assert "architecture 'os.system'" in refusal(copy)


def test_one_bit_of_the_weights_is_refused(copy):
    weights = bytearray((copy / WEIGHTS).read_bytes())
    weights[-1] ^= 1
    (copy / WEIGHTS).write_bytes(weights)
    assert "SHA-256" in refusal(copy)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"n_points": 10**9}, ("config.n_points is 1000000000", f"limit is {MAX_SIZE}")),
        ({"n_points": 1e9}, ("config.n_points is 1000000000.0", f"limit is {MAX_SIZE}")),
        ({"depth": 100_000}, ("config.depth is 100000", "limit is 64")),
        ({"n_points": 0}, ("config.n_points is 0", "above 0")),
        ({"n_points": MAX_SIZE}, ("do not fit",)),
        ({"n_points": "many"}, ("do not fit",)),
        ({"n_points": 3}, ("do not fit",)),
        ({"depth": -9}, ("do not fit",)),
        ({"depth": None}, ("do not fit",)),
        ({"dwelltime_s": 0.0}, ("config.dwelltime_s is 0.0", "above 0")),
        ({"surprise": 1}, ("do not fit", "surprise")),
        ({"shift_scale_hz": float("nan")}, ("not the card",)),
        ({"names": ["x"] * 70_000}, ("70000 entries", f"limit is {MAX_SIZE}")),
    ],
)
def test_an_impossible_config_is_refused_even_if_it_is_sealed(changes, words, copy):
    config(copy, **changes)
    sealed_again(copy)
    message = refusal(copy)
    assert [word for word in words if word not in message] == []


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"architecture": "os.system"}, "SHA-256"),
        ({"architecture": ["dsr"]}, "card.architecture"),
        ({"config": [1, 2]}, "card.config"),
        ({"name": "../../outside"}, "name is"),
        ({"version": "1.0\n0"}, "version"),
        ({"intended_use": "\x1b[2J everything"}, "control characters"),
        ({"task": 7}, "card.task"),
        ({"valid": {"nucleus": "1H"}}, "incomplete"),
        ({"valid": []}, "card.valid"),
        ({"inputs": {"fid": 1}}, "card.inputs"),
        ({"evaluation": [1]}, "card.evaluation[0]"),
        ({"patient": "Jane"}, "'patient'"),
        ({"schema_version": 1}, "schema version"),
        ({"schema_version": "9" * 1000}, "schema version"),
        ({"recipe": {"command": 1}}, "card.recipe"),
    ],
)
def test_a_malformed_card_is_refused_by_the_name_of_the_place(changes, word, copy):
    change(copy, **changes)
    assert word in refusal(copy)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "{",
        '"card"',
        "[" * 100_000,
        '{"schema_version": 2, "schema_version": 2}',
        '{"schema_version": ' + "9" * 5000 + "}",
        '{"schema_version": 2, "config": ' + '{"a":' * 5000 + "1" + "}" * 5001,
        " " * (MAX_CARD_BYTES + 1),
    ],
)
def test_what_is_no_card_is_refused(text, copy):
    (copy / CARD).write_text(text)
    refusal(copy)


@pytest.mark.parametrize(
    "weights", [b"", b"\xff" * 8, struct.pack("<Q", 2) + b"{}", b"PK\x03\x04" + b"\0" * 64]
)
def test_weights_that_are_no_safetensors_are_refused_even_if_they_are_sealed(weights, copy):
    (copy / WEIGHTS).write_bytes(weights)
    sealed_again(copy)
    assert "do not fit" in refusal(copy)


def test_a_folder_of_the_working_directory_does_not_stand_in_for_a_shipped_package(
    copy, monkeypatch, tmp_path
):
    monkeypatch.setenv(VARIABLE, "")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "nothing"))
    monkeypatch.chdir(copy.parent.parent)
    assert (Path(PACKAGE) / "2.0.0").is_dir()
    assert find(PACKAGE) == SHIPPED / PACKAGE / "2.0.0"
    assert find(f"./{PACKAGE}").resolve() == copy
    copy.parent.rename("mine")
    with pytest.raises(ModelError, match=r"\./mine") as refused:
        find("mine")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", ["x" * 5000, "a/\0b", "", ".", "..", "/", "~"])
def test_names_that_no_package_can_have_are_refused(name):
    with pytest.raises(ModelError, match="no model package"):
        find(name)


@pytest.mark.parametrize("action", ["list", "show", "verify"])
def test_models_never_shows_a_changed_card_as_genuine(action, copy, monkeypatch, capsys):
    config(copy, shift_scale_hz=38.2)
    monkeypatch.setenv(VARIABLE, str(copy.parent.parent))
    status = main(["models", action, *([] if action == "list" else [str(copy)])])
    printed = capsys.readouterr()
    assert "the card or the weights were changed" in printed.out + printed.err
    assert status == (0 if action == "list" else 2)
