"""WSVD against the optimum that the model of the data allows, and against broken coils."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fsl_mrs_dl.data import Complex, MRSData
from fsl_mrs_dl.errors import DataError, OptionError
from fsl_mrs_dl.physics import singlet
from fsl_mrs_dl.steps.coilcombine import coilcombine

N_COILS, N_TRANSIENTS, N_POINTS, DWELLTIME_S = 6, 16, 2048, 2.5e-4


@pytest.fixture
def sensitivity(rng: np.random.Generator) -> Complex:
    return rng.uniform(0.3, 1, N_COILS) * np.exp(2j * np.pi * rng.uniform(size=N_COILS))


@pytest.fixture
def colour(rng: np.random.Generator) -> Complex:
    """Square root of a noise covariance whose correlations are complex: a wrong conjugate costs SNR."""
    mixed = rng.standard_normal((2, N_COILS, N_COILS))
    return np.eye(N_COILS) + 0.5 * (mixed[0] + 1j * mixed[1])


def line() -> Complex:
    fid: Complex = singlet(N_POINTS, DWELLTIME_S, 30.0, 40.0, 0.0, np.zeros(1, complex))
    return fid


def received(sensitivity: Complex, amplitudes: Complex | None = None) -> MRSData:
    """Noiseless coils x transients."""
    amplitudes = np.ones(N_TRANSIENTS, complex) if amplitudes is None else amplitudes
    fid = np.einsum("t,c,d->tcd", line(), sensitivity, amplitudes)[None, None, None]
    return MRSData(fid, DWELLTIME_S, 123.2, "1H", ("DIM_COIL", "DIM_DYN"))


def noise(rng: np.random.Generator, colour: Complex, scale: float) -> Complex:
    white = rng.standard_normal((2, N_POINTS, N_COILS, N_TRANSIENTS))
    return scale * np.einsum("ij,tjd->tid", colour, white[0] + 1j * white[1])[None, None, None]


def noisy(rng: np.random.Generator, data: MRSData, colour: Complex, scale: float) -> MRSData:
    return data.with_fid(data.fid + noise(rng, colour, scale))


def amplitude_and_noise(data: MRSData) -> tuple[complex, float]:
    """Fit the known line; return its mean amplitude and the noise's standard deviation."""
    fids = np.moveaxis(data.fid, 3, -1).reshape(-1, N_POINTS)
    amplitude = fids @ line().conj() / np.vdot(line(), line()).real
    return complex(amplitude.mean()), float((fids - amplitude[:, None] * line()).std())


@pytest.mark.parametrize("with_reference", [True, False])
def test_reaches_the_optimal_snr(
    rng: np.random.Generator, sensitivity: Complex, colour: Complex, with_reference: bool
) -> None:
    data = noisy(rng, received(sensitivity), colour, 0.02)
    reference = noisy(rng, received(50 * sensitivity), colour, 0.02) if with_reference else None
    covariance = 2 * 0.02**2 * colour @ colour.conj().T
    optimal = np.sqrt(np.vdot(sensitivity, np.linalg.solve(covariance, sensitivity)).real)

    def snr(**options: object) -> float:
        amplitude, sd = amplitude_and_noise(coilcombine(data, reference=reference, **options).data)
        return abs(amplitude) / sd

    # SD of the measured noise: 1 / sqrt(2 x 32768) = 0.4 %; loss by a covariance of 3264 samples: 0.2 %.
    assert snr() == pytest.approx(optimal, rel=0.01)
    assert snr(no_prewhiten=True) < 0.95 * optimal


def test_amplitude_and_phase_are_those_of_unit_norm_sensitivities(
    rng: np.random.Generator, sensitivity: Complex, colour: Complex
) -> None:
    combined = coilcombine(noisy(rng, received(sensitivity), colour, 0.001)).data
    expected = np.linalg.norm(sensitivity) * np.exp(1j * np.angle(sensitivity[0]))
    assert amplitude_and_noise(combined)[0] == pytest.approx(expected, rel=0.002)


def test_phase_is_that_of_the_first_coil_for_any_sensitivities(rng: np.random.Generator) -> None:
    # Several numbers of coils: the sign that an eigenvector comes with changes with it.
    for n_coils in (2, 2, 3, 4, 5):
        drawn = rng.standard_normal((2, n_coils))
        sensitivity = drawn[0] + 1j * drawn[1]
        amplitude, _ = amplitude_and_noise(coilcombine(received(sensitivity), no_prewhiten=True).data)
        expected = np.linalg.norm(sensitivity) * np.exp(1j * np.angle(sensitivity[0]))
        assert amplitude == pytest.approx(expected, rel=1e-9)


def test_transients_keep_their_relative_phase_and_amplitude(
    rng: np.random.Generator, sensitivity: Complex
) -> None:
    amplitudes = rng.uniform(0.5, 1.5, N_TRANSIENTS) * np.exp(1j * rng.uniform(-3, 3, N_TRANSIENTS))
    combined = coilcombine(received(sensitivity, amplitudes), no_prewhiten=True).data
    assert np.allclose(combined.fid / combined.fid[..., :1], amplitudes / amplitudes[0], rtol=1e-9)
    assert combined.dim_tags == ("DIM_DYN",)
    assert combined.processing[-1]["Method"] == "RF coil combination"


