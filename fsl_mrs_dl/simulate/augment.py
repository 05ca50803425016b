"""Augment FIDs: draw parameters first, apply them second, on NumPy or torch arrays."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from array_api_compat import array_namespace

from fsl_mrs_dl.data import Real
from fsl_mrs_dl.physics import add_noise, apply_time_phase, damp, eddy_current_phase, phase, shift
from fsl_mrs_dl.physics.lines import gamma_from_fwhm, sigma_from_fwhm
from fsl_mrs_dl.simulate.nuisance import draw_nuisance, nuisance_fids
from fsl_mrs_dl.simulate.recipe import AugmentationRecipe
from fsl_mrs_dl.simulate.signals import draw_drift

Array = Any


def draw_augmentation(
    recipe: AugmentationRecipe,
    n: int,
    reference_ppm: float,
    spectrometer_frequency_mhz: float,
    rng: np.random.Generator,
) -> dict[str, Real]:
    """Draw the changes of each of ``n`` FIDs, in order of time.

    Parameters
    ----------
    recipe : AugmentationRecipe
    n : int
    reference_ppm : float
        Chemical shift of the carrier, in ppm.
    spectrometer_frequency_mhz : float
        In MHz.
    rng : numpy.random.Generator

    Returns
    -------
    dict
        Of shape (fid,): ``shift_hz``, ``phase_rad``, ``gamma`` and ``sigma`` (rad/s), ``scale``, ``noise``,
        ``eddy_hz``, ``eddy_time_constant_s``, and the nuisances'.
    """
    drift_hz, jitter_rad = draw_drift(recipe.drift, n, rng)
    drawn = {
        "shift_hz": recipe.shift_hz.draw((n,), rng) + drift_hz,
        "phase_rad": recipe.phase_rad.draw((n,), rng) + jitter_rad,
        "gamma": gamma_from_fwhm(recipe.lorentzian_hz.draw((n,), rng)),
        "sigma": sigma_from_fwhm(recipe.gaussian_hz.draw((n,), rng)),
        "scale": recipe.scale.draw((n,), rng),
        "noise": recipe.noise.draw((n,), rng),
        "eddy_hz": recipe.eddy.amplitude_hz.draw((n,), rng),
        "eddy_time_constant_s": recipe.eddy.time_constant_s.draw((n,), rng),
    }
    for nuisance in recipe.nuisances:
        drawn |= draw_nuisance(nuisance, n, reference_ppm, spectrometer_frequency_mhz, rng)
    return drawn


def apply_augmentation(
    fids: Array, drawn: Mapping[str, Real], noise_sd: Array, dwelltime_s: float, generator: Any
) -> Array:
    r"""Apply drawn changes to FIDs.

    .. math:: s'(t) = e^{i \phi + 2 \pi i f t + i \phi_e(t) - \gamma t - \sigma^2 t^2}
              \left(c \, s(t) + u(t) \max_t |s|\right) + n(t)

    with nuisance signals :math:`u` and white noise :math:`n`.

    Parameters
    ----------
    fids : Array, complex, shape (fid, ..., time)
        Axes in between are channels of one FID (coils), with the same changes and different noise.
    drawn : mapping
        From :func:`draw_augmentation`, one value for each FID.
    noise_sd : Array, real, shape (fid, ...)
        Standard deviation of the FIDs' own noise, of each channel, in their units.
    dwelltime_s : float
        In s.
    generator : numpy.random.Generator or torch.Generator
        Of the same library as ``fids``; for the noise.

    Returns
    -------
    Array, complex, shape (fid, ..., time)
    """
    xp = array_namespace(fids)
    n, channels = fids.shape[0], fids.ndim - 2

    def each(values: Real) -> Array:
        """Return one value an FID for each of its channels."""
        real = xp.real(fids[..., :1]).dtype
        return xp.reshape(xp.asarray(values, dtype=real), (n, *(1,) * channels))

    changed = each(drawn["scale"])[..., None] * fids
    flat = xp.reshape(fids, (n, -1, fids.shape[-1]))
    disturbing = nuisance_fids(drawn, dwelltime_s, flat[:, 0, :])
    if disturbing is not None:
        largest = xp.max(xp.abs(fids), axis=-1)
        changed = changed + largest[..., None] * xp.reshape(disturbing, (n, *(1,) * channels, -1))
    changed = damp(changed, each(drawn["gamma"]), each(drawn["sigma"]), dwelltime_s)
    if np.any(drawn["eddy_hz"]):
        field = (each(drawn["eddy_hz"]), each(drawn["eddy_time_constant_s"]))
        changed = apply_time_phase(changed, eddy_current_phase(fids.shape[-1], dwelltime_s, *field, changed))
    changed = phase(shift(changed, each(drawn["shift_hz"]), dwelltime_s), each(drawn["phase_rad"]))
    return add_noise(changed, each(drawn["noise"]) * noise_sd, generator)
