"""The fit that averages over hypotheses: evidence, covariance and draws against dense algebra and repeats."""

from dataclasses import replace

import numpy as np
import pytest

from fsl_mrs_dl.fit.background import BASELINES, density_prior, hypotheses, with_member
from fsl_mrs_dl.fit.background.hypotheses import MACROMOLECULES, Hypothesis, Smooth, first
from fsl_mrs_dl.fit.lcm import Baseline, FitSettings, curves, fitter_for
from fsl_mrs_dl.fit.lcm.averaged import AveragedFitter
from fsl_mrs_dl.fit.lcm.evidence import Products, weigh
from fsl_mrs_dl.fit.lcm.over_background import rate_weight
from fsl_mrs_dl.fit.lcm.search import SearchEnd
from fsl_mrs_dl.fit.posterior import draw, weak_prior
from fsl_mrs_dl.io.basis import read_basis
from fsl_mrs_dl.physics import add_noise, damp, on_points, phase, shift
from fsl_mrs_dl.physics.macromolecules import MM_SETS
from fsl_mrs_dl.simulate.shipped import shipped_basis

N, DT = 1024, 5e-4
AMOUNTS = {"NAA": 11.0, "Cr": 4.0, "PCr": 4.0, "GPC": 1.2, "PCh": 0.6, "Ins": 6.0, "Glu": 9.0, "Gln": 2.5}
AUTO = FitSettings(baseline=Baseline("auto"))
REF = 4.65


@pytest.fixture(scope="module")
def basis():
    """Eight metabolites of the shipped set and the macromolecules of the prior."""
    whole = read_basis(shipped_basis("press_3t_te30"))
    whole = on_points(whole, N, DT, whole.spectrometer_frequency_mhz)
    rows = [whole.names.index(name) for name in AMOUNTS]
    return with_member(replace(whole, fids=whole.fids[rows], names=tuple(AMOUNTS)), density_prior())


@pytest.fixture(scope="module")
def fitter(basis):
    return fitter_for(basis, AUTO, reference_ppm=REF)


def spectra(basis, n, rng, *, noise=0.6, macromolecules=9.0):
    """Spectra of the model with macromolecules at the mean of the prior."""
    amounts = np.array([*AMOUNTS.values(), macromolecules])
    clean = damp(amounts @ np.asarray(basis.fids), 10.0, 6.0, DT)
    clean = phase(shift(np.tile(clean, (n, 1)), 2.0, DT), np.full(n, 0.4))
    return add_noise(clean, noise, rng)


def test_auto_is_what_the_settings_ask_for(fitter):
    assert isinstance(fitter, AveragedFitter)
    assert (
        len(fitter.problem.background.hypotheses) == (len(MACROMOLECULES) + len(MM_SETS)) * len(BASELINES) * 2
    )


def dense(model, ground, at, row, freedom):
    """Log evidence by the definition: everything but amplitudes marginalised into one covariance."""
    steps, noise = model.steps[row], model.noise[row]
    roots = (ground.of(at).axes * np.sqrt(ground.of(at).power)).T @ ground.rows
    spread = np.eye(model.data.shape[1]) + roots.T @ roots / noise
    known = model.weight[row] > 0
    spread += (steps[known].T / model.weight[row][known]) @ steps[known]
    columns = model.columns_of(ground, at, np.array([row]))[0]
    flat = np.vstack([columns, steps[~known & (np.abs(steps).max(axis=1) > 0)]])
    inverse = np.linalg.inv(spread)
    gram = flat @ inverse @ flat.T
    data = model.data[row] + model.present[row] @ steps  # steps are expected at minus what is present
    right = flat @ inverse @ data
    energy = data @ inverse @ data - right @ np.linalg.solve(gram, right)
    size = np.sqrt(np.diag(gram))
    volume = np.linalg.slogdet(gram / np.outer(size, size))[1] + 2 * np.log(size).sum()
    return -(np.linalg.slogdet(spread)[1] + volume + freedom * np.log(energy)) / 2


