"""Ways in: entry points, the menu, files as overlays; and plain sentences where there is no way."""

from importlib.metadata import entry_points

import nibabel as nib
import numpy as np
import pytest
import viewer_results

pytestmark = pytest.mark.gui
GROUPS = {"fsleyes_views": 4, "fsleyes_controls": 9, "fsleyes_tools": 1, "fsleyes_layouts": 1}


@pytest.mark.parametrize("group", GROUPS)
def test_every_entry_point_loads(viewer, group):
    ours = [
        entry
        for entry in entry_points(group=group)
        if entry.value.split(":")[0].startswith("fsleyes_plugin.")
    ]
    assert len(ours) == GROUPS[group]
    names = [entry.value.split(":")[1] for entry in entry_points(group=group)]
    assert len(names) == len(set(names))
    for entry in ours:
        assert entry.load() is not None


def test_the_layout_shows_the_plugin(viewer):
    from fsleyes import plugins

    viewer.layout()
    assert plugins.shouldShowThirdPartyPlugin("fsleyes_plugin.panels.fit_view")
    assert "Load MRS fit..." in plugins.listTools()


def test_a_fit_that_comes_as_an_overlay_opens_its_folder(viewer):
    from fsleyes_plugin.session import SESSION

    _, view = viewer.layout()
    image = viewer.add(viewer_results.mrsi() / "fit" / "fit.nii.gz")[0]
    viewer.wait(lambda: SESSION.chosen is not None and len(viewer.overlays) == 2)
    # The cursor goes to the middle of what was fitted.
    viewer.wait(lambda: view.traces and view.traces[-1].lines is not None)
    assert SESSION.chosen.folder.path == viewer_results.mrsi()
    assert not viewer.displayCtx.getDisplay(image).enabled
    assert viewer.told == []


def test_one_spectrum_is_a_box_over_the_anatomy(viewer):
    _, view = viewer.layout()
    fit = viewer.load(viewer_results.svs_located())
    box = viewer.overlays[0]
    filled = np.argwhere(np.asarray(box[:]) > 0)
    corners = np.array([[*(filled.min(axis=0) - 0.5), 1], [*(filled.max(axis=0) + 0.5), 1]])
    expected = np.array([[-0.5, -0.5, -0.5, 1], [0.5, 0.5, 0.5, 1]])
    assert np.allclose(corners @ box.voxToWorldMat.T, expected @ fit.affine.T)
    viewer.wait(lambda: view.traces and view.traces[-1].lines is not None)


def test_what_cannot_be_opened_is_told_in_a_sentence(viewer, tmp_path):
    viewer.layout()
    assert viewer.load(tmp_path) is None
    (tmp_path / "concs").mkdir()
    assert viewer.load(tmp_path) is None
    nib.save(nib.Nifti1Image(np.zeros((2, 2, 2)), np.eye(4)), tmp_path / "fit.nii.gz")
    assert viewer.load(tmp_path) is None
    said = [text for _, text in viewer.told]
    assert "is empty" in said[0]
    assert "half a result" in said[1]
    assert "not NIfTI-MRS" in said[2]
    assert not any("Error" in text for text in said)


@pytest.mark.filterwarnings("ignore")  # of another plugin
def test_the_mrs_plugin_opens_our_results_too(viewer, monkeypatch):
    """With its own "Load MRSI fit": every quantity of the tree, the curves as lines."""
    import wx
    from fsleyes import plugins
    from fsleyes.views.orthopanel import OrthoPanel
    from fsleyes_plugin_mrs.tools import MRSFitTool, MRSResultsControl
    from fsleyes_plugin_mrs.views import MRSView

    plugins.showThirdPartyPlugin("fsleyes_plugin_mrs")
    ortho = viewer.view(OrthoPanel)
    mrs = viewer.view(MRSView)
    path = viewer_results.mrsi()
    monkeypatch.setattr(wx.DirDialog, "ShowModal", lambda self: wx.ID_OK)
    monkeypatch.setattr(wx.DirDialog, "GetPath", lambda self: str(path))
    tool = MRSFitTool(viewer.overlays, viewer.displayCtx, viewer.frame)
    tool.loadResults()
    viewer.wait(lambda: len(viewer.overlays) >= 3, "three curves")
    assert viewer.told == []
    names = {image.name for image in viewer.overlays}
    assert {"fit", "baseline", "residual"} <= names
    assert {
        "raw-concentrations",
        "conc-internal",
        "posterior-mean",
        "posterior-sd-internal",
        "sd",
        "SNR",
        "FWHM",
    } <= set(tool.display_options)
    assert viewer.wait(lambda: ortho.getPanel(MRSResultsControl), "its panel")
    curve = next(image for image in viewer.overlays if image.name == "fit")
    viewer.wait(lambda: mrs.getDataSeries(curve) is not None, "its line")
