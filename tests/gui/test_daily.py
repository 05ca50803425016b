"""What a user does every day: sort, copy and save the table, pin, mask, close."""

import time

import nibabel as nib
import numpy as np
import pytest
import viewer_results

pytestmark = pytest.mark.gui
MASK_SECONDS = 0.1
"""Longest time of a change of the mask, so that the slider follows the hand."""


def voxel_of(fit, n):
    """Return the n-th fitted voxel."""
    return tuple(int(i) for i in np.argwhere(fit.maps.fitted())[n])


def shown_at(viewer, view, voxel):
    viewer.wait(lambda: view.traces and view.traces[-1].lines and view.traces[-1].lines.voxel == voxel, voxel)


def test_the_table_is_sorted_copied_and_saved(viewer, tmp_path):
    import wx

    from fsleyes_plugin.panels.table_panel import MRSFitTable
    from fsleyes_plugin.session import SESSION

    _, view = viewer.layout()
    fit = viewer.load(viewer_results.mrsi())
    voxel = voxel_of(fit, 30)
    viewer.move(fit.centre(voxel))
    table = viewer.panel(view, MRSFitTable)
    table.scaling.SetStringSelection("raw")
    table.later()
    viewer.wait(lambda: table.at == voxel and table.table is not None and table.table.scaling == "raw")
    table.sort(
        [table.list.GetColumn(n).GetText() for n in range(table.list.GetColumnCount())].index("without prior")
    )
    amounts = {name: float(fit.maps.file("raw", name).values[voxel]) for name in fit.table.metabolites}
    expected = sorted(amounts, key=lambda name: -amounts[name])
    viewer.wait(lambda: table.list.GetItemText(0) == expected[0])
    shown = [table.list.GetItemText(n) for n in range(table.list.GetItemCount())]
    assert [amounts[name] for name in shown] == [amounts[name] for name in expected]
    text = table.tools.copy()
    assert text.splitlines()[1].split("\t")[0] == expected[0]
    assert wx.TheClipboard.Open()
    copied = wx.TextDataObject()
    assert wx.TheClipboard.GetData(copied)
    wx.TheClipboard.Close()
    assert copied.GetText() == text
    table.tools.save(tmp_path / "table.csv")
    assert (tmp_path / "table.csv").read_text().splitlines()[1].split(",")[5] == expected[0]
    # A row is that of its metabolite after sorting, too; and the highlight can be cleared.
    table.list.SetItemState(2, wx.LIST_STATE_SELECTED, wx.LIST_STATE_SELECTED)
    viewer.wait(lambda: SESSION.metabolite == expected[2])
    viewer.wait(
        lambda: any(expected[2] in str(line.get_label()) for line in view.figure.axes[-1].get_lines())
    )
    table.tools.clear()
    assert SESSION.metabolite == ""
    viewer.wait(
        lambda: (
            not any("on the baseline" in str(line.get_label()) for line in view.figure.axes[-1].get_lines())
        )
    )
    assert viewer.told == []


def test_the_curve_of_a_sum_is_drawn(viewer):
    from fsleyes_plugin.session import SESSION

    _, view = viewer.layout()
    fit = viewer.load(viewer_results.mrsi())
    voxel = voxel_of(fit, 30)
    viewer.move(fit.centre(voxel))
    shown_at(viewer, view, voxel)
    SESSION.set("metabolite", metabolite="GPC+PCh")
    line = viewer.wait(
        lambda: [one for one in view.figure.axes[-1].get_lines() if "GPC+PCh" in str(one.get_label())]
    )[0]
    lines = view.traces[-1].lines
    expected = lines.baseline + lines.metabolites["GPC"] + lines.metabolites["PCh"]
    assert np.allclose(line.get_ydata(), expected, equal_nan=True)


def test_pins_share_a_scale_and_are_marked_on_the_map(viewer):
    from fsleyes_plugin.panels.look_panel import MRSFitDisplay

    _, view = viewer.layout()
    fit = viewer.load(viewer_results.mrsi())
    first, second = voxel_of(fit, 10), voxel_of(fit, 60)
    viewer.move(fit.centre(first))
    shown_at(viewer, view, first)
    view.pin()
    mark = next(image for image in viewer.overlays if image.name.startswith("pinned"))
    assert [tuple(place) for place in np.argwhere(np.asarray(mark[:]) > 0)] == [first]
    viewer.move(fit.centre(second))
    viewer.wait(lambda: len(view.traces) == 2 and view.traces[1].lines.voxel == second)
    viewer.wait(lambda: len({axes.get_ylim() for axes in view.figure.axes}) == 1)
    view.pin()
    assert [image.name for image in viewer.overlays].count(mark.name) == 1
    assert {tuple(place) for place in np.argwhere(np.asarray(mark[:]) > 0)} == {first, second}
    panel = viewer.panel(view, MRSFitDisplay)
    panel.one_scale.SetValue(False)
    panel._changed(None)
    viewer.wait(lambda: len({axes.get_ylim() for axes in view.figure.axes}) > 1)
    view.unpin()
    assert not any(image.name.startswith("pinned") for image in viewer.overlays)
    panel.keep_height.SetValue(True)
    panel._changed(None)
    viewer.wait(lambda: len(view.figure.axes) == 1)
    view.figure.axes[0].set_ylim(-1, 3)
    viewer.move(fit.centre(first))
    shown_at(viewer, view, first)
    assert view.figure.axes[0].get_ylim() == (-1, 3)
    assert viewer.told == []


