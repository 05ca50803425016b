"""What the viewer shows is what the files hold: lines, band, comparison, alignment, provenance."""

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import viewer_results
from viewer_results import a_voxel

from fsl_mrs_dl import __version__
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.io.results import read_estimates
from fsl_mrs_dl.physics import fid_to_spectrum
from fsleyes_plugin.model.alignment import open_alignment
from fsleyes_plugin.model.comparison import common, compare, difference_map, in_units_of
from fsleyes_plugin.model.curves import Display
from fsleyes_plugin.model.folder import open_folder
from fsleyes_plugin.model.maps import MapChoice
from fsleyes_plugin.model.names import distinct_names
from fsleyes_plugin.model.provenance import provenance_of
from fsleyes_plugin.session import Fit, Session

AS_IS = Display(fit_phase=False)


@pytest.fixture(scope="module")
def many() -> Fit:
    return Session().open(viewer_results.mrsi())


@pytest.fixture(scope="module")
def single() -> Fit:
    return Session().open(viewer_results.svs())


def on_disk(fit: Fit, name: str, voxel: tuple[int, int, int]) -> np.ndarray:
    """The real spectrum of a file, read by the reader of the package."""
    path = fit.folder.path / name
    return fid_to_spectrum(nifti.read(path).fid[voxel].astype(complex)).real


def shown(lines) -> np.ndarray:
    """Where the fit is told, well inside of its window."""
    return (lines.ppm > 0.4) & (lines.ppm < 4.0)


@pytest.mark.parametrize("kind", ["single", "many"])
def test_lines_are_those_of_the_files(kind, request):
    fit = request.getfixturevalue(kind)
    voxel = (0, 0, 0) if kind == "single" else a_voxel(fit)
    folder = "" if kind == "single" else "fit/"
    lines = fit.curves.lines(voxel, AS_IS)
    inside = shown(lines)
    for name in ("baseline", "residual"):
        expected = on_disk(fit, f"{folder}{name}.nii.gz", voxel)
        assert np.allclose(
            getattr(lines, name)[inside], expected[inside], atol=1e-6 * np.abs(lines.fit[inside]).max()
        )
    expected = on_disk(fit, f"{folder}fit.nii.gz", voxel)
    ground = (expected - lines.fit)[inside]  # half of the first point, the same at every frequency
    assert np.ptp(ground) < 1e-6 * np.abs(lines.fit[inside]).max()
    assert np.allclose((lines.data - lines.fit)[inside], lines.residual[inside])


def test_data_about_another_centre_are_fitted_and_drawn_as_about_the_usual_one(many):
    voxel = a_voxel(many)
    head = nifti.read(many.folder.path.parent / "head.nii.gz")
    # By a whole number of bins, so that the window holds the same points.
    turns = round(1.65 * head.spectrometer_frequency_mhz * head.dwelltime_s * head.n_points)
    centre = 4.65 - turns / (head.spectrometer_frequency_mhz * head.dwelltime_s * head.n_points)
    turn = np.exp(2j * np.pi * turns * np.arange(head.n_points) / head.n_points)
    moved = replace(head.with_fid(head.fid * turn), header={**head.header, "SpecFreqChemShift": centre})
    nifti.write(moved, many.folder.path.parent / "moved.nii.gz")
    one = np.zeros(head.fid.shape[:3], np.uint8)
    one[voxel] = 1
    nib.save(nib.Nifti1Image(one, head.affine), many.folder.path.parent / "one_voxel.nii.gz")
    basis = viewer_results.BASIS
    viewer_results.run(f"quantify --data moved.nii.gz --basis {basis} --output moved --mask one_voxel.nii.gz")
    fit = Session().open(many.folder.path.parent / "moved")
    for name in ("NAA", "Glu", "MM"):
        usual, found = (
            nib.load(one.folder.path / "concs" / "raw" / f"{name}.nii.gz").get_fdata()[voxel]
            for one in (many, fit)
        )
        assert found == pytest.approx(usual, rel=1e-3)
    lines = fit.curves.lines(voxel, AS_IS)
    inside = shown(lines)
    expected = on_disk(fit, "fit/baseline.nii.gz", voxel)
    assert np.allclose(lines.baseline[inside], expected[inside], atol=1e-6 * np.abs(lines.fit[inside]).max())
    naa = lines.metabolites["NAA"]
    assert 1.95 < lines.ppm[inside][naa[inside].argmax()] < 2.07
    usual = many.curves.lines(voxel)
    band, expected = fit.curves.lines(voxel).sd[inside], usual.sd[shown(usual)]
    assert np.allclose(band, expected, rtol=1e-2)


