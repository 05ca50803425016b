"""Fit a batch of spectra by a linear combination of a basis set, from start values to Cramér-Rao bounds."""

from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Basis, Complex, Real, fid_flags
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.fit.lcm.averaging import lag_one
from fsl_mrs_dl.fit.lcm.capture import REACH_PPM
from fsl_mrs_dl.fit.lcm.local import expand, information, n_parameters
from fsl_mrs_dl.fit.lcm.newton import Evaluate, State, evaluate, minimise
from fsl_mrs_dl.fit.lcm.problem import LINESHAPE, Parameters, Problem
from fsl_mrs_dl.fit.lcm.result import Average, FitCurves, FitResult
from fsl_mrs_dl.fit.lcm.settings import FitSettings
from fsl_mrs_dl.fit.lcm.start import ALMOST_AS_GOOD, N_STARTS, SEARCH_PPM, starts
from fsl_mrs_dl.fit.lcm.tabulated import fast_evaluator
from fsl_mrs_dl.physics import first_order_phase, phase, shift, spectrum_to_fid

_CHUNK = 32  # spectra fitted at once: their members fit the cache
_LEAST_CURVATURE = 1e-200  # curvature below which a parameter has no effect: far below rounding of any other


class Fitter:
    """A fit of one basis set with fixed settings: tables are computed once and used for any number of spectra.

    The model is that of :func:`fsl_mrs_dl.physics.basis_sum`, turned by a zero- and first-order phase, plus a
    smooth baseline, in white noise. Amplitudes and baseline are solved for exactly at every step. The other
    parameters start from matched filters and follow damped Gauss-Newton steps.

    Parameters
    ----------
    basis : Basis
        Of the data's points, dwell time and field (see :func:`fsl_mrs_dl.fit.basis.basis_for`).
    settings : FitSettings
    reference_ppm : float
        Chemical shift at the centre of the spectrum.

    Raises
    ------
    DataError
        If the basis is not usable, or the window has too few points.
    OptionError
        If groups or baseline are not possible.
    """

    def __init__(self, basis: Basis, settings: FitSettings, *, reference_ppm: float) -> None:
        self.basis = basis
        self.problem = Problem.of(basis, settings, reference_ppm)
        self._evaluate: Evaluate = fast_evaluator(self.problem) or partial(evaluate, self.problem)

    def __call__(self, fids: Complex, start: Parameters | None = None) -> FitResult:
        """Fit spectra by maximum likelihood.

        Parameters
        ----------
        fids : ndarray, complex, shape (S, time)
            In memory sign.
        start : Parameters, optional
            Start values, one row for each spectrum; by default the best of several matched filters.

        Returns
        -------
        FitResult
            A spectrum that is not finite, or is zero, has NaN and a flag.

        Raises
        ------
        DataError
            If the data have other points than the basis.
        """
        fids = np.atleast_2d(np.asarray(fids, dtype=np.complex128))
        if fids.shape[1] != self.problem.basis.shape[1]:
            raise DataError(
                f"The data have {fids.shape[1]} points and the basis {self.problem.basis.shape[1]}; resample the "
                "basis."
            )
        flags = fid_flags(fids)
        good = np.flatnonzero(flags == "")
        result = unfitted(self.problem, self.basis, flags)
        for first in range(0, len(good), _CHUNK):
            rows = good[first : first + _CHUNK]
            begun = None if start is None else start.take(rows)
            part = self._fit_chunk(fids[rows], begun)
            result.put(rows, part)
        return result

    def _fit_chunk(self, fids: Complex, start: Parameters | None) -> FitResult:
        return _fit_chunk(self.problem, self._evaluate, self.basis, fids, start)

    def at(self, fids: Complex, place: Parameters, amplitudes: Real | None = None) -> FitResult:
        """Evaluate amplitudes, bounds and residual at given parameters, without a search.

        Parameters
        ----------
        fids : ndarray, complex, shape (S, time)
            Finite and not zero.
        place : Parameters
            Of S rows.
        amplitudes : ndarray, float, shape (S, M), optional
            Of the unscaled basis; by default the least-squares amplitudes at ``place``.

        Returns
        -------
        FitResult
            With the bounds at these parameters and without flags.
        """
        problem, size = self.problem, np.linalg.norm(fids, axis=1)
        scaled = np.asarray(fids, dtype=np.complex128) / size[:, None]
        state = self._evaluate(scaled, place)
        if amplitudes is not None:
            inner = amplitudes * problem.scale / size[:, None]
            state = replace(state, amplitudes=inner, free=np.ones(inner.shape, dtype=bool))
        residual = problem.corrected(scaled, place) - problem.model(place, state.amplitudes)
        none, empty = np.zeros(len(fids), dtype=int), np.full(len(fids), "")
        return _result(problem, self.basis, place, state, residual, size, none, empty)

    def expand(self, fids: Complex, parameters: Real, noise_sd: Real) -> tuple[Real, Real]:
        """Return Fisher matrix and gradient at any parameters, see :func:`.local.expand`."""
        return expand(self.problem, self._evaluate, fids, parameters, noise_sd)


