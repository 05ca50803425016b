"""Layouts of results: what may be replaced, FSL-MRS's signs, and the record of a run."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from fsl_mrs_dl import physics
from fsl_mrs_dl.data import Basis
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.io.results import Outcome, Scaled, files_of_earlier_run, run_record
from fsl_mrs_dl.io.results.fsl_convention import (
    from_maps,
    from_parameters,
    parameter_rows,
    phase_deg,
    phase_slope_s,
    shift_ppm,
    widths_hz,
)
from fsl_mrs_dl.io.results.viewer import COLOUR_SCHEME, tree

N, DT, F0 = 64, 5e-4, 100.0


def outcome(**more: object) -> Outcome:
    """Return two voxels of two metabolites with one sum."""
    basis = Basis(np.ones((2, N), dtype=complex), ("Cr", "PCr"), DT, F0, name="two")
    three, two = np.array([[1.0, 2.0, 3.0]] * 2), np.ones((2, 2))
    said: dict[str, object] = {
        "members": ("Cr", "PCr"),
        "sums": (("Cr", "PCr"),),
        "internal_reference": ("Cr", "PCr"),
        "groups": (0, 0),
        "grid": (2, 1, 1),
        "voxels": np.array([[0, 0, 0], [1, 0, 0]]),
        "scaled": {"raw": Scaled(three, three / 10)},
        "crlb_percent": three,
        "snr": two,
        "fwhm_hz": two,
        "shift_hz": np.full((2, 1), 3.0),
        "gamma": np.full((2, 1), np.pi),
        "sigma": np.full((2, 1), np.pi / np.sqrt(np.log(2))),
        "phase_rad": np.full(2, 0.5),
        "delay_s": np.full(2, 1e-5),
        "baseline_coefficients": np.array([[1 + 2j], [3 + 4j]]),
        "noise_sd": np.ones(2),
        "residual_whiteness": np.zeros(2),
        "iterations": np.ones(2, dtype=int),
        "flags": np.array([0, 5], dtype=np.int16),
        "fit": np.ones((2, N), dtype=complex),
        "baseline": np.zeros((2, N), dtype=complex),
        "metabolites": None,
        "correlation": None,
        "basis": basis,
        "ppmlim": (0.2, 4.2),
    }
    return Outcome(**{**said, **more})  # type: ignore[arg-type]


def test_names_and_grid() -> None:
    found = outcome()
    assert found.names == ("Cr", "PCr", "Cr+PCr")
    assert found.column("Cr+PCr") == 2
    grid = outcome(grid=(3, 1, 1)).on_grid(np.array([4.0, 5.0]), np.nan)
    np.testing.assert_array_equal(grid[:, 0, 0], [4, 5, np.nan])


def test_spreads_are_in_the_units_of_fsl_mrs() -> None:
    one = np.ones((2, 1))
    spreads = {"shift_hz": 0.5 * one, "gamma": 3 * one, "sigma": 4 * one, "delay_s": np.full(2, 1e-6)}
    said = parameter_rows(outcome(nuisance_sd={**spreads, "carrier_phase_rad": np.full(2, 0.2)}))
    found = {name: sd for name, _, sd in said}
    expected = {"eps_0": np.pi, "gamma_0": 3, "sigma_0": 4, "Phi0": 0.2, "Phi1": 2e-6 * np.pi}
    assert {name: found[name] for name in expected} == pytest.approx(expected)


def test_parameters_make_the_same_curve_in_the_model_of_fsl_mrs() -> None:
    """FSL-MRS: exp(-i (Phi0 + Phi1 nu)) F{x exp(-(i eps + gamma + sigma^2 t) t)}."""
    found = outcome()
    said = {name: value for name, value, _ in parameter_rows(found)}
    t, nu = np.arange(N) * DT, physics.frequency_axis_hz(N, DT)
    line = np.exp((2j * np.pi * 40 - 30) * t)
    broad = line * np.exp(-(1j * said["eps_0"] + said["gamma_0"] + t * said["sigma_0"] ** 2) * t)
    theirs = np.exp(-1j * (said["Phi0"] + said["Phi1"] * nu)) * physics.fid_to_spectrum(broad)
    ours = physics.damp(line[None], found.gamma[0], found.sigma[0], DT)
    ours = physics.shift(ours, found.shift_hz[0], DT)
    ours = physics.first_order_phase(ours, found.delay_s[:1], DT, float(found.shift_hz[0, 0]))
    ours = physics.phase(ours, found.phase_rad[:1])
    np.testing.assert_allclose(physics.fid_to_spectrum(ours)[0], theirs, atol=1e-12)
    assert list(said) == [
        *("Cr", "PCr", "gamma_0", "sigma_0", "eps_0", "Phi0", "Phi1", "B_real_0", "B_imag_0"),
    ]


def test_two_groups_and_own_shifts_have_their_signs_and_spreads_in_each_voxel() -> None:
    """FSL-MRS's eps is -2 pi times a shift in Hz; each value and SD is of its own group, member and voxel."""
    two = np.array([[1.0, 2.0], [3.0, 4.0]])
    spreads = {"shift_hz": two / 10, "gamma": two / 20, "sigma": two / 30, "member_hz": two / 40}
    rows = parameter_rows(
        outcome(
            shift_hz=two,
            gamma=10 * two,
            sigma=20 * two,
            member_hz=-two,
            nuisance_sd={**spreads, "delay_s": np.ones(2), "carrier_phase_rad": np.ones(2)},
            hypothesis=np.array([[5, 6], [7, 8]]),
            hypothesis_weight=np.array([[0.9, 0.1], [0.7, 0.3]]),
            proton_signal=np.array([11.0, 12.0]),
            noise_sd=np.array([0.1, 0.2]),
        ),
        1,
    )
    turn = 2 * np.pi
    expected = {
        "gamma_0": (30, 0.15),
        "gamma_1": (40, 0.2),
        "sigma_0": (60, 0.1),
        "sigma_1": (80, 4 / 30),
        "eps_0": (-3 * turn, 0.3 * turn),
        "eps_1": (-4 * turn, 0.4 * turn),
        "eps_Cr": (3 * turn, 3 / 40 * turn),
        "eps_PCr": (4 * turn, 4 / 40 * turn),
    }
    found = {name: (value, sd) for name, value, sd in rows}
    assert len(found) == len(rows)
    for name, pair in expected.items():
        assert found[name] == pytest.approx(pair), name
    last = {"hypothesis": 7.0, "hypothesis_weight": 0.7, "proton_signal": 12.0, "noise_sd": 0.2}
    assert {name: found[name][0] for name in last} == last
    assert list(found)[:2] == ["Cr", "PCr"]


