"""Find the files of a fit of another program by a file tree: the ``.tree`` file that fsleyes-plugin-mrs reads.

Each line is a folder or a file, indented below its folder, with ``{metab}`` for the metabolite; its key is in
brackets.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fsl_mrs_dl.errors import DataError

FIT_KEY = "fit-fit"
"""Key of the file of a fit."""
_KEYS: Mapping[str, str] = {
    "fit/fit": FIT_KEY,
    "fit/baseline": "fit-baseline",
    "fit/residual": "fit-residual",
    "concs/raw/{metab}": "raw-concentrations",
    "concs/internal/{metab}": "conc-internal",
    "concs/molarity/{metab}": "conc-molarity",
    "concs/molality/{metab}": "conc-molality",
    "uncertainties/{metab}_sd": "sd",
    "qc/{metab}_snr": "SNR",
    "qc/{metab}_fwhm": "FWHM",
}
"""Name of a file in the layout of fsl_mrsi, without ending -> key of fsleyes-plugin-mrs."""
_METABOLITE = "{metab}"
_LINE = re.compile(r"(?P<indent>\s*)(?P<name>[^\s(]+)\s*(?:\((?P<key>[^)]+)\))?\s*$")
_LONGEST = 10000
"""Most characters of a tree that are read; one of fsl_mrsi has about 1000."""


@dataclass(frozen=True)
class Tree:
    """Key -> path of its file relative to the folder, with ``{metab}`` for the metabolite."""

    folder: Path
    paths: Mapping[str, str]

    def image(self, name: str) -> Path | None:
        """Return the file for a name in the layout of fsl_mrsi, if it exists."""
        for ours, key in _KEYS.items():
            match = re.fullmatch(re.escape(ours).replace(re.escape(_METABOLITE), "(.+)"), name)
            if match and key in self.paths:
                metabolite = match[1] if match.groups() else ""
                path = self.folder / self.paths[key].replace(_METABOLITE, metabolite)
                return path if path.is_file() else None
        return None

    def images(self, pattern: str) -> dict[str, Path]:
        """Return the files for a pattern such as ``concs/raw/*``, by metabolite."""
        key = _KEYS.get(pattern.replace("*", _METABOLITE))
        if key is None or key not in self.paths:
            return {}
        template = self.paths[key]
        name = re.compile(re.escape(template).replace(re.escape(_METABOLITE), "([^/]+)"))
        known = {}
        for path in sorted(self.folder.glob(template.replace(_METABOLITE, "*"))):
            match = name.fullmatch(path.relative_to(self.folder).as_posix())
            if match and match.groups():
                known[match[1]] = path
        return known


def tree_of(folder: Path) -> Tree | None:
    """Return the file tree of a folder; None without one that names the file of a fit.

    Raises
    ------
    DataError
        If a path of the tree leaves the folder.
    """
    files = sorted(folder.glob("*.tree")) if folder.is_dir() else []
    for file in files:
        paths = _parsed(file.read_text(encoding="utf-8", errors="replace")[:_LONGEST])
        outside = [path for path in paths.values() if path.startswith("/") or ".." in Path(path).parts]
        if outside:
            raise DataError(
                f"{file} names {outside[0]}, outside of its folder; move the files into the folder."
            )
        if FIT_KEY in paths:
            return Tree(folder, paths)
    return None


def _parsed(text: str) -> dict[str, str]:
    """Return key -> path of the lines of a tree."""
    paths: dict[str, str] = {}
    above: list[tuple[int, str]] = []
    for line in text.splitlines():
        match = _LINE.match(line.split("#")[0].rstrip())
        if match is None:
            continue
        indent = len(match["indent"].expandtabs(4))
        above = [(depth, name) for depth, name in above if depth < indent]
        path = "/".join([*(name for _, name in above), match["name"]])
        if match["key"]:
            paths[match["key"]] = path
        above.append((indent, match["name"]))
    return paths
