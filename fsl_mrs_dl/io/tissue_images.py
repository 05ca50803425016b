"""Tissue images of segmentation programs: three probability maps, or one image of labels."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np

from fsl_mrs_dl.data import TISSUES, Real
from fsl_mrs_dl.errors import DataError, OptionError
from fsl_mrs_dl.io.nifti_file import loaded
from fsl_mrs_dl.io.position import apart_mm, image_places, smallest_side
from fsl_mrs_dl.io.volumes import read_image

logger = logging.getLogger(__name__)

# Labels of FreeSurfer (its table FreeSurferColorLUT.txt), which SynthSeg, FastSurfer and SAMSEG use too: first and
# last of each range. Brain stem and ventral diencephalon count as white matter, choroid plexus as CSF. Vessels,
# skull and what is not listed are no tissue.
_LABELS = {
    "WM": (
        *((n, n) for n in (2, 7, 16, 28, 41, 46, 60, 77, 78, 79, 85, 192)),
        *((251, 255), (3000, 4999), (5001, 5002), (13100, 14999)),
    ),
    "GM": (
        *((3, 3), (8, 13), (17, 20), (26, 27), (42, 42), (47, 56), (58, 59), (80, 82)),
        *((1000, 2999), (11100, 12999)),
    ),
    "CSF": tuple((n, n) for n in (4, 5, 14, 15, 24, 31, 43, 44, 63, 72, 257)),
}
_LARGEST_FAST_LABEL = 3
"""FAST's image of labels has CSF 1, GM 2 and WM 3, which mean something else in FreeSurfer's table."""
_PROBABILITY_TOLERANCE = 0.05
"""Largest overshoot of a probability: images that were interpolated overshoot by a little."""
_SAME_PLACE = 0.1
"""Largest distance between images of one grid, as a share of the smallest side of a voxel."""


@dataclass(frozen=True, eq=False)
class TissueImages:
    """Share of each tissue in each voxel of an anatomical image.

    Attributes
    ----------
    shares : ndarray, float32, shape (3, x, y, z)
        In the order of :data:`~fsl_mrs_dl.data.TISSUES`, from 0 to 1.
    affine : ndarray, float, shape (4, 4)
        Voxel to world, in mm.
    """

    shares: Real
    affine: Real


def read_tissues(paths: Sequence[Path]) -> TissueImages:
    """Read three probability maps in the order WM, GM, CSF, or one image of labels.

    Parameters
    ----------
    paths : sequence of Path

    Returns
    -------
    TissueImages

    Raises
    ------
    OptionError
        If there are neither three images nor one.
    DataError
        If an image cannot be read, has no position, or does not hold probabilities or labels.
    """
    if len(paths) == 1:
        return _read_labels(paths[0])
    if len(paths) != len(TISSUES):
        raise OptionError(
            f"--tissue has {len(paths)} images; needed are three, {' '.join(TISSUES)}, or one image of labels."
        )
    _warn_of_order(paths)
    images = [_read_placed(path) for path in paths]
    (first, affine), *others = images
    for path, (values, place) in zip(paths[1:], others, strict=True):
        is_same = values.shape == first.shape
        if not is_same or apart_mm(place, affine, first.shape) > _SAME_PLACE * smallest_side(affine):
            raise DataError(
                f"--tissue: {path} is not on the grid of {paths[0]}; give maps of one segmentation."
            )
    shares = np.stack([_probabilities(values, path) for path, (values, _) in zip(paths, images, strict=True)])
    if (total := float(shares.sum(axis=0).max())) > 1 + _PROBABILITY_TOLERANCE * len(TISSUES):
        raise DataError(
            f"--tissue: the three maps add up to {total:.2f} somewhere; probabilities of {', '.join(TISSUES)} "
            "add up to 1 at most. Is one of them given twice?"
        )
    return TissueImages(shares, affine)


def read_placed(path: Path, flag: str) -> tuple[Real, Real]:
    """Read an image whose header says where it lies, in the order of the axes of its file.

    Parameters
    ----------
    path : Path
    flag : str
        Option that names the image, for messages.

    Returns
    -------
    values : ndarray, float32, shape (x, y, z)
    affine : ndarray, float, shape (4, 4)

    Raises
    ------
    DataError
        If it is not a readable image, or its header has no position.
    """
    if not image_places(loaded(path, flag)):
        raise DataError(f"--{flag}: the header of {path} says no position (sform and qform codes are 0).")
    return read_image(path, flag, canonical=False)


def write_placed(values: Real, affine: Real, path: Path) -> None:
    """Write an image as NIfTI, in scanner coordinates."""
    image = nib.Nifti1Image(values, affine)
    image.header.set_qform(affine, code=1)
    image.header.set_sform(affine, code=1)
    nib.save(image, path)


def _read_placed(path: Path) -> tuple[Real, Real]:
    return read_placed(path, "tissue")


def _probabilities(values: Real, path: Path) -> Real:
    low, high = float(values.min()), float(values.max())
    if low < -_PROBABILITY_TOLERANCE or high > 1 + _PROBABILITY_TOLERANCE or high <= 0:
        raise DataError(
            f"--tissue: {path} has values from {low:g} to {high:g}; a probability map from 0 to 1 is needed."
        )
    return np.clip(values, 0, 1)


def _warn_of_order(paths: Sequence[Path]) -> None:
    """Warn where FAST's maps are given in the order of their numbers, which is CSF, GM, WM in a T1 image."""
    if "_pve_0." in paths[0].name and "_pve_2." in paths[2].name:
        logger.warning(
            "--tissue: of a T1 image, FAST's pve_0 is CSF and pve_2 is WM; the order that is needed is %s.",
            " ".join(TISSUES),
        )


def _read_labels(path: Path) -> TissueImages:
    values, affine = _read_placed(path)
    present = np.unique(values)
    if (present != np.round(present)).any() or present.min() < 0:
        raise DataError(
            f"--tissue: {path} holds fractions; one image must hold labels, or give three probability maps, "
            f"{' '.join(TISSUES)}."
        )
    if present.max() <= _LARGEST_FAST_LABEL:
        raise DataError(
            f"--tissue: {path} has no labels above {_LARGEST_FAST_LABEL}, so that it is not of FreeSurfer or "
            f"SynthSeg. Of FAST give the three probability maps, {' '.join(TISSUES)}: *_pve_2 *_pve_1 *_pve_0."
        )
    largest = int(present.max())
    shares = np.zeros((len(TISSUES), *values.shape), dtype=np.float32)
    numbers = values.astype(np.int64)
    for row, tissue in enumerate(TISSUES):
        belongs = np.zeros(largest + 1, dtype=np.float32)
        for first, last in _LABELS[tissue]:
            belongs[first : last + 1] = 1
        shares[row] = belongs[numbers]
    if not shares.any():
        raise DataError(f"--tissue: {path} has no label of {', '.join(TISSUES)} in FreeSurfer's table.")
    return TissueImages(shares, affine)
