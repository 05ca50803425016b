"""Numbers worked out with pencil and paper, for formulas whose tests took them from the code under test."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from fsl_mrs_dl import physics
from fsl_mrs_dl.data import MRSData
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.fit.fisher import crlb, fisher_matrix
from fsl_mrs_dl.fit.lcm.nuisance import nuisance_sd
from fsl_mrs_dl.io.results import write_estimates
from fsl_mrs_dl.physics.relaxation import T1_S, T2_S, visible, visible_water
from fsl_mrs_dl.steps.align import align

TE_S, TR_S = 0.030, 2.0


class TestRelaxation:
    """3 T, TE 30 ms, TR 2 s; T1 and T2 of FSL-MRS's table: metabolites 1.29 and 0.194 s."""

    def test_metabolites(self):
        # exp(-2 / 1.29) = 0.212166; exp(-0.030 / 0.194) = 0.856724; (1 - 0.212166) x 0.856724 = 0.674957.
        assert visible(1.29, 0.194, TE_S, TR_S) == pytest.approx(0.674957, rel=1e-5)

    def test_each_time_has_its_own_decay(self):
        """TE of one T2 without saturation leaves 1/e; TR of one T1 at no TE recovers 1 - 1/e."""
        assert visible(1.0, 0.1, 0.1, 1e6) == pytest.approx(0.367879, rel=1e-5)
        assert visible(1.0, 0.1, 0.0, 1.0) == pytest.approx(0.632121, rel=1e-5)

    def test_water_without_fractions(self):
        # Mean of white and grey matter: T1 1.235, T2 0.0805 s. (1 - 0.198011) x 0.688892 = 0.552484;
        # 55.51 mol/kg x 0.552484 / 0.674957 = 45437.5 mmol/kg.
        molal, molar = visible_water(None, T1_S["3T"], T2_S["3T"], TE_S, TR_S)
        assert float(molal) == pytest.approx(45437.5, rel=1e-5)
        assert float(molar) == pytest.approx(45437.5, rel=1e-5)

    def test_water_of_half_white_matter(self):
        # WM 0.5 x 0.65 x 0.578667 + GM 0.4 x 0.78 x 0.523673 + CSF 0.1 x 0.97 x 0.355438 = 0.385930.
        # Molar: 55510 x 0.385930 / 0.674957 / (1 - 0.1) = 35266.4 mmol/l;
        # molal: over tissue water 0.734 - 0.097 instead of 0.9: 49827.0 mmol/kg.
        parts = {"WM": np.array([0.5]), "GM": np.array([0.4]), "CSF": np.array([0.1])}
        molal, molar = visible_water(parts, T1_S["3T"], T2_S["3T"], TE_S, TR_S)
        assert molar[0] == pytest.approx(35266.4, rel=1e-5)
        assert molal[0] == pytest.approx(49827.0, rel=1e-5)


def edited(phase_rad, shift_hz, editing=0.0):
    """Two edit conditions of six transients: creatine and choline, the second turned and shifted.

    ``editing``: complex area of a line at 2.01 ppm in the second condition, 5 in the first.
    """
    n, dt, mhz = 1024, 5e-4, 127.7
    like = np.zeros(1, dtype=complex)
    places = (np.array([3.027, 3.21]) - 4.65) * mhz
    clean = (np.array([3.0, 2.0])[:, None] * physics.singlet(n, dt, places, 15.0, 0.0, like)).sum(axis=0)
    naa = physics.singlet(n, dt, (2.01 - 4.65) * mhz, 15.0, 0.0, like)[0] if editing else 0.0
    second = clean + editing * naa
    clean = clean + 5.0 * naa
    other = physics.phase(physics.shift(second[None], shift_hz, dt), np.array([phase_rad]))[0]
    rng = np.random.default_rng(5)
    fids = np.stack([np.tile(one, (6, 1)) for one in (clean, other)])  # (condition, transient, time)
    fids = physics.add_noise(fids, 0.02, rng)
    return MRSData(fids.transpose(2, 1, 0)[None, None, None], dt, mhz, "1H", ("DIM_DYN", "DIM_EDIT"))


@pytest.mark.parametrize(
    ("made_rad", "kept_rad"),
    [
        (0.20, 0.20),
        (-0.35, -0.35),
        (0.20 + np.pi, 0.20),  # stored half a turn apart, which a later subtraction counts on
        (-0.35 - np.pi, -0.35),
    ],
)
def test_the_second_condition_is_turned_by_its_phase_modulo_half_a_turn(made_rad, kept_rad):
    found = align(edited(made_rad, 3.0), refer=False).estimates
    turned = found.phase_rad[0, 0, 0].mean(axis=0)
    assert turned[1] - turned[0] == pytest.approx(kept_rad, abs=0.02)
    moved = found.shift_hz[0, 0, 0].mean(axis=0)
    assert moved[1] - moved[0] == pytest.approx(3.0, abs=0.1)