@pytest.mark.parametrize("kind", ["single", "many"])
def test_metabolites_add_up_to_the_fit(kind, request):
    fit = request.getfixturevalue(kind)
    lines = fit.curves.lines((0, 0, 0) if kind == "single" else a_voxel(fit))
    inside = shown(lines)
    total = sum(lines.metabolites.values()) + lines.baseline
    # Single precision of the files.
    assert np.abs(total - lines.fit)[inside].max() < 2e-6 * np.abs(lines.fit[inside]).max()
    naa = lines.metabolites["NAA"]
    assert 1.95 < lines.ppm[inside][naa[inside].argmax()] < 2.07


@pytest.mark.parametrize("kind", ["single", "many"])
def test_band_is_of_the_size_of_the_noise(kind, request):
    fit = request.getfixturevalue(kind)
    lines = fit.curves.lines((0, 0, 0) if kind == "single" else a_voxel(fit))
    inside = shown(lines)
    sd, noise = lines.sd[inside], lines.residual[inside].std()
    # As a mean square, the band of P free values over n channels is P / 2 n of the noise: 25 to 35 of 2 n.
    share = (sd**2).mean() / noise**2
    assert 10 < share * 2 * inside.sum() < 60
    assert fit.curves.lines(lines.voxel, Display(band=False)).sd is None


def test_turning_turns_every_line_alike(many):
    voxel = a_voxel(many)
    plain, turned = (
        many.curves.lines(voxel, AS_IS),
        many.curves.lines(voxel, Display(fit_phase=False, phase_deg=180)),
    )
    inside = shown(plain)
    for name in ("data", "fit", "baseline", "residual"):
        assert np.allclose(getattr(turned, name)[inside], -getattr(plain, name)[inside])
    assert np.allclose(turned.sd, plain.sd)
    broad = many.curves.lines(voxel, Display(broaden_hz=10))
    assert broad.fit[inside].max() < many.curves.lines(voxel).fit[inside].max()
    assert broad.sd is None


def test_a_second_fit_is_turned_as_the_first_and_lies_over_its_data(many):
    second = Session().open(viewer_results.mrsi_stiff())
    voxel = a_voxel(many)
    one = many.curves.lines(voxel)
    two = second.curves.lines(voxel, turn=many.curves.frame(voxel))
    inside = shown(one)
    assert abs(one.ground - two.ground) > 1e-4 * np.ptp(one.data[inside])  # or else nothing is tested
    again = two.fit + two.residual + two.ground - one.ground
    assert np.allclose(again[inside], one.data[inside], atol=2e-6 * np.ptp(one.data[inside]))


def test_no_lines_where_nothing_was_fitted(many):
    outside = tuple(int(i) for i in np.argwhere(~many.maps.fitted())[0])
    assert many.curves.lines(outside) is None
    assert many.curves.lines((99, 0, 0)) is None
    assert many.voxel_at([1e4, 0, 0]) is None
    assert many.voxel_at(many.centre((3, 4, 0))) == (3, 4, 0)


def test_comparison_of_two_fits(many):
    other = Session().open(viewer_results.mrsi_stiff())
    choice = MapChoice("raw", "NAA")
    assert choice in common(many.maps, other.maps)
    found = compare(many.maps, other.maps, choice)
    one, two = (fit.maps.values(choice)[many.maps.fitted()] for fit in (many, other))
    assert found.bias == pytest.approx(float(np.mean(two.astype(float) - one)))
    assert found.correlation == pytest.approx(np.corrcoef(one, two)[0, 1])
    spread = np.std(two.astype(float) - one, ddof=1)
    assert found.limits == pytest.approx((found.bias - 1.96 * spread, found.bias + 1.96 * spread))
    place = tuple(found.voxels[0])
    assert difference_map(found, many.curves.grid)[place] == pytest.approx(found.difference[0], rel=1e-6)
    with pytest.raises(DataError, match="No voxel"):
        compare(many.maps, other.maps, choice, np.zeros(many.curves.grid, dtype=bool))


def test_fits_are_named_by_what_made_them():
    session = Session()
    first, second = session.open(viewer_results.mrsi()), session.open(viewer_results.mrsi_stiff())
    assert first.name == f"mrsi (fsl_mrs_dl {__version__})"
    assert second.name == f"mrsi_stiff (fsl_mrs_dl {__version__})"
    assert session.open(viewer_results.mrsi()) is first
    assert session.other is second


