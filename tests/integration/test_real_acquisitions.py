"""What measured scans and basis sets of others say of sequence and echo time, and what is made of it."""

import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from nifti_mrs import tools
from nifti_mrs.nifti_mrs import NIFTI_MRS

from fsl_mrs_dl.cli import main
from fsl_mrs_dl.data import MRSData
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.fit.acquisition import AcquisitionComparison, compare, of_basis, of_data
from fsl_mrs_dl.io.basis import read_basis
from fsl_mrs_dl.io.nifti import read
from fsl_mrs_dl.simulate.shipped import shipped_basis
from fsl_mrs_dl.steps.add import add
from fsl_mrs_dl.steps.average import average
from fsl_mrs_dl.steps.quantify import quantify
from fsl_mrs_dl.steps.subtract import subtract

pytestmark = pytest.mark.realdata

PRESS_30, PRESS_35 = "press_3t/sub-01_press", "press_3t/unedited_sub-01_act"
STEAM, MEGA = "steam_7t/metab", "mega_press_drift_3t/metab"


@pytest.fixture
def invivo(shared_data: Path) -> Path:
    return shared_data / "invivo"


@cache
def shipped(name: str) -> Path:
    return shipped_basis(name)


def agreement(data: MRSData, name: str) -> AcquisitionComparison:
    return compare(of_data(data), of_basis(read_basis(shipped(name))))


def kind(found: AcquisitionComparison) -> str:
    """Return the gravest thing that is said."""
    return next((name for name in ("refusals", "doubts", "notes") if getattr(found, name)), "")


@pytest.mark.parametrize(
    ("scan", "basis", "said"),
    [
        (PRESS_30, "press_3t_te30", ""),
        (PRESS_30, "press_3t_te35", "doubts"),
        (PRESS_30, "slaser_3t_te28", "doubts"),
        (PRESS_30, "mega-press_3t_te68_off", "refusals"),
        (PRESS_35, "press_3t_te35", ""),
        (PRESS_35, "press_3t_te30", "doubts"),
        (PRESS_35, "slaser_3t_te35", "doubts"),
        ("press_3t/sub-01_press-inverted", "press_3t_te30", ""),
        (STEAM, "steam_7t_te11", ""),
        (STEAM, "slaser_7t_te26", "refusals"),
        ("big_gaba/P1_S01_act", "press_3t_te35", ""),
        ("big_gaba/P8_S04_act", "press_3t_te35", ""),
        ("mrsi_3t/data", "slaser_3t_te28", "notes"),
    ],
)
def test_measured_scans_and_shipped_basis_sets(invivo: Path, scan: str, basis: str, said: str) -> None:
    assert kind(agreement(read(invivo / f"{scan}.nii.gz"), basis)) == said


def test_an_edited_scan(invivo: Path, tmp_path: Path) -> None:
    path = invivo / f"{MEGA}.nii.gz"
    both = average(read(path), dim="DIM_DYN").data
    # A Philips scanner: ON and OFF have opposite signs, so that the sum is the difference.
    for data, notes in ((subtract(both, dim="DIM_EDIT").data, 1), (add(both, dim="DIM_EDIT").data, 2)):
        found = agreement(data, "mega-press_3t_te68_diff")
        assert (kind(found), len(found.notes)) == ("notes", notes)  # it does not name its sequence
        assert kind(agreement(data, "mega-press_3t_te68_off")) == "refusals"
        assert kind(agreement(data, "press_3t_te30")) == "refusals"
    for condition, half in zip(("on", "off"), tools.split(NIFTI_MRS(path), "DIM_EDIT", 0), strict=True):
        half.save(tmp_path / f"{condition}.nii.gz")
        data = average(read(tmp_path / f"{condition}.nii.gz"), dim="DIM_DYN").data
        assert of_data(data).sequence.part == condition
        found = agreement(data, f"mega-press_3t_te68_{condition}")
        assert found.notes == ("the data do not say their sequence: not compared with the basis set's",)
        assert kind(found) == "notes"
        assert kind(agreement(data, "mega-press_3t_te68_diff")) == "refusals"
        unedited = replace(read_basis(shipped("press_3t_te30")), echo_time_s=0.068)
        assert (
            kind(compare(of_data(data), of_basis(unedited))) == {"on": "refusals", "off": "notes"}[condition]
        )


@pytest.mark.parametrize(
    ("path", "echo_time_s", "family"),
    [
        ("invivo/press_3t/3T_PRESS_Philips_35ms_noMM.BASIS", 0.035, "PRESS"),
        ("ismrm2016_basis/press3T_30ms.BASIS", None, ""),
        ("slaser_basis/basis_sets/basis_3T", None, ""),
        ("slaser_basis/basis_sets/slaser_123_mhz.basis", None, ""),  # sLASER whose file says PRESS
    ],
)
def test_basis_sets_of_others(shared_data: Path, path: str, echo_time_s: float | None, family: str) -> None:
    said = of_basis(read_basis(shared_data / path))
    assert (said.echo_time_s, said.sequence.family) == (echo_time_s, family)


def test_another_field_is_refused_before_the_echo_time(invivo: Path) -> None:
    with pytest.raises(DataError, match=r"297\.2 MHz.*127\.755 MHz"):
        quantify(read(invivo / f"{PRESS_30}.nii.gz"), basis=read_basis(shipped("steam_7t_te11")))


def test_slaser_on_steam_is_refused_and_may_be_asked_for(
    invivo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    line = ["quantify", "--data", str(invivo / f"{STEAM}.nii.gz"), "--basis", "slaser_7t_te26"]
    line += ["--output", str(tmp_path / "out"), "--no_posterior"]
    assert main(line) == 2
    assert "of TE 26 ms, the data of TE 11 ms" in capsys.readouterr().err
    assert main([*line, "--allow_mismatch"]) == 0
    doubts = json.loads((tmp_path / "out" / "run.json").read_text())["doubts"]
    assert len(doubts) == 2
    assert all(doubt in caplog.text for doubt in doubts)
