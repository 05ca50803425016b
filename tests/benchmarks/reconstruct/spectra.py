"""Tables of single spectra: the source's table, the penalty against the oracle, and the error by SNR."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from fsl_mrs_dl.data import Real
from fsl_mrs_dl.fit.reconstruction import NOISE_SHARE, RATIOS
from fsl_mrs_dl.train.reconstruction_calibration import error_at, oracle_ratio, rms_error
from tests.benchmarks.reconstruct.measures import Measured
from tests.benchmarks.reconstruct.methods import (
    LEAST_SQUARES,
    RAW,
    Networks,
    by_discrepancy,
    by_network,
    by_noise,
    by_shipped,
    by_sure,
    inputs_of,
)
from tests.benchmarks.reconstruct.sets import LOW_SNR, TARGET_HZ, Draw
from tests.benchmarks.table import Table

_BINS = ((5.0, 10.0), (10.0, 15.0), (15.0, 20.0), (20.0, 30.0))  # of SNR_f


def source_table(results: Mapping[str, Measured], sample: Draw) -> Table:
    """Return the columns of the source's table, with definitions, for each method."""
    rows = []
    low = sample.snr_f < LOW_SNR
    raw, squares = results[RAW], results[LEAST_SQUARES]
    for name, result in results.items():
        better = [
            f"{100 * _closer(result, other, low):.0f} / {100 * _narrower(result, other, low):.0f} %"
            for other in (raw, squares)
        ]
        seed_snr = np.median(result.seed_snr)
        rows.append(
            [
                name,
                _spread(result.output_db),
                f"{seed_snr:.0f}" if np.isfinite(seed_snr) else "infinite",
                _spread(result.fwhm_hz[:, 0]),
                _spread(result.fwhm_hz[:, 1]),
                _spread(result.accuracy, 3),
                *(["-", "-"] if result is raw else better if result is not squares else [better[0], "-"]),
            ]
        )
    columns = [
        "method",
        "output SNR (dB)",
        "the source's SNR, median",
        "FWHM NAA (Hz)",
        "FWHM Cr (Hz)",
        "accuracy of a fit",
        f"better than Fourier at SNR_f < {LOW_SNR:g}: error / FWHM",
        "than least squares",
    ]
    caption = (
        f"The columns of the source's table, mean and SD of {len(sample.fids)} spectra; wanted are lines of "
        f"{TARGET_HZ:.2f} Hz. Output SNR is 20 log10 of the norm of the truth over that of the error; the truth "
        "has the lineshape that the method aims at. A width is better where it is nearer to the wanted one."
    )
    return Table(caption, columns, rows)


def _spread(values: Real, digits: int = 1) -> str:
    finite = values[np.isfinite(values)]
    if not len(finite):
        return "-"
    return f"{finite.mean():.{digits}f} ± {finite.std():.{digits}f}"


def _closer(result: Measured, other: Measured, rows: NDArray[np.bool_]) -> float:
    """Return in how many of the spectra the error is smaller."""
    return float((result.error < other.error)[rows].mean())


def _narrower(result: Measured, other: Measured, rows: NDArray[np.bool_]) -> float:
    """Return in how many of the spectra the width of NAA is nearer to the wanted one; no line loses."""
    ours, theirs = (
        np.nan_to_num(np.abs(m.fwhm_hz[:, 0] - TARGET_HZ), nan=np.inf)[rows] for m in (result, other)
    )
    return float((ours < theirs).mean())


def penalty_table(networks: Networks, sample: Draw, curves: Real, learned: Real, seed: int) -> Table:
    """Return the error of each rule for the penalty beside that of the oracle.

    Parameters
    ----------
    networks : Networks
    sample, curves : Draw, ndarray of shape (ratio, S)
        Spectra that judge, and their errors.
    learned : ndarray, float, shape (ratio, S)
        Errors of the spectra that calibrate.
    seed : int
    """
    oracle = oracle_ratio(curves)
    best = rms_error(curves, oracle)
    fixed = fixed_ratio(learned)
    inputs = inputs_of(sample)[0]
    rows = [
        _rule("oracle", curves, oracle, best, sample),
        _rule("best fixed share", curves, fixed, best, sample),
    ]
    for share in (1.0, NOISE_SHARE, 0.5):
        rows.append(_rule(f"{share:g} x universal", curves, by_noise(share)(sample), best, sample))
    rows.append(_rule("SURE", curves, by_sure(seed)(sample), best, sample))
    rows.append(_rule("discrepancy", curves, by_discrepancy(sample), best, sample))
    named = {
        "VAE, corrected": networks.corrected,
        "VAE, corrected, trained on 500": networks.few,
        "VAE, shipped": networks.shipped,
        "VAE as published (mean squared error)": networks.published,
    }
    for name, network in named.items():
        if network is None:
            continue
        variance = network.posterior_variance(inputs)
        rank = f"{spearmanr(variance, 1 / sample.snr_f)[0]:.2f}"
        rule = by_shipped(network) if network is networks.shipped else by_network(network)
        alpha = f"{network.alpha.item():.3g}"
        rows.append(_rule(name, curves, rule(sample), best, sample, rank, alpha))
    columns = [
        "rule",
        "error",
        "over the oracle's",
        "median ratio",
        "SD of ln (ratio / oracle's)",
        "alpha",
    ]
    columns += ["Spearman of variance and 1 / SNR_f"]
    caption = (
        f"Root mean square of the relative error of FIDs, lines as measured, of {len(sample.fids)} spectra of "
        "SNR_f 5 to 30. The ratio is the penalty over the largest line; the oracle knows the truth."
    )
    return Table(caption, columns, rows)


def fixed_ratio(curves: Real) -> float:
    """Return the one ratio that is best for all."""
    return float(RATIOS[int(np.argmin(np.mean(curves**2, axis=1)))])


def _rule(
    name: str,
    curves: Real,
    ratio: Real | float,
    best: float,
    sample: Draw,
    rank: str = "-",
    calibration: str = "-",
) -> list[str]:
    each = np.broadcast_to(np.asarray(ratio, dtype=np.float64), len(sample.fids))
    error = rms_error(curves, each)
    off = np.log(each / oracle_ratio(curves))
    return [
        name,
        f"{error:.4f}",
        f"{error / best:.3f}",
        f"{np.median(each):.3g}",
        f"{off.std():.2f}",
        calibration,
        rank,
    ]


def snr_table(networks: Networks, sample: Draw, curves: Real, learned: Real) -> Table:
    """Return the error of the main rules by SNR."""
    fixed = np.full(len(sample.fids), fixed_ratio(learned))
    rules = {
        "oracle": oracle_ratio(curves),
        "best fixed share": fixed,
        "from the noise": by_noise(NOISE_SHARE)(sample),
        "VAE, corrected": by_network(networks.corrected)(sample),
        "VAE as published": by_network(networks.published)(sample),
    }
    rows = []
    for name, ratio in rules.items():
        errors = error_at(curves, ratio)
        cells = []
        for low, high in _BINS:
            inside = (sample.snr_f >= low) & (sample.snr_f < high)
            cells.append(f"{np.sqrt(np.mean(errors[inside] ** 2)):.4f}" if inside.any() else "-")
        rows.append([name, *cells])
    columns = ["rule", *(f"SNR_f {low:g} to {high:g}" for low, high in _BINS)]
    return Table("Root mean square of the relative error of FIDs by SNR.", columns, rows)
