"""The spectrum, table, maps, limits and names always belong to what is drawn, whatever was clicked before."""

import csv
import json
import shutil

import nibabel as nib
import numpy as np
import pytest
import viewer_results

pytestmark = pytest.mark.gui


@pytest.fixture
def panels(viewer):
    """The Fit view of the layout, with its table, maps and quality."""
    from fsleyes_plugin.panels.map_panel import MRSFitMaps
    from fsleyes_plugin.panels.quality_panel import MRSFitQuality
    from fsleyes_plugin.panels.table_panel import MRSFitTable

    _, view = viewer.layout()
    return view, *(viewer.panel(view, kind) for kind in (MRSFitTable, MRSFitMaps, MRSFitQuality))


def cells(table):
    """Return the texts of the table as it is on the screen."""
    return [
        [table.list.GetItemText(row, n) for n in range(table.list.GetColumnCount())]
        for row in range(table.list.GetItemCount())
    ]


def voxel(fit, n):
    """Return a fitted voxel."""
    x, y, z = np.argwhere(fit.maps.fitted())[n]
    return int(x), int(y), int(z)


def maps_of(viewer, fit):
    """Return the overlays that show maps of a fit and are not hidden."""
    from fsleyes_plugin.overlays import is_map

    return [o for o in viewer.overlays if is_map(o, fit) and viewer.displayCtx.getDisplay(o).enabled]


def scaled_copy(folder, to, factor):
    """Copy results, with all curves multiplied by a factor."""
    shutil.copytree(folder, to)
    for path in (to / "fit").glob("*.nii.gz"):
        image = nib.load(path)
        if np.iscomplexobj(image.dataobj[0, 0, 0]):
            nib.save(type(image)(np.asarray(image.dataobj) * np.complex64(factor), None, image.header), path)
    return to


def test_a_scan_after_a_fit_has_no_table_of_that_fit(viewer, panels):
    from fsleyes_plugin.session import SESSION

    view, table, maps, quality = panels
    fit = viewer.load(viewer_results.mrsi())
    viewer.wait(lambda: cells(table))
    viewer.add(viewer_results.mrsi().parent / "head.nii.gz")
    viewer.wait(
        lambda: (
            SESSION.scan is not None
            and view.traces
            and view.traces[-1].lines
            and view.traces[-1].lines.fit is None
        )
    )
    viewer.wait(lambda: not cells(table), "an empty table")
    assert "no fit" in table.remarks.GetLabel()
    viewer.wait(lambda: not maps.IsEnabled() and not quality.IsEnabled())
    viewer.pick(view.bar.fit, fit.name)
    viewer.wait(lambda: cells(table), "the table of the fit")
    viewer.wait(lambda: maps.IsEnabled() and quality.IsEnabled())


def test_the_maps_panel_and_the_map_are_those_of_the_selected_fit(viewer, panels):
    from fsleyes_plugin.session import SESSION

    view, _, maps, _ = panels
    first, second = viewer.load(viewer_results.mrsi_stiff()), viewer.load(viewer_results.mrsi())

    def agree(fit, metabolite):
        viewer.wait(lambda: view.bar.fit.GetStringSelection() == fit.name, "the list of fits")
        viewer.wait(lambda: maps.metabolite.GetStringSelection() == metabolite, "the list of metabolites")
        shown = viewer.wait(lambda: maps_of(viewer, fit), "its map")
        viewer.wait(lambda: viewer.displayCtx.getSelectedOverlay() is shown[-1], "its selection")
        assert shown[-1].name.startswith(f"{metabolite} ")
        other = second if fit is first else first
        assert maps_of(viewer, other) == []

    viewer.pick(maps.metabolite, "Ins")
    agree(second, "Ins")
    viewer.pick(view.bar.fit, first.name)
    agree(first, "NAA+NAAG")
    viewer.pick(maps.metabolite, "Glu")
    agree(first, "Glu")
    viewer.pick(view.bar.fit, second.name)
    agree(second, "Ins")
    viewer.displayCtx.selectOverlay(next(o for o in viewer.overlays if o.name.startswith("Glu ")))
    agree(first, "Glu")
    viewer.overlays.remove(maps_of(viewer, first)[0])
    agree(second, "Ins")
    viewer.pick(view.bar.fit, first.name)
    viewer.wait(lambda: view.bar.fit.GetStringSelection() == first.name)
    viewer.wait(lambda: maps.metabolite.GetSelection() < 0, "no map in the lists, for there is none")
    viewer.pick(maps.metabolite, "Ins")
    agree(first, "Ins")
    assert SESSION.chosen is first
    assert viewer.told == []


