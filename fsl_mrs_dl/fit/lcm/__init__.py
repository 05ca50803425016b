"""The linear-combination fit: variable projection, Gauss-Newton on the shared parameters, Fisher matrix."""

from fsl_mrs_dl.fit.lcm.engine import Fitter, curves, fit_spectra
from fsl_mrs_dl.fit.lcm.result import FitCurves, FitResult
from fsl_mrs_dl.fit.lcm.settings import SPLINES, Baseline, FitSettings

__all__ = ["SPLINES", "Baseline", "FitCurves", "FitResult", "FitSettings", "Fitter", "curves", "fit_spectra"]
