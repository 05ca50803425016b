"""Measured data: open, move the cursor, and what is shown is what the files hold; the pictures of the manual."""

import os
import shutil
import subprocess

import nibabel as nib
import numpy as np
import pytest

from fsl_mrs_dl.cli import main
from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.physics import fid_to_spectrum

pytestmark = [pytest.mark.gui, pytest.mark.realdata, pytest.mark.xdist_group("realdata")]


@pytest.fixture(scope="module")
def invivo(shared_data):
    return shared_data / "invivo"


@pytest.fixture(scope="module")
def results(invivo, tmp_path_factory):
    """Our fits of the measured files, by name."""
    at = tmp_path_factory.mktemp("results")
    moderate = ["--baseline", "spline, moderate"]
    jobs = {
        "press": [
            "press_3t/sub-01_press",
            "press_3t_te30",
            "--h2o",
            str(invivo / "press_3t/sub-01_press_ref.nii.gz"),
        ],
        "steam": ["steam_7t/metab", "steam_7t_te11"],
        "slaser": ["mrsi_3t/data", "slaser_3t_te28"],
        "polynomial": ["mrsi_3t/data", "slaser_3t_te28", "--baseline", "poly, 2"],
    }
    for name, (data, basis, *more) in jobs.items():
        smooth = [] if "--baseline" in more else moderate
        words = [
            "quantify",
            "--data",
            str(invivo / f"{data}.nii.gz"),
            "--basis",
            basis,
            "--output",
            str(at / name),
        ]
        assert main([*words, *smooth, *more]) == 0
    return at


def settled(viewer, view, voxel):
    """Wait until the lines of a voxel are drawn, and return them."""
    viewer.wait(lambda: view.traces and view.traces[-1].lines and view.traces[-1].lines.voxel == voxel, voxel)
    return view.traces[-1].lines


def check_lines(fit, lines, names):
    """The lines are those of the files, turned by one phase and delay for all, which leaves every magnitude."""
    for name in names:
        fid = nifti.read(fit.folder.curve(name)).fid[lines.voxel].astype(complex)
        drawn = getattr(lines, name)
        inside = np.isfinite(drawn)
        assert (np.abs(drawn[inside]) <= np.abs(fid_to_spectrum(fid))[inside] * (1 + 1e-6) + 1e-12).all()
    assert np.allclose((lines.data - lines.fit)[inside], lines.residual[inside])


@pytest.mark.parametrize(
    ("name", "anatomy"), [("press", "press_3t/sub-01_T1w.nii.gz"), ("steam", "steam_7t/T1.nii.gz")]
)
def test_one_spectrum_over_its_anatomy(viewer, invivo, results, name, anatomy):
    from fsleyes_plugin.panels.quality_panel import MRSFitQuality
    from fsleyes_plugin.panels.table_panel import MRSFitTable
    from fsleyes_plugin.session import SESSION

    ortho, view = viewer.layout()
    image = viewer.add(invivo / anatomy, results / name / "fit.nii.gz")[0]
    shown = viewer.displayCtx.getOpts(image)
    shown.displayRange = 0, float(np.percentile(np.asarray(image[:]), 99.5))
    viewer.wait(lambda: SESSION.chosen is not None)
    fit = SESSION.chosen
    viewer.wait(lambda: viewer.displayCtx.displaySpace == "world", "the anatomy is upright")
    viewer.move(fit.centre((0, 0, 0)))
    lines = settled(viewer, view, (0, 0, 0))
    check_lines(fit, lines, ("baseline", "residual"))
    inside = (lines.ppm > 1.8) & (lines.ppm < 2.2)
    assert lines.ppm[inside][lines.data[inside].argmax()] == pytest.approx(2.01, abs=0.05)
    voxel = ortho.displayCtx.getOpts(viewer.overlays[0]).getVoxel()
    assert voxel is not None  # the spectroscopic voxel lies in the anatomy
    view.togglePanel(MRSFitQuality)
    table = viewer.panel(view, MRSFitTable)
    viewer.wait(lambda: table.table is not None)
    text = (fit.folder.path / "summary.csv").read_text().splitlines()
    heads = text[0].split(",")
    row = next(line.split(",") for line in text if line.startswith("NAA,"))
    assert table.table.value("NAA", "crlb") == float(row[heads.index("%CRLB")])
    SESSION.set("metabolite", metabolite="Ins")
    viewer.both_pictures(f"fsleyes-{name}")
    assert viewer.told == []


