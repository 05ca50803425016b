"""Macromolecules of the prior as a member of a basis set, and the scale of a basis set in protons."""

from dataclasses import replace

import numpy as np

from fsl_mrs_dl.data import Basis, Real
from fsl_mrs_dl.fit.background.density import FWHM_PPM, GRID_PPM, DensityPrior
from fsl_mrs_dl.io.basis.names import canonical_name
from fsl_mrs_dl.physics.lines import GaussianLine, gaussian_lines
from fsl_mrs_dl.physics.member_sizes import excess
from fsl_mrs_dl.physics.metabolites import BRAIN_RANGES

MEMBER = "MM"
"""Name of the macromolecules in results; an amplitude of 1 is 1 mmol/kg of the methyl groups at 0.9 ppm."""
_LANDMARKS = {"Cr": 5, "PCr": 5, "NAA": 5}  # metabolite -> protons that its FID starts with, NH left out
_USUAL_PROTONS = 4  # of a metabolite of unknown name
_USUAL_AMOUNT = 5.0  # mmol/kg, of metabolites where no range is known


def one_proton(basis: Basis) -> float:
    """Return the first point of the FID of 1 mmol/kg of protons in the units of a basis set.

    It is measured on the largest of creatine, phosphocreatine and NAA (an edited difference has no creatine). A
    member in another unit than the others is first brought to their unit.

    Parameters
    ----------
    basis : Basis

    Returns
    -------
    float
        Without these three: from the median of all members, with 4 protons each.
    """
    first = np.abs(basis.fids[:, 0]) / excess(np.asarray(basis.fids))
    points = [
        first[row] / _LANDMARKS[canonical_name(name)]
        for row, name in enumerate(basis.names)
        if canonical_name(name) in _LANDMARKS
    ]
    return float(max(points)) if points else float(np.median(first) / _USUAL_PROTONS)


def with_member(basis: Basis, density: DensityPrior) -> Basis:
    """Return a basis set with the mean of the prior as its last member."""
    lines = [
        GaussianLine(MEMBER, float(ppm), float(area), FWHM_PPM)
        for ppm, area in zip(GRID_PPM, density.mean, strict=True)
    ]
    axes = (basis.fids.shape[1], basis.dwelltime_s, basis.spectrometer_frequency_mhz)
    components = gaussian_lines(lines, *axes, np.empty(1, np.complex128), basis.reference_ppm).sum(axis=0)
    fids = np.concatenate([basis.fids, one_proton(basis) * components[None]])
    return replace(basis, fids=fids, names=(*basis.names, MEMBER))


def usual_mixture(names: tuple[str, ...]) -> Real:
    """Return the usual amount of each member in a healthy brain, in mmol/kg.

    It is the middle of the member's range, 0 if the range is unknown. If no member is known, all have the same
    amount.

    Parameters
    ----------
    names : tuple of str
        Of M members.

    Returns
    -------
    ndarray, float, shape (M,)
    """
    spans = [BRAIN_RANGES.get(canonical_name(name)) for name in names]
    if not any(spans):
        return np.full(len(names), _USUAL_AMOUNT)
    return np.array([sum(span) / 2 if span else 0.0 for span in spans])
