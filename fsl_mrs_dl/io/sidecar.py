"""Write JSON sidecars of BIDS-MRS with results, for programs that cannot read a header extension."""

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
    """Write a sidecar for each NIfTI-MRS file that was written so far.

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
            content = sidecar_of_result(staging.path(name))
            if content is not None:
                text = json.dumps(content, indent=1) + "\n"
                staging.path(sidecar_name(name)).write_text(text, encoding="utf-8")


def sidecar_of_result(path: Path) -> dict[str, Any] | None:
    """Return the content of the sidecar of a NIfTI-MRS file that this program wrote; None for another image.

    It has every key of the header extension except personal ones, because BIDS data are shared; keys that came
    from a sidecar get their original form. Dwell time, bandwidth and number of points are added.
    """
    header = nib.load(path).header
    own = [extension for extension in header.extensions if extension.get_code() == MRS_EXTENSION]
    if not own:
        return None
    content = {key: _plain(value) for key, value in own[0].json().items() if not _personal(key)}
    dwelltime_s = float(header["pixdim"][4])
    return {
        **content,
        "SpectralWidth": 1 / dwelltime_s,
        "DwellTime": dwelltime_s,
        "NumberOfSpectralPoints": int(header.get_data_shape()[3]),
    }


def _personal(key: str) -> bool:
    return key == "OriginalFile" or (key.startswith(("private_", "Patient")) and key != "PatientPosition")


def _plain(value: Any) -> Any:
    """Return the plain value of a user key without description: it came from a sidecar in this form."""
    if isinstance(value, dict) and set(value) == {"Value", "Description"} and not value["Description"]:
        return value["Value"]
    return value
