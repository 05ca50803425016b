"""Posterior means and intervals of amplitudes under a stated prior."""

from fsl_mrs_dl.fit.posterior.draws import Draws, keys_of
from fsl_mrs_dl.fit.posterior.estimate import (
    LEVELS,
    Posterior,
    draw,
    record,
    sampling_for,
    summarise,
    summarise_ratios,
)
from fsl_mrs_dl.fit.posterior.prior import PRIOR_WORDS, UNIFORM_WORDS, WEAK, Resolved, weak_prior
from fsl_mrs_dl.fit.posterior.truncated import Sampling, sample_box

__all__ = [
    "LEVELS",
    "PRIOR_WORDS",
    "UNIFORM_WORDS",
    "WEAK",
    "Draws",
    "Posterior",
    "Resolved",
    "Sampling",
    "draw",
    "keys_of",
    "record",
    "sample_box",
    "sampling_for",
    "summarise",
    "summarise_ratios",
    "weak_prior",
]
