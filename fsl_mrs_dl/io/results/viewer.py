"""Write the files that the MRS plugin of FSLeyes reads with the maps: the tree of files, and colours."""

from typing import Any

from fsl_mrs_dl.io.results.outcome import POSTERIOR_COLUMNS, Outcome
from fsl_mrs_dl.io.results.posterior_maps import posterior_file, posterior_maps

_KEYS = {
    "raw": "raw-concentrations",
    "internal": "conc-internal",
    "molality": "conc-molality",
    "molarity": "conc-molarity",
}
_RANGES = {
    "clippingRange": ["0.0", "max"],
    "displayRange": ["robust_min", "robust_max"],
    "linkLowRanges": False,
}


def _key(kind: str, scaling: str) -> str:
    """Return the key of a posterior map; the key of amplitudes has no scaling."""
    return kind.replace("_", "-") + ("" if scaling == "raw" else f"-{scaling}")


COLOUR_SCHEME: dict[str, dict[str, Any]] = {
    "fit-fit": {"lineWidth": 2, "colour": [1, 0, 0]},
    "fit-baseline": {"lineWidth": 1, "colour": [0, 0.5, 0.5]},
    "fit-residual": {"lineWidth": 1, "colour": [0.2, 0.2, 0.2]},
    **{key: {"cmap": "red-yellow", **_RANGES} for key in _KEYS.values()},
    "sd": {"cmap": "cool", **_RANGES},
    "SNR": {"cmap": "red", **_RANGES},
    "FWHM": {"cmap": "blue", **_RANGES},
    **{
        _key(kind, scaling): {
            "cmap": "cool" if kind in ("posterior_sd", "shrinkage") else "red-yellow",
            **_RANGES,
        }
        for scaling in _KEYS
        for kind in POSTERIOR_COLUMNS
    },
}
"""Colours and ranges by key of the tree: the plugin's own scheme, and similar ones for our maps."""


def tree(outcome: Outcome, ending: str = ".nii.gz") -> str:
    """Return the file tree of a folder of results, in the syntax of the ``file-tree`` package.

    Keys for fsl_mrsi's files are those of the plugin; our keys with ``{metab}`` appear as further choices in its
    drop-down list. Only existing files are listed.

    Parameters
    ----------
    outcome : Outcome
    ending : str
        Of the files of curves.

    Returns
    -------
    str
    """
    lines = _posterior(outcome)
    lines += ["concs"]
    for scaling in outcome.scaled:
        lines += [f"    {scaling}", f"        {{metab}}.nii.gz ({_KEYS[scaling]})"]
    lines += ["fit"]
    lines += [f"    {name}{ending} (fit-{name})" for name in ("fit", "baseline", "residual")]
    lines += ["uncertainties", "    {metab}_sd.nii.gz (sd)"]
    lines += ["qc", "    {metab}_snr.nii.gz (SNR)", "    {metab}_fwhm.nii.gz (FWHM)"]
    return "\n".join(lines) + "\n"


def _posterior(outcome: Outcome) -> list[str]:
    """Return the lines of the posterior maps, which are first in the tree."""
    lines: list[str] = []
    files = [
        (posterior_file(kind, scaling), _key(kind, scaling)) for scaling, kind in posterior_maps(outcome)
    ]
    above: list[str] = []
    for file, key in sorted(files, key=lambda pair: pair[0].startswith("intervals")):
        *folders, name = file.split("/")
        lines += [
            "    " * n + folder for n, folder in enumerate(folders) if folders[: n + 1] != above[: n + 1]
        ]
        lines.append("    " * len(folders) + f"{name.format('{metab}')}.nii.gz ({key})")
        above = folders
    return lines
