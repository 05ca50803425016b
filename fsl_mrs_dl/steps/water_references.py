"""Reduce a water reference to the dimensions of the data: average its transients, combine its coils."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from fsl_mrs_dl.data import TIME_AXIS, Complex, MRSData
from fsl_mrs_dl.physics import coils
from fsl_mrs_dl.steps.registry import usable_fids

COIL = "DIM_COIL"
REPEATS = ("DIM_DYN", "DIM_MEAS", "DIM_EDIT", "DIM_PHASE_CYCLE", "DIM_METCYCLE")
"""Dimensions along which a scan without water suppression repeats the same water, with another phase."""


def reduce_reference(reference: MRSData, data: MRSData) -> tuple[MRSData, tuple[str, ...]]:
    """Reduce a water reference to one FID along each dimension whose length is not that of the data.

    Transients and other repeats are averaged; each is first corrected to the phase of the first one, so that phase
    cycles and editing do not cancel the water. Coils are combined if the data have none. Dimensions with the
    length of the data, or of length one, stay; so do dimensions that do not repeat the water.

    Parameters
    ----------
    reference, data : MRSData

    Returns
    -------
    reference : MRSData
    notes : tuple of str
        Reductions, for example ``averaged over 2 of DIM_DYN``.
    """
    sizes = dict(zip(data.dim_tags, data.fid.shape[4:], strict=True))
    reference, notes = average_repeats(reference, sizes)
    if COIL in reference.dim_tags and sizes.get(COIL, 1) == 1:
        n = reference.fid.shape[reference.axis(COIL)]
        if n > 1:
            from fsl_mrs_dl.steps.coilcombine import coilcombine

            reference = coilcombine(reference, no_prewhiten=True).data  # the water is far above the noise
            notes = (*notes, f"combined from {n} coils")
    return reference, notes


def average_repeats(
    reference: MRSData, sizes: Mapping[str, int] = MappingProxyType({})
) -> tuple[MRSData, tuple[str, ...]]:
    """Average a water reference in phase over the dimensions that repeat the same water.

    Parameters
    ----------
    reference : MRSData
    sizes : mapping of str to int
        Tag -> length of a dimension that stays.

    Returns
    -------
    reference : MRSData
    notes : tuple of str
        Reductions, for example ``averaged over 2 of DIM_DYN``.
    """
    notes = []
    for tag in REPEATS:
        n = reference.fid.shape[reference.axis(tag)] if tag in reference.dim_tags else 1
        if n > 1 and n != sizes.get(tag):
            reference = reference.with_fid(_mean_in_phase(reference, tag), without=tag)
            notes.append(f"averaged over {n} of {tag}")
    return reference, tuple(notes)


def _mean_in_phase(reference: MRSData, tag: str) -> Complex:
    """Return the mean over a dimension of FIDs that are corrected to the phase of the first usable one.

    Each repeat has one phase, for all coils and further dimensions of a voxel.
    """
    axis = reference.axis(tag)
    fids = np.moveaxis(reference.fid, axis, TIME_AXIS).astype(np.complex128)  # x, y, z, repeat, time, others
    usable = np.moveaxis(usable_fids(reference), axis - 1, TIME_AXIS)[:, :, :, :, None]
    cleaned = np.where(usable, fids, 0)
    mean = np.empty(cleaned.shape[:3] + cleaned.shape[4:], dtype=np.complex128)
    count = np.maximum(usable.sum(axis=TIME_AXIS), 1)
    for voxel in np.ndindex(cleaned.shape[:3]):
        rows = cleaned[voxel].reshape(cleaned.shape[TIME_AXIS], -1)
        products = coils.coil_products(rows[None], np.ones((1, len(rows)), dtype=bool))
        phase = np.exp(-1j * np.angle(coils.sensitivities(products, np.eye(len(rows), dtype=np.complex128))))
        mean[voxel] = (phase @ rows).reshape(cleaned.shape[4:]) / count[voxel]
    return mean