def test_fsl_mrs_fit_of_an_mrsi(viewer, invivo):
    _, view = viewer.layout()
    fit = viewer.load(invivo / "mrsi_3t")
    residual = nifti.read(invivo / "mrsi_3t" / "residual.nii.gz")
    for voxel in ((23, 23, 0), (18, 27, 0), (29, 20, 0)):
        viewer.move(fit.centre(voxel))
        lines = settled(viewer, view, voxel)
        assert np.allclose(lines.residual, fid_to_spectrum(residual.fid[voxel].astype(complex)).real)
        table = fit.table.at(voxel, "map")
        expected = float(fit.maps.file("map", "metab_map1").values[voxel])
        assert table.value("metab_map1", "value") == pytest.approx(expected)
        assert table.columns == ("value",)
    assert (lines.sd, dict(lines.metabolites)) == (None, {})
    assert viewer.told == []


def test_our_fit_of_an_mrsi(viewer, results):
    from fsleyes_plugin.panels.table_panel import MRSFitTable
    from fsleyes_plugin.session import SESSION

    _, view = viewer.layout()
    fit = viewer.load(results / "slaser")
    table = viewer.panel(view, MRSFitTable)
    table.scaling.SetStringSelection("raw")
    naa = fit.maps.file("raw", "NAA").values
    for voxel in ((18, 27, 0), (29, 20, 0), (23, 23, 0)):
        viewer.move(fit.centre(voxel))
        lines = settled(viewer, view, voxel)
        check_lines(fit, lines, ("baseline", "residual"))
        viewer.wait(lambda: table.table is not None and table.table.value("NAA", "value") == naa[voxel])  # noqa: B023
        total = sum(lines.metabolites.values()) + lines.baseline
        inside = np.isfinite(lines.fit)
        assert np.abs(total - lines.fit)[inside].max() < 1e-5 * np.nanmax(lines.fit)
    SESSION.set("metabolite", metabolite="Glu")
    viewer.both_pictures("fsleyes-mrsi")
    view.stacked = True
    view.later()
    viewer.both_pictures("fsleyes-stack")
    assert viewer.told == []


def test_two_fits_of_an_mrsi(viewer, results):
    from fsleyes_plugin.panels.compare_view import MRSCompareView

    ortho, view = viewer.layout()
    viewer.load(results / "polynomial")
    fit = viewer.load(results / "slaser")
    view.compared = True
    view.bar.compare.SetValue(True)
    viewer.move(fit.centre((23, 23, 0)))
    viewer.wait(lambda: view.traces and view.traces[-1].other is not None)
    viewer.frame.removeViewPanel(ortho)
    compared = viewer.view(MRSCompareView)
    viewer.wait(lambda: compared.comparison)
    # Where a fit is poor a ratio has no posterior mean.
    assert 200 < len(compared.comparison.first) <= 256
    viewer.both_pictures("fsleyes-comparison")
    assert viewer.told == []


