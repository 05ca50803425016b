import re
from dataclasses import dataclass, field

import numpy as np
import pytest
from nifti_mrs.definitions import standard_defined

from fsl_mrs_dl import physics
from fsl_mrs_dl.data import Estimates, MRSData
from fsl_mrs_dl.report import align_page, save_align_figure
from fsl_mrs_dl.report.figures import similarity_figure
from fsl_mrs_dl.report.page import PUBLIC_FIELDS, plain
from fsl_mrs_dl.report.view import view_alignment
from fsl_mrs_dl.scores import voigt_fwhm_hz

DWELLTIME_S, FREQUENCY_MHZ, N_POINTS = 0.5e-3, 127.7, 512
LINES = ((2.01, 1.0), (3.03, 0.8), (3.2, 0.3), (4.7, 3.0))


@dataclass
class Result:
    """What the page needs of a StepResult."""

    data: MRSData
    estimates: Estimates | None = None
    aligned: MRSData | None = None
    settled: dict = field(default_factory=dict)


def make(rng, shape=(1, 1, 1), dims=None, nucleus="1H", header=None, noise=0.05, **more):
    """Data of drifting singlets and the result of taking the known drift away again."""
    dims = {"DIM_DYN": 12} if dims is None else dims
    sizes = (*shape, *dims.values())
    like = np.empty(1, dtype=np.complex128)
    clean = sum(
        height * physics.singlet(N_POINTS, DWELLTIME_S, (ppm - 4.65) * FREQUENCY_MHZ, 15.0, 5.0, like)
        for ppm, height in LINES
    )
    estimates = Estimates.empty(sizes)
    along = np.arange(dims.get("DIM_DYN", 1)) - dims.get("DIM_DYN", 1) / 2
    place = [dims["DIM_DYN"] if tag == "DIM_DYN" else 1 for tag in dims]
    estimates.shift_hz[...] = along.reshape(place or ())
    estimates.phase_rad[...] = 0.1 * along.reshape(place or ())
    estimates.shift_hz_sd[...], estimates.phase_rad_sd[...] = 0.2, 0.03
    fids = physics.shift(np.broadcast_to(clean, (*sizes, N_POINTS)), estimates.shift_hz, DWELLTIME_S)
    fids = physics.add_noise(physics.phase(fids, estimates.phase_rad + 2), noise, rng)
    said = {"header": header or {}, "name": "in.nii.gz", **more}
    data = MRSData(np.moveaxis(fids, -1, 3), DWELLTIME_S, FREQUENCY_MHZ, nucleus, tuple(dims), **said)
    return data, corrected(data, estimates)


def corrected(data, estimates):
    fids = physics.correct(np.moveaxis(data.fid, 3, -1), estimates.shift_hz, estimates.phase_rad, DWELLTIME_S)
    return Result(data.with_fid(np.moveaxis(fids, -1, 3)), estimates)


def own_text(page):
    """The page without the plotly.js that stands in its head."""
    return re.sub(r"<script>/\*.*?</script>", "", page, count=1, flags=re.DOTALL)


def test_page_is_one_file_that_fetches_nothing(rng):
    page = align_page(*make(rng), {"dim": "DIM_DYN", "ppm": None})
    text = own_text(page)
    assert len(text) < len(page) / 2
    assert not re.search(r"cdn|https?:|<link|<img|@import|\bsrc=", text)
    assert page.count("<html") == text.count("Plotly.newPlot(") - 3 == 1


def test_page_tells_no_personal_field(rng):
    secret = {key: f"secret {key}" for key in standard_defined if standard_defined[key].anon}
    secret |= {"PatientSex": "secret sex", "PatientWeight": 81.25, "InstitutionAddress": "secret street"}
    secret |= {"private_note": {"Value": "secret note"}, "SomethingOfTheUser": {"Value": "secret value"}}
    data, result = make(rng, header={**secret, "EchoTime": 0.03, "Manufacturer": "Maker <&>"})
    text = own_text(align_page(data, result, {}))
    assert "secret" not in text
    assert "81.25" not in text
    assert not any(key in text for key in secret)
    assert "30 ms" in text
    assert "Maker &lt;&amp;&gt;" in text


