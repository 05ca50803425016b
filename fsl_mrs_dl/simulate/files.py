"""The command ``simulate``: write simulated scans to files, with their true parameters."""

import json
import math
import shlex
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from fsl_mrs_dl import __version__
from fsl_mrs_dl.data import NUCLEI, Basis, MRSData
from fsl_mrs_dl.errors import OptionError
from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.io.basis import read_basis
from fsl_mrs_dl.io.names import plain_name
from fsl_mrs_dl.io.results import write_estimates
from fsl_mrs_dl.io.sizes import check_new_fids
from fsl_mrs_dl.io.staging import Staging
from fsl_mrs_dl.io.untrusted_text import printable
from fsl_mrs_dl.physics import covered_points, on_points, sound_basis
from fsl_mrs_dl.physics.lines import BIRCH_2017, gamma_from_fwhm, sigma_from_fwhm
from fsl_mrs_dl.simulate.acquired import acquired, water_first_point
from fsl_mrs_dl.simulate.brain import brain_amplitudes, macromolecule_amplitudes, macromolecules
from fsl_mrs_dl.simulate.coils import draw_coils
from fsl_mrs_dl.simulate.distributions import Fixed, Uniform
from fsl_mrs_dl.simulate.editing import EditedPair, edited_singlets
from fsl_mrs_dl.simulate.nuisance import LipidContamination, UnstableWater
from fsl_mrs_dl.simulate.phantom_files import write_phantom
from fsl_mrs_dl.simulate.priors import Drift, Eddy, LineSignal, Noise, Prior, SnrDefinition
from fsl_mrs_dl.simulate.shipped import RECIPES, shipped_basis
from fsl_mrs_dl.simulate.signals import with_line_signals
from fsl_mrs_dl.simulate.singlets import brain_singlets
from fsl_mrs_dl.simulate.transients import Simulated, simulate_transients, simulate_water_reference

_MACROMOLECULES = LineSignal("MM", BIRCH_2017, Uniform(0.1, 0.3))
_LEAST_POINTS = 32  # a shorter FID has no resolution: 125 Hz at the default dwell time
_FIELD_T, _DWELLTIME_S, _POINTS = 3.0, 0.00025, 2048  # defaults: a bandwidth of 4 kHz and half a second
_EDDY_TIME_CONSTANT_S = 0.05  # the offset decays within the first tenth of the default FID
_WALK_PER_DRIFT = 1 / 20  # step of the random walk over the linear drift, as the help of --drift_hz says
_LEAST_SNR, _DECIBELS = 1e-6, (-120.0, 300.0)
"""Noise of a million times the signal hides anything, and with much more a file's numbers overflow; above 300 dB
the noise is less than the rounding of a number."""
_PAIR = ("_on", "_off")