def test_the_second_fit_is_one_of_the_same_voxels():
    session = Session()
    stiff = session.open(viewer_results.mrsi_stiff())
    one = session.open(viewer_results.svs())
    assert session.other is stiff
    many = session.open(viewer_results.mrsi())
    assert session.other is stiff  # and not the spectrum that was shown before
    session.choose(one)
    assert session.other is many


def test_a_listener_hears_until_it_is_forgotten():
    session, heard = Session(), []
    session.listen("panel", heard.append)
    session.set("metabolite", metabolite="NAA")
    session.forget("panel")
    session.set("metabolite", metabolite="Cr")
    assert heard == ["metabolite"]
    assert session.metabolite == "Cr"


def test_alignment_is_undone_by_its_table():
    table = viewer_results.aligned()
    raw = nifti.read(table.parents[1] / "scan.nii.gz")
    found = open_alignment(table)
    # Single precision, twice.
    assert np.abs(found.before.fid - raw.fid).max() < 1e-5 * np.abs(raw.fid).max()
    again = open_alignment(table, table.parents[1] / "scan.nii.gz")
    assert np.abs(again.data.fid - found.data.fid).max() < 1e-5 * np.abs(raw.fid).max()
    estimates = read_estimates(table, ("DIM_DYN",), (1, 1, 1, 12))
    assert np.array_equal(found.estimates.shift_hz, estimates.shift_hz)


def test_rejected_transients_are_told_and_leave_gaps():
    table = viewer_results.rejected()
    raw = nifti.read(table.parents[1] / "restless.nii.gz").fid
    result = nifti.read(table.parent / "restless.nii.gz").fid
    kept = [n for n in range(12) if n not in (3, 7)]
    beside, again = open_alignment(table), open_alignment(table, table.parents[1] / "restless.nii.gz")
    for found in (beside, again):
        assert found.rejected == (3, 7)
        assert "left out: 3, 7; flagged: 3, 7" in found.remark()
        assert np.allclose(found.data.fid, result, atol=1e-5 * np.abs(raw).max())
        assert np.allclose(found.before.fid[..., kept], raw[..., kept], atol=1e-5 * np.abs(raw).max())
    assert not beside.before.fid[..., [3, 7]].any()
    assert np.array_equal(again.before.fid, raw)
    assert open_alignment(viewer_results.aligned()).remark() == ""


def test_provenance_tells_steps_and_marks_synthetic_data(single):
    text = provenance_of(single.curves.fit_path, single.folder).text()
    assert "SYNTHETIC DATA, not measured" in text
    assert "Quantification, fsl_mrs_dl" in text
    assert single.folder.record["basis"]["sha256"] in text


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda at: None, "is empty"),
        (lambda at: (at / "concs").mkdir(), "half a result"),
        (lambda at: (at / "notes.txt").write_text("x"), "holds no fit"),
    ],
    ids=["empty", "half", "other"],
)
def test_a_folder_without_a_fit_is_refused_in_words(make, said, tmp_path):
    make(tmp_path)
    with pytest.raises(DataError, match=said):
        open_folder(tmp_path)
    with pytest.raises(DataError, match="There is no"):
        open_folder(tmp_path / "nowhere")


def test_damaged_results_are_refused_in_words(tmp_path):
    copy = tmp_path / "mrsi"
    shutil.copytree(viewer_results.mrsi(), copy)
    shutil.copy(viewer_results.svs() / "residual.nii.gz", copy / "fit" / "residual.nii.gz")
    with pytest.raises(DataError, match=r"residual has the grid \(1, 1, 1\)"):
        Session().open(copy)
    (copy / "fit" / "residual.nii.gz").unlink()
    shutil.copy(copy / "concs/raw/NAA.nii.gz", copy / "fit" / "fit.nii.gz")
    with pytest.raises(DataError, match="not NIfTI-MRS"):
        Session().open(copy)


