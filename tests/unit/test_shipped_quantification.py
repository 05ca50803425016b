"""The quantification networks that come with the program: whole, documented, and as good as their cards."""

import re
from pathlib import Path

import numpy as np
import pytest

import fsl_mrs_dl
from fsl_mrs_dl.fit.lcm import Baseline, FitSettings, Fitter
from fsl_mrs_dl.io.basis import read_basis
from fsl_mrs_dl.models.package import load, read_card, verified
from fsl_mrs_dl.models.quantification_inference import network_parameters
from fsl_mrs_dl.physics import on_points, sound_basis
from fsl_mrs_dl.scores import r2
from fsl_mrs_dl.simulate.shipped import shipped_basis
from fsl_mrs_dl.steps.quantify_fitters import NetworkFitter, StartedFitter
from fsl_mrs_dl.train.quantification_data import DWELLTIME_S, basis_of, simulated
from fsl_mrs_dl.train.start_data import scene

pytestmark = pytest.mark.usefixtures("one_thread")

ROOT = Path(fsl_mrs_dl.__file__).parent / "resources" / "models"
NAMES = sorted(folder.name for folder in ROOT.glob("quantify-*"))
BASES = {
    "quantify-dq-nmm-press-1h-3t": "press_3t_te30",
    "quantify-dq-nmm-slaser-1h-3t": "slaser_3t_te28",
    "quantify-dq-nmm-steam-1h-7t": "steam_7t_te11",
}
START = "quantify-start-1h"
MOST_BYTES = 1e6


def package(name):
    (folder,) = (ROOT / name).iterdir()
    return folder


def test_nothing_is_missing():
    assert set(NAMES) == {*BASES, START}


@pytest.mark.parametrize("name", NAMES)
def test_a_package_is_whole_small_and_named_as_it_is_filed(name):
    folder = package(name)
    card, weights = verified(folder)
    assert (card.name, card.version) == (name, folder.name)
    assert len(weights) < MOST_BYTES


@pytest.mark.parametrize("name", BASES)
def test_the_card_has_the_fit_and_both_bounds_beside_each_r2(name):
    rows = [score for score in read_card(package(name)).evaluation if score.metric == "R2 NAA"]
    assert {row.bound_name for row in rows} == {"efficient", "Bayes"}
    assert {row.baseline_name for row in rows} == {"maximum likelihood", "training mean"}


@pytest.mark.parametrize("name", NAMES)
def test_the_command_that_makes_a_package_again_is_documented(name):
    docs = Path(__file__).parents[2] / "docs" / "reference" / "models.md"
    text = re.sub(r"\s*\\\n\s*", " ", docs.read_text(encoding="utf-8"))
    written = [options(line) for line in text.splitlines() if line.startswith("fsl_mrs_dl train quantify")]
    made = options(read_card(package(name)).recipe.command)
    assert any(said <= made for said in written)


def options(command):
    """Return pairs of flag and value, without the folder."""
    words = command.split()
    pairs = {(words[i], words[i + 1]) for i in range(len(words) - 1) if words[i].startswith("--")}
    return {pair for pair in pairs if pair[0] != "--output"}


@pytest.mark.parametrize(("name", "basis"), BASES.items())
def test_a_network_does_on_other_spectra_what_its_card_says(name, basis):
    """R2 of NAA of 400 spectra: its standard error is that of the mean square error, sqrt(2 / 400) of 1 - R2."""
    model = load(package(name))
    said = next(score for score in model.card.evaluation if score.metric == "R2 NAA")
    made = simulated(basis_of(basis, "brain"), "brain", "white", 400, np.random.default_rng(123))
    found = network_parameters(model.network, made.fids, DWELLTIME_S).amplitudes
    column = made.basis.names.index("NAA")
    value = float(r2(found[:, column], made.amplitudes[:, column]))
    assert value == pytest.approx(said.value, abs=6 * np.sqrt(2 / 400) * (1 - said.value))
    assert value > 0.5


def test_spectra_of_another_3t_scanner_are_read_in_ppm():
    """Bias and spread at 127.7 MHz are those at 123.25 MHz, to 4 standard errors of 200 spectra each."""
    model, n = load(package("quantify-dq-nmm-press-1h-3t")), 200
    names = ("NAA", "Cr", "Ins", "Glu", "Gln", "GSH")
    found = {}
    for mhz in (123.25, 127.7):
        shipped = sound_basis(read_basis(shipped_basis("press_3t_te30")))
        basis = on_points(shipped, 1024, DWELLTIME_S, mhz, field_tolerance=0.05)
        made = simulated(basis, "brain", "white", n, np.random.default_rng(5))
        by = NetworkFitter(basis, FitSettings(None), reference_ppm=4.65, model=model, refine=False)
        fit = by(made.fids)
        error = (fit.amplitudes - made.amplitudes)[:, [basis.names.index(name) for name in names]]
        spread = error.std(axis=0)
        found[mhz] = error.mean(axis=0) / spread, spread, fit.shift_hz[:, 0] - made.shift_hz
    (before, spread, off), (after, other, off_too) = found.values()
    assert np.abs(after - before).max() < 4 * np.sqrt(2 / n)
    assert np.abs(np.log(other / spread)).max() < 4 / np.sqrt(n)
    assert np.median(np.abs(off_too)) < 1.04 * np.median(np.abs(off)) * (1 + 4 * 1.2 / np.sqrt(n))


@pytest.mark.parametrize("basis", ["slaser_3t_te35", "steam_7t_te11"])
def test_one_start_serves_bases_and_fields(basis):
    """The shift it gives is within the capture range of the fit: half a linewidth, of 24 in 25."""
    made = scene(read_basis(shipped_basis(basis)), 50, np.random.default_rng(9), snr_f=(40.0, 100.0))
    axes = {"reference_ppm": made.basis.reference_ppm}
    fitter = StartedFitter(made.basis, FitSettings(baseline=Baseline()), **axes, model=load(package(START)))
    begun = fitter.begin(made.fids)
    off = np.abs(begun.shift_hz[:, 0] - made.shift_hz) / made.basis.spectrometer_frequency_mhz
    assert np.quantile(off, 0.96) < 0.04
    assert isinstance(fitter, Fitter)
