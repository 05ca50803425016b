"""The basis set of a fit: that of the user, put right and brought to the points of the data."""

from dataclasses import replace

from fsl_mrs_dl.data import Basis, MRSData
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.physics import centred, mended, on_points, sound_basis
from fsl_mrs_dl.physics.basis import FIELD_TOLERANCE


def basis_for(
    data: MRSData, basis: Basis, *, conjugate: bool | None = None, field_tolerance: float = FIELD_TOLERANCE
) -> Basis:
    """Return a basis set at the points, the field and the centre frequency of the data.

    Parameters
    ----------
    data : MRSData
    basis : Basis
        From :func:`fsl_mrs_dl.io.basis.read_basis`.
    conjugate : bool, optional
        Whether to conjugate it; not given: as Cr, PCr and NAA say.
    field_tolerance : float
        See :func:`fsl_mrs_dl.physics.on_points`.

    Returns
    -------
    Basis
        Its notes say what was done.

    Raises
    ------
    DataError
        If the nucleus differs, or the basis set cannot honestly be brought to the data.
    """
    if basis.nucleus != data.nucleus:
        raise DataError(
            f"The basis set is of {basis.nucleus}, {data.name or 'the data'} of {data.nucleus}; "
            "a basis set of the same nucleus is needed."
        )
    if conjugate is None:
        basis = sound_basis(basis)
    else:
        note = f"{'' if conjugate else 'not '}conjugated, as asked for"
        fids = basis.fids.conj() if conjugate else basis.fids
        basis = centred(mended(replace(basis, fids=fids, notes=(*basis.notes, note))))
    return on_points(
        basis,
        data.n_points,
        data.dwelltime_s,
        data.spectrometer_frequency_mhz,
        reference_ppm=data.reference_ppm,
        field_tolerance=field_tolerance,
    )
