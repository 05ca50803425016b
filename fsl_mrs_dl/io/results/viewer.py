"""What the MRS plugin of FSLeyes reads beside the maps: the tree of files, and how they are coloured."""

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
    """Return the key of a map of the posterior; amplitudes have no scaling in it."""
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
"""Colours and ranges by key of the tree; those of the plugin's own scheme, and ours in their manner."""


def tree(outcome: Outcome) -> str:
    """Return the file tree of a folder of results, in the syntax of the ``file-tree`` package.

    Keys are those of the plugin for fsl_mrsi's files; ours that hold ``{metab}`` become further choices in its
    drop-down list without a change to it. Only files that are there are named.

    Parameters
    ----------
    outcome : Outcome

    Returns
    -------
    str
    """
    lines = _posterior(outcome)
    lines += ["concs"]
    for scaling in outcome.scaled:
        lines += [f"    {scaling}", f"        {{metab}}.nii.gz ({_KEYS[scaling]})"]
    lines += ["fit"]
    lines += [f"    {name}.nii.gz (fit-{name})" for name in ("fit", "baseline", "residual")]
    lines += ["uncertainties", "    {metab}_sd.nii.gz (sd)"]
    lines += ["qc", "    {metab}_snr.nii.gz (SNR)", "    {metab}_fwhm.nii.gz (FWHM)"]
    return "\n".join(lines) + "\n"


def _posterior(outcome: Outcome) -> list[str]:
    """Return the lines of the posterior's maps, with which the tree begins."""
    lines: list[str] = []
    found = [
        (posterior_file(kind, scaling), _key(kind, scaling)) for scaling, kind in posterior_maps(outcome)
    ]
    above: list[str] = []
    for file, key in sorted(found, key=lambda pair: pair[0].startswith("intervals")):
        *folders, name = file.split("/")
        lines += [
            "    " * n + folder for n, folder in enumerate(folders) if folders[: n + 1] != above[: n + 1]
        ]
        lines.append("    " * len(folders) + f"{name.format('{metab}')}.nii.gz ({key})")
        above = folders
    return lines
