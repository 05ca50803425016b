"""The page of ``quantify``: the parts of SVS or MRSI, and those of both."""

import html
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fsl_mrs_dl.data import MRSData, Stage
from fsl_mrs_dl.io.results.outcome import Outcome
from fsl_mrs_dl.report.anatomy import place_figure
from fsl_mrs_dl.report.page import acquisition_rows, figure, page, plain, processing_table, section, table
from fsl_mrs_dl.report.quantify_mrsi import mrsi_parts
from fsl_mrs_dl.report.quantify_svs import svs_parts
from fsl_mrs_dl.report.reporting_table import reporting_table
from fsl_mrs_dl.report.stages import stages_part
from fsl_mrs_dl.report.verdicts import verdict_part


def quantify_page(
    data: MRSData, outcome: Outcome, settings: Mapping[str, Any], stages: Sequence[Stage] = ()
) -> str:
    """Return the HTML page of a quantification: one file that needs no network.

    Parameters
    ----------
    data : MRSData
        Data that were fitted; the spectrum of a voxel is the first along the higher dimensions.
    outcome : Outcome
    settings : mapping
        The resolved settings by name, as in ``run.json``.
    stages : sequence of Stage
        Steps from the raw scan to the fitted data, if they are known.

    Returns
    -------
    str
    """
    parts = [verdict_part(outcome)]
    parts += svs_parts(data, outcome) if outcome.single_voxel else mrsi_parts(data, outcome)
    if stages:
        parts.append(stages_part(stages))
    if settings.get("t1") is not None:
        drawing = figure(place_figure(data, Path(settings["t1"])), "place")
        text = (
            "Slices of the structural image through the centre of the voxels, with the outline of the voxels."
        )
        parts.append(
            section("Position", drawing, text=f"{text} In the last two the right of the head is on the left.")
        )
    if outcome.notes:
        notes = "".join(f"<li>{html.escape(note)}</li>" for note in outcome.notes)
        parts.append(section("Notes", f"<ul>{notes}</ul>"))
    text = (
        "The minimum reporting standard for MRS in vivo, Lin et al 2021, doi:10.1002/nbm.4484, as far as "
        "the file and the settings say it; complete it by hand before publishing."
    )
    parts.append(section("MRSinMRS", reporting_table(data, outcome, settings), text=text))
    parts.append(section("Settings", table((name, plain(value)) for name, value in settings.items())))
    parts.append(section("Acquisition", table(acquisition_rows(data))))
    parts.append(section("Processing applied", processing_table(data)))
    return page("Quantification", data, parts)
