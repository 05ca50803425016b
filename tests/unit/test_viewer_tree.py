"""Fits of other programs that come with a file tree."""

import shutil

import numpy as np
import pytest
import viewer_results

from fsl_mrs_dl.errors import DataError
from fsleyes_plugin.model.maps import MapChoice
from fsleyes_plugin.model.tree import tree_of
from fsleyes_plugin.session import Session

TREE = """
# Results of another program
amounts
    water_scaled
        map_{metab}_v1.nii.gz           (raw-concentrations)
    {metab}_error.nii.gz                (sd)
quality_{metab}.nii.gz                  (SNR)
spectra
    model.nii.gz                        (fit-fit)      # with the baseline
    smooth.nii.gz                       (fit-baseline)
    left.nii.gz                         (fit-residual)
"""


@pytest.fixture
def third_party(tmp_path):
    """The files of one of our fits under the names of the tree, and nothing else of ours."""
    ours = viewer_results.mrsi()
    moved = {"fit/fit": "spectra/model", "fit/baseline": "spectra/smooth", "fit/residual": "spectra/left"}
    for name in ("NAA", "Cr", "PCr"):
        moved[f"concs/raw/{name}"] = f"amounts/water_scaled/map_{name}_v1"
        moved[f"uncertainties/{name}_sd"] = f"amounts/{name}_error"
        moved[f"qc/{name}_snr"] = f"quality_{name}"
    for source, target in moved.items():
        path = tmp_path / f"{target}.nii.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(next(ours.glob(f"{source}.nii*")), path)
    (tmp_path / "other.tree").write_text(TREE)
    return tmp_path


def test_a_third_party_fit_opens_by_its_tree(third_party):
    ours, theirs = Session().open(viewer_results.mrsi()), Session().open(third_party)
    assert set(theirs.table.metabolites) == {"NAA", "Cr", "PCr"}
    for kind in ("raw", "crlb", "snr"):
        one, two = (fit.maps.values(MapChoice(kind, "NAA")) for fit in (ours, theirs))
        assert np.array_equal(one, two, equal_nan=True)
    voxel = viewer_results.a_voxel(ours)
    lines = theirs.curves.lines(voxel)
    assert lines.residual is not None
    assert lines.baseline is not None
    assert np.allclose(theirs.curves.measured(voxel), ours.curves.measured(voxel))
    # A file of it opens the folder.
    assert Session().open(third_party / "spectra" / "model.nii.gz").folder.path == third_party


def test_a_tree_without_a_fit_is_no_result(tmp_path):
    (tmp_path / "some.tree").write_text("a.nii.gz (raw-concentrations)\n")
    assert tree_of(tmp_path) is None
    with pytest.raises(DataError, match=r"holds no fit .* and some.tree names no file with the key fit-fit"):
        Session().open(tmp_path)


@pytest.mark.parametrize("path", ["../other", "/elsewhere"])
def test_a_tree_stays_in_its_folder(tmp_path, path):
    (tmp_path / "some.tree").write_text(f"{path}/fit.nii.gz (fit-fit)\n")
    with pytest.raises(DataError, match="outside of its folder"):
        tree_of(tmp_path)
