"""Monte Carlo: the error of a fit to each method's result, and its interval, beside the fit to the raw data."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Real
from fsl_mrs_dl.fit.lcm import Fitter
from tests.benchmarks.reconstruct.measures import amounts
from tests.benchmarks.reconstruct.methods import RAW, Method
from tests.benchmarks.reconstruct.sets import NAMES, draw, middle
from tests.benchmarks.table import Table

_DRAWS = 1000  # of the bootstrap
_CHUNK = 128  # spectra at once, which bounds the memory


@dataclass(frozen=True, eq=False)
class Errors:
    """Errors of amplitudes over repeats.

    Attributes
    ----------
    errors : ndarray, float, shape (repeat, metabolite)
        Estimate less truth; NaN where a fit failed.
    """

    errors: Real

    @property
    def rmse(self) -> Real:
        """Root mean square, shape (metabolite,)."""
        rmse: Real = np.sqrt(np.nanmean(self.errors**2, axis=0))
        return rmse

    @property
    def failures(self) -> int:
        """Repeats whose fit failed."""
        return int(np.isnan(self.errors).any(axis=1).sum())


def repeated(
    methods: Mapping[str, Method], n: int, snr_f: float, fit: Fitter, seed: int
) -> dict[str, Errors]:
    """Fit the results of each method for the same noisy spectra of the same amplitudes."""
    rng = np.random.default_rng([seed, 3, round(snr_f)])
    parts: dict[str, list[Real]] = {name: [] for name in methods}
    for first in range(0, n, _CHUNK):
        sample = draw(min(_CHUNK, n - first), rng, snr_f=snr_f, amplitudes=middle())
        for name, method in methods.items():
            result = np.asarray(method.run(sample, None), dtype=np.complex128)
            parts[name].append(amounts(fit(result * sample.sd[:, None])) - sample.amplitudes)
    return {name: Errors(np.concatenate(errors)) for name, errors in parts.items()}


def gain(result: Errors, raw: Errors, seed: int) -> tuple[float, float, float]:
    """Return the ratio of RMSEs, geometric mean of the metabolites, and its 95 % interval by bootstrap.

    Repeats are drawn together for both: the noise is the same.
    """
    good = np.flatnonzero(~np.isnan(result.errors + raw.errors).any(axis=1))
    squares = [part.errors[good] ** 2 for part in (result, raw)]

    def ratio(rows: NDArray[np.integer]) -> float:
        ours, theirs = (part[rows].mean(axis=0) for part in squares)
        return float(np.exp(np.mean(np.log(ours / theirs)) / 2))

    rng = np.random.default_rng(seed)
    several = [ratio(rng.integers(0, len(good), len(good))) for _ in range(_DRAWS)]
    low, high = np.quantile(several, [0.025, 0.975])
    return ratio(np.arange(len(good))), float(low), float(high)


def repeats_table(by_snr: Mapping[float, Mapping[str, Errors]], n: int, seed: int) -> Table:
    """Return the table of the fit after each method, one block of columns a SNR."""
    names = list(next(iter(by_snr.values())))
    rows = []
    for name in names:
        cells = []
        for results in by_snr.values():
            raw, result = results[RAW], results[name]
            if name == RAW:
                cells += ["1", "0.000"]
                continue
            ratio, low, high = gain(result, raw, seed)
            difference = accuracy(result) - accuracy(raw)
            cells += [f"{ratio:.3f} ({low:.3f} to {high:.3f})", f"{difference:+.3f}"]
        rows.append([name, *cells, str(sum(results[name].failures for results in by_snr.values()))])
    columns = ["method"]
    for snr in by_snr:
        columns += [f"SNR_f {snr:g}: RMSE over raw's", "accuracy less raw's"]
    caption = (
        f"A fit of the six metabolites to each method's result (lines as measured), {n} repeats of noise, "
        "amplitudes in the middle of their ranges: RMSE of amplitudes over that of the fit to the raw data, "
        "geometric mean of the six, with 95 % interval (bootstrap)."
    )
    return Table(caption, [*columns, "failures"], rows)


def metabolites_table(results: Mapping[str, Errors], snr_f: float) -> Table:
    """Return RMSE over raw's and bias of each metabolite at one SNR."""
    raw = results[RAW]
    rows = []
    for name, result in results.items():
        bias = 100 * np.nanmean(result.errors, axis=0) / middle()
        cells = [f"{r:.2f} ({b:+.0f} %)" for r, b in zip(result.rmse / raw.rmse, bias, strict=True)]
        rows.append([name, *cells])
    caption = f"The same at SNR_f {snr_f:g}, each metabolite: RMSE over raw's (in brackets bias over truth)."
    return Table(caption, ["method", *NAMES], rows)


def accuracy(result: Errors) -> float:
    """Return the mean of 1 less the mean relative error of the amplitudes, at least 0."""
    relative = np.abs(result.errors) / middle()
    return float(np.nanmean(np.clip(1 - relative.mean(axis=1), 0, None)))


def beats_raw(by_snr: Mapping[float, Mapping[str, Errors]], seed: int) -> list[str]:
    """Return the methods whose RMSE is below that of raw data at every SNR, the whole interval of it."""
    names = [name for name in next(iter(by_snr.values())) if name != RAW]
    return [
        name
        for name in names
        if all(gain(results[name], results[RAW], seed)[2] < 1 for results in by_snr.values())
    ]
