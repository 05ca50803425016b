"""Eddy current correction of a known phase, and references that do not fit."""

from dataclasses import replace

import numpy as np
import pytest

from fsl_mrs_dl.data import Complex, MRSData
from fsl_mrs_dl.errors import DataError, OptionError
from fsl_mrs_dl.physics import apply_time_phase, eddy_current_phase, singlet
from fsl_mrs_dl.steps.ecc import ecc

N_POINTS, DWELLTIME_S = 1024, 5e-4
LIKE = np.zeros(1, complex)


def eddy(fid: Complex) -> Complex:
    """Turn (..., time) by the phase that 8 Hz decaying with 40 ms leave."""
    turned: Complex = apply_time_phase(fid, eddy_current_phase(N_POINTS, DWELLTIME_S, 8.0, 0.04, LIKE))
    return turned


def metabolites() -> Complex:
    fid: Complex = sum(singlet(N_POINTS, DWELLTIME_S, f, 12.0, 0.0, LIKE) for f in (-320.0, -200.0, -170.0))
    return fid


def water() -> Complex:
    fid: Complex = 1e4 * singlet(N_POINTS, DWELLTIME_S, 0.0, 8.0, 0.0, LIKE)
    return fid


def data_of(fids: Complex, *tags: str) -> MRSData:
    """MRSData of FIDs of shape (higher dimensions.., time), one voxel."""
    return MRSData(np.moveaxis(fids, -1, 0)[None, None, None], DWELLTIME_S, 123.2, "1H", tags)


def white(rng: np.random.Generator, sd: float, *shape: int) -> Complex:
    parts = rng.normal(0, sd, (2, *shape, N_POINTS))
    noise: Complex = parts[0] + 1j * parts[1]
    return noise


def test_known_eddy_phase_is_removed_down_to_the_noise(rng: np.random.Generator) -> None:
    sd = 0.05
    data = data_of(eddy(metabolites()) + white(rng, sd))
    corrected = ecc(data, reference=data_of(eddy(water()) + white(rng, sd))).data
    left = corrected.fid[0, 0, 0] - metabolites()
    # Turned noise is noise; the reference's own phase noise adds less than (3 / |water|)^2 of it.
    assert np.sqrt(np.mean(np.abs(left) ** 2)) == pytest.approx(np.sqrt(2) * sd, rel=0.1)
    assert np.sqrt(np.mean(np.abs(data.fid[0, 0, 0] - metabolites()) ** 2)) > 3 * np.sqrt(2) * sd
    assert corrected.processing[-1]["Method"] == "Eddy current correction"


def test_size_of_the_points_stays() -> None:
    data = data_of(eddy(metabolites()))
    corrected = ecc(data, reference=data_of(eddy(water()))).data
    assert np.allclose(np.abs(corrected.fid), np.abs(data.fid), rtol=1e-12)


def test_reference_of_the_same_coils_serves_all_transients() -> None:
    coil_phase = np.exp(1j * np.array([0.3, -1.0, 2.0]))
    fids = np.multiply.outer(np.outer(coil_phase, np.ones(4)), eddy(metabolites()))
    reference = data_of(np.multiply.outer(coil_phase, eddy(water())), "DIM_COIL")
    for tags, order in ((("DIM_COIL", "DIM_DYN"), (0, 1, 2)), (("DIM_DYN", "DIM_COIL"), (1, 0, 2))):
        corrected = ecc(data_of(fids.transpose(order), *tags), reference=reference).data
        assert np.allclose(np.moveaxis(corrected.fid, 3, -1), metabolites(), atol=1e-9)


def test_same_shape_takes_each_fid_its_own_reference() -> None:
    phase = np.exp(1j * np.array([[0.3, -1.0], [2.0, 0.5]]))
    data = data_of(np.multiply.outer(phase, eddy(metabolites())), "DIM_DYN", "DIM_EDIT")
    reference = data_of(np.multiply.outer(phase.T, eddy(water())), "DIM_EDIT", "DIM_DYN")
    corrected = ecc(data, reference=reference).data
    assert np.allclose(np.moveaxis(corrected.fid, 3, -1), metabolites(), atol=1e-9)


def test_single_fid_with_a_dimension_of_one_serves_all() -> None:
    data = data_of(np.tile(eddy(metabolites()), (4, 1)), "DIM_DYN")
    corrected = ecc(data, reference=data_of(eddy(water())[None], "DIM_COIL")).data
    assert np.allclose(np.moveaxis(corrected.fid, 3, -1), metabolites(), atol=1e-9)


def test_broken_fids_stay_and_spoil_nothing() -> None:
    fids = np.tile(eddy(metabolites()), (4, 1))
    fids[0, 5], fids[1] = np.nan, 0
    references = np.tile(eddy(water()), (4, 1))
    references[3] = np.nan
    data = data_of(fids, "DIM_DYN")
    result = ecc(data, reference=data_of(references, "DIM_DYN"))
    for n in (0, 1, 3):
        assert np.array_equal(result.data.fid[..., n], data.fid[..., n], equal_nan=True)
    assert np.allclose(result.data.fid[0, 0, 0, :, 2], metabolites(), atol=1e-9)
    assert result.settled == {"not_corrected": 1}


