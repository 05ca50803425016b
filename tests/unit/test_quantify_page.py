import csv
import io
import re
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest
from nifti_mrs.definitions import standard_defined
from quantified import DWELLTIME_S, FREQUENCY_MHZ, N_POINTS, NOISE, make

from fsl_mrs_dl.data import FLAGS
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.io.position import box_section
from fsl_mrs_dl.io.results.outcome import WaterScaling
from fsl_mrs_dl.io.volumes import read_image
from fsl_mrs_dl.report import quantify_page, quantify_static, save_fit_figure, save_map_figure
from fsl_mrs_dl.report.anatomy import grid_corners
from fsl_mrs_dl.report.concentrations import with_sd
from fsl_mrs_dl.report.maps import reversed_axes, slices_side_by_side
from fsl_mrs_dl.report.reporting_table import MISSING, reporting_csv, reporting_markdown
from fsl_mrs_dl.report.spectra import view_fit

SETTINGS = {"baseline": "poly, 2", "method": "lcm", "ppmlim": (0.2, 4.2), "TE": None}


def own_text(page):
    """The page without the plotly.js that stands in its head."""
    return re.sub(r"<script>/\*.*?</script>", "", page, count=1, flags=re.DOTALL)


def text_of(rng, settings=SETTINGS, change=None, **options):
    data, outcome = make(rng, **options)
    return own_text(quantify_page(data, change(outcome) if change else outcome, settings))


def test_curves_stand_upright_and_the_residual_is_that_of_the_fit(rng):
    data, outcome = make(rng)
    view = view_fit(data, outcome)
    naa = view.metabolites[view.names.index("NAA")]
    assert view.ppm[np.argmax(naa)] == pytest.approx(
        2.008, abs=1 / (2 * N_POINTS * DWELLTIME_S * FREQUENCY_MHZ)
    )
    assert naa.min() > -0.02 * naa.max()  # absorption, on a flat ground
    np.testing.assert_allclose(
        view.fit - view.baseline, view.metabolites.sum(axis=0), atol=1e-6 * view.height
    )
    np.testing.assert_allclose(view.data - view.fit, view.residual, atol=1e-9 * view.height)
    assert view.residual.std() == pytest.approx(NOISE, rel=4 / np.sqrt(2 * view.residual.size))


def test_baseline_is_drawn_where_it_was_fitted(rng):
    """A baseline's FID is two-sided: moved or filled with zeros as a decay, it would change."""
    data, outcome = make(rng)
    quiet = data.with_fid(outcome.fit.reshape(data.fid.shape))
    view = view_fit(quiet, outcome)
    assert np.abs(view.residual).max() < 1e-8 * view.height
    hz = (view.ppm - 4.65) * FREQUENCY_MHZ
    expected = 8.0 * np.exp(-(((hz + 250) / 120) ** 2))
    np.testing.assert_allclose(view.baseline, expected, atol=1e-6 * expected.max())


def test_curves_of_a_map_are_those_of_its_parameters(rng):
    data, outcome = make(rng, grid=(2, 2, 1))
    view = view_fit(data, outcome, 1)
    assert view.voxel == (1, 0, 0)
    np.testing.assert_allclose(
        view.fit - view.baseline, view.metabolites.sum(axis=0), atol=1e-6 * view.height
    )


@pytest.mark.parametrize("grid", [(1, 1, 1), (3, 2, 2)])
def test_page_is_one_file_that_fetches_nothing(rng, grid):
    data, outcome = make(rng, grid=grid)
    page = quantify_page(data, outcome, SETTINGS)
    text = own_text(page)
    assert len(text) < len(page) / 2
    assert not re.search(r"cdn|https?:|<link|<img|@import|\bsrc=", text)
    assert page.count("<html") == 1
    assert "<not>" not in text
    assert "&lt;not&gt;" in text
    assert "10.1002/nbm.4484" in text
    assert "Synthetic data" not in text


