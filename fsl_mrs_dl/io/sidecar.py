"""JSON sidecars of BIDS-MRS beside results, for programs that read no header extension."""

import json
from pathlib import Path
from typing import Any

import nibabel as nib

from fsl_mrs_dl.io.names import ENDINGS, without_ending
from fsl_mrs_dl.io.nifti_header import MRS_EXTENSION
from fsl_mrs_dl.io.staging import Staging


def sidecar_name(name: str) -> str:
    """Return the name of the sidecar of a NIfTI file, in the same folder."""
    return f"{without_ending(name)}.json"


def write_sidecars(staging: Staging) -> None:
    """Write a sidecar beside each NIfTI-MRS file that was written so far.

    Parameters
    ----------
    staging : Staging

    Raises
    ------
    OutputError
        If one may not be written.
    """
    for name in staging.names:
        if name.endswith(ENDINGS):
            said = sidecar_of_written(staging.path(name))
            if said is not None:
                text = json.dumps(said, indent=1) + "\n"
                staging.path(sidecar_name(name)).write_text(text, encoding="utf-8")


def sidecar_of_written(path: Path) -> dict[str, Any] | None:
    """Return the sidecar of a NIfTI-MRS file that this program wrote; None of another image.

    Every key of its header extension, but for what names a person, for BIDS is made to be shared; what a sidecar
    said once stands there again as it did. Beside them dwell time, bandwidth and number of points of the file.
    """
    header = nib.load(path).header
    own = [extension for extension in header.extensions if extension.get_code() == MRS_EXTENSION]
    if not own:
        return None
    said = {key: _plain(value) for key, value in own[0].json().items() if not _personal(key)}
    dwelltime_s = float(header["pixdim"][4])
    return {
        **said,
        "SpectralWidth": 1 / dwelltime_s,
        "DwellTime": dwelltime_s,
        "NumberOfSpectralPoints": int(header.get_data_shape()[3]),
    }


def _personal(key: str) -> bool:
    return key == "OriginalFile" or (key.startswith(("private_", "Patient")) and key != "PatientPosition")


def _plain(value: Any) -> Any:
    """Return the value of a user key without description, which is how a sidecar's own keys enter a header."""
    if isinstance(value, dict) and set(value) == {"Value", "Description"} and not value["Description"]:
        return value["Value"]
    return value
