"""The networks that come with the program: whole, documented, and as good as their cards say."""

import re
from pathlib import Path

import numpy as np
import pytest

import fsl_mrs_dl
from fsl_mrs_dl.io.basis import read_basis
from fsl_mrs_dl.models.package import load, read_card, verified
from fsl_mrs_dl.models.registration_encoders import estimate
from fsl_mrs_dl.simulate import Fixed, Noise, Prior, Uniform, brain_amplitudes, simulate_transients
from fsl_mrs_dl.simulate.brain import macromolecule_amplitudes
from fsl_mrs_dl.simulate.shipped import shipped_basis
from fsl_mrs_dl.steps.align import align
from fsl_mrs_dl.train.evaluation import failures
from fsl_mrs_dl.train.registration_data import Spread, simulated
from fsl_mrs_dl.train.registration_world import TRANSIENTS, World

pytestmark = pytest.mark.usefixtures("one_thread")

ROOT = Path(fsl_mrs_dl.__file__).parent / "resources" / "models"
NAMES = sorted(folder.name for folder in ROOT.glob("align-*"))
NEEDED = {f"align-{architecture}-1h-3t" for architecture in ("dsr", "dsrf", "dcrr", "dcrrf", "ma")} | {
    "align-dsrf-1h-7t"
}
MOST_BYTES = 20e6


@pytest.fixture
def only_shipped(monkeypatch, tmp_path):
    """Neither the user's folder nor the environment brings a package."""
    monkeypatch.setenv("FSL_MRS_DL_MODELS", "")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))


def test_nothing_is_missing():
    assert set(NAMES) >= NEEDED


@pytest.mark.parametrize("name", NAMES)
def test_a_package_is_whole_and_named_as_it_is_filed(name):
    (folder,) = (ROOT / name).iterdir()
    card, _ = verified(folder)
    assert (card.name, card.version) == (name, folder.name)
    assert {score.metric for score in card.evaluation} >= {"shift SD", "phase SD"}
    assert all(score.baseline is not None and score.bound is not None for score in card.evaluation)


@pytest.mark.parametrize("name", NAMES)
def test_the_command_that_makes_a_package_again_is_documented(name):
    docs = Path(__file__).parents[2] / "docs" / "reference" / "models.md"
    (folder,) = (ROOT / name).iterdir()
    text = re.sub(r"\s*\\\n\s*", " ", docs.read_text(encoding="utf-8"))
    written = [set(_options(line)) for line in text.splitlines() if line.startswith("fsl_mrs_dl train align")]
    made = set(_options(read_card(folder).recipe.command))
    # The card names every option, the page those that are not the default.
    assert any(options <= made for options in written)


def _options(command: str) -> list[tuple[str, str]]:
    words = command.split()[3:]
    pairs = zip(words[::2], words[1::2], strict=True)
    return [(name, _plain(value)) for name, value in pairs if name != "--output"]


def _plain(value: str) -> str:
    """20.0 and 20 are one number."""
    return value.removesuffix(".0") if re.fullmatch(r"\d+\.0", value) else value


def test_all_packages_together_are_small():
    assert sum(file.stat().st_size for file in ROOT.rglob("*") if file.is_file()) < MOST_BYTES


@pytest.mark.parametrize("name", [name for name in NAMES if "-ma-" not in name])
def test_a_card_is_true_of_other_scans(name, only_shipped):
    """The share of failures of 40 other scans is the card's, within four SDs of such a share."""
    model = load(name)
    world = World.of(
        f"world_{name.rpartition('-')[2]}", 512, Spread(model.card.valid.shift_hz[1], np.pi, 0.0)
    )
    score = failures(model.network, world.transients(40 * TRANSIENTS, np.random.default_rng(12345)))
    row = next(one for one in model.card.evaluation if one.metric == score.metric)
    said = row.value / 100
    # Transients of a scan fail together: 40 scans tell the share as well as 40 transients would, at worst.
    assert score.value / 100 == pytest.approx(said, abs=4 * np.sqrt(said * (1 - said) / 40))
    # A network that has learned fails little more often than the likelihood that it has learned.
    assert said < row.bound / 100 + 0.03


def test_a_card_is_true_of_other_transients(only_shipped):
    """The scatter of 400 other transients is the card's, within four SDs of such a scatter."""
    model = load("align-ma-1h-3t")
    valid = model.card.valid
    spread = Spread(valid.shift_hz[1], float(np.radians(valid.phase_deg[1])), 0.4)
    test = simulated("brain_3t", None, spread, 400, np.random.default_rng(12345))
    shift_hz, _ = estimate(model.network, test.fids, test.dwelltime_s)
    error = shift_hz - test.truth[:, 0]
    error -= error.mean()
    variance = np.mean(error**2)
    deviation = np.sqrt((np.mean(error**4) - variance**2) / (4 * variance * len(error)))
    said = next(score.value for score in model.card.evaluation if score.metric == "shift SD")
    assert np.sqrt(variance) == pytest.approx(said, abs=4 * deviation)


@pytest.mark.parametrize("name", [name for name in NAMES if name.endswith("-3t")])
def test_align_by_name_works_out_of_the_box(name, only_shipped):
    """Each network takes most of a drift away from a scan without water; the method finds its package."""
    basis = read_basis(shipped_basis("press_3t_te30"))
    prior = Prior(
        amplitudes={**brain_amplitudes(basis.names), **macromolecule_amplitudes(basis)},
        lorentzian_hz=Fixed(4.0),
        noise=Noise(Fixed(25.0), "snr_t0"),
        shift_hz=Uniform(-10, 10),
        phase_rad=Uniform(-0.5, 0.5),
    )
    rng = np.random.default_rng(0)
    scan = simulate_transients(prior, basis, 64, 2048, 4e-4, basis.spectrometer_frequency_mhz, rng)
    result = align(scan.data, method=name.split("-")[1])
    error = result.estimates.shift_hz - scan.truth.shift_hz
    assert np.std(error) < 0.5 * np.std(scan.truth.shift_hz)
