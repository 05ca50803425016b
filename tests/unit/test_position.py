"""Masks and tissue images in either place of the data, flipped, or of fractions."""

import itertools
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest

from fsl_mrs_dl.data import MRSData
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.io.position import apart_mm, places, position, smallest_side
from fsl_mrs_dl.io.volumes import read_mask, read_volume

GRID = (4, 3, 2)
TURN = np.radians(10)
HERE = np.array(
    [
        [9 * np.cos(TURN), -11 * np.sin(TURN), 0, 10],
        [9 * np.sin(TURN), 11 * np.cos(TURN), 0, -20],
        [0, 0, 15, 5],
        [0, 0, 0, 1],
    ]
)
MOVED = HERE + np.array([[0, 0, 0, 30.0], [0] * 4, [0] * 4, [0] * 4])
CHOSEN = np.arange(24).reshape(GRID) % 5 == 1  # no symmetry


def saved(path, values, affine, **forms):
    """Save an image, with qform and sform of their own if given (None: not set)."""
    image = nib.Nifti1Image(values, affine)
    for name, form in forms.items():
        getattr(image.header, f"set_{name}")(
            form if form is not None else np.eye(4), code=int(form is not None)
        )
    nib.save(image, path)
    return path


def scan(path, qform, sform):
    fid = np.exp(-np.arange(32) / 9).astype(complex) * np.ones((*GRID, 1))
    nifti.write(MRSData(fid, 5e-4, 123.2, affine=HERE), path)
    image = nib.load(path)
    for name, form in (("qform", qform), ("sform", sform)):
        getattr(image.header, f"set_{name}")(
            form if form is not None else np.eye(4), code=int(form is not None)
        )
    nib.save(nib.Nifti2Image(np.asarray(image.dataobj), None, image.header), path)
    return nifti.read(path)


@pytest.mark.parametrize(
    ("qform", "sform", "taken"),
    [(HERE, HERE, HERE), (HERE, None, HERE), (None, MOVED, MOVED), (HERE, MOVED, HERE)],
)
def test_the_qform_is_where_data_lie_and_a_sform_elsewhere_is_told(qform, sform, taken, tmp_path):
    data = scan(tmp_path / "a.nii.gz", qform, sform)
    np.testing.assert_allclose(data.affine, taken, atol=1e-5)
    differ = qform is not None and sform is not None and qform is not sform
    told = [note for note in data.notes if "its sform puts it up to 30.0 mm from its qform" in note]
    assert len(told) == differ
    assert len(places(data)) == 1 + differ
    nifti.write(data, tmp_path / "b.nii.gz")
    again = nifti.read(tmp_path / "b.nii.gz")
    assert len(places(again)) == 1 + differ
    for form, kept in zip(places(data), places(again), strict=True):
        np.testing.assert_allclose(kept, form, atol=1e-5)


def test_data_without_position_take_a_mask_of_any(tmp_path):
    data = scan(tmp_path / "a.nii.gz", None, None)
    assert data.affine is None
    mask = saved(tmp_path / "m.nii.gz", CHOSEN.astype(np.uint8), MOVED)
    np.testing.assert_array_equal(read_mask(mask, GRID, places(data)), CHOSEN)


@pytest.mark.parametrize("where", [HERE, MOVED])
def test_a_mask_at_either_place_is_used(where, tmp_path, caplog):
    data = scan(tmp_path / "a.nii.gz", HERE, MOVED)
    mask = saved(tmp_path / "m.nii.gz", CHOSEN.astype(np.uint8), where)
    np.testing.assert_array_equal(read_mask(mask, GRID, places(data)), CHOSEN)
    assert ("where the sform of the data is" in caplog.text) == (where is MOVED)


def test_a_mask_one_of_whose_places_fits_is_used_and_one_at_none_is_refused(tmp_path):
    data = scan(tmp_path / "a.nii.gz", HERE, HERE)
    either = saved(tmp_path / "m.nii.gz", CHOSEN.astype(np.uint8), HERE, qform=MOVED, sform=HERE)
    np.testing.assert_array_equal(read_mask(either, GRID, places(data)), CHOSEN)
    unknown = saved(tmp_path / "u.nii.gz", CHOSEN.astype(np.uint8), HERE, qform=None, sform=None)
    np.testing.assert_array_equal(read_mask(unknown, GRID, places(data)), CHOSEN)
    elsewhere = saved(tmp_path / "e.nii.gz", CHOSEN.astype(np.uint8), MOVED)
    with pytest.raises(DataError, match=r"in another place, up to 30\.0 mm off"):
        read_mask(elsewhere, GRID, places(data))


def turned(values, affine, order, flips):
    """Return the same image with its axes in another order and direction, voxel by voxel."""
    shape = tuple(values.shape[axis] for axis in order)
    made = np.empty(shape, dtype=values.dtype)
    back = np.eye(4)  # new index -> old index
    back[:3, :3] = 0
    for new, (old, flip) in enumerate(zip(order, flips, strict=True)):
        back[old, new] = -1 if flip else 1
        back[old, 3] = values.shape[old] - 1 if flip else 0
    for index in np.ndindex(shape):
        made[index] = values[tuple((back @ [*index, 1])[:3].astype(int))]
    return made, affine @ back


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
@pytest.mark.parametrize(
    "flips", [(False, False, False), (True, False, False), (True, True, False), (False, True, True)]
)
def test_a_mask_with_turned_axes_is_turned_back(order, flips, tmp_path):
    data = scan(tmp_path / "a.nii.gz", HERE, HERE)
    values, affine = turned(CHOSEN.astype(np.uint8), HERE, order, flips)
    mask = saved(tmp_path / "m.nii.gz", values, affine)
    np.testing.assert_array_equal(read_mask(mask, GRID, places(data)), CHOSEN)
    # The same numbers with an affine that turns nothing are another mask.
    if order == (0, 1, 2) and any(flips):
        plain = saved(tmp_path / "p.nii.gz", values, HERE)
        np.testing.assert_array_equal(read_mask(plain, GRID, places(data)), values != 0)


