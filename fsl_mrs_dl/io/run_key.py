"""The key of a run: version, options and checksums of the inputs. Runs with equal keys have equal results."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fsl_mrs_dl import __version__
from fsl_mrs_dl.io.publishing import checksum


@dataclass(frozen=True)
class RunKey:
    """Version, options and inputs of a run.

    Attributes
    ----------
    version : str
        Of this program.
    options : mapping of str to str
        Name -> value as text.
    files : mapping of str to str
        What the file or folder is for, for example ``data`` -> SHA-256 of its content.
    """

    version: str
    options: Mapping[str, str]
    files: Mapping[str, str]

    @classmethod
    def of(cls, options: Mapping[str, Any], files: Mapping[str, Path]) -> "RunKey":
        """Return the key of options and of files or folders; those that do not exist count as empty.

        Raises
        ------
        OSError
            If a file cannot be read.
        """
        texts = {name: str(value) for name, value in options.items()}
        return cls(__version__, texts, {name: _content(path) for name, path in files.items()})

    @classmethod
    def read(cls, content: Any) -> "RunKey | None":
        """Return a key from its JSON values; None if they are none."""
        try:
            return cls(content["version"], dict(content["options"]), dict(content["files"]))
        except (TypeError, KeyError, ValueError):
            return None

    @property
    def digest(self) -> str:
        """SHA-256 of the key."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()

    def values(self) -> dict[str, Any]:
        """Return the key as JSON values."""
        return asdict(self)

    def changes(self, earlier: "RunKey") -> str:
        """Say in a few words what differs from an earlier key; empty if nothing does."""
        changed = [f"--{name}" for name in _differing(self.options, earlier.options)]
        changed += [f"the content of --{name}" for name in _differing(self.files, earlier.files)]
        if self.version != earlier.version:
            changed.insert(0, "the version of the program")
        return ", ".join(changed)


def _differing(one: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    return [name for name in sorted({*one, *other}) if one.get(name) != other.get(name)]


def _content(path: Path) -> str:
    """Return the SHA-256 of a file, or of the names and contents of a folder's files."""
    if not path.is_dir():
        return checksum(path)
    digest = hashlib.sha256()
    for file in sorted(one for one in path.rglob("*") if one.is_file()):
        digest.update(f"{file.relative_to(path).as_posix()} {checksum(file)}\n".encode(errors="replace"))
    return digest.hexdigest()
