"""Training: data, references, the loop, the search, the evaluation and the command ``train``.

:mod:`fsl_mrs_dl.train.loop` is the only importer of Lightning, :mod:`fsl_mrs_dl.train.search` of Optuna.
"""