@pytest.mark.parametrize("grid", [(1, 1, 1), (2, 2, 1)])
def test_page_tells_no_personal_field(rng, grid):
    secret = {key: f"secret {key}" for key in standard_defined if standard_defined[key].anon}
    secret |= {"PatientSex": "secret sex", "PatientWeight": 81.25, "InstitutionName": "secret house"}
    secret |= {"private_note": {"Value": "secret note"}, "ProtocolName": "secret name of a protocol"}
    header = {**secret, "EchoTime": 0.03, "Manufacturer": "Maker <&>", "SequenceName": "press"}
    text = text_of(rng, grid=grid, header=header)
    assert "secret" not in text
    assert "81.25" not in text
    assert not any(key in text for key in secret)
    for told in ("30 ms", "Maker &lt;&amp;&gt;", "press", "not in the header", "marks it as private"):
        assert told in text


def test_reporting_table_tells_chain_and_given_times(rng):
    record = {"Method": "Signal averaging", "Details": "64 transients", "Program": "p"}
    header = {"EchoTime": 0.03, "RepetitionTime": 2.0}
    text = text_of(rng, {**SETTINGS, "TE": 35.0, "TR": 2.0}, processing=(record,), header=header)
    assert "averaged: 64 transients" in text
    assert "35 ms (given by hand)" in text
    assert "2000 ms" in text
    assert "2000 ms (given by hand)" not in text
    assert "10.0 x 10.0 x 10.0 mm" in text


def test_reporting_rows_are_the_same_as_csv_and_as_markdown():
    rows = [("2. Acquisition", "Pulse sequence", "=press | <b>"), ("2. Acquisition", "Echo time", MISSING)]
    assert list(csv.reader(io.StringIO(reporting_csv(rows)))) == [
        ["part", "item", "value"],
        ["2. Acquisition", "Pulse sequence", "'=press | <b>"],
        ["2. Acquisition", "Echo time", "not in the header"],
    ]
    assert reporting_markdown(rows).splitlines() == [
        "| part | item | value |",
        "|---|---|---|",
        r"| 2. Acquisition | Pulse sequence | =press \| &lt;b> |",
        "| 2. Acquisition | Echo time | not in the header |",
    ]


def test_page_marks_synthetic_data(rng):
    assert "Synthetic data" in text_of(rng, header={"SyntheticData": {"method": "singlets", "seed": 7}})


@pytest.mark.parametrize("grid", [(1, 1, 1), (3, 3, 1)])
def test_flags_are_told_in_words(rng, grid):
    def flagged(outcome):
        flags = outcome.flags.copy()
        flags[0] = (1 << FLAGS["no_convergence"].bit) | (1 << FLAGS["out_of_range"].bit)
        return replace(outcome, flags=flags)

    text = text_of(rng, grid=grid, change=flagged)
    assert FLAGS["no_convergence"].meaning in text
    assert FLAGS["out_of_range"].meaning in text
    assert FLAGS["low_snr"].meaning not in text
    assert text.count("1 of 8") == (0 if grid == (1, 1, 1) else 1)


def unfitted(outcome, rows):
    """The outcome with voxels that could not be fitted."""

    def gone(values):
        values = np.array(values, dtype=complex if np.iscomplexobj(values) else float)
        values[rows] = np.nan
        return values

    names = "crlb_percent snr fwhm_hz shift_hz gamma sigma phase_rad delay_s noise_sd residual_whiteness"
    changed = {name: gone(getattr(outcome, name)) for name in (*names.split(), "fit", "baseline")}
    scaled = {name: replace(s, value=gone(s.value), sd=gone(s.sd)) for name, s in outcome.scaled.items()}
    if outcome.metabolites is not None:
        changed["metabolites"] = gone(outcome.metabolites)
    flags = outcome.flags.copy()
    flags[rows] = 1
    return replace(outcome, scaled=scaled, flags=flags, **changed)


@pytest.mark.parametrize(("grid", "rows"), [((1, 1, 1), [0]), ((3, 3, 1), [0, 2]), ((2, 2, 1), [0, 1, 2])])
def test_what_could_not_be_fitted_has_a_page(rng, tmp_path, grid, rows):
    data, outcome = make(rng, grid=grid)
    fid = data.fid.copy()
    fid[tuple(outcome.voxels[rows[0]])] = np.nan
    data, outcome = data.with_fid(fid), unfitted(outcome, rows)
    text = own_text(quantify_page(data, outcome, SETTINGS))
    assert FLAGS["nonfinite"].meaning in text
    assert "NaN Hz" not in text
    assert "nan" not in re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)
    if grid == (1, 1, 1):
        assert "could not be fitted" in text
        save_fit_figure(data, outcome, tmp_path / "still.png")
    else:
        save_map_figure(data, outcome, tmp_path / "still.png", names=("NAA",))


