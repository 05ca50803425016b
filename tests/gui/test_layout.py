"""The window at 1600 x 1000 and at 1280 x 800: nothing is crushed, cut off or hidden that is needed."""

import shutil

import nibabel as nib
import numpy as np
import pytest
import viewer_results

pytestmark = pytest.mark.gui
CELL_MARGIN = 8
"""What a list of wxWidgets leaves free in a cell, in pixels; it shortens longer texts."""
SIZES = ((1600, 1000), (1280, 800))


@pytest.fixture(params=SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def sized(viewer, request):
    """The viewer with a window of a size, which goes back to that of other tests."""
    before = tuple(viewer.frame.GetSize())
    viewer.resize(request.param)
    viewer.size = "{}x{}".format(*request.param)
    yield viewer
    viewer.resize(before)


def columns_width(table):
    """Return the width of all columns of the table in pixels."""
    return sum(table.list.GetColumnWidth(n) for n in range(table.list.GetColumnCount()))


def test_one_spectrum_has_its_whole_table(sized):
    from fsleyes_plugin.panels.map_panel import MRSFitMaps
    from fsleyes_plugin.panels.quality_panel import MRSFitQuality
    from fsleyes_plugin.panels.table_panel import MRSFitTable

    viewer = sized
    _, view = viewer.layout()
    viewer.load(viewer_results.svs())
    table = viewer.panel(view, MRSFitTable)
    panes = [view.auiManager.GetPane(view.getPanel(kind)) for kind in (MRSFitMaps, MRSFitQuality)]
    viewer.wait(lambda: not any(pane.IsShown() for pane in panes), "the controls of maps make room")
    viewer.wait(
        lambda: table.list.GetItemCount() and columns_width(table) <= table.list.GetClientSize().width
    )
    viewer.picture(f"fsleyes-svs-{viewer.size}")
    viewer.load(viewer_results.mrsi())
    viewer.wait(lambda: all(pane.IsShown() for pane in panes), "the controls of maps")
    assert viewer.told == []


def cut(panel):
    """Return the shown widgets of a panel that are not wholly in sight."""
    room = panel.GetClientSize()
    found = []
    for widget in panel.GetChildren():
        right, bottom = widget.GetPosition() + widget.GetSize()
        narrow = type(widget).__name__ == "StaticText" and widget.GetSize().width < widget.GetBestSize().width
        if widget.IsShown() and (right > room.width or bottom > room.height or narrow):
            found.append((widget.GetLabel() or type(widget).__name__, right, bottom, tuple(room)))
    return found


def test_nothing_of_the_panels_of_an_mrsi_is_cut_off(sized):
    from fsleyes_plugin.panels.map_panel import MRSFitMaps
    from fsleyes_plugin.panels.quality_panel import MRSFitQuality
    from fsleyes_plugin.panels.table_panel import MRSFitTable

    viewer = sized
    _, view = viewer.layout()
    fit = viewer.load(viewer_results.mrsi())
    viewer.move(fit.centre(viewer_results.a_voxel(fit)))
    table, maps, quality = (viewer.panel(view, kind) for kind in (MRSFitTable, MRSFitMaps, MRSFitQuality))
    for scaling in table.scaling.GetStrings():
        viewer.pick(table.scaling, scaling)
        viewer.wait(lambda: table.table is not None and table.table.scaling == scaling)  # noqa: B023
        viewer.wait(lambda: columns_width(table) <= table.list.GetClientSize().width, "all columns in sight")
        # Each cell has the room that its letters need.
        for n in range(table.list.GetColumnCount()):
            texts = [table.list.GetItemText(row, n) for row in range(table.list.GetItemCount())]
            widest = max(table.list.GetTextExtent(text).width for text in texts)
            assert widest + CELL_MARGIN <= table.list.GetColumnWidth(n), (n, texts)
        table.sort(1)
    quality.sliders["fwhm"].SetValue(100)
    quality._moved(None)
    for panel in (table, maps, quality):
        viewer.wait(lambda: not cut(panel), lambda: cut(panel))  # noqa: B023
    viewer.picture(f"fsleyes-mrsi-panels-{viewer.size}")
    assert viewer.told == []


def test_the_table_comes_and_goes_with_its_columns(viewer):
    from fsleyes_plugin.panels.table_panel import MRSFitTable

    _, view = viewer.layout()
    table = viewer.panel(view, MRSFitTable)
    scan = viewer_results.mrsi().parent / "head.nii.gz"
    viewer.load(viewer_results.mrsi())
    viewer.wait(lambda: table.list.GetItemCount())
    widths = [table.list.GetColumnWidth(n) for n in range(table.list.GetColumnCount())]
    viewer.add(scan)
    viewer.wait(lambda: not table.list.GetItemCount())
    viewer.resize((1400, 900))  # without columns
    viewer.resize((1280, 800))
    view.close_shown()
    viewer.wait(lambda: table.list.GetItemCount())
    assert [table.list.GetColumnWidth(n) for n in range(table.list.GetColumnCount())] == widths


def test_the_form_of_a_step_is_not_cut_off(sized):
    from fsleyes_plugin.panels.run_panel import MRSRunStep

    viewer = sized
    ortho, _ = viewer.layout()
    panel = viewer.panel(ortho, MRSRunStep)
    viewer.add(viewer_results.svs().parent / "one.nii.gz")
    for name in ("quantify", "align"):
        panel.show(name)
        viewer.wait(lambda: not cut(panel), lambda: cut(panel))
        room = panel.scroll.GetClientSize().width
        viewer.wait(lambda: panel.form.GetSize().width <= room, "the form in its panel")  # noqa: B023
        ends = [widget.GetRect().GetRight() for widget in panel.form.GetChildren()]
        assert max(ends) < room
    viewer.picture(f"fsleyes-run-{viewer.size}")


def test_remarks_and_legend_are_wrapped(sized, tmp_path):
    from fsleyes_plugin.panels.table_panel import MRSFitTable

    viewer = sized
    long = "a folder with quite a long name, of the first visit, before therapy"
    for name in (long, f"{long}, again"):
        shutil.copytree(viewer_results.mrsi(), tmp_path / name)
        fit = viewer.load(tmp_path / name)
    _, view = viewer.layout()
    viewer.displayCtx.worldLocation.xyz = list(fit.centre(viewer_results.a_voxel(fit)))
    view.bar.compare.SetValue(True)
    view.bar._changed(None)
    viewer.wait(lambda: view.traces and view.traces[-1].other is not None and view.figure.legends)
    table = viewer.panel(view, MRSFitTable)
    viewer.wait(lambda: table.list.GetItemCount())
    text = "; ".join(["poor_fit: the residual is far larger than noise explains"] * 4)
    table.remarks.SetLabel(text)
    assert table.remarks.GetLabel() == text
    assert table.remarks.GetBestSize().width <= table.GetClientSize().width
    assert table.remarks.GetSize().height > 1.5 * table.scaling.GetTextExtent("poor_fit").height
    viewer.wait(lambda: view.canvas.get_renderer() is not None)
    box = view.figure.legends[0].get_window_extent(view.canvas.get_renderer())
    assert box.x0 >= 0
    assert box.x1 <= view.figure.bbox.x1
    axes = view.figure.axes[-1].get_window_extent()
    assert box.y0 >= axes.y1 - 2
    viewer.picture(f"fsleyes-names-{viewer.size}")


def test_comparison_opens_without_crushing_the_spectrum(sized):
    from fsleyes_plugin.panels.compare_view import MRSCompareView

    viewer = sized
    _, view = viewer.layout()
    viewer.load(viewer_results.mrsi_stiff())
    fit = viewer.load(viewer_results.mrsi())
    viewer.wait(lambda: view.traces and view.traces[-1].lines)
    viewer.pump(0.3)
    before = view.canvas.GetSize()
    compared = viewer.view(MRSCompareView)
    viewer.wait(lambda: viewer.frame.auiManager.GetPane(compared).IsFloating(), "a window of its own")
    viewer.wait(lambda: view.canvas.GetSize() == before, "the spectrum as it was")
    viewer.wait(lambda: compared.comparison)
    compared.show_difference()
    shown = [o for o in viewer.overlays if viewer.displayCtx.getDisplay(o).enabled]
    assert [image.name.split(",")[0] for image in shown] == ["difference"]
    assert viewer.displayCtx.getSelectedOverlay() is shown[0]
    assert viewer.displayCtx.getOpts(shown[0]).useNegativeCmap
    viewer.picture(f"fsleyes-difference-{viewer.size}")
    viewer.pick(view.bar.fit, view.bar.fit.GetStrings()[0])
    viewer.wait(lambda: not viewer.displayCtx.getDisplay(shown[0]).enabled, "the map in its place")
    assert fit.name in view.bar.fit.GetStrings()
    assert viewer.told == []


def test_the_anatomy_is_upright_at_the_first_look(viewer, tmp_path):
    """Also where the first axis of the image runs from head to foot."""
    from fsleyes_plugin.panels.alignment_view import MRSAlignmentView

    values = np.random.default_rng(1).uniform(size=(20, 24, 28)).astype(np.float32)
    lying = np.array([[0, 0, 2, -28], [0, 2, 0, -24], [2, 0, 0, -20], [0, 0, 0, 1.0]])
    nib.save(nib.Nifti1Image(values, lying), tmp_path / "T1.nii.gz")
    ortho, _ = viewer.layout()
    viewer.add(tmp_path / "T1.nii.gz")
    viewer.load(viewer_results.svs_located())
    viewer.wait(lambda: ortho.displayCtx.displaySpace == "world")
    # The third axis of the canvas is then that from foot to head: the first of the file.
    to_display = ortho.displayCtx.getOpts(viewer.overlays[0]).getTransform("voxel", "display")
    assert np.abs(to_display[:3, 0]).argmax() == 2
    viewer.load(viewer_results.svs())
    viewer.add(tmp_path / "T1.nii.gz")
    viewer.pump(0.2)
    assert ortho.displayCtx.displaySpace == "world"  # also when further images come
    viewer.view(MRSAlignmentView)
    viewer.pump(0.2)
    assert ortho.displayCtx.displaySpace == "world"  # and other views
    viewer.displayCtx.displaySpace = viewer.overlays[0]
    viewer.load(viewer_results.mrsi())
    viewer.pump(0.2)
    assert viewer.displayCtx.displaySpace is viewer.overlays[0]  # the choice of the user stays


def test_a_voxel_without_position_is_not_painted(viewer, tmp_path):
    scan = nib.load(viewer_results.svs().parent / "one.nii.gz")
    header = scan.header.copy()
    header.set_sform(np.diag([1e4, 1e4, 1e4, 1.0]), 2)  # as spec2nii does
    header.set_qform(np.diag([1e4, 1e4, 1e4, 1.0]), 2)
    nib.save(type(scan)(np.asarray(scan.dataobj), None, header), tmp_path / "metab.nii.gz")
    _, view = viewer.layout()
    viewer.add(tmp_path / "metab.nii.gz")
    viewer.wait(lambda: view.traces and "no position" in view.traces[-1].title)
    viewer.wait(lambda: view.traces[-1].lines)
    assert not [o for o in viewer.overlays if viewer.displayCtx.getDisplay(o).enabled]
    assert viewer.told == []
