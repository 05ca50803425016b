"""Slopes, biases at the ends of the range, absent members, and what beats the bound only by shrinkage."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from fsl_mrs_dl.data import Basis, Real
from fsl_mrs_dl.scores import bias, rmse, slope
from tests.benchmarks.table import Table
from tests.benchmarks.trust.calibration import Cell
from tests.benchmarks.trust.sets import Believer, ranges, simulate

IDENTIFIED = 0.10  # relative bound below which a member counts as identified
SLOPES = (0.95, 1.05)  # of the estimate on the truth, that are asked of identified members
MARK = "*"


@dataclass(frozen=True, eq=False)
class MethodEstimates:
    """What one method said of spectra of one SNR; arrays of shape (S, M)."""

    method: str
    snr_f: float
    truth: Real
    estimate: Real
    bound: Real

    @property
    def identified(self) -> NDArray[np.bool_]:
        """Which members have a bound below 10 % of their amplitude, in the median spectrum."""
        known: NDArray[np.bool_] = np.median(self.bound / self.truth, axis=0) < IDENTIFIED
        return known

    def relative_rmse(self) -> Real:
        """Return the RMS error over the RMS bound, each member."""
        values: Real = rmse(self.estimate, self.truth) / np.sqrt((self.bound**2).mean(axis=0))
        return values

    def end_bias(self, *, highest: bool) -> Real:
        """Return the mean error in the lowest or highest decile of the truth, in bounds."""
        values = np.empty(self.truth.shape[1])
        for m, truth in enumerate(self.truth.T):
            order = np.argsort(truth)
            tenth = order[-len(order) // 10 :] if highest else order[: len(order) // 10]
            error = bias(self.estimate[tenth, m], truth[tenth])
            values[m] = error / np.sqrt((self.bound[tenth, m] ** 2).mean())
        return values


def methods(plain: Cell, usual: Cell, basis: Basis) -> list[MethodEstimates]:
    """Return the rivals on the same spectra: training mean, plain fit, quantify's two, the informed posterior."""
    low, high = ranges(basis)
    always = np.broadcast_to((low + high) / 2, plain.truth.shape)
    by_method = {
        "training mean": always,
        "plain fit": plain.estimate,
        "`quantify`, maximum likelihood": usual.estimate,
        "`quantify`, posterior mean (weak prior)": usual.mean,
        "posterior mean (generating prior)": plain.mean,
    }
    return [
        MethodEstimates(name, plain.snr_f, plain.truth, value, plain.crlb)
        for name, value in by_method.items()
    ]


def summary_table(caption: str, every: list[MethodEstimates], basis: Basis) -> Table:
    """Return one row a method and SNR."""
    columns = ["SNR_f", "method", "n", "members with rCRLB < 10 %", "their slopes", "within 0.95-1.05"]
    columns += ["lowest decile, bias / CRLB", "highest decile", "mean RMSE / CRLB", f"below the bound {MARK}"]
    rows = []
    for one in every:
        known = one.identified
        slopes = slope(one.estimate, one.truth)[known]
        inside = ((slopes >= SLOPES[0]) & (slopes <= SLOPES[1])).sum()
        ratio = one.relative_rmse()
        rows.append(
            [
                f"{one.snr_f:g}",
                one.method,
                str(len(one.truth)),
                str(int(known.sum())),
                f"{slopes.min():.3f} to {slopes.max():.3f}" if known.any() else "-",
                f"{inside} of {int(known.sum())}",
                *(_worst(one.end_bias(highest=end), basis) for end in (False, True)),
                f"{ratio.mean():.2f}",
                str(int((ratio < 1).sum())),
            ]
        )
    return Table(caption, columns, rows)


def _worst(values: Real, basis: Basis) -> str:
    at = int(np.abs(values).argmax())
    return f"{values[at]:+.2f} {basis.names[at]}; beyond 1: {int((np.abs(values) > 1).sum())}"


def member_table(caption: str, every: list[MethodEstimates], basis: Basis) -> Table:
    """Return RMSE over bound and slope of each member by each method; marked where shrinkage beats the bound."""
    columns = ["member", "rCRLB", *(one.method for one in every)]
    results = [(one.relative_rmse(), slope(one.estimate, one.truth)) for one in every]
    relative = np.median(every[0].bound / every[0].truth, axis=0)
    rows = []
    for m, name in enumerate(basis.names):
        row = [name, f"{100 * relative[m]:.0f} %"]
        for ratio, steep in results:
            row.append(f"{ratio[m]:.2f}{MARK if ratio[m] < 1 else ''}; {steep[m]:.2f}")
        rows.append(row)
    return Table(caption, columns, rows)


def absent_table(caption: str, basis: Basis, n: int, snr_f: float, seed: int) -> Table:
    """Return what is found of each member where there is none of it."""
    believer = Believer.of(basis, generating=False)
    columns = [
        "absent",
        "n",
        "estimate / CRLB, mean",
        "above 2 CRLB",
        "posterior mean / CRLB, mean",
        "above 2 CRLB",
    ]
    columns += ["95 % interval starts above 0.1 CRLB"]
    rows = []
    for m, name in enumerate(tqdm(basis.names, desc="absent", leave=False, disable=None)):
        spectra = simulate(basis, n, snr_f, seed + m, absent=name)
        fit = believer.fitter(spectra.fids)
        draws, _ = believer(spectra.fids, fit)
        unit = fit.crlb[:, m]
        estimate, mean = fit.amplitudes[:, m] / unit, draws[..., m].mean(axis=1) / unit
        low = np.quantile(draws[..., m], 0.025, axis=1) / unit
        rows.append(
            [
                name,
                str(n),
                f"{estimate.mean():.2f}",
                f"{100 * (estimate > 2).mean():.1f} %",
                f"{mean.mean():.2f}",
                f"{100 * (mean > 2).mean():.1f} %",
                f"{100 * (low > 0.1).mean():.1f} %",
            ]
        )
    return Table(caption, columns, rows)