def test_evidence_is_the_integral_by_dense_algebra(fitter, basis, rng):
    problem, ground = fitter.problem, fitter.problem.background
    fids = spectra(basis, 2, rng)
    found = fitter(fids)
    scaled = fids / found.unit[:, None]
    at = replace(found.place, member_hz=np.zeros((2, 0)), member_gamma=np.zeros((2, 0)))
    noise = (found.noise_sd / found.unit) ** 2
    at = replace(at, lineshape=np.zeros((2, 0)), noise=noise, delay_s=np.zeros(2))
    model, _ = fitter.linear(scaled, at, found.amplitudes / found.unit[:, None] * problem.scale)
    freedom = 400
    weighing = weigh(model, Products.of(model, ground), ground, freedom=freedom, non_negative=False)
    some = np.flatnonzero(ground.parent < 0)
    ours = weighing.log_evidence[:, some]
    theirs = np.array([[dense(model, ground, one, row, freedom) for one in some] for row in range(2)])
    # The priors' own constants are the same for all hypotheses: differences are compared.
    differences = (ours - ours[:, :1]) - (theirs - theirs[:, :1])
    assert np.abs(differences).max() < 0.01


def test_covariance_is_that_within_and_that_between_hypotheses(fitter, basis, rng):
    found = fitter(spectra(basis, 6, rng, noise=1.5))
    average = found.average
    mean = np.einsum("sl,slm->sm", average.weight, average.amplitudes)
    apart = average.amplitudes - mean[:, None]
    between = np.einsum("sl,slm,slk->smk", average.weight, apart, apart)
    assert np.allclose(average.weight.sum(axis=1), 1)
    size = np.einsum("smm->sm", found.covariance)
    left = np.einsum("smm->sm", found.covariance - average.within - between)
    # The eight best hypotheses hold nearly all of the weight.
    assert (np.abs(left) < 0.05 * size).all()
    assert np.allclose(found.crlb**2, np.einsum("smm->sm", average.within))


def test_errors_are_of_the_size_of_the_sd_where_the_model_is_right(fitter, basis, rng):
    n = 120
    found = fitter(spectra(basis, n, rng))
    truth = np.array([*AMOUNTS.values(), 9.0])
    sd = np.sqrt(np.einsum("smm->sm", found.covariance))
    z = (found.amplitudes - truth) / sd
    assert not found.flag.any()
    # Priors of width, shift and background are wider than what was simulated: errors may be smaller, not larger.
    assert (np.sqrt((z**2).mean(axis=0)) < 1 + 4 / np.sqrt(2 * n)).all()
    assert (np.abs(z.mean(axis=0)) < 0.5).all()


def test_posterior_covers_in_worlds_drawn_from_the_prior(fitter, basis, rng):
    """Macromolecules drawn from the prior of one hypothesis: 95 % intervals cover, within three SDs of chance."""
    n, ground = 80, fitter.problem.background
    at = ground.hypotheses.index(Hypothesis("prior", 0.5, Smooth(), False))
    problem = fitter.problem
    drawn = rng.standard_normal((n, ground.of(at).power.size)) * np.sqrt(ground.of(at).power)
    under = (drawn @ ground.of(at).axes.T) @ ground.rows
    half = under.shape[1] // 2
    bins = under[:, :half] + 1j * under[:, half:]
    whole = np.zeros((n, N), complex)
    whole[:, problem.inside] = bins
    added = np.fft.ifft(np.fft.ifftshift(whole, axes=-1), axis=-1, norm="ortho")
    plain = damp(np.array([*AMOUNTS.values(), 9.0]) @ np.asarray(basis.fids), 10.0, 6.0, DT)
    fids = add_noise(np.tile(plain, (n, 1)) + added, 0.6, rng)
    found = fitter(fids)
    draws = draw(fitter, fids, found, weak_prior(basis.names, found)).amplitudes
    low, high = np.quantile(draws, [0.025, 0.975], axis=1)
    truth = np.array([*AMOUNTS.values(), 9.0])
    covered = ((low <= truth) & (truth <= high))[:, :-1].mean()
    assert covered > 0.95 - 3 * np.sqrt(0.95 * 0.05 / n)


