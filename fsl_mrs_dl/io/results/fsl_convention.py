r"""Convert fitted parameters to and from the signs and units of FSL-MRS.

FSL-MRS's Voigt model is :math:`e^{-i(\phi_0 + \phi_1 \nu)} \sum_m a_m F\{x_m(t) e^{-(i \epsilon + \gamma +
\sigma^2 t) t}\}`: its phases and its shift have the opposite sign of ours; gamma and sigma are the same.
"""

import math
from typing import Any

import numpy as np

from fsl_mrs_dl.data import Real
from fsl_mrs_dl.io.results.outcome import Outcome


def phase_deg(outcome: Outcome) -> Real:
    """Return the map ``p0``: FSL-MRS's zero-order phase in degrees; shape (V,)."""
    return -np.degrees(outcome.carrier_phase_rad)


def phase_slope_s(outcome: Outcome) -> Real:
    """Return the map ``p1``: FSL-MRS's first-order phase in s, which is its Phi1 over -2 pi; shape (V,)."""
    return outcome.delay_s


def shift_ppm(outcome: Outcome) -> Real:
    """Return the maps ``shift_group``: FSL-MRS's shift in ppm, positive towards higher field; shape (V, G)."""
    return -outcome.shift_hz / outcome.basis.spectrometer_frequency_mhz


def from_parameters(phi0_rad: float, phi1_rad_s: float, eps_rad_s: float) -> tuple[float, float, float]:
    """Convert parameters of FSL-MRS's Voigt model to our signs.

    Parameters
    ----------
    phi0_rad, phi1_rad_s, eps_rad_s : float
        ``Phi0``, ``Phi1`` and ``eps_0`` of ``all_parameters.csv``.

    Returns
    -------
    phase_rad, delay_s, shift_hz : float
        The phase at the shift of the first group, where FSL-MRS's is that at the carrier; the delay; the shift.
    """
    delay_s, shift_hz = -phi1_rad_s / (2 * math.pi), -eps_rad_s / (2 * math.pi)
    return -phi0_rad + 2 * math.pi * delay_s * shift_hz, delay_s, shift_hz


def from_maps(p0_deg: float, p1_s: float, shift_group_ppm: float, mhz: float) -> tuple[float, float, float]:
    """Convert the maps ``p0``, ``p1`` and ``shift_group0`` to our signs, see :func:`from_parameters`."""
    turn = 2 * math.pi
    return from_parameters(math.radians(p0_deg), -turn * p1_s, turn * shift_group_ppm * mhz)


def widths_hz(outcome: Outcome) -> tuple[Real, Real, Real]:
    """Return the widths that the fit adds to the lines of the basis: combined, Lorentzian and Gaussian.

    Returns
    -------
    combined, lorentzian, gaussian : ndarray, float, shape (V, G)
        FWHM in Hz; combined after Olivero and Longbothum 1977, doi:10.1016/0022-4073(77)90161-3. The Gaussian
        one is exact; FSL-MRS rounds 2 sqrt(2 ln 2) to 2.335 and so gives 0.8 % less.
    """
    lorentzian = outcome.gamma / math.pi
    gaussian = 2 * outcome.sigma * math.sqrt(math.log(2)) / math.pi
    combined = 0.5346 * lorentzian + np.sqrt(0.2166 * lorentzian**2 + gaussian**2)
    return combined, lorentzian, gaussian


def parameter_rows(outcome: Outcome, row: int = 0) -> list[tuple[str, Any, Any]]:
    """Return the rows of ``all_parameters.csv``: FSL-MRS's names, values and standard deviations.

    Parameters
    ----------
    outcome : Outcome
    row : int
        Voxel.

    Returns
    -------
    list of (name, value, sd)
        The SD is NaN if the fit has none.
    """
    raw = outcome.scaled["raw"]
    size = len(outcome.members)
    rows = list(zip(outcome.members, raw.value[row, :size], raw.sd[row, :size], strict=True))
    groups = range(outcome.gamma.shape[1])
    turn = 2 * math.pi
    known = outcome.nuisance_sd or {}

    def sd(name: str, *index: int) -> Any:
        return known[name][(row, *index)] if name in known else np.nan

    rows += [(f"gamma_{g}", outcome.gamma[row, g], sd("gamma", g)) for g in groups]
    rows += [(f"sigma_{g}", outcome.sigma[row, g], sd("sigma", g)) for g in groups]
    rows += [(f"eps_{g}", -turn * outcome.shift_hz[row, g], turn * sd("shift_hz", g)) for g in groups]
    rows += [("Phi0", -outcome.carrier_phase_rad[row], sd("carrier_phase_rad"))]
    rows += [("Phi1", -turn * outcome.delay_s[row], turn * sd("delay_s"))]
    for i, value in enumerate(outcome.baseline_coefficients[row]):
        rows += [(f"B_real_{i}", value.real, np.nan), (f"B_imag_{i}", value.imag, np.nan)]
    if outcome.member_hz is not None:
        own = -turn * outcome.member_hz[row]
        rows += [
            (f"eps_{name}", value, turn * sd("member_hz", m))
            for m, (name, value) in enumerate(zip(outcome.members, own, strict=True))
        ]
    if outcome.hypothesis is not None and outcome.hypothesis_weight is not None:
        assert outcome.proton_signal is not None
        rows += [
            ("hypothesis", float(outcome.hypothesis[row, 0]), np.nan),
            ("hypothesis_weight", outcome.hypothesis_weight[row, 0], np.nan),
            ("proton_signal", outcome.proton_signal[row], np.nan),
            ("noise_sd", outcome.noise_sd[row], np.nan),
        ]
    return rows
