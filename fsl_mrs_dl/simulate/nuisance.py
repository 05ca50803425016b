"""Draw, label and simulate nuisance signals, each in some of the FIDs.

Fractions are relative to the largest magnitude of the FID's undamped metabolite signal (with macromolecules).
"""

# The defaults are calls of frozen classes, which ruff sees only within one file.
# ruff: noqa: RUF009

from collections.abc import Mapping
from dataclasses import dataclass, fields
from math import pi
from typing import Any, ClassVar

import numpy as np
from array_api_compat import array_namespace, device
from numpy.typing import NDArray

from fsl_mrs_dl.data import Real
from fsl_mrs_dl.physics import phase, singlet, time_axis
from fsl_mrs_dl.physics.lines import gamma_from_fwhm
from fsl_mrs_dl.simulate.distributions import Distribution, Fixed, Normal, Uniform

Array = Any


@dataclass(frozen=True)
class ResidualWater:
    r"""Residual water, a line at a constant frequency: :math:`a e^{i\phi + 2 \pi i f t - \pi w t}`.

    Attributes
    ----------
    probability : float
        Of an FID to have it.
    fraction, shift_hz, lorentzian_hz, phase_rad : Distribution
        :math:`a`; :math:`f` from the carrier, in Hz; :math:`w`, FWHM in Hz; :math:`\phi` in rad.
    """

    key: ClassVar[str] = "residual_water"
    probability: float = 1.0
    fraction: Distribution = Uniform(0.0, 1.0)
    shift_hz: Distribution = Normal(0.0, 2.0)
    lorentzian_hz: Distribution = Uniform(5.0, 15.0)
    phase_rad: Distribution = Uniform(-pi, pi)


@dataclass(frozen=True)
class UnstableWater:
    r"""Water that varies between transients, a hump in time: :math:`b t e^{2 \pi i f t - d t}`.

    The numbers are those of the code of Shamaei et al 2023, doi:10.1002/mrm.29498, in this package's sign.

    Attributes
    ----------
    probability : float
        Of an FID to have it.
    slope_per_s : Distribution
        :math:`b`, fraction gained per s at the start, in 1/s.
    shift_hz : Distribution
        :math:`f` from the carrier, in Hz.
    decay_per_s : Distribution
        :math:`d`, in 1/s.
    """

    key: ClassVar[str] = "unstable_water"
    probability: float = 0.4
    slope_per_s: Distribution = Normal(-20.0, 2.0)
    shift_hz: Distribution = Normal(0.0, 0.02)
    decay_per_s: Distribution = Normal(100.0, 10.0)


@dataclass(frozen=True)
class LipidContamination:
    r"""Lipid from outside the voxel, one broad line: :math:`a e^{i\phi + 2 \pi i f t - \pi w t}`.

    The numbers are those of the code of Shamaei et al 2023, doi:10.1002/mrm.29498, at 9.4 T, in this
    package's sign: 1400 Hz upfield of a carrier at 4.7 ppm, rate 300 1/s.

    Attributes
    ----------
    probability : float
        Of an FID to have it.
    fraction, shift_ppm, lorentzian_hz, phase_rad : Distribution
        :math:`a`; place in ppm; :math:`w`, FWHM in Hz; :math:`\phi` in rad.
    """

    key: ClassVar[str] = "lipid"
    probability: float = 0.4
    fraction: Distribution = Normal(1.0, 0.1)
    shift_ppm: Distribution = Normal(1.203, 0.07)
    lorentzian_hz: Distribution = Normal(300 / pi, 30 / pi)
    phase_rad: Distribution = Fixed(pi / 2)


@dataclass(frozen=True)
class SpuriousEcho:
    r"""A ghost, an echo in the middle of the FID: :math:`a e^{i\phi + 2 \pi i f t - ((t - t_e)/w)^2}`.

    Form: Kyathanahally, Doring and Kreis 2018, doi:10.1002/mrm.27096.

    Attributes
    ----------
    probability : float
        Of an FID to have it.
    fraction, shift_ppm, time_s, width_s, phase_rad : Distribution
        :math:`a`; place in ppm; :math:`t_e` and :math:`w` in s; :math:`\phi` in rad.
    """

    key: ClassVar[str] = "echo"
    probability: float = 0.1
    fraction: Distribution = Uniform(0.05, 0.3)
    shift_ppm: Distribution = Uniform(2.0, 4.0)
    time_s: Distribution = Uniform(0.05, 0.2)
    width_s: Distribution = Uniform(0.01, 0.04)
    phase_rad: Distribution = Uniform(-pi, pi)


Nuisance = ResidualWater | UnstableWater | LipidContamination | SpuriousEcho


