"""Monte Carlo, studies of data, penalty and encoder, and adaptation."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from fsl_mrs_dl.data import Real
from fsl_mrs_dl.models.quantification_inference import NetworkParameters, network_parameters
from fsl_mrs_dl.physics import add_noise, correct, damp
from fsl_mrs_dl.scores import r2
from fsl_mrs_dl.train.adaptation import adapt
from fsl_mrs_dl.train.quantification_data import WHITE_NOISE_SD, Spectra, clean_of
from fsl_mrs_dl.train.quantification_evaluation import bounds
from tests.benchmarks.dq.accuracy import SHOWN, test_set
from tests.benchmarks.dq.operations import flops
from tests.benchmarks.dq.plans import (
    SIX,
    DqPlan,
    DqProfile,
    TrainedDqNetwork,
    encoder_plans,
    main_plans,
    mean_r2,
    penalty_plans,
    six_r2,
    size_plans,
    trained,
)
from tests.benchmarks.dq.rivals import maximum_likelihood
from tests.benchmarks.store import NotTrainedError, Store
from tests.benchmarks.table import NOT_RUN, Table

SHIFT_HZ, GAMMA = 2.0, 5.0
"""Shift in Hz and damping in 1/s of the one spectrum: within the ranges of training, not at their ends."""
PAIRS = (("Cr", "PCr"), ("GPC", "PCh"))
HARD = ("GPC", "Ins", "PCh")
"""Whose R2 the late part of rpMM is said to raise."""
_DRAW_SEED = 77  # of the noise
_FARTHER = 10.0  # 1/s, 3 Hz: added to the damping, so that most spectra leave the range of training


@dataclass(frozen=True, eq=False)
class NoiseDraws:
    """One spectrum with many draws of the noise: what a network and the fit found, and the bound.

    Attributes
    ----------
    truth : Spectra
        All rows alike but for the noise.
    network : NetworkParameters
    fit : ndarray, float, shape (draw, member)
    bound : ndarray, float, shape (member,)
    """

    truth: Spectra
    network: NetworkParameters
    fit: Real
    bound: Real


def draws_of(profile: DqProfile, seed: int, store: Store) -> NoiseDraws:
    """Draw the noise of one spectrum: amplitudes in mid-range, 2 Hz, 5 /s, no phase."""
    like = test_set(replace(profile, tested=profile.draws), "white", seed)
    n = len(like.fids)
    middle = np.mean(like.expected.amplitudes, axis=1)
    fixed = replace(
        like,
        amplitudes=np.tile(middle, (n, 1)),
        shift_hz=np.full(n, SHIFT_HZ),
        gamma=np.full(n, GAMMA),
        sigma=np.zeros(n),
        phase_rad=np.zeros(n),
        noise_sd=np.full(n, WHITE_NOISE_SD),
    )
    rng = np.random.default_rng([_DRAW_SEED, seed])
    clean = np.repeat(clean_of(fixed.take(1)), n, axis=0)
    simulated = replace(fixed, fids=add_noise(clean, fixed.noise_sd, rng).astype(np.complex64))
    network = trained(main_plans(profile, seed)[2], store).network
    predicted = network_parameters(network, simulated.fids, simulated.basis.dwelltime_s)
    bound = np.sqrt(bounds(simulated, n=1).efficient)
    return NoiseDraws(simulated, predicted, maximum_likelihood(simulated), bound)


def draws_table(draws: NoiseDraws) -> Table:
    """Return bias and SD of the network and of the fit over the bound."""
    names, n = draws.truth.basis.names, len(draws.fit)
    lines = []
    for name in SHOWN:
        if name not in names:
            continue
        m = names.index(name)
        truth, bound = draws.truth.amplitudes[0, m], draws.bound[m]
        cells = []
        for results in (draws.network.amplitudes[:, m], draws.fit[:, m]):
            bias, spread = results.mean() - truth, results.std(ddof=1)
            cells += [f"{bias / bound:+.2f}", f"{bias / spread * np.sqrt(n):+.1f}", f"{spread / bound:.2f}"]
        lines.append([name, f"{100 * bound / truth:.1f}", *cells])
    each = ("bias / bound", "bias / its SE", "SD / bound")
    columns = ["member", "bound in %", *(f"network, {one}" for one in each), *(f"fit, {one}" for one in each)]
    caption = (
        f"One spectrum (mid-range amplitudes, {SHIFT_HZ:g} Hz, {GAMMA:g} /s, phase 0), {n} draws of noise."
    )
    return Table(caption, columns, lines)


def pairs_table(draws: NoiseDraws) -> Table:
    """Return the correlation of the amplitudes that are hard to tell apart."""
    names = draws.truth.basis.names
    lines = []
    for pair in PAIRS:
        if not set(pair) <= set(names):
            continue
        a, b = (names.index(name) for name in pair)
        cells = [
            f"{np.corrcoef(results[:, a], results[:, b])[0, 1]:+.2f}"
            for results in (draws.network.amplitudes, draws.fit)
        ]
        lines.append([f"{pair[0]}, {pair[1]}", *cells])
    return Table("Correlation of amplitudes over the draws.", ["pair", "network", "fit"], lines)


@dataclass(frozen=True, eq=False)
class Studies:
    """Trainings of each study."""

    sizes: Sequence[TrainedDqNetwork]
    penalties: Sequence[TrainedDqNetwork]
    encoders: Sequence[TrainedDqNetwork]


def studies_of(profile: DqProfile, seed: int, store: Store) -> Studies:
    """Train, or take from the folder, the networks of the studies."""

    def there(plans: Sequence[DqPlan]) -> list[TrainedDqNetwork]:
        results = []
        for plan in plans:
            with contextlib.suppress(NotTrainedError):
                results.append(trained(plan, store))
        return results

    return Studies(*(there(plans(profile, seed)) for plans in (size_plans, penalty_plans, encoder_plans)))


def study_tables(studies: Studies, test: Spectra) -> list[Table]:
    """Return a table a study."""

    def score(one: TrainedDqNetwork) -> str:
        return f"{mean_r2(one.network, test):.3f}"

    sizes = [[one.plan.label, str(one.plan.epochs), str(one.steps[-1]), score(one)] for one in studies.sizes]
    penalties = [
        [one.plan.label, *_hard(one, test), score(one), f"{1e3 * one.early_s[-1]:.1f}"]
        for one in studies.penalties
    ]
    encoders = [
        [
            one.plan.label,
            str(one.n_parameters),
            f"{flops(one.network.encoder, one.network.n_points) / 1e6:.2f}",
            score(one),
            f"{one.seconds:.0f}",
        ]
        for one in studies.encoders
    ]
    missing = [[NOT_RUN]]
    mean = f"mean R2 of {', '.join(SIX)}"
    return [
        Table(
            "Number of training signals, with the same number of steps (projected amplitudes).",
            ["signals", "epochs", "steps", mean],
            sizes or missing,
        ),
        Table(
            "Weight of the early points in rpMM (projected amplitudes), for the first seed of the "
            "comparison of losses.",
            ["lambda in 1/s", *(f"R2 {name}" for name in HARD), mean, "t_r in ms"],
            penalties or missing,
        ),
        Table(
            "Encoders (projected amplitudes), with the same number of steps and the same learning rate. "
            "Mixer and ConvNeXt have at most an eighth of the published width and a third of the depth, so "
            "that they can be trained without a GPU.",
            ["encoder", "parameters", "MFLOP", mean, "seconds"],
            encoders or missing,
        ),
    ]


def _hard(one: TrainedDqNetwork, test: Spectra) -> list[str]:
    values = six_r2(one.network, test)
    return [f"{values[SIX.index(name)]:.2f}" for name in HARD]


def adaptation_table(profile: DqProfile, seed: int, store: Store) -> Table:
    """Return loss and R2 before and after adaptation, within the trained range and outside it."""
    network = trained(main_plans(profile, seed)[2], store).network
    whole = test_set(profile, "white", seed + 1)
    test = whole.take(min(len(whole.fids), 256))
    rng = np.random.default_rng([_DRAW_SEED, seed, 1])
    farther = test.gamma + _FARTHER
    broad = damp(clean_of(test), np.full(len(farther), _FARTHER), 0.0, test.basis.dwelltime_s)
    wider = replace(test, fids=add_noise(broad, test.noise_sd, rng).astype(np.complex64), gamma=farther)
    half = test.phase_rad + np.pi / 6
    turned = correct(test.fids, np.zeros(len(half)), np.full(len(half), -np.pi / 6), test.basis.dwelltime_s)
    moved = replace(test, fids=turned.astype(np.complex64), phase_rad=half)
    lines = []
    for name, part in (
        ("as trained", test),
        (f"broader by {_FARTHER:g} /s", wider),
        ("turned by 30 degrees", moved),
    ):
        after = adapt(network, part.fids, part.basis.dwelltime_s, 30, seed)
        place = [part.basis.names.index(n) for n in SIX]
        scores = []
        for one in (network, after.network):
            predicted = network_parameters(one, part.fids, part.basis.dwelltime_s).amplitudes
            scores.append(float(np.mean(r2(predicted[:, place], part.amplitudes[:, place]))))
        rms = [float(np.sqrt(np.mean((maximum_likelihood(part)[:, place] - part.amplitudes[:, place]) ** 2)))]
        for one in (network, after.network):
            predicted = network_parameters(one, part.fids, part.basis.dwelltime_s).amplitudes
            rms.append(float(np.sqrt(np.mean((predicted[:, place] - part.amplitudes[:, place]) ** 2))))
        cells = [f"{after.before / WHITE_NOISE_SD**2:.3f}", f"{after.after / WHITE_NOISE_SD**2:.3f}"]
        cells += [f"{value:.3f}" for value in scores] + [f"{value:.4f}" for value in (rms[1], rms[2], rms[0])]
        lines.append([name, str(len(part.fids)), *cells])
    columns = ["spectra", "n", "loss / floor before", "after", "mean R2 before", "after"]
    columns += ["RMSE before", "after", "RMSE of the fit"]
    caption = f"Adaptation (`--adapt 30`) of the projected network: {', '.join(SIX)}."
    return Table(caption, columns, lines)
