"""Bring a user's basis set to the points, sign and centre of the data."""

import logging
from dataclasses import replace

import numpy as np

from fsl_mrs_dl.data import NUCLEI, Basis, MRSData
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.physics import on_points, sound_basis
from fsl_mrs_dl.physics.basis import FIELD_TOLERANCE, check_field, outside_band, recentred
from fsl_mrs_dl.physics.member_sizes import UNLIKE_SIZE, usual_height

logger = logging.getLogger(__name__)

_OUTSIDE = 0.99
"""Share of a member's energy outside the data's band from which on the member is left out."""
_PARTLY_OUTSIDE = 1e-3
"""The same share from which on a note names the member: 3 % of its amplitude folds or is lost."""
_ONE_UNIT = 1.5
"""Largest ratio of a proton's signal in creatine and phosphocreatine: relaxation and pulses make up to 1.1."""
_PROTONS = {"Cr": 5, "PCr": 5}
"""Metabolite -> protons that its FID starts with; they are coupled to none: any sequence shows them all."""


def basis_for(
    data: MRSData,
    basis: Basis,
    *,
    conjugate: bool | None = None,
    centre_ppm: float | None = None,
    witnesses: Basis | None = None,
    field_tolerance: float = FIELD_TOLERANCE,
) -> Basis:
    """Bring a basis set to the points, the field and the centre frequency of the data.

    Parameters
    ----------
    data : MRSData
    basis : Basis
        From :func:`fsl_mrs_dl.io.basis.read_basis`, with the members to fit.
    conjugate : bool, optional
        Whether to conjugate it. Default: decided from its Cr, PCr and NAA.
    centre_ppm : float, optional
        Chemical shift at its frequency zero, in ppm. Default: from its files, or from its Cr, PCr and NAA.
    witnesses : Basis, optional
        All members: also those that are not fitted help to find sign and centre.
    field_tolerance : float
        See :func:`fsl_mrs_dl.physics.on_points`.

    Returns
    -------
    Basis
        Without members outside the data's band. Its notes list all changes, and the evidence for sign, centre and
        scale.

    Raises
    ------
    DataError
        If the nucleus differs, or the basis set cannot be brought to the data.
    """
    basis = of_nucleus(basis, data, field_tolerance)
    witnesses = None if witnesses is None else of_nucleus(witnesses, data, field_tolerance)
    check_field(basis, data.spectrometer_frequency_mhz, field_tolerance)
    basis = sound_basis(basis, conjugate=conjugate, centre_ppm=centre_ppm, witnesses=witnesses)
    basis = replace(basis, notes=(*basis.notes, scale_statement(basis)))
    return on_points(
        in_band(recentred(basis, data.reference_ppm), data),
        data.n_points,
        data.dwelltime_s,
        data.spectrometer_frequency_mhz,
        field_tolerance=field_tolerance,
        may_fold=True,
    )


def of_nucleus(basis: Basis, data: MRSData, field_tolerance: float) -> Basis:
    """Check that a basis set is of the nucleus of the data.

    A file without a nucleus has a frequency, which at the field of the data belongs to one nucleus.

    Parameters
    ----------
    basis : Basis
    data : MRSData
    field_tolerance : float
        Largest relative difference of frequencies.

    Raises
    ------
    DataError
        If the nucleus differs.
    """
    name = data.name or "the data"
    theirs, own = basis.spectrometer_frequency_mhz, data.spectrometer_frequency_mhz
    if basis.has_nucleus or data.nucleus not in NUCLEI:
        if basis.nucleus == data.nucleus:
            return basis
        raise DataError(
            f"The basis set is of {basis.nucleus}, {name} of {data.nucleus}; "
            "a basis set of the same nucleus is needed."
        )
    field_t = own / NUCLEI[data.nucleus].gyromagnetic_mhz_per_t
    apart = {
        nucleus: abs(theirs / (constants.gyromagnetic_mhz_per_t * field_t) - 1)
        for nucleus, constants in NUCLEI.items()
    }
    likeliest = min(apart, key=lambda nucleus: apart[nucleus])
    if likeliest == data.nucleus or apart[likeliest] > field_tolerance:
        if basis.nucleus == data.nucleus:
            return basis
        note = f"nucleus {data.nucleus} of the data, whose frequency it has: its files say none"
        return replace(basis, nucleus=data.nucleus, notes=(*basis.notes, note))
    raise DataError(
        f"The basis set does not say its nucleus, but its frequency of {theirs:g} MHz is that of {likeliest} at "
        f"the {field_t:.4g} T of {name}, which is of {data.nucleus}; a basis set of the same nucleus is needed."
    )


