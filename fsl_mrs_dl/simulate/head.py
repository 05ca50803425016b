"""A head made of ellipsoids: scalp, skull, fluid, folded grey matter, white matter, ventricles and a lesion."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Real

TISSUES = ("scalp", "skull", "csf", "grey", "white", "lesion")
"""Label 1, 2, ...; 0 is air."""
BRAIN = ("csf", "grey", "white", "lesion")
T1_CONTRAST = (0.0, 900.0, 120.0, 220.0, 560.0, 850.0, 430.0)
"""Brightness of air and of each tissue in a T1-weighted image: fat and white matter bright, fluid dark."""

_AXES_MM = (72.0, 88.0, 80.0)  # semi-axes of the scalp along x, y, z: an adult head, rounded
_SKULL, _FLUID, _CORTEX, _WHITE = 0.93, 0.87, 0.835, 0.735  # outer radius over that of the scalp
_FOLDS, _FOLD_DEPTH = (
    14,
    0.035,
)  # folds of the cortex around the head, and their depth over the scalp's radius
_VENTRICLE_MM = ((9.0, -2.0, 4.0), (5.5, 23.0, 12.0))  # centre (of the right one) and semi-axes
_THALAMUS_MM = ((15.0, -16.0, 2.0), (9.0, 12.0, 9.0))  # centre (of the right one) and semi-axes


@dataclass(frozen=True)
class Head:
    """Shape of one head.

    Attributes
    ----------
    axes_mm : tuple of float
        Semi-axes of the scalp along x (right), y (front) and z (up), in mm.
    ventricles : float
        Factor on the semi-axes of the lateral ventricles.
    fold_phase_rad : tuple of float
        Phases of the folds of the cortex, around and along the head.
    lesion_mm : tuple of float
        Centre of the lesion, in mm.
    lesion_radius_mm : float
        0 = no lesion.
    """

    axes_mm: tuple[float, ...] = _AXES_MM
    ventricles: float = 1.0
    fold_phase_rad: tuple[float, ...] = (0.0, 0.0)
    lesion_mm: tuple[float, ...] = (-34.0, 12.0, 0.0)
    lesion_radius_mm: float = 16.0


def draw_head(rng: np.random.Generator) -> Head:
    """Draw a head of ordinary size with a lesion in the white matter of one side."""
    axes = np.array(_AXES_MM) * rng.uniform(0.97, 1.03, 3)
    angle = rng.uniform(-np.pi / 4, np.pi / 4)
    side = rng.choice([-1.0, 1.0])
    reach = rng.uniform(30.0, 38.0)
    return Head(
        axes_mm=tuple(axes.tolist()),
        ventricles=float(rng.uniform(0.9, 1.2)),
        fold_phase_rad=tuple(rng.uniform(0, 2 * np.pi, 2).tolist()),
        lesion_mm=(float(side * reach * np.cos(angle)), float(1.1 * reach * np.sin(angle)), 0.0),
        lesion_radius_mm=float(rng.uniform(14.0, 18.0)),
    )


def tissue_labels(head: Head, xyz_mm: Real) -> NDArray[np.uint8]:
    """Return the tissue of a head at some points.

    Parameters
    ----------
    head : Head
    xyz_mm : ndarray, float, shape (..., 3)
        In mm; the centre of the head is at 0.

    Returns
    -------
    ndarray, uint8, shape (...)
        0 for air, else 1 + the index in :data:`TISSUES`.
    """
    x, y, z = np.moveaxis(xyz_mm, -1, 0)
    a, b, c = head.axes_mm
    radius = np.sqrt((x / a) ** 2 + (y / b) ** 2 + (z / c) ** 2)
    around, along = np.arctan2(y / b, x / a), z / c
    first, second = head.fold_phase_rad
    folds = np.sin(_FOLDS * around + 6 * along + first) + 0.6 * np.sin(1.7 * _FOLDS * along + second)
    cortex = _CORTEX - _FOLD_DEPTH * np.maximum(folds - 0.5, 0)  # sulci, filled with fluid
    white = _WHITE - _FOLD_DEPTH * folds
    labels = np.select(
        [radius > 1, radius > _SKULL, radius > _FLUID, radius > cortex, radius > white], [0, 1, 2, 3, 4], 5
    )
    mirrored = np.stack([np.abs(x), y, z], axis=-1)
    labels = np.where(_inside(mirrored, _THALAMUS_MM, 1.0) & (labels == 5), 4, labels)
    lesion = np.sum((xyz_mm - np.array(head.lesion_mm)) ** 2, axis=-1) < head.lesion_radius_mm**2
    labels = np.where(lesion & (labels >= 4), 6, labels)
    return np.where(_inside(mirrored, _VENTRICLE_MM, head.ventricles), 3, labels).astype(np.uint8)


def _inside(
    xyz: Real, ellipsoid: tuple[tuple[float, ...], tuple[float, ...]], factor: float
) -> NDArray[np.bool_]:
    centre, axes = (np.array(part) for part in ellipsoid)
    within: NDArray[np.bool_] = np.sum(((xyz - centre) / (factor * axes)) ** 2, axis=-1) < 1
    return within
