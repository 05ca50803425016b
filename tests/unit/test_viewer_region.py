"""Mean spectra of regions, mirrored voxels, and ratios by name, against truths made here."""

from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest
import viewer_results
from viewer_results import a_voxel

from fsl_mrs_dl.data import MRSData
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.physics import correct
from fsleyes_plugin.model.maps import MapChoice
from fsleyes_plugin.model.mirror import Mirror, midline, mirror_axis, side_by_side
from fsleyes_plugin.model.ratios import ratios
from fsleyes_plugin.model.region import Averaging, mean_spectrum, shares_of
from fsleyes_plugin.model.scan import Scan
from fsleyes_plugin.session import Fit, Session

POINTS, STEP_S, MHZ = 512, 8e-4, 123.2
AFFINE = np.array([[10.0, 0, 0, -30], [0, 10, 0, -20], [0, 0, 15, 4], [0, 0, 0, 1]])
AS_IS = Averaging(aligned=False, weighted=False)


@pytest.fixture(scope="module")
def many() -> Fit:
    return Session().open(viewer_results.mrsi())


def lines():
    """Three lines where creatine, NAA and choline are, in Hz from 4.65 ppm."""
    time_s = np.arange(POINTS) * STEP_S
    places_hz = (np.array([3.03, 2.01, 3.21]) - 4.65) * MHZ
    return np.exp((2j * np.pi * places_hz - 15.0)[:, None] * time_s).sum(axis=0)


def scan(tmp_path, shifts_hz, phases_rad, noise, rng):
    """Write a grid of 5 x 4 x 1 voxels with one signal, moved and turned, in noise of known SD."""
    shape = (5, 4, 1)
    moved = correct(np.broadcast_to(lines(), (*shape, POINTS)), -shifts_hz, -phases_rad, STEP_S)
    drawn = rng.normal(size=(*shape, POINTS)) + 1j * rng.normal(size=(*shape, POINTS))
    fid = (moved + noise[..., None] * drawn).astype(np.complex128)
    path = tmp_path / "grid.nii.gz"
    nifti.write(MRSData(fid, STEP_S, MHZ, affine=AFFINE), path)
    return Scan(path), fid


def test_the_plain_mean_is_that_of_the_file(tmp_path, rng):
    zero = np.zeros((5, 4, 1))
    grid, _ = scan(tmp_path, zero, zero, zero + 0.1, rng)
    mask = np.zeros((5, 4, 1), dtype=bool)
    mask[1:3, 2:4] = True
    mean = mean_spectrum(grid, mask, AS_IS)
    stored = nifti.read(tmp_path / "grid.nii.gz").fid
    np.testing.assert_allclose(mean.fid[0, 0, 0], stored[1:3, 2:4, 0].mean(axis=(0, 1)), rtol=1e-6)
    # Its voxel is the box of the region: 1 to 2 along x, 2 to 3 along y.
    corners = mean.affine @ np.array([[-0.5, -0.5, -0.5, 1], [0.5, 0.5, 0.5, 1]]).T
    expected = AFFINE @ np.array([[0.5, 1.5, -0.5, 1], [2.5, 3.5, 0.5, 1]]).T
    np.testing.assert_allclose(corners, expected)
    assert "voxels=[[1, 2, 0], [1, 3, 0], [2, 2, 0], [2, 3, 0]]" in mean.processing[-1]["Details"]


def test_aligned_voxels_add_up(tmp_path, rng):
    """Shifts of up to 8 Hz and any phase: the mean of the aligned voxels is as high as one of them."""
    shifts = rng.uniform(-8, 8, (5, 4, 1))
    phases = rng.uniform(-3, 3, (5, 4, 1))
    grid, _ = scan(tmp_path, shifts, phases, np.full((5, 4, 1), 0.02), rng)
    everywhere = np.ones((5, 4, 1), dtype=bool)
    alone = np.abs(np.fft.fft(lines())).max()
    apart, together = (
        np.abs(np.fft.fft(mean_spectrum(grid, everywhere, Averaging(aligned=aligned)).fid[0, 0, 0])).max()
        for aligned in (False, True)
    )
    assert apart < 0.5 * alone
    assert together == pytest.approx(alone, rel=0.02)


def test_weights_are_inverse_variances(tmp_path, rng):
    """Noise of the weighted mean: SD 1 / sqrt(sum of 1 / SD^2) (Gauss-Markov); equal weights are worse."""
    noise = np.where(np.arange(20).reshape(5, 4, 1) % 2, 0.5, 0.05)
    zero = np.zeros((5, 4, 1))
    grid, _ = scan(tmp_path, zero, zero, noise, rng)
    everywhere = np.ones((5, 4, 1), dtype=bool)

    def left(weighted):
        mean = mean_spectrum(grid, everywhere, Averaging(aligned=False, weighted=weighted)).fid[0, 0, 0]
        return float((mean - lines()).real.std())

    best = (noise**-2.0).sum() ** -0.5
    # The SD of 512 points is known to 1 / sqrt(2 * 512), about 3 %; the weights to about as much.
    assert left(weighted=True) == pytest.approx(best, rel=0.15)
    assert left(weighted=False) == pytest.approx(np.sqrt((noise**2).sum()) / 20, rel=0.15)


