"""The fit that averages over hypotheses about what lies under the metabolites."""

from dataclasses import replace
from math import pi

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Basis, Complex, Real
from fsl_mrs_dl.fit.background import MEMBER, joined, quarter_turn, split
from fsl_mrs_dl.fit.lcm.averaging import (
    average_of,
    curves_of,
    independent,
    lag_one,
    leading_information,
    spreads,
)
from fsl_mrs_dl.fit.lcm.engine import Fitter
from fsl_mrs_dl.fit.lcm.evidence import Linear, Products, energy_left, take_steps, weigh
from fsl_mrs_dl.fit.lcm.over_background import Place, place, rate_weight, slopes
from fsl_mrs_dl.fit.lcm.problem import LARGEST_RATE, LINESHAPE, OWN_WIDTH_HZ, Parameters, Problem
from fsl_mrs_dl.fit.lcm.result import N_HYPOTHESES, FitResult
from fsl_mrs_dl.fit.lcm.search import Search, SearchEnd
from fsl_mrs_dl.fit.lcm.settings import FitSettings
from fsl_mrs_dl.physics import damp
from fsl_mrs_dl.scores import voigt_fwhm_hz

_LARGEST_STEP_PPM = 0.05  # of the last step of a shift: a group without signal has no place of its own
_LINEARISATIONS = 6  # at most, until own shifts and widths are within reach of the linear model
_LARGEST_CURVATURE = 0.05  # chi square of what a linear model neglects, from which it is built again
_LEAST_ENERGY = 0.1  # of own shift or width over the noise variance: members below it do not get one