def test_a_spectrum_does_not_depend_on_its_neighbours(fitter, basis, rng):
    fids = np.concatenate([spectra(basis, 3, rng), spectra(basis, 3, rng, noise=6.0)])
    together, alone = fitter(fids), fitter(fids[:1])
    assert np.allclose(together.amplitudes[0], alone.amplitudes[0], rtol=1e-6, atol=1e-6 * AMOUNTS["NAA"])
    assert np.allclose(together.average.weight[0], alone.average.weight[0], atol=1e-6)


def test_scale_and_phase_of_the_data_do_not_matter(fitter, basis, rng):
    fids = spectra(basis, 2, rng)
    plain, turned = fitter(fids), fitter(1e-7 * np.exp(0.5j) * fids)
    assert np.allclose(turned.amplitudes, 1e-7 * plain.amplitudes, rtol=1e-3, atol=1e-9)
    assert np.allclose(np.angle(np.exp(1j * (turned.phase_rad - plain.phase_rad))), 0.5, atol=1e-3)


def test_nothing_is_made_of_spectra_that_cannot_be_fitted(fitter, basis, rng):
    fids = spectra(basis, 3, rng)
    fids[1] = 0
    fids[2, 5] = np.nan
    found = fitter(fids)
    assert list(found.flag) == ["", "zero", "nonfinite"]
    assert np.isfinite(found.amplitudes[0]).all()
    assert np.isnan(found.amplitudes[1:]).all()
    draws = draw(fitter, fids, found, weak_prior(basis.names, found)).amplitudes
    assert np.isnan(draws[1:]).all()


@pytest.mark.parametrize("kind", ["prior", "own", "none"])
def test_the_first_hypothesis_is_one_of_them(kind):
    lipids = kind != "none"
    made = hypotheses(kind, lipids=lipids)
    assert made[first(made)].baseline == Smooth(0.6, 0.05)
    assert len(set(made)) == len(made)


def test_noise_says_which_baseline_there_is(fitter, basis, rng):
    """A ripple of the baseline moves the weight away from a constant."""
    fids = spectra(basis, 4, rng)
    ripple = np.zeros((4, N), complex)
    place = np.linspace(-1, 1, int(fitter.problem.inside.sum()))
    ripple[:, fitter.problem.inside] = 12.0 * np.cos(4 * place) + 9.0j * np.sin(3 * place)
    wavy = fids + np.fft.ifft(np.fft.ifftshift(ripple, axes=-1), axis=-1, norm="ortho")

    def constant(found):
        smooth = [one.baseline.size == 0 for one in fitter.problem.background.hypotheses]
        return (np.array(smooth)[found.average.index] * found.average.weight).sum(axis=1).mean()

    assert constant(fitter(fids)) > constant(fitter(wavy)) + 0.3


