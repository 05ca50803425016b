"""Networks as registration methods of ``align``: where :mod:`fsl_mrs_dl.models` meets :mod:`fsl_mrs_dl.fit`."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from fsl_mrs_dl.data import Complex, MRSData, Real
from fsl_mrs_dl.errors import ModelError, OptionError
from fsl_mrs_dl.fit.registration import METHODS, Band, Method, Registration, gn
from fsl_mrs_dl.models.package import Model, load, package_name
from fsl_mrs_dl.scores import phase_difference

if TYPE_CHECKING:
    from fsl_mrs_dl.models.registration_encoders import RegistrationNetwork

_TURNS = 8
"""Phases at which the reference is tried, in equal steps of an eighth of a turn."""


def method_of(
    method: str, model: str | None, data: MRSData, *, allow_mismatch: bool = False, checked: bool = True
) -> tuple[Method, dict[str, object]]:
    """Return a registration method by name, and the record of its model.

    Parameters
    ----------
    method : str
        Of :data:`fsl_mrs_dl.fit.registration.methods.METHODS`, or an architecture.
    model : str or None
        Package; by default the newest that is named after architecture, nucleus and field. With ``gn`` it gives
        the shifts to start from.
    data : MRSData
    allow_mismatch : bool
        Whether data outside the model's valid range pass.
    checked : bool
        Whether a network's estimates are replaced by those of ``gn`` where the likelihood does not support them.

    Returns
    -------
    method : Method
    settled : dict
        ``model`` (name@version), ``package_sha256``, with ``gn`` ``start``, else ``check``, and, if anything does
        not match, ``mismatch``.

    Raises
    ------
    OptionError
        If ``model`` is given with a method that has no use for it.
    ModelError
        If there is no such model, it is of another architecture, or the data lie outside its valid range.
    """
    if method in METHODS and model is None:
        return METHODS[method], {}
    if method in METHODS and METHODS[method].register is not gn:
        raise OptionError(
            f"--method {method} neither is a network nor starts from one; leave --model out, or take gn or a "
            "network."
        )
    name = package_name("align", method, data.nucleus, data.spectrometer_frequency_mhz)
    loaded = load(model or name)
    card = loaded.card
    if card.task != "align" or (card.architecture != method and method not in METHODS):
        needed = "an architecture" if method in METHODS else f"a {method}"
        raise ModelError(
            f"{card.full_name} is a {card.architecture} for {card.task}; --method {method} needs {needed} for "
            "align."
        )
    mismatch = card.check(data, allow_mismatch=allow_mismatch)
    settled: dict[str, object] = {"model": card.full_name, "package_sha256": card.package_sha256}
    if mismatch:
        settled["mismatch"] = "; ".join(mismatch)
    if method in METHODS:
        settled["start"] = "network"
        return replace(METHODS[method], start=starting_at(loaded)), settled
    settled["check"] = "likelihood" if checked else "off"
    return Method(
        lambda fids, reference, band: register(loaded, fids, reference, band), checked=checked
    ), settled


def starting_at(model: Model) -> Callable[[Complex, Complex, Band], Real]:
    """Return a function that starts ``gn`` from the shifts of a network, instead of its own search.

    Parameters
    ----------
    model : Model
        A registration network.

    Returns
    -------
    callable
        For :attr:`fsl_mrs_dl.fit.registration.methods.Method.start`.
    """
    return lambda fids, reference, band: register(model, fids, reference, band).shift_hz


def register(model: Model, fids: Complex, reference: Complex, band: Band) -> Registration:
    """Estimate shifts and phases by a network, relative to a reference.

    Coils are combined with their weights in the reference. The dwell time is scaled by the ratio of the fields, so
    that each line is where the network knows it, in ppm, on every scanner of a nominal field. The network reads
    the reference as well, and its estimate of that is subtracted, so that it does not matter what it was trained
    relative to. All are turned together so that the reference has phase 0: a scan has any phase, and a network
    knows those it was trained on.

    Parameters
    ----------
    model : Model
    fids : ndarray, complex, shape (transient, coil, time)
        Coils scaled to equal noise.
    reference : ndarray, complex, shape (coil, time)
    band : Band
        Its window is not used: a network has its own.

    Returns
    -------
    Registration
        Without standard deviations; converged = within the range of shifts the network was trained for.
    """
    # Imported here, for PyTorch takes a second and most runs of align need no network.
    from fsl_mrs_dl.models.registration_encoders import RegistrationNetwork, estimate

    network = model.network
    if not isinstance(network, RegistrationNetwork):
        raise ModelError(f"{model.card.full_name} estimates no shift and phase; take a model for align.")
    coils = np.linalg.svd(reference, full_matrices=False)[0][:, 0]
    every = np.concatenate([reference[None], fids])
    combined = np.einsum("c,tcn->tn", coils.conj(), every)
    ratio = band.spectrometer_frequency_mhz / network.spectrometer_frequency_mhz
    scaled = replace(band, dwelltime_s=band.dwelltime_s * ratio)
    turned = combined * _turn_to_zero(network, combined[0], scaled)
    shift_hz, phase_rad = estimate(network, turned, scaled.dwelltime_s, one_scan=True)
    shift_hz = shift_hz * ratio
    low, high = model.card.valid.shift_hz
    return Registration.without_sd(
        shift_hz=shift_hz[1:] - shift_hz[0],
        phase_rad=phase_difference(phase_rad[1:], phase_rad[0]),
        converged=(low <= shift_hz[1:]) & (shift_hz[1:] <= high),
    )


def _turn_to_zero(network: "RegistrationNetwork", reference: Complex, band: Band) -> complex:
    """Return the factor that turns a reference to the phase that a network estimates nearest to 0.

    Where a network knows the phase, turning the input by an eighth turns the estimate by an eighth. Where it does
    not, neighbours disagree, and an estimate near 0 is worthless.
    """
    from fsl_mrs_dl.models.registration_encoders import estimate

    turns = np.exp(2j * np.pi * np.arange(_TURNS) / _TURNS)
    _, phase_rad = estimate(network, reference * turns[:, None], band.dwelltime_s)
    steps = np.abs(phase_difference(np.roll(phase_rad, -1) - phase_rad, 2 * np.pi / _TURNS))
    best = np.argmin(np.abs(phase_difference(phase_rad, 0.0)) + steps + np.roll(steps, 1))
    return complex(turns[best])