def simulate(
    *,
    output: Path,
    filename: str = "simulated",
    overwrite: bool = False,
    kind: Literal["svs", "transients", "edited", "mrsi"] = "transients",
    transients: int = 64,
    coils: int = 1,
    basis: Path | None = None,
    field: float | None = None,
    points: int | None = None,
    dwelltime: float | None = None,
    snr: float = 20.0,
    snr_definition: SnrDefinition = "snr_t0",
    shift_hz: float = 0.0,
    phase_deg: float = 10.0,
    drift_hz: float = 8.0,
    water: float = 0.0,
    lipid: float = 0.0,
    eddy_hz: float = 0.0,
    water_reference: bool = False,
    seed: int = 0,
) -> None:
    """Write a simulated, labelled scan of brain as NIfTI-MRS, of a single voxel or MRSI.

    Writes ``N.nii.gz``, the true shift and phase of every FID in ``N_truth.csv`` (the layout of
    ``N_align.csv``), everything else that is true in ``N_truth.json``, and ``N_wref.nii.gz`` if asked for.
    Without a basis set the metabolites are singlets: right in place and area, without coupling. MRSI: a head
    of known tissues with a lesion, ``N.nii.gz``, ``N_mask.nii.gz``, a structural image ``N_t1.nii.gz``, and the
    true maps in the folder ``N_truth``.

    Parameters
    ----------
    output : Path
        Folder for the result.
    filename : str
        Name of the result, without .nii.gz.
    overwrite : bool
        Replace files of the same names, nothing else.
    kind : str
        svs: one FID. transients: DIM_DYN with frequency drift. edited: the same, MEGA-edited for GABA, with ON
        and OFF in DIM_EDIT. mrsi: 16 x 16 voxels of a head, one FID each; it uses only basis, field, points,
        dwelltime, snr, lipid and seed.
    transients : int
        Number of transients of each edit condition. Not used for svs.
    coils : int
        Number of receive coils, with correlated noise. 1: no DIM_COIL.
    basis : Path
        Basis set: a file, a folder, or the name of a shipped set such as press_3t_te30. Default: singlets. For
        edited, a pair: NAME stands for NAME_on and NAME_off, for example mega-press_3t_te68.
    field : float
        Field strength in T. Default: that of the basis set, or 3.
    points : int
        Number of points of an FID. Default: as many as the basis set has, or 2048.
    dwelltime : float
        Time between points, in s. Default: that of the basis set, or 0.00025.
    snr : float
        SNR of one transient of the average coil, or of the median voxel, as --snr_definition defines it.
    snr_definition : str
        snr_t0: first point of the metabolites over the SD of the noise of a channel. snr_f: highest point of
        their spectrum over the SD of its real part. snr_db: their energy over that of the noise, in dB.
    shift_hz : float
        Largest random shift of each FID, in both directions.
    phase_deg : float
        Largest random phase of each FID, in both directions.
    drift_hz : float
        Linear drift from the first to the last transient. A random walk with steps of a twentieth of it is
        added. Not used for svs.
    water : float
        Probability that an FID has unstable residual water.
    lipid : float
        Probability that an FID is contaminated with lipid. For mrsi: lipid of a scalp voxel over the
        metabolites; it leaks into the rim of the brain.
    eddy_hz : float
        Frequency offset by eddy currents at the start of each FID. It decays within 50 ms.
    water_reference : bool
        Also write a scan without water suppression, with the same coils and eddy currents. Its water belongs to
        a voxel of tissue whose metabolites have amplitudes in mmol/kg, so that quantify --h2o finds those of
        N_truth.json.
    seed : int
        Seed of the random numbers. The same seed gives the same result.

    Raises
    ------
    MRSDLError
        If an option, the basis set or the output folder cannot be used.

    Examples
    --------
    fsl_mrs_dl simulate --basis press_3t_te30 --coils 4 --transients 32 --water_reference --output scan
    """
    settings = {
        "filename": filename,
        "kind": kind,
        "transients": transients,
        "coils": coils,
        "basis": basis,
        "field": field,
        "points": points,
        "dwelltime": dwelltime,
        "snr": snr,
        "snr_definition": snr_definition,
        "shift_hz": shift_hz,
        "phase_deg": phase_deg,
        "drift_hz": drift_hz,
        "water": water,
        "lipid": lipid,
        "eddy_hz": eddy_hz,
        "water_reference": water_reference,
        "seed": seed,
    }
    _check(settings)
    name = plain_name(filename, "filename")
    basis_set = _basis(kind, basis, field, points, dwelltime)
    single = basis_set.off if isinstance(basis_set, EditedPair) else basis_set
    inputs = [file for folder in _folders(kind, basis) for file in sorted(folder.glob("*.json"))]
    if kind == "mrsi":
        with Staging(output, overwrite=overwrite, inputs=inputs) as staging:
            write_phantom(
                with_line_signals(Prior(line_signals=_broad(single)), single), name, settings, staging
            )
        print(printable(f"Result: {output / name}.nii.gz"))  # noqa: T201
        return
    n_transients = None if kind == "svs" else transients
    sampling = (single.fids.shape[1], single.dwelltime_s, single.spectrometer_frequency_mhz)
    prior = _prior(single, settings)
    with Staging(output, overwrite=overwrite, inputs=inputs) as staging:
        endings = [".nii.gz", "_truth.csv", "_truth.json", *(["_wref.nii.gz"] if water_reference else [])]
        staging.reserve(*(name + ending for ending in endings))
        rng = np.random.default_rng(seed)
        received = draw_coils(coils, rng) if coils > 1 else None
        scan = simulate_transients(prior, basis_set, n_transients, *sampling, rng, coils=received, seed=seed)
        header = acquired(single, edited=kind == "edited")
        nifti.write(_as_stored(scan.data, header), staging.path(f"{name}.nii.gz"))
        write_estimates(scan.truth, scan.data.dim_tags, staging.path(f"{name}_truth.csv"))
        truth = json.dumps(_truth(scan, settings), indent=2)
        staging.path(f"{name}_truth.json").write_text(truth + "\n", encoding="utf-8")
        if water_reference:
            wref = simulate_water_reference(scan, rng, first_point=water_first_point(single), seed=seed)
            header.pop("EditCondition", None)
            nifti.write(_as_stored(wref, header), staging.path(f"{name}_wref.nii.gz"))
    _print_files(output, name, settings)


