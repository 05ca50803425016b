"""The fit that averages over hypotheses about what lies under the metabolites."""

from dataclasses import replace
from math import pi

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Basis, Complex, Real
from fsl_mrs_dl.fit.background import MEMBER, joined, quarter_turn, usual_mixture
from fsl_mrs_dl.fit.lcm.averaging import (
    average_of,
    curves_of,
    independent,
    lag_one,
    leading_information,
    spreads,
)
from fsl_mrs_dl.fit.lcm.engine import Fitter, out_of_range
from fsl_mrs_dl.fit.lcm.evidence import Linear, Products, energy_left, take_steps, weigh
from fsl_mrs_dl.fit.lcm.newton import State, minimise
from fsl_mrs_dl.fit.lcm.over_background import (
    Place,
    Seen,
    background_evaluator,
    lineshape_gain,
    place,
    slopes,
)
from fsl_mrs_dl.fit.lcm.problem import LARGEST_RATE, LINESHAPE, Parameters, Problem
from fsl_mrs_dl.fit.lcm.result import KEPT, FitResult
from fsl_mrs_dl.fit.lcm.settings import FitSettings
from fsl_mrs_dl.fit.lcm.start import starts
from fsl_mrs_dl.physics.member_sizes import excess

_N_STARTS = 3
_WORTH = 6.0  # gain in log likelihood from which six shares beside the line are worth it
_ALMOST_AS_GOOD = 0.9  # another start that explains this much of what the best explains is tried too
_FIRST_SNR = (
    20.0  # of NAA: where the search begins, backgrounds are held as firmly as a poor spectrum holds them
)
_NO_BACKGROUND = 1e6  # noise beside which a background has no room
_FEW = 4  # iterations after which noise and unit are known well enough
_SETTLED_SD = 0.1  # the linear model around the end of the search takes the last step
_MANY = 8  # iterations with shares beside the line, which no longer move amplitudes then
_FARTHEST_PPM = 0.05  # of the last step of a shift: a group without signal has no place of its own
_MOVING = 0.1  # of the noise variance, in the sum over the window: what is smaller moves nothing
_LEAST = (
    1e-4  # of the energy of a window: metabolites are taken to make up a hundredth of its amplitude at least
)


