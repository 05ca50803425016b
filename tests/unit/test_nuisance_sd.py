"""Standard deviations of shift, width and phase: those of many fits."""

import numpy as np
import pytest

from fsl_mrs_dl.data import Basis
from fsl_mrs_dl.fit.lcm import Baseline, FitSettings, Fitter
from fsl_mrs_dl.fit.lcm.nuisance import nuisance_sd
from fsl_mrs_dl.physics import add_noise, basis_sum, first_order_phase, phase, singlet

N, DT, F0, MANY = 1024, 5e-4, 123.25, 200


@pytest.fixture(scope="module")
def fitted():
    like = np.zeros(1, dtype=complex)
    offsets = (np.array([2.01, 3.03, 3.9]) - 4.65) * F0
    fids = np.stack([singlet(N, DT, hz, 6.0, 0.0, like) for hz in offsets])
    basis = Basis(fids, ("NAA", "Cr", "Lac"), DT, F0)
    ones = np.ones((MANY, 1))
    made = basis_sum(fids, np.tile([3.0, 2.0, 1.5], (MANY, 1)), 2.0 * ones, 8.0 * ones, 9.0 * ones, DT)
    turned = phase(first_order_phase(made, np.full(MANY, 2e-5), DT), np.full(MANY, 0.3))
    noisy = add_noise(turned, 0.06, np.random.default_rng(11))
    return Fitter(basis, FitSettings(baseline=Baseline.parse("poly, 1")), reference_ppm=4.65)(noisy)


@pytest.mark.parametrize("name", ["shift_hz", "gamma", "sigma", "carrier_phase_rad", "delay_s"])
def test_the_bound_is_the_spread_of_many_fits(name, fitted):
    """The spread of 200 is known to 5 %; 4 of its standard errors."""
    if name == "carrier_phase_rad":
        values = fitted.phase_rad - 2 * np.pi * fitted.delay_s * fitted.shift_hz[:, 0]
    else:
        values = getattr(fitted, name)
    bound = np.median(nuisance_sd(fitted)[name])
    assert values.std() == pytest.approx(bound, rel=4 / np.sqrt(2 * MANY))


def test_what_was_not_fitted_has_no_bound(fitted):
    basis = Basis(np.ones((1, 64)) * np.exp(-0.01 * np.arange(64)), ("A",), DT, F0)
    settings = FitSettings(None, lorentzian=True, first_order_phase=False)
    found = nuisance_sd(Fitter(basis, settings, reference_ppm=4.65)(2 * basis.fids + 0.01))
    assert np.isnan(found["sigma"]).all()
    assert np.isnan(found["delay_s"]).all()
    assert (found["shift_hz"] > 0).all()
    assert (found["carrier_phase_rad"] > 0).all()
