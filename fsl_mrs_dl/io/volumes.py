"""Images on the grid of the data: masks and tissue fractions."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError

from fsl_mrs_dl.data import Real
from fsl_mrs_dl.errors import DataError, OptionError

TISSUES = ("WM", "GM", "CSF")
_SUM_TOLERANCE = 0.1


def read_volume(path: Path | Any, grid: tuple[int, ...], flag: str, affine: Real | None = None) -> Real:
    """Read a NIfTI image that must lie on the grid of the data.

    Parameters
    ----------
    path : Path or ndarray
        An array is taken as it is.
    grid : tuple of int
        (x, y, z) of the data.
    flag : str
        That names it, for messages.
    affine : ndarray, float, shape (4, 4), optional
        Of the data; not given: their position is not known, and that of the image does not count.

    Returns
    -------
    ndarray, float, shape (x, y, z)

    Raises
    ------
    DataError
        If it is not a readable image, or has another shape or place.
    """
    if hasattr(path, "__array__"):
        values, name = np.asarray(path), "the array"
    else:
        name = str(path)
        if not Path(path).is_file():
            raise DataError(f"--{flag}: there is no file {path}; check the name.")
        try:
            image: Any = nib.load(path)
            values = np.asanyarray(image.dataobj)
        except (ImageFileError, OSError, EOFError, ValueError) as error:
            reason = " ".join(str(error).split())
            raise DataError(f"--{flag}: {path} is not a readable NIfTI image ({reason}).") from error
        if affine is not None and values.shape[:3] == tuple(grid)[: values.ndim]:
            _refuse_elsewhere(image.affine, affine, grid, f"--{flag}: {name}")
    while values.ndim > 3 and values.shape[-1] == 1:
        values = values[..., 0]
    while values.ndim < 3:
        values = values[..., None]
    if values.shape != tuple(grid) or np.iscomplexobj(values):
        raise DataError(
            f"--{flag}: {name} has shape {values.shape}; the data's grid {tuple(grid)} is needed. Bring it to the "
            "space of the data first."
        )
    return values.astype(np.float64)


def _refuse_elsewhere(found: Real, needed: Real, grid: tuple[int, ...], what: str) -> None:
    """Refuse an image whose corners lie more than half a voxel from those of the data."""
    corners = np.array([[*corner, 1] for corner in np.ndindex(2, 2, 2)]) * [*(np.array(grid) - 1), 1]
    apart = np.linalg.norm((corners @ (found - needed).T)[:, :3], axis=1).max()
    if apart > np.linalg.norm(needed[:3, :3], axis=0).min() / 2:
        raise DataError(
            f"{what} has the grid of the data in another place, up to {apart:.1f} mm off; bring it to the "
            "space of the data first."
        )


def read_fractions(
    said: Sequence[str], grid: tuple[int, int, int], affine: Real | None = None
) -> Mapping[str, Real]:
    """Read tissue volume fractions: three numbers or a JSON file for one voxel, three images for many.

    Parameters
    ----------
    said : sequence of str
        ``WM GM CSF``, each a number or an image, or one JSON file with these keys (of ``svs_segment``).
    grid : tuple of int
        (x, y, z) of the data.
    affine : ndarray, float, shape (4, 4), optional
        Of the data, see :func:`read_volume`.

    Returns
    -------
    mapping of str to ndarray, float, shape (x, y, z)
        Scaled to a sum of one; NaN where an image's sum is off by more than a tenth.

    Raises
    ------
    OptionError
        If the words are neither, or the fractions of one voxel do not add up to one.
    DataError
        If a file cannot be read, or an image has another grid or place than the data.
    """
    many = grid != (1, 1, 1)
    if len(said) == 3 and many:
        if any(_number(word) is not None for word in said):
            raise OptionError(
                "--tissue_frac has numbers for many voxels; three images, WM GM CSF, are needed."
            )
        values = [read_volume(Path(word), grid, "tissue_frac", affine) for word in said]
    elif len(said) == 3:
        numbers = [_number(word) for word in said]
        values = [
            np.full(grid, number)
            if number is not None
            else read_volume(Path(word), grid, "tissue_frac", affine)
            for word, number in zip(said, numbers, strict=True)
        ]
    elif len(said) == 1 and not many:
        values = [np.full(grid, number) for number in _json_fractions(Path(said[0]))]
    else:
        raise OptionError(
            f"--tissue_frac has {len(said)} values; needed are WM GM CSF as "
            f"{'three images' if many else 'three numbers, or one JSON file'}."
        )
    total = sum(values)
    low = np.min(values, axis=0)
    wrong = ~((np.abs(total - 1) <= _SUM_TOLERANCE) & (low >= 0))
    if not many and wrong.any():
        raise OptionError(
            f"--tissue_frac {' '.join(said)}: the fractions are {', '.join(f'{v.flat[0]:g}' for v in values)} and "
            f"add up to {np.ravel(total)[0]:g}; needed are three that are not negative and add up to 1."
        )
    scale = np.where(wrong, np.nan, 1 / np.where(wrong, 1, total))
    return {tissue: value * scale for tissue, value in zip(TISSUES, values, strict=True)}


def _number(word: str) -> float | None:
    try:
        return float(word)
    except ValueError:
        return None


def _json_fractions(path: Path) -> list[float]:
    said = read_numbers(path, TISSUES, "tissue_frac")
    return [said[tissue] for tissue in TISSUES]


def read_numbers(path: Path, keys: Sequence[str], flag: str) -> Mapping[str, float]:
    """Read a JSON object that has a number for each key.

    Raises
    ------
    DataError
        If it does not.
    """
    try:
        said = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise DataError(f"--{flag}: {path} is not a readable JSON file ({reason}).") from error
    found = said if isinstance(said, dict) else {}
    for key in keys:
        value = found.get(key)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not np.isfinite(value):
            raise DataError(
                f"--{flag}: {path} has {key} = {value!r}; a number is needed for each of {', '.join(keys)}."
            )
    return {key: float(found[key]) for key in keys}