def test_the_width_of_a_voigt_line_of_unequal_widths() -> None:
    """3 Hz and 4 Hz: 0.5346 x 3 + sqrt(0.2166 x 9 + 16) = 5.841 Hz."""
    gaussian = 2 * np.pi / np.sqrt(np.log(2))
    widths = widths_hz(outcome(gamma=np.full((2, 1), 3 * np.pi), sigma=np.full((2, 1), gaussian)))
    assert [float(width[0, 0]) for width in widths] == pytest.approx([5.8405, 3.0, 4.0], abs=1e-4)


def test_units_of_the_maps() -> None:
    found = outcome()
    combined, lorentzian, gaussian = widths_hz(found)
    np.testing.assert_allclose(lorentzian, 1.0)
    np.testing.assert_allclose(gaussian, 2.0)
    np.testing.assert_allclose(combined, 0.5346 + np.sqrt(0.2166 + 4))
    np.testing.assert_allclose(shift_ppm(found), -0.03)
    np.testing.assert_allclose(phase_slope_s(found), 1e-5)


def test_what_is_written_reads_back() -> None:
    found = outcome(delay_s=np.full(2, 2e-3))  # so that it matters where the phase counts from
    ours = (0.5, 2e-3, 3.0)
    said = {name: value for name, value, _ in parameter_rows(found)}
    assert from_parameters(said["Phi0"], said["Phi1"], said["eps_0"]) == pytest.approx(ours)
    maps = (phase_deg(found)[0], phase_slope_s(found)[0], shift_ppm(found)[0, 0])
    assert from_maps(*maps, found.basis.spectrometer_frequency_mhz) == pytest.approx(ours)