def test_limits_stay_with_the_fit_they_were_set_for(viewer, panels):
    view, _, _, quality = panels
    first, second = viewer.load(viewer_results.mrsi_stiff()), viewer.load(viewer_results.mrsi())
    viewer.pick(quality.metabolite, "NAA")
    crlb = second.maps.file("crlb", "NAA").values
    steps = round(2 * float(np.median(crlb[second.maps.fitted()])))
    quality.sliders["crlb"].SetValue(steps)
    quality._moved(None)
    passing = second.maps.fitted() & (crlb <= steps / 2)

    def finite(fit):
        return np.isfinite(np.asarray(maps_of(viewer, fit)[-1][:]))

    viewer.wait(lambda: np.array_equal(finite(second), passing))
    viewer.pick(view.bar.fit, first.name)
    viewer.wait(lambda: maps_of(viewer, first))
    assert np.array_equal(finite(first), first.maps.fitted())
    viewer.wait(lambda: quality.sliders["crlb"].GetValue() == quality.sliders["crlb"].GetMax())
    viewer.pick(view.bar.fit, second.name)
    viewer.wait(lambda: quality.sliders["crlb"].GetValue() == steps, "the limit of this fit")
    viewer.wait(lambda: quality.count.GetLabel().startswith(f"{passing.sum()} of "))
    assert np.array_equal(finite(second), passing)
    assert second.name in quality.of_fit.GetLabel()


def test_the_map_follows_its_limits_while_the_maps_panel_is_closed(viewer, panels):
    from fsleyes_plugin.panels.map_panel import MRSFitMaps

    view, _, _, quality = panels
    fit = viewer.load(viewer_results.mrsi())
    viewer.wait(lambda: quality.IsEnabled() and maps_of(viewer, fit))
    view.togglePanel(MRSFitMaps)
    viewer.wait(lambda: not view.isPanelOpen(MRSFitMaps), "the panel is closed")
    viewer.pick(quality.metabolite, "NAA")
    crlb = fit.maps.file("crlb", "NAA").values
    steps = round(2 * float(np.median(crlb[fit.maps.fitted()])))  # 200 steps to 100 %
    for at in (steps, quality.sliders["crlb"].GetMax()):
        quality.sliders["crlb"].SetValue(at)
        quality._moved(None)
        left = fit.maps.fitted() & ((crlb <= at / 2) | (at == quality.sliders["crlb"].GetMax()))
        shown = np.isfinite(np.asarray(maps_of(viewer, fit)[-1][:]))
        assert np.array_equal(shown, left)
        assert (int(left.sum()) < int(fit.maps.fitted().sum())) == (at == steps)
    assert viewer.told == []


def test_a_voxel_without_a_fit_is_empty(viewer, panels):
    from fsleyes_plugin.panels.compare_view import MRSCompareView

    _, table, _, _ = panels
    viewer.load(viewer_results.mrsi_stiff())
    fit = viewer.load(viewer_results.mrsi())
    empty = tuple(int(i) for i in np.argwhere(~fit.maps.fitted())[0])
    viewer.move(fit.centre(empty))
    viewer.wait(lambda: table.at == empty)
    assert not any(text for row in cells(table) for text in row[1:])
    assert "Nothing was fitted" in table.remarks.GetLabel()
    assert "outside" not in table.remarks.GetLabel()
    view = viewer.view(MRSCompareView)
    viewer.wait(lambda: view.comparison)
    view.show_difference()
    image = next(o for o in viewer.overlays if o.name.startswith("difference"))
    assert np.isnan(np.asarray(image[:])[~fit.maps.fitted()]).all()


def test_two_results_of_one_name_are_distinct_names(viewer, panels, tmp_path):
    view, _, _, _ = panels
    svs = viewer_results.svs()
    fits = []
    for subject in ("sub-01", "sub-02"):
        shutil.copytree(svs, tmp_path / subject / "fit")
        fits.append(viewer.load(tmp_path / subject / "fit"))
        shutil.copy(svs.parent / "one.nii.gz", tmp_path / subject / "metab.nii.gz")
    viewer.add(*(tmp_path / subject / "metab.nii.gz" for subject in ("sub-01", "sub-02")))
    viewer.wait(lambda: view.bar.fit.GetCount() == 4)
    names = view.bar.fit.GetStrings()
    assert len(set(names)) == 4
    for subject in ("sub-01", "sub-02"):
        assert sum(subject in name for name in names) == 2
    assert all(fit.folder.producer in fit.name for fit in fits)
    shown = [viewer.displayCtx.getDisplay(overlay).name for overlay in viewer.overlays]
    assert len(set(shown)) == len(shown)
    assert all("sub-0" in name for name in shown)


