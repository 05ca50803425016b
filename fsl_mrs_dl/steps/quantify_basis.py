"""The basis set of ``quantify``: read, its members chosen, and compared with the scan."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from fsl_mrs_dl.data import Basis, MRSData
from fsl_mrs_dl.errors import DataError, OptionError
from fsl_mrs_dl.fit import quantification
from fsl_mrs_dl.fit.acquisition import AcquisitionComparison, compare, of_basis, of_data
from fsl_mrs_dl.fit.background import MEMBER
from fsl_mrs_dl.io.basis import canonical_name, read_basis
from fsl_mrs_dl.simulate.shipped import RECIPES, shipped_basis

logger = logging.getLogger(__name__)

_LARGEST_SHIFT_PPM = 300.0
"""Largest chemical shift, in ppm: no nucleus that is fitted has lines farther from its reference."""


def named_basis(
    basis: Basis | Path | str, keep: Sequence[str] | None = None, ignore: Sequence[str] | None = None
) -> Basis:
    """Return a basis set from memory, from a file, or a shipped one by its name.

    Parameters
    ----------
    basis : Basis, Path or str
    keep, ignore : sequence of str, optional
        Names to fit and to leave out: a member that is not fitted may be damaged.

    Raises
    ------
    DataError
        If a file cannot be read.
    OptionError
        If it is neither a file nor a name.
    """
    if isinstance(basis, Basis):
        return basis
    to_keep, to_ignore = ({*(names or ()), *map(canonical_name, names or ())} for names in (keep, ignore))

    def is_fitted(name: str) -> bool:
        return name not in to_ignore and (not to_keep or name in to_keep)

    if not str(basis).strip():
        raise OptionError(f"--basis is empty; name a file, a folder, or one of {', '.join(RECIPES)}.")
    if not Path(basis).exists() and str(basis) in RECIPES:
        return read_basis(shipped_basis(str(basis)))
    if not Path(basis).exists():
        raise OptionError(
            f"--basis {basis}: there is no such file or folder, and shipped are {', '.join(RECIPES)}."
        )
    return read_basis(basis, is_fitted)


def chosen_members(
    basis: Basis, keep: Sequence[str] | None, ignore: Sequence[str] | None, *, averaged: bool
) -> Basis:
    """Return a basis set with the members to fit.

    Parameters
    ----------
    basis : Basis
    keep, ignore : sequence of str, optional
    averaged : bool
        Whether the fit averages over backgrounds: then the prior's macromolecules, which are no member yet, may
        be ignored too.

    Raises
    ------
    OptionError
        If a name is not in the basis set or cannot name a file of results, or none are left.
    """
    if averaged and ignore and MEMBER not in basis.names:
        ignore = tuple(name for name in ignore if name != MEMBER) or None
    return quantification.chosen_members(basis, keep, ignore)


def chemical_shift(value_ppm: float | None, flag: str) -> float | None:
    """Return the chemical shift of an option, in ppm, or None.

    Raises
    ------
    OptionError
        If it is too far from any line.
    """
    if value_ppm is not None and not abs(value_ppm) <= _LARGEST_SHIFT_PPM:
        raise OptionError(f"--{flag} is {value_ppm:g}; a chemical shift in ppm is needed.")
    return value_ppm


def is_difference(data: MRSData, basis: Basis) -> bool:
    """Return whether data or basis set are an edited difference, according to their headers."""
    return "diff" in (of_data(data).sequence.part, of_basis(basis).sequence.part)


def agreement_of(
    data: MRSData, basis: Basis, echo_time_s: float | None, allow_mismatch: bool
) -> AcquisitionComparison:
    """Compare a basis set with the scan, and refuse one of another scan.

    Parameters
    ----------
    data : MRSData
        As read.
    basis : Basis
    echo_time_s : float or None
        Of the data, in s.
    allow_mismatch : bool
        Whether a reason to refuse is a doubt instead.

    Returns
    -------
    AcquisitionComparison
        Without refusals; its doubts have been logged.

    Raises
    ------
    DataError
        If the echo times are too far apart, or one is edited and the other is not.
    """
    agreement = compare(of_data(data, echo_time_s), of_basis(basis))
    if agreement.refusals and not allow_mismatch:
        raise DataError(
            f"{basis.name or 'The basis set'} is not of the scan {data.name or 'that was given'}: "
            f"{'; '.join(agreement.refusals)}. Take a basis set of the same sequence and echo time (fsl_mrs_dl "
            "basis --list_shipped); where a header is wrong, --TE says the echo time of the data, and "
            "--allow_mismatch uses this basis set all the same."
        )
    overruled = tuple(f"{text}; used all the same (--allow_mismatch)" for text in agreement.refusals)
    agreement = replace(agreement, doubts=(*overruled, *agreement.doubts), refusals=())
    for doubt in agreement.doubts:
        logger.warning("%s.", doubt)
    return agreement
