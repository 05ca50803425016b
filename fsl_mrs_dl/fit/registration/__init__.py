"""Shift and phase of transients: the methods of ``align``.

Read :mod:`~.alignment` first; it names the reading order of the rest.
"""

from fsl_mrs_dl.fit.registration.alignment import CAPTURE_PPM, estimate_alignment
from fsl_mrs_dl.fit.registration.band import Band, Registration
from fsl_mrs_dl.fit.registration.gauss_newton import gn, register_to_average
from fsl_mrs_dl.fit.registration.methods import METHODS, Method
from fsl_mrs_dl.fit.registration.ppm_axis import referenced
from fsl_mrs_dl.fit.registration.rejection import flagged_transients, without
from fsl_mrs_dl.fit.registration.template import registration_crlb

__all__ = [
    "CAPTURE_PPM",
    "METHODS",
    "Band",
    "Method",
    "Registration",
    "estimate_alignment",
    "flagged_transients",
    "gn",
    "referenced",
    "register_to_average",
    "registration_crlb",
    "without",
]
