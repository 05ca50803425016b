"""Task ``registration``: shift and phase of simulated 3 T transients, every method beside the bound."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from tqdm import tqdm

from fsl_mrs_dl import fslmrs
from fsl_mrs_dl.data import TIME_AXIS, Complex, MRSData, Real
from fsl_mrs_dl.fit.registration import CAPTURE_PPM, METHODS, Band, estimate_alignment, gn, registration_crlb
from fsl_mrs_dl.physics.lines import BIRCH_2017
from fsl_mrs_dl.scores import phase_difference
from fsl_mrs_dl.simulate import (
    Fixed,
    Noise,
    Prior,
    Simulated,
    Uniform,
    brain_amplitudes,
    brain_singlets,
    simulate_transients,
)
from fsl_mrs_dl.simulate.nuisance import LipidContamination, ResidualWater
from fsl_mrs_dl.simulate.priors import LineSignal
from tests.benchmarks.rivals import fsl_mrs_estimates
from tests.benchmarks.table import Page, Table

N_POINTS, DWELLTIME_S, FREQUENCY_MHZ = 2048, 2.5e-4, 127.7  # 0.5 s at 4 kHz, a scanner of 3 T
BATCH = 320  # transients, as in an edited scan
WINDOW_PPM = (1.8, 4.2)  # NAA to the CH2 of creatine, without lipid and water
FAILURE_HZ = 3.0  # an error that noise does not make, and that widens an average by half a line
NEAR_HZ, NEAR_RAD = 5.0, np.radians(15.0)
"""The range of the second table, in which methods that start at zero can compete."""


@dataclass(frozen=True)
class RegistrationProfile:
    """How much is run: batches a cell, of how many transients, at which SNR_t0; and for the slow rivals."""

    batches: int
    transients: int
    snr_t0: tuple[float, ...]
    rival_batches: int


PROFILES = {
    "smoke": RegistrationProfile(1, 16, (15.0,), 1),
    "small": RegistrationProfile(10, BATCH, (5.0, 10.0, 15.0, 30.0), 4),
    "paper": RegistrationProfile(100, BATCH, (3.0, 5.0, 8.0, 10.0, 15.0, 20.0, 30.0, 60.0), 10),
}


@dataclass(frozen=True, eq=False)
class MethodErrors:
    """What one method said of all transients of a cell."""

    shift_error_hz: Real
    phase_error_rad: Real
    shift_sd_hz: Real
    seconds: float


def run(profile: str, seed: int) -> Page:
    """Run the task, a :class:`~tests.benchmarks.table.Task`."""
    chosen = PROFILES[profile]
    wide = _table("wide", chosen, seed, 20.0, np.pi, list(_methods(rivals=False)))
    near = _table("near", chosen, seed, NEAR_HZ, NEAR_RAD, list(_methods(rivals=True)))
    spoilt = _table("spoilt", chosen, seed, 20.0, np.pi, list(_methods(rivals=False)), nuisance=True)
    return Page("Registration of transients", _METHOD, [wide, near, spoilt], _REMARKS)


_METHOD = f"""\
Simulated 3 T transients ({FREQUENCY_MHZ} MHz, {N_POINTS} points of {DWELLTIME_S * 1e3:g} ms): singlets of the
brain, 4 to 7 Hz wide, on Birch's macromolecules, one mixture a batch, white noise at the stated SNR_t0. Window
{WINDOW_PPM[0]} to {WINDOW_PPM[1]} ppm. SD is that of (estimate - truth) about its median in a batch, over the
transients that did not fail; a failure is an error of more than {FAILURE_HZ:g} Hz. The bound is the Cramer-Rao
bound with the reference known and white noise alone in the same window (its projector). `stated` is the median
SD that the method itself gave over the SD found. Times are for estimation alone, in memory, without reading or
writing, in the same run as the accuracy."""
_REMARKS = (
    "`gn, known` has the noiseless transient as its reference and stands for what is possible; `gn` is the "
    "default of `align`. `FSL-MRS align` is its own function; its estimates are read off what it did to the "
    "data."
)


def _methods(*, rivals: bool) -> list[str]:
    names = ["gn, known", "gn"]
    if rivals:
        names += [name for name in METHODS if name != "gn"] + ["FSL-MRS align"]
    else:
        names += ["corrf", "crrf"]
    return names


def _table(
    name: str,
    profile: RegistrationProfile,
    seed: int,
    hz: float,
    rad: float,
    methods: list[str],
    *,
    nuisance: bool = False,
) -> Table:
    rows = []
    cells = [(snr, method) for snr in profile.snr_t0 for method in methods]
    for snr, method in tqdm(cells, desc=name, leave=False, disable=None):
        batches = profile.batches if method in ("gn, known", "gn") else profile.rival_batches
        rng = np.random.default_rng([seed, int(snr * 10), len(name)])
        sets = [_simulate(profile.transients, snr, hz, rad, rng, nuisance=nuisance) for _ in range(batches)]
        rows.append(_row(snr, method, sets))
    spoiling = ", residual water and lipid in 40 % of the transients each" if nuisance else ""
    caption = f"Shift within +-{hz:g} Hz, phase within +-{np.degrees(rad):.0f} degrees{spoiling}."
    columns = ["SNR_t0", "method", "shift SD (Hz)", "bound", "ratio", "stated", "phase SD (deg)", "bound"]
    columns += ["ratio", f"failures > {FAILURE_HZ:g} Hz", "n", "ms a transient"]
    return Table.filled(caption, columns, rows)


def _simulate(
    n: int, snr: float, hz: float, rad: float, rng: np.random.Generator, *, nuisance: bool
) -> Simulated:
    basis = brain_singlets(FREQUENCY_MHZ, DWELLTIME_S, N_POINTS)
    spoilers = (ResidualWater(0.4), LipidContamination(0.4)) if nuisance else ()
    prior = Prior(
        amplitudes=brain_amplitudes(basis.names),
        line_signals=(LineSignal("MM", BIRCH_2017, Uniform(0.2, 0.4)),),
        lorentzian_hz=Uniform(2.0, 5.0),
        noise=Noise(Fixed(snr), "snr_t0"),
        shift_hz=Uniform(-hz, hz),
        phase_rad=Uniform(-rad, rad),
        nuisances=spoilers,
    )
    return simulate_transients(prior, basis, n, N_POINTS, DWELLTIME_S, FREQUENCY_MHZ, rng)


def _row(snr: float, method: str, sets: list[Simulated]) -> list[str]:
    estimate = _estimator(method)
    if estimate is None:
        return [f"{snr:g}", method]
    estimate(sets[0])  # warm: the first call pays for imports and caches
    results = [errors_of(estimate, one) for one in sets]
    error_hz = np.concatenate([f.shift_error_hz for f in results])
    error_rad = np.concatenate([f.phase_error_rad for f in results])
    good = np.abs(error_hz) <= FAILURE_HZ
    bounds = np.array([bound_of(one) for one in sets]).mean(axis=0)
    sd = np.array([np.std(error_hz[good]), np.std(error_rad[good])])
    stated = (
        np.nanmedian(np.concatenate([f.shift_sd_hz for f in results]))
        if np.isfinite(results[0].shift_sd_hz).any()
        else np.nan
    )
    ms = 1e3 * sum(f.seconds for f in results) / len(error_hz)
    return [
        f"{snr:g}",
        method,
        f"{sd[0]:.3f}",
        f"{bounds[0]:.3f}",
        f"{sd[0] / bounds[0]:.2f}",
        f"{stated / sd[0]:.2f}" if np.isfinite(stated) else "-",
        f"{np.degrees(sd[1]):.2f}",
        f"{np.degrees(bounds[1]):.2f}",
        f"{sd[1] / bounds[1]:.2f}",
        str(int((~good).sum())),
        str(len(error_hz)),
        f"{ms:.2f}",
    ]


def errors_of(estimate: Callable[[Simulated], tuple[Real, Real, Real]], one: Simulated) -> MethodErrors:
    """Run a method on one scan and return its errors about the scan's middle, and its time."""
    started = time.perf_counter()
    shift_hz, phase_rad, sd = estimate(one)
    seconds = time.perf_counter() - started
    error_hz = shift_hz - one.truth.shift_hz.ravel()
    error_rad = phase_difference(phase_rad, one.truth.phase_rad.ravel())
    # Relative methods leave one shift and one phase of the whole batch open.
    middle = np.angle(np.mean(np.exp(1j * error_rad)))
    return MethodErrors(error_hz - np.median(error_hz), phase_difference(error_rad, middle), sd, seconds)