def test_posterior_columns_stand_only_where_they_are_filled(rng):
    assert "95 % interval" not in text_of(rng)

    def with_posterior(outcome):
        filled = np.full_like(outcome.scaled["internal"].value, 1.25)
        extra = {"posterior_mean": filled, "ci95_low": filled - 1, "ci95_high": filled + 1}
        empty = {"shrinkage": np.full_like(filled, np.nan)}
        internal = replace(outcome.scaled["internal"], extra=extra | empty)
        return replace(outcome, scaled={**outcome.scaled, "internal": internal})

    text = text_of(rng, change=with_posterior)
    assert "95 % interval</th>" in text
    assert "0.25 to 2.25" in text
    assert "Shrinkage</th>" not in text


def test_water_scaled_columns_stand_only_where_they_are_known(rng):
    text = text_of(rng)
    assert "no water reference" in text
    assert "mmol/kg" not in text

    def with_water(outcome):
        fractions = {"WM": np.array([0.6]), "GM": np.array([0.4]), "CSF": np.array([0.0])}
        water = WaterScaling(
            0.03, 2.0, ("Cr",), 5, (2.65, 3.4), {"METAB": 1.3}, {"METAB": 0.19}, fractions, *2 * (np.ones(1),)
        )
        scaled = {**outcome.scaled, "molality": outcome.scaled["raw"]}
        return replace(outcome, water=water, scaled=scaled)

    text = text_of(rng, change=with_water)
    assert "Molality (mmol/kg)" in text
    assert "WM 0.60" in text
    assert "METAB T1 1300 ms" in text


@pytest.mark.parametrize("grid", [(1, 1, 1), (2, 2, 1)])
def test_one_metabolite_is_enough(rng, tmp_path, grid):
    data, outcome = make(rng, grid=grid, names=("NAA",), sums=())
    assert "NAA" in own_text(quantify_page(data, outcome, {}))
    save_fit_figure(data, outcome, tmp_path / "still.png", truth={"NAA": 5.0})


def test_names_are_escaped(rng):
    for grid in ((1, 1, 1), (2, 2, 1)):
        data, outcome = make(rng, grid=grid)
        outcome = replace(outcome, members=("<b>Cr", *outcome.members[1:]))
        text = own_text(quantify_page(data, outcome, SETTINGS))
        assert "<b>Cr" not in text
        assert text.count("</script>") == text.count("<script")


def test_maps_lie_as_the_viewer_shows_them(rng):
    data, outcome = make(rng, grid=(3, 2, 2))
    assert reversed_axes(data)[0] == (True, False)
    assert reversed_axes(replace(data, affine=np.diag([-1.0, -1.0, 1.0, 1.0])))[0] == (False, True)
    shown = slices_side_by_side(outcome, 4, backwards=True)
    assert shown.z == (1, 0)
    picture = shown.of(np.arange(len(outcome.voxels), dtype=float))
    assert picture.shape == (6, 2)
    assert np.isnan(picture[3, 0])  # (0, 0, 0) is outside of the mask
    assert picture[0, 0] == 0  # (0, 0, 1) is the first voxel


def test_maps_are_cut_to_the_fitted_voxels(rng):
    _, outcome = make(rng, grid=(9, 9, 1))
    place = np.argwhere(np.ones((2, 3, 1))) + np.array([4, 0, 0])
    few = replace(outcome, voxels=place)
    picture = slices_side_by_side(few, 4, backwards=False).of(np.arange(6.0))
    assert picture.shape == (4, 4)  # a voxel on each side, but not beyond the grid
    np.testing.assert_array_equal(picture[1:3, :3], [[0, 1, 2], [3, 4, 5]])