def in_band(basis: Basis, data: MRSData) -> Basis:
    """Leave out members outside the band of the data, and name them in a note.

    A part of another member that lies outside folds to the other side of the band; for 1H this is far from the
    usual fit window, beyond the water.

    Parameters
    ----------
    basis : Basis
        About the centre of the data.
    data : MRSData

    Raises
    ------
    DataError
        If none are left.
    """
    lost = outside_band(basis, data.dwelltime_s, data.spectrometer_frequency_mhz)
    gone = [name for name, share in zip(basis.names, lost, strict=True) if share >= _OUTSIDE]
    partly = {
        name: share
        for name, share in zip(basis.names, lost, strict=True)
        if _PARTLY_OUTSIDE < share < _OUTSIDE
    }
    if not gone and not partly:
        return basis
    half_ppm = 0.5 / data.dwelltime_s / data.spectrometer_frequency_mhz
    band = (
        f"the data's band of {1 / data.dwelltime_s:.5g} Hz ({data.reference_ppm - half_ppm:.2f} to "
        f"{data.reference_ppm + half_ppm:.2f} ppm)"
    )
    if len(gone) == len(basis.names):
        raise DataError(f"All members of the basis set lie outside {band}; another basis set is needed.")
    notes = list(basis.notes)
    if gone:
        notes.append(f"{', '.join(gone)} left out: outside {band}")
        logger.warning("%s: %s.", basis.name or "basis set", notes[-1])
    if partly:
        shares = ", ".join(f"{100 * share:.2g} % of {name}" for name, share in partly.items())
        notes.append(f"not seen, for it lies outside {band}: {shares}")
    rows = [row for row, name in enumerate(basis.names) if name not in gone]
    return replace(
        basis,
        fids=np.asarray(basis.fids)[rows],
        names=tuple(basis.names[row] for row in rows),
        notes=tuple(notes),
        left_out={**basis.left_out, **dict.fromkeys(gone, f"it lies outside {band}")},
    )


def scale_statement(basis: Basis) -> str:
    """Describe the scale of a basis set in one sentence, and name the members in another unit.

    Parameters
    ----------
    basis : Basis
        With corrected first points.
    """
    heights = np.abs(basis.fids).max(axis=1)
    usual = usual_height(np.asarray(basis.fids))
    protons = {
        name: abs(basis.fids[basis.names.index(name), 0]) / count
        for name, count in _PROTONS.items()
        if name in basis.names and basis.nucleus == "1H"
    }
    statement = f"scale: {usual:.4g} is the usual height of its members, none has known protons to compare"
    if protons:
        statement = (
            f"scale: one proton is {', '.join(f'{size:.4g} by {name}' for name, size in protons.items())}"
        )
    largest, smallest = max(protons.values(), default=0.0), min(protons.values(), default=0.0)
    # Of a difference both are a small remainder, which says nothing.
    if largest > _ONE_UNIT * smallest and largest * _PROTONS["Cr"] > usual / 2:
        statement += (
            f"; {' and '.join(protons)} are of different units, so that their sum and ratios to it are wrong"
        )
        logger.warning("%s: %s.", basis.name or "basis set", statement)
    sizes = {name: height / usual for name, height in zip(basis.names, heights, strict=True)}
    large = [
        f"{name} is {size:.3g} times the usual member" for name, size in sizes.items() if size > UNLIKE_SIZE
    ]
    small = [f"{name} {size:.3g} times" for name, size in sizes.items() if size < 1 / UNLIKE_SIZE]
    if large:
        statement += f"; {', '.join(large)}, so that its amplitude is in another unit"
        logger.warning("%s: %s.", basis.name or "basis set", ", ".join(large))
    if small:
        statement += (
            f"; small beside the usual member, in another unit or as in a difference: {', '.join(small)}"
        )
    return statement
