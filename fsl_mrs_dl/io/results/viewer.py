"""What the MRS plugin of FSLeyes reads beside the maps: the tree of files, and how they are coloured."""

from typing import Any

from fsl_mrs_dl.io.results.outcome import Outcome

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

COLOUR_SCHEME: dict[str, dict[str, Any]] = {
    "fit-fit": {"lineWidth": 2, "colour": [1, 0, 0]},
    "fit-baseline": {"lineWidth": 1, "colour": [0, 0.5, 0.5]},
    "fit-residual": {"lineWidth": 1, "colour": [0.2, 0.2, 0.2]},
    **{key: {"cmap": "red-yellow", **_RANGES} for key in _KEYS.values()},
    "sd": {"cmap": "cool", **_RANGES},
    "SNR": {"cmap": "red", **_RANGES},
    "FWHM": {"cmap": "blue", **_RANGES},
    **{key: {"cmap": "red-yellow", **_RANGES} for key in ("ci95-low", "ci95-high", "posterior-mean")},
    "shrinkage": {"cmap": "cool", **_RANGES},
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
    lines = ["concs"]
    for scaling in outcome.scaled:
        lines += [f"    {scaling}", f"        {{metab}}.nii.gz ({_KEYS[scaling]})"]
    lines += ["fit"]
    lines += [f"    {name}.nii.gz (fit-{name})" for name in ("fit", "baseline", "residual")]
    lines += ["uncertainties", "    {metab}_sd.nii.gz (sd)"]
    lines += ["qc", "    {metab}_snr.nii.gz (SNR)", "    {metab}_fwhm.nii.gz (FWHM)"]
    known = {name for scaled in outcome.scaled.values() for name in scaled.extra}
    intervals = [name for name in ("ci68_low", "ci68_high", "ci95_low", "ci95_high") if name in known]
    if intervals:
        lines += ["intervals"]
        lines += [f"    {{metab}}_{name}.nii.gz ({name.replace('_', '-')})" for name in intervals]
    posterior = [name for name in ("posterior_mean", "shrinkage") if name in known]
    if posterior:
        lines += ["posterior"]
        files = {"posterior_mean": "mean", "shrinkage": "shrinkage"}
        lines += [f"    {{metab}}_{files[name]}.nii.gz ({name.replace('_', '-')})" for name in posterior]
    return "\n".join(lines) + "\n"
