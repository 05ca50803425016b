"""Find start values of a fit: shift, phase and linewidth by matched filters, the best few of them."""

import math

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Basis, Complex, Real
from fsl_mrs_dl.fit.lcm.capture import capture, lipid_lines, moving_products
from fsl_mrs_dl.fit.lcm.problem import Parameters, Problem
from fsl_mrs_dl.physics import damp, fid_to_spectrum
from fsl_mrs_dl.physics.member_sizes import excess

N_STARTS = 3  # number of shifts at which matched filters explain most
ALMOST_AS_GOOD = 0.9  # energy explained over that of the best, from which another start is tried too
SEARCH_PPM = 0.25
"""Half-width of the search for a common shift around the place of the whole spectrum, in ppm: +-31 Hz at 3 T."""
RATES = (5.0, 15.0, 40.0)
"""Lorentzian rates that are tried, in rad/s: 1.6, 4.8 and 13 Hz on top of the lines of the basis."""
_LEAST_POWER = 3e-3
"""Power of a bin over the largest, from which it belongs to the signal of a basis in the full band."""
_LEAST_SIZE = 0.03
"""Norm of a composite over the largest, below which it is only the remainder of an edited difference."""
_ELSEWHERE_PPM = 0.08
"""Distance of the place of the whole spectrum from the best start, in ppm, from which it is a start of its own:
two linewidths at 3 T."""
_TYPICAL = {
    ("NAA", "NAAG"): (10.0, 1.5),
    ("Cr", "PCr"): (5.0, 4.0),
    ("PCh", "GPC"): (0.6, 1.0),
    ("Glu", "Gln"): (9.0, 3.0),
    ("Ins", "sIns"): (6.0, 0.3),
}
"""Mixtures whose proportions hardly vary, in mmol/kg (de Graaf 2019, In Vivo NMR Spectroscopy, table 2.1)."""


def composites(problem: Problem, names: tuple[str, ...]) -> Complex:
    """Return the composite signals of the search, shape (C, time).

    They are the mixtures of :data:`_TYPICAL` that the basis has, each with an amplitude of its own; for a basis
    without any of them, the sum of all members.
    """
    signals = []
    of_one_unit = problem.basis / excess(problem.basis)[:, None]
    for members, amounts in _TYPICAL.items():
        parts = [a * of_one_unit[names.index(m)] for m, a in zip(members, amounts, strict=True) if m in names]
        if parts:
            signals.append(np.sum(parts, axis=0))
    if not signals:
        signals = [of_one_unit.sum(axis=0)]
    # The remainder of a mixture in an edited difference would be fitted to noise, at any shift.
    sizes = np.linalg.norm(signals, axis=1)
    return np.stack(
        [one for one, size in zip(signals, sizes, strict=True) if size > _LEAST_SIZE * sizes.max()]
    )


