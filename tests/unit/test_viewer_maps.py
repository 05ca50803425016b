"""The table at the cursor, the maps and the masks are those of the files, and lead with the posterior."""

import shutil

import nibabel as nib
import numpy as np
import pytest
import viewer_results
from viewer_results import a_voxel

from fsl_mrs_dl.errors import DataError, OutputError
from fsleyes_plugin.model.maps import MapChoice, display_range
from fsleyes_plugin.model.masks import Limits, flagged, passing, save_mask
from fsleyes_plugin.model.table import cell, head
from fsleyes_plugin.session import Fit, Session

PLAIN = ("value", "sd", "crlb", "snr", "fwhm")
COLUMNS = ("posterior_mean", "ci95_low", "ci95_high", "shrinkage", *PLAIN)


@pytest.fixture(scope="module")
def many() -> Fit:
    return Session().open(viewer_results.mrsi())


@pytest.fixture(scope="module")
def single() -> Fit:
    return Session().open(viewer_results.svs())


def test_table_of_many_voxels_is_that_of_the_maps(many):
    voxel = a_voxel(many)
    table = many.table.at(voxel, "raw")
    assert table.columns == COLUMNS
    for column, name in (("value", "concs/raw/NAA"), ("crlb", "uncertainties/NAA_sd"), ("snr", "qc/NAA_snr")):
        image = nib.load(many.folder.path / f"{name}.nii.gz")
        assert table.value("NAA", column) == pytest.approx(float(image.dataobj[voxel]), rel=1e-6)
    assert table.value("NAA", "sd") == pytest.approx(
        table.value("NAA", "value") * table.value("NAA", "crlb") / 100
    )
    # The SD of a ratio without prior stands in no file, and is not made up; its posterior is there.
    ratios = many.table.at(voxel, "internal")
    assert ratios.columns == tuple(column for column in COLUMNS if column != "sd")
    for column, name in (
        ("posterior_mean", "posterior/internal/NAA_mean"),
        ("shrinkage", "posterior/NAA_shrinkage"),
    ):
        image = nib.load(many.folder.path / f"{name}.nii.gz")
        assert ratios.value("NAA", column) == pytest.approx(float(image.dataobj[voxel]), rel=1e-6)
    assert np.isnan(table.value("Cr+PCr", "snr"))
    assert (cell("snr", np.nan), cell("crlb", 999.0)) == ("", "≥ 999")


def test_maps_and_tables_lead_with_the_posterior(many):
    assert many.maps.default() == MapChoice("posterior_mean:internal", "NAA+NAAG")
    kinds = many.maps.kinds("NAA")
    assert kinds.index("posterior_mean") < kinds.index("shrinkage") < kinds.index("internal")
    assert MapChoice("internal", "NAA").label == "NAA without prior, internal"
    assert [head(column) for column in ("value", "sd", "crlb")] == [
        "without prior",
        "its SD",
        "ampl. SD %",
    ]
    other = Session().open(viewer_results.mrsi_stiff())
    assert other.maps.default() == MapChoice("internal", "NAA+NAAG")
    plain = other.table.at(a_voxel(other), "raw")
    assert plain.columns == PLAIN
    assert plain.heads() == ("metabolite", "without prior", "its SD", "ampl. SD %", "SNR", "FWHM Hz")
    assert {len(row) for row in plain.texts()} == {6}


def test_a_ratio_without_a_mean_is_empty(tmp_path):
    copy = tmp_path / "mrsi"
    shutil.copytree(viewer_results.mrsi(), copy)
    path = copy / "posterior/internal/NAA_mean.nii.gz"
    like = nib.load(path)
    nib.save(nib.Nifti1Image(np.zeros(like.shape, np.float32), like.affine), path)
    fit = Session().open(copy)
    table = fit.table.at(a_voxel(fit), "internal")
    assert np.isnan(table.value("NAA", "posterior_mean"))
    assert table.value("NAA", "ci95_high") > 0
    assert {row[0]: row[1] for row in table.texts()}["NAA"].startswith("\N{EN DASH} [")
    assert np.isnan(fit.maps.values(MapChoice("posterior_mean:internal", "NAA"))).all()


def test_columns_of_intervals_come_with_their_maps(tmp_path):
    copy = tmp_path / "mrsi"
    shutil.copytree(viewer_results.mrsi(), copy, ignore=shutil.ignore_patterns("intervals", "posterior"))
    bare = Session().open(copy)
    assert bare.table.at(a_voxel(bare), "raw").columns == PLAIN
    like = nib.load(copy / "concs/raw/NAA.nii.gz")
    for folder, label, value in (
        ("intervals", "ci95_low", 1.0),
        ("intervals", "ci95_high", 4.0),
        ("posterior", "mean", 2.0),
    ):
        (copy / folder).mkdir(exist_ok=True)
        nib.save(
            nib.Nifti1Image(np.full(like.shape, value), like.affine), copy / folder / f"NAA_{label}.nii.gz"
        )
    fit = Session().open(copy)
    table = fit.table.at(a_voxel(fit), "raw")
    assert [table.value("NAA", c) for c in ("ci95_low", "ci95_high", "posterior_mean")] == [1, 4, 2]
    assert np.isnan(table.value("Cr", "ci95_low"))
    assert np.unique(fit.maps.values(MapChoice("ci95_width", "NAA"))) == 3


