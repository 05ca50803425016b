"""The reconstruction of a file: from FIDs to sparse amplitudes and back."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Complex, MRSData, Real
from fsl_mrs_dl.fit.reconstruction.debias import debias
from fsl_mrs_dl.fit.reconstruction.lineshape import Lineshape, lorentzian
from fsl_mrs_dl.fit.reconstruction.operators import GridOperator, Operator, broad_decay
from fsl_mrs_dl.fit.reconstruction.passes import two_passes
from fsl_mrs_dl.fit.reconstruction.sets import Sets
from fsl_mrs_dl.fit.reconstruction.solver import ITERATIONS, largest_penalty, magnitude

Penalty = Callable[[Operator, Sets], Real]
"""Gives the penalty of each set, shape (set,), in units of the noise."""
_NARROW_BINS = 2.0  # a line narrower than this many bins needs frequencies between the bins


@dataclass(frozen=True, eq=False)
class FidModel:
    """Model of the FIDs of a file: its atoms and its lineshapes.

    Attributes
    ----------
    operator : Operator
    lineshape : Lineshape
        As measured.
    fwhm_hz : float
        Of the lines of the result.
    """

    operator: Operator
    lineshape: Lineshape
    fwhm_hz: float


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """Result of the reconstruction of all sets of :class:`Sets`.

    Attributes
    ----------
    sets : Sets
    model : FidModel
    amplitudes : ndarray, complex, shape (set, FID, atom)
    penalty, ratio : ndarray, float, shape (set,)
        In units of the noise, and over the largest useful penalty.
    support : ndarray, int, shape (set,)
        Atoms that are not zero.
    gap : ndarray, float, shape (set,)
    iterations : ndarray, int, shape (set,)
    """

    sets: Sets
    model: FidModel
    amplitudes: Complex
    penalty: Real
    ratio: Real
    support: NDArray[np.integer]
    gap: Real
    iterations: NDArray[np.integer]

    @property
    def fids(self) -> Complex:
        """FIDs with the target lineshape, in units of the noise; shape (set, FID, time)."""
        return self.model.operator.restored(self.amplitudes)


def grid_of_lines(data: MRSData, lineshape: Lineshape, fwhm_hz: float | None, n_measured: int) -> FidModel:
    """Return the model of FIDs that are lines on a grid of frequencies.

    Parameters
    ----------
    data : MRSData
        Gives points and dwell time.
    lineshape : Lineshape
        As measured.
    fwhm_hz : float or None
        Width of the Lorentzian lines of the result, in Hz; None: the measured decay, without its eddy-current
        phase.
    n_measured : int
        Points that count; the model goes on beyond.
    """
    if fwhm_hz is None:
        width, target = lineshape.fwhm_hz, np.abs(lineshape.decay)
    else:
        width, target = fwhm_hz, lorentzian(data.n_points, data.dwelltime_s, fwhm_hz)[None, None]
    measured = np.where(np.arange(data.n_points) < n_measured, lineshape.decay, 0)
    bins = min(lineshape.fwhm_hz, width) * data.n_points * data.dwelltime_s
    operator = GridOperator(
        measured.astype(np.complex64),
        target.astype(np.complex64),
        1 if bins >= _NARROW_BINS else 2,
        broad_decay(lineshape.fwhm_hz, data.dwelltime_s, data.n_points),
    )
    return FidModel(operator, lineshape, width)


def reconstruct_sets(
    sets: Sets, model: FidModel, penalty: Penalty, *, refit: bool = False, iterations: int = ITERATIONS
) -> Reconstruction:
    """Solve the sparse problem of every set, in two passes.

    Parameters
    ----------
    sets : Sets
    model : FidModel
    penalty : callable
    refit : bool
        Least squares on the support afterwards.
    iterations : int
        At most.

    Returns
    -------
    Reconstruction
    """
    operator = model.operator
    weights = penalty(operator, sets)
    largest = largest_penalty(operator, sets.fids)
    _, solution = two_passes(operator, sets.fids, weights, iterations=iterations)
    amplitudes = debias(operator, sets.fids, solution.amplitudes) if refit else solution.amplitudes
    return Reconstruction(
        sets=sets,
        model=model,
        amplitudes=amplitudes,
        penalty=weights,
        ratio=weights / np.maximum(largest, np.finfo(np.float64).tiny),
        support=(magnitude(solution.amplitudes) > 0).sum(axis=(1, 2)),
        gap=solution.gap,
        iterations=solution.iterations,
    )
