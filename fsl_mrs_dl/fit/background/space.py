"""The signals of all hypotheses in one space of a fit window, and each hypothesis's prior in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.fit.background.density import FWHM_PPM, GRID_PPM, DensityPrior
from fsl_mrs_dl.fit.background.hypotheses import Hypothesis, first
from fsl_mrs_dl.fit.background.tables import Table
from fsl_mrs_dl.physics.lines import WILSON_2011, GaussianLine, gaussian_lines
from fsl_mrs_dl.physics.macromolecules import MM_SETS

TYPICAL_AMOUNT = 10.0
"""Usual macromolecules, in mmol/kg of the methyl groups at 0.9 ppm, TE 30 ms, 3 T: 3.6 times the area of the
methyl of total creatine from 0.7 to 1.85 ppm in one healthy head (docs/validation/worlds.md), and the share of
that in 0.65-1.08 ppm."""
NAA_HEIGHT = (10.0, 3.0, 4.0)
"""The unit of baselines: a line of 10 mmol/kg, 3 protons, 4 Hz (FWHM): NAA of a healthy brain in a good shim."""
_LIPID_AMOUNT = 10.0  # mmol/kg, as much as macromolecules: what leaks in from the scalp
_CONSTANT = 1.0  # SD of a complex offset, in heights of NAA: a wrong first point of the FID
_KEPT = 1e-3  # of NAA's height: an SD below the noise of spectra of an SNR of 1000
_SEEN = 1e-10  # of the largest variance of a smooth curve


@dataclass(frozen=True, eq=False)
class Background:
    """Gaussian priors over the background of one fit window, for amplitudes of one unit.

    Real vectors of a window hold its real bins, then its imaginary bins.

    Attributes
    ----------
    rows : ndarray, float, shape (R, 2 inside)
        Orthonormal; every hypothesis's signals are combinations of them.
    hypotheses : tuple of Hypothesis
    axes : tuple of ndarray, float, shape (R, r)
        Of each hypothesis, the principal axes of its prior in the space of ``rows``.
    power : tuple of ndarray, float, shape (r,)
        Variance along each, where one mmol/kg of a metabolite has an amplitude of 1.
    broad : tuple of ndarray, float, shape (R, R)
        The covariance of macromolecules and lipids alone, in that space.
    tables : mapping of str to ndarray, float, shape (2 inside,)
        The macromolecules of each published table that is a hypothesis, 1 mmol/kg of the methyl groups at 0.9 ppm:
        they stand in for the mean of the prior.
    """

    rows: Real
    hypotheses: tuple[Hypothesis, ...]
    axes: tuple[Real, ...]
    power: tuple[Real, ...]
    broad: tuple[Real, ...]
    tables: Mapping[str, Real]

    @cached_property
    def first(self) -> int:
        """Index of the hypothesis under which parameters that are not linear are found."""
        return first(self.hypotheses)

    @cached_property
    def first_rows(self) -> Real:
        """The axes of that hypothesis as vectors of the window, shape (r, 2 inside)."""
        return np.ascontiguousarray(self.axes[self.first].T @ self.rows)

    def share(self, hypothesis: int, noise: Real) -> Real:
        """Return which part of each axis belongs to the background, shape (S, r); noise: variance, (S,)."""
        power = self.power[hypothesis]
        share: Real = power / (power + noise[:, None])
        return share

    def left(self, bins: Complex, share: Real) -> Complex:
        """Return what the first hypothesis's background leaves of windows (S, n, inside); share: (S, r)."""
        vectors = split(bins)
        seen = vectors @ self.first_rows.T
        return joined(vectors - (seen * share[:, None]) @ self.first_rows)

    @cached_property
    def parent(self) -> NDArray[np.intp]:
        """The simpler hypothesis after which each is looked at, shape (H,); -1: none.

        First each kind of macromolecules with the baseline of the first hypothesis and without lipids, then with
        lipids, then all baselines.
        """
        place = {one: at for at, one in enumerate(self.hypotheses)}
        smooth = self.hypotheses[self.first].baseline

        def before(one: Hypothesis) -> int:
            if one.baseline != smooth:
                return place[replace(one, baseline=smooth)]
            return place[replace(one, lipids=False)] if one.lipids else -1

        return np.array([before(one) for one in self.hypotheses])

    @cached_property
    def rounds(self) -> tuple[NDArray[np.intp], ...]:
        """The hypotheses in the three rounds in which they are looked at, parents before children."""
        depth = np.where(self.parent < 0, 0, 1)
        depth = np.where(depth > 0, depth[self.parent] + 1, 0)
        smooth = self.hypotheses[self.first].baseline
        depth[[one.baseline != smooth for one in self.hypotheses]] = 2
        return tuple(np.flatnonzero(depth == level) for level in range(3))


def split(bins: Complex) -> Real:
    """Return real and imaginary parts one after the other."""
    return np.concatenate([bins.real, bins.imag], axis=-1)


def joined(values: Real) -> Complex:
    """Undo :func:`split`."""
    half = values.shape[-1] // 2
    whole: Complex = values[..., :half] + 1j * values[..., half:]
    return whole


