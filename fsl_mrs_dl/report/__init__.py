"""Figures and the HTML page of one result; pages work offline and have no personal header field."""

from fsl_mrs_dl.report.align import align_page
from fsl_mrs_dl.report.quantify import quantify_page
from fsl_mrs_dl.report.quantify_static import save_fit_figure, save_map_figure
from fsl_mrs_dl.report.reconstruct import reconstruct_page
from fsl_mrs_dl.report.single_step import step_page
from fsl_mrs_dl.report.static import draw_alignment, save_align_figure
from fsl_mrs_dl.report.terminal import quantify_text

__all__ = [
    "align_page",
    "draw_alignment",
    "quantify_page",
    "quantify_text",
    "reconstruct_page",
    "save_align_figure",
    "save_fit_figure",
    "save_map_figure",
    "step_page",
]
