"""Priors of published simulations, rebuilt from their descriptions."""

from math import pi

import numpy as np

from fsl_mrs_dl.data import Basis
from fsl_mrs_dl.simulate.brain import brain_amplitudes
from fsl_mrs_dl.simulate.distributions import Fixed, Normal, Uniform
from fsl_mrs_dl.simulate.nuisance import LipidContamination, UnstableWater
from fsl_mrs_dl.simulate.priors import Noise, Prior

RAT_9T4_MHZ = 400.3225
RAT_9T4_DWELLTIME_S = 0.2272e-3


def deepfpc_prior(basis: Basis, *, probability: float = 0.4) -> Prior:
    """Return the prior of the signals on which DeepFPC was trained, at any field.

    One mixture of fixed proportions, its largest magnitude 1, times N(1, 0.1); shift within +-20 Hz, phase
    within +-90 degrees, N(2, 0.2) Hz of extra width, noise of standard deviation 0.05, and unstable water and
    lipid contamination in some of the FIDs. Shamaei et al 2023, doi:10.1002/mrm.29498; the paper says how the
    nuisance signals look in its code alone, and not who gets them: here each FID, independently.

    Parameters
    ----------
    basis : Basis
        For example ``brain_singlets(RAT_9T4_MHZ, RAT_9T4_DWELLTIME_S, 512)``. The paper uses a measured
        signal of a rat instead: ``Prior.amplitudes`` of a basis of that one signal does the same.
    probability : float
        Of each of the two nuisance signals.

    Returns
    -------
    Prior
    """
    middles = {
        name: (span.low + span.high) / 2
        for name, span in brain_amplitudes(basis.names).items()
        if isinstance(span, Uniform)
    }
    mixture = sum(middle * basis.fids[basis.names.index(name)] for name, middle in middles.items())
    largest = float(np.abs(mixture).max())
    return Prior(
        amplitudes={name: Fixed(middle / largest) for name, middle in middles.items()},
        lorentzian_hz=Normal(2.0, 0.2),
        noise=Noise(Fixed(0.05), "sigma"),
        scale=Normal(1.0, 0.1),
        shift_hz=Uniform(-20.0, 20.0),
        phase_rad=Uniform(-pi / 2, pi / 2),
        nuisances=(UnstableWater(probability), LipidContamination(probability)),
    )
