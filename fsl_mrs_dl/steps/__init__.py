"""Steps on MRS data: one module for each step, found by :mod:`fsl_mrs_dl.steps.registry`."""
