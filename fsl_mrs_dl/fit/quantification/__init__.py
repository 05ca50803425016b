"""Quantify spectra: choose spectra and metabolites, fit, form sums and ratios, scale by water, grade quality."""

from fsl_mrs_dl.fit.quantification.background import (
    background_record,
    has_lipids,
    settings_from_record,
    stands_in,
    with_background,
    with_own_shifts,
)
from fsl_mrs_dl.fit.quantification.fit_flags import SERIOUS, flags_in_words
from fsl_mrs_dl.fit.quantification.inputs import (
    LARGEST_TAIL,
    check_water_reference,
    empty_results,
    looks_like_water,
    metabolites_in_water,
    own_fit,
    water_height,
    water_tail,
)
from fsl_mrs_dl.fit.quantification.members import (
    chosen_members,
    groups_of,
    reference_sum,
    sums_of,
    with_lipids,
    with_macromolecules,
    without_cancelled,
)
from fsl_mrs_dl.fit.quantification.orientation import looks_conjugated
from fsl_mrs_dl.fit.quantification.request import Request
from fsl_mrs_dl.fit.quantification.run import quantify_data
from fsl_mrs_dl.fit.quantification.selection import fit_window, one_spectrum_a_voxel, voxels_to_fit
from fsl_mrs_dl.fit.quantification.water import WaterPlan, water_reference
from fsl_mrs_dl.physics.relaxation import POOLS, relaxation_times

__all__ = [
    "LARGEST_TAIL",
    "POOLS",
    "SERIOUS",
    "Request",
    "WaterPlan",
    "background_record",
    "check_water_reference",
    "chosen_members",
    "empty_results",
    "fit_window",
    "flags_in_words",
    "groups_of",
    "has_lipids",
    "looks_conjugated",
    "looks_like_water",
    "metabolites_in_water",
    "one_spectrum_a_voxel",
    "own_fit",
    "quantify_data",
    "reference_sum",
    "relaxation_times",
    "settings_from_record",
    "stands_in",
    "sums_of",
    "voxels_to_fit",
    "water_height",
    "water_reference",
    "water_tail",
    "with_background",
    "with_lipids",
    "with_macromolecules",
    "with_own_shifts",
    "without_cancelled",
]