def quarter_turn(values: Real) -> Real:
    """Multiply by i what :func:`split` has split."""
    half = values.shape[-1] // 2
    return np.concatenate([-values[..., half:], values[..., :half]], axis=-1)


@dataclass(frozen=True, eq=False)
class Window:
    """What a background is made for.

    Attributes
    ----------
    inside : ndarray, intp, shape (inside,)
        Bins of the window in an FFT whose zero frequency comes first.
    ppm : ndarray, float, shape (inside,)
    n_points : int
    dwelltime_s : float
    spectrometer_frequency_mhz, reference_ppm : float
    proton : float
        First point of the FID of one mmol/kg of protons in the units of the basis set.
    """

    inside: np.ndarray
    ppm: Real
    n_points: int
    dwelltime_s: float
    spectrometer_frequency_mhz: float
    reference_ppm: float
    proton: float

    def seen(self, fids: Complex) -> Real:
        """Return FIDs as real vectors of the window."""
        return split(np.fft.fft(fids, axis=-1, norm="ortho")[..., self.inside])

    def lines(self, lines: Sequence[GaussianLine]) -> Real:
        """Return one vector a line, of its amplitude in mmol/kg of protons."""
        axes = (self.n_points, self.dwelltime_s, self.spectrometer_frequency_mhz)
        like = np.empty(1, np.complex128)
        return self.seen(self.proton * gaussian_lines(lines, *axes, like, self.reference_ppm))

    @cached_property
    def components(self) -> Real:
        """The components of the density as vectors, shape (G, 2 inside)."""
        return self.lines([GaussianLine("MM", float(ppm), 1.0, FWHM_PPM) for ppm in GRID_PPM])

    @cached_property
    def height(self) -> float:
        """Height of NAA, see :data:`NAA_HEIGHT`."""
        amount, protons, width_hz = NAA_HEIGHT
        times = np.arange(self.n_points) * self.dwelltime_s
        total = np.exp(-np.pi * width_hz * times).sum() / np.sqrt(self.n_points)
        return float(amount * protons * self.proton * total)

    def smooth(self, length_ppm: float, size: float) -> Real:
        """Return independent deviations of unit variance that make up a smooth complex baseline."""
        apart = (self.ppm[:, None] - self.ppm) / length_ppm
        values, vectors = np.linalg.eigh(np.exp(-(apart**2) / 2))
        known = values > _SEEN * values[-1]
        curves = size * self.height * (vectors[:, known] * np.sqrt(values[known])).T
        return self._complex(curves)

    def constant(self) -> Real:
        """Return a complex offset."""
        return self._complex(np.full((1, len(self.ppm)), _CONSTANT * self.height))

    def _complex(self, curves: Real) -> Real:
        none = np.zeros_like(curves)
        return np.vstack([np.hstack([curves, none]), np.hstack([none, curves])])


def background(
    window: Window, hypotheses: Sequence[Hypothesis], density: DensityPrior, decay: float
) -> Background:
    """Return the background of a window.

    Parameters
    ----------
    window : Window
    hypotheses : sequence of Hypothesis
    density : DensityPrior
    decay : float
        Macromolecules at the echo time of the data over those at 30 ms.
    """
    usual = TYPICAL_AMOUNT * decay
    deviations = usual * density.root.T @ window.components
    tables = {one.macromolecules: Table.of(one.macromolecules) for one in hypotheses if one.macromolecules in MM_SETS}
    fat = [line for line in WILSON_2011 if line.signal.startswith("Lip")]
    pieces: dict[object, Real] = {}

    def piece(key: object, made: Real) -> Real:
        return pieces.setdefault(key, made)

    broad: list[list[Real]] = []
    smooth: list[list[Real]] = []
    for one in hypotheses:
        parts = []
        if one.macromolecules != "none":
            parts.append(one.spread * piece("density", deviations))
        if one.macromolecules in tables:
            parts.append(piece(one.macromolecules, usual * tables[one.macromolecules].deviations(window.lines)))
        if one.lipids:
            parts.append(piece("lipids", _LIPID_AMOUNT * window.lines(fat)))
        broad.append(parts)
        ground = [piece("constant", window.constant())]
        if one.baseline.size:
            key = one.baseline
            ground.append(piece(key, window.smooth(key.length_ppm, key.size)))
        smooth.append(ground)
    _, sizes, rows = np.linalg.svd(np.vstack(list(pieces.values())), full_matrices=False)
    rows = rows[sizes > _KEPT * window.height]
    axes, power, alone = [], [], []
    for parts, ground in zip(broad, smooth, strict=True):
        covered = _covariance(parts, rows)
        values, vectors = np.linalg.eigh(covered + _covariance(ground, rows))
        known = values > (_KEPT * window.height) ** 2
        axes.append(np.ascontiguousarray(vectors[:, known]))
        power.append(values[known])
        alone.append(covered)
    means = {name: table.mean(window.lines) for name, table in tables.items()}
    return Background(rows, tuple(hypotheses), tuple(axes), tuple(power), tuple(alone), means)


def _covariance(parts: Sequence[Real], rows: Real) -> Real:
    if not parts:
        return np.zeros((len(rows), len(rows)))
    within = np.vstack(list(parts)) @ rows.T
    found: Real = within.T @ within
    return found
