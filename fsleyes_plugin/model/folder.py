"""A folder of results: of ``fsl_mrs_dl quantify``, ``fsl_mrs`` or ``fsl_mrsi``, or curves beside each other."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.io.run_folder import unfinished
from fsleyes_plugin.model.damage import gone, reason_of, refusing_damage
from fsleyes_plugin.model.tree import FIT_KEY, Tree, tree_of

ENDINGS = (".nii.gz", ".nii")
_CURVES = ("fit/fit", "fit")
_SEARCHED_LEVELS = 3  # a file in ``concs/raw`` is three levels below the folder of results, itself included


@dataclass(frozen=True, eq=False)
class ResultFolder:
    """Folder of the files of one fit.

    Attributes
    ----------
    path : Path
    record : dict or None
        Content of ``run.json``, if it exists.
    fsl_mrs : dict or None
        Arguments in FSL-MRS's ``options.txt``, if it exists.
    tree : Tree or None
        Where the files are if the layout is that of another program.
    """

    path: Path
    record: dict[str, Any] | None
    fsl_mrs: dict[str, Any] | None
    tree: Tree | None = None

    @property
    def producer(self) -> str:
        """Name of the producer of the fit: a model with its version, a program, or else the folder."""
        if self.record is not None:
            model = self.record.get("model")
            if isinstance(model, dict) and model.get("name"):
                version = f"@{model['version']}" if model.get("version") else ""
                return f"{model['name']}{version}"
            if isinstance(model, str):
                return model
            return f"fsl_mrs_dl {self.record.get('version', '')}".strip()
        if self.fsl_mrs is not None:
            return "FSL-MRS"
        return self.path.name

    def image(self, *names: str) -> Path | None:
        """Return the first existing NIfTI file of some names without ending, relative to the folder.

        Raises
        ------
        DataError
            If the folder no longer exists.
        """
        for name in names:
            for ending in ENDINGS:
                path = self.path / f"{name}{ending}"
                if path.is_file():
                    return path
        for name in names if self.tree is not None else ():
            elsewhere = self.tree.image(name) if self.tree is not None else None
            if elsewhere is not None:
                return elsewhere
        if not self.path.is_dir():
            raise DataError(gone(self.path))
        return None

    def images(self, pattern: str) -> dict[str, Path]:
        """Return the NIfTI files of a glob pattern without ending, by their names without ending."""
        files: dict[str, Path] = self.tree.images(pattern) if self.tree is not None else {}
        for ending in ENDINGS:
            for path in sorted(self.path.glob(pattern + ending)):
                files.setdefault(path.name.removesuffix(ending), path)
        return files

    def curve(self, kind: str) -> Path | None:
        """Return the file of ``fit``, ``baseline`` or ``residual``, by the names of the three programs."""
        return self.image(f"fit/{kind}", kind, *([f"fit_{kind}"] if kind != "fit" else []))


@refusing_damage
def open_folder(path: Path) -> ResultFolder:
    """Open a folder of results.

    Parameters
    ----------
    path : Path
        The folder, or a file in it.

    Returns
    -------
    ResultFolder

    Raises
    ------
    DataError
        If there is none, it is empty, it holds only half a result, or a run died while it put its files there.
    """
    if not path.exists():
        raise DataError(f"There is no {path}; choose a folder of fsl_mrs_dl quantify, fsl_mrs or fsl_mrsi.")
    root = result_root(path)
    refuse_unfinished(root or (path if path.is_dir() else path.parent))
    if root is not None:
        return ResultFolder(root, _json(root / "run.json"), _options(root / "options.txt"), tree_of(root))
    folder = path if path.is_dir() else path.parent
    inside = sorted(item.name for item in folder.iterdir())
    if not inside:
        raise DataError(f"{folder} is empty; choose a folder of fsl_mrs_dl quantify, fsl_mrs or fsl_mrsi.")
    names = ", ".join(inside[:6]) + (" and more" if len(inside) > 6 else "")
    if any((folder / name).exists() for name in ("concs", "run.json", "concentrations.csv", "summary.csv")):
        raise DataError(
            f"{folder} holds half a result ({names}): there is no fit.nii.gz and no fit/fit.nii.gz. Run the fit "
            "again, or choose the folder above."
        )
    trees = sorted(folder.glob("*.tree"))
    wanting = f", and {trees[0].name} names no file with the key {FIT_KEY}" if trees else ""
    raise DataError(
        f"{folder} holds no fit ({names}); a fit.nii.gz or fit/fit.nii.gz is needed in it{wanting}."
    )


def refuse_unfinished(folder: Path) -> None:
    """Raise if files of two runs may stand in a folder side by side.

    Raises
    ------
    DataError
        If the journal of a run there says that it has not put all its files in place.
    """
    if unfinished(folder):
        raise DataError(
            f"{folder} may hold files of two runs, because one is putting its files there or died while it did; "
            "run the same command again with --overwrite, which puts them in order, and then open the folder."
        )


def result_root(path: Path) -> Path | None:
    """Return the folder of results that a folder or file belongs to, or None."""
    folder = path if path.is_dir() else path.parent
    for candidate in [folder, *folder.parents][:_SEARCHED_LEVELS]:
        inner = candidate.name == "fit" and (candidate.parent / "concs").is_dir()
        known = ResultFolder(candidate, None, None, tree_of(candidate))
        if not inner and known.image(*_CURVES) is not None:
            return candidate
    return None


def _json(path: Path) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path} is not readable ({reason_of(error)}); run the fit again.") from error
    return content if isinstance(content, dict) else None


def _options(path: Path) -> dict[str, Any] | None:
    """Read the options of FSL-MRS: JSON up to a line of dashes."""
    if not path.is_file():
        return None
    text = path.read_text(encoding="utf-8", errors="replace").split("\n--------")[0]
    try:
        content = json.loads(text)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
