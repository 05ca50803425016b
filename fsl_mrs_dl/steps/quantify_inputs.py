"""What ``quantify`` is given, made into what the fit takes, or refused: basis set, spectra, water."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from fsl_mrs_dl.data import Basis, MRSData, Real
from fsl_mrs_dl.errors import DataError, OptionError
from fsl_mrs_dl.steps.registry import MIN_POINTS

if TYPE_CHECKING:
    from fsl_mrs_dl.fit.acquisition import Agreement

logger = logging.getLogger(__name__)

_LARGEST_SHIFT_PPM = 300.0
"""No nucleus that is fitted has lines farther from its reference."""


def named_basis(
    basis: Basis | Path | str, keep: Sequence[str] | None = None, ignore: Sequence[str] | None = None
) -> Basis:
    """Return a basis set that is given, or stands in a file, or is shipped under a name.

    Parameters
    ----------
    basis : Basis, Path or str
    keep, ignore : sequence of str, optional
        As asked for: a member that is not going to be fitted may be damaged.

    Raises
    ------
    DataError
        If a file cannot be read.
    OptionError
        If it is neither a file nor a name.
    """
    if isinstance(basis, Basis):
        return basis
    from fsl_mrs_dl.io.basis import canonical_name, read_basis
    from fsl_mrs_dl.simulate.shipped import RECIPES, shipped_basis

    kept, ignored = ({*(names or ()), *map(canonical_name, names or ())} for names in (keep, ignore))

    def wanted(name: str) -> bool:
        return name not in ignored and (not kept or name in kept)

    if not str(basis).strip():
        raise OptionError(f"--basis is empty; name a file, a folder, or one of {', '.join(RECIPES)}.")
    if not Path(basis).exists() and str(basis) in RECIPES:
        return read_basis(shipped_basis(str(basis)))
    if not Path(basis).exists():
        raise OptionError(
            f"--basis {basis}: there is no such file or folder, and shipped are {', '.join(RECIPES)}."
        )
    return read_basis(basis, wanted)


def chosen_members(
    basis: Basis, keep: Sequence[str] | None, ignore: Sequence[str] | None, *, averaged: bool
) -> Basis:
    """Return a basis set with the members that shall be fitted.

    Parameters
    ----------
    basis : Basis
    keep, ignore : sequence of str, optional
    averaged : bool
        Whether backgrounds are averaged over: then the prior's macromolecules, which are no member yet, may be
        ignored too.

    Raises
    ------
    OptionError
        If a name is not in the basis set or cannot name a file of results, or none are left.
    """
    from fsl_mrs_dl.fit.background import MEMBER
    from fsl_mrs_dl.fit.quantification import chosen_members as members

    if averaged and ignore and MEMBER not in basis.names:
        ignore = tuple(name for name in ignore if name != MEMBER) or None
    return members(basis, keep, ignore)


def chemical_shift(value_ppm: float | None, flag: str) -> float | None:
    """Return a chemical shift that is asked for, or None.

    Raises
    ------
    OptionError
        If it cannot be one, in ppm.
    """
    if value_ppm is not None and not abs(value_ppm) <= _LARGEST_SHIFT_PPM:
        raise OptionError(f"--{flag} is {value_ppm:g}; a chemical shift in ppm is needed.")
    return value_ppm


def of_one_scan(data: MRSData, basis: Basis, echo_time_s: float | None, allow_mismatch: bool) -> "Agreement":
    """Return whether a basis set is of the scan, or refuse one that is not.

    Parameters
    ----------
    data : MRSData
        As read.
    basis : Basis
    echo_time_s : float or None
        Of the data, in s.
    allow_mismatch : bool
        Whether what would be refused is a doubt instead.

    Returns
    -------
    Agreement
        Without refusals; its doubts have been logged.

    Raises
    ------
    DataError
        If the echo times are too far apart, or one is edited and the other is not.
    """
    from fsl_mrs_dl.fit.acquisition import compare, of_basis, of_data

    found = compare(of_data(data, echo_time_s), of_basis(basis))
    if found.refusals and not allow_mismatch:
        raise DataError(
            f"{basis.name or 'The basis set'} is not of the scan {data.name or 'that was given'}: "
            f"{'; '.join(found.refusals)}. Take a basis set of the same sequence and echo time (fsl_mrs_dl basis "
            "--list_shipped); where a header is wrong, --TE says the echo time of the data, and --allow_mismatch "
            "uses this basis set all the same."
        )
    overruled = tuple(f"{text}; used all the same (--allow_mismatch)" for text in found.refusals)
    found = replace(found, doubts=(*overruled, *found.doubts), refusals=())
    for doubt in found.doubts:
        logger.warning("%s.", doubt)
    return found


def first_points(data: MRSData, basis: Basis, points: int | None) -> MRSData:
    """Return the data with their first points only; by default those that the basis set covers, if a third."""
    from fsl_mrs_dl.physics.basis import covered_points

    if points is None:
        covered = covered_points(basis, data.dwelltime_s, data.spectrometer_frequency_mhz)
        points = covered if data.n_points / 3 <= covered < data.n_points else data.n_points
    if not MIN_POINTS <= points <= data.n_points:
        raise OptionError(f"--points is {points}; needed are {MIN_POINTS} to {data.n_points}.")
    return data if points == data.n_points else data.with_fid(data.fid[:, :, :, :points])


def turned(data: MRSData, conj_fid: bool | None) -> MRSData:
    """Return the data, conjugated if asked for."""
    return data.with_fid(data.fid.conj()) if conj_fid else data


def water_of(h2o: MRSData, grid: tuple[int, ...], voxels: NDArray[Any]) -> MRSData:
    """Return a water reference with one FID a voxel, or refuse it."""
    from fsl_mrs_dl.fit.quantification import check_water_reference, one_spectrum_a_voxel

    name = h2o.name or "The water reference"
    if h2o.nucleus != "1H":
        raise OptionError(f"{name} is of {h2o.nucleus}; --h2o needs a water reference of 1H.")
    water = one_spectrum_a_voxel(h2o)
    if water.fid.shape[:3] != grid:
        raise OptionError(
            f"{name} has the grid {water.fid.shape[:3]}, the data have {grid}; they must agree."
        )
    check_water_reference(water, voxels)
    return water


def check_reference(reference: tuple[tuple[str, ...], int, tuple[float, float]], ppm: Real) -> None:
    """Refuse a reference of the water scaling whose line lies outside of the band of the data.

    Parameters
    ----------
    reference : tuple
        Names, protons and limits in ppm.
    ppm : ndarray, float
        Axis of the data, ascending.

    Raises
    ------
    OptionError
        If its methyl line, or else its limits, are not in the band.
    """
    from fsl_mrs_dl.physics.landmarks import METHYLS_PPM

    names, _, limits = reference
    needed = tuple(METHYLS_PPM[name] for name in names if name in METHYLS_PPM) or limits
    if min(needed) < ppm[0] or max(needed) > ppm[-1]:
        raise OptionError(
            f"The water scaling measures {'+'.join(names)} at {min(needed):.2f} to {max(needed):.2f} ppm, and the "
            f"data reach from {ppm[0]:.2f} to {ppm[-1]:.2f} ppm; give --wref_metabolite, or leave out --h2o."
        )


def pools(path: Path | None, flag: str) -> Mapping[str, float] | None:
    """Return the relaxation times of a file, in s, or None."""
    from fsl_mrs_dl.fit.quantification import POOLS
    from fsl_mrs_dl.io.volumes import read_numbers

    return None if path is None else read_numbers(path, POOLS, flag)
