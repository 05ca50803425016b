"""Notes of ``quantify`` on data that are readable but doubtful, for the log and the record."""

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from fsl_mrs_dl.data import Basis, MRSData
from fsl_mrs_dl.steps.removed_noise import is_denoised, removed_noise_sd

if TYPE_CHECKING:
    from fsl_mrs_dl.fit.lcm import Baseline

logger = logging.getLogger(__name__)

_ONE_NOMINAL_FIELD = 0.04
"""Largest relative difference between scanners of one nominal field: 123.2 and 127.8 MHz are 3.7 % apart. Beyond
it the basis set is of another kind of scanner, or a header is wrong. Amplitudes of Asp, simulated with PRESS of
30 ms at two fields 4.5 % apart, err by 2.5 %, those of Glu, Ins and Tau by less."""


def differences(data: MRSData, fitted: MRSData, basis: Basis) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return notes on points, field and denoising, and doubts of a far field and of denoised FIDs."""
    from fsl_mrs_dl.physics.basis import FIELD_TOLERANCE

    notes, doubts = [], []
    if fitted.n_points < data.n_points:
        notes.append(f"fitted are the first {fitted.n_points} of {data.n_points} points")
    field = data.spectrometer_frequency_mhz / basis.spectrometer_frequency_mhz - 1
    if abs(field) > FIELD_TOLERANCE:
        fields = (basis.spectrometer_frequency_mhz, data.spectrometer_frequency_mhz)
        text = "the basis set is of {:g} MHz, the data of {:g} MHz".format(*fields)
        text = f"{text}: couplings and widths of the basis set are off by {100 * field:+.1f} %"
        notes.append(f"WARNING: {text}")
        if abs(field) > _ONE_NOMINAL_FIELD:
            doubts.append(text)
            logger.warning("%s.", text)
    if is_denoised(data):
        removed = removed_noise_sd(data)
        size = (
            f"the noise that was removed (SD {removed:.3g}) is counted as if it were there, but small amounts"
        )
        what = f"{size} are pulled to zero" if removed else "bounds and intervals are too small"
        text = f"the FIDs are denoised: {what}; quantify the file before that"
        notes.append(f"WARNING: {text}")
        doubts.append(text)
        logger.warning("%s.", text)
    return tuple(notes), tuple(doubts)


def water_alone(data: MRSData, voxels: NDArray[Any]) -> tuple[str, ...]:
    """Return a note, and warn, if data look like a water reference; other warnings then mislead."""
    from fsl_mrs_dl.fit.quantification import looks_like_water

    if not looks_like_water(data, voxels):
        return ()
    text = (
        f"{data.name or 'the data'} looks like water alone, a reference or a scan without water "
        "suppression: give it as --h2o, and the scan of the metabolites as --data"
    )
    logger.warning("%s.", text)
    return (f"WARNING: {text}",)


def orientation(
    data: MRSData, voxels: NDArray[Any], window: tuple[float, float], conj_fid: bool | None, basis: Basis
) -> tuple[str, ...]:
    """Return notes on the sign of the data, and warn if they look conjugated beside the basis set."""
    from fsl_mrs_dl.fit.quantification import looks_conjugated

    conjugated = ("data conjugated, as asked for (--conj_fid)",) if conj_fid else ()
    if not looks_conjugated(data, voxels, window, basis):
        return conjugated
    logger.warning("the data look conjugated; if they are, give --conj_fid.")
    return (*conjugated, "WARNING: the data look conjugated (their mirror image fits better)")


def unused_macromolecules(basis: Basis, data: MRSData, *, averaged: bool) -> bool:
    """Return whether --add_MM would add what a prior replaces, and warn of it.

    Parameters
    ----------
    basis : Basis
    data : MRSData
    averaged : bool
        Whether the fit averages over backgrounds.
    """
    from fsl_mrs_dl.fit.quantification import stands_in

    if not averaged or not stands_in(basis, data):
        return False
    logger.warning(
        "--add_MM does nothing with --baseline auto, which fits a prior of macromolecules as the member MM; for "
        "the default table take a fixed --baseline such as 'poly, 2'."
    )
    return True


def warn_of_replaced(before: Basis, after: Basis, keep: Sequence[str] | None) -> None:
    """Warn of members that are not fitted although the user named them, and of lipids.

    Parameters
    ----------
    before, after : Basis
        Without and with the hypotheses about the background.
    keep : sequence of str, optional
        Names to fit.
    """
    why: dict[str, list[str]] = {}
    for name, reason in after.left_out.items():
        if name in before.names and (keep or name.upper().startswith("LIP")):
            why.setdefault(reason, []).append(name)
    for reason, names in why.items():
        logger.warning("%s of the basis set not fitted: %s.", ", ".join(names), reason)


def foreign(
    data: MRSData,
    voxels: NDArray[Any],
    window: tuple[float, float],
    baseline: "Baseline",
    water: MRSData | None,
    *,
    alone: bool = False,
) -> tuple[str, ...]:
    """Return warnings, and log them: data that are a fit, residual water, a reference that holds metabolites.

    Parameters
    ----------
    data : MRSData
        One spectrum a voxel.
    voxels : ndarray, int, shape (V, 3)
    window : tuple of float
        Of the fit, in ppm.
    baseline : Baseline
        Fixed; what it leaves of the water counts.
    water : MRSData or None
        The water reference.
    alone : bool
        Whether the data are water alone; then its tail does not count.
    """
    from fsl_mrs_dl.fit.quantification import LARGEST_TAIL, metabolites_in_water, own_fit, water_tail

    sentences = []
    if own_fit(data):
        sentences.append("the data are the curve of a fit (their record says so): not a measurement")
    tail = 0.0 if alone else water_tail(data, voxels, window, baseline)
    if tail > LARGEST_TAIL:
        todo = "remove it first (fsl_mrs_dl remove)"
        if any(record.get("Method") == "Nuisance peak removal" for record in data.processing):
            todo = (
                "peaks have been removed before: name the place of this water (fsl_mrs_dl remove --ppm LO HI)"
            )
        sentences.append(
            f"the tail of residual water is {100 * tail:.0f} % of the energy of the fit window; {todo}"
        )
    if water is not None and metabolites_in_water(water, voxels):
        sentences.append(
            f"{water.name or 'the water'} shows NAA, Cr and Cho as a scan does whose water was hardly suppressed; "
            "--h2o needs one without suppression"
        )
    for text in sentences:
        logger.warning("%s.", text)
    return tuple(f"WARNING: {text}" for text in sentences)
