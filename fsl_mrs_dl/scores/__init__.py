"""Metrics: similarity of spectra, noise, SNR, linewidth, errors of estimates, calibration.

SNR has several definitions; each has its own function.
"""

from fsl_mrs_dl.scores.accuracy import (
    Scatter,
    bias,
    cv,
    failures,
    mae,
    mape,
    phase_difference,
    precision_accuracy,
    r2,
    rmse,
    slope,
    smape,
)
from fsl_mrs_dl.scores.calibration import (
    auroc,
    conformal_margin,
    coverage,
    rank_histogram,
    sbc_ranks,
    uniform_p,
)
from fsl_mrs_dl.scores.linewidth import Peak, peak_linewidth_hz, voigt_fwhm_hz
from fsl_mrs_dl.scores.spectra import (
    noise_region,
    noise_sd,
    similarity_index,
    similarity_matrix,
    snr_cr,
    snr_db,
    snr_f,
    snr_t0,
)

__all__ = [
    "Peak",
    "Scatter",
    "auroc",
    "bias",
    "conformal_margin",
    "coverage",
    "cv",
    "failures",
    "mae",
    "mape",
    "noise_region",
    "noise_sd",
    "peak_linewidth_hz",
    "phase_difference",
    "precision_accuracy",
    "r2",
    "rank_histogram",
    "rmse",
    "sbc_ranks",
    "similarity_index",
    "similarity_matrix",
    "slope",
    "smape",
    "snr_cr",
    "snr_db",
    "snr_f",
    "snr_t0",
    "uniform_p",
    "voigt_fwhm_hz",
]
