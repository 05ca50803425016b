"""A water reference reduced to what the data can take: its transients averaged, its coils combined."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from fsl_mrs_dl.data import TIME_AXIS, Complex, MRSData
from fsl_mrs_dl.physics import coils
from fsl_mrs_dl.steps.registry import usable_fids

COIL = "DIM_COIL"
REPEATS = ("DIM_DYN", "DIM_MEAS", "DIM_EDIT", "DIM_PHASE_CYCLE", "DIM_METCYCLE")
"""Dimensions along which a scan without water suppression repeats the same water, but for its phase."""


def reduced(reference: MRSData, data: MRSData) -> tuple[MRSData, tuple[str, ...]]:
    """Return a water reference with one FID along each dimension in which it does not fit the data.

    Transients and their like are averaged, each turned first by the phase it has to the first one, so that
    phase cycles and editing do not cancel the water. Coils are combined where the data have none any more.
    Dimensions that are as long as the data's, or of one, stay; so does what no average can stand for.

    Parameters
    ----------
    reference, data : MRSData

    Returns
    -------
    reference : MRSData
    said : tuple of str
        What was done, for example ``averaged over 2 of DIM_DYN``.
    """
    sizes = dict(zip(data.dim_tags, data.fid.shape[4:], strict=True))
    reference, said = repeats_averaged(reference, sizes)
    if COIL in reference.dim_tags and sizes.get(COIL, 1) == 1:
        n = reference.fid.shape[reference.axis(COIL)]
        if n > 1:
            from fsl_mrs_dl.steps.coilcombine import coilcombine

            reference = coilcombine(reference, no_prewhiten=True).data  # the water is far above the noise
            said = (*said, f"combined from {n} coils")
    return reference, said


def repeats_averaged(
    reference: MRSData, sizes: Mapping[str, int] = MappingProxyType({})
) -> tuple[MRSData, tuple[str, ...]]:
    """Return a water reference averaged in phase over the dimensions that repeat the same water.

    Parameters
    ----------
    reference : MRSData
    sizes : mapping of str to int
        Tag -> length of a dimension that stays.

    Returns
    -------
    reference : MRSData
    said : tuple of str
        What was done, for example ``averaged over 2 of DIM_DYN``.
    """
    said = []
    for tag in REPEATS:
        n = reference.fid.shape[reference.axis(tag)] if tag in reference.dim_tags else 1
        if n > 1 and n != sizes.get(tag):
            reference = reference.with_fid(_mean_in_phase(reference, tag), without=tag)
            said.append(f"averaged over {n} of {tag}")
    return reference, tuple(said)


def _mean_in_phase(reference: MRSData, tag: str) -> Complex:
    """Return the mean over a dimension of FIDs brought to the phase of the first usable one.

    One phase each: of all coils and whatever else a voxel holds, as the water gives it.
    """
    axis = reference.axis(tag)
    fids = np.moveaxis(reference.fid, axis, TIME_AXIS).astype(np.complex128)  # x, y, z, repeat, time, others
    usable = np.moveaxis(usable_fids(reference), axis - 1, TIME_AXIS)[:, :, :, :, None]
    kept = np.where(usable, fids, 0)
    mean = np.empty(kept.shape[:3] + kept.shape[4:], dtype=np.complex128)
    count = np.maximum(usable.sum(axis=TIME_AXIS), 1)
    for voxel in np.ndindex(kept.shape[:3]):
        rows = kept[voxel].reshape(kept.shape[TIME_AXIS], -1)
        products = coils.coil_products(rows[None], np.ones((1, len(rows)), dtype=bool))
        phase = np.exp(-1j * np.angle(coils.sensitivities(products, np.eye(len(rows), dtype=np.complex128))))
        mean[voxel] = (phase @ rows).reshape(kept.shape[4:]) / count[voxel]
    return mean
