"""Water as the internal standard: areas of water and of a metabolite of known protons, and the scaling factor.

Both are areas of the real spectrum between limits, after correction for the fitted phase and shift. The
metabolite's area is measured on its own fitted lines, as in FSL-MRS, so that the scale of the basis set does not
matter.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Self

import numpy as np

from fsl_mrs_dl.data import NUCLEI, Basis, Complex, MRSData, Real, fid_flags
from fsl_mrs_dl.errors import OptionError
from fsl_mrs_dl.fit.lcm import Baseline, FitResult, FitSettings, fit_spectra
from fsl_mrs_dl.fit.quantification.members import known_names
from fsl_mrs_dl.io.results import WaterScaling
from fsl_mrs_dl.physics import damp, ppm_axis, singlet
from fsl_mrs_dl.physics.areas import REFERENCES, WATER_PROTONS, area
from fsl_mrs_dl.physics.relaxation import visible_water

WATER_LIMITS_PPM = (1.65, 7.65)
"""Limits of the area of water, in ppm: 3 ppm on both sides of 4.65 ppm, FSL-MRS's value."""
_WATER_WIDTH_HZ = 1.0
"""Lorentzian width of the line that is fitted to water before its fitted broadening, in Hz: narrower than any."""


@dataclass(frozen=True, eq=False)
class WaterPlan:
    """Everything that water scaling needs besides the fit.

    Attributes
    ----------
    data : MRSData
        The water reference, one FID a voxel.
    scaling : WaterScaling
        Without areas: they are empty until they are measured.
    """

    data: MRSData
    scaling: WaterScaling

    @classmethod
    def of(
        cls,
        data: MRSData,
        reference: tuple[tuple[str, ...], int, tuple[float, float]],
        relaxation: tuple[Mapping[str, float], Mapping[str, float]],
        times_s: tuple[float, float],
        water_times_s: tuple[float, float],
        *,
        fractions: Mapping[str, Real] | None = None,
        scale: float = 1.0,
    ) -> Self:
        """Return a plan.

        Parameters
        ----------
        data : MRSData
            The water reference, one FID a voxel.
        reference : tuple
            From :func:`water_reference`.
        relaxation : tuple of mapping
            From :func:`~fsl_mrs_dl.physics.relaxation.relaxation_times`.
        times_s, water_times_s : tuple of float
            Echo and repetition time of the metabolites and of the water reference, in s.
        fractions : mapping of str to ndarray, float, optional
            On the grid of the data.
        scale : float
        """
        metabolites, protons, limits_ppm = reference
        t1_s, t2_s = relaxation
        scaling = WaterScaling(
            echo_time_s=times_s[0],
            repetition_time_s=times_s[1],
            reference=metabolites,
            protons=protons,
            limits_ppm=limits_ppm,
            t1_s=t1_s,
            t2_s=t2_s,
            fractions=fractions,
            water_area=np.zeros(0),
            reference_area=np.zeros(0),
            scale=scale,
            water_echo_time_s=water_times_s[0],
            water_repetition_time_s=water_times_s[1],
        )
        return cls(data, scaling)


def water_reference(
    names: Sequence[str],
    metabolites: Sequence[str] | None,
    protons: int | None,
    limits: tuple[float, float] | None,
    left_out: Mapping[str, str] = MappingProxyType({}),
) -> tuple[tuple[str, ...], int, tuple[float, float]]:
    """Return the reference metabolites of water scaling, their protons, and their limits in ppm.

    Parameters
    ----------
    names : sequence of str
        Members of the basis.
    metabolites, protons, limits : optional
        Values of the user; by default those of Cr, PCr and NAA.
    left_out : mapping of str to str
        Members that were left out of the basis set -> why.

    Raises
    ------
    OptionError
        If the basis does not have them, or protons or limits are not known.
    """
    if not metabolites:
        default = next((key for key in REFERENCES if all(name in names for name in key)), None)
        if default is None:
            raise OptionError(
                "Water scaling measures Cr, PCr or NAA, and the basis has none of them; give --wref_metabolite, "
                "--ref_protons and --ref_int_limits, or leave --h2o out."
            )
        return (default, *REFERENCES[default])
    chosen = tuple(known_names(names, metabolites, "wref_metabolite", left_out))
    known = REFERENCES.get(chosen)
    if known is None and (protons is None or limits is None):
        raise OptionError(
            f"The protons of {'+'.join(chosen)} are not known here; give --ref_protons N and "
            "--ref_int_limits LO HI."
        )
    count, where = known or (0, (0.0, 0.0))
    return chosen, protons or count, limits or where


