"""Sparse deconvolution of FIDs: lines on a grid or members of a basis set, with a known decay."""

from fsl_mrs_dl.fit.reconstruction.debias import debias, spectrum_sd
from fsl_mrs_dl.fit.reconstruction.dictionary import BASIS_FIT, dictionary
from fsl_mrs_dl.fit.reconstruction.lineshape import Lineshape, lorentzian, of_lines, of_water, water_decay
from fsl_mrs_dl.fit.reconstruction.operators import (
    AtomOperator,
    GridOperator,
    Operator,
    broad_decay,
    largest_eigenvalue,
)
from fsl_mrs_dl.fit.reconstruction.passes import two_passes, weights_after
from fsl_mrs_dl.fit.reconstruction.penalty import (
    NETWORK_REACH,
    NOISE_SHARE,
    RATIOS,
    discrepancy_penalty,
    near_noise,
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
    largest_line,
    largest_penalty,
    magnitude,
    shrink,
    solve,
)
from fsl_mrs_dl.fit.reconstruction.water import WaterAside, without_water

__all__ = [
    "BASIS_FIT",
    "GAP",
    "ITERATIONS",
    "NETWORK_REACH",
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
    "WaterAside",
    "broad_decay",
    "debias",
    "dictionary",
    "discrepancy_penalty",
    "duality_gap",
    "grid_of_lines",
    "largest_eigenvalue",
    "largest_line",
    "largest_penalty",
    "lorentzian",
    "magnitude",
    "near_noise",
    "noise_penalty",
    "of_lines",
    "of_water",
    "path",
    "reconstruct_sets",
    "shrink",
    "solve",
    "spectrum_sd",
    "sure_penalty",
    "two_passes",
    "universal_penalty",
    "water_decay",
    "weights_after",
    "without_water",
]
