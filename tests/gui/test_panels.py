"""Quality, comparison, alignment, provenance and the form of a step."""

import sys

import nibabel as nib
import numpy as np
import pytest
import viewer_results

pytestmark = pytest.mark.gui
STEP_SECONDS = 120.0
"""For a process that fits a spectrum, 4 s on a quiet machine."""


def test_quality_masks_and_saves(viewer, tmp_path):
    from fsleyes_plugin.panels.quality_panel import MRSFitQuality
    from fsleyes_plugin.session import SESSION

    _, view = viewer.layout()
    fit = viewer.load(viewer_results.mrsi())
    panel = viewer.panel(view, MRSFitQuality)
    crlb = fit.maps.file("crlb", "NAA").values
    limit = float(np.median(crlb[fit.maps.fitted()]))
    panel.sliders["crlb"].SetValue(round(2 * limit))  # 200 steps to 100 %
    panel._moved(None)
    expected = fit.maps.fitted() & (crlb <= round(2 * limit) / 2)
    assert np.array_equal(SESSION.mask, expected)
    viewer.wait(lambda: panel.count.GetLabel().startswith(f"{expected.sum()} of "))
    shown = viewer.wait(lambda: [image for image in viewer.overlays if image.shape == fit.curves.grid])[-1]
    assert np.array_equal(np.isfinite(np.asarray(shown[:])), expected)
    panel.save(tmp_path / "mask.nii.gz")
    assert np.array_equal(np.asarray(nib.load(tmp_path / "mask.nii.gz").dataobj) != 0, expected)
    panel.outline.SetValue(True)
    panel._outline()
    outlined = viewer.overlays[-1]
    assert viewer.displayCtx.getOpts(outlined).outline
    assert viewer.told == []


def test_comparison_draws_both_fits_and_their_difference(viewer):
    from fsleyes_plugin.panels.compare_view import MRSCompareView

    viewer.layout()
    first = viewer.load(viewer_results.mrsi_stiff())
    second = viewer.load(viewer_results.mrsi())
    view = viewer.view(MRSCompareView)
    found = viewer.wait(lambda: view.comparison)
    scatter, agreement = view.figure.axes
    assert (scatter.get_xlabel(), scatter.get_ylabel()) == (second.name, first.name)
    points = scatter.collections[0].get_offsets()
    one, two = (fit.maps.values(found.choice)[second.maps.fitted()] for fit in (second, first))
    assert np.allclose(points, np.stack([one, two], axis=1))
    assert np.allclose(agreement.collections[0].get_offsets()[:, 1], two - one, atol=1e-6 * np.abs(one).max())
    view.show_difference()
    image = viewer.wait(lambda: [o for o in viewer.overlays if o.name.startswith("difference")])[0]
    assert np.allclose(np.asarray(image[:])[second.maps.fitted()], two - one, atol=1e-6 * np.abs(one).max())


def test_comparison_needs_two_fits(viewer):
    from fsleyes_plugin.panels.compare_view import MRSCompareView

    viewer.load(viewer_results.svs())
    view = viewer.view(MRSCompareView)
    viewer.wait(lambda: view.figure.texts and "Two fits" in view.figure.texts[0].get_text())


def test_alignment_is_drawn_and_its_faults_are_told(viewer, tmp_path):
    from fsleyes_plugin.panels.alignment_view import MRSAlignmentView

    view = viewer.view(MRSAlignmentView)
    assert view.open(tmp_path / "scan.csv") is None
    assert view.open(tmp_path / "scan_align.csv") is None
    assert ["no table of align" in viewer.told[0][1], "There is no scan.nii.gz" in viewer.told[1][1]] == [
        True,
        True,
    ]
    found = view.open(viewer_results.aligned())
    drift = [
        line.get_ydata()
        for axes in view.figure.axes
        for line in axes.get_lines()
        if len(line.get_ydata()) == 12
    ]
    assert any(np.allclose(values, found.estimates.shift_hz[0, 0, 0]) for values in drift)


def test_alignment_tells_its_file_and_what_was_left_out(viewer):
    from fsleyes_plugin.panels.alignment_view import MRSAlignmentView

    view = viewer.view(MRSAlignmentView)
    table = viewer_results.rejected()
    view.open(table)
    said = view.name_of_file.GetLabel()
    assert said.startswith("rejected/restless_align.csv; ")
    assert "left out: 3, 7" in said
    assert view.name_of_file.GetToolTipText() == str(table)
    shaded = [patch for axes in view.figure.axes for patch in axes.patches]
    assert sorted({patch.get_x() + patch.get_width() / 2 for patch in shaded}) == [3, 7]


def test_provenance_of_the_selected_overlay(viewer):
    from fsleyes_plugin.panels.provenance_panel import MRSFitProvenance

    _, view = viewer.layout()
    fit = viewer.load(viewer_results.mrsi())
    panel = viewer.panel(view, MRSFitProvenance)
    viewer.wait(lambda: panel.shown is not None)
    assert fit.folder.record["basis"]["sha256"] in panel.text.GetValue()
    assert panel.mark.IsShown()