def test_drawn_curves_leave_what_the_fit_leaves(fitter, basis, rng):
    """Background and members are drawn in one frame, also where the average moves on from the search."""
    noise = 0.6
    fids = spectra(basis, 6, rng, noise=noise)
    fids[:, 0] += 400  # an offset of the spectrum, 20 times the noise
    found = fitter(fids)
    none = np.zeros((6, 0))
    away = replace(
        found.place,
        phase_rad=found.phase_rad + 0.1,
        member_hz=none,
        member_gamma=none,
        lineshape=none,
        noise=(found.noise_sd / found.unit) ** 2,
    )
    scaled = fids / found.unit[:, None]
    state, yes = fitter._evaluate(scaled, away), np.ones(6, dtype=bool)
    place = SearchEnd(away, state, found.unit, found.iterations, yes, ~yes)
    again = fitter._averaged(scaled, place, found.flag)
    assert (np.abs(again.phase_rad - away.phase_rad) > 0.05).all()  # or else nothing is tested
    drawn = curves(again, basis, AUTO, reference_ppm=REF)
    inside = fitter.problem.inside
    left = np.fft.fftshift(np.fft.fft(fids - drawn.fit, norm="ortho"), axes=-1)[:, inside]
    spread = np.sqrt((np.abs(left) ** 2).mean(axis=1) / 2)
    # A phase of 0.1 is taken back to first order: 1/200 of the highest line is left, 1.0 to 1.3 times noise.
    assert (spread < 1.7 * noise).all()


def test_macromolecules_of_a_table_have_the_lineshape_of_the_spectrum(fitter, basis, rng):
    """Their width after damping, by the half-height of the line at 0.9 ppm, against the Lorentzian added."""
    fids = spectra(basis, 1, rng)
    found = fitter(fids)
    at = replace(found.place, member_hz=np.zeros((1, 0)), member_gamma=np.zeros((1, 0)))
    at = replace(at, lineshape=np.zeros((1, 0)), noise=np.ones(1), spread=np.zeros((1, 1)))
    amplitudes = found.amplitudes / found.unit[:, None] * fitter.problem.scale

    def areas(gamma):
        model, _ = fitter.linear(fids, replace(at, gamma=np.full((1, 1), gamma)), amplitudes)
        return np.abs(model.tables["wilson_2011"][0]).max() * fitter.problem.scale

    ground = fitter.problem.background.tables["wilson_2011"]
    times = np.arange(N) * DT
    for gamma in (0.0, 40.0):
        spectrum = np.fft.fft(ground * np.exp(-gamma * times), norm="ortho")
        within = fitter.problem._unshifted
        highest = np.abs(np.stack([spectrum[within].real, spectrum[within].imag])).max()
        assert areas(gamma) == pytest.approx(highest, rel=1e-6)


def test_rates_far_from_the_usual_are_not_pulled_there(basis, rng):
    """Lines 20 rad/s wider, macromolecules too: amounts and rate are the true ones within their SD."""
    whole = read_basis(shipped_basis("press_3t_te30"))
    whole = on_points(whole, N, DT, whole.spectrometer_frequency_mhz)
    broad = [at for at, name in enumerate(whole.names) if name.startswith("MM")]
    n, gamma = 12, 20.0
    clean = np.array(list(AMOUNTS.values())) @ np.asarray(basis.fids)[:-1]
    clean = clean + 10.0 * np.asarray(whole.fids)[broad].sum(axis=0)
    fids = add_noise(np.tile(damp(clean, gamma, 8.0, DT), (n, 1)), 2.0, rng)
    found = fitter_for(basis, AUTO, reference_ppm=REF)(fids)
    strong = [list(AMOUNTS).index(name) for name in ("NAA", "Glu", "Ins")]
    truth = np.array(list(AMOUNTS.values()))[strong]
    sd = np.sqrt(np.einsum("smm->sm", found.covariance))[:, strong]
    z = ((found.amplitudes[:, strong] - truth) / sd).mean(axis=0)
    assert (np.abs(z) < 1.0).all()
    assert np.median(found.gamma) == pytest.approx(gamma, abs=2.0)


@pytest.mark.parametrize("away", [0.0, 0.7, -3.0])
def test_the_weight_of_a_rate_is_the_slope_of_a_cauchy_density(away):
    step = 1e-5
    log_density = [-np.log1p((away + by) ** 2 / 2) for by in (-step, step)]
    slope = (log_density[1] - log_density[0]) / (2 * step)
    assert -away * rate_weight(np.float64(away)) == pytest.approx(slope, abs=1e-6)
