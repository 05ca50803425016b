"""What is taken for a water reference, and tissue images on the grid of the data."""

import nibabel as nib
import numpy as np
import pytest

from fsl_mrs_dl.data import MRSData
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.fit.quantification import looks_like_water, metabolites_in_water
from fsl_mrs_dl.io.volumes import read_fractions
from fsl_mrs_dl.physics import add_noise, singlet

N, DT, F0 = 2048, 4e-4, 123.25
ONE = np.zeros((1, 3), dtype=int)
NAA, CR, CHO = (2.01, 30.0), (3.03, 24.0), (3.22, 14.0)


def scan(water, lines, rng, water_hz=4.0):
    """Return lines of 6 Hz beside water of some heights of NAA; the noise is a thousandth of the water's."""
    like = np.zeros(1, dtype=complex)
    fid = sum(
        (h * singlet(N, DT, (ppm - 4.65) * F0, 19.0, 0.0, like) for ppm, h in lines), np.zeros(N, complex)
    )
    fid = fid + water * NAA[1] * water_hz / 6 * singlet(N, DT, 0.0, np.pi * water_hz, 0.0, like)
    noisy = add_noise(fid[None], 0.6, rng)
    return MRSData(noisy.reshape(1, 1, 1, N), DT, F0)


@pytest.mark.parametrize("heights", [10, 25, 40])
def test_a_scan_of_metabolites_with_much_water_is_told(heights, rng):
    assert metabolites_in_water(scan(heights, [NAA, CR, CHO], rng), ONE)


def test_a_reference_holds_metabolites_but_a_thousand_times_as_much_water(rng):
    assert not metabolites_in_water(scan(1000, [NAA, CR, CHO], rng), ONE)


@pytest.mark.parametrize("lines", [[], [NAA], [CR, CHO], [(1.3, 60.0)]])
def test_water_alone_and_with_other_lines_is_a_reference(lines, rng):
    assert not metabolites_in_water(scan(40, lines, rng), ONE)


def test_tissue_images_must_lie_where_the_data_lie(tmp_path):
    grid, affine = (4, 3, 2), np.diag([10.0, 10.0, 15.0, 1.0])
    moved = affine.copy()
    moved[0, 3] = 7.0
    for where, place in (("here", affine), ("there", moved)):
        for name, share in (("wm", 0.6), ("gm", 0.3), ("csf", 0.1)):
            image = nib.Nifti1Image(np.full(grid, share, dtype=np.float32), place)
            nib.save(image, tmp_path / f"{where}_{name}.nii.gz")
    here, there = (
        [str(tmp_path / f"{where}_{name}.nii.gz") for name in ("wm", "gm", "csf")]
        for where in ("here", "there")
    )
    assert read_fractions(here, grid, [affine])["WM"] == pytest.approx(0.6)
    with pytest.raises(DataError, match=r"--tissue_frac: .*in another place, up to 7\.0 mm off"):
        read_fractions(there, grid, [affine])


@pytest.mark.parametrize(
    ("heights", "lines", "alone"),
    [
        (1000, [], True),
        (1000, [NAA, CR, CHO], True),
        (150, [NAA, CR, CHO], False),
        (5, [NAA, CR, CHO], False),
    ],
)
def test_data_are_water_alone_where_it_is_400_times_as_high_as_the_rest(heights, lines, alone, rng):
    assert looks_like_water(scan(heights, lines, rng), ONE) == alone


def test_noise_alone_is_no_water(rng):
    assert not looks_like_water(scan(0, [], rng), ONE)


@pytest.mark.parametrize(("factor", "median"), [(100.0, "100"), (0.5, "0.5")])
def test_fractions_in_percent_are_refused_and_a_voxel_outside_of_the_tissue_is_not(factor, median, tmp_path):
    grid, affine = (4, 3, 2), np.diag([10.0, 10.0, 15.0, 1.0])
    tissue = np.ones(grid, dtype=np.float32)
    tissue[0] = 0  # outside of the head
    names = []
    for name, share in (("wm", 0.6), ("gm", 0.3), ("csf", 0.1)):
        nib.save(nib.Nifti1Image(share * tissue, affine), tmp_path / f"{name}.nii.gz")
        nib.save(nib.Nifti1Image(factor * share * tissue, affine), tmp_path / f"{name}_wrong.nii.gz")
        names.append(str(tmp_path / f"{name}.nii.gz"))
    found = read_fractions(names, grid, [affine])["GM"]
    np.testing.assert_allclose(found[1:], 0.3, rtol=1e-6)
    assert np.isnan(found[0]).all()
    with pytest.raises(DataError, match=f"of no voxel add up to 1, the median is {median};"):
        read_fractions([name.replace(".nii", "_wrong.nii") for name in names], grid, [affine])
