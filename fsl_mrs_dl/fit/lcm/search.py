"""Search the parameters that are not linear, around which the linear model of an averaged fit is built."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Basis, Complex, Real
from fsl_mrs_dl.fit.background import usual_mixture
from fsl_mrs_dl.fit.lcm.engine import out_of_range, unexplained
from fsl_mrs_dl.fit.lcm.newton import Evaluate, State, minimise
from fsl_mrs_dl.fit.lcm.over_background import Projection, background_evaluator, lineshape_gain
from fsl_mrs_dl.fit.lcm.problem import LINESHAPE, Parameters, Problem
from fsl_mrs_dl.fit.lcm.result import FitResult
from fsl_mrs_dl.fit.lcm.start import ALMOST_AS_GOOD, N_STARTS, starts
from fsl_mrs_dl.fit.lcm.tabulated import Tables
from fsl_mrs_dl.physics.member_sizes import excess
from fsl_mrs_dl.scores import voigt_fwhm_hz

_LEAST_GAIN = 6.0  # in log likelihood, from which six shares beside the line are fitted: one for each
_FIRST_SNR = (
    20.0  # SNR of NAA for which the search begins: a poor spectrum, whose background is near its prior
)
_NO_BACKGROUND = 1e6  # factor on the noise variance that leaves no signal to a background
_FIRST_ITERATIONS = 4  # after them noise and unit are known well enough
_UNIT_ROUNDS = 3  # of noise and unit at one place: each depends on the other through the prior
_CONVERGED_SD = 0.1  # step, in SDs, that ends a search: the linear model around its end takes the last step
_LINESHAPE_ITERATIONS = 8  # with shares beside the line; after them amplitudes no longer change
_LEAST_ENERGY = 1e-4  # of metabolites over the whole window: at least a hundredth of its amplitude
_WIDTH_CHANGE_HZ, _PHASE_CHANGE_RAD = 0.3, 0.03
"""Changes of width (FWHM) and phase from which a linear model has an error of one per cent."""
_TINY = np.finfo(float).tiny


@dataclass(eq=False)
class SearchEnd:
    """The end of a search of S spectra.

    Attributes
    ----------
    at : Parameters
    state : State
        At these parameters, for data in units of ``unit``.
    unit : ndarray, float, shape (S,)
        Amplitude of 1 mmol/kg, if the brain has the usual amounts.
    iterations : ndarray, int, shape (S,)
    converged : ndarray, bool, shape (S,)
    outside : ndarray, bool, shape (S,)
        Whether it ended beyond the accepted offset.
    """

    at: Parameters
    state: State
    unit: Real
    iterations: NDArray[np.integer]
    converged: NDArray[np.bool_]
    outside: NDArray[np.bool_]

    def take(self, rows: NDArray[np.integer]) -> "SearchEnd":
        """Return some spectra."""
        return SearchEnd(
            self.at.take(rows),
            self.state.take(rows),
            self.unit[rows],
            self.iterations[rows],
            self.converged[rows],
            self.outside[rows],
        )

    def put(self, rows: NDArray[np.integer], other: "SearchEnd", where: NDArray[np.bool_]) -> None:
        """Replace some spectra by those of another search."""
        self.state.put(rows, other.state, where)
        for mine, theirs in ((self.at, other.at), (self, other)):
            for name, value in vars(mine).items():
                if isinstance(value, np.ndarray):
                    value[rows[where]] = getattr(theirs, name)[where]


class Search:
    """Searches for shift, width and phases under one hypothesis at a time.

    Parameters
    ----------
    problem : Problem
    basis : Basis
    """

    def __init__(self, problem: Problem, basis: Basis) -> None:
        self.problem, self.basis = problem, basis
        self._tables = Tables.of(problem) if problem.n_groups == 1 else None
        self._known: dict[int, tuple[Projection, Evaluate]] = {}
        self._mixture = usual_mixture(basis.names) / excess(np.asarray(basis.fids))

    def under(self, hypothesis: int) -> tuple[Projection, Evaluate]:
        """Return projection and evaluator of a search under a hypothesis; computed at the first use."""
        if hypothesis not in self._known:
            projection = Projection.of(self.problem, hypothesis, self._tables)
            self._known[hypothesis] = projection, background_evaluator(self.problem, projection)
        return self._known[hypothesis]

    @property
    def first(self) -> tuple[Projection, Evaluate]:
        """The first hypothesis, of middle flexibility, as :meth:`under` returns it."""
        return self.under(self.problem.background.first)

    def begin(self, fids: Complex, start: Parameters | None) -> SearchEnd:
        """Search under the first hypothesis, from the best starts or from ``start``.

        Parameters
        ----------
        fids : ndarray, complex, shape (S, time)
        start : Parameters, optional
        """
        size: Real = np.linalg.norm(fids, axis=1)
        if start is None:
            choices, explained, beyond = starts(self.problem, self.basis, fids / size[:, None], N_STARTS)
        else:
            choices, explained, beyond = [start], np.ones((1, len(fids))), np.zeros(len(fids), dtype=bool)
        end = self._from(fids, choices[0], self._unit(fids, choices[0]))
        for choice, share in zip(choices[1:], explained[1:], strict=True):
            rows = np.flatnonzero(share > ALMOST_AS_GOOD)
            if len(rows):
                other = self._from(fids[rows], choice.take(rows), end.unit[rows])
                both = end.iterations[rows] + other.iterations
                better = unexplained(other.state) < unexplained(end.state)[rows] * (1 - 1e-9)
                end.put(rows, other, better)
                end.iterations[rows] = both
        end.outside[:] = out_of_range(self.problem, self.basis, end.at, choices[-1], beyond)
        return end

    def around(self, fids: Complex, place: Parameters) -> SearchEnd:
        """Return the end of a search that did not move from a place: noise, unit and state there."""
        none = np.zeros(len(fids), dtype=bool)
        unit = self._unit(fids, place)
        at = replace(place, noise=np.full(len(fids), self._first_noise))
        for _ in range(_UNIT_ROUNDS):
            state = self.first[1](fids / unit[:, None], at)
            ratio = self._concentration(state)
            unit = unit * ratio
            at = replace(at, noise=self._noise(state.objective / ratio**2, unit))
        state = self.first[1](fids / unit[:, None], at)
        return SearchEnd(at.copy(), state, unit, np.zeros(len(fids), dtype=int), ~none, none)

    def uneven(self, scaled: Complex, end: SearchEnd, hypothesis: int) -> NDArray[np.bool_]:
        """Return whether the shim is uneven under a hypothesis: shares beside the line improve the fit, (S,)."""
        gain = lineshape_gain(self.problem, self.under(hypothesis)[0], scaled, end.at, end.state)
        worth: NDArray[np.bool_] = gain > _LEAST_GAIN
        return worth

    def with_shares(self, scaled: Complex, end: SearchEnd) -> SearchEnd:
        """Continue a search with shares of the signal beside the line, for an uneven shim."""
        settings = replace(self.problem.settings, held_widths=True)
        at, state = replace(end.at, lineshape=np.zeros((len(scaled), 2 * LINESHAPE[0]))), end.state
        iterations = end.iterations
        for most in (_FIRST_ITERATIONS, _LINESHAPE_ITERATIONS):
            rounds = replace(self.problem, settings=replace(settings, max_iterations=most))
            at, state, more, _ = minimise(rounds, self.first[1], scaled, at, _CONVERGED_SD)
            iterations = iterations + more
            at = replace(at, noise=self._noise(state.objective, end.unit))
        return replace(end, at=at, state=state, iterations=iterations)

    def elsewhere(self, end: SearchEnd, result: FitResult) -> NDArray[np.intp]:
        """Return the hypothesis under which each spectrum must be searched again, (S,); -1: none.

        If the leading hypothesis has other macromolecules than the first and changes width or phase, the linear
        model around the end of the first search does not reach.

        Parameters
        ----------
        end : SearchEnd
            Of the first search.
        result : FitResult
            The average around it.
        """
        assert result.average is not None
        ground, at = self.problem.background, end.at
        lead = result.average.index[:, 0]
        kinds = np.array([f"{one.macromolecules} {one.spread}" for one in ground.hypotheses])
        other = kinds[lead] != kinds[ground.first]
        widths = [
            voigt_fwhm_hz(gamma[:, 0], sigma[:, 0])
            for gamma, sigma in ((at.gamma, np.sqrt(at.spread)), (result.gamma, result.sigma))
        ]
        far = np.abs(widths[1] - widths[0]) > _WIDTH_CHANGE_HZ
        far |= np.abs(np.angle(np.exp(1j * (result.phase_rad - at.phase_rad)))) > _PHASE_CHANGE_RAD
        far |= (at.gamma[:, 0] <= 0) | (at.spread[:, 0] <= 0)
        return np.where(other & far, lead, -1)

    def again(self, scaled: Complex, end: SearchEnd, hypothesis: int) -> SearchEnd:
        """Continue a search under another hypothesis."""
        evaluator = self.under(hypothesis)[1]
        at, state, more, converged = minimise(self.problem, evaluator, scaled, end.at, _CONVERGED_SD)
        at = replace(at, noise=self._noise(state.objective, end.unit))
        return replace(end, at=at, state=state, iterations=end.iterations + more, converged=converged)

    @property
    def freedom(self) -> int:
        """Degrees of freedom of the residual: a Gaussian prior costs none."""
        problem = self.problem
        free = int(problem.free.sum())
        return max(2 * int(problem.inside.sum()) - len(problem.basis) - free, 1)

    def _from(self, fids: Complex, start: Parameters, unit: Real) -> SearchEnd:
        """Search from one start, and estimate noise and unit."""
        problem = self.problem
        few = replace(problem, settings=replace(problem.settings, max_iterations=_FIRST_ITERATIONS))
        at = replace(start, noise=np.full(len(fids), self._first_noise))
        iterations = np.zeros(len(fids), dtype=int)
        for rounds in (few, problem):
            at, state, more, converged = minimise(
                rounds, self.first[1], fids / unit[:, None], at, _CONVERGED_SD
            )
            iterations = iterations + more
            if rounds is few:
                ratio = self._concentration(state)
                unit = unit * ratio
                at = replace(at, noise=self._noise(state.objective / ratio**2, unit))
        at = replace(at, noise=self._noise(state.objective, unit))
        at = at.copy()
        return SearchEnd(at, state, unit, iterations, converged, np.zeros(len(fids), dtype=bool))

    def _noise(self, energy: Real, unit: Real) -> Real:
        """Return the noise variance of a residual's energy, and of what was removed; for a unit of 1 mmol/kg."""
        removed = (self.problem.settings.removed_noise_sd / unit) ** 2
        return np.maximum(energy / self.freedom + removed, _TINY)

    def _unit(self, fids: Complex, at: Parameters) -> Real:
        """Return the amplitude of 1 mmol/kg, from a first fit without a background, (S,)."""
        size: Real = np.linalg.norm(fids, axis=1)
        here = replace(at, noise=np.full(len(fids), _NO_BACKGROUND * self._first_noise))
        return size * self._concentration(self.first[1](fids / size[:, None], here))

    def _concentration(self, state: State) -> Real:
        """Return 1 mmol/kg in the scale of a state, (S,): the usual mixture is then as strong as the fit."""
        known = self._mixture > 0
        inner = state.gram[:, known][:, :, known]
        fitted = np.einsum("sm,smk,sk->s", state.amplitudes[:, known], inner, state.amplitudes[:, known])
        usual = np.einsum("m,smk,k->s", self._mixture[known], inner, self._mixture[known])
        whole = state.objective + np.einsum("sm,smk,sk->s", state.amplitudes, state.gram, state.amplitudes)
        least = np.maximum(_LEAST_ENERGY * whole, _TINY)
        ratio: Real = np.sqrt(np.maximum(fitted, least) / usual) / self.problem.scale
        return ratio

    @property
    def _first_noise(self) -> float:
        """Noise variance at the start of the search, for data in units of 1 mmol/kg."""
        assert self.problem.window_of is not None
        return (self.problem.window_of.height / _FIRST_SNR) ** 2
