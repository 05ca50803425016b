"""Read and write ``card.json``, and compute the checksum that seals a card together with its weights.

The checksum covers every byte that changes a result: the weights, and all of the card but the checksum itself. A
card comes from anywhere, so each value is checked for its type and, where it decides how much memory is taken, for
its size.
"""

import dataclasses
import hashlib
import json
import math
import re
from collections.abc import Mapping
from typing import Any, get_args, get_origin, get_type_hints

from fsl_mrs_dl.errors import ModelError
from fsl_mrs_dl.models.card import SCHEMA_VERSION, Card

SEAL = "package_sha256"
MAX_CARD_BYTES = 1_000_000
"""Largest ``card.json``; the shipped ones have 4 to 20 kB."""
MAX_SIZE = 65_536
"""Largest number of points of an FID, width of a layer or length of a list in ``config``: 32 times a long FID."""
MAX_DEPTH = 64
"""Largest number of layers or blocks, and largest factor on a published number of them."""
_DEPTHS = ("depth", "width")
_POSITIVE = ("n_points", "dwelltime_s", "spectrometer_frequency_mhz")
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]*")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""Characters that move a terminal's cursor or change its colour; line feeds and tabs are text."""
_MAX_NESTING = 8
"""Deepest nesting of ``config``; the shipped cards have 4. It bounds the recursion of the reader."""
_LARGEST = 1e300
"""Numbers from here on are refused as not finite, near the end of double precision."""


def card_text(card: Card) -> str:
    """Return the text of ``card.json``."""
    return json.dumps(dataclasses.asdict(card), indent=2, allow_nan=False) + "\n"


def seal(card: Card, weights: bytes) -> str:
    """Return the SHA-256 of a package as hexadecimal digits.

    Of the card without its own checksum, as JSON with sorted keys and without spaces, in UTF-8; a zero byte; and
    the file of weights. The layout of ``card.json`` does not matter, each of its values does.

    Parameters
    ----------
    card : Card
    weights : bytes
        Content of ``weights.safetensors``.
    """
    values = dataclasses.asdict(card)
    del values[SEAL]
    canonical = json.dumps(values, sort_keys=True, separators=(",", ":"), allow_nan=False)
    digest = hashlib.sha256(canonical.encode())
    digest.update(b"\0")
    digest.update(weights)
    return digest.hexdigest()


