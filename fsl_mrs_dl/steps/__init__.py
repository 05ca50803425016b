"""What a user does to data: one module a step, found by :mod:`fsl_mrs_dl.steps.registry`."""
