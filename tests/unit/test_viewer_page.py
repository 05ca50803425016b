"""The page of a voxel: its sections lie where the image does, its table is that of the voxel."""

import numpy as np
import pytest
import viewer_results
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.table import Table
from viewer_results import a_voxel

from fsl_mrs_dl.errors import OutputError
from fsleyes_plugin.model.sections import sections, voxel_corners
from fsleyes_plugin.plots.fit_figure import Style, Trace
from fsleyes_plugin.plots.page_figure import Page, draw_page, save_page
from fsleyes_plugin.session import Fit, Session


@pytest.fixture(scope="module")
def many() -> Fit:
    return Session().open(viewer_results.mrsi())


def page_of(fit, voxel):
    lines = fit.curves.lines(voxel)
    image = np.zeros((20, 20, 20), dtype=np.float32)
    shown = sections(image, np.diag([10.0, 10, 10, 1]), voxel_corners(fit.affine, voxel))
    return Page("title", Trace("", lines), fit.table.at(voxel, "raw"), "raw", shown, "record\n" * 200)


def test_sections_show_the_image_where_it_is():
    """A block about the voxel, in an image whose axes are swapped and flipped: bright inside of the outline."""
    affine = np.array([[0, 0, -2.0, 50], [-2, 0, 0, 60], [0, 2, 0, -40], [0, 0, 0, 1]])
    voxel_affine = np.array([[12.0, 0, 0, -20], [0, 16, 0, 10], [0, 0, 20, 5], [0, 0, 0, 1]])
    corners = voxel_corners(voxel_affine, (0, 0, 0))
    assert np.allclose((corners.min(axis=0), corners.max(axis=0)), ([-26, 2, -5], [-14, 18, 15]))
    shape = (60, 50, 55)
    world = np.moveaxis(np.indices(shape), 0, -1) @ affine[:3, :3].T + affine[:3, 3]
    inside = ((world > corners.min(axis=0)) & (world < corners.max(axis=0))).all(axis=-1)
    cut = sections(inside.astype(np.float32), affine, corners)
    assert [section.plane for section in cut] == ["sagittal", "coronal", "axial"]
    for section, along in zip(cut, ((1, 2), (0, 2), (0, 1)), strict=True):
        left, right, bottom, top = section.extent_mm
        rows, columns = np.nonzero(section.pixels > 0.5)
        n = section.pixels.shape[0]
        across = left + (columns + 0.5) * (right - left) / n
        up = bottom + (rows + 0.5) * (top - bottom) / n
        for place, k in ((across, along[0]), (up, along[1])):
            low, high = corners[:, k].min(), corners[:, k].max()
            # The block ends at a voxel of 2 mm, and its rim is interpolated over another.
            assert place.min() == pytest.approx(low, abs=2)
            assert place.max() == pytest.approx(high, abs=2)
        expected = corners[:, along]
        assert np.allclose(np.sort(section.outline_mm.min(axis=0)), np.sort(expected.min(axis=0)))
        assert np.allclose(np.sort(section.outline_mm.max(axis=0)), np.sort(expected.max(axis=0)))


def test_a_section_outside_of_the_image_is_black():
    cut = sections(np.ones((5, 5, 5), np.float32), np.eye(4), voxel_corners(np.eye(4), (90, 90, 90)))
    assert all(not section.pixels.any() for section in cut)


def test_the_page_has_the_table_and_the_lines_of_the_voxel(many):
    voxel = a_voxel(many)
    figure = Figure()
    page = page_of(many, voxel)
    draw_page(figure, page, Style("NAA+NAAG"))
    table = next(child for axes in figure.axes for child in axes.get_children() if isinstance(child, Table))
    cells = table.get_celld()
    rows = [[cells[n, k].get_text().get_text() for k in range(len(page.table.heads()))] for n in range(4)]
    assert rows == [list(row) for row in (page.table.heads(), *page.table.texts()[:3])]
    drawn = {line.get_label(): line.get_ydata() for line in figure.axes[0].get_lines()}
    assert np.array_equal(drawn["data"], page.trace.lines.data)
    assert any("NAA+NAAG" in label for label in drawn)
    # The flipped axis has the right of the patient on the left.
    axial = figure.axes[3]
    assert axial.get_xlim()[0] > axial.get_xlim()[1]
    # Nothing lies below the end of the paper.
    renderer = FigureCanvasAgg(figure).get_renderer()
    ends = [text.get_window_extent(renderer) for text in figure.texts]
    assert min(end.y0 for end in ends) > 0
    assert max(end.x1 for end in ends) < figure.bbox.x1
    assert "more lines" in figure.texts[-1].get_text()


@pytest.mark.parametrize("ending", ["pdf", "png"])
def test_a_page_is_one_page(many, tmp_path, ending):
    path = tmp_path / f"page.{ending}"
    save_page(page_of(many, a_voxel(many)), Style(), path)
    content = path.read_bytes()
    if ending == "png":
        from matplotlib.image import imread

        assert imread(path).shape[:2] == (2338, 1654)
    else:
        assert content.startswith(b"%PDF")
        assert content.count(b"/Type /Page ") + content.count(b"/Type /Page\n") == 1


@pytest.mark.parametrize(
    ("name", "reason"), [("page.txt", "does not end in"), ("none/page.pdf", "cannot be")]
)
def test_a_page_that_cannot_be_written_is_refused(many, tmp_path, name, reason):
    with pytest.raises(OutputError, match=reason):
        save_page(page_of(many, a_voxel(many)), Style(), tmp_path / name)
