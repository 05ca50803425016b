"""Tables of single spectra: the source's table, the penalty against the oracle, and the error by SNR."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from fsl_mrs_dl.data import Real
from fsl_mrs_dl.fit.reconstruction import RATIOS
from fsl_mrs_dl.train.reconstruction_calibration import best_alpha, error_at, oracle_ratio, rms_error
from tests.benchmarks.reconstruct.measures import Measured
from tests.benchmarks.reconstruct.methods import (
    LEAST_SQUARES,
    RAW,
    Networks,
    by_discrepancy,
    by_network,
    by_noise,
    by_sure,
    inputs_of,
)
from tests.benchmarks.reconstruct.sets import LOW_SNR, WANTED_HZ, Draw
from tests.benchmarks.table import Table

_BINS = ((5.0, 10.0), (10.0, 15.0), (15.0, 20.0), (20.0, 30.0))


def source_table(results: Mapping[str, Measured], made: Draw) -> Table:
    """Return the columns of the source's table, with definitions, for each method."""
    rows = []
    low = made.snr_f < LOW_SNR
    raw, squares = results[RAW], results[LEAST_SQUARES]
    for name, found in results.items():
        better = [
            f"{100 * _closer(found, other, low):.0f} / {100 * _narrower(found, other, low):.0f} %"
            for other in (raw, squares)
        ]
        seed_snr = np.median(found.seed_snr)
        rows.append(
            [
                name,
                _spread(found.output_db),
                f"{seed_snr:.0f}" if np.isfinite(seed_snr) else "infinite",
                _spread(found.fwhm_hz[:, 0]),
                _spread(found.fwhm_hz[:, 1]),
                _spread(found.accuracy, 3),
                *(["-", "-"] if found is raw else better if found is not squares else [better[0], "-"]),
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
        f"The columns of the source's table, mean and SD of {len(made.fids)} spectra; wanted are lines of "
        f"{WANTED_HZ:.2f} Hz. Output SNR is 20 log10 of the norm of the truth over that of the error; the truth "
        "has the lineshape that the method aims at. A width is better where it is nearer to the wanted one."
    )
    return Table(caption, columns, rows)


def _spread(values: Real, digits: int = 1) -> str:
    seen = values[np.isfinite(values)]
    if not len(seen):
        return "-"
    return f"{seen.mean():.{digits}f} ± {seen.std():.{digits}f}"


def _closer(found: Measured, other: Measured, rows: NDArray[np.bool_]) -> float:
    """Return in how many of the spectra the error is smaller."""
    return float((found.error < other.error)[rows].mean())


def _narrower(found: Measured, other: Measured, rows: NDArray[np.bool_]) -> float:
    """Return in how many of the spectra the width of NAA is nearer to the wanted one; no line loses."""
    ours, theirs = (
        np.nan_to_num(np.abs(m.fwhm_hz[:, 0] - WANTED_HZ), nan=np.inf)[rows] for m in (found, other)
    )
    return float((ours < theirs).mean())


def penalty_table(
    networks: Networks, made: Draw, curves: Real, calibrating: Draw, learned: Real, seed: int
) -> Table:
    """Return the error of each rule for the penalty beside that of the oracle.

    Parameters
    ----------
    networks : Networks
    made, curves : Draw, ndarray of shape (ratio, S)
        Spectra that judge, and their errors.
    calibrating, learned : Draw, ndarray of shape (ratio, S)
        Spectra that calibrate.
    seed : int
    """
    oracle = oracle_ratio(curves)
    best = rms_error(curves, oracle)
    fixed = fixed_ratio(learned)
    inputs, before = inputs_of(made)[0], inputs_of(calibrating)[0]
    rows = [_rule("oracle", curves, oracle, best, made), _rule("best fixed share", curves, fixed, best, made)]
    for share in (1.0, 0.5, 0.25):
        rows.append(_rule(f"{share:g} x universal", curves, by_noise(share)(made), best, made))
    rows.append(_rule("SURE", curves, by_sure(seed)(made), best, made))
    rows.append(_rule("discrepancy", curves, by_discrepancy(made), best, made))
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
        alpha, power = network.calibration.tolist()
        rank = f"{spearmanr(variance, 1 / made.snr_f)[0]:.2f}"
        words = f"{alpha:.3g}, {power:.2f}"
        rows.append(_rule(name, curves, by_network(network)(made), best, made, rank, words))
        if power != 1:
            straight, _ = best_alpha(network.posterior_variance(before), learned)
            rows.append(
                _rule(f"{name}, power 1", curves, straight * variance, best, made, rank, f"{straight:.3g}, 1")
            )
    columns = [
        "rule",
        "error",
        "over the oracle's",
        "median ratio",
        "SD of ln (ratio / oracle's)",
        "alpha, power",
    ]
    columns += ["Spearman of variance and 1 / SNR_f"]
    caption = (
        f"Root mean square of the relative error of FIDs, lines as measured, of {len(made.fids)} spectra of SNR_f "
        "5 to 30. The ratio is the penalty over the largest useful one; the oracle knows the truth."
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
    made: Draw,
    rank: str = "-",
    calibration: str = "-",
) -> list[str]:
    each = np.broadcast_to(np.asarray(ratio, dtype=np.float64), len(made.fids))
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


def snr_table(networks: Networks, made: Draw, curves: Real, learned: Real) -> Table:
    """Return the error of the main rules by SNR."""
    fixed = np.full(len(made.fids), fixed_ratio(learned))
    rules = {
        "oracle": oracle_ratio(curves),
        "best fixed share": fixed,
        "half of universal": by_noise(0.5)(made),
        "VAE, corrected": by_network(networks.corrected)(made),
        "VAE as published": by_network(networks.published)(made),
    }
    rows = []
    for name, ratio in rules.items():
        errors = error_at(curves, ratio)
        cells = []
        for low, high in _BINS:
            inside = (made.snr_f >= low) & (made.snr_f < high)
            cells.append(f"{np.sqrt(np.mean(errors[inside] ** 2)):.4f}" if inside.any() else "-")
        rows.append([name, *cells])
    columns = ["rule", *(f"SNR_f {low:g} to {high:g}" for low, high in _BINS)]
    return Table("Root mean square of the relative error of FIDs by SNR.", columns, rows)
