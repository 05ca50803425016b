"""Tables of the task synthesis on measured transients."""

from dataclasses import replace

import numpy as np

from fsl_mrs_dl.data import Basis, MRSData
from fsl_mrs_dl.errors import MissingDependencyError
from fsl_mrs_dl.evaluation.likeness import Quantifier
from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.io.basis import read_basis
from fsl_mrs_dl.simulate.basis import make_basis
from fsl_mrs_dl.simulate.shipped import RECIPES, shipped_basis
from fsl_mrs_dl.steps.coilcombine import coilcombine
from tests.benchmarks.realdata import data_folder
from tests.benchmarks.synthesis_figures import application_picture
from tests.benchmarks.synthesis_likeness import likeness_table
from tests.benchmarks.synthesis_subjects import Subject, aligned, trained_on
from tests.benchmarks.synthesis_transients import application, application_table, gaba_words, ways_of
from tests.benchmarks.table import NOT_RUN, Picture, Table

_SCANS = {"mega_press_drift_3t": (5, 10, 20), "steam_7t": (4, 8, 16)}
_DIFFERENCE = "mega-press_3t_te68_diff"
_EPOCHS = 150
"""For a scan of tens of transients, which are one batch."""


def measured_tables(
    real: bool, splits: int, repeats: int, rng: np.random.Generator, seed: int
) -> tuple[list[Table], list[Picture]]:
    """Return likeness and application of measured scans; the VAE is trained on the parents alone, each time anew.

    Parameters
    ----------
    real : bool
        Whether to look for the files at all.
    splits, repeats : int
        Halvings by lot for the likeness; subsets for the application.
    rng : numpy.random.Generator
    seed : int
    """
    tables: list[Table] = []
    pictures: list[Picture] = []
    for name, numbers in _SCANS.items():
        one = _subject(name) if real else None
        if one is None:
            caption = f"Likeness, {name}: {NOT_RUN} (no file at hand, or profile smoke)."
            tables.append(Table(caption, ("subject",), ()))
            continue
        total = len(one.on.fids)
        caption = (
            f"Likeness, measured, {name}: trained on the parents alone, {(total + 1) // 2} of {total} "
            f"transients a set; means over {splits} random splits into halves. With so few transients C2ST "
            "is uncertain by 0.2 or more: see the interval."
        )
        tables.append(
            likeness_table(
                caption, lambda parents: trained_on(parents, _EPOCHS, seed), None, [one], splits, rng
            )
        )
        edited = one.on is not one.off
        basis, text = _difference_basis(one.data) if edited else (None, "")
        judge = Quantifier(basis, one.data) if basis is not None else None
        steps = application(
            lambda subset: ways_of(trained_on(subset, _EPOCHS, seed), None),
            one,
            numbers,
            repeats,
            rng,
            judge=judge,
        )
        caption = (
            f"Application, measured, {name}: subsets of n transients, alone and augmented to {total}, by a "
            f"VAE that was trained on the subset alone; means over {repeats} subsets."
        )
        caption += text + gaba_words(one, judge)
        tables.append(application_table(steps, caption, ("ON", "OFF", "DIFF") if edited else ("ON",)))
        if edited:
            pictures.append(application_picture(steps, f"application-{name.replace('_', '-')}", name))
    return tables, pictures


def _difference_basis(data: MRSData) -> tuple[Basis, str]:
    """Return the basis set of the difference at the field of the data, where it can be made, and what it is."""
    recipe = RECIPES[_DIFFERENCE]
    mhz = data.spectrometer_frequency_mhz
    try:
        sample = make_basis(replace(recipe, spectrometer_frequency_mhz=mhz))
    except MissingDependencyError:
        text = (
            f" GABA+ by the shipped basis set of {recipe.spectrometer_frequency_mhz:g} MHz, read in ppm at "
            f"{mhz:g} MHz, for mrsandbox, which makes one for that field, was not installed."
        )
        return read_basis(shipped_basis(_DIFFERENCE)), text
    return sample, f" GABA+ by a basis set simulated for {mhz:g} MHz."


def _subject(name: str) -> Subject | None:
    """Return a measured scan, coils combined and aligned, or None where it is not at hand."""
    folder = data_folder() / "invivo" / name
    path = next((p for p in (folder / "metab_raw.nii.gz", folder / "metab.nii.gz") if p.exists()), None)
    if path is None:
        return None
    data = nifti.read(path)
    if "DIM_COIL" in data.dim_tags:
        reference = nifti.read(folder / "wref_raw.nii.gz")
        data = coilcombine(data, reference=reference).data
    return aligned(name, data)