def test_still_pictures(rng, tmp_path):
    data, outcome = make(rng, grid=(4, 4, 1), header={"SyntheticData": {"method": "singlets"}})
    truth = {"NAA": outcome.on_grid(outcome.scaled["raw"].value[:, 1])}
    save_map_figure(data, outcome, tmp_path / "maps.png", names=("NAA", "Cr", "absent"), truth=truth)
    save_fit_figure(data, outcome, tmp_path / "fit.svg", row=2)
    assert (tmp_path / "maps.png").read_bytes().startswith(b"\x89PNG")
    assert (
        "Synthetic data" in (tmp_path / "fit.svg").read_text() or (tmp_path / "fit.svg").stat().st_size > 1000
    )


def test_tall_maps_keep_the_names_of_their_rows_in_the_picture(rng, tmp_path, monkeypatch):
    drawings, figure = [], quantify_static.new_figure
    monkeypatch.setattr(
        quantify_static,
        "new_figure",
        lambda size, **more: drawings.append(figure(size, **more)) or drawings[-1],
    )
    data, outcome = make(rng, grid=(3, 4, 1))
    save_map_figure(data, outcome, tmp_path / "maps.png", names=("NAA", "Cr", "GPC"))
    labels = [axes.yaxis.label for axes in drawings[0].axes if axes.get_ylabel()]
    assert [label.get_text() for label in labels] == ["estimate without prior", "SD (%)"]
    assert all(label.get_window_extent().x0 >= 0 for label in labels)


@pytest.mark.parametrize(
    ("value", "sd", "said"),
    [
        (12.3456, 0.234, "12.35 ± 0.23"),
        (0.01234, 0.0021, "0.0123 ± 0.0021"),
        (2.4e-7, 3e-8, "2.400e-07 ± 3.0e-08"),
        (1.0, 0.0, "1"),
        (np.nan, 1.0, "\N{EN DASH}"),
    ],
)
def test_values_are_told_to_two_digits_of_their_sd(value, sd, said):
    assert with_sd(value, sd) == said


def test_outline_is_where_the_voxel_cuts_the_slice(rng, tmp_path):
    data, outcome = make(rng)
    affine = np.diag([-2.0, 2.0, 2.0, 1.0])  # stored from right to left
    affine[:3, 3] = 30.0, -30.0, -30.0
    nib.save(nib.Nifti1Image(np.ones((31, 31, 31), np.int16), affine), tmp_path / "t1.nii")
    image, canonical = read_image(tmp_path / "t1.nii", "t1")
    assert image.shape == (31, 31, 31)
    corners = grid_corners(data, canonical)  # 10 mm about the origin is 5 voxels of 2 mm about (15, 15, 15)
    assert (corners.min(axis=0) == 12.5).all()
    assert (corners.max(axis=0) == 17.5).all()
    outline = box_section(corners, 2, 15)
    assert len(outline) == 4
    assert np.abs(outline[:, 2] - 15).max() < 1e-12
    assert {tuple(point) for point in outline[:, :2]} == {
        (12.5, 12.5),
        (12.5, 17.5),
        (17.5, 12.5),
        (17.5, 17.5),
    }
    assert not len(box_section(corners, 2, 25))
    assert 'id="place"' in quantify_page(data, outcome, {"t1": tmp_path / "t1.nii"})
    with pytest.raises(DataError, match="position"):
        quantify_page(replace(data, affine=None), outcome, {"t1": tmp_path / "t1.nii"})
    (tmp_path / "broken.nii").write_text("no image")
    with pytest.raises(DataError, match="--t1"):
        quantify_page(data, outcome, {"t1": tmp_path / "broken.nii"})


def test_no_width_and_no_amplitude_are_told_as_such(rng):
    def gone(outcome):
        percent, width = outcome.crlb_percent.copy(), np.zeros_like(outcome.fwhm_hz)
        percent[0, 1] = 999.0
        return replace(outcome, crlb_percent=percent, fwhm_hz=width)

    text = text_of(rng, change=gone)
    assert "<td>\N{GREATER-THAN OR EQUAL TO} 999</td>" in text
    assert "<td>0.0</td>" not in text