def test_a_broken_transient_leaves_the_others_as_without_it(
    rng: np.random.Generator, sensitivity: Complex, colour: Complex
) -> None:
    data = noisy(rng, received(sensitivity), colour, 0.02)
    fid = data.fid.copy()
    fid[..., 3] = np.nan
    combined = coilcombine(data.with_fid(fid)).data.fid
    without = coilcombine(data.with_fid(np.delete(fid, 3, axis=-1))).data.fid
    assert np.isnan(combined[..., 3]).all()
    assert np.allclose(np.delete(combined, 3, axis=-1), without, rtol=1e-9)


def test_a_dead_coil_counts_as_absent(
    rng: np.random.Generator, sensitivity: Complex, colour: Complex
) -> None:
    data = noisy(rng, received(sensitivity), colour, 0.02)
    fid = data.fid.copy()
    fid[..., 0, :] = 0
    result = coilcombine(data.with_fid(fid))
    assert np.allclose(result.data.fid, coilcombine(data.with_fid(fid[..., 1:, :])).data.fid, rtol=1e-9)
    assert result.settled["left_out"] == N_TRANSIENTS


def test_a_coil_lost_in_one_transient_does_not_change_its_amplitude(
    rng: np.random.Generator, sensitivity: Complex, colour: Complex
) -> None:
    data = noisy(rng, received(sensitivity), colour, 1e-4)
    fid = data.fid.copy()
    fid[0, 0, 0, 7, 2, 5] = np.inf
    combined = coilcombine(data.with_fid(fid)).data.fid
    amplitude = np.moveaxis(combined, 3, -1)[0, 0, 0] @ line().conj()
    # The noise moves an amplitude by about 1e-4 / sqrt(50 points of line) of it.
    assert abs(amplitude[5] / amplitude[4] - 1) < 1e-3


def test_each_voxel_has_its_own_weights_and_empty_ones_stay_empty(
    rng: np.random.Generator, colour: Complex
) -> None:
    voxels = [rng.standard_normal((N_COILS, 2)) @ [1, 1j] for _ in range(4)]
    fid = np.concatenate([received(a).fid for a in voxels]) + noise(rng, colour, 1e-3)
    fid[1], fid[2] = 0, np.nan
    data = replace(received(voxels[0]), fid=fid)
    combined = coilcombine(data).data.fid
    assert not combined[1].any()
    assert np.isnan(combined[2]).all()
    for n in (0, 3):
        fitted = np.moveaxis(combined[n], 2, -1)[0, 0] @ line().conj() / np.vdot(line(), line()).real
        assert abs(fitted.mean()) == pytest.approx(np.linalg.norm(voxels[n]), rel=0.01)


def test_reference_with_transients_equals_its_average(sensitivity: Complex) -> None:
    data = received(sensitivity)
    many = received(sensitivity * 1j)
    one = replace(many, fid=many.fid[..., 0], dim_tags=("DIM_COIL",))
    results = [coilcombine(data, reference=r, no_prewhiten=True).data.fid for r in (many, one)]
    assert np.allclose(*results, rtol=1e-9)


def test_covariance_file(
    rng: np.random.Generator, sensitivity: Complex, colour: Complex, tmp_path: Path
) -> None:
    data = noisy(rng, received(sensitivity), colour, 0.02)
    path = tmp_path / "covariance.txt"
    np.savetxt(path, colour @ colour.conj().T)
    amplitude, sd = amplitude_and_noise(coilcombine(data, covariance=path).data)
    estimated, estimated_sd = amplitude_and_noise(coilcombine(data).data)
    assert abs(amplitude) / sd == pytest.approx(abs(estimated) / estimated_sd, rel=0.01)
    np.savetxt(path, np.eye(N_COILS))
    plain = coilcombine(data, no_prewhiten=True).data.fid
    assert np.allclose(coilcombine(data, covariance=path).data.fid, plain, rtol=1e-9)


def test_refuses_what_it_cannot_combine(
    rng: np.random.Generator, sensitivity: Complex, colour: Complex, tmp_path: Path
) -> None:
    data = noisy(rng, received(sensitivity), colour, 0.02)
    without_coils = replace(data, dim_tags=("DIM_EDIT", "DIM_DYN"))
    with pytest.raises(DataError, match="no DIM_COIL dimension; it has DIM_EDIT"):
        coilcombine(without_coils)
    with pytest.raises(DataError, match="5 coils; the 6 of"):
        coilcombine(data, reference=data.with_fid(data.fid[..., :5, :]))
    with pytest.raises(DataError, match="is of 31P; 1H is needed"):
        coilcombine(data, reference=replace(data, nucleus="31P"))
    with pytest.raises(DataError, match="2 x 1 x 1 voxels"):
        coilcombine(data, reference=data.with_fid(np.concatenate([data.fid, data.fid])))
    with pytest.raises(DataError, match="no DIM_COIL"):
        coilcombine(data, reference=without_coils)
    with pytest.raises(DataError, match="singular"):
        coilcombine(received(sensitivity))
    short = replace(data, fid=data.fid[:, :, :, :64, :, 0], dim_tags=("DIM_COIL",))
    with pytest.raises(DataError, match="7 noise samples for 6 coils; at least 60"):
        coilcombine(short)
    path = tmp_path / "covariance.txt"
    for text, words in (("1 0\n0 1", "shape"), ("not a number", "no readable matrix")):
        path.write_text(text)
        with pytest.raises((DataError, OptionError), match=words):
            coilcombine(data, covariance=path)
    for matrix, words in ((np.ones((6, 6)), "singular"), (np.triu(np.ones((6, 6))), "not Hermitian")):
        np.savetxt(path, matrix)
        with pytest.raises(DataError, match=words):
            coilcombine(data, covariance=path)
    with pytest.raises(OptionError, match="leave one of them out"):
        coilcombine(data, covariance=path, no_prewhiten=True)
