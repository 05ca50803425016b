"""Images on the grid of the data: masks and tissue fractions."""

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import TISSUES, Real
from fsl_mrs_dl.errors import DataError, OptionError
from fsl_mrs_dl.io.nifti_file import DAMAGE, loaded, output_to_log, reason_of
from fsl_mrs_dl.io.position import apart_mm, image_places, smallest_side, turned_to
from fsl_mrs_dl.io.sizes import check_image

logger = logging.getLogger(__name__)

_SUM_TOLERANCE = 0.1
"""Largest difference of the sum of tissue fractions from 1; a smaller one is scaled away."""
_LARGEST_NUMBER = 1e300
"""Largest number that is accepted from a file; the comparison refuses NaN too."""


def read_volume(path: Path | Any, grid: tuple[int, ...], flag: str, where: Sequence[Real] = ()) -> Real:
    """Read a NIfTI image on the grid of the data.

    If the axes of the image are swapped or flipped, its voxels are reordered; nothing is interpolated.

    Parameters
    ----------
    path : Path or ndarray
        A file, or the values themselves.
    grid : tuple of int
        (x, y, z) of the data.
    flag : str
        Option that names the image, for messages.
    where : sequence of ndarray, float, shape (4, 4)
        Affines of the data (:func:`fsl_mrs_dl.io.position.places`), the preferred one first; the image must lie at
        one of them. Empty: not known, and the position of the image is not checked.

    Returns
    -------
    ndarray, float, shape (x, y, z)

    Raises
    ------
    DataError
        If it is not a readable image, or has another shape or place.
    """
    if hasattr(path, "__array__"):
        return _on_grid(np.asarray(path), grid, f"--{flag}: the array")
    what = f"--{flag}: {path}"
    image = loaded(Path(path), flag)
    if np.prod([float(n) for n in image.shape]) != np.prod(grid):
        # Refused by its shape, before it is read: a small file can unpack to a very large one.
        raise _of_another_grid(tuple(image.shape), grid, what)
    try:
        values = _of_three_dimensions(np.asanyarray(image.dataobj))
    except DAMAGE as error:
        raise DataError(f"{what} is not a readable NIfTI image ({reason_of(error)}).") from error
    theirs = image_places(image)
    if where and theirs:
        values = _at_place(values, theirs, where, grid, what)
    return _on_grid(values, grid, what)


def read_image(path: Path, flag: str, *, canonical: bool = True) -> tuple[Real, Real]:
    """Read an image of any grid, and reorder its axes to right, anterior and superior.

    Parameters
    ----------
    path : Path
    flag : str
        Option that names the image, for messages.
    canonical : bool
        False: leave the axes in the order of the file.

    Returns
    -------
    values : ndarray, float32, shape (x, y, z)
        The first volume; 0 where it is not finite.
    affine : ndarray, float, shape (4, 4)
        Voxel to world, in mm.

    Raises
    ------
    DataError
        If it is not a readable image of three dimensions.
    """
    what = f"--{flag}: {path}"
    image = loaded(Path(path), flag)
    check_image(image, what)
    try:
        with output_to_log():
            image = nib.as_closest_canonical(image) if canonical else image
            values = np.asarray(image.dataobj)
    except DAMAGE as error:
        raise DataError(f"{what} is not a readable NIfTI image ({reason_of(error)}).") from error
    values = values.reshape((*values.shape[:3], -1))[..., 0] if values.ndim >= 3 else values
    if values.ndim != 3 or values.size == 0 or not np.isrealobj(values) or values.dtype.kind not in "biuf":
        raise DataError(f"{what} has shape {values.shape}; an image of three dimensions is needed.")
    return np.nan_to_num(values.astype(np.float32)), np.asarray(image.affine, dtype=np.float64)


def read_mask(path: Path | Any, grid: tuple[int, ...], where: Sequence[Real] = ()) -> NDArray[np.bool_]:
    """Read a mask: all voxels that are not zero, as in FSL; see :func:`read_volume`.

    Raises
    ------
    DataError
        If it is not a readable image, has another shape or place, or chooses no voxel.
    """
    values = read_volume(path, grid, "mask", where)
    name = "the array" if hasattr(path, "__array__") else str(path)
    chosen: NDArray[np.bool_] = np.isfinite(values) & (values != 0)
    if not chosen.any():
        raise DataError(f"--mask: {name} is zero in every voxel; the voxels to fit must not be.")
    if (values[chosen] != np.round(values[chosen])).any() or (values[chosen] < 0).any():
        logger.warning(
            "--mask: %s holds %g to %g: every voxel that is not 0 counts, %d in all.",
            name,
            values[chosen].min(),
            values[chosen].max(),
            chosen.sum(),
        )
    return chosen


def _of_three_dimensions(values: NDArray[Any]) -> NDArray[Any]:
    while values.ndim > 3 and values.shape[-1] == 1:
        values = values[..., 0]
    while values.ndim < 3:
        values = values[..., None]
    return values