def test_the_voxels_of_a_fit_are_aligned_by_their_fits(many):
    """Each fit says where its lines are: the mean over ten voxels has creatine at 3.03 ppm, in absorption."""
    mask = np.zeros(many.grid, dtype=bool)
    for place in np.argwhere(many.maps.fitted())[20:30]:
        mask[tuple(place)] = True
    mean = mean_spectrum(many, mask, Averaging())
    assert "aligned=by their fits" in mean.processing[-1]["Details"]
    spectrum = np.fft.fftshift(np.fft.fft(mean.fid[0, 0, 0]))
    near = (mean.ppm_axis > 2.9) & (mean.ppm_axis < 3.15)
    top = mean.ppm_axis[near][spectrum[near].real.argmax()]
    assert top == pytest.approx(3.03, abs=0.02)
    assert abs(spectrum[near][spectrum[near].real.argmax()].imag) < 0.3 * spectrum[near].real.max()
    # And as it was measured: data are fit and residual.
    voxel = a_voxel(many)
    alone = np.zeros(many.grid, dtype=bool)
    alone[voxel] = True
    fit, residual = (nifti.read(many.folder.curve(kind)).fid[voxel] for kind in ("fit", "residual"))
    np.testing.assert_allclose(mean_spectrum(many, alone, AS_IS).fid[0, 0, 0], fit + residual, rtol=1e-5)


def test_a_region_without_a_signal_is_refused(many):
    outside = ~many.maps.fitted()
    with pytest.raises(DataError, match="none with a signal"):
        mean_spectrum(many, outside, Averaging())


def test_shares_of_a_region_of_another_image(tmp_path, rng):
    """A half-space of 1 mm voxels whose border runs through the middle of the second column of voxels."""
    zero = np.zeros((5, 4, 1))
    grid, _ = scan(tmp_path, zero, zero, zero + 0.1, rng)
    image = np.zeros((80, 80, 40), dtype=np.uint8)
    affine = np.diag([1.0, 1, 1, 1])
    affine[:3, 3] = -45, -40, -10
    image[:25] = 1  # up to x = -20.5 mm; the second column of the grid reaches from -25 to -15 mm
    shares = shares_of(image, affine, grid)
    np.testing.assert_allclose(shares[0], 1, atol=0.01)
    np.testing.assert_allclose(shares[1], 0.45, atol=0.02)
    np.testing.assert_allclose(shares[2:], 0, atol=0.01)


def test_mirrored_voxels_and_regions():
    mirror = Mirror(0, 3.5)
    assert mirror.voxel((1, 2, 0), (8, 8, 1)) == (6, 2, 0)
    assert mirror.voxel(mirror.voxel((1, 2, 0), (8, 8, 1)), (8, 8, 1)) == (1, 2, 0)
    assert Mirror(0, 5).voxel((1, 2, 0), (8, 8, 1)) is None
    mask = np.zeros((8, 4, 1), dtype=bool)
    mask[0, 1], mask[1, 3] = True, True
    assert np.array_equal(mirror.mask(mask), mask[::-1])
    # The axis is that which runs from left to right, whatever its place in the file.
    turned = np.array([[0, 9.0, 0, 0], [8, 1, 0, 0], [0, 0, 10, 0], [0, 0, 0, 1]])
    assert mirror_axis(turned) == 1
    inside = np.zeros((4, 12, 1), dtype=bool)
    inside[:, 3:9] = True
    assert midline(turned, inside) == Mirror(1, 5.5)


def test_both_sides_stand_beside_each_other(many):
    tables = [
        many.table.at(tuple(int(i) for i in place), "raw")
        for place in np.argwhere(many.maps.fitted())[[20, 60]]
    ]
    rows = {row[0]: row[1:] for row in side_by_side(*tables)}
    here, there = (table.value("NAA+NAAG", "posterior_mean") for table in tables)
    assert float(rows["NAA+NAAG"][2]) == pytest.approx(here / there, rel=1e-3)
    assert rows["NAA+NAAG"][0] == next(row[1] for row in tables[0].texts() if row[0] == "NAA+NAAG")
    assert list(side_by_side(tables[0], replace(tables[1], columns=("value",)))) == []


def test_ratios_are_quotients_of_the_maps(many):
    known = ratios(many.maps, own=("Glu / GABA", "Glu / Nonsense"))
    assert list(known) == ["Cho/NAA", "Cho/Cr", "NAA/Cr", "Ins/NAA", "Glx/Cr", "Lac/NAA", "Glu / GABA"]
    assert known["Cho/NAA"] == MapChoice("posterior_mean", "GPC+PCh", "NAA+NAAG")
    values = many.maps.values(known["Cho/NAA"])
    files = [
        nib.load(many.folder.path / f"posterior/{name}_mean.nii.gz").get_fdata()
        for name in ("GPC+PCh", "NAA+NAAG")
    ]
    fitted = many.maps.fitted()
    expected = (files[0] / np.where(files[1] > 0, files[1], np.nan)).reshape(many.grid)
    np.testing.assert_allclose(values[fitted], expected[fitted], rtol=1e-5)
    plain = Session().open(viewer_results.mrsi_stiff())
    assert ratios(plain.maps)["NAA/Cr"] == MapChoice("raw", "NAA+NAAG", "Cr+PCr")
