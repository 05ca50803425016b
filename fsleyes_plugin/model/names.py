"""Names that tell results and files apart: as much of the path as is needed, with the subject."""

import re
from collections.abc import Sequence
from pathlib import Path

_SUBJECT = re.compile(r"^(sub|ses)-[0-9A-Za-z]+$")
"""A folder of a subject or session in BIDS."""


def distinct_names(paths: Sequence[Path]) -> list[str]:
    """Return a short name for each path: its last part, with folders above it until no two names are equal.

    Folders of a subject or session (``sub-01``, ``ses-2``) are always in the name. The same path twice has the
    same name.
    """
    return [_name(path, [other for other in paths if other != path]) for path in paths]


def _name(path: Path, others: Sequence[Path]) -> str:
    parts = path.parts
    needed = next(
        (n for n in range(1, len(parts)) if all(other.parts[-n:] != parts[-n:] for other in others)),
        len(parts),
    )
    above = [part for part in parts[:-needed] if _SUBJECT.match(part) and part not in parts[-needed:]]
    return "/".join([*above, *parts[-needed:]])
