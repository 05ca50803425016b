"""Pictures of regions, both sides, the grid and the display, in a large and in a small window."""

import numpy as np
import pytest
import viewer_results

pytestmark = pytest.mark.gui
SIZES = {"": (1600, 1000), "-small": (1280, 800)}
LEAST_PIXELS = 200
"""Least width and height of a spectrum that can be read, beside a panel in the small window."""


@pytest.fixture(params=SIZES)
def sized(request, viewer):
    """The viewer in one of the window sizes, with the ending of its pictures."""
    before = tuple(viewer.frame.GetSize())
    viewer.resize(SIZES[request.param])
    yield viewer, request.param
    viewer.resize(before)


def at_the_cursor(viewer, view, fit, n):
    voxel = tuple(int(i) for i in np.argwhere(fit.maps.fitted())[n])
    viewer.move(fit.centre(voxel))
    viewer.wait(lambda: view.traces and view.traces[-1].lines and view.traces[-1].lines.voxel == voxel, voxel)
    return voxel


def test_both_sides_are_pictured(sized):
    from fsleyes_plugin.panels.mirror_panel import MRSFitMirror

    viewer, ending = sized
    _, view = viewer.layout()
    fit = viewer.load(viewer_results.mrsi())
    panel = viewer.panel(view, MRSFitMirror)
    at_the_cursor(viewer, view, fit, 34)
    viewer.wait(lambda: panel.rows and len(view.traces) == 2)
    viewer.wait(lambda: panel.list.GetItemCount() == len(panel.rows))
    columns = range(panel.list.GetColumnCount())
    viewer.wait(lambda: sum(map(panel.list.GetColumnWidth, columns)) <= panel.list.GetClientSize().width)
    viewer.wait(lambda: view.canvas.get_renderer() is not None)
    left, right = (axes.texts[0].get_window_extent(view.canvas.get_renderer()) for axes in view.figure.axes)
    assert left.x1 < right.x0  # the titles
    viewer.picture(f"fsleyes-other-side{ending}")
    assert view.canvas.GetSize().height > LEAST_PIXELS
    assert viewer.told == []


def test_a_region_and_the_display_are_pictured(sized):
    from fsleyes_plugin.panels.look_panel import MRSFitDisplay
    from fsleyes_plugin.panels.region_panel import MRSFitRegion

    viewer, ending = sized
    _, view = viewer.layout()
    fit = viewer.load(viewer_results.mrsi())
    at_the_cursor(viewer, view, fit, 45)
    display = viewer.panel(view, MRSFitDisplay)
    display.verdicts.SetValue(True)
    display.outline()
    viewer.picture(f"fsleyes-display{ending}")
    assert min(view.canvas.GetSize()) > LEAST_PIXELS
    view.togglePanel(MRSFitDisplay)
    region = viewer.panel(view, MRSFitRegion)
    mask = np.zeros(fit.grid, dtype=bool)
    x, y, z = (int(i) for i in np.argwhere(fit.maps.fitted())[45])
    mask[x - 1 : x + 2, y - 1 : y + 1, z] = True
    region.folder.SetValue("regions")
    region.set_region(mask & fit.maps.fitted())
    viewer.wait(lambda: region.count.GetLabel().startswith(f"{int(region.mask.sum())} voxels"))
    viewer.picture(f"fsleyes-region{ending}")
    assert min(view.canvas.GetSize()) > LEAST_PIXELS
    assert viewer.told == []


def test_the_grid_is_pictured(sized):
    from fsleyes_plugin.panels.grid_view import MRSGridView

    viewer, ending = sized
    _, view = viewer.layout()
    fit = viewer.load(viewer_results.mrsi())
    at_the_cursor(viewer, view, fit, 45)
    grid = viewer.view(MRSGridView)
    viewer.wait(lambda: grid.cells and grid.where.GetLabel())
    viewer.picture(f"fsleyes-grid{ending}")
    assert min(grid.canvas.GetSize()) > LEAST_PIXELS
    assert viewer.told == []
