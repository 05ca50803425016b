"""Parts, axes, scales and lines that stay: against spectra made here."""

from dataclasses import replace

import numpy as np
import pytest
import viewer_results
from matplotlib.figure import Figure
from viewer_results import a_voxel

from fsl_mrs_dl.data import MRSData
from fsl_mrs_dl.errors import DataError, OutputError
from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.physics import fid_to_spectrum
from fsleyes_plugin.model.curves import Display
from fsleyes_plugin.model.held import held, read_line, write_lines
from fsleyes_plugin.model.look import HZ, LineStyle, Look
from fsleyes_plugin.model.parts import acquisition_text, in_hz, lines_of_part, normalised
from fsleyes_plugin.model.range_map import HEIGHT, range_map
from fsleyes_plugin.model.scan import DIFFERENCE, MEAN, Scan
from fsleyes_plugin.plots.arranging import arranged
from fsleyes_plugin.plots.fit_figure import Style, Trace, draw_fits
from fsleyes_plugin.session import Fit, Session

POINTS, STEP_S, MHZ, WIDTH = 1024, 5e-4, 123.2, 12.0
PLAIN = Display(fit_phase=False)


@pytest.fixture(scope="module")
def many() -> Fit:
    return Session().open(viewer_results.mrsi())


def line(ppm, amplitude=1.0):
    """A Lorentzian line; its FWHM is WIDTH / pi Hz, and its area the amplitude over the step of the spectrum."""
    time_s = np.arange(POINTS) * STEP_S
    return amplitude * np.exp((2j * np.pi * (ppm - 4.65) * MHZ - WIDTH) * time_s)


@pytest.fixture
def grid(tmp_path):
    """Two lines in 3 x 2 x 1 voxels, that at 2 ppm with the amplitudes 1 to 5; one voxel is empty."""
    fid = np.zeros((3, 2, 1, POINTS), dtype=complex)
    for n, place in enumerate([(0, 0), (1, 0), (2, 0), (0, 1), (1, 1)], start=1):
        fid[place[0], place[1], 0] = line(2.0, n) + line(3.5, 2.0)
    nifti.write(MRSData(fid, STEP_S, MHZ, affine=np.diag([9.0, 9, 9, 1])), tmp_path / "grid.nii.gz")
    return Scan(tmp_path / "grid.nii.gz")


def test_parts_are_those_of_the_complex_spectrum(grid):
    voxel = (1, 0, 0)
    spectrum = fid_to_spectrum(grid.measured(voxel)) - grid.measured(voxel)[0] / 2 / np.sqrt(POINTS)
    expected = {
        "real": spectrum.real,
        "imaginary": spectrum.imag,
        "magnitude": np.abs(spectrum),
        "phase": np.angle(spectrum),
    }
    for part, values in expected.items():
        lines = lines_of_part(lambda display: grid.lines(voxel, (), display), PLAIN, part)
        far = np.abs(spectrum) > 1e-3 * np.abs(spectrum).max()  # where there is a phase
        np.testing.assert_allclose(lines.data[far], values[far], atol=1e-6 * np.abs(values).max())
    assert lines_of_part(lambda _display: None, PLAIN, "magnitude") is None


def test_parts_of_a_fit_belong_together(many):
    voxel = a_voxel(many)

    def read(part):
        return lines_of_part(lambda display: many.curves.lines(voxel, display), Display(), part)

    real, imaginary, magnitude = (read(part) for part in ("real", "imaginary", "magnitude"))
    inside = np.isfinite(real.fit)
    for name in ("data", "fit", "baseline", "residual"):
        one, two, both = (getattr(lines, name)[inside] for lines in (real, imaginary, magnitude))
        np.testing.assert_allclose(both, np.hypot(one, two))
    assert np.allclose((imaginary.data - imaginary.fit)[inside], imaginary.residual[inside])
    np.testing.assert_allclose(
        magnitude.metabolites["NAA"], np.hypot(real.metabolites["NAA"], imaginary.metabolites["NAA"])
    )
    assert imaginary.sd is not None
    assert magnitude.sd is None


def test_hertz_and_normalised(grid):
    lines = grid.lines((2, 0, 0), (), PLAIN)
    turned = in_hz(lines, grid.one)
    top = turned.ppm[turned.data.argmax()]
    # The line at 2 ppm is the higher one; a bin is 1.95 Hz wide.
    assert top == pytest.approx((2.0 - 4.65) * MHZ, abs=0.5 / (POINTS * STEP_S))
    assert turned.limits_ppm == pytest.approx([(end - 4.65) * MHZ for end in lines.limits_ppm])
    scaled = normalised(lines)
    shown = (lines.ppm >= 0.2) & (lines.ppm <= 4.2)
    assert np.abs(scaled.data[shown]).max() == pytest.approx(1)
    assert np.allclose(scaled.data * np.abs(lines.data[shown]).max(), lines.data)


def test_means_and_differences_over_dimensions():
    scan = Scan(viewer_results.edited())
    fid = nifti.read(viewer_results.edited()).fid[0, 0, 0].astype(complex)
    tags = [dimension.tag for dimension in scan.dimensions]
    dyn, edit = tags.index("DIM_DYN"), tags.index("DIM_EDIT")

    def shown(at_dyn, at_edit):
        places = [0, 0]
        places[dyn], places[edit] = at_dyn, at_edit
        data = scan.lines((0, 0, 0), places, PLAIN)
        return data.data + data.ground, scan.where(places)

    averaged = fid.mean(axis=1 + dyn)
    for expected, places, word in (
        (averaged[:, 0], (MEAN, 0), "DIM_DYN mean"),
        (averaged[:, 0] - averaged[:, 1], (MEAN, DIFFERENCE), "\N{MINUS SIGN}"),
        (np.take(fid, 0, 1 + edit)[:, 3], (3, 0), "DIM_DYN 3"),
    ):
        data, where = shown(*places)
        np.testing.assert_allclose(data, fid_to_spectrum(expected).real, atol=1e-6 * np.abs(data).max())
        assert word in where
    with pytest.raises(DataError, match="there is no"):
        scan.lines((0, 0, 0), [-3, 0], PLAIN)


