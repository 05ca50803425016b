"""Shift and phase of transients: the methods of ``align``.

Read :mod:`~.alignment` first; it names the reading order of the rest.
"""

from fsl_mrs_dl.fit.registration.alignment import CAPTURE_PPM, estimate_alignment
from fsl_mrs_dl.fit.registration.band import Band, Registration
from fsl_mrs_dl.fit.registration.gauss_newton import gn, register_to_average
from fsl_mrs_dl.fit.registration.methods import METHODS, Method
from fsl_mrs_dl.fit.registration.ppm_axis import set_ppm_axis
from fsl_mrs_dl.fit.registration.rejection import drop_transients, flagged_transients
from fsl_mrs_dl.fit.registration.template import registration_crlb

__all__ = [
    "CAPTURE_PPM",
    "METHODS",
    "Band",
    "Method",
    "Registration",
    "drop_transients",
    "estimate_alignment",
    "flagged_transients",
    "gn",
    "register_to_average",
    "registration_crlb",
    "set_ppm_axis",
]
