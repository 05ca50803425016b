"""Figures and the HTML page of one result; pages work offline and hold no personal header field."""

from fsl_mrs_dl.report.align import align_page
from fsl_mrs_dl.report.static import save_align_figure

__all__ = ["align_page", "save_align_figure"]
