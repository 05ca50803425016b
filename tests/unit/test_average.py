"""Averages over a dimension, with the header that remains."""

import numpy as np
import pytest

from fsl_mrs_dl.data import Complex, MRSData
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.io.nifti import from_nifti_mrs, to_nifti_mrs
from fsl_mrs_dl.steps.average import average

TAGS = ("DIM_COIL", "DIM_DYN", "DIM_EDIT")


@pytest.fixture
def data(rng: np.random.Generator) -> MRSData:
    parts = rng.standard_normal((2, 2, 1, 1, 64, 3, 5, 2))
    fid: Complex = parts[0] + 1j * parts[1]
    editing = {"info": "editing", "header": {"EditCondition": ["ON", "OFF"]}}
    headers = {"DIM_EDIT": editing, "DIM_DYN": {"info": "repeats"}}
    return MRSData(fid, 5e-4, 123.2, "1H", TAGS, header={"EchoTime": 0.068}, dim_headers=headers)


@pytest.mark.parametrize("tag", TAGS)
def test_mean_and_header_agree_with_nifti_mrs(data: MRSData, tag: str) -> None:
    result = average(data, dim=tag).data
    assert np.allclose(result.fid, data.fid.mean(axis=4 + TAGS.index(tag)), rtol=1e-12)
    assert result.dim_tags == tuple(t for t in TAGS if t != tag)
    assert result.header == data.header
    assert tag not in result.dim_headers
    said = to_nifti_mrs(result).hdr_ext.to_dict()
    theirs = to_nifti_mrs(data).copy(remove_dim=tag).hdr_ext.to_dict()
    assert {k: v for k, v in said.items() if k != "ProcessingApplied"} == theirs


def test_broken_transients_are_left_out(data: MRSData) -> None:
    fid = data.fid.copy()
    fid[0, 0, 0, 3, 0, 1, 0] = np.nan
    fid[1, 0, 0, :, 2, 4, 1] = 0
    result = average(data.with_fid(fid))
    expected = data.fid.mean(axis=5)
    expected[0, 0, 0, :, 0, 0] = np.delete(data.fid[0, 0, 0, :, 0, :, 0], 1, axis=-1).mean(axis=-1)
    expected[1, 0, 0, :, 2, 1] = data.fid[1, 0, 0, :, 2, :4, 1].mean(axis=-1)
    assert np.allclose(result.data.fid, expected, rtol=1e-12)
    assert result.settled == {"left_out": 2}
    assert "left_out=2" in result.data.processing[-1]["Details"]


def test_nothing_to_average_stays_what_it_was(data: MRSData) -> None:
    fid = data.fid.copy()
    fid[0, 0, 0, :, 0], fid[0, 0, 0, :, 1] = np.nan, 0
    result = average(data.with_fid(fid))
    assert np.isnan(result.data.fid[0, 0, 0, :, 0]).all()
    assert not result.data.fid[0, 0, 0, :, 1].any()
    assert not result.settled


def test_single_precision_is_kept_and_a_dimension_of_one_goes(data: MRSData) -> None:
    single = data.with_fid(data.fid[..., :1])
    single = from_nifti_mrs(to_nifti_mrs(MRSData(single.fid.astype(np.complex64), 5e-4, 123.2, "1H", TAGS)))
    result = average(single, dim="DIM_EDIT").data
    assert result.fid.dtype == np.complex64
    assert np.array_equal(result.fid, single.fid[..., 0])


def test_refuses_a_missing_dimension(data: MRSData) -> None:
    with pytest.raises(DataError, match="no DIM_MEAS dimension; it has DIM_COIL, DIM_DYN, DIM_EDIT"):
        average(data, dim="DIM_MEAS")