def _print_files(output: Path, name: str, settings: dict[str, Any]) -> None:
    """Print the files of a scan that is no MRSI, and the command that fits it."""
    scan, water = output / f"{name}.nii.gz", output / f"{name}_wref.nii.gz"
    truth = output / f"{name}_truth"
    lines = [f"Result: {scan}", f"Truth: {truth}.json (amounts), {truth}.csv (shifts and phases)"]
    if settings["water_reference"]:
        lines.insert(1, f"Water reference: {water}")
    if settings["basis"] is not None and settings["kind"] != "edited":
        words = ["fsl_mrs_dl", "process", "--data", scan, *(["--reference", water] if len(lines) > 2 else [])]
        words += ["--basis", settings["basis"], "--output", "results", "--report"]
        lines.append(f"Next: {shlex.join(map(str, words))}")
    print(printable("\n".join(lines), lines=True))  # noqa: T201


def _check(settings: dict[str, Any]) -> None:
    """Refuse impossible numbers, with the name of the option."""
    for option, least in (("transients", 1), ("coils", 1), ("points", _LEAST_POINTS), ("seed", 0)):
        if settings[option] is not None and settings[option] < least:
            raise OptionError(f"--{option} is {settings[option]}; at least {least} is needed.")
    if settings["kind"] == "mrsi" and settings["water_reference"]:
        raise OptionError("--kind mrsi has no water reference; leave --water_reference out.")
    n_fids = settings["transients"] * settings["coils"]
    n_points = settings["points"] or _POINTS
    # A basis set needs memory as well.
    check_new_fids(max(n_fids, 2**9), n_points, "points" if n_fids < 2**9 else "transients")
    for option in ("field", "dwelltime", "snr"):
        value = settings[option]
        decibels = option == "snr" and settings["snr_definition"] == "snr_db"
        if value is not None and not (math.isfinite(value) and (value > 0 or decibels)):
            raise OptionError(f"--{option} is {value:g}; a positive number is needed.")
    low, high = _DECIBELS if settings["snr_definition"] == "snr_db" else (_LEAST_SNR, math.inf)
    if not low <= settings["snr"] <= high:
        raise OptionError(f"--snr is {settings['snr']:g}; a number from {low:g} to {high:g} is needed.")
    for option in ("shift_hz", "phase_deg"):
        if not 0 <= settings[option] < math.inf:
            raise OptionError(
                f"--{option} is {settings[option]:g}; half the width of a range is needed, 0 or more."
            )
    for option in ("drift_hz", "eddy_hz"):
        if not math.isfinite(settings[option]):
            raise OptionError(f"--{option} is {settings[option]:g}; a finite number is needed.")
    for option in ("water", "lipid"):
        if not 0 <= settings[option] <= 1:
            raise OptionError(f"--{option} is {settings[option]:g}; a probability from 0 to 1 is needed.")


def _basis(
    kind: str, folder: Path | None, field: float | None, points: int | None, dwelltime: float | None
) -> Basis | EditedPair:
    """Return the basis set, resampled to the points of the options."""
    if folder is None:
        frequency = NUCLEI["1H"].gyromagnetic_mhz_per_t * (field or _FIELD_T)
        sampling = (frequency, dwelltime or _DWELLTIME_S, points or _POINTS)
        return edited_singlets(*sampling) if kind == "edited" else brain_singlets(*sampling)
    if kind == "edited":
        on, off = (_read(one, field, points, dwelltime) for one in _folders(kind, folder))
        return EditedPair(on, off)
    return _read(folder, field, points, dwelltime)


def _folders(kind: str, basis: Path | None) -> list[Path]:
    """Return the folders (or names) of the basis set; an edited scan has two."""
    if basis is None or not basis.name:
        return [] if basis is None else [basis]
    return [basis.with_name(basis.name + end) for end in (_PAIR if kind == "edited" else ("",))]


