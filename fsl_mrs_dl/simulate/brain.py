"""Priors of the brain: amplitudes from the literature for the metabolites of a basis set."""

from collections.abc import Sequence

import numpy as np

from fsl_mrs_dl.data import Basis
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.io.basis.names import canonical_name
from fsl_mrs_dl.physics.metabolites import BRAIN_RANGES as BRAIN_RANGES
from fsl_mrs_dl.simulate.distributions import Distribution, Uniform


def brain_amplitudes(names: Sequence[str]) -> dict[str, Distribution]:
    """Return the amplitudes of those metabolites of a basis set that have a known range.

    Parameters
    ----------
    names : sequence of str
        Members of the basis set.

    Returns
    -------
    dict
        Name -> uniform distribution over :data:`BRAIN_RANGES`, in mmol/kg; other names are left out.

    Raises
    ------
    DataError
        If no name is known.
    """
    known = {name: BRAIN_RANGES.get(canonical_name(name)) for name in names}
    amplitudes: dict[str, Distribution] = {
        name: Uniform(*span) for name, span in known.items() if span is not None
    }
    if not amplitudes:
        raise DataError(
            f"The basis set has {', '.join(names)}; needed is at least one of {', '.join(BRAIN_RANGES)} "
            "to draw amplitudes for."
        )
    return amplitudes


MACROMOLECULES = Uniform(0.1, 0.3)
"""First point of the macromolecules over that of the metabolites; chosen for short echo times."""


def macromolecules(names: Sequence[str]) -> list[int]:
    """Return which members of a basis set are macromolecules, by their names."""
    return [m for m, name in enumerate(names) if name.upper().startswith("MM")]


def macromolecule_amplitudes(basis: Basis) -> dict[str, Distribution]:
    """Return the amplitudes of a basis set's own macromolecules, relative to metabolites at mid-range.

    Parameters
    ----------
    basis : Basis
        With at least one metabolite of a known range.

    Returns
    -------
    dict
        Name -> uniform distribution; empty where there are none.
    """
    broad = macromolecules(basis.names)
    if not broad:
        return {}
    middle = np.array([sum(BRAIN_RANGES.get(canonical_name(name), (0.0, 0.0))) / 2 for name in basis.names])
    unit = float(np.abs(middle @ basis.fids[:, 0]) / np.abs(basis.fids[broad, 0].sum()))
    return {basis.names[m]: Uniform(MACROMOLECULES.low * unit, MACROMOLECULES.high * unit) for m in broad}
