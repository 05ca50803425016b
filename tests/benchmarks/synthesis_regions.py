"""Table of the task synthesis: error of reconstruction, region by region of the spectrum."""

from collections.abc import Mapping, Sequence

import numpy as np

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.evaluation.likeness import REGIONS
from fsl_mrs_dl.models.synthesis import SynthesisNetwork
from fsl_mrs_dl.physics import fid_to_spectrum, ppm_axis, ppm_window
from fsl_mrs_dl.steps.synthesis_models import reconstruct_transients
from fsl_mrs_dl.train.synthesis_data import LabelledSpectra
from fsl_mrs_dl.train.synthesis_evaluation import nrmse, reconstructed
from tests.benchmarks.synthesis_subjects import Generative, Subject
from tests.benchmarks.table import Table


def errors_by_region(simulated: Complex, truth: Complex, ppm: Real) -> list[str]:
    """Return the mean NRMSE in each region, in % of the truth in that region."""
    spectra = [fid_to_spectrum(np.asarray(fids, dtype=np.complex128)) for fids in (simulated, truth)]
    windows = [ppm_window(ppm, limits) for limits in REGIONS.values()]
    return [f"{100 * float(nrmse(*(part[:, inside] for part in spectra)).mean()):.3g}" for inside in windows]


def region_table(
    cvaes: Mapping[str, tuple[SynthesisNetwork, LabelledSpectra]],
    vaes: Mapping[str, Generative],
    subjects: Sequence[Subject],
) -> Table:
    """Return the error of reconstruction of each network, by region.

    Parameters
    ----------
    cvaes : mapping
        Name -> network and test spectra, the truth.
    vaes : mapping
        Name -> network; of transients, whose truth is the simulated one without noise.
    subjects : sequence of Subject
        Semi-synthetic.
    """
    rows = []
    for name, (network, test) in cvaes.items():
        basis = test.basis
        ppm = ppm_axis(
            test.fids.shape[1], basis.dwelltime_s, basis.spectrometer_frequency_mhz, basis.reference_ppm
        )
        sample = reconstructed(network, test.fids, test.amounts)
        rows.append([f"cVAE, {name}", "test spectra", *errors_by_region(sample, test.fids, ppm)])
    for one in subjects:
        for index, condition in enumerate(one.conditions):
            if one.clean is None:
                continue
            fids, truth = one.condition(condition).fids, one.clean[index]
            text = f"{one.name}, {condition}"
            rows.append(
                ["noisy transients themselves", text, *errors_by_region(fids, truth, one.data.ppm_axis)]
            )
            for name, vae in vaes.items():
                sample, _, _ = reconstruct_transients(vae, fids, one.data)
                rows.append([f"VAE, {name}", text, *errors_by_region(sample, truth, one.data.ppm_axis)])
    return Table(
        "Reconstruction: NRMSE in % of the truth in each region (ppm), means over spectra; targets over the "
        "whole: < 5 small, < 2 paper for the cVAE, less than the noisy transients' for the VAE.",
        ("network", "of", *REGIONS),
        rows,
    )
