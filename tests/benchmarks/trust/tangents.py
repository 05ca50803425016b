"""How much of what a basis set has wrong the metabolites take up, where nobody sees it."""

import numpy as np

from fsl_mrs_dl.data import Complex, MRSData, Real
from fsl_mrs_dl.fit.lcm import FitSettings, Fitter
from fsl_mrs_dl.io.results import Outcome
from fsl_mrs_dl.simulate.brain import macromolecules
from tests.benchmarks.trust.scans import WorldSpectra

MOST = 24  # spectra, whose median is known to a few per cent


def taken_up(simulated: WorldSpectra, noiseless: MRSData, outcome: Outcome, settings: FitSettings) -> float:
    r"""Return the share of the error of a basis set that amplitudes of metabolites take up; median over spectra.

    The error is what is left of a spectrum without noise when the metabolites have their true proportions and
    everything else (their size, macromolecules, baseline, shift, widths, phases) is fitted about the fit's line;
    its energy is :math:`E_0`. Let the metabolites go, and :math:`E_1` is left: the share is :math:`1 - E_1 / E_0`.

    Parameters
    ----------
    simulated : WorldSpectra
    noiseless : MRSData
        Its spectra with next to no noise.
    outcome : Outcome
        Of any fit of them: names the basis set.
    settings : FitSettings
    """
    basis = outcome.basis
    fitter = Fitter(basis, settings, reference_ppm=basis.reference_ppm)
    fids = noiseless.fid[:MOST, 0, 0].astype(np.complex128)
    fit_result, problem = fitter(fids), fitter.problem
    at = fit_result.place
    lines = problem.members(at) * problem.scale
    columns = _split(problem.weigh(problem.window(lines)))
    rest = _split(problem.weigh(problem.jacobian(lines, fit_result.amplitudes, own_shifts=False)))
    data = _split(problem.weigh(problem.corrected(fids, at)))
    broad = set(macromolecules(basis.names))
    held = [m for m, name in enumerate(basis.names) if m not in broad and name in simulated.truth]
    free = [m for m in range(len(basis.names)) if m not in held]
    truth = np.stack([simulated.truth[basis.names[m]][:MOST] for m in held], axis=1)
    shares = []
    for s in range(len(fids)):
        mixture = truth[s] @ columns[s, held]
        known = _left(np.vstack([mixture, columns[s, free], rest[s]]), data[s])
        gone = _left(np.vstack([columns[s], rest[s]]), data[s])
        shares.append(1 - gone / known)
    return float(np.median(shares))


def _split(bins: Complex) -> Real:
    return np.concatenate([bins.real, bins.imag], axis=-1)


def _left(rows: Real, values: Real) -> float:
    """Return the energy that a least-squares fit of rows leaves."""
    size = np.linalg.norm(rows, axis=1, keepdims=True)
    scaled = rows / np.where(size > 0, size, 1)
    solved = np.linalg.lstsq(scaled.T, values, rcond=1e-10)[0]
    return float(((values - solved @ scaled) ** 2).sum())
