"""Correct a basis set and bring it to the points, field and centre of the data, or refuse it.

:attr:`fsl_mrs_dl.data.Basis.notes` records every change.
"""

from dataclasses import replace

import numpy as np

from fsl_mrs_dl.data import Basis, Real
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.physics.basis_axis import centred, oriented
from fsl_mrs_dl.physics.first_points import mended
from fsl_mrs_dl.physics.resample import PASSBAND, energy_beyond, resample
from fsl_mrs_dl.physics.signal import shift

FIELD_TOLERANCE = 5e-3
"""Largest relative difference of field: at 0.5 % a coupling of 15 Hz, which does not scale, errs by 0.08 Hz."""
_ROUNDING = 1e-6
"""Relative difference of two dwell times that count as equal: 0.004 of a step after 4096 points."""
_LARGEST_END = 1e-3
"""Magnitude of a member's last points over its largest, up to which zeros may follow: a step of 0.1 %."""
_LARGEST_LOSS = 1e-3
"""Share of a member's energy that may lie outside of a band: 0.1 %."""


def sound_basis(
    basis: Basis,
    *,
    conjugate: bool | None = None,
    centre_ppm: float | None = None,
    witnesses: Basis | None = None,
) -> Basis:
    """Return a basis set with corrected first points, the package's sign, and the usual centre.

    See :func:`mended`, :func:`oriented` and :func:`centred`.

    Parameters
    ----------
    basis : Basis
    conjugate : bool, optional
        Whether to conjugate it. Default: decided from its Cr, PCr and NAA.
    centre_ppm : float, optional
        Chemical shift at its frequency zero, in ppm. Default: from its file, or decided from its Cr, PCr and NAA.
    witnesses : Basis, optional
        The same set with unused members; they decide sign and centre where the used members do not.

    Returns
    -------
    Basis

    Raises
    ------
    DataError
        If sign or centre contradict the lines of Cr, PCr and NAA.
    """
    if centre_ppm is not None:
        basis = replace(basis, centre_ppm=centre_ppm)
        witnesses = None if witnesses is None else replace(witnesses, centre_ppm=centre_ppm)
    basis, orientation = oriented(mended(basis), conjugate=conjugate, witnesses=witnesses)
    if witnesses is not None and orientation.conjugated:
        witnesses = replace(witnesses, fids=witnesses.fids.conj())
    user_centre = centre_ppm is not None
    refuse = conjugate is None or not user_centre
    at_centre = centred(basis, user_centre=user_centre, refuse=refuse, witnesses=witnesses)
    return recentred(at_centre, replace(basis, centre_ppm=None).reference_ppm)


def recentred(basis: Basis, centre_ppm: float) -> Basis:
    """Shift a basis set so that its frequency zero is at another chemical shift.

    Parameters
    ----------
    basis : Basis
    centre_ppm : float
        In ppm.
    """
    moved_ppm = basis.reference_ppm - centre_ppm
    if not moved_ppm:
        return basis
    fids = shift(basis.fids, moved_ppm * basis.spectrometer_frequency_mhz, basis.dwelltime_s)
    note = f"centre moved from {basis.reference_ppm:g} to {centre_ppm:g} ppm"
    return replace(basis, fids=fids, centre_ppm=centre_ppm, notes=(*basis.notes, note))


def covered_points(basis: Basis, dwelltime_s: float, spectrometer_frequency_mhz: float) -> int:
    """Return for how many points of the data a basis set lasts.

    Parameters
    ----------
    basis : Basis
    dwelltime_s : float
        Of the data, in s.
    spectrometer_frequency_mhz : float
        Of the data, in MHz.

    Returns
    -------
    int
    """
    step = dwelltime_s * spectrometer_frequency_mhz / basis.spectrometer_frequency_mhz / basis.dwelltime_s
    return int((basis.fids.shape[1] - 1) / step * (1 + _ROUNDING)) + 1