def draw_nuisance(
    nuisance: Nuisance,
    n: int,
    reference_ppm: float,
    spectrometer_frequency_mhz: float,
    rng: np.random.Generator,
) -> dict[str, Real]:
    """Draw one kind of nuisance for each FID.

    Parameters
    ----------
    nuisance : ResidualWater, UnstableWater, LipidContamination or SpuriousEcho
    n : int
        FIDs.
    reference_ppm : float
        Chemical shift of the carrier, in ppm.
    spectrometer_frequency_mhz : float
        In MHz.
    rng : numpy.random.Generator

    Returns
    -------
    dict
        ``<key>_<attribute>`` -> values, shape (fid,); places in Hz from the carrier (``<key>_shift_hz``);
        ``<key>_present`` is 1 or 0.
    """
    drawn: dict[str, Real] = {
        f"{nuisance.key}_present": (rng.random(n) < nuisance.probability).astype(np.float64)
    }
    for attribute in fields(nuisance):
        if attribute.name == "probability":
            continue
        values = getattr(nuisance, attribute.name).draw((n,), rng)
        if attribute.name == "shift_ppm":
            drawn[f"{nuisance.key}_shift_hz"] = (values - reference_ppm) * spectrometer_frequency_mhz
        else:
            drawn[f"{nuisance.key}_{attribute.name}"] = values
    return drawn


def nuisance_labels(parameters: Mapping[str, Real]) -> NDArray[np.str_]:
    """Return the label of each FID, shape (fid,): ``Free``, ``UW`` (water), ``LC`` (lipid) or ``UW&LC``.

    Labels of Shamaei et al 2023, doi:10.1002/mrm.29498; residual water and echoes are not labelled.
    """
    none = np.zeros(len(parameters["shift_hz"]))
    water = parameters.get("unstable_water_present", none) > 0
    lipid = parameters.get("lipid_present", none) > 0
    return np.select([water & lipid, water, lipid], ["UW&LC", "UW", "LC"], "Free")


def nuisance_fids(parameters: Mapping[str, Real], dwelltime_s: float, like: Array) -> Array | None:
    """Return the sum of the nuisance signals of each FID, as fractions.

    Parameters
    ----------
    parameters : mapping
        As drawn.
    dwelltime_s : float
        In s.
    like : Array, complex, shape (fid, time)
        Gives shape, library, device and precision.

    Returns
    -------
    Array, complex, shape (fid, time), or None
        None if no FID has any.
    """
    total = None
    for key, make in _MAKERS.items():
        present = parameters.get(f"{key}_present")
        if present is None or not present.any():
            continue
        own = {
            name.removeprefix(f"{key}_"): v for name, v in parameters.items() if name.startswith(f"{key}_")
        }
        fids = _column(present, like) * make(own, dwelltime_s, like)
        total = fids if total is None else total + fids
    return total


def _column(values: Real, like: Array) -> Array:
    """Return values of shape (fid,) as (fid, 1), of the library, device and precision of complex FIDs."""
    xp = array_namespace(like)
    return xp.asarray(values, dtype=xp.real(like[..., :1]).dtype, device=device(like))[:, None]


def _line(own: Mapping[str, Real], dwelltime_s: float, like: Array) -> Array:
    gamma = gamma_from_fwhm(own["lorentzian_hz"])
    line = singlet(like.shape[-1], dwelltime_s, own["shift_hz"], gamma, 0.0 * gamma, like)
    return _column(own["fraction"], like) * phase(line, own["phase_rad"])


def _hump(own: Mapping[str, Real], dwelltime_s: float, like: Array) -> Array:
    decay = own["decay_per_s"]
    line = singlet(like.shape[-1], dwelltime_s, own["shift_hz"], decay, 0.0 * decay, like)
    return _column(own["slope_per_s"], like) * time_axis(like.shape[-1], dwelltime_s, like) * line


def _echo(own: Mapping[str, Real], dwelltime_s: float, like: Array) -> Array:
    xp = array_namespace(like)
    nothing = 0.0 * own["shift_hz"]
    t = time_axis(like.shape[-1], dwelltime_s, like)
    envelope = xp.exp(-(((t - _column(own["time_s"], like)) / _column(own["width_s"], like)) ** 2))
    line = singlet(like.shape[-1], dwelltime_s, own["shift_hz"], nothing, nothing, like)
    return _column(own["fraction"], like) * envelope * phase(line, own["phase_rad"])


_MAKERS = {
    ResidualWater.key: _line,
    UnstableWater.key: _hump,
    LipidContamination.key: _line,
    SpuriousEcho.key: _echo,
}
