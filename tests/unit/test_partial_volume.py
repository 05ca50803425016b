"""Partial volumes against geometry: halves, corners of a turned voxel, ramps, a voxel at the rim of the image."""

import numpy as np
import pytest

from fsl_mrs_dl.physics.partial_volume import coverage, mean_in_voxels, spread_points

SIDE = 20.0  # of a voxel, in mm
T1_SHAPE = (50, 48, 44)
T1 = np.array([[1.0, 0, 0, -24.5], [0, 1, 0, -23.5], [0, 0, 1, -21.5], [0, 0, 0, 1]])
"""An image of 1 mm whose middle is at 0; the edges of its voxels are at whole mm."""


def turn(degrees, axis):
    """Return a rotation about an axis, shape (4, 4)."""
    angle, whole = np.radians(degrees), np.eye(4)
    a, b = (k for k in range(3) if k != axis)
    whole[[a, a, b, b], [a, b, a, b]] = [np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)]
    return whole


@pytest.mark.parametrize(("log2", "error"), [(12, 0.008), (18, 0.0015)])
def test_a_plane_in_any_direction_divides_the_points_by_volume(log2, error, rng):
    points = spread_points(log2)
    for direction in [*rng.normal(size=(60, 3)), [1, 1, 0], [1, 0, -1], [0, 1, 1]]:
        assert ((points @ direction) > 0).mean() == pytest.approx(0.5, abs=error)


def moved(shift):
    whole = np.eye(4)
    whole[:3, 3] = shift
    return whole


def scaled(sides):
    return np.diag([*sides, 1.0])


def beyond(x_mm):
    """Return an image that is 1 where x is above a whole number of mm."""
    x = T1[0, 0] * np.arange(T1_SHAPE[0]) + T1[0, 3]
    return np.broadcast_to((x > x_mm)[:, None, None], T1_SHAPE).astype(float)[None]


def share(images, voxel, grid=(1, 1, 1), image=T1):
    return mean_in_voxels(images, np.linalg.inv(image) @ voxel, grid)


@pytest.mark.parametrize("boundary_mm", [-7, 0, 3, 9])
def test_a_plane_parallel_to_the_voxel(boundary_mm):
    means, inside = share(beyond(boundary_mm), scaled([SIDE] * 3))
    assert means.item() == pytest.approx((SIDE / 2 - boundary_mm) / SIDE, abs=1e-3)
    assert inside.item() == 1


@pytest.mark.parametrize("boundary_mm", [-5, 0, 4, 10])
@pytest.mark.parametrize("axis", [1, 2])
def test_a_voxel_turned_by_45_degrees_loses_a_corner(boundary_mm, axis):
    """Its section is a square on its tip: the triangle beyond d of its centre has the area (s / sqrt 2 - d)^2."""
    means, _ = share(beyond(boundary_mm), turn(45, axis) @ scaled([SIDE] * 3))
    triangle = (SIDE / np.sqrt(2) - abs(boundary_mm)) ** 2 / SIDE**2
    assert means.item() == pytest.approx(triangle if boundary_mm >= 0 else 1 - triangle, abs=2e-3)


def test_a_voxel_of_other_sides_and_a_turned_image_give_the_same():
    """Only where voxel and image lie to each other counts: turn and move both."""
    sides, both = [30.0, 12.0, 18.0], moved([5, -80, 33]) @ turn(28, 0) @ turn(-13, 2)
    voxel = moved([2.0, 1.0, -3.0]) @ turn(20, 1) @ scaled(sides)
    here, _ = share(beyond(1), voxel)
    there, _ = share(beyond(1), both @ voxel, image=both @ T1)
    assert here == pytest.approx(there, abs=1e-4)
    # The plane cuts both long sides, so that the rest is a trapezium, its middle 1 mm / cos 20 from the centre.
    assert here.item() == pytest.approx(0.5 + (2.0 - 1.0) / (30.0 * np.cos(np.radians(20))), abs=2e-3)


