"""Convert NIfTI-MRS files and ``NIFTI_MRS`` objects to and from :class:`~fsl_mrs_dl.data.MRSData`.

Only this module knows that a file has the complex conjugate of the package's sign. nifti-mrs and nibabel, the
packages of the standard, read and write the header; :mod:`fsl_mrs_dl.io.nifti_file` refuses other files.
"""

import json
import logging
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nifti_mrs import validator
from nifti_mrs.create_nmrs import _default_affine as default_affine
from nifti_mrs.definitions import nifti_mrs_version
from nifti_mrs.nifti_mrs import NIFTI_MRS, NotNIFTI_MRS

from fsl_mrs_dl import __version__
from fsl_mrs_dl.data import Complex, MRSData
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.io.names import shown
from fsl_mrs_dl.io.nifti_file import DAMAGE, damaged, opened, output_to_log, reason_of
from fsl_mrs_dl.io.nifti_header import DIMENSIONS, MRS_EXTENSION
from fsl_mrs_dl.io.position import position

logger = logging.getLogger(__name__)

_FROM_FIELDS = ("SpectrometerFrequency", "ResonantNucleus", "ProcessingApplied")


def read(path: Path | str) -> MRSData:
    """Read a NIfTI-MRS file.

    Parameters
    ----------
    path : Path or str
        A ``.nii`` or ``.nii.gz`` file.

    Returns
    -------
    MRSData

    Raises
    ------
    DataError
        If the file is missing, damaged, or not NIfTI-MRS.
    """
    path = Path(path)
    file = opened(path)
    try:
        with output_to_log():
            data = from_nifti_mrs(file.nmrs, name=shown(path.name))
    except DataError:
        raise
    except DAMAGE as error:
        raise damaged(path, error) from error
    data = replace(data, notes=(*file.notes, *data.notes), sidecar=file.sidecar)
    for note in data.notes:
        level = logging.WARNING if note.startswith("WARNING: ") else logging.INFO
        logger.log(level, "%s: %s.", data.name, note.removeprefix("WARNING: "))
    return data


def from_nifti_mrs(nmrs: NIFTI_MRS, name: str = "", *, header_only: bool = False) -> MRSData:
    """Return the data of a ``NIFTI_MRS`` object (nifti_mrs's or FSL-MRS's); the object is not changed.

    Parameters
    ----------
    nmrs : NIFTI_MRS
    name : str, optional
        Name of the file. Default: the object's own.
    header_only : bool
        Read no FID: the data are one FID of zeros; the grid and all higher dimensions have length one, header
        and position are those of the file.

    Returns
    -------
    MRSData

    Raises
    ------
    DataError
        If the header is not valid.
    """
    extension = _without_loss(nmrs)
    tags = tuple(tag for tag in nmrs.dim_tags if tag is not None)
    if header_only:
        fid = np.zeros((1, 1, 1, nmrs.shape[3], *[1] * (len(nmrs.shape) - 4)), dtype=np.complex64)
    else:
        fid = np.asarray(nmrs[:]).reshape(nmrs.shape)
    dim_headers: dict[str, dict[str, Any]] = {}
    for n, tag in zip(DIMENSIONS, tags, strict=False):
        parts = {"info": extension.get(f"dim_{n}_info"), "header": extension.get(f"dim_{n}_header")}
        dim_headers[tag] = {key: value for key, value in parts.items() if value is not None}
    field_keys = {f"dim_{n}{part}" for n in DIMENSIONS for part in ("", "_info", "_header")}
    header = {k: v for k, v in extension.items() if k not in field_keys and k != "ProcessingApplied"}
    nifti_header = nmrs.header.copy()
    place = position(nifti_header, tuple(nmrs.shape[:3]))
    return MRSData(
        fid=fid,
        dwelltime_s=float(nmrs.dwelltime),
        spectrometer_frequency_mhz=float(nmrs.spectrometer_frequency[0]),
        nucleus=nmrs.nucleus[0],
        dim_tags=tags,
        affine=place.affine,
        header=header,
        dim_headers=dim_headers,
        processing=tuple(_records(extension.get("ProcessingApplied", []))),
        name=name or str(nmrs.filename),
        nifti_header=nifti_header,
        notes=place.notes,
    )


def _records(applied: Any) -> list[Mapping[str, Any]]:
    if not isinstance(applied, list) or not all(isinstance(record, dict) for record in applied):
        raise DataError(
            f"ProcessingApplied in the header is {type(applied).__name__}, not a list of records."
        )
    return applied


def _without_loss(nmrs: NIFTI_MRS) -> dict[str, Any]:
    """Return the whole header extension; nifti-mrs drops extra keys of user keys that have a Value."""
    extension: dict[str, Any] = deepcopy(nmrs.hdr_ext.to_dict())
    stored = [e for e in nmrs.header.extensions if e.get_code() == MRS_EXTENSION]
    raw = stored[0].json() if stored else {}
    for key, value in extension.items():
        full = raw.get(key)
        if isinstance(full, dict) and isinstance(value, dict) and value.items() <= full.items():
            extension[key] = full
    return extension


