"""Where the linear model of a fit over a background is made: the search for the parameters that are not linear."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Basis, Complex, Real
from fsl_mrs_dl.fit.background import usual_mixture
from fsl_mrs_dl.fit.lcm.engine import out_of_range
from fsl_mrs_dl.fit.lcm.newton import Evaluate, State, minimise
from fsl_mrs_dl.fit.lcm.over_background import Seen, background_evaluator, lineshape_gain
from fsl_mrs_dl.fit.lcm.problem import LINESHAPE, Parameters, Problem
from fsl_mrs_dl.fit.lcm.result import FitResult
from fsl_mrs_dl.fit.lcm.start import ALMOST_AS_GOOD, N_STARTS, starts
from fsl_mrs_dl.fit.lcm.tabulated import Tables
from fsl_mrs_dl.physics.member_sizes import excess
from fsl_mrs_dl.scores import voigt_fwhm_hz

_WORTH = 6.0  # gain in log likelihood from which six shares beside the line are worth it
_FIRST_SNR = 20.0  # of NAA: the search begins with backgrounds held as firmly as a poor spectrum holds them
_NO_BACKGROUND = 1e6  # noise beside which a background has no room
_FEW = 4  # iterations after which noise and unit are known well enough
_SETTLED_SD = 0.1  # the linear model around the end of the search takes the last step
_MANY = 8  # iterations with shares beside the line, which no longer move amplitudes then
_LEAST = 1e-4  # of the energy of a window: metabolites make up a hundredth of its amplitude at least
_WIDER_HZ, _TURNED_RAD = (
    0.3,
    0.03,
)  # moves of width (FWHM) and phase after which a linear model errs by a per cent
_TINY = np.finfo(float).tiny


@dataclass(eq=False)
class Found:
    """Where a search ended, S spectra.

    Attributes
    ----------
    at : Parameters
    state : State
        There, for data in units of ``unit``.
    unit : ndarray, float, shape (S,)
        Amplitude of 1 mmol/kg, as far as usual amounts tell.
    iterations : ndarray, int, shape (S,)
    settled : ndarray, bool, shape (S,)
    outside : ndarray, bool, shape (S,)
        Whether it ended farther off than is believed.
    """

    at: Parameters
    state: State
    unit: Real
    iterations: NDArray[np.integer]
    settled: NDArray[np.bool_]
    outside: NDArray[np.bool_]

    def take(self, rows: NDArray[np.integer]) -> "Found":
        """Return some spectra."""
        return Found(
            self.at.take(rows),
            self.state.take(rows),
            self.unit[rows],
            self.iterations[rows],
            self.settled[rows],
            self.outside[rows],
        )

    def put(self, rows: NDArray[np.integer], other: "Found", where: NDArray[np.bool_]) -> None:
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
        self._known: dict[int, tuple[Seen, Evaluate]] = {}
        self._mixture = usual_mixture(basis.names) / excess(np.asarray(basis.fids))

    def under(self, hypothesis: int) -> tuple[Seen, Evaluate]:
        """Return what a search under a hypothesis needs; made when it is first asked for."""
        if hypothesis not in self._known:
            seen = Seen.of(self.problem, hypothesis, self._tables)
            self._known[hypothesis] = seen, background_evaluator(self.problem, seen)
        return self._known[hypothesis]

    @property
    def first(self) -> tuple[Seen, Evaluate]:
        """The first hypothesis, of middle flexibility, as :meth:`under` returns it."""
        return self.under(self.problem.background.first)

    def begin(self, fids: Complex, start: Parameters | None) -> Found:
        """Search under the first hypothesis, from the best starts or from a given one.

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
        found = self._from(fids, choices[0], self._unit(fids, choices[0]))
        for choice, share in zip(choices[1:], explained[1:], strict=True):
            rows = np.flatnonzero(share > ALMOST_AS_GOOD)
            if len(rows):
                other = self._from(fids[rows], choice.take(rows), found.unit[rows])
                both = found.iterations[rows] + other.iterations
                better = _share_left(other.state) < _share_left(found.state)[rows] * (1 - 1e-9)
                found.put(rows, other, better)
                found.iterations[rows] = both
        found.outside[:] = out_of_range(self.problem, self.basis, found.at, choices[-1], beyond)
        return found

    def uneven(self, scaled: Complex, found: Found, hypothesis: int) -> NDArray[np.bool_]:
        """Return whether shares of the signal beside the line are worth it under a hypothesis, (S,)."""
        gain = lineshape_gain(self.problem, self.under(hypothesis)[0], scaled, found.at, found.state)
        worth: NDArray[np.bool_] = gain > _WORTH
        return worth

    def with_shares(self, scaled: Complex, found: Found) -> Found:
        """Go on with shares of the signal beside the line, as an uneven shim makes them."""
        settings = replace(self.problem.settings, held_widths=True)
        at, state = replace(found.at, lineshape=np.zeros((len(scaled), 2 * LINESHAPE[0]))), found.state
        iterations = found.iterations
        for most in (_FEW, _MANY):
            rounds = replace(self.problem, settings=replace(settings, max_iterations=most))
            at, state, more, _ = minimise(rounds, self.first[1], scaled, at, _SETTLED_SD)
            iterations = iterations + more
            at = replace(at, noise=np.maximum(state.objective / self.freedom, _TINY))
        return replace(found, at=at, state=state, iterations=iterations)

    def elsewhere(self, found: Found, result: FitResult) -> NDArray[np.intp]:
        """Return the hypothesis under which each spectrum is to be searched again, (S,); -1: none.

        Where the leading hypothesis has other macromolecules than the first and moves width or phase, the model
        that is linear about the end of the first search does not reach.

        Parameters
        ----------
        found : Found
            By the first search.
        result : FitResult
            The average about its end.
        """
        assert result.average is not None
        ground, at = self.problem.background, found.at
        lead = result.average.index[:, 0]
        kinds = np.array([f"{one.macromolecules} {one.spread}" for one in ground.hypotheses])
        other = kinds[lead] != kinds[ground.first]
        widths = [
            voigt_fwhm_hz(gamma[:, 0], sigma[:, 0])
            for gamma, sigma in ((at.gamma, np.sqrt(at.spread)), (result.gamma, result.sigma))
        ]
        far = np.abs(widths[1] - widths[0]) > _WIDER_HZ
        far |= np.abs(np.angle(np.exp(1j * (result.phase_rad - at.phase_rad)))) > _TURNED_RAD
        far |= (at.gamma[:, 0] <= 0) | (at.spread[:, 0] <= 0)
        return np.where(other & far, lead, -1)

    def again(self, scaled: Complex, found: Found, hypothesis: int) -> Found:
        """Go on under another hypothesis."""
        evaluator = self.under(hypothesis)[1]
        at, state, more, settled = minimise(self.problem, evaluator, scaled, found.at, _SETTLED_SD)
        at = replace(at, noise=np.maximum(state.objective / self.freedom, _TINY))
        return replace(found, at=at, state=state, iterations=found.iterations + more, settled=settled)

    @property
    def freedom(self) -> int:
        """Degrees of freedom of the residual: a Gaussian prior costs none."""
        problem = self.problem
        free = int(problem.free.sum())
        return max(2 * int(problem.inside.sum()) - len(problem.basis) - free, 1)

    def _from(self, fids: Complex, start: Parameters, unit: Real) -> Found:
        """Search from one start, and find noise and unit with it."""
        problem = self.problem
        few = replace(problem, settings=replace(problem.settings, max_iterations=_FEW))
        at = replace(start, noise=np.full(len(fids), self._first_noise))
        iterations = np.zeros(len(fids), dtype=int)
        for rounds in (few, problem):
            at, state, more, settled = minimise(rounds, self.first[1], fids / unit[:, None], at, _SETTLED_SD)
            iterations = iterations + more
            if rounds is few:
                ratio = self._concentration(state)
                unit = unit * ratio
                at = replace(at, noise=np.maximum(state.objective / self.freedom / ratio**2, _TINY))
        at = replace(at, noise=np.maximum(state.objective / self.freedom, _TINY))
        at = at.copy()
        return Found(at, state, unit, iterations, settled, np.zeros(len(fids), dtype=bool))

    def _unit(self, fids: Complex, at: Parameters) -> Real:
        """Return the amplitude of 1 mmol/kg, from a first look without a background, (S,)."""
        size: Real = np.linalg.norm(fids, axis=1)
        here = replace(at, noise=np.full(len(fids), _NO_BACKGROUND * self._first_noise))
        return size * self._concentration(self.first[1](fids / size[:, None], here))

    def _concentration(self, state: State) -> Real:
        """Return what 1 mmol/kg is in the scale of a state: that of the usual mixture as strong as the fit."""
        known = self._mixture > 0
        inner = state.gram[:, known][:, :, known]
        found = np.einsum("sm,smk,sk->s", state.amplitudes[:, known], inner, state.amplitudes[:, known])
        usual = np.einsum("m,smk,k->s", self._mixture[known], inner, self._mixture[known])
        whole = state.objective + np.einsum("sm,smk,sk->s", state.amplitudes, state.gram, state.amplitudes)
        least = np.maximum(_LEAST * whole, _TINY)
        ratio: Real = np.sqrt(np.maximum(found, least) / usual) / self.problem.scale
        return ratio

    @property
    def _first_noise(self) -> float:
        """Noise variance with which the search begins, for data in units of 1 mmol/kg."""
        assert self.problem.window_of is not None
        return (self.problem.window_of.height / _FIRST_SNR) ** 2


def _share_left(state: State) -> Real:
    """Return the residual's share of the energy of the window, which starts of other shifts have elsewhere."""
    explained = (state.amplitudes * (state.gram @ state.amplitudes[..., None])[..., 0]).sum(axis=1)
    share: Real = state.objective / np.maximum(state.objective + explained, _TINY)
    return share
