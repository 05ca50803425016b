"""Sentences that say what a step did, for the terminal and the report of ``process``."""

from fsl_mrs_dl.data import REPLACED, MRSData
from fsl_mrs_dl.steps.registry import StepResult


def work_of(name: str, before: MRSData, result: StepResult) -> tuple[str, ...]:
    """Describe the work of a step that has no messages of its own.

    Parameters
    ----------
    name : str
        Of the step.
    before : MRSData
    result : StepResult

    Returns
    -------
    tuple of str
        One sentence each; empty for a step that is not known here.
    """
    after = result.data
    reduced_tags = [tag for tag in before.dim_tags if tag not in after.dim_tags]
    sizes = " and ".join(f"{before.fid.shape[before.axis(tag)]} of {tag}" for tag in reduced_tags)
    left_out = result.settled.get("left_out") or result.settled.get("rejected")
    words = {
        "coilcombine": f"Combined {sizes}.",
        "ecc": "Subtracted the phase of the water reference from every FID.",
        "average": f"Averaged {sizes}.",
        "subtract": f"Took half the difference of {sizes}.",
        "add": f"Took half the sum of {sizes}.",
    }
    # A pair of files is joined without a dimension that goes.
    lines = [words[name]] if name in words and (sizes or name == "ecc") else []
    if name == "align" and result.estimates is not None:
        lines += _aligned(result)
    if left_out:
        lines.append(f"Left out: {left_out if isinstance(left_out, int) else len(left_out)}.")
    return tuple(lines)


def _aligned(result: StepResult) -> list[str]:
    """Describe the shifts of ``align``, its flags, and the estimates of a network that the check replaced."""
    assert result.estimates is not None
    good, lines = result.estimates.usable, []
    shifts = result.estimates.shift_hz[good]
    if shifts.size:
        lines.append(f"Took away shifts of {shifts.min():+.1f} to {shifts.max():+.1f} Hz.")
    if (~good).any():
        lines.append(f"{int((~good).sum())} of {good.size} FIDs are flagged.")
    replaced = int((result.estimates.flag == REPLACED).sum())
    if replaced:
        lines.append(
            f"The estimates of {replaced} of {good.size} FIDs are not the network's but those of gn."
        )
    return lines