def card_from_text(text: str, where: str) -> Card:
    """Read the text of a ``card.json``.

    Parameters
    ----------
    text : str
    where : str
        Path, for messages.

    Raises
    ------
    ModelError
        If it is no card, of a schema that this version does not know, incomplete, has a key that this version does
        not know, or a value of the wrong type or size.
    """
    try:
        values = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse_constant)
        schema = values["schema_version"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ModelError(f"{where} is not the card of a model package; get the package again.") from error
    if schema != SCHEMA_VERSION:
        raise ModelError(
            f"{where} has the schema version {_short(schema)}; this version of fsl_mrs_dl reads {SCHEMA_VERSION}. "
            "Update fsl-mrs-dl, or train the model again."
        )
    try:
        card: Card = _typed(Card, values, "card")
        _check_sizes(card.config, "config")
        for key in ("name", "version"):
            if not _PLAIN.fullmatch(getattr(card, key)):
                raise ValueError(
                    f"{key} is {getattr(card, key)[:40]!r}; letters, digits, '.', '+' and '-' are needed"
                )
    except (TypeError, ValueError, RecursionError) as error:
        raise ModelError(f"{where} cannot be used: {error}. Get the package again.") from error
    return card


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        raise ValueError("a key stands there twice")
    return values


def _refuse_constant(text: str) -> float:
    raise ValueError(f"{text} is no number")


def _typed(kind: Any, value: Any, where: str) -> Any:
    """Return a JSON value as the annotated type: a dataclass, a tuple, a mapping or a plain value.

    Raises
    ------
    TypeError
        If it is of another type; the message names the place.
    """
    if dataclasses.is_dataclass(kind):
        return _record(kind, value, where)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is tuple:
        return _tuple(arguments, value, where)
    if origin is not None and issubclass(origin, Mapping):
        return {
            _text(key, where): _typed(arguments[1], item, f"{where}.{key}")
            for key, item in _object(value, where)
        }
    if kind is Any:
        return _any(value, where)
    if type(None) in arguments:
        return None if value is None else _typed(arguments[0], value, where)
    if kind is str:
        return _text(value, where)
    # JSON writes 20.0 as 20; true is not a number here though it is an int in Python.
    types = (int, float) if kind is float else (kind,)
    if isinstance(value, bool) or not isinstance(value, types):
        raise TypeError(f"{where} is {_short(value)}; a value of type {kind.__name__} is needed")
    if not abs(value) < _LARGEST:  # NaN is not; a number of hundreds of digits is no float
        raise TypeError(f"{where} is {_short(value)}; a finite number is needed")
    return value


def _record(kind: Any, value: Any, where: str) -> Any:
    hints = get_type_hints(kind)
    values = dict(_object(value, where))
    if unknown := sorted(set(values) - set(hints)):
        raise TypeError(f"{where} has the key {unknown[0][:40]!r}, which this version does not know")
    needed = [
        f.name for f in dataclasses.fields(kind) if f.default is f.default_factory is dataclasses.MISSING
    ]
    if missing := [name for name in needed if name not in values]:
        raise TypeError(f"{where} is incomplete, {missing[0]} is missing")
    return kind(**{name: _typed(hints[name], item, f"{where}.{name}") for name, item in values.items()})


def _tuple(arguments: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise TypeError(f"{where} is {_short(value)}; a list is needed")
    if arguments[-1] is Ellipsis:
        arguments = (arguments[0],) * len(value)
    if len(value) != len(arguments):
        raise TypeError(f"{where} has {len(value)} values; {len(arguments)} are needed")
    return tuple(
        _typed(kind, item, f"{where}[{i}]")
        for i, (kind, item) in enumerate(zip(arguments, value, strict=True))
    )


def _object(value: Any, where: str) -> list[tuple[str, Any]]:
    if not isinstance(value, dict):
        raise TypeError(f"{where} is {_short(value)}; an object is needed")
    return list(value.items())


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str) or _CONTROL.search(value):
        raise TypeError(f"{where} is {_short(value)}; text without control characters is needed")
    return value


def _any(value: Any, where: str, depth: int = 0) -> Any:
    """Return a value of ``config``, its texts and numbers checked."""
    if depth > _MAX_NESTING:
        raise TypeError(f"{where} is nested more than {_MAX_NESTING} deep")
    if isinstance(value, str):
        return _text(value, where)
    if isinstance(value, float) and not math.isfinite(value):
        raise TypeError(f"{where} is {_short(value)}; a finite number is needed")
    if isinstance(value, list):
        return [_any(item, where, depth + 1) for item in value]
    if isinstance(value, dict):
        return {_text(key, where): _any(item, f"{where}.{key}", depth + 1) for key, item in value.items()}
    return value


def _check_sizes(value: Any, where: str) -> None:
    """Refuse sizes that no spectrum needs, before a network of such a size is built."""
    if isinstance(value, (list, Mapping)) and len(value) > MAX_SIZE:
        raise ValueError(f"{where} has {len(value)} entries, the limit is {MAX_SIZE}")
    if isinstance(value, Mapping):
        for key, item in value.items():
            _check_sizes(item, f"{where}.{key}")
    elif isinstance(value, list):
        for item in value:
            _check_sizes(item, where)
    elif isinstance(value, (int, float)):
        name = where.rpartition(".")[2]
        limit = MAX_DEPTH if name in _DEPTHS else MAX_SIZE
        if abs(value) > limit:
            raise ValueError(f"{where} is {_short(value)}, the limit is {limit}")
        if name in _POSITIVE and value <= 0:
            raise ValueError(f"{where} is {_short(value)}; a number above 0 is needed")


def _short(value: Any) -> str:
    """Return a value for a message: on one line, and not longer than a line."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
