"""The model of the FID, for NumPy and torch arrays (array API), batched over leading axes.

Every simulator, fit, network decoder, correction and figure calls these functions; time is the last axis.
Units are SI: s, Hz, rad. :mod:`fsl_mrs_dl.data` states the sign convention.
"""

from fsl_mrs_dl.physics.basis import covered_points, on_points, sound_basis
from fsl_mrs_dl.physics.basis_axis import centred, oriented
from fsl_mrs_dl.physics.first_points import mended
from fsl_mrs_dl.physics.signal import (
    add_noise,
    apply_time_phase,
    basis_sum,
    correct,
    damp,
    eddy_current_phase,
    first_order_phase,
    phase,
    shift,
    singlet,
    time_axis,
)
from fsl_mrs_dl.physics.spectrum import (
    fid_to_spectrum,
    frequency_axis_hz,
    ppm_axis,
    ppm_window,
    project,
    spectrum_to_fid,
)

__all__ = [
    "add_noise",
    "apply_time_phase",
    "basis_sum",
    "centred",
    "correct",
    "covered_points",
    "damp",
    "eddy_current_phase",
    "fid_to_spectrum",
    "first_order_phase",
    "frequency_axis_hz",
    "mended",
    "on_points",
    "oriented",
    "phase",
    "ppm_axis",
    "ppm_window",
    "project",
    "shift",
    "singlet",
    "sound_basis",
    "spectrum_to_fid",
    "time_axis",
]
