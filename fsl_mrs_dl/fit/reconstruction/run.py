"""The reconstruction of a file: from FIDs to sparse amplitudes and back."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Complex, MRSData, Real
from fsl_mrs_dl.fit.reconstruction.debias import debias
from fsl_mrs_dl.fit.reconstruction.lineshape import Lineshape, lorentzian
from fsl_mrs_dl.fit.reconstruction.operators import AtomOperator, GridOperator, Operator
from fsl_mrs_dl.fit.reconstruction.sets import Sets
from fsl_mrs_dl.fit.reconstruction.solver import ITERATIONS, largest_penalty, magnitude, solve

Penalty = Callable[[Operator, Sets], Real]
"""Gives the penalty of each set, shape (set,), in units of the noise."""
_NARROW_BINS = 2.0  # a line narrower than this many bins needs frequencies between the bins


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """What came out, of the sets of :class:`Sets`.

    Attributes
    ----------
    sets : Sets
    operator : Operator
    amplitudes : ndarray, complex, shape (set, FID, atom)
    penalty, ratio : ndarray, float, shape (set,)
        In units of the noise, and over the largest useful penalty.
    support : ndarray, int, shape (set,)
        Atoms that are not zero.
    gap : ndarray, float, shape (set,)
    iterations : ndarray, int, shape (set,)
    lineshape : Lineshape
    fwhm_hz : float
        Of the result's lines.
    """

    sets: Sets
    operator: Operator
    amplitudes: Complex
    penalty: Real
    ratio: Real
    support: NDArray[np.integer]
    gap: Real
    iterations: NDArray[np.integer]
    lineshape: Lineshape
    fwhm_hz: float

    @property
    def fids(self) -> Complex:
        """FIDs with the wanted lineshape, in units of the noise; shape (set, FID, time)."""
        return self.operator.restored(self.amplitudes)


def operator_for(
    data: MRSData,
    lineshape: Lineshape,
    fwhm_hz: float | None,
    n_measured: int,
    atoms: Complex | None = None,
) -> tuple[Operator, float]:
    """Return the model of the FIDs and the linewidth of its result, in Hz.

    Parameters
    ----------
    data : MRSData
        Gives points and dwell time.
    lineshape : Lineshape
        As measured.
    fwhm_hz : float or None
        Wanted width of the lines; None: as measured, without deconvolution.
    n_measured : int
        Points that count; the model goes on beyond.
    atoms : ndarray, complex, shape (atom, time), optional
        A dictionary instead of the grid of lines.
    """
    width = lineshape.fwhm_hz if fwhm_hz is None else fwhm_hz
    same = fwhm_hz is None and lineshape.source != "water reference"
    wanted = lineshape.decay if same else lorentzian(data.n_points, data.dwelltime_s, width)
    measured = np.where(np.arange(data.n_points) < n_measured, lineshape.decay, 0)
    measured, wanted = (shape.astype(np.complex64)[None, None] for shape in (measured, wanted))
    if atoms is not None:
        return AtomOperator(atoms.astype(np.complex64), measured, wanted), width
    bins = lineshape.fwhm_hz * data.n_points * data.dwelltime_s
    return GridOperator(measured, wanted, oversampling=1 if bins >= _NARROW_BINS else 2), width


def reconstruct_sets(
    sets: Sets,
    operator: Operator,
    penalty: Penalty,
    lineshape: Lineshape,
    fwhm_hz: float,
    *,
    refit: bool = True,
    iterations: int = ITERATIONS,
) -> Reconstruction:
    """Solve the sparse problem of every set.

    Parameters
    ----------
    sets : Sets
    operator : Operator
    penalty : callable
    lineshape : Lineshape
    fwhm_hz : float
        Of the result, for the record.
    refit : bool
        Least squares on the support afterwards.
    iterations : int
        At most.

    Returns
    -------
    Reconstruction
    """
    weights = penalty(operator, sets)
    largest = largest_penalty(operator, sets.fids)
    solution = solve(operator, sets.fids, weights, iterations=iterations)
    support = (magnitude(solution.amplitudes) > 0).sum(axis=(1, 2))
    found = Reconstruction(
        sets=sets,
        operator=operator,
        amplitudes=solution.amplitudes,
        penalty=weights,
        ratio=weights / np.maximum(largest, np.finfo(np.float64).tiny),
        support=support,
        gap=solution.gap,
        iterations=solution.iterations,
        lineshape=lineshape,
        fwhm_hz=fwhm_hz,
    )
    if not refit:
        return found
    return replace(found, amplitudes=debias(operator, sets.fids, solution.amplitudes))
