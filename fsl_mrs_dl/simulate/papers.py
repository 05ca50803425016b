"""Priors of published simulations, reproduced from their descriptions."""

from collections.abc import Mapping
from dataclasses import replace
from math import pi
from types import MappingProxyType
from typing import Literal

import numpy as np

from fsl_mrs_dl.data import Basis
from fsl_mrs_dl.physics.lines import BIRCH_2017
from fsl_mrs_dl.simulate.brain import brain_amplitudes
from fsl_mrs_dl.simulate.components import BroadSignal, ComponentPrior
from fsl_mrs_dl.simulate.distributions import Fixed, Normal, Uniform
from fsl_mrs_dl.simulate.nuisance import LipidContamination, UnstableWater
from fsl_mrs_dl.simulate.priors import Noise, Prior

Damping = Literal["seed", "physical"]
DQ_UNIT = 17.0
"""Largest amplitude of :data:`DQ_RANGES`, by which the public code divides all of them."""
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
"""Frequency of the 9.4 T scanner of the rat data of Shamaei et al. 2023, in MHz."""
RAT_9T4_DWELLTIME_S = 0.2272e-3
"""Dwell time of these data, in s."""
_EXTRA_WIDTH_HZ = Normal(2 / pi, 0.1 / pi)
"""A rate of N(2, 0.1) 1/s, as in the public code; the paper has N(2, 0.2) Hz."""


def deepfpc_prior(basis: Basis, *, probability: float = 0.4) -> Prior:
    """Return the prior of the training signals of DeepFPC, at any field.

    One mixture of fixed proportions with largest magnitude 1, times N(1, 0.1); shift within +-20 Hz, phase
    within +-90 degrees, a little extra width, noise of standard deviation 0.05, and unstable water and lipid
    contamination in some of the FIDs. Shamaei et al 2023, doi:10.1002/mrm.29498. Only the code of the paper
    defines the nuisance signals, and not which FIDs have them: here each FID, independently.

    Parameters
    ----------
    basis : Basis
        For example ``brain_singlets(RAT_9T4_MHZ, RAT_9T4_DWELLTIME_S, 512)``. The paper uses a measured
        signal of a rat instead: ``Prior.amplitudes`` of a basis of that one signal does the same.
    probability : float
        Probability of each of the two nuisance signals.

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


def hatami_prior(damping: Damping = "seed", snr_t0: float | None = None) -> ComponentPrior:
    """Return the prior of Hatami et al. 2018 (arXiv:1806.07237): every component for itself.

    Amplitudes uniform in [0, 1], shifts in +-10 Hz. The paper gives +-10 Hz for the damping too. Read as a rate
    in Hz (times pi), components would grow 5000-fold within 0.5 s.

    Parameters
    ----------
    damping : {"seed", "physical"}
        seed: a rate of +-10 1/s, half of the components decaying more slowly than in the basis set. physical:
        0 to 10 Hz of extra width.
    snr_t0 : float, optional
        First point over the noise's SD; None = no noise.

    Returns
    -------
    ComponentPrior
    """
    gamma = Uniform(-10.0, 10.0) if damping == "seed" else Uniform(0.0, 10.0 * pi)
    noise = None if snr_t0 is None else Noise(Fixed(snr_t0), "snr_t0")
    return ComponentPrior(Uniform(0.0, 1.0), Uniform(-10.0, 10.0), gamma, noise=noise)


_DSS_PHASE_RAD = pi / 8  # 22.5 degrees, the largest phase of DSS3
_DSS_NOISE = Noise(Uniform(5.0, 15.0), "snr_db")  # of DSS5 to DSS7
_DSS_BROAD_SIZE = 0.3
"""First point of macromolecules over that of the metabolites; not in the paper. In the brain 0.1 to 0.3 at short
echo times (see :data:`fsl_mrs_dl.simulate.brain.MACROMOLECULES`): its upper end."""


def scattering_priors() -> dict[str, ComponentPrior]:
    """Return the priors DSS1 to DSS7 of Shamaei et al. 2021 (doi:10.5220/0010318502680275).

    DSS1 is that of :func:`hatami_prior` with an SNR_t0 of 10. The others have amplitudes in [0.5, 1], shifts in
    +-10 Hz and damping rates of -2.5 to 5 1/s on top of the basis set (the paper prints [-5, 2.5] for the
    exponent). DSS3: one phase within +-22.5 degrees; DSS4: a phase for each metabolite; DSS5: DSS3 with noise of
    5 to 15 dB; DSS6: and macromolecules; DSS7: and each of their lines +-10 %. The paper's 11 lines of
    macromolecules are not printed: those of Birch et al. 2017 stand in.
    """
    base = ComponentPrior(Uniform(0.5, 1.0), Uniform(-10.0, 10.0), Uniform(-2.5, 5.0))
    turned = replace(base, phase_rad=Uniform(-_DSS_PHASE_RAD, _DSS_PHASE_RAD))
    noisy = replace(turned, noise=_DSS_NOISE)
    constant = BroadSignal(BIRCH_2017, _DSS_BROAD_SIZE)
    return {
        "DSS1": hatami_prior(snr_t0=10.0),
        "DSS2": base,
        "DSS3": turned,
        "DSS4": replace(turned, own_phases=True),
        "DSS5": noisy,
        "DSS6": replace(noisy, broad=constant),
        "DSS7": replace(noisy, broad=replace(constant, spread=0.1)),
    }