def test_a_step_runs_from_its_form_and_its_results_open(viewer, tmp_path):
    from fsleyes_plugin.panels.run_panel import MRSRunStep
    from fsleyes_plugin.session import SESSION

    ortho, _ = viewer.layout()
    panel = viewer.panel(ortho, MRSRunStep)
    panel.interpreter.SetValue(sys.executable)
    assert not panel.go.IsEnabled()
    scan = viewer_results.svs().parent / "one.nii.gz"
    output = tmp_path / "fit of one"
    panel.form.fill({"--data": str(scan), "--basis": viewer_results.BASIS, "--output": str(output)})
    words = f"-m fsl_mrs_dl quantify --data {scan} --output '{output}' --basis {viewer_results.BASIS}"
    assert panel.command.GetValue() == f"{sys.executable} {words}"
    panel.start()
    viewer.wait(lambda: panel.status is not None, "the step", STEP_SECONDS)
    assert panel.status == 0, panel.log.GetValue()
    assert SESSION.chosen.folder.path == output
    panel.start()
    viewer.wait(lambda: panel.status is not None, "the step, again", STEP_SECONDS)
    assert panel.status == 2
    assert "--overwrite" in panel.log.GetValue()


def test_a_step_is_cancelled_and_a_wrong_python_told(viewer, tmp_path):
    from fsleyes_plugin.panels.run_panel import MRSRunStep

    ortho, _ = viewer.layout()
    panel = viewer.panel(ortho, MRSRunStep)
    panel.form.fill(
        {"--data": str(viewer_results.mrsi().parent / "head.nii.gz"), "--basis": viewer_results.BASIS,
         "--output": str(tmp_path / "cut"), "--baseline": "spline, very-flexible"}
    )  # fmt: skip
    panel.interpreter.SetValue(str(tmp_path / "python"))
    panel.start()
    assert "cannot be run" in viewer.told[0][1]
    panel.interpreter.SetValue(sys.executable)
    panel.start()
    panel.cancel()
    viewer.wait(lambda: panel.status is not None, "the end", STEP_SECONDS)
    assert panel.status != 0
    assert "Cancelled" in panel.log.GetValue()
    assert not (tmp_path / "cut" / "run.json").exists()


def test_damaged_maps_are_told_once_and_the_panels_stay(viewer, tmp_path):
    """Maps whose bytes are wrong: one message, no traceback, and an undamaged map can still be chosen."""
    import shutil

    from fsleyes_plugin.model.maps import MapChoice
    from fsleyes_plugin.panels.map_panel import MRSFitMaps
    from fsleyes_plugin.panels.quality_panel import MRSFitQuality

    _, view = viewer.layout()
    folder = shutil.copytree(viewer_results.mrsi(), tmp_path / "fit")
    for name in ("concs/internal/Glu.nii.gz", "qc/verdict.nii.gz"):
        content = bytearray((folder / name).read_bytes())
        content[10:40] = b"\xff" * 30
        (folder / name).write_bytes(content)
    viewer.load(folder)
    quality = viewer.panel(view, MRSFitQuality)
    quality.outline.SetValue(True)
    quality._outline()
    assert [(title, "verdict.nii.gz is damaged" in said) for title, said in viewer.told] == [
        ("Quality", True)
    ]
    panel = viewer.panel(view, MRSFitMaps)
    panel.choose(MapChoice("internal", "Glu"))
    assert len(viewer.told) == 2
    assert "Glu.nii.gz is damaged" in viewer.told[-1][1]
    panel.choose(MapChoice("internal", "Ins"))
    assert panel.shown == MapChoice("internal", "Ins")
    assert len(viewer.told) == 2


def test_the_form_is_filled_from_what_is_shown_and_an_alignment_opens(viewer, tmp_path):
    """The basis sets and packages are listed; the command that is shown is the one that runs."""
    import shlex

    from fsleyes_plugin.panels.alignment_view import MRSAlignmentView
    from fsleyes_plugin.panels.run_panel import MRSRunStep
    from fsleyes_plugin.session import SESSION

    ortho, _ = viewer.layout()
    scan = viewer_results.aligned().parents[1] / "scan.nii.gz"
    viewer.add(scan)
    viewer.wait(lambda: SESSION.scan is not None)
    panel = viewer.panel(ortho, MRSRunStep)
    assert panel.form.widgets["--data"].GetValue() == str(scan)
    assert viewer_results.BASIS in panel.form.widgets["--basis"].GetItems()
    assert "quantify-start-1h" in panel.form.widgets["--model"].GetItems()
    panel.interpreter.SetValue(sys.executable)
    panel.show("align")
    assert panel.form.widgets["--file"].GetValue() == str(scan)
    panel.form.fill({"--output": str(tmp_path / "aligned"), "--method": "gn"})
    panel.start()
    viewer.wait(lambda: panel.status is not None, "the step", STEP_SECONDS)
    assert panel.status == 0, panel.log.GetValue()
    assert shlex.split(panel.command.GetValue())[:4] == [sys.executable, "-m", "fsl_mrs_dl", "align"]
    view = viewer.wait(lambda: viewer.frame.getView(MRSAlignmentView))[-1]
    viewer.wait(lambda: view.alignment is not None)
    assert view.alignment.estimates.shift_hz.size == 12
    assert viewer.told == []
