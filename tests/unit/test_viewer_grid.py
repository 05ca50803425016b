"""The grid of small spectra: right voxel, right cell, right frame, over the right place of the anatomy."""

import numpy as np
import pytest
import viewer_results
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from fsl_mrs_dl.data import VERDICTS
from fsleyes_plugin.model.curves import AS_FITTED
from fsleyes_plugin.model.masks import verdict_masks
from fsleyes_plugin.model.spectra_grid import Cell, anatomy_below, cells, window_around
from fsleyes_plugin.plots.grid_figure import draw_grid
from fsleyes_plugin.session import Fit, Session

WINDOW = (slice(4, 10), slice(5, 11))


@pytest.fixture(scope="module")
def many() -> Fit:
    return Session().open(viewer_results.mrsi())


def test_a_window_stays_inside_of_the_grid():
    assert window_around((0, 15, 0), (16, 16, 1), 8) == (slice(0, 8), slice(8, 16))
    assert window_around((8, 8, 0), (16, 16, 1), 8) == (slice(4, 12), slice(4, 12))
    assert window_around((2, 2, 0), (5, 5, 1), 8) == (slice(0, 5), slice(0, 5))


def test_cells_are_the_curves_of_their_voxels(many):
    drawn = cells(many.curves, many.maps, 0, WINDOW, AS_FITTED)
    inside = np.zeros(many.grid, dtype=bool)
    inside[WINDOW[0], WINDOW[1]] = True
    assert {cell.voxel for cell in drawn} == {
        tuple(int(i) for i in place) for place in np.argwhere(inside & many.maps.fitted())
    }
    tops = {}
    for cell in drawn:
        lines = many.curves.lines(cell.voxel)
        shown = (lines.ppm >= lines.limits_ppm[0]) & (lines.ppm <= lines.limits_ppm[1])
        data = lines.data + lines.ground
        tops[cell.voxel] = np.abs(data[shown] - _ground(many, cell.voxel)).max()
        assert np.abs(cell.data).max() > 0
    highest = max(tops.values())
    for cell in drawn:
        assert np.abs(cell.data).max() == pytest.approx(tops[cell.voxel] / highest, rel=1e-6)
    assert max(np.abs(cell.data).max() for cell in drawn) == pytest.approx(1)


def _ground(fit, voxel):
    """Half of the first point of the data in the frame of the fit, as a causal signal has it everywhere."""
    from fsl_mrs_dl.physics import first_order_phase, phase

    frame = fit.curves.known_frame(voxel)
    turned = first_order_phase(
        phase(fit.curves.measured(voxel), -frame.phase_rad),
        -frame.delay_s,
        fit.one.dwelltime_s,
        frame.first_hz,
    )
    return turned[0].real / 2 / np.sqrt(len(turned))


def test_verdicts_of_cells_and_masks_are_those_of_the_map(many):
    codes = many.maps.file("verdict").values.reshape(many.grid)
    for cell in cells(many.curves, many.maps, 0, WINDOW, AS_FITTED):
        assert VERDICTS[cell.verdict].code == codes[cell.voxel]
    masks = verdict_masks(many.maps)
    assert list(masks) == ["good", "usable", "unusable"]
    assert np.array_equal(sum(mask.astype(int) for mask in masks.values()), many.maps.fitted().astype(int))


def test_the_anatomy_lies_below_its_voxels():
    """An image that is bright in one voxel of the grid, on axes that are swapped: bright in that cell alone."""
    grid_affine = np.array([[10.0, 0, 0, -40], [0, 10, 0, -30], [0, 0, 10, 0], [0, 0, 0, 1]])
    affine = np.array([[0, -2.0, 0, 60], [2, 0, 0, -60], [0, 0, 2, -10], [0, 0, 0, 1]])
    shape = (60, 60, 10)
    world = np.moveaxis(np.indices(shape), 0, -1) @ affine[:3, :3].T + affine[:3, 3]
    centre = (grid_affine @ [6, 2, 0, 1])[:3]
    image = (np.abs(world - centre)[..., :2] < 5).all(axis=-1).astype(np.float32)
    window = (slice(4, 8), slice(1, 4))
    below = anatomy_below(image, affine, grid_affine, 0, window)
    means = below.reshape(4, below.shape[0] // 4, 3, below.shape[1] // 3).mean(axis=(1, 3))
    assert means[2, 1] > 0.8
    assert means.sum() - means[2, 1] < 0.3


@pytest.mark.parametrize("directions", [(1, 1), (-1, 1), (1, -1)])
def test_spectra_stand_upright_in_their_cells(directions):
    rising = np.linspace(0, 1, 50)  # from high to low chemical shift
    picture = [Cell((4, 7, 0), rising, rising / 2, "good"), Cell((5, 7, 0), rising, rising, "unusable")]
    figure = Figure()
    colours = {"good": (0, 1, 0), "usable": (1, 1, 0), "unusable": (1, 0, 0)}
    axes = draw_grid(figure, picture, (slice(3, 7), slice(5, 9)), None, colours, directions)
    data, _, frames = (child for child in axes.collections if isinstance(child, LineCollection))
    on_screen = axes.transData.transform(data.get_segments()[0])
    assert (np.diff(on_screen[:, 0]) > 0).all()
    assert (np.diff(on_screen[:, 1]) >= 0).all()
    segment = data.get_segments()[0]
    assert (np.abs(segment - (4, 7)) < 0.5).all()
    assert [tuple(colour[:3]) for colour in frames.get_colors()] == [(0, 1, 0), (1, 0, 0)]
