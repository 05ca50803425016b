"""Simulate labelled MRS signals from a basis set and a prior: seeded, batched, NumPy (or torch) arrays."""

from fsl_mrs_dl.simulate.brain import BRAIN_RANGES, brain_amplitudes
from fsl_mrs_dl.simulate.coils import Coils, draw_coils
from fsl_mrs_dl.simulate.distributions import Distribution, Fixed, LogNormal, Normal, Uniform
from fsl_mrs_dl.simulate.editing import EditedPair, edited_singlets
from fsl_mrs_dl.simulate.nuisance import (
    LipidContamination,
    ResidualWater,
    SpuriousEcho,
    UnstableWater,
    nuisance_labels,
)
from fsl_mrs_dl.simulate.papers import deepfpc_prior
from fsl_mrs_dl.simulate.priors import Drift, Eddy, LineSignal, Noise, Prior
from fsl_mrs_dl.simulate.signals import (
    Signals,
    clean_fids,
    draw_signals,
    draw_transients,
    metabolite_fids,
    noise_sigma,
    simulate_signals,
    with_line_signals,
)
from fsl_mrs_dl.simulate.singlets import SINGLETS, brain_singlets
from fsl_mrs_dl.simulate.transients import Simulated, simulate_transients, simulate_water_reference

__all__ = [
    "BRAIN_RANGES",
    "SINGLETS",
    "Coils",
    "Distribution",
    "Drift",
    "Eddy",
    "EditedPair",
    "Fixed",
    "LineSignal",
    "LipidContamination",
    "LogNormal",
    "Noise",
    "Normal",
    "Prior",
    "ResidualWater",
    "Signals",
    "Simulated",
    "SpuriousEcho",
    "Uniform",
    "UnstableWater",
    "brain_amplitudes",
    "brain_singlets",
    "clean_fids",
    "deepfpc_prior",
    "draw_coils",
    "draw_signals",
    "draw_transients",
    "edited_singlets",
    "metabolite_fids",
    "noise_sigma",
    "nuisance_labels",
    "simulate_signals",
    "simulate_transients",
    "simulate_water_reference",
    "with_line_signals",
]
