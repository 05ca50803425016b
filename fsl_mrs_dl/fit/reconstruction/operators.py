"""The linear models of an FID: a grid of lines, or the members of a basis set, each with a known decay."""

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.physics import project

Sets = slice | NDArray[np.intp]


class Operator(Protocol):
    r"""A linear map from amplitudes of atoms to FIDs, :math:`A = H F^{-1} \Theta`.

    Arrays have the shape (set, FID, atom) or (set, FID, time): the FIDs of a set share their support.
    """

    @property
    def n_atoms(self) -> int:
        """Return the number of atoms."""

    @property
    def norms(self) -> Real:
        """Return the norm of each atom, shape (set or 1, 1, atom or 1)."""

    def forward(self, amplitudes: Complex) -> Complex:
        """Return the FIDs as measured, A s."""

    def adjoint(self, fids: Complex) -> Complex:
        """Return A^H y."""

    def restored(self, amplitudes: Complex) -> Complex:
        """Return the FIDs with the target lineshape, over all points."""

    def take(self, sets: Sets) -> "Operator":
        """Return the operator of some of the sets."""


@dataclass(frozen=True, eq=False)
class GridOperator:
    r"""Lines on a regular grid of frequencies.

    .. math:: (A s)(t_n) = a(t_n) \frac{1}{\sqrt M} \sum_{k} s_k e^{2 \pi i k n / M}

    The atoms have the measured lineshape a(t), which is the target lineshape times the known extra decay
    and eddy-current phase (H), and is zero where a point was not measured. Two transforms make a product with
    :math:`A^H A`; all atoms have the same norm.

    Attributes
    ----------
    decay : ndarray, complex, shape (set or 1, 1, time)
        a(t).
    target : ndarray, complex, shape (set or 1, 1, time)
        Lineshape of the result.
    oversampling : int
        Frequencies a bin of the spectrum, M / time.
    """

    decay: Complex
    target: Complex
    oversampling: int = 2

    @property
    def n_atoms(self) -> int:
        """Return the number of frequencies, M."""
        return int(self.decay.shape[-1]) * self.oversampling

    @cached_property
    def norms(self) -> Real:
        """Return the norm of the atoms, shape (set or 1, 1, 1)."""
        norms: Real = np.linalg.norm(self.decay, axis=-1, keepdims=True) / np.sqrt(self.n_atoms)
        return norms

    @cached_property
    def _conjugate(self) -> Complex:
        return self.decay.conj()

    def _lines(self, amplitudes: Complex) -> Complex:
        whole: Complex = fft.ifft(amplitudes, axis=-1, norm="ortho")
        return whole[..., : self.decay.shape[-1]]

    def forward(self, amplitudes: Complex) -> Complex:
        """Return the FIDs as measured, A s."""
        return self._lines(amplitudes) * self.decay

    def adjoint(self, fids: Complex) -> Complex:
        """Return A^H y."""
        products: Complex = fft.fft(fids * self._conjugate, self.n_atoms, axis=-1, norm="ortho")
        return products

    def restored(self, amplitudes: Complex) -> Complex:
        """Return the FIDs with the target lineshape, over all points."""
        return self._lines(amplitudes) * self.target

    def take(self, sets: Sets) -> "GridOperator":
        """Return the operator of some of the sets."""
        return GridOperator(_of_sets(self.decay, sets), _of_sets(self.target, sets), self.oversampling)


@dataclass(frozen=True, eq=False)
class AtomOperator:
    r"""A small dictionary of FIDs, for example the members of a basis set at several shifts.

    Attributes
    ----------
    atoms : ndarray, complex, shape (atom, time)
        :math:`F^{-1} \Theta` without any decay.
    decay : ndarray, complex, shape (set or 1, 1, time)
        Measured lineshape, as in :class:`GridOperator`.
    target : ndarray, complex, shape (set or 1, 1, time)
    inside : ndarray, bool, shape (frequency,), or None
        The window of the spectrum that counts: what lies outside is not described by the atoms. None: all of it.
    """

    atoms: Complex
    decay: Complex
    target: Complex
    inside: NDArray[np.bool_] | None = None

    @property
    def n_atoms(self) -> int:
        """Return the number of atoms."""
        return len(self.atoms)

    @cached_property
    def norms(self) -> Real:
        """Return the norm of each atom, shape (set or 1, 1, atom)."""
        columns = [np.linalg.norm(self._in_window(self.atoms * decay), axis=-1) for decay in self.decay]
        return np.stack(columns)[:, None]

    @cached_property
    def _conjugates(self) -> Complex:
        return np.ascontiguousarray(self.atoms.conj().T)

    def _in_window(self, fids: Complex) -> Complex:
        """Return the part of FIDs in the window."""
        return fids if self.inside is None else project(fids, self.inside)

    def forward(self, amplitudes: Complex) -> Complex:
        """Return the FIDs as measured, A s, in the window."""
        return self._in_window((amplitudes @ self.atoms) * self.decay)

    def adjoint(self, fids: Complex) -> Complex:
        """Return A^H y."""
        return (self._in_window(fids) * self.decay.conj()) @ self._conjugates

    def restored(self, amplitudes: Complex) -> Complex:
        """Return the FIDs with the target lineshape, over all points."""
        return (amplitudes @ self.atoms) * self.target

    def take(self, sets: Sets) -> "AtomOperator":
        """Return the operator of some of the sets."""
        return AtomOperator(self.atoms, _of_sets(self.decay, sets), _of_sets(self.target, sets), self.inside)


def _of_sets(per_set: Complex, sets: Sets) -> Complex:
    return per_set if len(per_set) == 1 else per_set[sets]


def largest_eigenvalue(operator: Operator, n_sets: int, iterations: int = 30, margin: float = 1.02) -> Real:
    """Return an upper bound of the largest eigenvalue of A^H A by power iteration, shape (set or 1, 1, 1).

    Power iteration comes from below; the start is random, fixed and the same for every set, and the margin is
    what is left after the iterations. A step that is too long still shows, as the gap then does not close.

    Parameters
    ----------
    operator : Operator
    n_sets : int
        Different lineshapes of the operator, 1 where all sets share one.
    iterations : int
    margin : float
        Factor on what the iteration ends with.

    Returns
    -------
    ndarray, float, shape (n_sets, 1, 1)
    """
    rng = np.random.default_rng(0)
    start = rng.standard_normal(operator.n_atoms) + 1j * rng.standard_normal(operator.n_atoms)
    vector = np.broadcast_to(start, (n_sets, 1, operator.n_atoms))
    size = np.ones((n_sets, 1, 1))
    for _ in range(iterations):
        vector = vector / np.linalg.norm(vector, axis=-1, keepdims=True)
        vector = operator.adjoint(operator.forward(vector))
        size = np.linalg.norm(vector, axis=-1, keepdims=True)
    bound: Real = margin * size
    return bound
