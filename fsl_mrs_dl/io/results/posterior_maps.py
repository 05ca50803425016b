"""Names of the files of posterior maps, for writers, viewers and the tree of files."""

from fsl_mrs_dl.io.results.outcome import INTERVALS, POSTERIOR_COLUMNS, Outcome


def posterior_file(kind: str, scaling: str) -> str:
    """Return the file of a map without ending, with ``{}`` for the metabolite.

    Amplitudes are in ``posterior`` and ``intervals``, other scalings in sub-folders with their names.

    Parameters
    ----------
    kind : str
        One of :data:`fsl_mrs_dl.io.results.outcome.POSTERIOR_COLUMNS`.
    scaling : str
        One of :data:`fsl_mrs_dl.io.results.outcome.SCALINGS`.
    """
    folder = "intervals" if kind in INTERVALS else "posterior"
    inner = "" if scaling == "raw" else f"{scaling}/"
    return f"{folder}/{inner}{{}}_{kind.removeprefix('posterior_')}"


def posterior_maps(outcome: Outcome) -> list[tuple[str, str]]:
    """Return (scaling, kind) of each known map; shrinkage is the same in every scaling, and listed once."""
    return [
        (scaling, kind)
        for scaling, scaled in outcome.scaled.items()
        for kind in POSTERIOR_COLUMNS
        if kind in scaled.extra and (scaling == "raw" or kind != "shrinkage")
    ]