def test_the_viewer_imports_neither_torch_nor_windows():
    script = (
        "import sys, fsleyes_plugin.session, fsleyes_plugin.running, fsleyes_plugin.plots.fit_figure;"
        "print(*[n for n in ('torch', 'lightning', 'wx', 'fsleyes') if n in sys.modules], 'end')"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["end"]


def test_painting_lines_anew_paints_what_a_whole_drawing_paints(many):
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from fsleyes_plugin.plots.fit_figure import Style, Trace, draw_fits
    from fsleyes_plugin.plots.painting import Painter

    pictures = []
    first, second = (tuple(int(i) for i in place) for place in np.argwhere(many.maps.fitted())[[3, 50]])
    for voxels in ((first, second), (second,)):
        canvas = FigureCanvasAgg(Figure(figsize=(6, 4)))
        canvas.blit = lambda: None  # there is no window
        painter = Painter(canvas)
        for voxel in voxels:
            draw_fits(canvas.figure, [Trace("voxel", many.curves.lines(voxel))], Style("NAA"))
            painter.paint()
        pictures.append(np.asarray(canvas.buffer_rgba()).copy())
    assert np.array_equal(*pictures)
    assert len(np.unique(pictures[0].reshape(-1, 4), axis=0)) > 20


def test_a_folder_as_fsl_mrsi_writes_it_is_drawn_without_what_it_lacks(many, tmp_path):
    copy = tmp_path / "mrsi"
    shutil.copytree(
        viewer_results.mrsi(), copy, ignore=shutil.ignore_patterns("parameters.*", "basis", "run.json")
    )
    fit = Session().open(copy)
    voxel = a_voxel(many)
    ours, theirs = many.curves.lines(voxel), fit.curves.lines(voxel)
    assert (theirs.sd, dict(theirs.metabolites)) == (None, {})
    # The maps of phase and delay undo what the parameters undo, so that lines stand as upright.
    inside = shown(ours)
    for name in ("data", "baseline", "residual"):
        assert np.allclose(
            getattr(theirs, name)[inside], getattr(ours, name)[inside], atol=1e-5 * ours.data[inside].max()
        )
    assert fit.name == "mrsi"


def test_a_folder_as_fsl_mrs_writes_it_has_its_phase_from_the_table(single, tmp_path):
    copy = tmp_path / "svs"
    shutil.copytree(
        viewer_results.svs(), copy, ignore=shutil.ignore_patterns("metabolites.*", "run.json", "residual.*")
    )
    shutil.copy(viewer_results.svs().parent / "one.nii.gz", copy / "data.nii.gz")
    (copy / "options.txt").write_text('{"data": "data.nii.gz"}\n--------\nmore')
    fit = Session().open(copy)
    ours, theirs = single.curves.lines((0, 0, 0)), fit.curves.lines((0, 0, 0))
    inside = shown(ours)
    assert np.allclose(theirs.residual[inside], ours.residual[inside], atol=1e-5 * ours.data[inside].max())
    assert (fit.name, theirs.sd) == ("svs (FSL-MRS)", None)


def test_names_have_as_much_of_the_path_as_tells_them_apart():
    paths = [Path(p) for p in ("/a/sub-01/fit", "/a/sub-02/fit", "/b/x/one", "/b/y/one", "/b/lone")]
    assert distinct_names(paths) == ["sub-01/fit", "sub-02/fit", "x/one", "y/one", "lone"]
    assert distinct_names([Path("/a/sub-01/ses-2/mrs/fit")]) == ["sub-01/ses-2/fit"]


def test_a_second_fit_is_scaled_by_the_data_of_both(many):
    voxel = a_voxel(many)
    lines = many.curves.lines(voxel)
    tripled = replace(lines, data=3 * lines.data, fit=3 * lines.fit, ground=3 * lines.ground)
    scaled, word = in_units_of(lines, tripled)
    assert np.allclose(scaled.fit, lines.fit, equal_nan=True)
    assert word == ", scaled by 0.333"
    assert in_units_of(lines, lines) == (lines, "")
    assert in_units_of(lines, replace(lines, data=lines.data[::-1])) == (None, "it is of other data")
    assert in_units_of(lines, replace(lines, ppm=lines.ppm + 0.1))[0] is None


def test_the_table_of_a_voxel_without_a_fit_is_empty(many):
    empty = tuple(int(i) for i in np.argwhere(~many.maps.fitted())[0])
    table = many.table.at(empty, "raw")
    assert not any(np.isfinite(values).any() for _, values in table.rows)
    assert table.remarks == ("Nothing was fitted in this voxel.",)


def test_what_is_drawn_has_the_indices_of_its_own_dimensions(many):
    session = Session()
    fit = session.open(many.folder.path)
    scan = session.open_scan(viewer_results.edited())
    assert session.places == (0, 0)
    session.choose(fit)
    assert (session.shown, session.scan, session.places) == (fit, None, ())
    session.show(scan)
    session.set("places", places=(3, 1))
    session.close_one(fit)
    assert (session.shown, session.places) == (scan, (3, 1))
    session.close_one(scan)
    assert (session.shown, session.places, session.fits, session.scans) == (None, (), [], [])
