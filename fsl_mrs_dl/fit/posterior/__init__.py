"""Posterior means and intervals of amplitudes under a stated prior."""

from fsl_mrs_dl.fit.posterior.estimate import (
    LEVELS,
    Posterior,
    draw,
    record,
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
    "Posterior",
    "Resolved",
    "Sampling",
    "draw",
    "record",
    "sample_box",
    "summarise",
    "summarise_ratios",
    "weak_prior",
]
