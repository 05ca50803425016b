"""The classical estimators of shift and phase, with which every other method is compared.

All take ``(fids, reference, band)`` and give a :class:`~fsl_mrs_dl.fit.registration.band.Registration`. The F
variants use the window of the band alone. ``crr`` and ``crrf`` are absolute, the others relative to the
reference.
"""

from fsl_mrs_dl.fit.registration.classical.correlation import corr, corrf
from fsl_mrs_dl.fit.registration.classical.creatine import crr, crrf
from fsl_mrs_dl.fit.registration.classical.spectral_registration import sr, srf

__all__ = ["corr", "corrf", "crr", "crrf", "sr", "srf"]