class AveragedFitter(Fitter):
    """A basis set and a request whose baseline is ``auto``; see :class:`~.engine.Fitter`.

    Shift, width and phases are found under one hypothesis of middle flexibility; around them the model is linear,
    and all hypotheses are weighed (:mod:`~.evidence`). Estimates are averages; their covariance is that within
    hypotheses and that between them.
    """

    def __init__(self, basis: Basis, settings: FitSettings, *, reference_ppm: float) -> None:
        self.basis = basis
        self.problem = Problem.of(basis, settings, reference_ppm)
        self._seen = Seen.of(self.problem)
        self._evaluate = background_evaluator(self.problem, self._seen)
        self._mixture = usual_mixture(basis.names) / excess(np.asarray(basis.fids))
        self._broad = basis.names.index(MEMBER) if MEMBER in basis.names else -1
        self._may_shift = np.array([name != MEMBER for name in basis.names])

    def _fit_chunk(self, fids: Complex, start: Parameters | None) -> FitResult:
        problem = self.problem
        size: Real = np.linalg.norm(fids, axis=1)
        if start is None:
            choices, explained, beyond = starts(problem, self.basis, fids / size[:, None], _N_STARTS)
        else:
            choices, explained, beyond = [start], np.ones((1, len(fids))), np.zeros(len(fids), dtype=bool)
        unit = self._unit(fids, choices[0])
        at, state, iterations, settled, unit = self._found(fids, choices[0], unit)
        for choice, share in zip(choices[1:], explained[1:], strict=True):
            rows = np.flatnonzero(share > _ALMOST_AS_GOOD)
            if len(rows):
                other = self._found(fids[rows], choice.take(rows), unit[rows])
                better = rows[_share_left(other[1]) < _share_left(state)[rows] * (1 - 1e-9)]
                where = np.isin(rows, better)
                state.put(rows, other[1], where)
                for name, value in vars(at).items():
                    value[better] = getattr(other[0], name)[where]
                iterations[rows] += other[2]
                settled[better], unit[better] = other[3][where], other[4][where]
        scaled = fids / unit[:, None]
        tokens = np.where(out_of_range(problem, self.basis, at, choices[-1], beyond), "out_of_range", "")
        tokens = np.where((tokens == "") & ~settled, "no_convergence", tokens)
        uneven = np.flatnonzero(lineshape_gain(problem, self._seen, scaled, at, state) > _WORTH)
        result = self._averaged(scaled, at, state, unit, iterations, tokens)
        if len(uneven):
            there = self._with_shares(scaled[uneven], at.take(uneven))
            iterations[uneven] += there[2]
            some = self._averaged(
                scaled[uneven], *there[:2], unit[uneven], iterations[uneven], tokens[uneven]
            )
            result.put(uneven, some)
        return result

    def _with_shares(self, scaled: Complex, at: Parameters) -> tuple[Parameters, State, NDArray[np.integer]]:
        """Go on with shares of the signal beside the line, as an uneven shim makes them."""
        problem = self.problem
        at = replace(at, lineshape=np.zeros((len(scaled), 2 * LINESHAPE[0])))
        settings = replace(problem.settings, held_widths=True)
        iterations = np.zeros(len(scaled), dtype=int)
        for most in (_FEW, _MANY):
            rounds = replace(problem, settings=replace(settings, max_iterations=most))
            at, state, more, _ = minimise(rounds, self._evaluate, scaled, at, _SETTLED_SD)
            iterations = iterations + more
            at = replace(at, noise=np.maximum(state.objective / self._freedom, np.finfo(float).tiny))
        return at, state, iterations

    def _unit(self, fids: Complex, at: Parameters) -> Real:
        """Return the amplitude of 1 mmol/kg, from a first look without a background, (S,)."""
        size: Real = np.linalg.norm(fids, axis=1)
        here = replace(at, noise=np.full(len(fids), _NO_BACKGROUND * self._first_noise))
        return size * self._concentration(self._evaluate(fids / size[:, None], here))

    def _concentration(self, state: State) -> Real:
        """Return what 1 mmol/kg is in the scale of a state: that of the usual mixture as strong as the fit."""
        known = self._mixture > 0
        inner = state.gram[:, known][:, :, known]
        found = np.einsum("sm,smk,sk->s", state.amplitudes[:, known], inner, state.amplitudes[:, known])
        usual = np.einsum("m,smk,k->s", self._mixture[known], inner, self._mixture[known])
        whole = state.objective + np.einsum("sm,smk,sk->s", state.amplitudes, state.gram, state.amplitudes)
        least = np.maximum(_LEAST * whole, np.finfo(float).tiny)
        ratio: Real = np.sqrt(np.maximum(found, least) / usual) / self.problem.scale
        return ratio

    def _found(
        self, fids: Complex, start: Parameters, unit: Real
    ) -> tuple[Parameters, State, NDArray[np.integer], NDArray[np.bool_], Real]:
        """Find the parameters that are not linear under the first hypothesis, and noise and unit with them."""
        problem = self.problem
        freedom = self._freedom
        noise = np.full(len(fids), self._first_noise)
        few = replace(problem, settings=replace(problem.settings, max_iterations=_FEW))
        at = replace(start, noise=noise)
        iterations = np.zeros(len(fids), dtype=int)
        for rounds in (few, problem):
            at, state, more, settled = minimise(rounds, self._evaluate, fids / unit[:, None], at, _SETTLED_SD)
            iterations = iterations + more
            if rounds is few:
                ratio = self._concentration(state)
                unit = unit * ratio
                noise = np.maximum(state.objective / freedom / ratio**2, np.finfo(float).tiny)
                at = replace(at, noise=noise)
        at = replace(at, noise=np.maximum(state.objective / freedom, np.finfo(float).tiny))
        at = Parameters(*(value.copy() for value in vars(at).values()))
        return at, state, iterations, settled, unit

    @property
    def _first_noise(self) -> float:
        """Noise variance with which the search begins, for data in units of 1 mmol/kg."""
        assert self.problem.window_of is not None
        return (self.problem.window_of.height / _FIRST_SNR) ** 2

    @property
    def _freedom(self) -> int:
        """Degrees of freedom of the residual: a Gaussian prior costs none."""
        problem = self.problem
        free = int(problem.free.sum())
        return max(2 * int(problem.inside.sum()) - len(problem.basis) - free, 1)

    def linear(self, fids: Complex, at: Parameters, amplitudes: Real) -> tuple[Linear, NDArray[np.intp]]:
        """Return the model around a place, and the members that may shift; fids in units of 1 mmol/kg."""
        problem, settings = self.problem, self.problem.settings
        here = place(problem, self._seen, fids, at)
        shared = slopes(problem, here, at, amplitudes)
        delay = 3 * problem.n_groups + 1
        rates = np.arange(problem.n_groups, 2 * problem.n_groups)
        usual, spread = settings.gamma_expected
        shared[:, delay] *= settings.delay_sd_s
        shared[:, rates] *= spread
        held = ~problem.free
        if at.lineshape.shape[1]:
            held[problem.n_groups : 3 * problem.n_groups] = True  # shares beside the line make its width
        shared[:, : len(held)][:, held] = 0.0
        shared[:, delay + 1 :] *= settings.lineshape_sd
        stuck = self._stuck(at, here, amplitudes)
        shared[:, : len(problem.free)][stuck] = 0.0
        moving = self._moving(here, amplitudes, at.noise)
        some = np.flatnonzero(moving.any(axis=0))
        # What does not matter in a spectrum has no say in it, whatever else is in the batch.
        single = (amplitudes * moving)[:, some, None] * here.by_time[:, some]
        mhz = self.basis.spectrometer_frequency_mhz
        moved = 2 * pi * settings.member_shift_ppm * mhz * quarter_turn(single)
        wider = -pi * settings.member_width_hz * single
        steps = np.concatenate([shared, moved, wider], axis=1)
        weight = np.zeros(steps.shape[:2])
        weight[:, delay] = at.noise
        weight[:, delay + 1 :] = at.noise[:, None]
        free = np.abs(shared[:, rates]).max(axis=2) > 0
        weight[:, rates] = at.noise[:, None] * free
        present = np.zeros(weight.shape)
        present[:, rates] = free * (at.gamma - usual) / spread
        present[:, delay + 1 : shared.shape[1]] = at.lineshape / settings.lineshape_sd
        present[:, delay] = at.delay_s / settings.delay_sd_s
        tables = {name: mean / problem.scale for name, mean in problem.background.tables.items()}
        return Linear(here.columns, steps, here.data, weight, present, at.noise, tables, self._broad), some

    def _moving(self, here: Place, amplitudes: Real, noise: Real) -> NDArray[np.bool_]:
        """Return the members whose own shift or width shows in each spectrum, (S, M)."""
        settings = self.problem.settings
        largest = max(
            2 * settings.member_shift_ppm * self.basis.spectrometer_frequency_mhz, settings.member_width_hz
        )
        size = np.einsum("smn,smn->sm", here.by_time, here.by_time) * (pi * largest * amplitudes) ** 2
        moving: NDArray[np.bool_] = (size > _MOVING * noise[:, None]) & self._may_shift
        return moving

    def _stuck(self, at: Parameters, here: Place, amplitudes: Real) -> NDArray[np.bool_]:
        """Return which shared parameters stand at a bound, (S, 3 G + 2): widths of 0 or as large as may be."""
        g = self.problem.n_groups
        none = np.zeros((len(amplitudes), g), dtype=bool)
        ends = [
            (value <= 0) | (value >= most)
            for value, most in ((at.gamma, LARGEST_RATE), (at.spread, LARGEST_RATE**2))
        ]
        stuck: NDArray[np.bool_] = np.concatenate([none, *ends, none[:, :1], none[:, :1]], axis=1)
        return stuck

    def _averaged(
        self,
        scaled: Complex,
        at: Parameters,
        state: State,
        unit: Real,
        iterations: NDArray[np.integer],
        flags: NDArray[np.str_],
    ) -> FitResult:
        problem, ground = self.problem, self.problem.background
        model, moving = self.linear(scaled, at, state.amplitudes)
        products = Products.of(model, ground)
        model = self._with_noise(model, products)
        non_negative = problem.settings.non_negative
        found = weigh(model, products, ground, freedom=self._freedom, non_negative=non_negative)
        scale = unit / problem.scale
        weights = found.weights()
        take_steps(found, weights, model, products, ground)
        trust = independent(curves_of(found, weights, model, ground)[2])
        weights = found.weights(trust)
        take_steps(found, weights, model, products, ground)
        order = np.argsort(-weights, axis=1)
        order = order[:, np.minimum(np.arange(KEPT), order.shape[1] - 1)]
        mean = np.einsum("sh,shm->sm", weights, found.amplitudes)
        noise = np.where(weights > 0, found.energy / self._freedom, 1.0)
        within, between = spreads(found, weights, noise, mean)
        bound = np.einsum("smm->sm", within)
        average = average_of(found, weights, noise, order, scale, within, trust)
        steps = np.einsum("sh,shb->sb", weights, np.where(weights[..., None] > 0, found.steps, 0.0))
        moved = self._moved(at, steps, moving)
        smooth, broad, left = curves_of(found, weights, model, ground)
        # Curves are found in the frame where the search ended, and drawn in that of the averaged phases.
        delays = (at.delay_s - moved.delay_s)[:, None] * problem.frequency_hz[problem.inside]
        turn = np.exp(1j * ((at.phase_rad - moved.phase_rad)[:, None] + 2 * pi * delays))
        lead = np.take_along_axis(noise, order[:, :1], axis=1)[:, 0]
        about, score = leading_information(problem, model, products, order[:, 0], lead, scale)
        gram = state.gram
        explained = np.einsum("sm,smk,sk->s", mean, gram, mean)
        return FitResult(
            names=self.basis.names,
            amplitudes=mean * scale[:, None],
            crlb=np.sqrt(bound) * scale[:, None],
            covariance=(within + between) * scale[:, None, None] ** 2,
            information=about,
            score=score,
            shift_hz=moved.shift_hz,
            gamma=moved.gamma,
            sigma=np.sqrt(moved.spread),
            phase_rad=np.angle(np.exp(1j * moved.phase_rad)),
            delay_s=moved.delay_s,
            member_hz=moved.member_hz,
            member_gamma=moved.member_gamma,
            lineshape=_padded(moved.lineshape, 2 * LINESHAPE[0]),
            baseline=((joined(smooth) * turn) @ problem.curves) * unit[:, None],
            broad=((joined(broad) * turn) @ problem.curves) * unit[:, None],
            noise_sd=np.sqrt((weights * noise).sum(axis=1)) * unit,
            explained=explained * unit**2,
            freedom=np.full(len(unit), float(self._freedom)),
            residual_whiteness=lag_one(left),
            iterations=iterations,
            flag=flags.astype("<U16"),
            unit=unit,
            average=average,
        )

    def _with_noise(self, model: Linear, products: Products) -> Linear:
        """Return a model whose noise is what small shifts of single members leave, under the first hypothesis."""
        ground = self.problem.background
        left = energy_left(model, products, ground, non_negative=self.problem.settings.non_negative)
        noise = np.maximum(left / self._freedom, np.finfo(float).tiny)
        weight = np.where(model.weight > 0, noise[:, None], 0.0)
        return replace(model, weight=weight, noise=noise)

    def _moved(self, at: Parameters, steps: Real, moving: NDArray[np.intp]) -> Parameters:
        """Return the place with the averaged steps taken."""
        problem, settings = self.problem, self.problem.settings
        g, n = problem.n_groups, len(moving)
        shared, aside, moved, wider = np.split(
            steps, np.cumsum([3 * g + 2, at.lineshape.shape[1], n]), axis=1
        )
        size = (len(steps), len(problem.basis))
        member_hz, member_gamma = np.zeros(size), np.zeros(size)
        member_hz[:, moving] = moved * settings.member_shift_ppm * self.basis.spectrometer_frequency_mhz
        member_gamma[:, moving] = wider * pi * settings.member_width_hz
        most = _FARTHEST_PPM * self.basis.spectrometer_frequency_mhz
        return Parameters(
            at.shift_hz + np.clip(shared[:, :g], -most, most),
            np.clip(at.gamma + settings.gamma_expected[1] * shared[:, g : 2 * g], 0, LARGEST_RATE),
            np.clip(at.spread + shared[:, 2 * g : 3 * g], 0, LARGEST_RATE**2),
            at.phase_rad + shared[:, 3 * g],
            at.delay_s + shared[:, 3 * g + 1] * settings.delay_sd_s,
            member_hz,
            member_gamma,
            at.lineshape + aside * settings.lineshape_sd,
            at.noise,
        )


def _padded(lineshape: Real, size: int) -> Real:
    """Return shares of a lineshape; zeros where none were fitted."""
    return lineshape if lineshape.shape[1] else np.zeros((len(lineshape), size))


def _share_left(state: State) -> Real:
    """Return the residual's share of the energy of the window, which starts of other shifts have elsewhere."""
    explained = (state.amplitudes * (state.gram @ state.amplitudes[..., None])[..., 0]).sum(axis=1)
    share: Real = state.objective / np.maximum(state.objective + explained, np.finfo(float).tiny)
    return share
