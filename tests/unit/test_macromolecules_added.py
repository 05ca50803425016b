"""Default macromolecules and lipids for a basis set that has none."""

import numpy as np
import pytest

from fsl_mrs_dl.errors import OptionError
from fsl_mrs_dl.fit.quantification import with_lipids, with_macromolecules
from fsl_mrs_dl.physics import fid_to_spectrum, ppm_axis
from fsl_mrs_dl.simulate import brain_singlets


def test_they_are_added_where_they_belong_and_said() -> None:
    basis = with_macromolecules(brain_singlets(127.7, 5e-4, 1024))
    assert basis.names[-5:] == ("MM09", "MM12", "MM14", "MM17", "MM20")
    assert "default macromolecules" in basis.notes[-1]
    ppm = ppm_axis(1024, 5e-4, 127.7, 4.65)
    tops = ppm[np.abs(fid_to_spectrum(np.asarray(basis.fids[-5:-1]))).argmax(axis=1)]
    np.testing.assert_allclose(tops, [0.91, 1.21, 1.43, 1.67], atol=0.02)


def test_they_are_not_added_twice() -> None:
    basis = with_macromolecules(brain_singlets(127.7, 5e-4, 1024))
    with pytest.raises(OptionError, match="leave --add_MM out"):
        with_macromolecules(basis)


def test_lipids_are_added_beside_macromolecules_and_not_twice() -> None:
    basis = with_lipids(with_macromolecules(brain_singlets(127.7, 5e-4, 1024)))
    assert basis.names[-3:] == ("Lip09", "Lip13", "Lip20")
    ppm = ppm_axis(1024, 5e-4, 127.7, 4.65)
    tops = ppm[np.abs(fid_to_spectrum(np.asarray(basis.fids[-3:]))).argmax(axis=1)]
    np.testing.assert_allclose(tops, [0.89, 1.28, 2.04], atol=2 / (1024 * 5e-4 * 127.7))  # two bins
    with pytest.raises(OptionError, match="leave --add_lipids out"):
        with_lipids(basis)
