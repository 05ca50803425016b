"""Mask voxels by limits on SD, SNR, FWHM and the verdict, and save the mask as an image."""

from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import VERDICTS, Real
from fsl_mrs_dl.errors import OutputError
from fsl_mrs_dl.io.names import ENDINGS
from fsleyes_plugin.model.damage import refusing_damage
from fsleyes_plugin.model.maps import MapChoice, Maps

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Limits:
    """Limits for shown voxels; None: no limit.

    Attributes
    ----------
    metabolite : str
        Metabolite of the limits on SD, SNR and FWHM.
    most_percent : float or None
        Largest SD, in per cent of the amplitude.
    least_snr, most_fwhm_hz : float or None
    unflagged : bool
        Whether to mask the voxels of :func:`flagged`.
    """

    metabolite: str
    most_percent: float | None = None
    least_snr: float | None = None
    most_fwhm_hz: float | None = None
    unflagged: bool = False


@refusing_damage
def passing(maps: Maps, limits: Limits) -> Mask:
    """Return the fitted voxels that meet the limits; shape (x, y, z).

    A limit without a map in the folder is ignored; see :func:`available`.
    """
    mask = maps.fitted()
    criteria: list[tuple[str, float | None, int]] = [
        ("crlb", limits.most_percent, -1),
        ("snr", limits.least_snr, 1),
        ("fwhm", limits.most_fwhm_hz, -1),
    ]
    for kind, limit, sign in criteria:
        values = None if limit is None else maps.values(MapChoice(kind, limits.metabolite))
        if values is not None and limit is not None:
            mask = mask & (sign * np.nan_to_num(values, nan=-sign * np.inf) >= sign * limit)
    return mask & ~flagged(maps) if limits.unflagged else mask


@refusing_damage
def available(maps: Maps, metabolite: str) -> tuple[str, ...]:
    """Return which of the limits ``crlb``, ``snr``, ``fwhm`` and ``flags`` (or the verdict) can be set."""
    known = [kind for kind in ("crlb", "snr", "fwhm") if kind in maps.kinds(metabolite)]
    return (*known, *(("flags",) if {"flags", "verdict"} & set(maps.single) else ()))


@refusing_damage
def flagged(maps: Maps) -> Mask:
    """Return which voxels are unusable, or in results without verdicts have any flag; shape (x, y, z)."""
    verdict = maps.file("verdict")
    if verdict is not None:
        return np.asarray(verdict.values.reshape(maps.grid) == VERDICTS["unusable"].code, dtype=np.bool_)
    file = maps.file("flags")
    if file is None:
        return np.zeros(maps.grid, dtype=bool)
    return np.asarray(file.values.reshape(maps.grid) != 0, dtype=np.bool_)


@refusing_damage
def verdict_masks(maps: Maps) -> dict[str, Mask]:
    """Return the voxels of each verdict, shape (x, y, z); empty for results without verdicts."""
    file = maps.file("verdict")
    if file is None:
        return {}
    codes = file.values.reshape(maps.grid)
    fitted = {word: level.code for word, level in VERDICTS.items() if level.code}
    return {word: np.asarray(codes == code, dtype=np.bool_) for word, code in fitted.items()}


def save_mask(mask: Mask, affine: Real, path: Path) -> None:
    """Write a mask as a NIfTI image of 0 and 1.

    Raises
    ------
    OutputError
        If it cannot be written, or its name is not that of a NIfTI file.
    """
    image = nib.Nifti1Image(mask.astype(np.uint8), affine)
    image.header.set_xyzt_units("mm")
    if not path.name.lower().endswith(ENDINGS):
        raise OutputError(
            f"{path} does not end in {' or '.join(ENDINGS)}, as a mask must; give it such a name."
        )
    try:
        nib.save(image, path)
    except OSError as error:
        raise OutputError(f"{path} cannot be written ({error.strerror}); choose another place.") from error