def test_a_closed_fit_takes_its_overlays_with_it(viewer):
    from fsleyes_plugin.session import SESSION

    _, view = viewer.layout()
    viewer.add(viewer_results.mrsi() / "fit" / "fit.nii.gz")
    viewer.wait(lambda: SESSION.chosen is not None and len(viewer.overlays) == 2)
    other = viewer.load(viewer_results.mrsi_stiff())
    assert len(viewer.overlays) == 3
    view.close_shown()
    viewer.wait(lambda: SESSION.chosen is not other and len(viewer.overlays) == 2)
    viewer.wait(lambda: view.bar.fit.GetCount() == 1)
    view.close_shown()
    viewer.wait(lambda: view.traces and "No fit is open" in view.traces[-1].message)
    assert len(viewer.overlays) == 0
    assert viewer.told == []


def large_maps(folder):
    """Write maps of 64 x 64 x 32 voxels beside a fit of eight points; return the SD of NAA."""
    from fsl_mrs_dl.data import MRSData
    from fsl_mrs_dl.io import nifti

    grid = (64, 64, 32)
    rng = np.random.default_rng(3)
    affine = np.diag([3.0, 3.0, 3.0, 1.0])
    fids = np.ones((*grid, 8), dtype=np.complex64)
    nifti.write(
        MRSData(fids, dwelltime_s=5e-4, spectrometer_frequency_mhz=123.2, affine=affine),
        folder / "fit" / "fit.nii",
    )
    percent = rng.uniform(1, 60, grid).astype(np.float32)
    amounts = rng.uniform(5, 15, grid).astype(np.float32)
    for name, values in (("concs/raw/NAA", amounts), ("uncertainties/NAA_sd", percent)):
        path = folder / f"{name}.nii"
        path.parent.mkdir(parents=True, exist_ok=True)
        nib.save(nib.Nifti1Image(values, affine), path)
    return percent


def test_the_slider_changes_the_mask_at_once(viewer, tmp_path):
    """The overlay, its colours and its range stay; 64 x 64 x 32 voxels take less than 100 ms."""
    from fsleyes_plugin.panels.quality_panel import MRSFitQuality

    (tmp_path / "fit").mkdir()
    percent = large_maps(tmp_path)
    _, view = viewer.layout()
    viewer.load(tmp_path)
    panel = viewer.panel(view, MRSFitQuality)
    image = viewer.wait(lambda: list(viewer.overlays))[0]
    opts = viewer.displayCtx.getOpts(image)
    opts.cmap, opts.displayRange = "blue", (2.0, 30.0)
    panel.sliders["crlb"].SetValue(100)
    panel._moved(None)
    viewer.pump(0.5)
    times = []
    for limit in (40, 60, 80, 30, 50):
        panel.sliders["crlb"].SetValue(2 * limit)  # 200 steps to 100 %
        start = time.perf_counter()
        panel._moved(None)
        times.append(time.perf_counter() - start)
        assert np.array_equal(np.isfinite(np.asarray(image[:])), percent <= limit)
        viewer.pump(0.05)
    assert list(viewer.overlays) == [image]
    assert (opts.cmap.name, tuple(opts.displayRange)) == ("blue", (2.0, 30.0))
    assert min(times) < MASK_SECONDS
    assert viewer.told == []


def test_the_page_of_the_voxel_is_saved_with_the_anatomy(viewer, tmp_path):
    from fsleyes_plugin.overlays import anatomy_of
    from fsleyes_plugin.panels.page_of import page_of
    from fsleyes_plugin.panels.table_panel import MRSFitTable

    _, view = viewer.layout()
    nib.save(nib.Nifti1Image(np.ones((40, 40, 40), np.float32), np.diag([6.0, 6, 6, 1])), tmp_path / "T1.nii")
    viewer.add(tmp_path / "T1.nii")
    fit = viewer.load(viewer_results.mrsi())
    assert anatomy_of(viewer.overlays).dataSource == str(tmp_path / "T1.nii")
    voxel = voxel_of(fit, 30)
    viewer.move(fit.centre(voxel))
    table = viewer.panel(view, MRSFitTable)
    viewer.wait(lambda: table.at == voxel and table.table is not None)
    table.tools.save_page(tmp_path / "page.pdf")
    assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF")
    page = page_of(fit, voxel, table.table, viewer.overlays)
    assert len(page.sections) == 3
    assert page.title == "{}, voxel {} {} {}".format(fit.name, *voxel)
    assert fit.folder.record["basis"]["sha256"] in page.record
    assert np.array_equal(page.trace.lines.data, view.traces[-1].lines.data)
    table.tools.save_page(tmp_path / "page.doc")
    assert "does not end in .pdf or .png" in viewer.told[0][1]
