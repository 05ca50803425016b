"""The model of an averaged fit as arrays that all spectra share, of NumPy or on a GPU."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from math import pi
from typing import Any, Self

import numpy as np

from fsl_mrs_dl.data import Basis, Real
from fsl_mrs_dl.fit.background import MEMBER, Hypothesis, split, usual_mixture
from fsl_mrs_dl.fit.background.hypotheses import BESIDE_A_TABLE, FIRST_BASELINE, OWN_MACROMOLECULES
from fsl_mrs_dl.fit.lcm.problem import Problem
from fsl_mrs_dl.fit.lcm.settings import BASIS_TABLE
from fsl_mrs_dl.fit.lcm.tabulated import Tables
from fsl_mrs_dl.fit.posterior.prior import usual_ranges
from fsl_mrs_dl.physics.member_sizes import excess

Array = Any

MACROMOLECULES = (
    ("prior", 0.15),
    ("prior", 0.5),
    ("prior", 1.5),
    (BASIS_TABLE, BESIDE_A_TABLE),
    *OWN_MACROMOLECULES,
    ("none", 0.0),
)
"""Macromolecules of the backgrounds that are weighed, and their spread: fewer than those of the whole fit, of the
same range."""
_MOVING = ("NAA", "Cr", "PCr", "GPC")
"""Members with a shift and a width of their own: those with the highest lines."""


@dataclass(frozen=True, eq=False)
class HypothesisArrays:
    """One background that is weighed.

    Attributes
    ----------
    index : int
        In :attr:`~fsl_mrs_dl.fit.background.Background.hypotheses`.
    axes : Array, float, shape (rows, r)
        Principal axes of its prior, in the space of :attr:`BatchModel.rows`.
    power : Array, float, shape (r,)
        Variance along each, in units of 1 mmol/kg.
    broad : Array, float, shape (rows, rows)
        Covariance of macromolecules and lipids without the baseline.
    table : str
        The published table that replaces the macromolecules of the prior; empty: none.
    """

    index: int
    axes: Array
    power: Array
    broad: Array
    table: str


@dataclass(frozen=True, eq=False)
class BatchModel:
    """Tables of a problem with a background: all that is linear is computed once.

    N is twice the number of bins of the window; M the number of members; R that of the curves of a damping. Large
    arrays are in single precision: products of windows need no more.

    Attributes
    ----------
    dwelltime_s, mhz : float
        In s and MHz.
    bins : Array, int, shape (N / 2,)
        Of the window, in an FFT with the zero frequency first.
    frequency_hz : Array, float, shape (N / 2,)
    project : Array, float, shape (time, R)
        From a damping to its coefficients.
    columns, by_time, by_square : Array, float, shape (R, M * N)
        Windows of the members, and of t and t^2 times them, under each curve.
    own : Array, float, shape (R, own * N)
        ``by_time`` of the members with a shift and a width of their own.
    inner, searched : Array, float, shape (R, M * rows) and (R, M * r)
        Products of ``columns`` with ``rows`` and ``search_rows``.
    tables : dict of str to Array, float, shape (R, N)
        Likewise the macromolecules of published tables.
    rows : Array, float, shape (rows, N)
        Orthonormal; every background is a combination of them.
    search_rows, search_power : Array, float, shape (r, N) and (r,)
        Axes of the background over which place and noise are found, and the variance along each.
    hypotheses : tuple of HypothesisArrays
        Those that are weighed.
    mixture : Array, float, shape (M,)
        Usual amounts of the members; 0 where not known.
    known, upper, middle : Array, float, shape (M,)
        Of the prior of amplitudes, see :func:`~fsl_mrs_dl.fit.posterior.prior.usual_ranges`; ``known`` is 1 or 0.
    moving : Array, int, shape (own,)
        Members with a shift and a width of their own.
    broad : int
        Index of the member of macromolecules; -1: none.
    scale, height : float
        Divisor of the basis set; height of NAA, the unit of noise.
    gamma_usual, gamma_spread, delay_sd_s, shift_sd_hz, width_sd_hz : float
        Priors, see :class:`~fsl_mrs_dl.fit.lcm.settings.FitSettings`.
    freedom : int
        Degrees of freedom of a residual.
    gaussian : bool
        Whether lines have a Gaussian part.
    """

    dwelltime_s: float
    mhz: float
    bins: Array
    frequency_hz: Array
    project: Array
    columns: Array
    by_time: Array
    by_square: Array
    own: Array
    inner: Array
    searched: Array
    tables: dict[str, Array]
    rows: Array
    search_rows: Array
    search_power: Array
    hypotheses: tuple[HypothesisArrays, ...]
    mixture: Array
    known: Array
    upper: Array
    middle: Array
    moving: Array
    broad: int
    scale: float
    height: float
    gamma_usual: float
    gamma_spread: float
    delay_sd_s: float
    shift_sd_hz: float
    width_sd_hz: float
    freedom: int
    gaussian: bool

    @classmethod
    def of(cls, problem: Problem, basis: Basis) -> Self:
        """Tabulate a problem.

        Parameters
        ----------
        problem : Problem
            With a background, and one group of members.
        basis : Basis
        """
        assert problem.window_of is not None
        ground, settings = problem.background, problem.settings
        shared = Tables.of(problem)
        curves, m = shared.kernel.curves, len(problem.basis)
        chosen = _chosen(ground.hypotheses)
        moving = np.array([i for i, name in enumerate(basis.names) if name in _MOVING], dtype=np.intp)

        def along(rows: Real) -> Real:
            windows: Real = shared.table.reshape(-1, rows.shape[1]) @ rows.T
            return windows.reshape(len(curves), -1)

        def arrays(which: int) -> HypothesisArrays:
            name, own = ground.hypotheses[which].macromolecules, ground.of(which)
            return HypothesisArrays(which, own.axes, own.power, own.broad, name * (name in ground.tables))

        mhz, larger = basis.spectrometer_frequency_mhz, excess(np.asarray(basis.fids))
        known, upper, middle = usual_ranges(basis.names, larger)
        return cls(
            dwelltime_s=problem.dwelltime_s,
            mhz=mhz,
            bins=(np.flatnonzero(problem.inside) - len(problem.inside) // 2) % len(problem.inside),
            frequency_hz=problem.frequency_hz[problem.inside],
            project=shared.kernel.project,
            columns=shared.table,
            by_time=shared.slopes[0],
            by_square=shared.slopes[1],
            own=shared.slopes[0].reshape(len(curves), m, -1)[:, moving].reshape(len(curves), -1),
            inner=along(ground.rows),
            searched=along(ground.first_rows),
            tables={
                name: split(problem.window(fid * curves)) / problem.scale
                for name, fid in ground.tables.items()
                if any(name == ground.hypotheses[which].macromolecules for which in chosen)
            },
            rows=ground.rows,
            search_rows=ground.first_rows,
            search_power=ground.of(ground.first).power,
            hypotheses=tuple(arrays(which) for which in chosen),
            mixture=usual_mixture(basis.names) / larger,
            known=known.astype(float),
            upper=upper,
            middle=middle,
            moving=moving,
            broad=basis.names.index(MEMBER) if MEMBER in basis.names else -1,
            scale=problem.scale,
            height=problem.window_of.height,
            gamma_usual=settings.gamma_expected[0],
            gamma_spread=settings.gamma_expected[1],
            delay_sd_s=settings.delay_sd_s,
            shift_sd_hz=settings.member_shift_ppm * mhz,
            width_sd_hz=settings.member_width_hz,
            freedom=max(2 * int(problem.inside.sum()) - m - int(problem.free.sum()), 1),
            gaussian=not settings.lorentzian,
        ).changed(_single)

    def changed(self, change: Callable[[Array], Array]) -> Self:
        """Return the model with each array changed alike, for example moved to a device."""

        def new(value: Any) -> Any:
            if isinstance(value, HypothesisArrays):
                parts = {name: change(getattr(value, name)) for name in ("axes", "power", "broad")}
                return replace(value, **parts)
            if isinstance(value, tuple):
                return tuple(new(one) for one in value)
            if isinstance(value, dict):
                return {name: change(one) for name, one in value.items()}
            return value if isinstance(value, int | float) else change(value)

        return replace(self, **{one.name: new(getattr(self, one.name)) for one in fields(self)})

    @property
    def members(self) -> int:
        """M."""
        return int(self.mixture.shape[0])

    @property
    def points(self) -> int:
        """N."""
        return int(self.rows.shape[1])

    @property
    def own_scales(self) -> tuple[float, float]:
        """Factors of t s(t) for a member's own shift and own width of one prior SD, in rad/s and 1/s."""
        return 2 * pi * self.shift_sd_hz, -pi * self.width_sd_hz


def _single(values: np.ndarray) -> np.ndarray:
    """Return large arrays of numbers in single precision, and others as they are."""
    large = np.issubdtype(values.dtype, np.floating) and values.ndim > 1
    return np.ascontiguousarray(values, dtype=np.float32 if large else values.dtype)


def _chosen(hypotheses: Sequence[Hypothesis]) -> list[int]:
    """Return the indices of the backgrounds that are weighed."""
    lipids = any(one.lipids for one in hypotheses)
    return [
        index
        for index, one in enumerate(hypotheses)
        if (one.macromolecules, one.spread) in MACROMOLECULES
        and one.baseline == FIRST_BASELINE
        and one.lipids == lipids
    ]
