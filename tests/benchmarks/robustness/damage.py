"""Ways in which an input file is damaged: header keys, JSON, sizes, numbers, bytes."""

import json
import struct
from collections.abc import Callable, Mapping
from typing import Any

import nibabel as nib
import numpy as np

Damage = Callable[[bytes, np.random.Generator], bytes]

OTHER_VALUES: tuple[Any, ...] = (
    None,
    "",
    "x",
    0,
    -1,
    1e308,
    True,
    [],
    {},
    [[]],
    ["1H", 3],
    {"Value": 1},
    float("nan"),
    "DIM_NONSENSE",
)


def _split(file: bytes) -> tuple[int, dict[str, Any], int]:
    """Return where the JSON of a single-extension NIfTI-2 file starts, what it says, and where it ends."""
    start = nib.Nifti2Header.sizeof_hdr + 4 + 8
    (size,) = struct.unpack_from("<i", file, start - 8)
    end = start - 8 + size
    return start, json.loads(file[start:end].rstrip(b"\0").decode()), end


def _with_text(file: bytes, text: bytes) -> bytes:
    """Return the file with another extension text, the offset of the data moved with it."""
    start, _, end = _split(file)
    size = -(-(len(text) + 8) // 16) * 16
    damaged = bytearray(
        file[: start - 8] + struct.pack("<ii", size, 44) + text.ljust(size - 8, b"\0") + file[end:]
    )
    (offset,) = struct.unpack_from("<q", damaged, 168)
    struct.pack_into("<q", damaged, 168, offset + len(damaged) - len(file))
    return bytes(damaged)


def header_key(file: bytes, rng: np.random.Generator) -> bytes:
    """Take a key away, or give it a value of another kind."""
    _, header, _ = _split(file)
    key = str(rng.choice(sorted(header)))
    if rng.random() < 0.3:
        del header[key]
    else:
        header[key] = OTHER_VALUES[rng.integers(len(OTHER_VALUES))]
    return _with_text(file, json.dumps(header).encode())


def header_text(file: bytes, rng: np.random.Generator) -> bytes:
    """Break the JSON itself: cut, garbled, not an object, nested without end, not UTF-8."""
    _, header, _ = _split(file)
    text = json.dumps(header).encode()
    cut = text[: rng.integers(len(text))]
    garbled = bytearray(text)
    for at in rng.integers(len(text), size=8):
        garbled[at] = rng.integers(256)
    ways = (cut, bytes(garbled), b"[1, 2]", b"[" * 5000, b"\xff\xfe" * 20, b"", b"null")
    return _with_text(file, ways[rng.integers(len(ways))])


def times(file: bytes, rng: np.random.Generator) -> bytes:
    """Write echo and repetition time in another unit, as text, in lists, or as what cannot be."""
    _, header, _ = _split(file)
    for key, value in (("EchoTime", 0.03), ("RepetitionTime", 2.0)):
        ways = (value, 1e3 * value, 1e6 * value, -value, 0, str(value), [value], [value, value], 1e308)
        header[key] = ways[rng.integers(len(ways))]
    return _with_text(file, json.dumps(header).encode())


def characters(file: bytes, rng: np.random.Generator) -> bytes:
    """Put text of another code page, half a character or a control character into a key."""
    _, header, _ = _split(file)
    ways = (
        json.dumps({**header, "ProtocolName": "\ud800"}).encode(),
        json.dumps({**header, "ProtocolName": "\x1b[2J"}).encode(),
        json.dumps({**header, "ProtocolName": "Schl\xe4fe"}, ensure_ascii=False).encode("latin-1"),
        json.dumps({**header, "ProtocolName": "Schl\xe4fe"}, ensure_ascii=False).encode("utf-8-sig"),
        json.dumps(header).encode("utf-16"),
    )
    return _with_text(file, ways[rng.integers(len(ways))])


def truncation(file: bytes, rng: np.random.Generator) -> bytes:
    """Cut the file off anywhere."""
    return file[: rng.integers(len(file))]


def sizes(file: bytes, rng: np.random.Generator) -> bytes:
    """Change one of the sizes in the header, or their number."""
    damaged = bytearray(file)
    value = int(rng.choice([0, -1, 1, 2, 3, 7, 8, 1000, 2**31, 2**40]))
    struct.pack_into("<q", damaged, 16 + 8 * int(rng.integers(8)), value)
    return bytes(damaged)


def header_number(file: bytes, rng: np.random.Generator) -> bytes:
    """Change a number of the NIfTI header: dwell time, scaling, data type, units, offset."""
    damaged = bytearray(file)
    number = float(rng.choice([0, -1, np.nan, np.inf, 1e-30, 1e30, 2.5]))
    kind = int(rng.integers(5))
    if kind == 0:
        struct.pack_into("<d", damaged, 104 + 8 * int(rng.integers(8)), number)
    elif kind == 1:
        struct.pack_into("<dd", damaged, 176, number, number)
    elif kind == 2:
        struct.pack_into("<hh", damaged, 12, int(rng.choice([0, 2, 16, 64, 1792, 2048, 999])), 64)
    elif kind == 3:
        struct.pack_into("<i", damaged, 500, int(rng.integers(64)))
    else:
        struct.pack_into("<q", damaged, 168, int(rng.choice([0, -1, 100, 10**9])))
    return bytes(damaged)


def values(file: bytes, rng: np.random.Generator) -> bytes:
    """Put NaN, Inf, zeros or huge numbers into some or all FIDs."""
    _, _, end = _split(file)
    numbers = np.frombuffer(file[end:], dtype=np.complex64).copy()
    value = np.complex64(rng.choice([np.nan, np.inf, 0, 1e38]))
    if rng.random() < 0.3:
        numbers[:] = value
    else:
        numbers[rng.integers(len(numbers), size=int(rng.choice([1, 100])))] = value
    return file[:end] + numbers.tobytes()


def any_bytes(file: bytes, rng: np.random.Generator) -> bytes:
    """Change bytes anywhere before the data."""
    _, _, end = _split(file)
    damaged = bytearray(file)
    for at in rng.integers(end, size=int(rng.choice([1, 4, 32]))):
        damaged[at] = rng.integers(256)
    return bytes(damaged)


DAMAGES: Mapping[str, Damage] = {
    "header keys": header_key,
    "header JSON": header_text,
    "times": times,
    "characters": characters,
    "truncation": truncation,
    "sizes": sizes,
    "header numbers": header_number,
    "NaN, Inf, zero": values,
    "random bytes": any_bytes,
}
