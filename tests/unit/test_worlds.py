"""The worlds of the benchmark: their truth is in their spectra, and they are always the same."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.io.basis import read_basis
from fsl_mrs_dl.physics.macromolecules import MM_SETS
from fsl_mrs_dl.simulate.shipped import shipped_basis
from fsl_mrs_dl.steps.quantify import quantify
from tests.benchmarks.worlds import additions
from tests.benchmarks.worlds.amounts import DISEASED, HEALTHY, HEALTHY_TCR, draw_amounts
from tests.benchmarks.worlds.broad import SIZE, SIZE_PPM, SPREAD_LINE, SPREAD_SIZE
from tests.benchmarks.worlds.design import CENTRE, worlds
from tests.benchmarks.worlds.judged import score, true_ratios
from tests.benchmarks.worlds.lineshapes import LINESHAPES, lineshapes
from tests.benchmarks.worlds.run_worlds import scores
from tests.benchmarks.worlds.settings import Ratios, by_fsl_mrs
from tests.benchmarks.worlds.sites import between, within
from tests.benchmarks.worlds.spins import DWELLTIME_S, POINTS, SOURCES
from tests.benchmarks.worlds.world import World, make

SHIPPED = [name for name, source in SOURCES.items() if not source.place and not source.recipe]


@pytest.mark.parametrize("spins", SHIPPED)
def test_fit_recovers_truth_where_nothing_differs(spins: str, rng: np.random.Generator) -> None:
    made = make(replace(CENTRE, spins=spins, mm="none", snr_f=(1e6, 1e6)), 3, rng)
    basis = read_basis(shipped_basis(made.fitted))
    metabolites = tuple(name for name in basis.names if not name.startswith("MM"))
    found = quantify(made.data, basis=basis, keep=metabolites, baseline="off", no_posterior=True).outcome
    assert found is not None
    ratios = found.scaled["internal"].value
    creatine = made.truth["Cr"] + made.truth["PCr"]
    for name in ("NAA", "Glu", "Gln", "Ins", "GABA", "Lac", "GPC+PCh"):
        truth = sum(made.truth[part] for part in name.split("+")) / creatine
        np.testing.assert_allclose(ratios[:, found.column(name)], truth, atol=1e-3)


def test_snr_is_highest_metabolite_peak_over_noise(rng: np.random.Generator) -> None:
    made = make(replace(CENTRE, lipid=True, water=True, ripple=True), 40, rng)
    noise = made.data.fid[:, 0, 0] - made.clean
    spectrum = np.fft.fft(made.metabolites, norm="ortho")
    # The SD of 2 x 1024 numbers is known to 1 / sqrt(2 x 2048) = 1.6 %.
    sd = np.sqrt((np.abs(np.fft.fft(noise, norm="ortho")) ** 2).mean(axis=1) / 2)
    np.testing.assert_allclose(np.abs(spectrum).max(axis=1) / sd, made.snr_f, rtol=5 * 0.016)
    assert made.snr_f.min() >= CENTRE.snr_f[0]
    assert made.snr_f.max() <= CENTRE.snr_f[1]


@pytest.mark.parametrize("name", MM_SETS)
def test_macromolecules_have_their_size(name: str, rng: np.random.Generator) -> None:
    n, padded = 100, 4 * POINTS
    made = make(replace(CENTRE, mm=name), n, rng)
    fids = made.macromolecules.copy()
    fids[:, 0] /= 2
    hz = np.fft.fftfreq(padded, DWELLTIME_S)
    ppm = 4.65 + hz / made.data.spectrometer_frequency_mhz
    inside = (ppm > SIZE_PPM[0]) & (ppm < SIZE_PPM[1])
    # Of a line a exp(2 pi i f t), t >= 0, the real part of the integral over time has an area of a / 2 in Hz.
    area = 2 * np.fft.fft(fids, padded).real[:, inside].sum(axis=1) / padded
    found = np.log(area / (3 * HEALTHY_TCR)).mean()
    # Lines vary by 10 % each; the voxel's own width, a Hz or so, pushes some percent over the edges.
    assert found == pytest.approx(
        np.log(SIZE), abs=4 * np.hypot(SPREAD_SIZE, SPREAD_LINE) / np.sqrt(n) + 0.05
    )


@pytest.mark.filterwarnings("ignore::DeprecationWarning:keras.*")  # where the basis set is simulated
@pytest.mark.parametrize("world", worlds("small"), ids=lambda world: world.name)
def test_same_seed_same_spectra(world: World) -> None:
    if not world.there():
        pytest.skip("made from measured data that are not there")
    one, other = (make(world, 2, np.random.default_rng(4)) for _ in range(2))
    np.testing.assert_array_equal(one.data.fid, other.data.fid)
    assert np.isfinite(one.data.fid).all()
    assert one.truth.keys() == other.truth.keys()
    assert set(read_basis(shipped_basis(world.fitted)).names) - one.truth.keys() <= {
        "MM09", "MM12", "MM14", "MM17", "MM20",
    }  # fmt: skip


def test_design_varies_one_factor_and_then_all() -> None:
    every = worlds("small")
    assert len({world.name for world in every}) == len(every)
    assert len({replace(world, name="") for world in every}) == len(every)
    single = [world for world in every if not world.name.startswith("combination")]
    fields = [name for name in World.__dataclass_fields__ if name != "name"]
    for world in single[1:]:
        assert sum(getattr(world, name) != getattr(CENTRE, name) for name in fields) == 1
    assert len(worlds("smoke")) == 3
    assert worlds("paper") == every


def test_world_without_its_files_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from tests.benchmarks.worlds.spins import making

    monkeypatch.setenv("FSL_MRS_DL_TEST_DATA", str(tmp_path))
    making.cache_clear()
    world = replace(CENTRE, spins="ismrm_2016")
    assert not world.there()
    with pytest.raises(DataError, match="FSL_MRS_DL_TEST_DATA"):
        make(world, 1, np.random.default_rng(0))
    making.cache_clear()


def test_amounts_are_healthy_in_the_middle_and_one_in_five_diseased(rng: np.random.Generator) -> None:
    names, n = tuple(HEALTHY), 4000
    amounts = draw_amounts(names, n, rng)
    np.testing.assert_allclose(
        np.log(np.median(amounts[:, names.index("Glu")]) / HEALTHY["Glu"]),
        0,
        atol=5 * 0.15 * 1.25 / np.sqrt(n),
    )
    # 1 mmol/kg of lactate is 1.2 SDs above the healthy median: 11 % of the healthy reach it.
    high = (amounts[:, names.index("Lac")] > 1).mean()
    assert high == pytest.approx(DISEASED + (1 - DISEASED) * 0.11, abs=0.04)


@pytest.mark.parametrize("kind", LINESHAPES)
def test_lineshapes_start_at_one_and_decay(kind: str, rng: np.random.Generator) -> None:
    shape = lineshapes(kind, 20, POINTS, rng)
    np.testing.assert_allclose(shape[:, 0], 1, atol=1e-12)
    assert np.abs(shape[:, -1]).max() < 0.25  # 1 Hz Lorentz and 1 Hz Gauss, at least, over 0.51 s


def test_delay_is_what_later_sampling_sees(rng: np.random.Generator) -> None:
    rate = 2j * np.pi * np.array([-320.0, -200.0, 60.0]) - np.array([20.0, 30.0, 12.0])
    t = np.arange(POINTS) * DWELLTIME_S
    delay = np.array([1e-4, -1e-4])
    fids = np.exp(rate * t[:, None]).sum(axis=1)
    seen = additions.delayed(np.stack([fids, fids]), delay)
    expected = np.exp(rate * (t[:, None] + delay[:, None, None])).sum(axis=-1)
    # What the tapered continuation leaves of the wrap-around.
    np.testing.assert_allclose(seen, expected, atol=0.01)


def test_additions_have_their_sizes(rng: np.random.Generator) -> None:
    n, height = 50, np.full(50, 10.0)
    water = np.abs(np.fft.fft(additions.water_fids(n, POINTS, 123.0, height, rng), norm="ortho")).max(axis=1)
    assert (water >= 0.5 * 10 * (1 - 1e-9)).all()
    assert (water <= 3.0 * 10 * (1 + 1e-9)).all()
    ripple = np.fft.fft(additions.ripple_fids(n, POINTS, 123.0, height, rng), norm="ortho")
    # About 5 independent stretches a spectrum: the SD over 50 of them is known to 1 / sqrt(2 x 250) = 4 %.
    middle = np.sqrt(np.mean(np.random.default_rng(0).uniform(*additions.RIPPLE_SIZE, 10_000) ** 2))
    assert ripple.real.std() == pytest.approx(10 * middle, rel=0.25)
    lipid = additions.lipid_fids(n, POINTS, 123.0, height, rng)
    assert (np.abs(lipid[:, 0]) <= 0.4 * 10 * (1 + 1e-9)).all()


@pytest.mark.realdata
def test_size_is_that_of_the_measured_spectrum(shared_data: Path) -> None:
    from tests.benchmarks.worlds.nulled import nulled_lines, size_in_vivo

    size, lines = size_in_vivo(SIZE_PPM), nulled_lines()
    if size is None or lines is None:
        pytest.skip("no nulled spectrum")
    assert pytest.approx(size, abs=0.05) == SIZE
    assert all(line.amplitude > 0 for line in lines)


def test_perfect_ratios_have_no_error_and_are_covered(rng: np.random.Generator) -> None:
    made = make(CENTRE, 6, rng)
    true = true_ratios(made.truth)
    ends = {level: {name: (value, value) for name, value in true.items()} for level in (68, 95)}
    none = np.zeros(6, dtype=bool)
    perfect = score(Ratios(true, true, ends, none, none, 0.6), made.truth)
    assert perfect.error == perfect.strong == {"likelihood": 0.0, "mean": 0.0}
    assert perfect.covered == {68: 1.0, 95: 1.0}
    assert perfect.milliseconds == pytest.approx(100)
    half = {name: value / 2 for name, value in true.items()}
    worse = score(Ratios(half, half, {}, none, ~none, 0.6), made.truth)
    single = [name for name in true if "+" not in name]
    assert worse.error["mean"] == pytest.approx(np.mean([true[name].mean() / 2 for name in single]))
    assert worse.bias["mean"]["Glu"] == pytest.approx(-0.5)
    assert worse.failed == 1
    assert np.isnan(worse.scale)
    less = score(Ratios(half, half, {}, none, none, 0.6, 0.9 * made.creatine), made.truth, made.creatine)
    assert less.scale == pytest.approx(-0.1)


def test_amplitudes_of_creatine_are_in_units_of_the_fitted_set(rng: np.random.Generator) -> None:
    """The centre is made from the set that is fitted: there an amplitude is an amount."""
    made = make(CENTRE, 3, rng)
    unit = made.creatine / (made.truth["Cr"] + made.truth["PCr"])
    assert unit == pytest.approx(1, rel=1e-6)


def test_settings_see_the_same_spectra_and_no_prior_knows_the_world(monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.benchmarks.worlds import settings

    told: list[str] = []

    @contextmanager
    def without(mm: str) -> Iterator[None]:
        told.append(mm)
        yield

    monkeypatch.setattr(settings, "prior_without", without)
    worlds_ = [CENTRE, replace(CENTRE, name="other", mm="birch_2017")]
    found = scores(worlds_, 2, 3, {"one": {"baseline": "poly, 1"}, "two": {"baseline": "poly, 1"}})
    assert told == ["wilson_2011", "wilson_2011", "birch_2017", "birch_2017"]
    for world in worlds_:
        one, two = (found[world.name][name] for name in ("one", "two"))
        assert one.error == two.error
        assert one.covered == two.covered


def test_spread_is_distinct_names_within_and_between_sites() -> None:
    site = np.repeat([1.0, 2.0, 3.0], 4)
    same = np.tile([0.9, 1.1, 0.9, 1.1], 3)
    assert within(same, site) == pytest.approx(0.2 / np.sqrt(3))
    assert between(same, site) == 0
    assert between(site, site) == pytest.approx(0.5)
    assert within(site, site) == 0


@pytest.mark.fslmrs
def test_fsl_mrs_is_run_on_the_same_spectra(rng: np.random.Generator) -> None:
    made = make(replace(CENTRE, mm="none", snr_f=(500.0, 500.0)), 1, rng)
    found = by_fsl_mrs(made.data, made.fitted, "poly, 2")
    true = true_ratios(made.truth)
    assert found.likelihood["NAA+NAAG"][0] == pytest.approx(true["NAA+NAAG"][0], rel=0.1)