def test_the_map_of_a_range_is_the_area_of_its_line(grid):
    """Real area of a line far from the limits: N * dwell time * amplitude over N bins of the orthonormal DFT."""
    limits = (1.7, 2.3)
    values = range_map(grid, limits, part="real", display=PLAIN)
    step_ppm = 1 / (POINTS * STEP_S) / MHZ
    # Within +-37 Hz lie 2 / pi atan(37 * 2 pi / 12) = 0.967 of a Lorentzian line, and 2 % of that at 3.5 ppm.
    share = 2 / np.pi * np.arctan(0.3 * MHZ * 2 * np.pi / WIDTH)
    expected = np.array([1, 2, 3, 4, 5]) * np.sqrt(POINTS) / 2 * step_ppm * share
    found = np.array([values[0, 0, 0], values[1, 0, 0], values[2, 0, 0], values[0, 1, 0], values[1, 1, 0]])
    # The tail of the line at 3.5 ppm is the same in all voxels, so that differences do not have it.
    np.testing.assert_allclose(np.diff(found), np.diff(expected), rtol=0.02)
    assert np.isnan(values[2, 1, 0])
    heights = range_map(grid, limits, kind=HEIGHT)
    assert heights[1, 1, 0] / heights[0, 0, 0] == pytest.approx(5, rel=0.02)
    with pytest.raises(DataError, match="no point between"):
        range_map(grid, (50, 60))


def test_the_map_of_a_range_of_a_fit_is_phased(many):
    """Creatine at 3.03 ppm in absorption: the real area of its range is positive in nearly all good voxels."""
    values = range_map(many, (2.9, 3.15), part="real")
    good = many.maps.file("verdict").values.reshape(many.grid) == 1
    assert (values[good] > 0).mean() > 0.9
    assert np.isnan(values[~many.maps.fitted()]).all()


def test_lines_that_were_written_are_read_again(many, tmp_path):
    lines = many.curves.lines(a_voxel(many))
    write_lines(lines, tmp_path / "lines.csv")
    again = read_line(tmp_path / "lines.csv")
    assert again.name == "lines"
    assert np.array_equal(again.ppm, lines.ppm)
    assert np.array_equal(again.values, lines.data)
    heads = (tmp_path / "lines.csv").read_text().splitlines()[0].split(",")
    assert heads[:6] == ["ppm", "data", "fit", "baseline", "residual", "sd"]
    assert "NAA" in heads
    (tmp_path / "plain.txt").write_text("# made by hand\n4.0 1\n3.0 2.5\n2.0 -1\n")
    plain = read_line(tmp_path / "plain.txt")
    assert (plain.ppm.tolist(), plain.values.tolist()) == ([2, 3, 4], [-1, 2.5, 1])
    for name, text in (("words.txt", "a b\nc d\n"), ("one.txt", "1\n2\n"), ("short.csv", "ppm,data\n1,2\n")):
        (tmp_path / name).write_text(text)
        with pytest.raises(DataError, match="no two columns"):
            read_line(tmp_path / name)
    with pytest.raises(OutputError, match="cannot be written"):
        write_lines(lines, tmp_path / "none" / "lines.csv")


def test_spectra_share_axes_and_keep_their_styles(many):
    voxels = [tuple(int(i) for i in place) for place in np.argwhere(many.maps.fitted())[[20, 60]]]
    one, two = (many.curves.lines(voxel) for voxel in voxels)
    look = replace(Look(together=True, axis=HZ), styles={"data": LineStyle("#00ff00", 2.0, "dotted")})
    staying = (held("kept", two),)
    traces = [Trace("first", two), Trace("cursor", one)]
    drawn = arranged(traces, look, staying, many.one)
    assert len(drawn) == 1
    figure = Figure()
    axes = draw_fits(figure, drawn, Style(look=look))[0]
    lines = {line.get_label(): line for line in axes.get_lines()}
    assert {"data", "first", "kept"} <= set(lines)
    np.testing.assert_allclose(lines["kept"].get_ydata(), two.data)
    np.testing.assert_allclose(
        lines["first"].get_xdata(), (two.ppm - 4.65) * many.one.spectrometer_frequency_mhz
    )
    data = lines["data"]
    assert (data.get_color(), data.get_linewidth(), data.get_linestyle()) == ("#00ff00", 2.0, ":")
    assert axes.get_xlabel().endswith("(Hz)")
    assert axes.get_xlim()[0] > axes.get_xlim()[1]
    apart = draw_fits(Figure(), arranged(traces, Look(normalised=True), staying, many.one), Style())
    assert len(apart) == 2
    heights = {line.get_label(): np.abs(line.get_ydata()) for line in apart[1].get_lines()}
    shown = (one.ppm >= one.limits_ppm[0]) & (one.ppm <= one.limits_ppm[1])
    assert heights["data"][shown].max() == pytest.approx(1)
    assert heights["kept"][shown].max() == pytest.approx(1)


def test_the_acquisition_is_told_in_a_line(grid):
    data = replace(grid.one, header={"EchoTime": 0.03, "RepetitionTime": 2})
    assert acquisition_text(data) == "1H, 123.2 MHz, bandwidth 2000 Hz, 1024 points, TE 30 ms, TR 2000 ms"