def _estimator(method: str) -> Callable[[Simulated], tuple[Real, Real, Real]] | None:
    if method == "gn, known":
        return register_to_truth
    if method == "FSL-MRS align":
        return _fsl_mrs if fslmrs.available() else None

    def ours(one: Simulated) -> tuple[Real, Real, Real]:
        estimates = estimate_alignment(one.data, dim="DIM_DYN", limits_ppm=WINDOW_PPM, method=method)
        return estimates.shift_hz.ravel(), estimates.phase_rad.ravel(), estimates.shift_hz_sd.ravel()

    return ours


def transients_of(data: MRSData) -> Complex:
    """Return the FIDs of a file of one voxel, without coils, shape (transient, time)."""
    return np.moveaxis(data.fid[0, 0, 0], TIME_AXIS - 3, -1)


def unmoved(one: Simulated) -> Complex:
    """Return the noiseless transient at zero shift and phase, without nuisance, shape (time,)."""
    from fsl_mrs_dl.physics import correct

    fids = np.moveaxis(one.clean[0, 0, 0], 0, -1)
    free = int(np.flatnonzero(one.labels == "Free")[0])
    shift_hz, phase_rad = one.truth.shift_hz.ravel()[free], one.truth.phase_rad.ravel()[free]
    unmoved: Complex = correct(fids[free], shift_hz, phase_rad, one.data.dwelltime_s)
    return unmoved


def _band(one: Simulated) -> Band:
    return Band.of(one.data, WINDOW_PPM, CAPTURE_PPM * one.data.spectrometer_frequency_mhz)


def bound_of(one: Simulated) -> tuple[float, float]:
    """Return the bounds of shift (Hz) and phase (rad): template known, white noise alone, in the window."""
    plain = replace(_band(one), share=np.zeros(_band(one).baseline.shape[1]))
    return registration_crlb(unmoved(one)[None], plain, one.sigma)


def register_to_truth(one: Simulated) -> tuple[Real, Real, Real]:
    """Return shift (Hz), phase (rad) and SD of the shift by ``gn`` with the noiseless transient as reference."""
    estimates = gn(transients_of(one.data)[:, None], unmoved(one)[None], _band(one))
    return estimates.shift_hz, estimates.phase_rad, estimates.shift_hz_sd


def _fsl_mrs(one: Simulated) -> tuple[Real, Real, Real]:
    shift_hz, phase_rad = fsl_mrs_estimates(one.data, WINDOW_PPM)
    return shift_hz, phase_rad, np.full(len(shift_hz), np.nan)