def test_what_may_be_told_is_standard_and_not_personal():
    for key in PUBLIC_FIELDS:
        assert not standard_defined[key].anon
        assert not key.startswith("Patient")


def test_page_marks_synthetic_data(rng):
    text = own_text(align_page(*make(rng, header={"SyntheticData": {"method": "singlets", "seed": 7}}), {}))
    assert "Synthetic data" in text
    assert "Made by singlets. Seed 7." in text
    assert "singlets" in text


def test_page_marks_flags_and_tells_settings_and_records(rng):
    data, result = make(rng)
    result.estimates.flag[0, 0, 0, 3] = "low_snr"
    result.data = result.data.with_fid(result.data.fid)
    result.settled = {"method": "gn"}
    text = own_text(align_page(data, result, {"ppm": (1.9, 3.4), "reference": data, "apply": None}))
    assert "low_snr" in text
    assert "1 of 12" in text
    assert "the expected error of the estimate is too large" in text
    assert "1.9 3.4" in text
    assert "in.nii.gz" in text
    assert "There are no records" in text
    assert "Synthetic data" not in text


def test_page_tells_the_processing_chain(rng):
    record = {
        "Time": "then",
        "Program": "p",
        "Version": "1",
        "Method": "Signal averaging",
        "Details": "d",
        "sha256": "ab",
    }
    text = own_text(align_page(*make(rng, processing=(record,)), {}))
    assert "Signal averaging" in text
    assert "sha256" not in text


def test_numbers_of_a_known_drift(rng):
    data, result = make(rng, noise=0.02)
    view = view_alignment(data, result)
    assert view.before.similarity(view.inside)[0] < 0.8 < 0.97 < view.after.similarity(view.inside)[0]
    before, after = (view.linewidths(stack)["", "Creatine"] for stack in (view.before, view.after))
    # gamma 15 and sigma 5 rad/s; choline beside creatine costs up to 3 %.
    expected = voigt_fwhm_hz(15.0, 5.0)
    assert after.fwhm_hz == pytest.approx(expected, abs=4 * after.fwhm_hz_sd + 0.03 * expected)
    assert before.fwhm_hz > 1.3 * expected
    # The highest singlet is shown in absorption although the data have a phase of 2 rad.
    highest = view.after.average[0][np.argmin(np.abs(view.ppm - 2.01))]
    assert abs(np.angle(highest)) < 0.6


def test_average_is_taken_from_the_aligned_data(rng):
    data, result = make(rng)
    result.aligned = result.data
    result.data = result.data.with_fid(result.data.fid.mean(axis=4), without="DIM_DYN")
    view = view_alignment(data, result)
    assert view.after.usable.shape == (1, 12)
    assert "similarity index" in own_text(align_page(data, result, {}))


@pytest.mark.parametrize(
    ("case", "found"),
    [
        ({"dims": {}}, "Transients"),
        ({"dims": {"DIM_DYN": 1}}, "Transients"),
        ({"dims": {"DIM_COIL": 1, "DIM_DYN": 4}}, "Transients"),
        ({"dims": {"DIM_COIL": 4, "DIM_DYN": 5}}, "combination of 4 coils"),
        ({"dims": {"DIM_DYN": 5, "DIM_EDIT": 2, "DIM_COIL": 3}}, "Difference: DIM_EDIT 0 minus DIM_EDIT 1"),
        ({"dims": {"DIM_DYN": 4, "DIM_EDIT": 2, "DIM_USER_0": 2}}, "DIM_EDIT 1, DIM_USER_0 1"),
        ({"shape": (2, 3, 1), "dims": {"DIM_DYN": 3}}, "voxel (0, 1, 0)"),
        ({"shape": (2, 2, 1), "dims": {}}, "voxel (0, 1, 0)"),
        ({"nucleus": "31P"}, "Transients"),
        ({"noise": 0.0}, "Transients"),
    ],
)
def test_every_shape_of_data_has_a_page(rng, case, found):
    data, result = make(rng, **case)
    if np.prod(data.fid.shape[:3]) > 1:
        fid = data.fid.copy()
        fid[0, 1, 0] *= 3
        data = data.with_fid(fid)
        result = corrected(data, result.estimates)
    assert found in own_text(align_page(data, result, {"dim": "DIM_DYN"}))


