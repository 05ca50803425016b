"""Priors of published simulations, rebuilt from their descriptions."""

from collections.abc import Mapping
from math import pi
from types import MappingProxyType

import numpy as np

from fsl_mrs_dl.data import Basis
from fsl_mrs_dl.simulate.brain import brain_amplitudes
from fsl_mrs_dl.simulate.distributions import Fixed, Normal, Uniform
from fsl_mrs_dl.simulate.nuisance import LipidContamination, UnstableWater
from fsl_mrs_dl.simulate.priors import Noise, Prior

DQ_UNIT = 17.0
DQ_RANGES: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "Ala": (0.1, 1.5),
        "Asp": (1, 2),
        "Cr": (4.5, 10.5),
        "GABA": (1, 2),
        "Glc": (1, 2),
        "Gln": (3, 6),
        "Glu": (6, 12.5),
        "GPC": (0.5, 2),
        "GSH": (1.5, 3),
        "Gly": (0.4, 1),
        "Ins": (3.8, 8.1),
        "Lac": (0.2, 1),
        "NAA": (7.5, 17),
        "NAAG": (0.5, 2.5),
        "PCh": (0.5, 2),
        "PCr": (3, 5.5),
        "PE": (1, 2),
        "sIns": (0.3, 0.6),
        "Tau": (2, 6),
        "Mac": (14, 17),
    }
)
"""Uniform ranges of the amplitudes before division by 17, as in the public code of Shamaei et al. 2023
(doi:10.1016/j.compbiomed.2023.106837)."""
RAT_9T4_MHZ = 400.3225
RAT_9T4_DWELLTIME_S = 0.2272e-3
_EXTRA_WIDTH_HZ = Normal(2 / pi, 0.1 / pi)
"""A rate of N(2, 0.1) 1/s, as in the published code; the paper prints N(2, 0.2) Hz."""


def deepfpc_prior(basis: Basis, *, probability: float = 0.4) -> Prior:
    """Return the prior of the signals on which DeepFPC was trained, at any field.

    One mixture of fixed proportions, its largest magnitude 1, times N(1, 0.1); shift within +-20 Hz, phase
    within +-90 degrees, a little extra width, noise of standard deviation 0.05, and unstable water and lipid
    contamination in some of the FIDs. Shamaei et al 2023, doi:10.1002/mrm.29498; the paper says how the
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
        lorentzian_hz=_EXTRA_WIDTH_HZ,
        noise=Noise(Fixed(0.05), "sigma"),
        scale=Normal(1.0, 0.1),
        shift_hz=Uniform(-20.0, 20.0),
        phase_rad=Uniform(-pi / 2, pi / 2),
        nuisances=(UnstableWater(probability), LipidContamination(probability)),
    )
