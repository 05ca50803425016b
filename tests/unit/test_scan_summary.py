"""What is said of a converted scan, and the commands that follow from what it is."""

import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fsl_mrs_dl.data import MRSData
from fsl_mrs_dl.physics import singlet
from fsl_mrs_dl.steps.scan_summary import (
    ConvertedScan,
    next_commands,
    one_command,
    paired_references,
    scan_words,
)

N, DT, MHZ = 512, 5e-4, 123.25
SAID = {"Manufacturer": "GE", "SequenceName": "PROBE-P", "EchoTime": 0.03, "RepetitionTime": 2.0}


def line(ppm: float) -> np.ndarray:
    fid: np.ndarray = singlet(N, DT, (ppm - 4.65) * MHZ, 12.0, 0.0, np.zeros(1, complex))
    return fid


def scan(
    tags: dict[str, int] | None = None, *, water: float = 0.0, mhz: float = MHZ, **said: Any
) -> ConvertedScan:
    """Return a scan of NAA, Cr and Cho, every FID alike but for its noise."""
    rng = np.random.default_rng(2)
    sizes = tuple((tags or {}).values())
    fid = line(2.01) + 0.8 * line(3.03) + 0.5 * line(3.21) + water * line(4.65)
    fids = np.broadcast_to(fid.reshape(N, *(1 for _ in sizes)), (N, *sizes))
    noise = 0.01 * rng.standard_normal((2, *fids.shape))
    header = {key: value for key, value in {**SAID, **said}.items() if value is not None}
    whole = (fids + noise[0] + 1j * noise[1])[None, None, None]
    return ConvertedScan.of(
        Path("nifti/x.nii.gz"), MRSData(whole, DT, mhz, dim_tags=tuple(tags or {}), header=header)
    )


def commands(of: ConvertedScan, reference: ConvertedScan | None = None) -> list[str]:
    return [shlex.split(told)[1] for told in next_commands(of, reference)[0]]


def test_words() -> None:
    told = scan_words(scan({"DIM_COIL": 4, "DIM_DYN": 1, "DIM_MEAS": 2}, water=5.0))
    assert told == (
        "GE, PRESS, 1H at 123.25 MHz (2.89 T), TE 30 ms, TR 2 s, 512 points of 0.5 ms, 1 voxel, 4 coils, "
        "1 transient, 2 DIM_MEAS, residual water at 4.65 ppm, 5.1 times as high as the metabolites"
    )
    bare = dict.fromkeys(SAID)
    assert scan_words(scan(**bare)).startswith(
        "vendor not said, sequence not said, 1H at 123.25 MHz (2.89 T), TE not"
    )
    assert "TR not said" in scan_words(scan(RepetitionTime=2000.0))


@pytest.mark.parametrize(
    ("tags", "water", "expected"),
    [
        ({}, 0.0, ["quantify"]),
        ({}, 5.0, ["remove", "quantify"]),
        ({"DIM_DYN": 8}, 0.0, ["align", "quantify"]),
        ({"DIM_COIL": 2, "DIM_DYN": 8}, 5.0, ["coilcombine", "align", "remove", "quantify"]),
        ({"DIM_DYN": 8, "DIM_EDIT": 2}, 5.0, ["align", "remove", "subtract", "quantify"]),
        ({"DIM_MEAS": 2}, 0.0, ["average", "quantify"]),
        ({"DIM_COIL": 2, "DIM_INDIRECT_0": 4}, 0.0, ["coilcombine"]),
        ({"DIM_DYN": 2, "DIM_EDIT": 4}, 0.0, ["align"]),
    ],
)
def test_each_dimension_has_its_step(tags: dict[str, int], water: float, expected: list[str]) -> None:
    assert commands(scan(tags, water=water)) == expected


