import numpy as np
import pytest

from fsl_mrs_dl import physics
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.simulate import brain_singlets
from fsl_mrs_dl.simulate.head import BRAIN, T1_CONTRAST, TISSUES, Head, tissue_labels
from fsl_mrs_dl.simulate.phantom import LIPID, simulate_phantom

SAMPLING = (127.7, 1 / 2000, 256)


def make(seed=3, **options):
    return simulate_phantom(brain_singlets(*SAMPLING), rng=np.random.default_rng(seed), **options)


@pytest.fixture(scope="module")
def phantom():
    return make(lipid=0.3)


def test_truth_is_recovered_from_clean_fids(phantom):
    """The true shift, phase and lines undone, least squares on the basis give back the amplitudes."""
    inside, maps = phantom.mask, {name: values[phantom.mask] for name, values in phantom.parameters.items()}
    fids = physics.correct(
        phantom.clean[inside], maps["shift_hz"], maps["phase_rad"], phantom.data.dwelltime_s
    )
    for fid, gamma, sigma, truth in zip(
        fids, maps["gamma"], maps["sigma"], phantom.amplitudes[inside], strict=True
    ):
        columns = physics.damp(phantom.basis.fids, gamma, sigma, phantom.data.dwelltime_s).T
        found = np.linalg.lstsq(columns, fid, rcond=None)[0]
        np.testing.assert_allclose(found, truth, atol=1e-8 * truth.max())


def test_noise_is_what_was_asked_for(phantom):
    noise = (phantom.data.fid - phantom.clean)[phantom.mask]
    measured = np.sqrt(np.mean(np.abs(noise) ** 2) / 2)
    assert measured == pytest.approx(phantom.noise_sigma, rel=5 / np.sqrt(4 * noise.size))
    without = make(lipid=0.0)
    undone = physics.correct(
        without.clean, without.parameters["shift_hz"], without.parameters["phase_rad"], SAMPLING[1]
    )
    highest = np.abs(physics.fid_to_spectrum(undone)).max(axis=-1)[without.mask]
    assert np.median(highest) / without.noise_sigma == pytest.approx(30.0, rel=0.02)  # bins scallop the line


def test_outside_is_zero_and_inside_is_brain(phantom):
    assert not phantom.data.fid[~phantom.mask].any()
    assert np.abs(phantom.data.fid[phantom.mask]).min() > 0
    assert phantom.data.fid.shape == (16, 16, 1, 256)
    total = sum(phantom.fractions[name] for name in TISSUES)
    assert total.max() <= 1 + 1e-12
    assert 60 < phantom.mask.sum() < 180
    np.testing.assert_allclose(sum(phantom.fractions[n] for n in BRAIN)[phantom.mask] >= 0.5, True)


def test_tissues_differ_as_known(phantom):
    def mean(name, tissue):
        where = phantom.fractions[tissue] > 0.8
        assert where.any(), tissue
        return phantom.amplitudes[where, phantom.basis.names.index(name)].mean()

    assert mean("GPC", "lesion") > 1.5 * mean("GPC", "white")
    assert mean("NAA", "lesion") < 0.6 * mean("NAA", "white")
    lipid = phantom.amplitudes[..., phantom.basis.names.index(LIPID)]
    assert 0 < lipid[phantom.fractions["white"] > 0.99].max() < 0.05 * lipid.max()


def test_same_seed_same_phantom():
    first, again, other = make(1), make(1), make(2)
    np.testing.assert_array_equal(first.data.fid, again.data.fid)
    np.testing.assert_array_equal(first.t1, again.t1)
    assert not np.array_equal(first.mask, other.mask) or not np.array_equal(first.t1, other.t1)


def test_structural_image_lies_over_the_spectra(phantom):
    """The mean brightness of the T1 over each voxel of the grid is that of the voxel's tissues."""
    index = np.stack(np.meshgrid(*(np.arange(n) for n in phantom.t1.shape), indexing="ij"), axis=-1)
    world = index @ phantom.t1_affine[:3, :3].T + phantom.t1_affine[:3, 3]
    affine = phantom.data.affine
    voxel = np.round((world - affine[:3, 3]) / np.diag(affine)[:3]).astype(int)
    expected = sum(phantom.fractions[n] * level for n, level in zip(TISSUES, T1_CONTRAST[1:], strict=True))
    inside = ((voxel >= 0) & (voxel < phantom.mask.shape)).all(axis=-1)
    flat = np.ravel_multi_index(tuple(voxel[inside].T), phantom.mask.shape)
    total, count = (np.bincount(flat, w, phantom.mask.size) for w in (phantom.t1[inside], None))
    seen = (total / np.maximum(count, 1)).reshape(phantom.mask.shape)
    # 64 image voxels and 180 points sample the same box differently, at edges by a tenth of the range.
    np.testing.assert_allclose(seen[phantom.mask], expected[phantom.mask], atol=90)
    assert phantom.data.header["SyntheticData"]["parents"] == []


def test_more_slices_and_other_points():
    phantom = make(shape=(6, 6, 3), n_points=128, voxel_mm=(30.0, 30.0, 30.0))
    assert phantom.data.fid.shape == (6, 6, 3, 128)
    assert phantom.mask.any(axis=(0, 1)).all()
    with pytest.raises(DataError, match="MHz"):
        make(spectrometer_frequency_mhz=300.0)


def test_head_is_layered():
    along = np.linspace(0, 90, 400)[:, None] * [0.0, 0.0, 1.0] + [0.0, -60.0, 0.0]
    labels = tissue_labels(Head(lesion_radius_mm=0.0), along)
    order = [label for n, label in enumerate(labels) if n == 0 or labels[n - 1] != label]
    assert order[-3:] == [2, 1, 0]
    assert set(order) >= {0, 1, 2, 3, 4, 5}
