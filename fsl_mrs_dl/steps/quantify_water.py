"""The water reference of ``quantify``: checked, with its times, and the plan of the scaling."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from fsl_mrs_dl.data import MRSData, Real
from fsl_mrs_dl.errors import OptionError
from fsl_mrs_dl.fit.quantification import (
    POOLS,
    WaterPlan,
    check_water_reference,
    one_spectrum_a_voxel,
    relaxation_times,
    water_reference,
)
from fsl_mrs_dl.io.position import places
from fsl_mrs_dl.io.volumes import read_fractions, read_numbers
from fsl_mrs_dl.physics.landmarks import METHYLS_PPM
from fsl_mrs_dl.steps.quantify_fit_model import FitModel
from fsl_mrs_dl.steps.quantify_spectra import ScanSpectra, conjugated
from fsl_mrs_dl.steps.quantify_times import water_times_of
from fsl_mrs_dl.steps.water_references import average_repeats


@dataclass(frozen=True)
class WaterOptions:
    """Options of ``quantify`` for the scaling by water; see there.

    Attributes
    ----------
    wref_metabolite : tuple of str or None
    ref_protons : int or None
    ref_int_limits : tuple of float or None
        In ppm.
    h2o_scale : float
    tissue_frac : tuple of str or None
    t1_values, t2_values : Path or None
        Files of relaxation times in s.
    """

    wref_metabolite: tuple[str, ...] | None = None
    ref_protons: int | None = None
    ref_int_limits: tuple[float, float] | None = None
    h2o_scale: float = 1.0
    tissue_frac: tuple[str, ...] | None = None
    t1_values: Path | None = None
    t2_values: Path | None = None


@dataclass(frozen=True, eq=False)
class Water:
    """The scaling by water, or none.

    Attributes
    ----------
    plan : WaterPlan or None
    notes : tuple of str
        For the record of the results.
    settled : dict
        Options as they were resolved.
    """

    plan: WaterPlan | None = None
    notes: tuple[str, ...] = ()
    settled: dict[str, object] = field(default_factory=dict)

    @classmethod
    def of(cls, h2o: MRSData | None, spectra: ScanSpectra, model: FitModel, options: WaterOptions) -> "Water":
        """Plan the scaling.

        Parameters
        ----------
        h2o : MRSData or None
            The water reference as read; None: no scaling.
        spectra : ScanSpectra
        model : FitModel
        options : WaterOptions

        Raises
        ------
        DataError
            If the reference, its times or the tissue fractions do not fit the data, or cannot be.
        OptionError
            If an option makes no sense, or a time is not known.
        """
        if not 0 < options.h2o_scale < float("inf"):
            raise OptionError(f"--h2o_scale is {options.h2o_scale:g}; a factor above 0 is needed.")
        if h2o is None:
            return cls()
        data, grid = spectra.measured, spectra.data.fid.shape[:3]
        h2o, repeats = average_repeats(h2o)
        times, notes = water_times_of(h2o, data, spectra.times, spectra.options.TE, spectra.options.TR)
        reference = water_reference(
            model.basis.names,
            options.wref_metabolite,
            options.ref_protons,
            options.ref_int_limits,
            model.basis.left_out,
        )
        check_reference(reference, spectra.data.ppm_axis)
        plan = WaterPlan.of(
            conjugated(water_on_grid(h2o, grid, spectra.voxels), spectra.options.conj_fid),
            reference,
            relaxation_times(
                data.spectrometer_frequency_mhz,
                relaxation_file(options.t1_values, "t1_values"),
                relaxation_file(options.t2_values, "t2_values"),
            ),
            spectra.times.known(data),
            times.known(h2o),
            fractions=None
            if options.tissue_frac is None
            else read_fractions(options.tissue_frac, grid, places(data)),
            scale=options.h2o_scale,
        )
        metabolites, protons, limits_ppm = reference
        settled: dict[str, object] = {
            "TE": plan.scaling.echo_time_s * 1e3,
            "TR": plan.scaling.repetition_time_s,
            "wref_metabolite": metabolites,
            "ref_protons": protons,
            "ref_int_limits": limits_ppm,
        }
        notes += tuple(f"the water reference was {text}" for text in repeats)
        if not options.tissue_frac:
            notes += ("no --tissue_frac: the voxel counted as pure water, so that mmol/l equals mmol/kg",)
        return cls(plan, notes, settled)


def water_on_grid(h2o: MRSData, grid: tuple[int, ...], voxels: NDArray[Any]) -> MRSData:
    """Return a water reference with one FID a voxel.

    Parameters
    ----------
    h2o : MRSData
    grid : tuple of int
        Voxels of the data along x, y and z.
    voxels : ndarray, int, shape (V, 3)

    Raises
    ------
    DataError, OptionError
        If it is not of 1H, has another grid, several FIDs a voxel, or no water.
    """
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
    names, _, limits = reference
    needed = tuple(METHYLS_PPM[name] for name in names if name in METHYLS_PPM) or limits
    if min(needed) < ppm[0] or max(needed) > ppm[-1]:
        raise OptionError(
            f"The water scaling measures {'+'.join(names)} at {min(needed):.2f} to {max(needed):.2f} ppm, and the "
            f"data reach from {ppm[0]:.2f} to {ppm[-1]:.2f} ppm; give --wref_metabolite, or leave out --h2o."
        )


def relaxation_file(path: Path | None, flag: str) -> Mapping[str, float] | None:
    """Return the relaxation times of a file, in s, or None."""
    return None if path is None else read_numbers(path, POOLS, flag)
