"""Labelled MRS signals from a basis set and a declarative prior: seeded, batched, NumPy (or torch) arrays."""

from fsl_mrs_dl.simulate.brain import BRAIN_RANGES, brain_amplitudes
from fsl_mrs_dl.simulate.priors import Distribution, Drift, Fixed, LogNormal, Noise, Normal, Prior, Uniform
from fsl_mrs_dl.simulate.signals import clean_fids, draw_signals, draw_transients, noise_sigma
from fsl_mrs_dl.simulate.singlets import SINGLETS, brain_singlets
from fsl_mrs_dl.simulate.transients import Simulated, simulate_transients

__all__ = [
    "BRAIN_RANGES",
    "SINGLETS",
    "Distribution",
    "Drift",
    "Fixed",
    "LogNormal",
    "Noise",
    "Normal",
    "Prior",
    "Simulated",
    "Uniform",
    "brain_amplitudes",
    "brain_singlets",
    "clean_fids",
    "draw_signals",
    "draw_transients",
    "noise_sigma",
    "simulate_transients",
]
