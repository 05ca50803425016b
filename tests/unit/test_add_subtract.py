"""Sums and differences of sub-spectra."""

import numpy as np
import pytest

from fsl_mrs_dl.data import MRSData
from fsl_mrs_dl.errors import DataError, OptionError
from fsl_mrs_dl.steps.add import add
from fsl_mrs_dl.steps.subtract import subtract


def edited(rng: np.random.Generator) -> MRSData:
    shape = (1, 1, 1, 64, 3, 2)
    fids = (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(np.complex64)
    said = {"DIM_EDIT": {"info": "editing", "header": {"EditCondition": ["ON", "OFF"]}}}
    return MRSData(fids, 5e-4, 127.7, dim_tags=("DIM_DYN", "DIM_EDIT"), dim_headers=said)


def test_half_the_sum_and_half_the_difference_across_a_dimension(rng: np.random.Generator) -> None:
    data = edited(rng)
    total, difference = add(data, dim="DIM_EDIT").data, subtract(data, dim="DIM_EDIT").data
    for found in (total, difference):
        assert found.dim_tags == ("DIM_DYN",)
        assert found.dim_headers == {}
        assert found.fid.dtype == np.complex64
    np.testing.assert_allclose(total.fid + difference.fid, data.fid[..., 0], rtol=1e-6)
    np.testing.assert_allclose(total.fid - difference.fid, data.fid[..., 1], rtol=1e-6)
    np.testing.assert_array_equal(difference.fid, (data.fid[..., 0] - data.fid[..., 1]) / 2)
    assert difference.processing[-1]["Method"] == "Subtraction of sub-spectra"
    assert total.processing[-1]["Method"] == "Addition of sub-spectra"


def test_another_file(rng: np.random.Generator) -> None:
    data, other = edited(rng), edited(rng)
    np.testing.assert_array_equal(subtract(data, reference=other).data.fid, (data.fid - other.fid) / 2)
    np.testing.assert_array_equal(add(data, reference=other).data.fid, (data.fid + other.fid) / 2)


@pytest.mark.parametrize(("turn", "said"), [(1, None), (1j, None), (-1, "add")])
def test_halves_of_opposite_signs_are_told_of(
    rng: np.random.Generator, caplog: pytest.LogCaptureFixture, turn: complex, said: str | None
) -> None:
    on = edited(rng)
    off = on.with_fid(turn * (on.fid + 0.3 * edited(rng).fid))
    off.fid.setflags(write=True)
    off.fid[0, 0, 0, :, 0, 0] = np.nan
    subtract(on, reference=off)
    assert ("opposite signs" in caplog.text) == (said is not None)
    assert said is None or f"use '{said}' for their difference" in caplog.text
    caplog.clear()
    add(on, reference=off)
    assert ("use 'subtract' for their sum" in caplog.text) == (said is not None)


def test_what_cannot_be_subtracted_is_refused(rng: np.random.Generator) -> None:
    data = edited(rng)
    with pytest.raises(OptionError, match="neither --dim nor --reference"):
        subtract(data)
    with pytest.raises(OptionError, match="both --dim and --reference"):
        add(data, dim="DIM_EDIT", reference=data)
    with pytest.raises(DataError, match="has 3 along DIM_DYN; two are needed"):
        subtract(data, dim="DIM_DYN")
    with pytest.raises(DataError, match="has no DIM_COIL"):
        add(data, dim="DIM_COIL")
    short = data.with_fid(data.fid[:, :, :, :32])
    with pytest.raises(DataError, match="has 32 points"):
        subtract(data, reference=short)