def test_tree_names_what_is_there() -> None:
    three = np.ones((2, 3))
    lines = tree(outcome()).splitlines()
    assert not any("conc-molality" in line for line in lines)
    more = {"raw": Scaled(three, three, extra={"ci95_low": three, "shrinkage": three})}
    text = tree(outcome(scaled=more))
    assert "{metab}_ci95_low.nii.gz (ci95-low)" in text
    assert "{metab}_shrinkage.nii.gz (shrinkage)" in text
    keys = [line.split("(")[1].rstrip(")") for line in text.splitlines() if "(" in line]
    assert set(keys) <= set(COLOUR_SCHEME)


class TestRunRecord:
    def test_says_everything(self) -> None:
        said = json.loads(
            run_record(outcome(), {"TE": 30.0, "mask": Path("m.nii")}, {"a/b.nii": "12ab"}, "quantify")
        )
        assert said["settings"] == {"TE": 30.0, "mask": "m.nii"}
        assert said["files"] == ["a/b.nii", "run.json"]
        assert said["sha256"] == {"a/b.nii": "12ab"}
        assert said["complete"] is True
        assert said["flags"] == {"nonfinite": 1, "no_convergence": 1}
        assert (said["model"], said["seed"], said["water"]) == (None, None, None)
        assert len(said["basis"]["sha256"]) == 64

    def test_its_files_are_known_by_content(self, tmp_path: Path) -> None:
        text = run_record(outcome(), {}, {"a/b.nii": "12ab"}, "quantify")
        (tmp_path / "run.json").write_text(text)
        own = hashlib.sha256(text.encode()).hexdigest()
        assert files_of_earlier_run(tmp_path) == {"a/b.nii": "12ab", "run.json": own}

    @pytest.mark.parametrize(
        "change", [("quantify", "quantity"), ('"12ab"', '"12ac"'), ("a/b.nii", "a/c.nii")]
    )
    def test_an_edited_record_is_refused(self, tmp_path: Path, change: tuple[str, str]) -> None:
        text = run_record(outcome(), {}, {"a/b.nii": "12ab"}, "quantify")
        (tmp_path / "run.json").write_text(text.replace(*change))
        with pytest.raises(DataError, match="it was edited"):
            files_of_earlier_run(tmp_path)

    @pytest.mark.parametrize("name", ["/etc/passwd", "../data.nii.gz", "a/../../data.nii.gz", ""])
    def test_a_record_of_files_elsewhere_is_refused(self, tmp_path: Path, name: str) -> None:
        (tmp_path / "run.json").write_text(run_record(outcome(), {}, {name: "12ab"}, "quantify"))
        with pytest.raises(DataError, match="lies outside of its folder"):
            files_of_earlier_run(tmp_path)

    @pytest.mark.parametrize(
        "text", ["not json", "[]", '{"files": ["a"]}', '{"program": "fsl_mrs_dl", "files": ["a.csv"]}']
    )
    def test_a_damaged_record_is_refused(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "run.json").write_text(text)
        with pytest.raises(DataError, match="choose another --output"):
            files_of_earlier_run(tmp_path)

    def test_no_earlier_run(self, tmp_path: Path) -> None:
        assert files_of_earlier_run(tmp_path / "none") == {}
