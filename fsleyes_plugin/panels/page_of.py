"""The content of the page of a voxel, from the state of the panels."""

from typing import Any

import numpy as np
from fsl.data.image import Image

from fsleyes_plugin.model.frames import Voxel
from fsleyes_plugin.model.provenance import provenance_of
from fsleyes_plugin.model.sections import AnatomySection, sections, voxel_corners
from fsleyes_plugin.model.table import VoxelTable, unit_of
from fsleyes_plugin.overlays import anatomy_of
from fsleyes_plugin.plots.fit_figure import Trace
from fsleyes_plugin.plots.page_figure import Page
from fsleyes_plugin.session import SESSION, Fit


def page_of(fit: Fit, voxel: Voxel, table: VoxelTable | None, overlayList: Any) -> Page:
    """Return the page of one voxel of a fit.

    Parameters
    ----------
    fit : Fit
    voxel : tuple of int
    table : VoxelTable or None
    overlayList : OverlayList
        Its first image that is no result is the anatomy.
    """
    lines = fit.curves.lines(voxel, SESSION.display)
    where = "" if fit.single else ", voxel {} {} {}".format(*voxel)
    history = provenance_of(fit.curves.fit_path, fit.folder)
    record = f"{fit.folder.path}\n{history.newest_first()}"
    scaling = table.scaling if table is not None else ""
    unit = unit_of(scaling)
    return Page(
        title=f"{fit.name}{where}",
        trace=Trace("", lines, "fit", message="Nothing was fitted in this voxel."),
        table=table,
        unit=f"{scaling}, in {unit}" if unit else scaling,
        sections=_sections(fit, voxel, anatomy_of(overlayList)),
        record=record,
    )


def _sections(fit: Fit, voxel: Voxel, anatomy: Image | None) -> tuple[AnatomySection, ...]:
    if anatomy is None:
        return ()
    values = np.asarray(anatomy[:], dtype=np.float32)
    return sections(np.nan_to_num(values), anatomy.voxToWorldMat, voxel_corners(fit.affine, voxel))