def unfitted(problem: Problem, basis: Basis, flags: NDArray[np.str_]) -> FitResult:
    """Return the result of spectra before a fit: NaN and flags."""
    n, m, g = len(flags), len(basis.names), problem.n_groups
    q = n_parameters(problem)

    def unknown(*shape: int) -> Real:
        return np.full((n, *shape), np.nan)

    return FitResult(
        names=basis.names,
        amplitudes=unknown(m),
        crlb=unknown(m),
        covariance=unknown(m, m),
        information=unknown(q, q),
        score=unknown(q),
        shift_hz=unknown(g),
        gamma=unknown(g),
        sigma=unknown(g),
        phase_rad=unknown(),
        delay_s=unknown(),
        member_hz=unknown(m if problem.settings.member_shift_hz or problem.settings.averaged else 0),
        member_gamma=unknown(m if problem.settings.averaged else 0),
        lineshape=unknown(2 * LINESHAPE[0] if problem.settings.averaged else 0),
        baseline=np.zeros((n, len(problem.share)), dtype=np.complex128),
        broad=np.zeros((n, len(problem.share) if problem.settings.averaged else 0), dtype=np.complex128),
        noise_sd=unknown(),
        explained=unknown(),
        freedom=unknown(),
        residual_whiteness=unknown(),
        iterations=np.zeros(n, dtype=int),
        flag=flags.copy(),
        unit=unknown(),
        average=Average.unfitted(n, m) if problem.settings.averaged else None,
    )


def fit_spectra(fids: Complex, basis: Basis, settings: FitSettings, *, reference_ppm: float) -> FitResult:
    """Fit a basis set to spectra once; see :class:`Fitter`, which can be used again without new tables."""
    return Fitter(basis, settings, reference_ppm=reference_ppm)(fids)


def _fit_chunk(
    problem: Problem, evaluator: Evaluate, basis: Basis, fids: Complex, start: Parameters | None = None
) -> FitResult:
    size: Real = np.linalg.norm(fids, axis=1)
    scaled = fids / size[:, None]
    if start is None:
        choices, explained, beyond = starts(problem, basis, scaled, N_STARTS)
    else:
        choices, explained, beyond = [start], np.ones((1, len(fids))), np.zeros(len(fids), dtype=bool)
    at, state, iterations, converged = minimise(problem, evaluator, scaled, choices[0])
    at = at.copy()
    for choice, share in zip(choices[1:], explained[1:], strict=True):
        rows = np.flatnonzero(share > ALMOST_AS_GOOD)
        if len(rows):
            other, there, more, done = minimise(problem, evaluator, scaled[rows], choice.take(rows))
            better = unexplained(there) < unexplained(state)[rows] * (1 - 1e-9)
            state.put(rows, there, better)
            for name, value in vars(at).items():
                value[rows[better]] = getattr(other, name)[better]
            converged[rows[better]] = done[better]
            iterations[rows] += more
    if problem.settings.member_shift_hz:
        at, state, more, converged = _with_own_shifts(problem, evaluator, scaled, at, state, size)
        iterations = iterations + more
    outside = out_of_range(problem, basis, at, choices[-1], beyond)
    tokens = np.where(outside, "out_of_range", np.where(converged, "", "no_convergence"))
    residual = problem.corrected(scaled, at) - problem.model(at, state.amplitudes)
    return _result(problem, basis, at, state, residual, size, iterations, tokens)


