"""Published tables of macromolecules as hypotheses of the background."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

from fsl_mrs_dl.data import NUCLEI
from fsl_mrs_dl.fit.background import density_prior, with_member
from fsl_mrs_dl.fit.background.tables import MacromoleculeTable
from fsl_mrs_dl.fit.lcm import Baseline, FitSettings, fitter_for
from fsl_mrs_dl.io.basis import read_basis
from fsl_mrs_dl.physics import add_noise, damp, on_points
from fsl_mrs_dl.physics.lines import GaussianLine, area_in
from fsl_mrs_dl.physics.macromolecules import MM_SETS
from fsl_mrs_dl.simulate.shipped import shipped_basis

PPM = np.arange(-1.0, 6.0, 0.001)
N, DT, REF = 1024, 5e-4, NUCLEI["1H"].reference_ppm


def curves(lines):
    """Draw lines as Gaussians along chemical shift."""
    sd = np.array([line.fwhm_ppm for line in lines]) / np.sqrt(8 * np.log(2))
    place = np.array([line.ppm for line in lines])
    area = np.array([line.amplitude for line in lines])
    return area[:, None] * norm.pdf(PPM, place[:, None], sd[:, None])


@pytest.mark.parametrize("name", MM_SETS)
def test_a_table_is_of_one_mmol_of_methyl_groups(name):
    inside = (PPM > 0.65) & (PPM < 1.08)
    assert curves(MacromoleculeTable.of(name).lines).sum(axis=0)[inside].sum() * 0.001 == pytest.approx(
        3.0, rel=1e-3
    )


def test_the_area_within_limits_is_that_of_the_drawn_line():
    lines = [GaussianLine("MM", 1.0, 2.0, 0.2), GaussianLine("MM", 1.3, 1.0, 0.1)]
    inside = (PPM > 0.9) & (PPM < 1.25)
    assert area_in(lines, (0.9, 1.25)) == pytest.approx(curves(lines)[:, inside].sum() * 0.001, rel=2e-3)


def test_deviations_are_sizes_then_a_common_width_and_place():
    table = MacromoleculeTable.of("birch_2017")
    drawn = table.deviations(curves)
    assert len(drawn) == len(table.lines) + 2
    assert np.allclose(drawn[: len(table.lines)].sum(axis=0), curves(table.lines).sum(axis=0))
    mean = curves(table.lines).sum(axis=0)
    slope = np.gradient(mean, 0.001)
    assert (
        np.abs(drawn[-1] + 0.015 * slope).max() < 0.25 * np.abs(0.015 * slope).max()
    )  # of the narrowest line, which is no wider than 0.06 ppm
    wider = curves([replace(line, fwhm_ppm=1.1 * line.fwhm_ppm) for line in table.lines]).sum(axis=0)
    assert np.abs(mean + drawn[-2] - wider).max() < 0.2 * np.abs(mean - wider).max()


def test_signals_of_several_lines_keep_their_ratios():
    table = MacromoleculeTable.of("wilson_2011")
    assert len(table.deviations(curves)) == len({line.signal for line in table.lines}) + 2


def test_the_continuum_is_a_deviation_not_part_of_the_mean():
    table = MacromoleculeTable.of("consensus_4t")
    assert len(table.continuum) == 4
    assert len(table.deviations(curves)) == len(table.lines) + 3


@pytest.mark.parametrize("name", ["birch_2017", "povazan_2015"])
def test_the_data_find_the_table_that_they_are_made_of(name, rng):
    """Lines of their own sizes, all 10 % wider: their table leads, and metabolites lie within their SDs."""
    whole = read_basis(shipped_basis("press_3t_te30"))
    amounts = {"NAA": 11.0, "Cr": 4.2, "PCr": 3.8, "Glu": 9.0, "Ins": 6.0, "GPC": 1.4, "Gln": 2.5}
    rows = [whole.names.index(metabolite) for metabolite in amounts]
    whole = on_points(whole, N, DT, whole.spectrometer_frequency_mhz)
    part = replace(whole, fids=whole.fids[rows], names=tuple(amounts))
    basis = with_member(part, density_prior())
    fitter = fitter_for(basis, FitSettings(baseline=Baseline("auto")), reference_ppm=REF)
    n, mhz = 12, basis.spectrometer_frequency_mhz
    times = np.arange(N) * DT
    broad = np.zeros((n, N), complex)
    for line in MacromoleculeTable.of(name).lines:
        sd_hz = 1.1 * line.fwhm_ppm * mhz / np.sqrt(8 * np.log(2))
        decay = np.exp(-2 * (np.pi * sd_hz * times) ** 2 + 2j * np.pi * (line.ppm - REF) * mhz * times)
        broad += 10.0 * line.amplitude * np.exp(0.2 * rng.standard_normal((n, 1))) * decay
    # The shipped set counts protons: a first point of 1 is one proton at 1 mmol/kg.
    clean = damp(np.array(list(amounts.values())) @ np.asarray(part.fids), 6.0, 8.0, DT) + broad
    found = fitter(add_noise(clean, 0.6, rng))
    leading = [fitter.problem.background.hypotheses[at].macromolecules for at in found.average.index[:, 0]]
    assert sum(one == name for one in leading) >= 10
    sd = np.sqrt(np.einsum("smm->sm", found.covariance))[:, :-1]
    z = (found.amplitudes[:, :-1] - np.array(list(amounts.values()))) / sd
    assert np.sqrt((z**2).mean()) < 1.3
    assert (found.amplitudes[:, 3] / 9.0).mean() == pytest.approx(1, abs=0.05)
