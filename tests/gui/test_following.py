"""The Fit view and the table show what the files hold at the cursor, and let go when they are closed."""

from decimal import Decimal

import numpy as np
import pytest
import viewer_results

from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.physics import fid_to_spectrum

pytestmark = pytest.mark.gui


def lines_at(viewer, view, fit, voxel):
    """Move the cursor to a voxel and wait until its lines are drawn."""
    viewer.move(fit.centre(voxel))
    viewer.wait(lambda: view.traces and view.traces[-1].lines and view.traces[-1].lines.voxel == voxel, voxel)
    return view.traces[-1].lines


def test_lines_and_table_follow_the_cursor(viewer):
    from fsleyes_plugin.panels.table_panel import MRSFitTable

    _, view = viewer.layout()
    fit = viewer.load(viewer_results.mrsi())
    table = viewer.panel(view, MRSFitTable)
    table.scaling.SetStringSelection("raw")
    residual = nifti.read(fit.folder.path / "fit" / "residual.nii.gz")
    naa, mean = (fit.maps.file(kind, "NAA").values for kind in ("raw", "posterior_mean"))
    from dataclasses import replace

    from fsleyes_plugin.session import SESSION

    SESSION.set("display", display=replace(SESSION.display, fit_phase=False))
    for x, y, z in np.argwhere(fit.maps.fitted())[[5, 40, 90]]:
        voxel = (int(x), int(y), int(z))
        lines = lines_at(viewer, view, fit, voxel)
        viewer.wait(lambda: table.table is not None and table.table.value("NAA", "value") == naa[voxel])  # noqa: B023
        expected = fid_to_spectrum(residual.fid[voxel].astype(complex)).real
        inside = np.isfinite(lines.residual)
        assert np.allclose(lines.residual[inside], expected[inside])
        drawn = {line.get_label(): line.get_ydata() for line in view.figure.axes[-1].get_lines()}
        assert np.array_equal(drawn["data"], lines.data)
        row = [name for name, _ in table.table.rows].index("NAA")
        heads = [table.list.GetColumn(n).GetText() for n in range(table.list.GetColumnCount())]
        assert heads[1:5] == ["posterior [95 %]", "shrinkage", "without prior", "its SD"]
        for place, expected in ((1, mean), (3, naa)):
            told = Decimal(table.list.GetItemText(row, place).split()[0])
            last = float(Decimal(1).scaleb(int(told.as_tuple().exponent)))
            assert float(told) == pytest.approx(float(expected[voxel]), abs=0.501 * last)
            assert last < 0.05 * abs(float(told))


def test_outside_of_the_grid_it_says_so(viewer):
    _, view = viewer.layout()
    fit = viewer.load(viewer_results.mrsi())
    outside = np.argwhere(~fit.maps.fitted())[0]
    viewer.move(fit.centre(tuple(int(i) for i in outside)))
    viewer.wait(lambda: view.traces and "Nothing was fitted" in view.traces[-1].message)


def test_a_row_that_is_clicked_is_highlighted_and_mapped(viewer):
    import wx

    from fsleyes_plugin.model.maps import MapChoice
    from fsleyes_plugin.panels.map_panel import MRSFitMaps
    from fsleyes_plugin.panels.table_panel import MRSFitTable

    _, view = viewer.layout()
    fit = viewer.load(viewer_results.mrsi())
    lines_at(viewer, view, fit, tuple(int(i) for i in np.argwhere(fit.maps.fitted())[30]))
    table, maps = viewer.panel(view, MRSFitTable), viewer.panel(view, MRSFitMaps)
    viewer.wait(lambda: table.list.GetItemCount())
    row = [name for name, _ in table.table.rows].index("Ins")
    table.list.SetItemState(row, wx.LIST_STATE_SELECTED, wx.LIST_STATE_SELECTED)
    viewer.wait(
        lambda: any("Ins" in str(line.get_label()) for line in view.figure.axes[-1].get_lines()), "Ins"
    )
    viewer.wait(lambda: maps.shown is not None and maps.shown.metabolite == "Ins", "map of Ins")
    assert [image.name.split()[0] for image in viewer.overlays] == ["Ins"]
    shown = np.asarray(viewer.overlays[0][:])
    fitted = fit.maps.fitted()
    expected = fit.maps.values(MapChoice("posterior_mean:internal", "Ins"))
    assert np.allclose(shown[fitted], expected[fitted], equal_nan=True)
    assert viewer.told == []


def test_pins_and_a_second_fit_stand_beside(viewer):
    _, view = viewer.layout()
    viewer.load(viewer_results.mrsi_stiff())
    fit = viewer.load(viewer_results.mrsi())
    first, second = (tuple(int(i) for i in voxel) for voxel in np.argwhere(fit.maps.fitted())[[10, 60]])
    lines_at(viewer, view, fit, first)
    view.pin()
    view.compared = True
    lines_at(viewer, view, fit, second)
    viewer.wait(lambda: len(view.traces) == 2 and view.traces[-1].other is not None)
    assert [trace.lines.voxel for trace in view.traces] == [first, second]
    labels = [line.get_label() for line in view.figure.axes[-1].get_lines()]
    assert {fit.name, view.traces[-1].other_name} <= set(labels)
    view.unpin()
    viewer.wait(lambda: len(view.traces) == 1)


def test_closing_leaves_no_listener(viewer):
    from fsleyes_plugin.panels.map_panel import MRSFitMaps
    from fsleyes_plugin.panels.provenance_panel import MRSFitProvenance
    from fsleyes_plugin.panels.quality_panel import MRSFitQuality
    from fsleyes_plugin.panels.table_panel import MRSFitTable
    from fsleyes_plugin.session import SESSION

    _, view = viewer.layout()
    viewer.load(viewer_results.mrsi())
    for kind in (MRSFitTable, MRSFitMaps, MRSFitQuality, MRSFitProvenance):
        panel = viewer.panel(view, kind)
        context, name = panel.displayCtx, panel.name
        assert name in SESSION.listeners
        view.togglePanel(kind)
        viewer.wait(lambda: not view.isPanelOpen(kind), kind)  # noqa: B023
        assert name not in SESSION.listeners
        assert not viewer.overlays.hasListener("overlays", name)
        assert not any(context.hasListener(what, name) for what in ("worldLocation", "selectedOverlay"))
    context, name = view.displayCtx, view.name
    viewer.frame.removeViewPanel(view)
    viewer.pump(0.1)
    assert SESSION.listeners == {}
    assert not viewer.overlays.hasListener("overlays", name)
    assert not context.hasListener("worldLocation", name)
