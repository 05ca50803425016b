"""Shift and phase of transients. Read alignment, methods, average_reference, gauss_newton, template in turn."""

from fsl_mrs_dl.fit.registration.alignment import CAPTURE_PPM, estimate_alignment
from fsl_mrs_dl.fit.registration.average_reference import register_to_average
from fsl_mrs_dl.fit.registration.band import Band, Registration
from fsl_mrs_dl.fit.registration.gauss_newton import gn
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
