"""Where the maps of the posterior lie, for those who write them, list them and look at them."""

from fsl_mrs_dl.io.results.outcome import INTERVALS, POSTERIOR_COLUMNS, Outcome


def posterior_file(kind: str, scaling: str) -> str:
    """Return the file of a map without ending, with ``{}`` for the metabolite.

    Amplitudes lie in ``posterior`` and ``intervals``, other scalings in folders of their names therein.

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
    """Return (scaling, kind) of the maps there are; the shrinkage is that of the amplitude in every scaling."""
    return [
        (scaling, kind)
        for scaling, scaled in outcome.scaled.items()
        for kind in POSTERIOR_COLUMNS
        if kind in scaled.extra and (scaling == "raw" or kind != "shrinkage")
    ]