def test_a_second_fit_in_other_units_is_scaled_with_a_word(viewer, panels, tmp_path):
    view, _, _, _ = panels
    stiff = viewer.load(viewer_results.mrsi_stiff())
    viewer.load(scaled_copy(viewer_results.mrsi_stiff(), tmp_path / "scaled", 1e3))
    fit = viewer.load(viewer_results.mrsi())
    view.bar.compare.SetValue(True)
    view.bar._changed(None)
    at = voxel(fit, 40)
    viewer.move(fit.centre(at))
    viewer.wait(
        lambda: view.traces and view.traces[-1].other is not None and view.traces[-1].lines.voxel == at
    )
    trace = view.traces[-1]
    assert trace.other_name.endswith("scaled by 0.001")
    turn = fit.curves.frame(at)
    expected = stiff.curves.lines(at, turn=turn).fit
    inside = np.isfinite(expected)
    assert np.allclose(
        trace.other.fit[inside], expected[inside], rtol=1e-4, atol=1e-4 * expected[inside].max()
    )


def test_a_second_fit_of_other_data_is_refused_with_a_word(viewer, panels, tmp_path):
    view, _, _, _ = panels
    other = tmp_path / "other"
    shutil.copytree(viewer_results.mrsi_stiff(), other)
    path = other / "fit" / "residual.nii.gz"
    image = nib.load(path)
    nib.save(type(image)(np.asarray(image.dataobj) * np.complex64(10), None, image.header), path)
    viewer.load(other)
    fit = viewer.load(viewer_results.mrsi())
    view.bar.compare.SetValue(True)
    view.bar._changed(None)
    viewer.move(fit.centre(voxel(fit, 40)))
    viewer.wait(lambda: view.traces and "other data" in view.traces[-1].note)
    assert view.traces[-1].other is None


def test_amplitudes_of_two_basis_sets_are_not_compared(viewer, panels, tmp_path):
    from fsleyes_plugin.panels.compare_view import MRSCompareView

    other = tmp_path / "other"
    shutil.copytree(viewer_results.mrsi_stiff(), other)
    path = other / "basis" / "NAA.json"
    content = json.loads(path.read_text())
    for part in ("basis_re", "basis_im"):
        content["basis"][part] = [2 * value for value in content["basis"][part]]
    path.write_text(json.dumps(content))
    viewer.load(other)
    viewer.load(viewer_results.mrsi())
    view = viewer.view(MRSCompareView)
    viewer.wait(lambda: view.comparison)
    assert view.comparison.choice.label == "NAA+NAAG without prior, internal"
    viewer.pick(view.quantity, "NAA without prior, raw")
    viewer.wait(lambda: view.figure.texts and "no common unit" in view.figure.texts[0].get_text())
    assert view.comparison is None
    viewer.pick(view.quantity, "Ins without prior, raw")
    viewer.wait(lambda: view.comparison)


def test_inside_of_the_grid_is_not_called_outside(viewer, panels, tmp_path, rng):
    from fsl.data.image import Image

    view, table, _, _ = panels
    shutil.copytree(viewer_results.mrsi() / "fit", tmp_path / "curves")
    (tmp_path / "curves" / "parameters.nii.gz").unlink()
    fit = viewer.load(tmp_path / "curves")
    inside = (8, 8, 0)
    viewer.move(fit.centre(inside))
    viewer.wait(lambda: view.traces and view.traces[-1].lines and view.traces[-1].lines.voxel == inside)
    viewer.wait(lambda: table.at == inside)
    assert "outside" not in table.remarks.GetLabel()
    assert "no table" in table.remarks.GetLabel()
    large = np.diag([40.0, 40.0, 40.0, 1.0])
    large[:3, 3] = fit.centre(inside) - 400
    viewer.overlays.insert(0, Image(rng.normal(size=(20, 20, 20)).astype(np.float32), xform=large))
    viewer.move(fit.centre(inside) + 350)
    viewer.wait(lambda: "outside of the grid" in table.remarks.GetLabel())
    viewer.wait(lambda: "outside" in view.traces[-1].message)


def test_the_table_of_one_spectrum_is_that_of_its_file(viewer, panels):
    _, table, _, _ = panels
    viewer.load(viewer_results.mrsi())
    fit = viewer.load(viewer_results.svs())
    rows = list(csv.reader((fit.folder.path / "summary.csv").read_text().splitlines()))
    viewer.wait(lambda: [row[0] for row in cells(table)] == [row[0] for row in rows[1:]])
