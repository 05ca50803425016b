"""Regions, the other side, the grid of spectra, verdicts and ratios, in the window."""

import nibabel as nib
import numpy as np
import pytest
import viewer_results

from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.physics import fid_to_spectrum

pytestmark = pytest.mark.gui
STEP_SECONDS = 120.0
"""For a process that fits a spectrum, 4 s on a quiet machine."""


def voxel_of(fit, n):
    """Return the n-th fitted voxel."""
    return tuple(int(i) for i in np.argwhere(fit.maps.fitted())[n])


def at_the_cursor(viewer, view, fit, voxel):
    viewer.move(fit.centre(voxel))
    viewer.wait(lambda: view.traces and view.traces[-1].lines and view.traces[-1].lines.voxel == voxel, voxel)


def test_a_region_is_drawn_with_the_cursor_and_averaged(viewer, tmp_path):
    from fsleyes_plugin.panels.region_panel import MRSFitRegion
    from fsleyes_plugin.session import SESSION

    _, view = viewer.layout()
    fit = viewer.load(viewer_results.mrsi())
    panel = viewer.panel(view, MRSFitRegion)
    panel.folder.SetValue(str(tmp_path))
    panel.drawing.SetSelection(1)
    drawn = [voxel_of(fit, n) for n in (20, 21, 30)]
    for voxel in drawn:
        at_the_cursor(viewer, view, fit, voxel)
        viewer.wait(lambda: panel.mask[voxel])  # noqa: B023
    start = {tuple(int(i) for i in place) for place in np.argwhere(panel.mask)} - set(drawn)
    panel.drawing.SetSelection(2)
    for voxel in start:  # where the cursor was before
        at_the_cursor(viewer, view, fit, voxel)
    viewer.wait(lambda: int(panel.mask.sum()) == 3)
    panel.drawing.SetSelection(0)
    outline = next(image for image in viewer.overlays if image.name.startswith("region"))
    assert np.array_equal(np.asarray(outline[:]) > 0, panel.mask)
    panel.aligned.SetValue(False)
    panel.weighted.SetValue(False)
    path = panel.show_mean()
    viewer.wait(lambda: SESSION.scan is not None and view.traces and view.traces[-1].lines is not None)
    viewer.wait(lambda: view.traces[-1].name == SESSION.scan.name)
    parts = [nifti.read(fit.folder.curve(kind)).fid for kind in ("fit", "residual")]
    expected = np.mean([parts[0][voxel] + parts[1][voxel] for voxel in drawn], axis=0)
    np.testing.assert_allclose(nifti.read(path).fid[0, 0, 0], expected, rtol=1e-5)
    spectrum = fid_to_spectrum(expected.astype(complex)).real
    drawn_line = view.traces[-1].lines
    assert np.ptp(drawn_line.data - spectrum) < 1e-5 * np.ptp(spectrum)
    assert int(panel.mask.sum()) == 3  # the region stays
    panel.save(tmp_path / "mask.nii.gz")
    assert np.array_equal(np.asarray(nib.load(tmp_path / "mask.nii.gz").dataobj) != 0, panel.mask)
    assert viewer.told == []


def test_a_region_from_an_image_is_fitted_on_the_spot(viewer, tmp_path):
    from fsleyes_plugin.panels.region_panel import MRSFitRegion
    from fsleyes_plugin.panels.table_panel import MRSFitTable
    from fsleyes_plugin.session import SESSION

    _, view = viewer.layout()
    fit = viewer.load(viewer_results.mrsi())
    panel = viewer.panel(view, MRSFitRegion)
    chosen = np.zeros(fit.grid, dtype=bool)
    for n in range(40, 52):
        chosen[voxel_of(fit, n)] = True
    fine = np.repeat(np.repeat(chosen, 2, axis=0), 2, axis=1).astype(np.uint8)
    affine = fit.affine @ np.array([[0.5, 0, 0, -0.25], [0, 0.5, 0, -0.25], [0, 0, 1, 0], [0, 0, 0, 1]])
    nib.save(nib.Nifti1Image(fine, affine), tmp_path / "lesion.nii.gz")
    image = viewer.add(tmp_path / "lesion.nii.gz")[0]
    view.displayCtx.selectOverlay(image)
    panel.take()
    assert np.array_equal(panel.mask, chosen)
    panel.folder.SetValue(str(tmp_path / "regions"))
    assert panel.basis.GetValue() == viewer_results.BASIS
    panel.fit()
    viewer.wait(lambda: panel.status is not None, "the fit", STEP_SECONDS)
    assert (panel.status, viewer.told) == (0, [])
    assert SESSION.chosen.folder.path == tmp_path / "regions" / "region_1"
    table = viewer.panel(view, MRSFitTable)
    viewer.wait(lambda: table.table is not None and table.at == (0, 0, 0))
    # Twelve voxels: the interval is narrower than that of one of them.
    scaling = table.table.scaling
    width = [
        one.value("NAA+NAAG", "ci95_high") - one.value("NAA+NAAG", "ci95_low")
        for one in (table.table, fit.table.at(voxel_of(fit, 45), scaling))
    ]
    assert width[0] < 0.7 * width[1]
    panel.mirror()
    middle = np.argwhere(fit.maps.fitted())[:, 0]
    expected = np.zeros_like(chosen)
    for x, y, z in np.argwhere(chosen):
        expected[middle.min() + middle.max() - x, y, z] = True
    assert np.array_equal(panel.mask, expected)