def test_ours_and_fsl_mrs_on_one_mrsi(viewer, invivo, results, tmp_path):
    """A fit that FSL-MRS makes here, of the same data, basis set, window and baseline."""
    from fsleyes_plugin.panels.compare_view import MRSCompareView
    from fsleyes_plugin.session import SESSION

    program = shutil.which(os.environ.get("FSL_MRS_DL_FSL_MRSI", "fsl_mrsi"))
    if program is None:
        pytest.skip("fsl_mrsi is not on the path")
    ours = results / "polynomial"
    counted = nib.load(ours / "concs" / "raw" / "Cr+PCr.nii.gz")
    mask = np.zeros(counted.shape, dtype=bool)
    mask[::2, ::2] = (
        np.asarray(counted.dataobj)[::2, ::2] > 0
    )  # a quarter of the voxels, for the time it takes
    nib.save(nib.Nifti1Image(mask.astype(np.uint8), counted.affine), tmp_path / "mask.nii.gz")
    words = ["--data", str(invivo / "mrsi_3t/data.nii.gz"), "--basis", str(ours / "basis"), "--baseline",
             "poly, 2", "--mask", str(tmp_path / "mask.nii.gz"), "--parallel", "off"]  # fmt: skip
    subprocess.run([program, *words, "--output", str(tmp_path / "fsl_mrs")], check=True, capture_output=True)
    ortho, view = viewer.layout()
    viewer.load(tmp_path / "fsl_mrs")
    fit = viewer.load(ours)
    view.bar.compare.SetValue(True)
    view.compared = True
    viewer.move(fit.centre((24, 24, 0)))
    viewer.wait(lambda: view.traces and view.traces[-1].other is not None)
    trace = view.traces[-1]
    assert trace.other_name == "FSL-MRS"
    viewer.frame.removeViewPanel(ortho)
    compared = viewer.view(MRSCompareView)
    SESSION.set("metabolite", metabolite="Glu")
    viewer.wait(lambda: compared.comparison and compared.comparison.choice.label == "Glu internal")
    for n in (0, 50):
        voxel = tuple(int(i) for i in compared.comparison.voxels[n])
        file = nib.load(tmp_path / "fsl_mrs" / "concs" / "internal" / "Glu.nii.gz")
        assert compared.comparison.second[n] == pytest.approx(float(file.dataobj[voxel]))
    viewer.both_pictures("fsleyes-fsl-mrs")
    assert viewer.told == []


def test_a_scan_without_a_fit(viewer, invivo):
    from fsleyes_plugin.session import SESSION

    _, view = viewer.layout()
    viewer.add(invivo / "mega_press_drift_3t" / "metab.nii.gz")
    viewer.wait(lambda: SESSION.scan is not None and view.bar.sliders)
    fid = nifti.read(SESSION.scan.path).fid[0, 0, 0]
    places = tuple(n // 2 for n in fid.shape[1:])
    SESSION.set("places", places=places)
    view.bar.update()
    viewer.wait(lambda: view.traces and view.traces[-1].lines)
    expected = fid_to_spectrum(fid[:, *places].astype(complex)).real
    viewer.wait(lambda: np.ptp(view.traces[-1].lines.data - expected) < 1e-5 * np.ptp(expected))
    peak = fid_to_spectrum(fid[:, *places].astype(complex))[np.abs(view.traces[-1].lines.ppm - 2.0) < 0.15]
    view.bar.phase.SetValue(round(-np.degrees(np.angle(peak[np.abs(peak).argmax()]))))
    view.bar._changed(None)
    viewer.both_pictures("fsleyes-scan")
    assert viewer.told == []


def test_alignment_of_a_drifting_scan(viewer, invivo, tmp_path):
    from fsleyes_plugin.panels.alignment_view import MRSAlignmentView

    scan = invivo / "mega_press_drift_3t" / "metab.nii.gz"
    assert main(["align", "--file", str(scan), "--output", str(tmp_path / "aligned"), "--method", "gn"]) == 0
    view = viewer.view(MRSAlignmentView)
    found = view.open(tmp_path / "aligned" / "metab_align.csv")
    raw = nifti.read(scan)
    assert np.abs(found.before.fid - raw.fid).max() < 1e-5 * np.abs(raw.fid).max()
    viewer.both_pictures("fsleyes-alignment")
    assert viewer.told == []