@pytest.mark.parametrize("dims", [{}, {"DIM_DYN": 4}, {"DIM_DYN": 3, "DIM_EDIT": 2, "DIM_COIL": 2}])
def test_still_picture(rng, tmp_path, dims):
    data, result = make(rng, dims=dims)
    save_align_figure(data, result, tmp_path / "still.png", truth=result.estimates)
    assert (tmp_path / "still.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    "dims", [{"DIM_DYN": 6}, {"DIM_COIL": 3, "DIM_DYN": 6}, {"DIM_EDIT": 2, "DIM_DYN": 3}]
)
def test_broken_fids_leave_a_gap(rng, dims):
    data, result = make(rng, dims=dims)
    fid = data.fid.copy()
    first = np.moveaxis(fid, 4 + list(dims).index("DIM_DYN"), 0)
    first[0], first[1] = np.nan, 0
    data = data.with_fid(fid)
    flags = np.moveaxis(result.estimates.flag, 3 + list(dims).index("DIM_DYN"), 0)
    flags[0], flags[1] = "nonfinite", "zero"
    result.estimates.shift_hz_sd[...] = np.nan
    result = corrected(data, result.estimates)
    view = view_alignment(data, result)
    assert not view.before.usable[:, :2].any()
    assert view.before.usable[:, 2:].all()
    assert np.isfinite(view.after.average).all()
    text = own_text(align_page(data, result, {}))
    assert "nonfinite" in text
    assert "zero" in text


def test_nothing_usable_and_no_estimates(rng, tmp_path):
    data, _ = make(rng, dims={"DIM_DYN": 3})
    data = data.with_fid(np.full_like(data.fid, np.nan))
    assert "0 usable of 3" in own_text(align_page(data, Result(data), {}))
    save_align_figure(data, Result(data), tmp_path / "still.png")


def test_conditions_are_named_by_the_header(rng):
    named = {"DIM_EDIT": {"header": {"EditCondition": ["ON", "OFF"]}}}
    data, result = make(rng, dims={"DIM_DYN": 4, "DIM_EDIT": 2}, dim_headers=named)
    assert "Difference: ON minus OFF" in own_text(align_page(data, result, {}))
    fid = data.fid.copy()
    fid[..., 1] *= -1
    data = data.with_fid(fid)
    assert "Difference: ON plus OFF" in own_text(align_page(data, corrected(data, result.estimates), {}))


def test_names_are_escaped(rng):
    named = {"DIM_EDIT": {"header": {"EditCondition": ["<b>ON", "</script>"]}}}
    text = own_text(align_page(*make(rng, dims={"DIM_DYN": 3, "DIM_EDIT": 2}, dim_headers=named), {}))
    assert "<b>ON" not in text
    assert text.count("</script>") == text.count("<script")


def test_values_are_told_in_plain_words():
    assert [plain(value) for value in (True, None, 0.1, (1.8, 4.2), "gn")] == [
        "yes",
        "not set",
        "0.1",
        "1.8 4.2",
        "gn",
    ]


def test_similarities_of_opposite_conditions_share_one_range_of_colours(rng):
    data, result = make(rng, dims={"DIM_DYN": 12, "DIM_EDIT": 2})
    sign = np.array([1, -1])
    data, result.data = (one.with_fid(one.fid * sign) for one in (data, result.data))
    view = view_alignment(data, result)
    assert view.signs.tolist() == [1, -1]
    assert view.edit_sign == 1
    drawing = similarity_figure(view)
    lowest = min(float(np.min(image.z)) for image in drawing.data)
    assert lowest - 0.1 <= drawing.layout.coloraxis.cmin <= lowest
    assert np.min(drawing.data[1].z) > 0.8


def test_curve_passes_through_the_bins(rng):
    view = view_alignment(*make(rng))
    ppm, curve = view.curve(view.after.average[0])
    bins = np.flatnonzero(view.shown)[1:-1]
    nearest = np.abs(ppm[:, None] - view.ppm[bins]).argmin(axis=0)
    assert ppm[nearest] == pytest.approx(view.ppm[bins], abs=1e-9)
    assert curve[nearest] == pytest.approx(view.after.average[0].real[bins], rel=1e-6, abs=1e-9)
