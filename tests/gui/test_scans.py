"""Files without a fit: the line at the cursor and at the sliders is the FID of the file."""

import numpy as np
import pytest
import viewer_results

from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.physics import fid_to_spectrum

pytestmark = pytest.mark.gui


def slide(view, tag, place):
    """Move a slider as a user does."""
    import wx

    from fsleyes_plugin.session import SESSION

    slider = view.bar.sliders[[dimension.tag for dimension in SESSION.scan.dimensions].index(tag)]
    slider.SetValue(place)
    event = wx.CommandEvent(wx.EVT_SLIDER.typeId, slider.GetId())
    slider.GetEventHandler().ProcessEvent(event)


def expected(path, voxel, places):
    """The real spectrum of one FID without what half of its first point puts under it."""
    fid = nifti.read(path).fid[voxel][:, *places].astype(complex)
    return fid_to_spectrum(fid).real - fid[0].real / 2 / np.sqrt(fid.size)


def wait_for(viewer, view, line):
    """Wait until the data that are drawn are these."""

    def drawn():
        lines = {line.get_label(): line.get_ydata() for line in view.figure.axes[-1].get_lines()}
        return "data" in lines and np.allclose(lines["data"], line, atol=1e-6 * np.abs(line).max())

    viewer.wait(drawn, "the line")


def test_two_higher_dimensions_have_a_slider_each(viewer):
    from fsleyes_plugin.session import SESSION

    _, view = viewer.layout()
    path = viewer_results.edited()
    image = viewer.add(path)[0]
    viewer.wait(lambda: SESSION.scan is not None and view.bar.sliders)
    assert not viewer.displayCtx.getDisplay(image).enabled
    wait_for(viewer, view, expected(path, (0, 0, 0), (0, 0)))
    assert [label.GetLabel() for label in view.bar._labels] == ["DIM_DYN 0", "DIM_EDIT 0: ON"]
    slide(view, "DIM_DYN", 5)
    wait_for(viewer, view, expected(path, (0, 0, 0), (5, 0)))
    view.pin()
    slide(view, "DIM_EDIT", 1)
    wait_for(viewer, view, expected(path, (0, 0, 0), (5, 1)))
    assert [trace.title.split(", ", 1)[1] for trace in view.traces] == [
        "DIM_DYN 5, DIM_EDIT 0: ON",
        "DIM_DYN 5, DIM_EDIT 1: OFF",
    ]
    assert viewer.told == []


def test_many_voxels_follow_the_cursor_and_a_fit_puts_the_scan_aside(viewer):
    from fsleyes_plugin.session import SESSION

    _, view = viewer.layout()
    fit = viewer.load(viewer_results.mrsi())
    path = viewer_results.mrsi().parent / "head.nii.gz"
    viewer.add(path)
    viewer.wait(lambda: SESSION.scan is not None)
    for n in (5, 40):
        voxel = tuple(int(i) for i in np.argwhere(fit.maps.fitted())[n])
        viewer.move(fit.centre(voxel))
        wait_for(viewer, view, expected(path, voxel, ()))
    assert view.bar.sliders == []
    view.bar.fit.SetSelection(0)
    view.bar._fit_chosen(None)
    viewer.wait(lambda: view.traces[-1].lines and view.traces[-1].lines.fit is not None)
    assert viewer.told == []


def test_the_metabolites_of_a_fit_have_a_slider(viewer):
    from fsleyes_plugin.session import SESSION

    _, view = viewer.layout()
    path = viewer_results.svs() / "metabolites.nii.gz"
    viewer.add(path)
    viewer.wait(lambda: SESSION.scan is not None and view.bar.sliders)
    place = SESSION.scan.dimensions[0].names.index("NAA")
    slide(view, "DIM_USER_0", place)
    wait_for(viewer, view, expected(path, (0, 0, 0), (place,)))
    assert view.bar._labels[0].GetLabel() == f"DIM_USER_0 {place}: NAA"
