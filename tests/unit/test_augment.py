"""New FIDs of old ones: what was drawn is what is found; marks travel; mixtures are refused."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from nifti_mrs.tools import merge, reorder, split

from fsl_mrs_dl.data import MRSData
from fsl_mrs_dl.errors import DataError, OptionError
from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.io.synthetic import synthetic_along
from fsl_mrs_dl.physics import singlet
from fsl_mrs_dl.scores import noise_sd
from fsl_mrs_dl.simulate.augment import apply_augmentation, draw_augmentation
from fsl_mrs_dl.simulate.distributions import Fixed, Uniform
from fsl_mrs_dl.simulate.recipe import AugmentationRecipe, read_recipe
from fsl_mrs_dl.steps.augment import augment
from fsl_mrs_dl.steps.average import average
from fsl_mrs_dl.train.augmentation import spectra_with
from fsl_mrs_dl.train.own_spectra import MeasuredSpectra, augmented
from fsl_mrs_dl.train.quantification_data import basis_of

N, DT, F0 = 1024, 5e-4, 123.2
QUIET = replace(
    AugmentationRecipe(),
    shift_hz=Fixed(3.0),
    phase_rad=Fixed(0.4),
    lorentzian_hz=Fixed(2.0),
    scale=Fixed(1.5),
    noise=Fixed(0.0),
    unstable_water=replace(AugmentationRecipe().unstable_water, probability=0.0),
    lipid=replace(AugmentationRecipe().lipid, probability=0.0),
    echo=replace(AugmentationRecipe().echo, probability=0.0),
)


def line(n: int = 1) -> np.ndarray:
    return np.repeat(singlet(N, DT, np.array([-200.0]), 10.0, 0.0, np.zeros(1, complex)), n, axis=0)


@pytest.fixture
def scan(rng: np.random.Generator) -> MRSData:
    noise = rng.standard_normal((2, N, 2, 6, 2))
    coils = np.array([1.0, 0.5j])
    fid = (line()[0][:, None, None, None] * coils[:, None, None] + 0.01 * (noise[0] + 1j * noise[1]))[
        None, None, None
    ]
    header = {"DIM_EDIT": {"header": {"EditCondition": ["ON", "OFF"]}}}
    return MRSData(
        fid, DT, F0, dim_tags=("DIM_COIL", "DIM_DYN", "DIM_EDIT"), dim_headers=header, name="scan.nii.gz"
    )


def test_a_dimension_that_nifti_mrs_does_not_know_is_refused():
    data = MRSData(line(4).reshape(1, 1, 1, N, 4), DT, F0, dim_tags=("DIM_DYN",))
    with pytest.raises(DataError, match="--dim is DIM_DAY; one of DIM_COIL, DIM_DYN"):
        augment(data, dim="DIM_DAY", keep=True)


def test_what_is_drawn_is_what_is_done(rng: np.random.Generator) -> None:
    drawn = draw_augmentation(QUIET, 3, 4.65, F0, rng)
    made = apply_augmentation(line(3), drawn, np.zeros(3), DT, rng)
    expected = (
        1.5 * np.exp(0.4j) * singlet(N, DT, np.array([-197.0]), 10.0 + 2 * np.pi, 0.0, np.zeros(1, complex))
    )
    np.testing.assert_allclose(made, np.repeat(expected, 3, axis=0), rtol=1e-10, atol=1e-12)


def test_drift_goes_from_first_to_last(rng: np.random.Generator) -> None:
    recipe = replace(QUIET, shift_hz=Fixed(0.0), drift=replace(QUIET.drift, ramp_hz=Fixed(12.0)))
    drawn = draw_augmentation(recipe, 5, 4.65, F0, rng)
    np.testing.assert_allclose(drawn["shift_hz"], [0, 3, 6, 9, 12])


def test_torch_gives_the_same(rng: np.random.Generator) -> None:
    import torch

    recipe = replace(
        AugmentationRecipe(),
        noise=Fixed(0.0),
        residual_water=replace(AugmentationRecipe().residual_water, probability=1.0),
    )
    drawn = draw_augmentation(recipe, 4, 4.65, F0, rng)
    here = apply_augmentation(line(4), drawn, np.zeros(4), DT, rng)
    fids = torch.from_numpy(line(4))
    there = apply_augmentation(fids, drawn, torch.zeros(4), DT, torch.Generator())
    np.testing.assert_allclose(there.numpy(), here, rtol=1e-9, atol=1e-9)


def test_coils_share_the_change_and_have_noise_of_their_own(scan: MRSData, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(
        "shift_hz = 4\nphase_deg = {uniform = [20, 20]}\nlorentzian_hz = 0\nscale = 1\nnoise = 1\n"
        "[unstable_water]\nprobability = 0\n[lipid]\nprobability = 0\n[echo]\nprobability = 0\n"
    )
    made = augment(scan, recipe=recipe, n=400).data
    assert made.fid.shape == (1, 1, 1, N, 2, 400, 2)
    mean = made.fid[0, 0, 0, :10].mean(axis=2)
    np.testing.assert_allclose(np.angle(mean[0, 0]), np.radians(20), atol=0.01)
    np.testing.assert_allclose(np.angle(mean[0, 1]), np.radians(110), atol=0.02)
    sd = noise_sd(np.moveaxis(made.fid[0, 0, 0], 0, -1), made.ppm_axis)
    # Own noise and as much again; the noise of one FID is known to 0.72 / sqrt(bins), their mean much better.
    np.testing.assert_allclose(sd.mean(axis=(1, 2)), 0.01 * np.sqrt(2), rtol=0.03)


def test_every_fid_is_marked_and_the_parents_are_named(scan: MRSData) -> None:
    made = augment(scan, keep=True, n=4, seed=3).data
    assert synthetic_along(made, "DIM_DYN").tolist() == [False] * 6 + [True] * 4
    np.testing.assert_array_equal(made.fid[..., :6, :], scan.fid)
    assert made.header["SyntheticData"]["parents"] == ["scan.nii.gz"]
    assert made.header["SyntheticData"]["seed"] == 3
    again = augment(made, n=2).data
    assert again.header["SyntheticData"]["before"]["seed"] == 3


def test_average_refuses_a_mixture(scan: MRSData) -> None:
    mixed = augment(scan, keep=True).data
    with pytest.raises(DataError, match="6 synthetic and 6 measured FIDs in DIM_DYN"):
        average(mixed)
    allowed = average(mixed, allow_synthetic=True).data
    assert "SyntheticData" in allowed.header
    assert "synthetic=6 of 12" in allowed.processing[-1]["Details"]
    assert "SyntheticData" in average(augment(scan).data).data.header


def test_marks_survive_split_merge_and_reorder(scan: MRSData) -> None:
    mixed = nifti.to_nifti_mrs(augment(scan, keep=True, n=4).data)
    measured, made = (nifti.from_nifti_mrs(part) for part in split(mixed, "DIM_DYN", 5))
    assert synthetic_along(measured, "DIM_DYN").tolist() == [False] * 6
    assert synthetic_along(made, "DIM_DYN").tolist() == [True] * 4
    assert "SyntheticData" in made.header
    assert "SyntheticData" not in average(measured).data.header
    both = nifti.from_nifti_mrs(merge([nifti.to_nifti_mrs(made), nifti.to_nifti_mrs(measured)], "DIM_DYN"))
    assert synthetic_along(both, "DIM_DYN").tolist() == [True] * 4 + [False] * 6
    turned = nifti.from_nifti_mrs(reorder(mixed, ["DIM_DYN", "DIM_COIL", "DIM_EDIT"]))
    assert synthetic_along(turned, "DIM_DYN").tolist() == [False] * 6 + [True] * 4
    with pytest.raises(Exception, match="must have matching dim 6 header"):
        merge([nifti.to_nifti_mrs(scan), nifti.to_nifti_mrs(made)], "DIM_DYN")


def test_one_fid_becomes_one_or_many(scan: MRSData) -> None:
    one = replace(scan, fid=scan.fid[..., 0, 0, 0], dim_tags=(), dim_headers={})
    assert augment(one).data.fid.shape == one.fid.shape
    many = augment(one, n=5).data
    assert many.dim_tags == ("DIM_DYN",)
    assert many.fid.shape[-1] == 5


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("shift = 3", "shift, which is not part of a recipe"),
        ("shift_hz = {uniform = [1]}", "needed is one of uniform, normal"),
        ("shift_hz = 'far'", "a number or, for example"),
        ("lipid = 0.5", "a table is needed"),
        ("lipid.probability = 2", "probability outside"),
        ("shift_hz = {uniform = [2, 1]}", "swap the ends"),
        ("not toml", "not a readable TOML file"),
    ],
)
def test_wrong_recipes_are_refused(text: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(text)
    with pytest.raises(OptionError, match=says):
        read_recipe(path)


def test_a_recipe_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="does not exist; name a TOML file"):
        read_recipe(tmp_path / "nope.toml")


def test_a_recipe_changes_only_what_it_names(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text("phase_deg = {uniform = [-90, 90]}\n[lipid]\nprobability = 0.5\n")
    recipe = read_recipe(path)
    assert recipe.phase_rad == Uniform(-np.pi / 2, np.pi / 2)
    assert recipe == replace(
        AugmentationRecipe(),
        phase_rad=recipe.phase_rad,
        lipid=replace(AugmentationRecipe().lipid, probability=0.5),
        eddy=recipe.eddy,
    )


def test_measured_spectra_take_synthetic_ones_beside_them(rng: np.random.Generator) -> None:
    basis = basis_of("press_3t_te30", "brain")
    sets = tuple(basis.fids.sum(axis=0) + rng.standard_normal((4, basis.fids.shape[1])) for _ in range(8))
    own = augmented(MeasuredSpectra(sets), basis, "brain", 40, rng)
    assert not own.known
    mixed = spectra_with(own, "synthesise-cvae-press-1h-3t", 1)
    changed = (mixed.fids != own.fids).any(axis=1)
    assert 8 <= changed.sum() <= 32  # about half, to four standard deviations of 40 draws
    assert np.isfinite(mixed.fids).all()
    size = np.abs(mixed.fids[:, 0]) / np.abs(own.fids[:, 0])
    # As large at the start as the ones in whose place they stand, but for noise of 1 against a sum of tens.
    np.testing.assert_allclose(size, 1, atol=0.2)
