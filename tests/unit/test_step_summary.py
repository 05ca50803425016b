"""What the terminal says of a step."""

import numpy as np

from fsl_mrs_dl.data import REPLACED, Estimates, MRSData
from fsl_mrs_dl.steps.registry import StepResult
from fsl_mrs_dl.steps.step_summary import work_of


def test_align_tells_shifts_flags_and_replaced_estimates():
    data = MRSData(np.ones((1, 1, 1, 16, 4), complex), 5e-4, 123.2, dim_tags=("DIM_DYN",))
    estimates = Estimates.empty((1, 1, 1, 4))
    estimates.shift_hz[...] = [-2.0, 3.5, 90.0, 1.0]
    estimates.flag[...] = ["", REPLACED, "out_of_range", ""]
    assert work_of("align", data, StepResult(data, estimates)) == (
        "Took away shifts of -2.0 to +3.5 Hz.",
        "1 of 4 FIDs are flagged.",
        "The estimates of 1 of 4 FIDs are not the network's but those of gn.",
    )


def test_two_files_are_joined_without_a_word_of_dimensions():
    data = MRSData(np.ones((1, 1, 1, 16), complex), 5e-4, 123.2)
    assert work_of("add", data, StepResult(data)) == ()