def _on_grid(values: NDArray[Any], grid: tuple[int, ...], what: str) -> Real:
    """Return values as floats, or refuse those of another grid."""
    values = _of_three_dimensions(values)
    if values.shape != tuple(grid) or np.iscomplexobj(values) or not np.issubdtype(values.dtype, np.number):
        raise _of_another_grid(values.shape, grid, what)
    return values.astype(np.float64)


def _of_another_grid(shape: tuple[int, ...], grid: tuple[int, ...], what: str) -> DataError:
    return DataError(
        f"{what} has shape {shape}; the data's grid {tuple(grid)} is needed. Bring it to the space of the data "
        "first."
    )


def _at_place(
    values: NDArray[Any], theirs: Sequence[Real], where: Sequence[Real], grid: tuple[int, ...], what: str
) -> NDArray[Any]:
    """Return an image on the grid of the data, or refuse one that lies more than half a voxel off."""
    nearest = np.inf
    for nth, needed in enumerate(where):
        for affine in theirs:
            turned, place = turned_to(values, affine, needed) if values.ndim == 3 else (values, affine)
            if turned.shape != tuple(grid):
                continue
            apart = apart_mm(place, needed, grid)
            nearest = min(nearest, apart)
            if apart <= smallest_side(needed) / 2:
                if nth:
                    logger.warning(
                        "%s lies where the sform of the data is, not their qform: it is used.", what
                    )
                return turned
    if np.isfinite(nearest):
        raise DataError(
            f"{what} has the grid of the data in another place, up to {nearest:.1f} mm off; bring it to the "
            "space of the data first."
        )
    return values


def read_fractions(
    words: Sequence[str], grid: tuple[int, int, int], where: Sequence[Real] = ()
) -> Mapping[str, Real]:
    """Read tissue volume fractions: three numbers or a JSON file for one voxel, three images for many.

    Parameters
    ----------
    words : sequence of str
        ``WM GM CSF``, each a number or an image, or one JSON file with these keys (of ``svs_segment``).
    grid : tuple of int
        (x, y, z) of the data.
    where : sequence of ndarray, float, shape (4, 4)
        Affines of the data, see :func:`read_volume`.

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
    if len(words) == 3 and many:
        if any(_number(word) is not None for word in words):
            raise OptionError(
                "--tissue_frac has numbers for many voxels; three images, WM GM CSF, are needed."
            )
        values = [read_volume(Path(word), grid, "tissue_frac", where) for word in words]
    elif len(words) == 3:
        numbers = [_number(word) for word in words]
        values = [
            np.full(grid, number)
            if number is not None
            else read_volume(Path(word), grid, "tissue_frac", where)
            for word, number in zip(words, numbers, strict=True)
        ]
    elif len(words) == 1 and not many:
        values = [np.full(grid, number) for number in _json_fractions(Path(words[0]))]
    else:
        raise OptionError(
            f"--tissue_frac has {len(words)} values; needed are WM GM CSF as "
            f"{'three images' if many else 'three numbers, or one JSON file'}."
        )
    total = sum(values)
    low = np.min(values, axis=0)
    wrong = ~((np.abs(total - 1) <= _SUM_TOLERANCE) & (low >= 0))
    if not many and wrong.any():
        raise OptionError(
            f"--tissue_frac {' '.join(words)}: the fractions are {', '.join(f'{v.flat[0]:g}' for v in values)} "
            f"and add up to {np.ravel(total)[0]:g}; needed are three that are not negative and add up to 1."
        )
    there = np.isfinite(total) & (np.asarray(total) != 0)
    if there.any() and wrong[there].all():
        raise DataError(
            f"--tissue_frac {' '.join(words)}: the fractions of no voxel add up to 1, the median is "
            f"{np.median(np.asarray(total)[there]):g}; volume fractions from 0 to 1 are needed."
        )
    scale = np.where(wrong, np.nan, 1 / np.where(wrong, 1, total))
    return {tissue: value * scale for tissue, value in zip(TISSUES, values, strict=True)}


def _number(word: str) -> float | None:
    try:
        return float(word)
    except ValueError:
        return None


def _json_fractions(path: Path) -> list[float]:
    fractions = read_numbers(path, TISSUES, "tissue_frac")
    return [fractions[tissue] for tissue in TISSUES]


def read_numbers(path: Path, keys: Sequence[str], flag: str) -> Mapping[str, float]:
    """Read a JSON object that has a number for each key.

    Raises
    ------
    DataError
        If it does not.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise DataError(f"--{flag}: {path} is not a readable JSON file ({reason}).") from error
    values = content if isinstance(content, dict) else {}
    for key in keys:
        value = values.get(key)
        # By comparison: a number of hundreds of digits is no float.
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < _LARGEST_NUMBER:
            raise DataError(
                f"--{flag}: {path} has {key} = {repr(value)[:60]}; a number is needed for each of "
                f"{', '.join(keys)}."
            )
    return {key: float(values[key]) for key in keys}