def _read(folder: Path, field: float | None, points: int | None, dwelltime: float | None) -> Basis:
    """Read a basis set from a file, or a shipped one, and resample it to the points of the options."""
    named = not folder.exists() and folder.name in RECIPES
    basis = sound_basis(read_basis(shipped_basis(folder.name) if named else folder))
    if basis.nucleus != "1H":
        raise OptionError(f"{folder} is a basis set of {basis.nucleus}; only 1H can be simulated.")
    gyromagnetic = NUCLEI["1H"].gyromagnetic_mhz_per_t
    frequency = gyromagnetic * field if field else basis.spectrometer_frequency_mhz
    dwelltime = dwelltime or basis.dwelltime_s
    reached = min(covered_points(basis, dwelltime, frequency), basis.fids.shape[1])
    return on_points(basis, points or reached, dwelltime, frequency)


def _prior(basis: Basis, settings: dict[str, Any]) -> Prior:
    """Return the prior of the settings; widths are those of a well shimmed brain at 3 T."""
    drift_hz, phase_rad = settings["drift_hz"], math.radians(settings["phase_deg"])
    drift = Drift() if settings["kind"] == "svs" else Drift(Fixed(drift_hz), abs(drift_hz) * _WALK_PER_DRIFT)
    return Prior(
        amplitudes=brain_amplitudes(basis.names) | macromolecule_amplitudes(basis),
        line_signals=_broad(basis),
        lorentzian_hz=Uniform(2.0, 4.0),
        gaussian_hz=Uniform(1.0, 4.0),
        eddy=Eddy(Fixed(settings["eddy_hz"]), Fixed(_EDDY_TIME_CONSTANT_S)) if settings["eddy_hz"] else None,
        noise=Noise(Fixed(settings["snr"]), settings["snr_definition"]),
        shift_hz=Uniform(-settings["shift_hz"], settings["shift_hz"]),
        phase_rad=Uniform(-phase_rad, phase_rad),
        nuisances=(UnstableWater(settings["water"]), LipidContamination(settings["lipid"])),
        drift=drift,
    )


def _broad(basis: Basis) -> tuple[LineSignal, ...]:
    """Return the macromolecules to add; none to a basis set that has its own."""
    return () if macromolecules(basis.names) else (_MACROMOLECULES,)


def _as_stored(data: MRSData, header: Mapping[str, Any]) -> MRSData:
    """Return data as a scanner stores them: in single precision, with acquisition keys in the header."""
    return replace(data, fid=data.fid.astype(np.complex64), header={**data.header, **header})


def _truth(scan: Simulated, settings: dict[str, Any]) -> dict[str, Any]:
    """Return the true parameters of a scan that are not in its table of shifts and phases."""
    parameters = scan.parameters
    gamma, sigma = float(parameters["gamma"][0]), float(parameters["sigma"][0])
    truth: dict[str, Any] = {
        "made_by": f"fsl_mrs_dl simulate {__version__}",
        "settings": {
            key: value.name if isinstance(value, Path) else value for key, value in settings.items()
        },
        "amplitudes": dict(zip(scan.names, parameters["amplitudes"][0].tolist(), strict=True)),
        "lineshape": {
            "gamma_rad_per_s": gamma,
            "sigma_rad_per_s": sigma,
            "lorentzian_fwhm_hz": gamma / gamma_from_fwhm(1.0),
            "gaussian_fwhm_hz": sigma / sigma_from_fwhm(1.0),
        },
        "noise_sigma_per_channel": scan.sigma,
        "snr": {settings["snr_definition"]: settings["snr"]},
        "nuisance": scan.labels.tolist(),
        "order_of_nuisance": "acquisitions in order of time; ON and OFF in turns if edited",
    }
    if "eddy_hz" in parameters:
        truth["eddy_current"] = {
            "amplitude_hz": float(parameters["eddy_hz"][0]),
            "time_constant_s": float(parameters["eddy_time_constant_s"][0]),
        }
    if scan.coils is not None:
        sensitivities, covariance = scan.coils.sensitivities, scan.coils.covariance
        truth["coils"] = {
            "sensitivities_re": sensitivities.real.tolist(),
            "sensitivities_im": sensitivities.imag.tolist(),
            "noise_covariance_re": covariance.real.tolist(),
            "noise_covariance_im": covariance.imag.tolist(),
        }
    return truth