def starts(
    problem: Problem, basis: Basis, fids: Complex, n_starts: int
) -> tuple[list[Parameters], Real, NDArray[np.bool_]]:
    """Find the best start values of each spectrum, and the energy that each explains.

    Around the place of the whole spectrum (:func:`~fsl_mrs_dl.fit.lcm.capture.capture`), for every shift on the
    grid of bins and every linewidth, the composites are fitted with a common phase, both in closed form: with z
    the complex products of data and composites and G their Gram matrix, the energy explained is
    (z^H G^-1 z + abs(z^T G^-1 z)) / 2 at a phase of arg(z^T G^-1 z) / 2.

    Parameters
    ----------
    problem : Problem
    basis : Basis
        Of the problem.
    fids : ndarray, complex, shape (S, time)
    n_starts : int
        Number of different shifts, besides the place of the whole spectrum.

    Returns
    -------
    list of Parameters
        ``n_starts + 1`` of them, S rows each: the best first, the place of the whole spectrum last.
    explained : ndarray, float, shape (n_starts + 1, S)
        Energy explained over that of the best; of the last one 1 if it is another shift than the first, else 0.
    beyond : ndarray, bool, shape (S,)
        Whether the spectrum seems to lie beyond the searched range.
    """
    mhz = basis.spectrometer_frequency_mhz
    bin_hz = 1 / (problem.dwelltime_s * len(problem.time_s))
    reach = max(1, round(SEARCH_PPM * mhz / bin_hz))
    spectra = fid_to_spectrum(fids)
    shapes = composites(problem, basis.names)
    low, high = _where(problem, shapes)
    band_hz = (float(problem.frequency_hz[low]), float(problem.frequency_hz[high]))
    beside = lipid_lines(problem, basis.reference_ppm, mhz) if basis.nucleus == "1H" else None
    place = capture(problem, shapes.sum(axis=0), fids, band_hz, mhz, beside)
    # Only a large offset moves the search: within its reach the composites are more exact.
    move = np.round(place.move).astype(np.intp)
    centre = np.where(np.abs(move) > reach, move, 0)
    bins = centre[:, None] + np.arange(low - reach, high + reach + 1)
    around = np.take_along_axis(spectra, bins % spectra.shape[-1], axis=-1)
    columns = [
        fid_to_spectrum(damp(shapes, rate, 0.0, problem.dwelltime_s))[:, low : high + 1] for rate in RATES
    ]
    same = columns[0].shape[1] == problem.curves.shape[0]
    weighed = [problem.weigh(one) if same else one for one in columns]
    inverses = [
        np.linalg.inv((c.conj() @ w.T).real + 1e-9 * np.eye(len(c)))
        for c, w in zip(columns, weighed, strict=True)
    ]
    products = moving_products(around, np.concatenate(weighed).conj().T)  # (S, moves, rates C)
    energy, phase = np.empty((2, len(RATES), len(fids), 2 * reach + 1))
    for r, z in enumerate(np.split(products, len(RATES), axis=-1)):
        solved = z @ inverses[r]
        turned = (solved * z).sum(axis=-1)
        energy[r] = ((solved * z.conj()).sum(axis=-1).real + np.abs(turned)) / 2
        # Of two phases half a turn apart, choose the one that makes the total positive.
        half = np.angle(turned) / 2
        total = (np.exp(-1j * half)[..., None] * solved).real.sum(axis=-1)
        phase[r] = half + np.where(total < 0, math.pi, 0.0)
    chosen, explained = _best(energy, n_starts)
    hint = np.clip(move - centre, -reach, reach) + reach
    elsewhere = np.abs(hint - chosen[0]) * bin_hz > _ELSEWHERE_PPM * mhz
    choices = [
        _parameters(problem, energy, phase, peak, (centre + peak - reach) * bin_hz)
        for peak in (*chosen, hint)
    ]
    return choices, np.stack([*explained, elsewhere.astype(float)]), place.beyond


def _where(problem: Problem, shapes: Complex) -> tuple[int, int]:
    """Return the first and last bin of the search: those of the window, or of the signal in the full band."""
    low, high = np.flatnonzero(problem.inside)[[0, -1]]
    if problem.inside.all():
        power = (np.abs(fid_to_spectrum(shapes)) ** 2).max(axis=0)
        low, high = np.flatnonzero(power > _LEAST_POWER * power.max())[[0, -1]]
    return int(low), int(high)


def _best(energy: Real, n_starts: int) -> tuple[list[NDArray[np.intp]], list[Real]]:
    """Return the places of the highest peaks over the shift, and their height over the highest."""
    rows = np.arange(energy.shape[1])
    over_shift = energy.max(axis=0)
    peaks = over_shift.copy()
    peaks[:, 1:] = np.where(over_shift[:, 1:] < over_shift[:, :-1], -1.0, peaks[:, 1:])
    peaks[:, :-1] = np.where(over_shift[:, :-1] < over_shift[:, 1:], -1.0, peaks[:, :-1])
    order = np.argsort(-peaks, axis=1)[:, :n_starts]
    chosen = [order[:, min(k, order.shape[1] - 1)] for k in range(n_starts)]
    highest = np.maximum(over_shift.max(axis=1), np.finfo(float).tiny)
    return chosen, [peaks[rows, peak] / highest for peak in chosen]


def _parameters(
    problem: Problem, energy: Real, phase: Real, peak: NDArray[np.intp], shift_hz: Real
) -> Parameters:
    """Return the start values at one place of each spectrum, with its best linewidth."""
    rows = np.arange(len(peak))
    rate = energy[:, rows, peak].argmax(axis=0)
    ones = np.ones((len(rows), problem.n_groups))
    return Parameters.shared(
        ones * shift_hz[:, None],
        ones * np.array(RATES)[rate][:, None],
        ones * (0.0 if problem.settings.lorentzian else 4.0),
        phase[rate, rows, peak],
        np.zeros(len(rows)),
    )