def test_table_of_one_spectrum_is_that_of_the_csv(single):
    table = single.table.at((0, 0, 0), "raw")
    text = (single.folder.path / "concentrations.csv").read_text().splitlines()
    row = next(line.split(",") for line in text if line.startswith("NAA,"))
    assert table.value("NAA", "value") == float(row[1])
    assert table.columns == COLUMNS
    assert (
        table.value("NAA", "ci95_low")
        < table.value("NAA", "posterior_mean")
        < table.value("NAA", "ci95_high")
    )
    assert any("misfit" in remark for remark in table.remarks)


def test_maps_ratio_and_range(many):
    fitted = many.maps.fitted()
    naa, cr = (many.maps.values(MapChoice("raw", name)) for name in ("NAA", "Cr+PCr"))
    ratio = many.maps.values(MapChoice("raw", "NAA", "Cr+PCr"))
    assert np.allclose(ratio[fitted], naa[fitted] / cr[fitted], rtol=1e-5)
    assert np.isnan(ratio[~fitted]).all()
    low, high = display_range(naa, fitted, "raw")
    assert (low, high) == (0.0, pytest.approx(np.percentile(naa[fitted], 98)))


def test_what_is_said_against_a_voxel_has_its_maps(many):
    assert many.maps.single == ("verdict", "flags", "ood", "surprise", "widening", "line_ppm", "line_z")
    widening = many.maps.values(MapChoice("widening"))
    on_file = nib.load(many.folder.image("qc/widening")).get_fdata()
    np.testing.assert_allclose(widening, on_file.reshape(widening.shape), rtol=1e-6)
    assert (widening[many.maps.fitted()] >= 1).all()
    assert display_range(widening, many.maps.fitted(), "widening")[0] >= 1


def test_mask_keeps_what_meets_the_limits(many, tmp_path):
    crlb, snr = (many.maps.values(MapChoice(kind, "NAA")) for kind in ("crlb", "snr"))
    limit = float(np.median(crlb[many.maps.fitted()]))
    mask = passing(many.maps, Limits("NAA", most_percent=limit, least_snr=5.0))
    assert np.array_equal(mask, many.maps.fitted() & (crlb <= limit) & (snr >= 5.0))
    assert 0 < mask.sum() < many.maps.fitted().sum()
    save_mask(mask, many.affine, tmp_path / "mask.nii.gz")
    saved = nib.load(tmp_path / "mask.nii.gz")
    assert np.array_equal(np.asarray(saved.dataobj) != 0, mask)
    assert np.allclose(saved.affine, many.affine)
    unflagged = passing(many.maps, Limits("NAA", unflagged=True))
    assert np.array_equal(unflagged, many.maps.fitted() & ~flagged(many.maps))


@pytest.mark.parametrize("name", ["mask.txt", "mask", "mask.mgz"])
def test_a_mask_is_saved_as_nifti_alone(many, name, tmp_path):
    with pytest.raises(OutputError, match=r"does not end in \.nii\.gz or \.nii"):
        save_mask(many.maps.fitted(), many.affine, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_moved_is_told_and_opens_where_it_is_now(tmp_path):
    before, now = tmp_path / "before", tmp_path / "now"
    shutil.copytree(viewer_results.mrsi(), before)
    fit = Session().open(before)
    before.rename(now)
    with pytest.raises(DataError, match="is no longer there; open it again where it is now"):
        fit.maps.values(MapChoice("crlb", "NAA"))
    again = Session().open(now).maps
    assert np.isfinite(again.values(MapChoice("crlb", "NAA"))[again.fitted()]).all()


@pytest.mark.parametrize("value", [0.0, 1.0, -3e-7])
def test_a_comparison_of_equal_values_is_drawn_with_room_around_them(value):
    from matplotlib.figure import Figure

    from fsleyes_plugin.model.comparison import Comparison
    from fsleyes_plugin.plots.comparison_figure import draw_comparison

    figure = Figure(layout="constrained")
    equal = np.full(5, value)
    draw_comparison(
        figure, Comparison(MapChoice("internal", "NAA"), equal, equal.copy(), np.zeros((5, 3), int)), "a", "b"
    )
    low, high = figure.axes[0].get_xlim()
    assert low < value < high