class AveragedFitter(Fitter):
    """The fit with the baseline ``auto``; see :class:`~.engine.Fitter` for parameters and calls.

    Shift, width and phases are fitted under one hypothesis of middle flexibility. Around them the model is linear,
    and all hypotheses are weighed (:mod:`~.evidence`). Estimates are averages over hypotheses; their covariance is
    the sum of that within hypotheses and that between them.
    """

    def __init__(self, basis: Basis, settings: FitSettings, *, reference_ppm: float) -> None:
        self.basis = basis
        self.problem = Problem.of(basis, settings, reference_ppm)
        self._search = Search(self.problem, basis)
        self._evaluate = self._search.first[1]
        self._broad = basis.names.index(MEMBER) if MEMBER in basis.names else -1
        self._may_shift = np.array([name != MEMBER for name in basis.names])

    def _fit_chunk(self, fids: Complex, start: Parameters | None) -> FitResult:
        search = self._search
        searched = search.begin(fids, start)
        scaled = fids / searched.unit[:, None]
        tokens = np.where(searched.outside, "out_of_range", "")
        tokens = np.where((tokens == "") & ~searched.converged, "no_convergence", tokens)
        result = self._averaged(scaled, searched, tokens)
        uneven = search.uneven(scaled, searched, self.problem.background.first)
        under = search.elsewhere(searched, result)
        for which in np.unique(under[under >= 0]):
            rows = np.flatnonzero(under == which)
            there = search.again(scaled[rows], searched.take(rows), int(which))
            tokens[rows] = np.where((tokens[rows] == "no_convergence") & there.converged, "", tokens[rows])
            # An uneven shim under one hypothesis may be macromolecules under another.
            uneven[rows] &= search.uneven(scaled[rows], there, int(which))
            known = np.flatnonzero(~uneven[rows])
            if len(known):
                there, rows = there.take(known), rows[known]
                result.put(rows, self._averaged(scaled[rows], there, tokens[rows]))
        rows = np.flatnonzero(uneven)
        if len(rows):
            there = search.with_shares(scaled[rows], searched.take(rows))
            result.put(rows, self._averaged(scaled[rows], there, tokens[rows]))
        self._straighten(result, scaled, searched, uneven, tokens)
        return result

    def around(self, fids: Complex, place: Parameters) -> FitResult:
        """Return the average over backgrounds of the linear model around a place, without a search.

        Parameters
        ----------
        fids : ndarray, complex, shape (S, time)
            Finite and not zero.
        place : Parameters
            Of S rows; what the linear model reaches from there is moved.

        Returns
        -------
        FitResult
            Without flags.
        """
        searched = self._search.around(fids, place)
        return self._averaged(fids / searched.unit[:, None], searched, np.full(len(fids), ""))

    def _straighten(
        self,
        result: FitResult,
        scaled: Complex,
        searched: SearchEnd,
        uneven: NDArray[np.bool_],
        tokens: NDArray[np.str_],
    ) -> None:
        """Build the linear model again where own shifts and widths of members are beyond its reach.

        For a shift by s of a line of width w, the linear model neglects about (s / w)^2 of the line's height: for
        a metabolite of an SNR q, a residual of chi square q^2 (s / w)^4.

        Parameters
        ----------
        result : FitResult
            Changed in place.
        scaled : ndarray, complex, shape (S, time)
        searched : SearchEnd
        uneven : ndarray, bool, shape (S,)
            Whether there are shares beside the line.
        tokens : ndarray, str, shape (S,)
        """
        placed = [np.zeros_like(result.member_hz), np.zeros_like(result.member_gamma)]
        for _ in range(_LINEARISATIONS):
            width = voigt_fwhm_hz(result.gamma[:, 0], result.sigma[:, 0]) + OWN_WIDTH_HZ
            moved_hz = np.abs(result.member_hz - placed[0])
            wider_hz = np.abs(result.member_gamma - placed[1]) / pi
            share = np.maximum(moved_hz, wider_hz) / width[:, None]
            size = result.amplitudes * self.problem.scale / result.noise_sd[:, None]
            power = size**2 * np.einsum("smm->sm", searched.state.gram)
            far = (power * share**4).max(axis=1) > _LARGEST_CURVATURE
            for shares in (False, True):
                rows = np.flatnonzero(far & (uneven == shares))
                if len(rows):
                    there = self._moved_there(searched.take(rows), result, rows, shares=shares)
                    placed[0][rows], placed[1][rows] = there.at.member_hz, there.at.member_gamma
                    result.put(rows, self._averaged(scaled[rows], there, tokens[rows]))

    def _moved_there(
        self, searched: SearchEnd, result: FitResult, rows: NDArray[np.intp], *, shares: bool
    ) -> SearchEnd:
        """Return some rows of a search, with the averaged steps added, also those of single members."""
        at = Parameters(
            result.shift_hz[rows],
            result.gamma[rows],
            result.sigma[rows] ** 2,
            result.phase_rad[rows],
            result.delay_s[rows],
            result.member_hz[rows],
            result.member_gamma[rows],
            result.lineshape[rows] if shares else np.zeros((len(rows), 0)),
            (result.noise_sd[rows] / searched.unit) ** 2,
        )
        amplitudes = result.amplitudes[rows] * (self.problem.scale / searched.unit)[:, None]
        return replace(searched, at=at, state=replace(searched.state, amplitudes=amplitudes))

    def linear(self, fids: Complex, at: Parameters, amplitudes: Real) -> tuple[Linear, NDArray[np.intp]]:
        """Build the linear model around a place.

        Parameters
        ----------
        fids : ndarray, complex, shape (S, time)
            In units of 1 mmol/kg.
        at : Parameters
        amplitudes : ndarray, float, shape (S, M)

        Returns
        -------
        model : Linear
        moving : ndarray, int
            Indices of the members with a shift and width of their own.
        """
        problem, settings = self.problem, self.problem.settings
        here = place(problem, self._search.first[0], fids, at)
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
        # A member that does not matter in a spectrum is left out there, whatever the rest of the batch is.
        single = (amplitudes * moving)[:, some, None] * here.by_time[:, some]
        mhz = self.basis.spectrometer_frequency_mhz
        moved = 2 * pi * settings.member_shift_ppm * mhz * quarter_turn(single)
        wider = -pi * settings.member_width_hz * single
        steps = np.concatenate([shared, moved, wider], axis=1)
        weight = np.zeros(steps.shape[:2])
        weight[:, delay] = at.noise
        weight[:, delay + 1 :] = at.noise[:, None]
        free = np.abs(shared[:, rates]).max(axis=2) > 0
        away = (at.gamma - usual) / spread
        weight[:, rates] = at.noise[:, None] * free * rate_weight(away)
        present = np.zeros(weight.shape)
        present[:, rates] = free * away
        present[:, delay + 1 : shared.shape[1]] = at.lineshape / settings.lineshape_sd
        present[:, delay] = at.delay_s / settings.delay_sd_s
        if at.member_hz.shape[1]:
            first, n = shared.shape[1], len(some)
            present[:, first : first + n] = at.member_hz[:, some] / (settings.member_shift_ppm * mhz)
            present[:, first + n :] = at.member_gamma[:, some] / (pi * settings.member_width_hz)
        tables = self._tables(at)
        return Linear(here.columns, steps, here.data, weight, present, at.noise, tables, self._broad), some

    def _tables(self, at: Parameters) -> dict[str, Real]:
        """Return the macromolecules of each table with the lineshape of each spectrum, (S, N).

        The shim, and the line broadening of a simulation, widen macromolecules as they widen metabolites.
        """
        problem = self.problem
        group = problem.groups[self._broad]
        gamma, sigma = at.gamma[:, group], np.sqrt(at.spread[:, group])
        return {
            name: split(problem.window(damp(fid[None], gamma, sigma, problem.dwelltime_s))) / problem.scale
            for name, fid in problem.background.tables.items()
        }

    def _moving(self, here: Place, amplitudes: Real, noise: Real) -> NDArray[np.bool_]:
        """Return which members are strong enough for a shift or width of their own, (S, M)."""
        settings = self.problem.settings
        largest = max(
            2 * settings.member_shift_ppm * self.basis.spectrometer_frequency_mhz, settings.member_width_hz
        )
        size = np.einsum("smn,smn->sm", here.by_time, here.by_time) * (pi * largest * amplitudes) ** 2
        moving: NDArray[np.bool_] = (size > _LEAST_ENERGY * noise[:, None]) & self._may_shift
        return moving

    def _stuck(self, at: Parameters, here: Place, amplitudes: Real) -> NDArray[np.bool_]:
        """Return which shared parameters are at a bound, (S, 3 G + 2): widths of 0 or of the largest value."""
        g = self.problem.n_groups
        none = np.zeros((len(amplitudes), g), dtype=bool)
        ends = [
            (value <= 0) | (value >= most)
            for value, most in ((at.gamma, LARGEST_RATE), (at.spread, LARGEST_RATE**2))
        ]
        stuck: NDArray[np.bool_] = np.concatenate([none, *ends, none[:, :1], none[:, :1]], axis=1)
        return stuck

    def _averaged(self, scaled: Complex, searched: SearchEnd, flags: NDArray[np.str_]) -> FitResult:
        """Weigh all hypotheses around the end of a search, and return their average."""
        at, state, unit = searched.at, searched.state, searched.unit
        problem, ground = self.problem, self.problem.background
        model, moving = self.linear(scaled, at, state.amplitudes)
        removed = self._search.freedom * (problem.settings.removed_noise_sd / unit) ** 2
        products = Products.of(model, ground, removed)
        model = self._with_noise(model, products)
        non_negative = problem.settings.non_negative
        weighing = weigh(model, products, ground, freedom=self._search.freedom, non_negative=non_negative)
        scale = unit / problem.scale
        weights = weighing.weights()
        take_steps(weighing, weights, model, products, ground)
        trust = independent(curves_of(weighing, weights, model, ground)[2], removed)
        weights = weighing.weights(trust)
        take_steps(weighing, weights, model, products, ground)
        order = np.argsort(-weights, axis=1)
        order = order[:, np.minimum(np.arange(N_HYPOTHESES), order.shape[1] - 1)]
        mean = np.einsum("sh,shm->sm", weights, weighing.amplitudes)
        noise = np.where(weights > 0, weighing.energy / self._search.freedom, 1.0)
        within, between = spreads(weighing, weights, noise, mean)
        bound = np.einsum("smm->sm", within)
        average = average_of(weighing, weights, noise, order, scale, within, trust)
        steps = np.einsum("sh,shb->sb", weights, np.where(weights[..., None] > 0, weighing.steps, 0.0))
        moved = self._moved(at, steps, moving)
        smooth, broad, left = curves_of(weighing, weights, model, ground)
        # Curves are in the frame of the search's phases; results need them in that of the averaged phases.
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
            freedom=np.full(len(unit), float(self._search.freedom)),
            residual_whiteness=lag_one(left, removed),
            iterations=searched.iterations,
            flag=flags.astype("<U16"),
            unit=unit,
            average=average,
        )

    def _with_noise(self, model: Linear, products: Products) -> Linear:
        """Return a model with the noise of the first hypothesis's residual, own shifts of members included."""
        ground = self.problem.background
        left = energy_left(model, products, ground, non_negative=self.problem.settings.non_negative)
        noise = np.maximum(left / self._search.freedom, np.finfo(float).tiny)
        return replace(model, weight=model.weight * (noise / model.noise)[:, None], noise=noise)

    def _moved(self, at: Parameters, steps: Real, moving: NDArray[np.intp]) -> Parameters:
        """Add the averaged steps to the parameters."""
        problem, settings = self.problem, self.problem.settings
        g, n = problem.n_groups, len(moving)
        shared, aside, moved, wider = np.split(
            steps, np.cumsum([3 * g + 2, at.lineshape.shape[1], n]), axis=1
        )
        size = (len(steps), len(problem.basis))
        own = at.member_hz.shape[1] > 0
        member_hz = at.member_hz.copy() if own else np.zeros(size)
        member_gamma = at.member_gamma.copy() if own else np.zeros(size)
        member_hz[:, moving] += moved * settings.member_shift_ppm * self.basis.spectrometer_frequency_mhz
        member_gamma[:, moving] += wider * pi * settings.member_width_hz
        most = _LARGEST_STEP_PPM * self.basis.spectrometer_frequency_mhz
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