def water_area(data: MRSData, fids: Complex) -> Real:
    """Return the area of the water, from a Voigt line fitted to it.

    Parameters
    ----------
    data : MRSData
        For the axes.
    fids : ndarray, complex, shape (V, time)

    Returns
    -------
    ndarray, float, shape (V,)
        NaN for FIDs that cannot be used.
    """
    offset_hz = (NUCLEI["1H"].reference_ppm - data.reference_ppm) * data.spectrometer_frequency_mhz
    like = np.zeros(1, dtype=np.complex128)
    line = singlet(data.n_points, data.dwelltime_s, offset_hz, _WATER_WIDTH_HZ * np.pi, 0.0, like)
    basis = Basis(line[None], ("H2O",), data.dwelltime_s, data.spectrometer_frequency_mhz)
    settings = FitSettings(ppmlim=WATER_LIMITS_PPM, baseline=Baseline(), first_order_phase=False)
    good = fid_flags(fids) == ""
    areas = np.full(len(fids), np.nan)
    if good.any():
        fit = fit_spectra(fids[good], basis, settings, reference_ppm=data.reference_ppm)
        lines = fit.amplitudes * damp(
            np.broadcast_to(line, fids[good].shape), fit.gamma[:, 0], fit.sigma[:, 0], data.dwelltime_s
        )
        areas[good] = area(lines, data.dwelltime_s, data.ppm_axis, WATER_LIMITS_PPM)
    return areas


def reference_area(
    fit: FitResult, basis: Basis, groups: Sequence[int], scaling: WaterScaling, reference_ppm: float
) -> tuple[Real, Real]:
    """Return the area of the reference metabolites in each fit, and that for an amplitude of one.

    Parameters
    ----------
    fit : FitResult
    basis : Basis
        Of the fit.
    groups : sequence of int
        Group of each member.
    scaling : WaterScaling
        With the reference and its limits.
    reference_ppm : float

    Returns
    -------
    area, unit : ndarray, float, shape (V,)
        ``unit`` is known even if the reference was fitted as zero.
    """
    rows = [basis.names.index(name) for name in scaling.reference]
    ppm = ppm_axis(basis.fids.shape[-1], basis.dwelltime_s, basis.spectrometer_frequency_mhz, reference_ppm)
    amplitudes = fit.amplitudes[:, rows]
    whole = amplitudes.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = np.where(whole[:, None] > 0, amplitudes / whole[:, None], 1 / len(rows))
    mixed = np.zeros((len(whole), basis.fids.shape[-1]), dtype=np.complex128)
    for column, row in enumerate(rows):
        group = groups[row]
        line = np.broadcast_to(basis.fids[row], mixed.shape)
        mixed += shares[:, column, None] * damp(
            line, fit.gamma[:, group], fit.sigma[:, group], basis.dwelltime_s
        )
    unit = area(mixed, basis.dwelltime_s, ppm, scaling.limits_ppm)
    return unit * whole, unit


def water_factors(
    plan: WaterScaling, water: Real, unit: Real, fractions: Mapping[str, Real] | None
) -> tuple[Real, Real]:
    r"""Return the factors from an amplitude to a concentration.

    .. math:: \frac{A_M / a_M}{A_{H_2O}} \cdot \frac{2}{n_M} \cdot [H_2O]

    with the area of the reference metabolite for an amplitude of one, its protons n, and the concentration of
    visible water by :func:`~fsl_mrs_dl.physics.relaxation.visible_water`.

    Parameters
    ----------
    plan : WaterScaling
    water, unit : ndarray, float, shape (V,)
    fractions : mapping of str to ndarray, float, shape (V,), or None

    Returns
    -------
    molal, molar : ndarray, float, shape (V,)
        mmol/kg and mmol/l for an amplitude of one.
    """
    molal, molar = visible_water(
        fractions,
        plan.t1_s,
        plan.t2_s,
        plan.echo_time_s,
        plan.repetition_time_s,
        water_echo_time_s=plan.water_echo_time_s,
        water_repetition_time_s=plan.water_repetition_time_s,
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = plan.scale * np.where(water > 0, unit / water, np.nan) * WATER_PROTONS / plan.protons
    return factor * molal, factor * molar


def with_areas(
    plan: WaterScaling, fractions: Mapping[str, Real] | None, water: Real, reference: Real
) -> WaterScaling:
    """Return the record of a water scaling with measured areas and the voxels' tissue fractions."""
    return replace(plan, fractions=fractions, water_area=water, reference_area=reference)