def test_the_other_side_stands_beside(viewer):
    from fsleyes_plugin.panels.mirror_panel import MRSFitMirror
    from fsleyes_plugin.session import SESSION

    _, view = viewer.layout()
    fit = viewer.load(viewer_results.mrsi())
    panel = viewer.panel(view, MRSFitMirror)
    voxel = voxel_of(fit, 20)
    at_the_cursor(viewer, view, fit, voxel)
    viewer.wait(lambda: len(view.traces) == 2 and panel.rows)
    x = np.argwhere(fit.maps.fitted())[:, 0]
    other = (int(x.min() + x.max()) - voxel[0], voxel[1], voxel[2])
    viewer.wait(lambda: view.traces[0].lines is not None and view.traces[0].lines.voxel == other, other)
    naa = fit.maps.file("posterior_mean", "NAA").values
    viewer.wait(lambda: panel.where.GetLabel().endswith("{} {} {}".format(*other)))
    rows = {row[0]: row for row in panel.rows}
    assert float(rows["NAA"][3]) == pytest.approx(float(naa[voxel] / naa[other]), rel=1e-3)
    mark = next(image for image in viewer.overlays if image.name.startswith("other side"))
    assert [tuple(place) for place in np.argwhere(np.asarray(mark[:]) > 0)] == [other]
    panel.set_middle()  # the midline runs through the voxel: it is its own other side
    viewer.wait(lambda: view.traces[0].lines is not None and view.traces[0].lines.voxel == voxel)
    view.togglePanel(MRSFitMirror)
    viewer.wait(lambda: SESSION.mirror is None and len(view.traces) == 1)
    assert not any(image.name.startswith("other side") for image in viewer.overlays)
    assert viewer.told == []


def test_verdicts_are_outlined_in_their_colours(viewer):
    from fsleyes_plugin.panels.look_panel import VERDICT_COLOURS, MRSFitDisplay

    _, view = viewer.layout()
    fit = viewer.load(viewer_results.mrsi())
    panel = viewer.panel(view, MRSFitDisplay)
    panel.verdicts.SetValue(True)
    panel.outline()
    codes = fit.maps.file("verdict").values.reshape(fit.grid)
    for code, (word, colour) in enumerate(VERDICT_COLOURS.items(), start=1):
        image = next(image for image in viewer.overlays if image.name.split(",")[0] == word)
        assert np.array_equal(np.asarray(image[:]) > 0, codes == code)
        opts = viewer.displayCtx.getOpts(image)
        assert opts.outline
        assert tuple(opts.colour)[:3] == pytest.approx(colour)
    panel.verdicts.SetValue(False)
    panel.outline()
    assert len(viewer.overlays) == 1


def test_ratios_are_one_choice_and_the_users_are_kept(viewer):
    from fsleyes_plugin.model.maps import MapChoice
    from fsleyes_plugin.panels.map_panel import MRSFitMaps

    _, view = viewer.layout()
    fit = viewer.load(viewer_results.mrsi())
    panel = viewer.panel(view, MRSFitMaps)
    viewer.wait(lambda: "Cho/NAA" in panel.ratio.GetItems())
    panel.ratio.SetStringSelection("Cho/NAA")
    panel.ratio._chosen(None)
    shown = np.asarray(viewer.overlays[0][:])
    fitted = fit.maps.fitted()
    cho, naa = (fit.maps.file("posterior_mean", name).values for name in ("GPC+PCh", "NAA+NAAG"))
    assert np.allclose(shown[fitted], cho[fitted] / naa[fitted], rtol=1e-5)
    assert panel.ratio.GetSelection() == 0
    panel.choose(MapChoice("raw", "Glu", "GABA"))
    panel.ratio.SetSelection(panel.ratio.GetCount() - 1)
    panel.ratio._chosen(None)
    assert "Glu / GABA" in panel.ratio.GetItems()
    panel.ratio.SetStringSelection("Glu / GABA")
    panel.ratio._chosen(None)
    assert (panel.shown.metabolite, panel.shown.over) == ("Glu", "GABA")
    assert viewer.told == []


def test_the_grid_of_spectra_follows_and_leads_the_cursor(viewer):
    from types import SimpleNamespace

    from fsleyes_plugin.panels.grid_view import MRSGridView

    _, view = viewer.layout()
    fit = viewer.load(viewer_results.mrsi())
    grid = viewer.view(MRSGridView)
    viewer.wait(lambda: grid.cells)
    voxel = voxel_of(fit, 55)
    axes = grid.figure.axes[0]
    grid._clicked(SimpleNamespace(inaxes=axes, xdata=voxel[0] + 0.3, ydata=voxel[1] - 0.3))
    viewer.wait(
        lambda: view.traces and view.traces[-1].lines is not None and view.traces[-1].lines.voxel == voxel,
        voxel,
    )
    viewer.wait(lambda: grid.where.GetLabel() == "voxel {} {} {}".format(*voxel))
    assert len(grid.cells) <= 144
    assert viewer.told == []
