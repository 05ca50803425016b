"""The display, the drag, held lines, higher dimensions and maps of a range, in the window."""

from types import SimpleNamespace

import numpy as np
import pytest
import viewer_results

from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.physics import fid_to_spectrum

pytestmark = pytest.mark.gui


def drawn(view, label):
    """Return the drawn line of a label at the cursor, or None."""
    return next((line for line in view.figure.axes[-1].get_lines() if line.get_label() == label), None)


def test_parts_axes_styles_and_held_lines(viewer, tmp_path):
    from fsleyes_plugin.panels.look_panel import MRSFitDisplay
    from fsleyes_plugin.session import SESSION

    _, view = viewer.layout()
    fit = viewer.load(viewer_results.mrsi())
    first, second = (tuple(int(i) for i in place) for place in np.argwhere(fit.maps.fitted())[[20, 60]])
    viewer.move(fit.centre(first))
    viewer.wait(
        lambda: view.traces and view.traces[-1].lines is not None and view.traces[-1].lines.voxel == first
    )
    real = view.traces[-1].lines
    panel = viewer.panel(view, MRSFitDisplay)
    viewer.wait(lambda: f"{fit.one.spectrometer_frequency_mhz:.6g} MHz" in panel.acquisition.GetLabel())
    panel.part.SetStringSelection("imaginary")
    panel._changed(None)
    viewer.wait(lambda: "imaginary" in view.figure.axes[0].get_ylabel())
    imaginary = view.traces[-1].lines
    panel.part.SetStringSelection("magnitude")
    panel._changed(None)
    viewer.wait(lambda: "magnitude" in view.figure.axes[0].get_ylabel())
    assert np.allclose(drawn(view, "data").get_ydata(), np.hypot(real.data, imaginary.data))
    panel.part.SetStringSelection("real")
    panel.axis.SetStringSelection("Hz")
    panel._changed(None)
    viewer.wait(lambda: "Hz" in view.figure.axes[0].get_xlabel())
    assert np.allclose(drawn(view, "data").get_xdata(), fit.one.frequency_axis_hz, atol=1e-6)
    panel.axis.SetStringSelection("ppm")
    panel._changed(None)
    view.hold()
    viewer.move(fit.centre(second))
    viewer.wait(
        lambda: view.traces and view.traces[-1].lines is not None and view.traces[-1].lines.voxel == second
    )
    kept = viewer.wait(lambda: drawn(view, SESSION.held[0].name))
    assert np.array_equal(kept.get_ydata(), real.data)
    panel.write(tmp_path / "lines.csv")
    panel.release()
    panel.read(tmp_path / "lines.csv")
    imported = viewer.wait(lambda: drawn(view, "lines"))
    assert np.array_equal(imported.get_ydata(), view.traces[-1].lines.data)
    panel.kind.SetStringSelection("fit")
    panel.show_look()
    panel.width.SetValue(3.0)
    panel.dash.SetStringSelection("dashed")
    panel._restyled(None)
    viewer.wait(lambda: drawn(view, view.traces[-1].name).get_linestyle() == "--")
    assert drawn(view, view.traces[-1].name).get_linewidth() == 3.0
    view.pin()
    panel.together.SetValue(True)
    panel._changed(None)
    viewer.move(fit.centre(first))
    viewer.wait(lambda: len(view.traces) == 2 and view.traces[-1].lines.voxel == first)
    viewer.wait(lambda: len(view.figure.axes) == 1 and drawn(view, view.traces[0].title) is not None)
    panel.read(tmp_path / "none.csv")
    assert "cannot be read" in viewer.told[-1][1]


def test_spectra_are_phased_by_dragging(viewer):
    from fsleyes_plugin.session import SESSION

    _, view = viewer.layout()
    viewer.load(viewer_results.svs())
    viewer.wait(lambda: view.traces and view.traces[-1].lines is not None)
    axes = view.figure.axes[0]
    start, end = (SimpleNamespace(button=1, inaxes=axes, x=x, y=y) for x, y in ((100, 100), (130, 160)))
    view.drag.press(start)
    view.drag.move(end)
    assert SESSION.display.phase_deg == 0  # not while it is off
    view.drag.active = True
    view.drag.press(start)
    view.drag.move(end)
    view.drag.release(end)
    assert (SESSION.display.phase_deg, SESSION.display.delay_us) == (30.0, 60.0)
    assert view.bar.phase.GetValue() == pytest.approx(30)
    view.drag.move(start)
    assert SESSION.display.phase_deg == 30.0


def test_means_and_differences_over_a_dimension(viewer):
    from fsleyes_plugin.model.scan import DIFFERENCE, MEAN
    from fsleyes_plugin.session import SESSION

    _, view = viewer.layout()
    viewer.add(viewer_results.edited())
    viewer.wait(lambda: SESSION.scan is not None and view.bar.modes)
    tags = [dimension.tag for dimension in SESSION.scan.dimensions]
    view.bar.modes[tags.index("DIM_DYN")].SetSelection(1)
    view.bar.modes[tags.index("DIM_EDIT")].SetSelection(2)
    view.bar._slid(None)
    assert set(SESSION.places) == {MEAN, DIFFERENCE}
    viewer.wait(lambda: view.traces and view.traces[-1].lines is not None and "mean" in view.traces[-1].title)
    fid = nifti.read(viewer_results.edited()).fid[0, 0, 0].astype(complex)
    mean = fid.mean(axis=1 + tags.index("DIM_DYN"))
    expected = fid_to_spectrum(mean[:, 0] - mean[:, 1]).real
    lines = view.traces[-1].lines
    assert np.ptp(lines.data - expected) < 1e-5 * np.ptp(expected)
    view.bar.modes[tags.index("DIM_DYN")].SetSelection(0)
    view.bar._slid(None)
    assert SESSION.places[tags.index("DIM_DYN")] == 0
    assert viewer.told == []


def test_a_range_is_mapped_without_a_fit(viewer, monkeypatch):
    from fsleyes_plugin.panels import range_panel
    from fsleyes_plugin.session import SESSION

    monkeypatch.setattr(range_panel, "_with_bar", iter)
    _, view = viewer.layout()
    head = viewer_results.mrsi().parent / "head.nii.gz"
    viewer.add(head)
    viewer.wait(lambda: SESSION.scan is not None and not SESSION.scan.single)
    panel = viewer.panel(view, range_panel.MRSRangeMap)
    viewer.wait(lambda: view.figure.axes)
    view.figure.axes[-1].set_xlim(3.2, 2.9)
    panel.take_range()
    panel.show_map()
    data = nifti.read(head)
    spectra = np.abs(fid_to_spectrum(data.fid.astype(complex)))
    inside = (data.ppm_axis >= 2.9) & (data.ppm_axis <= 3.2)
    expected = spectra[..., inside].sum(axis=-1) * (data.ppm_axis[1] - data.ppm_axis[0])
    image = next(image for image in viewer.overlays if "2.9 to 3.2 ppm" in image.name)
    shown = np.asarray(image[:])
    known = np.isfinite(shown)
    assert known.any()
    np.testing.assert_allclose(shown[known], expected[known], rtol=1e-4)
    assert viewer.told == []
