"""Sparse deconvolution of FIDs: lines on a grid or members of a basis set, with a known decay."""

from fsl_mrs_dl.fit.reconstruction.debias import debias, spectrum_sd
from fsl_mrs_dl.fit.reconstruction.dictionary import dictionary
from fsl_mrs_dl.fit.reconstruction.lineshape import Lineshape, lorentzian, of_lines, of_water, water_decay
from fsl_mrs_dl.fit.reconstruction.operators import AtomOperator, GridOperator, Operator, largest_eigenvalue
from fsl_mrs_dl.fit.reconstruction.penalty import (
    NOISE_SHARE,
    RATIOS,
    discrepancy_penalty,
    noise_penalty,
    path,
    sure_penalty,
    universal_penalty,
)
from fsl_mrs_dl.fit.reconstruction.run import FidModel, Reconstruction, grid_of_lines, reconstruct_sets
from fsl_mrs_dl.fit.reconstruction.sets import Sets
from fsl_mrs_dl.fit.reconstruction.solver import (
    GAP,
    ITERATIONS,
    Solution,
    duality_gap,
    largest_penalty,
    magnitude,
    shrink,
    solve,
)

__all__ = [
    "GAP",
    "ITERATIONS",
    "NOISE_SHARE",
    "RATIOS",
    "AtomOperator",
    "FidModel",
    "GridOperator",
    "Lineshape",
    "Operator",
    "Reconstruction",
    "Sets",
    "Solution",
    "debias",
    "dictionary",
    "discrepancy_penalty",
    "duality_gap",
    "grid_of_lines",
    "largest_eigenvalue",
    "largest_penalty",
    "lorentzian",
    "magnitude",
    "noise_penalty",
    "of_lines",
    "of_water",
    "path",
    "reconstruct_sets",
    "shrink",
    "solve",
    "spectrum_sd",
    "sure_penalty",
    "universal_penalty",
    "water_decay",
]
