"""The linear models of an FID: a grid of lines, or the members of a basis set, each with a known decay."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

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

    def near(self, amplitudes: Complex, fids: Complex, ridge: Real) -> Complex:
        r"""Return the s that minimises :math:`\|y - A s\|^2 + \rho \|s - v\|^2`; ridge of shape (set, 1, 1)."""

    def neighbourhood(self, sizes: Real) -> Real:
        """Return the signal about each atom: amplitudes times squared overlaps, over the norms of both."""

    def restored(self, amplitudes: Complex) -> Complex:
        """Return the FIDs with the target lineshape, over all points."""

    def take(self, sets: Sets) -> "Operator":
        """Return the operator of some of the sets."""


BROAD = 8.0
"""Width of broad lines over that of the others: 40 Hz at 3 T, about that of macromolecules."""
_DECAYED = 1e-6  # of its start: an FID that is smaller needs no more points


def broad_decay(fwhm_hz: Real | float, dwelltime_s: float, n_points: int) -> Real:
    """Return the decay of broad lines on top of that of the others, shape (set, 1, time until it is over).

    Parameters
    ----------
    fwhm_hz : ndarray, float, shape (set,), or float
        Of the lines.
    dwelltime_s : float
        In s.
    n_points : int
        Of the FIDs.
    """
    widths = np.atleast_1d(np.asarray(fwhm_hz, dtype=np.float64))
    over_s = -np.log(_DECAYED) / (np.pi * BROAD * widths.min())
    points = min(fft.next_fast_len(int(np.ceil(over_s / dwelltime_s))), n_points)
    t = np.arange(points) * dwelltime_s
    decay: Real = np.exp(-np.pi * (BROAD - 1) * widths[:, None, None] * t).astype(np.float32)
    return decay


@dataclass(frozen=True, eq=False)
class GridOperator:
    r"""Lines on a regular grid of frequencies, and broad ones on a coarser grid.

    .. math:: (A s)(t_n) = a(t_n) \frac{1}{\sqrt M} \sum_{k} s_k e^{2 \pi i k n / M}
              + a(t_n) b(t_n) \frac{1}{\sqrt{M'}} \sum_{k} s'_k e^{2 \pi i k n / M'}

    The atoms have the measured lineshape a(t), which is the target lineshape times the known extra decay
    and eddy-current phase (H), and is zero where a point was not measured. Broad ones decay with b(t) as well:
    they stand for macromolecules and for wrong first points, which else many narrow lines would describe.
    Two transforms of each kind make a product with :math:`A^H A`; all atoms have the same norm.

    Attributes
    ----------
    decay : ndarray, complex, shape (set or 1, 1, time)
        a(t).
    target : ndarray, complex, shape (set or 1, 1, time)
        Lineshape of the result.
    oversampling : int
        Frequencies a bin of the spectrum, M / time.
    broad : ndarray, float, shape (set or 1, 1, time'), or None
        b(t) of the first points, as many as M', from :func:`broad_decay`; None: no broad lines.
    """

    decay: Complex
    target: Complex
    oversampling: int = 2
    broad: Real | None = None

    @property
    def n_lines(self) -> int:
        """Return the number of frequencies of lines, M; they come before the broad ones."""
        return int(self.decay.shape[-1]) * self.oversampling

    @property
    def n_atoms(self) -> int:
        """Return the number of atoms, M + M'."""
        return self.n_lines + (0 if self.broad is None else int(self.broad.shape[-1]))

    @cached_property
    def norms(self) -> Real:
        """Return the norm of the atoms, shape (set or 1, 1, 1)."""
        norms: Real = np.linalg.norm(self.decay, axis=-1, keepdims=True) / np.sqrt(self.n_lines)
        return norms

    @cached_property
    def _broad(self) -> Real | None:
        """b(t), scaled so that broad atoms have the norm of the others."""
        if self.broad is None:
            return None
        points = self.broad.shape[-1]
        own = np.linalg.norm(self.decay[..., :points] * self.broad, axis=-1, keepdims=True) / np.sqrt(points)
        scaled: Real = (self.broad * (self.norms / own)).astype(self.decay.real.dtype)
        return scaled

    @cached_property
    def _conjugate(self) -> Complex:
        return self.decay.conj()

    @cached_property
    def _power(self) -> Real:
        """The diagonal of A A^H."""
        factor = np.ones(self.decay.shape[-1], dtype=self.decay.real.dtype)
        power = np.abs(self.decay) ** 2 * factor
        if self._broad is not None:
            power = np.broadcast_to(power, (max(len(power), len(self._broad)), *power.shape[1:])).copy()
            points = self._broad.shape[-1]
            power[..., :points] *= 1 + self._broad**2
        return power

    def _lines(self, amplitudes: Complex) -> Complex:
        """Return the sum of lines without their common decay."""
        n = self.n_lines
        whole: Complex = fft.ifft(amplitudes[..., :n], axis=-1, norm="ortho")[..., : self.decay.shape[-1]]
        if self._broad is not None:
            broad = fft.ifft(amplitudes[..., n:], axis=-1, norm="ortho")
            whole[..., : self._broad.shape[-1]] += broad * self._broad
        return whole

    def forward(self, amplitudes: Complex) -> Complex:
        """Return the FIDs as measured, A s."""
        return self._lines(amplitudes) * self.decay

    def lines(self, fids: Complex) -> Complex:
        """Return the part of A^H y that belongs to lines that are not broad, shape (set, FID, M)."""
        products: Complex = fft.fft(fids * self._conjugate, self.n_lines, axis=-1, norm="ortho")
        return products

    def adjoint(self, fids: Complex) -> Complex:
        """Return A^H y."""
        weighed = fids * self._conjugate
        products: Complex = fft.fft(weighed, self.n_lines, axis=-1, norm="ortho")
        if self._broad is None:
            return products
        broad = fft.fft(weighed[..., : self._broad.shape[-1]] * self._broad, axis=-1, norm="ortho")
        return np.concatenate([products, broad], axis=-1)

    def near(self, amplitudes: Complex, fids: Complex, ridge: Real) -> Complex:
        r"""Return the s that minimises :math:`\|y - A s\|^2 + \rho \|s - v\|^2`.

        .. math:: s = v + A^H (A A^H + \rho)^{-1} (y - A v)

        :math:`A A^H` is diagonal in time. Small differences come from small residuals, not from large sums,
        so that single precision is enough beside water.
        """
        left = (fids - self.forward(amplitudes)) * (1 / (self._power + ridge))
        return amplitudes + self.adjoint(left)

    def neighbourhood(self, sizes: Real) -> Real:
        """Return the signal about each atom, a convolution with the power of the overlap of two lines.

        Broad lines and others are told apart: neither says anything of the other.

        Parameters
        ----------
        sizes : ndarray, float, shape (set, 1, atom)
            Magnitudes of amplitudes.
        """
        n = self.n_lines
        power: Real = np.abs(self.decay) ** 2
        parts = [_blurred(sizes[..., :n], power)]
        if self._broad is not None:
            points = self._broad.shape[-1]
            parts.append(_blurred(sizes[..., n:], power[..., :points] * self._broad**2))
        signal: Real = np.concatenate(parts, axis=-1) * self.norms**2
        return signal

    def restored(self, amplitudes: Complex) -> Complex:
        """Return the FIDs with the target lineshape, over all points."""
        return self._lines(amplitudes) * self.target

    def take(self, sets: Sets) -> "GridOperator":
        """Return the operator of some of the sets."""
        broad = None if self.broad is None else _of_sets(self.broad, sets)
        return GridOperator(_of_sets(self.decay, sets), _of_sets(self.target, sets), self.oversampling, broad)


def _blurred(sizes: Real, power: Real) -> Real:
    """Return sizes under the squared overlap of atoms whose FIDs have this power, at least 0."""
    n = sizes.shape[-1]
    overlap = np.abs(fft.fft(power, n, axis=-1)) ** 2
    kernel = overlap / overlap.max(axis=-1, keepdims=True)
    blurred: Real = fft.irfft(fft.rfft(sizes, axis=-1) * fft.rfft(kernel, axis=-1), n, axis=-1)
    return np.maximum(blurred, 0)


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
    gram : ndarray, complex, shape (set or 1, atom, atom)
        :math:`A^H A`; computed where it is not given.
    """

    atoms: Complex
    decay: Complex
    target: Complex
    inside: NDArray[np.bool_] | None = None
    gram: Complex | None = None

    def __post_init__(self) -> None:
        """Compute what every product with A^H A needs: the atoms are few, and their FIDs long."""
        if self.gram is None:
            columns = [self._in_window(self.atoms * decay) for decay in self.decay]
            object.__setattr__(self, "gram", np.stack([c.conj() @ c.T for c in columns]))

    @property
    def n_atoms(self) -> int:
        """Return the number of atoms."""
        return len(self.atoms)

    @cached_property
    def norms(self) -> Real:
        """Return the norm of each atom, shape (set or 1, 1, atom)."""
        assert self.gram is not None
        norms: Real = np.sqrt(np.einsum("gaa->ga", self.gram).real)[:, None]
        return norms

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

    @cached_property
    def _axes(self) -> tuple[Real, Complex]:
        """Eigenvalues and eigenvectors of A^H A, shape (set or 1, 1, atom) and (set or 1, atom, atom)."""
        assert self.gram is not None
        value, vector = np.linalg.eigh(self.gram)
        return np.maximum(value, 0)[:, None], vector

    def near(self, amplitudes: Complex, fids: Complex, ridge: Real) -> Complex:
        r"""Return the s that minimises :math:`\|y - A s\|^2 + \rho \|s - v\|^2`, by eigenvalues of A^H A."""
        value, vector = self._axes
        turned = self.adjoint(fids - self.forward(amplitudes)) @ vector.conj()
        step: Complex = (turned / (value + ridge)) @ np.swapaxes(vector, 1, 2)
        return amplitudes + step.astype(amplitudes.dtype, copy=False)

    def neighbourhood(self, sizes: Real) -> Real:
        """Return the signal about each atom; ``sizes``, the magnitudes of amplitudes, as (set, 1, atom)."""
        assert self.gram is not None
        norms = self.norms
        signal: Real = sizes @ (np.abs(self.gram) ** 2 / (norms * np.swapaxes(norms, 1, 2)))
        return signal

    def restored(self, amplitudes: Complex) -> Complex:
        """Return the FIDs with the target lineshape, over all points."""
        return (amplitudes @ self.atoms) * self.target

    def take(self, sets: Sets) -> "AtomOperator":
        """Return the operator of some of the sets."""
        assert self.gram is not None
        decay, target, gram = (_of_sets(part, sets) for part in (self.decay, self.target, self.gram))
        return AtomOperator(self.atoms, decay, target, self.inside, gram)


def _of_sets(per_set: Any, sets: Sets) -> Any:
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
