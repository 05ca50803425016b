"""The linear-combination fit: variable projection, Gauss-Newton on the shared parameters, Fisher matrix."""

from fsl_mrs_dl.data import Basis
from fsl_mrs_dl.fit.lcm.averaged import AveragedFitter
from fsl_mrs_dl.fit.lcm.engine import Fitter, curves, fit_spectra
from fsl_mrs_dl.fit.lcm.result import FitCurves, FitResult
from fsl_mrs_dl.fit.lcm.settings import SPLINES, Baseline, FitSettings

__all__ = [
    "SPLINES",
    "AveragedFitter",
    "Baseline",
    "FitCurves",
    "FitResult",
    "FitSettings",
    "Fitter",
    "curves",
    "fit_spectra",
    "fitter_for",
]


def fitter_for(basis: Basis, settings: FitSettings, *, reference_ppm: float) -> Fitter:
    """Build the fit of a basis set: one that averages over hypotheses if the baseline is ``auto``."""
    kind = AveragedFitter if settings.averaged else Fitter
    return kind(basis, settings, reference_ppm=reference_ppm)