def test_every_voxel_of_a_turned_grid_has_the_value_of_a_ramp_at_its_centre():
    """The mean of what is linear in space is its value at the centre; steps of 1 mm leave 0.5 % of its range."""
    grid, voxel = (3, 2, 2), moved([-8, -4, -5]) @ turn(30, 2) @ turn(15, 0) @ scaled([7, 8, 9])
    world = np.einsum("ij,jxyz->ixyz", T1[:3, :3], np.indices(T1_SHAPE)) + T1[:3, 3, None, None, None]
    ramps = 0.5 + world / 100
    means, inside = share(ramps, voxel, grid)
    for index in np.ndindex(grid):
        centre = (voxel @ [*index, 1])[:3]
        np.testing.assert_allclose(means[:, *index], 0.5 + centre / 100, atol=2e-4)
    assert (inside == 1).all()


@pytest.mark.parametrize("outside_mm", [0, 6, 20])
def test_what_lies_outside_of_the_image_counts_as_zero(outside_mm):
    voxel = moved([25 - SIDE / 2 + outside_mm, 0, 0]) @ scaled([SIDE] * 3)
    means, inside = share(np.ones((1, *T1_SHAPE)), voxel)
    assert inside.item() == pytest.approx(1 - outside_mm / SIDE, abs=1e-3)
    assert means.item() == pytest.approx(inside.item(), abs=1e-12)


@pytest.mark.parametrize("degrees", [0, 45, 17])
def test_the_mask_has_the_volume_of_the_voxel_and_is_its_weight(degrees, rng):
    voxel = moved([1.3, -0.4, 2.2]) @ turn(degrees, 2) @ turn(degrees / 2, 0) @ scaled([20, 14, 16])
    mask = coverage(T1_SHAPE, np.linalg.inv(voxel) @ T1, (1, 1, 1))
    assert mask.sum() == pytest.approx(20 * 14 * 16, rel=2e-3)
    assert (mask.min(), mask.max()) == (0, 1)
    centre = np.einsum("xyz,jxyz->j", mask, np.indices(T1_SHAPE)) / mask.sum()
    np.testing.assert_allclose((T1 @ [*centre, 1])[:3], voxel[:3, 3], atol=0.02)  # of 256 points at an edge
    # The mean of any image over the voxel, by the mask and by points in the voxel.
    image = rng.random((1, *T1_SHAPE))
    means, _ = share(image, voxel)
    assert means.item() == pytest.approx((image[0] * mask).sum() / mask.sum(), abs=1e-3)


def test_the_mask_of_a_grid_is_that_of_all_its_voxels():
    voxel = moved([-6, -6, 0]) @ turn(25, 2) @ scaled([6, 6, 10])
    whole = coverage(T1_SHAPE, np.linalg.inv(voxel) @ T1, (3, 2, 1))
    parts = sum(
        coverage(T1_SHAPE, np.linalg.inv(voxel @ moved(index)) @ T1, (1, 1, 1))
        for index in np.ndindex(3, 2, 1)
    )
    np.testing.assert_allclose(whole, parts, atol=0.03)  # 256 points at an edge, which three voxels may share


def test_a_voxel_outside_of_the_image_covers_nothing():
    voxel = moved([500, 0, 0]) @ scaled([SIDE] * 3)
    assert not coverage(T1_SHAPE, np.linalg.inv(voxel) @ T1, (1, 1, 1)).any()


def test_the_points_fill_the_cube_about_the_origin():
    points = spread_points(10)
    assert points.shape == (1024, 3)
    np.testing.assert_allclose(
        points.mean(axis=0), 0, atol=5e-3
    )  # of random points: 0.29 / sqrt(1024) = 9e-3
    np.testing.assert_allclose((points**2).mean(axis=0), 1 / 12, atol=1e-3)
    assert abs(points).max() < 0.5
