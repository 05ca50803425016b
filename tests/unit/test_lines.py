"""Macromolecule and lipid lines: tables, widths, places."""

import numpy as np
import pytest
import torch

from fsl_mrs_dl.physics import damp, fid_to_spectrum, frequency_axis_hz, ppm_axis
from fsl_mrs_dl.physics.lines import (
    BIRCH_2017,
    WILSON_2011,
    gamma_from_fwhm,
    gaussian_lines,
    line_basis,
    sigma_from_fwhm,
)

LIKE = np.empty(1, np.complex128)


@pytest.mark.parametrize("from_fwhm", [gamma_from_fwhm, sigma_from_fwhm])
def test_line_has_the_width_it_was_made_with(from_fwhm):
    fwhm_hz, dwelltime_s, n_points = 10.0, 1 / 2000, 65536
    rate = from_fwhm(fwhm_hz)
    gamma, sigma = (rate, 0.0) if from_fwhm is gamma_from_fwhm else (0.0, rate)
    fid = damp(np.ones(n_points, complex), gamma, sigma, dwelltime_s)
    fid[0] /= 2  # the integral from t = 0 counts half of the first point
    spectrum = fid_to_spectrum(fid).real
    f = frequency_axis_hz(n_points, dwelltime_s)
    above = f[spectrum >= spectrum.max() / 2]
    bin_hz = f[1] - f[0]
    assert above[-1] - above[0] == pytest.approx(fwhm_hz, abs=2 * bin_hz)


@pytest.mark.parametrize("mhz", [123.2, 297.2, 400.3])
def test_birch_line_lies_and_spreads_in_ppm_at_any_field(mhz):
    n_points, dwelltime_s = 65536, 1 / 8000
    line = BIRCH_2017[0]
    fid = gaussian_lines([line], n_points, dwelltime_s, mhz, LIKE)[0]
    assert fid[0] == pytest.approx(0.72)
    fid[0] /= 2
    spectrum = fid_to_spectrum(fid).real
    ppm = ppm_axis(n_points, dwelltime_s, mhz, 4.65)
    bin_ppm = ppm[1] - ppm[0]
    above = ppm[spectrum >= spectrum.max() / 2]
    assert ppm[spectrum.argmax()] == pytest.approx(0.90, abs=bin_ppm)
    assert above[-1] - above[0] == pytest.approx(21.20 / 128, abs=2 * bin_ppm)


def test_tables_are_those_of_the_sources():
    assert len(BIRCH_2017) == 13
    assert max(line.amplitude for line in BIRCH_2017) == 1.0
    assert len(WILSON_2011) == 14
    narrow = [line for line in WILSON_2011 if line.signal == "Lip13"][1]
    assert narrow.fwhm_ppm == 0.089


def test_basis_adds_up_the_lines_of_a_signal():
    basis = line_basis(WILSON_2011, 64, 1 / 4000, 123.2)
    assert basis.names == ("MM09", "MM12", "MM14", "MM17", "MM20", "Lip09", "Lip13", "Lip20")
    np.testing.assert_allclose(basis.fids[4, 0], 1.33 + 0.33 + 0.33 + 0.40)
    fids = gaussian_lines(WILSON_2011, 64, 1 / 4000, 123.2, LIKE)
    np.testing.assert_allclose(basis.fids.sum(axis=0), fids.sum(axis=0))


def test_torch_gives_the_same_lines():
    numpy_lines = gaussian_lines(BIRCH_2017, 128, 1 / 4000, 123.2, LIKE)
    torch_lines = gaussian_lines(BIRCH_2017, 128, 1 / 4000, 123.2, torch.empty(1, dtype=torch.complex128))
    np.testing.assert_allclose(torch_lines.numpy(), numpy_lines, atol=1e-12)