def test_refuses_a_reference_that_does_not_fit() -> None:
    data = data_of(np.tile(metabolites(), (4, 1)), "DIM_DYN")
    good = data_of(water())
    with pytest.raises(OptionError, match="ecc needs --reference"):
        ecc(data)
    for change, words in (
        ({"fid": good.fid[:, :, :, :1000]}, "1000 points, The data has 1024"),
        ({"dwelltime_s": 4e-4}, "dwell time of 0.0004 s; the 0.0005 s"),
        ({"nucleus": "31P"}, "is of 31P; 1H is needed"),
        ({"fid": np.concatenate([good.fid, good.fid])}, "2 x 1 x 1 voxels; the 1 x 1 x 1"),
        ({"fid": np.full_like(good.fid, np.nan)}, "no FID that is finite"),
    ):
        with pytest.raises(DataError, match=words):
            ecc(data, reference=replace(good, **change))
    for tags, words in (
        (("DIM_INDIRECT_0",), r"2 along DIM_INDIRECT_0, The data has none; .* Average the reference"),
        (("DIM_COIL",), r"2 along DIM_COIL, The data has 3; .* Combine the coils"),
    ):
        of_three = data_of(np.tile(metabolites(), (3, 1)), "DIM_COIL")
        with pytest.raises(DataError, match=words):
            ecc(of_three, reference=data_of(np.tile(water(), (2, 1)), *tags))


def test_transients_of_a_reference_are_averaged_in_phase(rng: np.random.Generator) -> None:
    """Two references in opposite phase, as of a phase cycle: their plain mean would be noise."""
    sd = 0.05
    fids = np.tile(eddy(metabolites()), (4, 1)) + white(rng, sd, 4)
    turns = np.exp(1j * np.array([0.4, 0.4 + np.pi]))
    references = np.multiply.outer(turns, eddy(water())) + white(rng, 2e3 * sd, 2)
    data, reference = data_of(fids, "DIM_DYN"), data_of(references, "DIM_DYN")
    done = ecc(data, reference=replace(reference, name="wref.nii.gz"))
    # Only the phase of the first reference is left, of all transients alike.
    left = np.moveaxis(done.data.fid, 3, -1)[0, 0, 0] * np.exp(0.4j) - metabolites()
    start = slice(0, 200)  # where the water is far above its noise
    # Of the phase noise of the mean of two, sd / (sqrt(2) |water|), a metabolite of |x| gets |x| times as much.
    of_phase = np.abs(metabolites())[start] * 2e3 * sd / np.sqrt(2) / np.abs(water())[start]
    expected = np.sqrt(2 * sd**2 + np.mean(of_phase**2))
    assert np.sqrt(np.mean(np.abs(left[:, start]) ** 2)) == pytest.approx(expected, rel=0.1)
    assert done.messages == ("The reference wref.nii.gz was averaged over 2 of DIM_DYN.",)
    assert "reference_was=[averaged over 2 of DIM_DYN]" in done.data.processing[-1]["Details"]


def test_broken_transients_of_a_reference_do_not_count() -> None:
    references = np.tile(eddy(water()), (3, 1))
    references[0], references[2, 7] = 0, np.inf
    done = ecc(data_of(eddy(metabolites())), reference=data_of(references, "DIM_DYN"))
    assert np.allclose(done.data.fid[0, 0, 0], metabolites(), atol=1e-9)


def test_coils_and_transients_of_a_reference_serve_combined_data() -> None:
    """Coils in phases that cancel each other, transients of ON and OFF; the data have neither."""
    coils = np.array([1.0, -0.9, 0.5j])
    received = np.multiply.outer(np.multiply.outer(coils, np.exp([0j, 1j])), eddy(water()))
    reference = data_of(received, "DIM_COIL", "DIM_EDIT")
    done = ecc(data_of(eddy(metabolites())), reference=reference)
    assert np.allclose(done.data.fid[0, 0, 0], metabolites(), atol=1e-9)
    assert done.messages == (
        "The reference given was averaged over 2 of DIM_EDIT and combined from 3 coils.",
    )
    each = ecc(data_of(np.multiply.outer(coils, eddy(metabolites())), "DIM_COIL"), reference=reference)
    expected = np.multiply.outer(np.abs(coils), metabolites())
    assert np.allclose(np.moveaxis(each.data.fid, 3, -1)[0, 0, 0], expected, atol=1e-9)
    assert each.messages == ("The reference given was averaged over 2 of DIM_EDIT.",)


def test_says_when_the_reference_lies_elsewhere(caplog: pytest.LogCaptureFixture) -> None:
    data = replace(data_of(metabolites()), affine=np.diag([20.0, 20, 20, 1]))
    moved = replace(data_of(water()), affine=np.diag([20.0, 25, 20, 1]))
    ecc(data, reference=moved)
    assert "lies elsewhere" in caplog.text
