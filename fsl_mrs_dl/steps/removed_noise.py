"""The noise that ``reconstruct`` took from FIDs, in their record: written by it, read by ``quantify``."""

import re

from fsl_mrs_dl.data import MRSData

DENOISED = "Denoising"
"""Keyword of NIfTI-MRS for a step that removes noise, of whatever program."""
REMOVED_NOISE = "removed_noise_sd"
"""Setting in the record of ``reconstruct``: noise SD of a channel, median of the FIDs, in their unit. Only where
lines keep their width: the noise of narrower lines is another."""
_SAME_NOISE = ("Nuisance peak removal", "Eddy current correction", "Frequency and phase correction")
"""Steps after which FIDs have the noise they had."""
_SETTING = re.compile(rf"\breconstruct, .*\b{REMOVED_NOISE}=(\d+(?:\.\d+)?(?:e[+-]\d+)?)")


def is_denoised(data: MRSData) -> bool:
    """Return whether a step of whatever program removed noise."""
    return any(record.get("Method") == DENOISED for record in data.processing)


def removed_noise_sd(data: MRSData) -> float:
    """Return the noise SD that was removed from the FIDs as they are now, in their unit; 0 if it is not known."""
    for record in reversed(data.processing):
        if record.get("Method") in _SAME_NOISE:
            continue
        setting = _SETTING.search(str(record.get("Details", "")))
        ours = record.get("Method") == DENOISED and record.get("Program") == "fsl_mrs_dl"
        return float(setting[1]) if ours and setting else 0.0
    return 0.0
