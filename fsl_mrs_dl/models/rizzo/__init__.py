"""The twenty-four networks of Rizzo et al. 2023 (doi:10.1002/mrm.29561), as families with configs.

:mod:`~fsl_mrs_dl.models.rizzo.table` lists them without PyTorch. The other files build one family each, over
spectra (one axis) and spectrograms (two) alike. Where the paper leaves a detail to figures of its supplement, the
choice made here is said at its place.
"""