def test_fractions_count_where_they_are_not_zero_and_are_told(tmp_path, caplog):
    share = np.where(CHOSEN, 0.4, 0.0).astype(np.float32)
    share[0, 0, 0] = np.nan
    np.testing.assert_array_equal(read_mask(saved(tmp_path / "m.nii.gz", share, HERE), GRID, [HERE]), CHOSEN)
    assert f"holds 0.4 to 0.4: every voxel that is not 0 counts, {CHOSEN.sum()} in all" in caplog.text
    caplog.clear()
    read_mask(saved(tmp_path / "b.nii.gz", CHOSEN.astype(np.uint8), HERE), GRID, [HERE])
    assert caplog.text == ""
    with pytest.raises(DataError, match="is zero in every voxel"):
        read_mask(saved(tmp_path / "z.nii.gz", 0 * share, HERE), GRID, [HERE])


@pytest.mark.parametrize("name", ["m.nii", "m.nii.gz", "m.img", "m.mgz"])
def test_a_mask_of_another_format_is_read(name, tmp_path):
    if name.endswith("mgz"):
        nib.save(nib.MGHImage(CHOSEN.astype(np.uint8), HERE), tmp_path / name)
    else:
        saved(tmp_path / name, CHOSEN.astype(np.uint8)[..., None], HERE)
    np.testing.assert_array_equal(read_mask(tmp_path / name, GRID, [HERE]), CHOSEN)


def test_images_of_other_shapes_and_kinds_are_refused(tmp_path):
    for name, values in {
        "colour": np.zeros(GRID, dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")]),
        "complex": np.zeros(GRID, dtype=np.complex64),
        "larger": np.zeros((5, 3, 2), dtype=np.float32),
        "several": np.zeros((*GRID, 2), dtype=np.float32),
    }.items():
        path = saved(tmp_path / f"{name}.nii.gz", values, HERE)
        with pytest.raises(DataError, match="the data's grid"):
            read_volume(path, GRID, "mask", [HERE])


def test_a_place_that_no_rotation_gives_is_not_known(tmp_path):
    data = scan(tmp_path / "a.nii.gz", HERE, HERE)
    header = data.nifti_header.copy()
    header["quatern_b"] = header["quatern_c"] = 2.0
    header["sform_code"] = 0
    again = nifti.read(tmp_path / "a.nii.gz")
    assert places(replace(again, nifti_header=header))  # not an error


def test_two_places_of_a_grid_are_as_far_apart_as_their_farthest_corners():
    """Voxels 0.5 mm longer along x lie 0.5, 1.0 and 1.5 mm off; a shift of 2 mm along y adds at right angles."""
    one, other = np.diag([9.0, 11.0, 15.0, 1.0]), np.diag([9.5, 11.0, 15.0, 1.0])
    assert apart_mm(one, other, GRID) == pytest.approx(1.5)
    assert apart_mm(one, other, (1, 3, 2)) == 0
    other[1, 3] = 2.0
    assert apart_mm(one, other, GRID) == pytest.approx(2.5)
    assert apart_mm(one, np.diag([9.0, 10.75, 15.0, 1.0]), GRID) == pytest.approx(0.5)
    assert apart_mm(one, np.diag([9.0, 11.0, 14.25, 1.0]), GRID) == pytest.approx(0.75)


def test_the_shortest_side_of_a_voxel_is_that_along_its_own_axes():
    """An axis of 3, 4, 0 mm has 5 mm; the rows of the matrix have other lengths, and the shift has none."""
    affine = np.array([[3.0, -8, 0, 1], [4, 6, 0, 2], [0, 0, 7, 3], [0, 0, 0, 1]])
    assert smallest_side(affine) == pytest.approx(5.0)


@pytest.mark.parametrize(("moved_mm", "told"), [(0.89, False), (0.91, True)])
def test_a_sform_within_a_tenth_of_the_shortest_side_is_the_same_place(moved_mm, told):
    header = nib.Nifti1Header()
    header.set_qform(HERE, code=1)
    header.set_sform(HERE + np.outer([0, 0, 1, 0], [0, 0, 0, moved_mm]), code=1)
    assert (position(header, GRID).other is not None) == told


@pytest.mark.parametrize("third", [0.0, np.nan])
def test_a_sform_without_volume_is_no_place(third):
    header = nib.Nifti1Header()
    header.set_sform(np.diag([9.0, 11.0, third, 1.0]), code=1)
    assert position(header, GRID).affine is None
    header.set_sform(np.diag([0.1, 0.1, 0.1, 1.0]), code=1)  # of a mouse
    np.testing.assert_allclose(position(header, GRID).affine, np.diag([0.1, 0.1, 0.1, 1.0]))
