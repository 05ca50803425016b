"""Table of the commands that are not steps, for the command line, and as names that steps cannot have."""

TOOLS = {
    "convert": ("fsl_mrs_dl.steps.convert", "Convert a scanner's files to NIfTI-MRS"),
    "segment": (
        "fsl_mrs_dl.steps.segment",
        "Compute the tissue fractions of the voxels of a scan",
    ),
    "study": ("fsl_mrs_dl.study.study", "Process every scan of a folder; one table and one report of all"),
    "basis": ("fsl_mrs_dl.simulate.basis", "Make a basis set by simulation"),
    "simulate": ("fsl_mrs_dl.simulate.files", "Simulate a scan with known truth"),
    "synthesise": (
        "fsl_mrs_dl.steps.synthesise",
        "Make synthetic spectra with a generative model",
    ),
    "train": ("fsl_mrs_dl.train.command", "Train a network and write a model package"),
    "models": ("fsl_mrs_dl.evaluation.models", "List, show and verify model packages"),
    "demo": (
        "fsl_mrs_dl.demo.demo",
        "Simulate, correct and quantify a scan, and compare with the truth",
    ),
    "evaluate": ("fsl_mrs_dl.evaluation.evaluate", "Compare synthetic transients with measured ones"),
}
"""Tools have no input spectrum: name -> (module with a documented function of that name, summary)."""

FIRST_OPTIONS = {
    "basis": ("shipped", "sequence", "te", "field", "metabolites", "edit"),
    "simulate": ("kind", "basis", "transients", "coils", "snr", "water_reference"),
    "synthesise": ("like", "model", "n", "mode", "concentrations", "snr"),
    "train": ("basis", "data", "prior", "samples", "epochs", "seed"),
}
"""Tools with many options -> those that people use first, which have a group of their own in the help."""