def on_points(
    basis: Basis,
    n_points: int,
    dwelltime_s: float,
    spectrometer_frequency_mhz: float,
    *,
    reference_ppm: float | None = None,
    field_tolerance: float = FIELD_TOLERANCE,
    may_fold: bool = False,
) -> Basis:
    r"""Resample a basis set to the points and field of the data; the first point does not move.

    A small difference of field is corrected by :math:`x(t) \to x(t \, f_{data} / f_{basis})`: every line keeps
    its chemical shift. Couplings and linewidths change by the same factor, within the tolerance.

    Parameters
    ----------
    basis : Basis
    n_points : int
    dwelltime_s : float
        In s.
    spectrometer_frequency_mhz : float
        In MHz.
    reference_ppm : float, optional
        Chemical shift of the centre of the data, in ppm. Default: that of the basis set.
    field_tolerance : float
        Largest relative difference of field; couplings err by as much.
    may_fold : bool
        Whether to accept signal outside of the new band; it folds, as in a receiver without a filter.

    Returns
    -------
    Basis

    Raises
    ------
    DataError
        If the field differs, if the basis set is too short and has not decayed to 1e-3, or if signal would fold
        or be lost.
    """
    check_field(basis, spectrometer_frequency_mhz, field_tolerance)
    own_mhz = basis.spectrometer_frequency_mhz
    ratio = spectrometer_frequency_mhz / own_mhz
    basis = basis if reference_ppm is None else recentred(basis, reference_ppm)
    notes = list(basis.notes)
    points = covered_points(basis, dwelltime_s, spectrometer_frequency_mhz)
    if n_points > points:
        _refuse_undecayed(basis, n_points, dwelltime_s, points)
        notes.append(f"zeros after point {points} of {n_points}: it has decayed there")
    step_s = dwelltime_s * ratio
    if np.isclose(step_s, basis.dwelltime_s, rtol=_ROUNDING, atol=0):
        covered = np.asarray(basis.fids[:, : min(n_points, points)])
        fids = np.pad(covered, ((0, 0), (0, n_points - covered.shape[1])))
    else:
        _refuse_lost_signal(basis, basis.dwelltime_s if may_fold else step_s)
        fids = resample(basis.fids, basis.dwelltime_s, n_points, step_s)
        fids[:, points:] = 0
        notes.append(
            f"resampled from {basis.dwelltime_s * 1e3:.6g} ms at {own_mhz:.6g} MHz to {dwelltime_s * 1e3:.6g} ms "
            f"at {spectrometer_frequency_mhz:.6g} MHz"
        )
    return replace(
        basis,
        fids=fids,
        dwelltime_s=dwelltime_s,
        spectrometer_frequency_mhz=spectrometer_frequency_mhz,
        notes=tuple(notes),
    )


def check_field(basis: Basis, spectrometer_frequency_mhz: float, field_tolerance: float) -> None:
    """Refuse a basis set whose field is not that of the data.

    Parameters
    ----------
    basis : Basis
    spectrometer_frequency_mhz : float
        Of the data, in MHz.
    field_tolerance : float
        Largest relative difference.

    Raises
    ------
    DataError
        If the difference is larger.
    """
    own_mhz = basis.spectrometer_frequency_mhz
    ratio = spectrometer_frequency_mhz / own_mhz
    if abs(ratio - 1) > field_tolerance:
        raise DataError(
            f"The basis set is of {own_mhz:g} MHz, the data are of {spectrometer_frequency_mhz:g} MHz "
            f"({100 * (ratio - 1):+.2g} %, allowed {100 * field_tolerance:g} %); a basis set of the same field "
            "is needed."
        )


def outside_band(basis: Basis, dwelltime_s: float, spectrometer_frequency_mhz: float) -> Real:
    """Return the share of each member's energy that lies outside of the band of the data.

    Parameters
    ----------
    basis : Basis
        With the centre of the data.
    dwelltime_s : float
        Of the data, in s.
    spectrometer_frequency_mhz : float
        Of the data, in MHz.

    Returns
    -------
    ndarray, float64, shape (member,)
        Zeros if the band of the data is not narrower.
    """
    step_s = dwelltime_s * spectrometer_frequency_mhz / basis.spectrometer_frequency_mhz
    if step_s <= basis.dwelltime_s * (1 + _ROUNDING):
        return np.zeros(len(basis.names))
    return energy_beyond(basis.fids, basis.dwelltime_s / step_s)


def _refuse_undecayed(basis: Basis, n_points: int, dwelltime_s: float, points: int) -> None:
    """Refuse to add zeros to a basis set that has not decayed: its further course is not known."""
    end = max(basis.fids.shape[1] // 50, 1)
    left = np.abs(basis.fids[:, -end:]).max(axis=1) / np.abs(basis.fids).max(axis=1)
    if (left > _LARGEST_END).any():
        worst = int(left.argmax())
        lasts_s = (basis.fids.shape[1] - 1) * basis.dwelltime_s
        raise DataError(
            f"The basis set lasts {lasts_s:.4g} s, the data are to last {(n_points - 1) * dwelltime_s:.4g} s, "
            f"and {basis.names[worst]} has decayed to {left[worst]:.2g} only; use the first {points} points of "
            "the data, or a longer basis set."
        )


def _refuse_lost_signal(basis: Basis, step_s: float) -> None:
    """Refuse signal at the edge of the basis set's band, and signal outside of the data's band."""
    shares: list[tuple[Real, str]] = [
        (energy_beyond(basis.fids, PASSBAND), f"at the edge of its own band, {1 / basis.dwelltime_s:g} Hz")
    ]
    if step_s > basis.dwelltime_s:
        shares.append(
            (
                energy_beyond(basis.fids, basis.dwelltime_s / step_s),
                f"outside the data's band, {1 / step_s:.5g} Hz",
            )
        )
    for share, where in shares:
        if (share > _LARGEST_LOSS).any():
            worst = int(share.argmax())
            raise DataError(
                f"The basis set has {100 * share[worst]:.2g} % of {basis.names[worst]} {where}, so that it cannot "
                "be resampled; use a basis set of the data's dwell time, or leave that metabolite out."
            )
