"""Spread of an ensemble and scatter by dropout as uncertainties, judged as the intervals of ``trust``."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from fsl_mrs_dl.data import Real
from fsl_mrs_dl.scores import sbc_ranks
from tests.benchmarks.rizzo.answers import Run
from tests.benchmarks.rizzo.scores import RANGES
from tests.benchmarks.rizzo.spectra import NAMES, study_basis
from tests.benchmarks.rizzo.trainings import Trained
from tests.benchmarks.table import NOT_RUN, Table
from tests.benchmarks.trust.calibration import LEVELS, Cell, coverage_table

SNR_GROUPS = {"below 16.7": (0.0, 16.7), "16.7 to 28.4": (16.7, 28.4), "above 28.4": (28.4, np.inf)}
"""Thirds of the test spectra by the SNR of water, as in the paper."""
_DRAWS = 200  # quantiles of a Gaussian: a half of a per cent apart


def gaussian_draws(mean: Real, sd: Real, n: int = _DRAWS) -> Real:
    """Return the n middle quantiles of Gaussians, shape (S, n, M): draws without chance."""
    steps = ndtri((np.arange(n) + 0.5) / n)
    draws: Real = mean[:, None] + sd[:, None] * steps[:, None]
    return draws


def spread(several: list[Trained], run: Run) -> Real:
    """Return draws of Gaussians of the members' mean and SD (Lakshminarayanan et al. 2017, arXiv:1612.01474)."""
    answers = np.stack([run.estimates(one) for one in several])
    return gaussian_draws(answers.mean(axis=0), answers.std(axis=0, ddof=1))


def cell(draws: Real, run: Run, rows: NDArray[np.intp]) -> Cell:
    """Return the draws of some spectra as the table of ``trust`` takes them."""
    some, n = draws[rows], draws.shape[1]
    tails = [(1 - level) / 2 for level in LEVELS]
    ends = [np.quantile(some, q, axis=1) for q in (*tails, *(1 - tail for tail in tails))]
    bound = run.bounds[rows]
    return Cell(
        0.0,
        run.truth[rows],
        some.mean(axis=1),
        run.fits.free[rows],
        bound,
        some.var(axis=1) / (RANGES**2 / 12),
        np.stack(ends),
        sbc_ranks(some, run.truth[rows]),
        n,
        run.test().shim_hz[rows],
        0.0,
    )


def table(caption: str, run: Run) -> Table:
    """Return the coverage of the intervals of every kind, by SNR."""
    profile, snr = run.plans.profile, run.test().snr
    basis = replace(study_basis(), fids=np.asarray(study_basis().fids)[: len(NAMES)], names=NAMES)
    every: dict[str, Real | None] = {}
    for name in profile.repeated:
        several = run.networks(run.plans.seeds(name))[: run.n_members]
        every[f"spread of {run.n_members} {name}"] = spread(several, run) if run.n_members > 1 else None
    for name in profile.seeded:
        several = run.networks(run.plans.seeds(name))
        every[f"spread of {len(several)} {name}"] = spread(several, run) if len(several) > 1 else None
    both = run.members.get(f"HybridEns-{2 * run.n_members}n")
    every[f"spread of {2 * run.n_members} of both kinds"] = spread(both, run) if both else None
    for name in profile.repeated:
        there = run.network(run.plans.network(name))
        every[f"dropout, {name}"] = run.dropped(there, profile.draws) if there else None
    rows: list[list[str]] = []
    columns: list[str] = []
    for name, draws in every.items():
        for label, (low, high) in SNR_GROUPS.items():
            chosen = np.flatnonzero((snr >= low) & (snr < high))
            if draws is None:
                rows.append([name, label])
                continue
            part = coverage_table("", [cell(draws, run, chosen)], basis)
            columns = ["uncertainty", "SNR of water", *part.columns[1:-1]]
            rows.append([name, label, *part.rows[0][1:-1]])
    return Table.filled(caption, columns or ["uncertainty", "SNR of water", "n"], rows or [[NOT_RUN]])
