"""Check that the members of a basis set are those that a network was trained with."""

from dataclasses import replace
from typing import Any

import numpy as np

from fsl_mrs_dl.data import Basis, Real
from fsl_mrs_dl.errors import ModelError
from fsl_mrs_dl.physics import damp, on_points
from fsl_mrs_dl.simulate.brain import macromolecules

_ALIKE = 0.98
"""Smallest correlation of two broadened signals of one metabolite: at another echo time it is smaller."""
_BROADENED = 20.0
"""Rate in rad/s, 6 Hz of width, by which signals are broadened before they are compared."""
_ABSENT = 1e-12
"""Norm below which a member counts as empty."""


def same_members(network: Any, basis: Basis, name: str, *, averaged: bool = False) -> tuple[list[int], Real]:
    """Return the columns of a basis set that are a network's members, and the factors between their amplitudes.

    Parameters
    ----------
    network : QuantificationNetwork
    basis : Basis
        At the points of the data.
    name : str
        Of the model, for errors.
    averaged : bool
        Whether a prior stands in place of macromolecules: those of the network are left out.

    Returns
    -------
    columns : list of int
        Of the members that the network has, in the network's order.
    factors : ndarray, float, shape (M,)

    Raises
    ------
    ModelError
        If metabolites differ, or one has another signal in ppm: another sequence, echo time or nominal field.
    """
    broad = {member for member in basis.names if is_broad(member)}
    own = [m for m, member in enumerate(network.names) if not (averaged and is_broad(member))]
    names = [network.names[m] for m in own]
    missing = [m for m in names if m not in basis.names]
    foreign = [m for m in basis.names if m not in network.names and m not in broad]
    if missing or foreign:
        differences = [f"the model has {', '.join(missing)} besides"] if missing else []
        differences += [f"the basis set has {', '.join(foreign)} besides"] if foreign else []
        raise ModelError(
            f"{name} and the basis set do not have the same metabolites: {' and '.join(differences)}. Take the "
            "basis set that the model was trained on, choose with --ignore, or train a model."
        )
    columns = [basis.names.index(m) for m in names]
    dt, mine = network.dwelltime_s, in_ppm(network, basis, columns)
    theirs = damp(network.members.cpu().numpy()[own].astype(np.complex128), _BROADENED, 0.0, dt)
    ours = damp(np.asarray(mine.fids), _BROADENED, 0.0, dt)
    overlap = np.einsum("mn,mn->m", ours.conj(), theirs)
    energy = (np.abs(ours) ** 2).sum(axis=1), (np.abs(theirs) ** 2).sum(axis=1)
    alike = overlap.real / np.maximum(np.sqrt(energy[0] * energy[1]), _ABSENT)
    if alike.min() < _ALIKE:
        worst = int(alike.argmin())
        raise ModelError(
            f"{name} was trained with another signal of {names[worst]} than the basis set's (they "
            f"correlate by {alike[worst]:.2f}); take the basis set that it was trained on, or train a model with "
            "this one."
        )
    return columns, overlap.real / energy[0]


def is_broad(member: str) -> bool:
    """Whether a member of a basis set is macromolecules, by its name."""
    return bool(macromolecules([member])) or member == "Mac"


def in_ppm(network: Any, basis: Basis, columns: list[int]) -> Basis:
    """Return a basis set for a network of another field: at its points, with time scaled by the fields' ratio.

    Lines then have the same ppm as at the field of the network; couplings and widths differ.
    """
    names = tuple(basis.names[m] for m in columns)
    chosen = replace(basis, fids=np.asarray(basis.fids)[columns], names=names)
    mhz = basis.spectrometer_frequency_mhz
    step_s = network.dwelltime_s * network.spectrometer_frequency_mhz / mhz
    return on_points(chosen, network.n_points, step_s, mhz)