def out_of_range(
    problem: Problem, basis: Basis, at: Parameters, place: Parameters, beyond: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return which fits ended beyond the accepted offset.

    Parameters
    ----------
    problem : Problem
    basis : Basis
    at : Parameters
        At the end of the fit.
    place : Parameters
        Place of the whole spectrum, the last of the starts.
    beyond : ndarray, bool, shape (S,)
        From :func:`~.start.starts`.

    Returns
    -------
    ndarray, bool, shape (S,)
    """
    mhz = basis.spectrometer_frequency_mhz
    off = np.abs(at.shift_hz).max(axis=1) > (REACH_PPM + SEARCH_PPM) * mhz
    # Farther than from one end of the search to the other: the fit ended on a signal that was not searched.
    left = np.abs(at.shift_hz - place.shift_hz).max(axis=1) > 2.2 * SEARCH_PPM * mhz
    outside: NDArray[np.bool_] = beyond | off | left
    return outside


def unexplained(state: State) -> Real:
    """Return the residual's share of the window's energy, (S,); the window moves with the shift of a start."""
    explained = _explained(state)
    share: Real = state.objective / np.maximum(state.objective + explained, np.finfo(float).tiny)
    return share


def _explained(state: State) -> Real:
    """Return the energy of the fitted members in the window, shape (S,)."""
    energy: Real = (state.amplitudes * (state.gram @ state.amplitudes[..., None])[..., 0]).sum(axis=1)
    return energy


def _with_own_shifts(
    problem: Problem, evaluator: Evaluate, scaled: Complex, at: Parameters, state: State, size: Real
) -> tuple[Parameters, State, NDArray[np.integer], NDArray[np.bool_]]:
    """Continue a fit with a shift for each member, weighed by the noise of its residual."""
    variance = state.objective / (2 * problem.inside.sum()) + (problem.settings.removed_noise_sd / size) ** 2
    none = np.zeros((len(scaled), len(problem.basis)))
    start = replace(at, member_hz=none, noise=variance)
    return minimise(problem, evaluator, scaled, start)


def _result(
    problem: Problem,
    basis: Basis,
    at: Parameters,
    state: State,
    residual: Complex,
    size: Real,
    iterations: NDArray[np.integer],
    flags: NDArray[np.str_],
) -> FitResult:
    weighed = problem.weigh(residual)
    samples = residual.shape[1] - 2 * problem.share.sum() + (problem.share**2).sum()
    freedom = np.maximum(2 * samples - state.free.sum(axis=1) - problem.free.sum(), 1)
    removed = (problem.settings.removed_noise_sd / size) ** 2
    noise = np.sqrt((np.abs(weighed) ** 2).sum(axis=1) / freedom + removed)
    scale = size / problem.scale
    covariance = _covariance(problem, state) * (noise * scale)[:, None, None] ** 2
    about, score = information(problem, state, noise, scale)
    baseline = (problem.share * (residual @ problem.curves)) * size[:, None]
    return FitResult(
        names=basis.names,
        amplitudes=state.amplitudes * scale[:, None],
        crlb=np.sqrt(np.einsum("smm->sm", covariance)),
        covariance=covariance,
        information=about,
        score=score,
        shift_hz=at.shift_hz,
        gamma=at.gamma,
        sigma=np.sqrt(at.spread),
        phase_rad=np.angle(np.exp(1j * at.phase_rad)),
        delay_s=at.delay_s,
        member_hz=at.member_hz,
        member_gamma=at.member_gamma,
        lineshape=at.lineshape,
        baseline=baseline,
        broad=baseline[:, :0],
        noise_sd=noise * size,
        explained=_explained(state) * size**2,
        freedom=freedom,
        residual_whiteness=lag_one(weighed, freedom * removed),
        iterations=iterations,
        flag=flags.astype("<U16"),
        unit=np.full(len(size), np.nan),
    )


def _covariance(problem: Problem, state: State) -> Real:
    """Return the inverse Fisher matrix of the amplitudes at unit noise, all other parameters free."""
    n_own = state.curvature.shape[1] - len(problem.free)
    free = np.concatenate([problem.free, np.ones(n_own, dtype=bool)])
    curvature = state.curvature[:, free][:, :, free]
    index = np.arange(curvature.shape[-1])
    # Each parameter in units of its own curvature; that of a group without signal has none, and no effect.
    diagonal = curvature[:, index, index]
    size = np.sqrt(np.where(diagonal > _LEAST_CURVATURE, diagonal, 1.0))
    coupling = state.coupling[:, :, free] / size[:, None]
    curvature = curvature / (size[:, :, None] * size[:, None])
    curvature[:, index, index] += np.where(diagonal > _LEAST_CURVATURE, 1e-12, 1.0)
    information = state.gram - coupling @ np.linalg.solve(curvature, np.swapaxes(coupling, 1, 2))
    inverse: Real = np.linalg.pinv(information, rcond=1e-13, hermitian=True)
    return inverse


def curves(result: FitResult, basis: Basis, settings: FitSettings, *, reference_ppm: float) -> FitCurves:
    """Return the curves of fits in the frame of the data.

    Parameters
    ----------
    result : FitResult
    basis : Basis
    settings : FitSettings
        Those of the fit.
    reference_ppm : float

    Returns
    -------
    FitCurves
        NaN for spectra that were not fitted; the baseline is zero outside the fit window.
    """
    problem = unscaled(Problem.of(basis, settings, reference_ppm))
    return drawn(
        problem, result.place, result.amplitudes, result.baseline, result.broad, broad_member(basis.names)
    )


def unscaled(problem: Problem) -> Problem:
    """Return a problem with the unscaled basis, so that amplitudes are those of results."""
    return replace(problem, basis=problem.basis * problem.scale, scale=1.0)


def broad_member(names: tuple[str, ...]) -> int | None:
    """Return the index of the macromolecules' member: the prior's or the first of the basis set; else None."""
    own = [name for name in names if name.upper().startswith(("MM", "MAC"))]
    return names.index(own[0]) if own else None


def drawn(
    problem: Problem,
    at: Parameters,
    amplitudes: Real,
    baseline: Complex,
    broad: Complex | None = None,
    member: int | None = None,
) -> FitCurves:
    """Return the curves of fits, as :func:`curves` does, with a problem that is :func:`unscaled`.

    Parameters
    ----------
    problem : Problem
    at : Parameters
    amplitudes : ndarray, float, shape (S, M)
    baseline : ndarray, complex, shape (S, K)
        Coefficients of the baseline's curves.
    broad : ndarray, complex, shape (S, K) or (S, 0), optional
        Coefficients, in the same curves, of the deviation of macromolecules from their mean.
    member : int, optional
        The member of the macromolecules; None: the deviation is added to the baseline.

    Returns
    -------
    FitCurves
    """
    # Shift before delay: a delay moves signal before time zero, that is to the end of the FID, where a shift
    # would turn it by the phase of the end.
    first_hz = at.shift_hz[:, 0]
    straight = at.phase_rad - 2 * np.pi * at.delay_s * first_hz
    shifted = shift(amplitudes[..., None] * problem.members(at), first_hz[:, None], problem.dwelltime_s)
    delayed = first_order_phase(shifted, at.delay_s[:, None], problem.dwelltime_s)
    members = phase(delayed, straight[:, None])

    def in_frame(coefficients: Complex) -> Complex:
        """Return curves of the window as FIDs in the frame of the data."""
        spectrum = np.zeros((len(amplitudes), len(problem.time_s)), dtype=np.complex128)
        spectrum[:, problem.inside] = coefficients @ problem.curves.T
        smooth = shift_both_ways(spectrum_to_fid(spectrum), first_hz, problem.dwelltime_s)
        turned: Complex = phase(first_order_phase(smooth, at.delay_s, problem.dwelltime_s), straight)
        return turned

    if broad is not None and broad.shape[1]:
        if member is None:
            baseline = baseline + broad
        else:
            members[:, member] += in_frame(broad)
    ground = in_frame(baseline)
    return FitCurves(members.sum(axis=1) + ground, ground, members)


def shift_both_ways(fids: Complex, shift_hz: Real, dwelltime_s: float) -> Complex:
    """Shift signals that reach to both sides of time zero, as a smooth curve of a spectrum does."""
    before = fids.shape[-1] // 2
    rolled = shift(np.roll(fids, before, axis=-1), shift_hz, dwelltime_s)
    moved = phase(rolled, -2 * np.pi * shift_hz * before * dwelltime_s)
    return np.roll(moved, -before, axis=-1)
