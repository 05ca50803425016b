"""Find the scans of a study by a file tree."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from fsl_mrs_dl.errors import DataError, OptionError
from fsl_mrs_dl.extras import require

SVS, REFERENCE, FRACTIONS = "svs", "mrsref", "fractions"
"""Templates of a tree: the raw scan, its water reference, and its tissue fractions as ``segment`` writes them."""
SHIPPED = ("bids", "plain")
_ENDINGS = (".nii.gz", ".nii")


@dataclass(frozen=True)
class StudyScan:
    """One scan of a study.

    Attributes
    ----------
    name : str
        Its file relative to the folder of the study, without the ending; its results have the same name.
    labels : mapping of str to str
        Placeholder of the tree -> value: subject, session, ..
    data : Path
    reference : Path or None
        Water reference, if there is one.
    fractions : Path or None
        Tissue fractions, if there are any.
    """

    name: str
    labels: Mapping[str, str]
    data: Path
    reference: Path | None
    fractions: Path | None = None


def find_scans(folder: Path, tree: str | None) -> list[StudyScan]:
    """Find the scans below a folder, in the order of their names.

    Parameters
    ----------
    folder : Path
    tree : str or None
        One of :data:`SHIPPED`, or a file of file-tree with the template ``svs``, and ``mrsref`` if there are water
        references, ``fractions`` if there are tissue fractions. None: the first of :data:`SHIPPED` that finds any.

    Raises
    ------
    DataError
        If there is no scan.
    MissingDependencyError
        If file-tree is not installed.
    OptionError
        If the tree cannot be read, or has no template ``svs``.
    """
    if not folder.is_dir():
        raise DataError(f"--input {folder} is no folder; the folder of the study is needed.")
    looked_for = []
    for name in SHIPPED if tree is None else (tree,):
        file_tree = _tree(folder, name)
        if scans := _scans(folder, file_tree):
            return scans
        looked_for.append(f"{file_tree.get_template(SVS).as_string} (--tree {name})")
    raise DataError(
        f"{folder} holds no scan. Looked for: {'; '.join(looked_for)}. Name the layout of the folder with --tree: "
        "bids, plain, or a .tree file of your own."
    )


def _tree(folder: Path, name: str) -> Any:
    """Read a file tree.

    Raises
    ------
    OptionError
        If it cannot be read, or has no template for scans.
    """
    reader = require("file_tree", "study").FileTree
    path = (
        files("fsl_mrs_dl").joinpath("resources", "trees", f"{name}.tree") if name in SHIPPED else Path(name)
    )
    if not path.is_file():
        raise OptionError(f"--tree {name} is neither {' nor '.join(SHIPPED)} nor a file; give one of them.")
    try:
        file_tree = reader.from_string(path.read_text(encoding="utf-8"), top_level=str(folder))
    except (ValueError, UnicodeDecodeError, KeyError) as error:
        raise OptionError(f"--tree {name} cannot be read by file-tree: {error}.") from error
    keys = file_tree.template_keys()
    if SVS not in keys:
        raise OptionError(
            f"--tree {name} has no template '{SVS}', the raw scan; it has {', '.join(sorted(keys))}."
        )
    return file_tree


def _scans(folder: Path, file_tree: Any) -> list[StudyScan]:
    """Return the scans of a file tree that exist."""
    keys = file_tree.template_keys()
    scans = []
    matches = file_tree.update_glob(SVS)
    for match in matches.iter(SVS) if matches.placeholders else ():
        data = Path(match.get(SVS))
        if not data.is_file():
            continue
        labels = {key: str(value) for key, value in match.placeholders.items() if value is not None}
        beside = [Path(match.get(key)) if key in keys else None for key in (REFERENCE, FRACTIONS)]
        water, fractions = (path if path is not None and path.is_file() else None for path in beside)
        scans.append(StudyScan(_name(data, folder), labels, data, water, fractions))
    return sorted(scans, key=lambda scan: scan.name)


def _name(data: Path, folder: Path) -> str:
    name = data.relative_to(folder).as_posix()
    for ending in _ENDINGS:
        name = name.removesuffix(ending)
    return name
