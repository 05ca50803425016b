"""Amounts with intervals for many spectra at once: a few steps from a network's start, then one linear model.

The numbers are those of :class:`~fsl_mrs_dl.fit.lcm.AveragedFitter`, over fewer backgrounds and without a search.
All functions take arrays of NumPy or PyTorch, so that a GPU can do the work; none imports PyTorch.
"""

from fsl_mrs_dl.fit.amortised.estimate import BatchEstimate, estimate, summaries
from fsl_mrs_dl.fit.amortised.model import BatchModel
from fsl_mrs_dl.fit.amortised.moments import with_moments, without_draws

__all__ = ["BatchEstimate", "BatchModel", "estimate", "summaries", "with_moments", "without_draws"]