def test_one_command_for_all_of_it() -> None:
    raw, water = scan({"DIM_COIL": 2, "DIM_DYN": 8}), scan({"DIM_COIL": 2}, water=1e4)
    told = "fsl_mrs_dl process --data nifti/x.nii.gz --reference nifti/x.nii.gz --basis press_3t_te30"
    assert one_command(raw, water) == f"{told} --output results --report"
    assert "--reference" not in one_command(raw, scan({"DIM_COIL": 3}, water=1e4))
    assert one_command(scan({"DIM_COIL": 2, "DIM_INDIRECT_0": 4}), None) == ""


def test_conditions_of_opposite_signs_are_added() -> None:
    edited = scan({"DIM_EDIT": 2})
    turned = edited.data.with_fid(edited.data.fid * np.array([1, -1]))
    assert commands(edited) == ["subtract", "quantify"]
    assert commands(ConvertedScan.of(edited.path, turned)) == ["add", "quantify"]


def test_the_reference_serves_where_it_fits() -> None:
    tags = {"DIM_COIL": 2, "DIM_DYN": 8}
    raw, water = scan(tags), scan({"DIM_COIL": 2, "DIM_DYN": 2}, water=1e4)
    assert water.is_reference
    assert not raw.is_reference
    lines, _ = next_commands(raw, water)
    assert [told.split()[1] for told in lines] == ["coilcombine", "coilcombine", "ecc", "align", "quantify"]
    assert "--h2o combined/x.nii.gz" in lines[-1]
    # Of other coils it serves for nothing, and of other points for the weights of the coils and the scale.
    assert next_commands(raw, scan({"DIM_COIL": 3}, water=1e4)) == next_commands(raw, None)
    short = ConvertedScan.of(water.path, water.data.with_fid(water.data.fid[:, :, :, :256]))
    assert commands(raw, short) == ["coilcombine", "coilcombine", "align", "quantify"]


@pytest.mark.parametrize(
    ("said", "mhz", "basis"),
    [
        ({}, MHZ, "press_3t_te30"),
        ({}, 127.75, "press_3t_te30"),
        ({"EchoTime": 0.035}, MHZ, "press_3t_te35"),
        ({"SequenceName": "svs_st", "EchoTime": 0.011}, 297.2, "steam_7t_te11"),
        ({"SequenceName": "svs_slaser", "EchoTime": 0.026}, 297.2, "slaser_7t_te26"),
        ({"EchoTime": 0.144}, MHZ, "BASIS"),
        ({}, 63.9, "BASIS"),
        ({"SequenceName": None}, MHZ, "BASIS"),
        ({"EchoTime": None}, MHZ, "BASIS"),
    ],
)
def test_a_shipped_basis_set_is_named_where_it_is_of_the_scan(
    said: dict[str, Any], mhz: float, basis: str
) -> None:
    lines, remark = next_commands(scan(mhz=mhz, **said), None)
    assert f"--basis {basis} " in lines[-1]
    assert bool(remark) == (basis == "BASIS")
    for key, word in (("SequenceName", "sequence"), ("EchoTime", "echo time")):
        if key in said and said[key] is None:
            assert f"The header does not say its {word}" in remark


def test_a_pair_of_edit_conditions_gets_the_basis_set_of_differences() -> None:
    edited = scan({"DIM_EDIT": 2}, SequenceName="mega_press", EchoTime=0.068)
    assert "--basis mega-press_3t_te68_diff " in next_commands(edited, None)[0][-1]


def test_references_go_with_the_scan_whose_name_they_carry() -> None:
    both = scan()
    scans = [
        ConvertedScan(Path(f"{name}.nii.gz"), both.data, is_reference, "")
        for name, is_reference in (("a", False), ("a_ref", True), ("b", False), ("b_ref", True))
    ]
    pairs = paired_references(scans)
    assert [(one.path.name, two and two.path.name) for one, two in pairs] == [
        ("a.nii.gz", "a_ref.nii.gz"),
        ("b.nii.gz", "b_ref.nii.gz"),
    ]
    assert paired_references(scans[1:2]) == []
    assert paired_references(scans[:1]) == [(scans[0], None)]