def stored(fid: Complex) -> Complex:
    """Return FIDs in the sign of the standard, the conjugate of the package's.

    Only this function and ``NIFTI_MRS.__getitem__`` convert between the two.
    """
    turned: Complex = np.conj(fid)
    return turned


def to_nifti_mrs(data: MRSData) -> NIFTI_MRS:
    """Return a ``NIFTI_MRS`` object of the data, with all of their header.

    Parameters
    ----------
    data : MRSData

    Returns
    -------
    NIFTI_MRS

    Raises
    ------
    DataError
        If the standard does not allow a value of the data.
    """
    if data.nifti_header is None:
        header = nib.Nifti2Header()
        header.set_xyzt_units(xyz="mm", t="sec")
        header["intent_name"] = "mrs_v{}_{}".format(*nifti_mrs_version).encode()
        affine = data.affine if data.affine is not None else default_affine()
        header.set_qform(affine, code=1 if data.affine is not None else 0)
        header.set_sform(affine, code=1 if data.affine is not None else 0)
    else:
        header = data.nifti_header.copy()  # type: ignore[attr-defined]
    values = stored(data.fid)
    header.set_data_dtype(values.dtype)
    header.set_data_shape(values.shape)
    # In s: the validator of the standard assumes s, and few programs read the unit.
    if header.get_xyzt_units()[1] in ("msec", "usec"):
        header.set_xyzt_units(header.get_xyzt_units()[0], "sec")
    header["pixdim"][4] = data.dwelltime_s
    others = [e for e in header.extensions if e.get_code() != MRS_EXTENSION]
    header.extensions.clear()
    text = json.dumps(_to_extension(data)).encode("utf-8")
    header.extensions.append(nib.nifti1.Nifti1Extension(MRS_EXTENSION, text))
    header.extensions.extend(others)
    kind = nib.Nifti2Image if header["sizeof_hdr"] == nib.Nifti2Header.sizeof_hdr else nib.Nifti1Image
    try:
        with output_to_log():
            nmrs = NIFTI_MRS(kind(values, None, header))
        validator.validate_nifti_mrs(nmrs.image)
    except (validator.Error, NotNIFTI_MRS) as error:
        raise DataError(f"{data.name or 'The data'} cannot be NIfTI-MRS: {reason_of(error)}") from error
    return nmrs


def _to_extension(data: MRSData) -> dict[str, Any]:
    frequencies = list(np.ravel(data.header.get("SpectrometerFrequency", [0.0])))[1:]
    nuclei = list(np.ravel(data.header.get("ResonantNucleus", [""])))[1:]
    extension: dict[str, Any] = {
        "SpectrometerFrequency": [data.spectrometer_frequency_mhz, *(float(f) for f in frequencies)],
        "ResonantNucleus": [data.nucleus, *(str(n) for n in nuclei)],
    }
    for n, tag in zip(DIMENSIONS, data.dim_tags, strict=False):
        extension[f"dim_{n}"] = tag
        for part, value in data.dim_headers.get(tag, {}).items():
            extension[f"dim_{n}_{part}"] = value
    extension.update({key: value for key, value in data.header.items() if key not in _FROM_FIELDS})
    if "SpectralWidth" in extension:
        extension["SpectralWidth"] = 1 / data.dwelltime_s
    if data.processing:
        extension["ProcessingApplied"] = [dict(record) for record in data.processing]
    return extension


def write(data: MRSData, path: Path) -> None:
    """Write a NIfTI-MRS file, with the permissions of an ordinary file.

    Parameters
    ----------
    data : MRSData
    path : Path
        Ends in ``.nii.gz`` or ``.nii``; replaced if it exists (see :class:`~fsl_mrs_dl.io.staging.Staging`).

    Raises
    ------
    DataError
        If the standard does not allow a value of the data.
    """
    # Not NIFTI_MRS.save: it drops other header extensions and leaves the file readable by its owner alone.
    nib.save(to_nifti_mrs(data).image.nibImage, path)


def record(method: str, details: str, **more: str) -> dict[str, str]:
    """Return one entry for ``ProcessingApplied``, in the form of FSL-MRS.

    Parameters
    ----------
    method : str
        Keyword of the NIfTI-MRS standard, for example ``"Frequency and phase correction"``.
    details : str
        Function and resolved settings.
    **more : str
        Extra keys, for example the model and the checksum of its weights.

    Returns
    -------
    dict
        Time (local, ISO, ms), Program, Version, Method, Details, and the extra keys.
    """
    return {
        "Time": datetime.now().isoformat(timespec="milliseconds"),
        "Program": "fsl_mrs_dl",
        "Version": __version__,
        "Method": method,
        "Details": details,
        **more,
    }