@pytest.mark.parametrize("editing", [5j, -5.0, 4 - 4j])
def test_what_editing_changes_does_not_turn_a_condition(editing):
    """Creatine and choline alone join the conditions: NAA has another phase in the edited one."""
    found = align(edited(0.2, 3.0, editing), refer=False).estimates
    turned, moved = (values[0, 0, 0].mean(axis=0) for values in (found.phase_rad, found.shift_hz))
    assert turned[1] - turned[0] == pytest.approx(0.2, abs=0.02)
    assert moved[1] - moved[0] == pytest.approx(3.0, abs=0.1)


@pytest.mark.parametrize(
    ("covariance", "delay_s", "shift_hz", "variance"),
    [
        # Phase at the carrier = phase - 2 pi delay shift; SDs: shift 2 Hz, phase 0.3 rad, delay 1 ms.
        # Nothing correlated, no shift: 0.3^2 + (2 pi 0.01)^2 2^2 = 0.09 + 0.0157914.
        ({}, 0.01, 0.0, 0.1057914),
        # Phase and shift covary by 0.5: - 2 x 2 pi 0.01 x 0.5 = - 0.0628319.
        ({("phase", "shift"): 0.5}, 0.01, 0.0, 0.0429595),
        ({("phase", "shift"): -0.5}, 0.01, 0.0, 0.1686233),
        ({("phase", "shift"): 0.5}, -0.01, 0.0, 0.1686233),
        # Phase and delay covary by 2e-4 at 5 Hz: 0.09 + (2 pi 5)^2 1e-6 - 2 x 2 pi 5 x 2e-4 = 0.0784206.
        ({("phase", "delay"): 2e-4}, 0.0, 5.0, 0.0784206),
        # Shift and delay covary by 1e-3: + 2 (2 pi)^2 x 0.01 x 5 x 1e-3 = + 0.0039478.
        ({("shift", "delay"): 1e-3}, 0.01, 5.0, 0.1057914 + 0.0009870 + 0.0039478),
    ],
)
def test_the_phase_at_the_carrier_has_the_variance_of_all_three(covariance, delay_s, shift_hz, variance):
    at = {"amplitude": 0, "shift": 1, "gamma": 2, "sigma": 3, "phase": 4, "delay": 5}
    matrix = np.diag([1.0, 4.0, 1.0, 1.0, 0.09, 1e-6])
    for (one, other), value in covariance.items():
        matrix[at[one], at[other]] = matrix[at[other], at[one]] = value
    result = SimpleNamespace(
        amplitudes=np.ones((1, 1)),
        shift_hz=np.array([[shift_hz]]),
        sigma=np.array([[5.0]]),
        delay_s=np.array([delay_s]),
        information=np.linalg.inv(matrix)[None],
    )
    found = nuisance_sd(result)
    assert found["carrier_phase_rad"][0] ** 2 == pytest.approx(variance, rel=1e-4)
    assert found["shift_hz"][0, 0] == pytest.approx(2.0)
    assert found["delay_s"][0] == pytest.approx(1e-3)
    assert found["sigma"][0, 0] == pytest.approx(0.1)  # of sigma^2: SD 1 over 2 x 5


@pytest.mark.parametrize("shift_hz", [1001.0, -9e5])
def test_a_replayed_shift_beyond_the_spectrum_is_refused(shift_hz, tmp_path):
    """Bandwidth 2000 Hz: no transient is more than 1000 Hz off."""
    data = edited(0.1, 1.0)
    found = align(data, refer=False).estimates
    shifts = found.shift_hz.copy()
    shifts[0, 0, 0, 2, 1] = shift_hz
    table = tmp_path / "N_align.csv"
    write_estimates(replace(found, shift_hz=shifts), data.dim_tags, table)
    with pytest.raises(DataError, match="1000 Hz") as refused:
        align(data, apply=table)
    assert "\n" not in str(refused.value)
    write_estimates(found, data.dim_tags, table)
    align(data, apply=table)


def test_the_bound_of_each_spectrum_of_a_batch_is_that_of_its_own_matrix():
    """Of [[4, 1], [1, 2]] / 7 the inverse has 2 and 4 on its diagonal."""
    matrices = np.array([[[4.0, 1.0], [1.0, 2.0]], np.diag([25.0, 100.0]), np.diag([1.0, 16.0])])
    matrices[0] /= 7
    expected = [[np.sqrt(2), 2.0], [0.2, 0.1], [1.0, 0.25]]
    np.testing.assert_allclose(crlb(matrices), expected, rtol=1e-12)


def test_a_weighted_fisher_matrix_counts_samples_by_their_weight():
    """Two parameters, two samples; the second sample has a quarter of the weight, the noise an SD of 2."""
    derivatives = np.array([[1.0, 2j], [3.0, 4j]])
    weighted = derivatives * np.array([1.0, 0.25])
    np.testing.assert_allclose(fisher_matrix(derivatives, 2.0), np.array([[5.0, 11.0], [11.0, 25.0]]) / 4)
    np.testing.assert_allclose(
        fisher_matrix(derivatives, 2.0, weighted), np.array([[2.0, 5.0], [5.0, 13.0]]) / 4
    )
