"""The default of ``align`` on simulated 3 T and 7 T scans, and its speed, beside the shipped networks."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fsl_mrs_dl import fslmrs
from fsl_mrs_dl.benchmark.fpc.methods import (
    FAILURE_HZ,
    FSL_MRS,
    KNOWN,
    NETWORK_START,
    OWN,
    WINDOW_PPM,
    Found,
    Reach,
    as_data,
    bound,
    compared,
    template,
)
from fsl_mrs_dl.benchmark.fpc.profiles import NETWORKS, Profile
from fsl_mrs_dl.benchmark.fpc.sets import BASES, CAPTURE_HZ, SCAN, Field, of_scan
from fsl_mrs_dl.benchmark.rivals import fsl_mrs_estimates
from fsl_mrs_dl.benchmark.table import NOT_RUN, Table
from fsl_mrs_dl.data import MRSData, Real
from fsl_mrs_dl.errors import ModelError, OptionError
from fsl_mrs_dl.fit.alignment import CAPTURE_PPM, estimate_alignment
from fsl_mrs_dl.fit.gauss_newton import gn
from fsl_mrs_dl.fit.methods import Method
from fsl_mrs_dl.fit.registration import Band
from fsl_mrs_dl.models.package import package_name
from fsl_mrs_dl.steps.align_models import method_of
from fsl_mrs_dl.train.registration_data import Transients

START = "ma"
"""The shipped network that can start the default."""
_REPEATS = 3

Estimate = Callable[[Transients], tuple[Real, Real]]


def shipped_methods(data: MRSData) -> dict[str, Estimate | None]:
    """Return the methods for data of a field by name; None for one whose network is not shipped.

    Parameters
    ----------
    data : MRSData
        Gives nucleus and field.
    """
    name = package_name("align", START, data.nucleus, data.spectrometer_frequency_mhz)
    wanted: dict[str, tuple[str, str | None]] = {OWN: ("gn", None), NETWORK_START: ("gn", name)}
    wanted |= {network: (network, None) for network in NETWORKS}
    made: dict[str, Estimate | None] = {KNOWN: _by_known}
    for said, (method, model) in wanted.items():
        try:
            chosen, _ = method_of(method, model, data)
        except (ModelError, OptionError):
            made[said] = None
        else:
            made[said] = _by(chosen)
    return made


def _by(method: Method) -> Estimate:
    def run(test: Transients) -> tuple[Real, Real]:
        found = estimate_alignment(as_data(test), dim="DIM_DYN", limits_ppm=WINDOW_PPM, method=method)
        return found.shift_hz.ravel(), found.phase_rad.ravel()

    return run


def _by_known(test: Transients) -> tuple[Real, Real]:
    band = Band.of(as_data(test), WINDOW_PPM, CAPTURE_PPM * test.spectrometer_frequency_mhz)
    found = gn(test.fids[:, None].astype(np.complex128), template(test)[None], band)
    return found.shift_hz, found.phase_rad


@dataclass(frozen=True, eq=False)
class _Cell:
    """What a method said of the scans of one field and level."""

    found: list[Found]
    bounds: list[tuple[float, float]]

    def row(self) -> list[str]:
        """Return SD, bound and ratio of both, failures, n and time."""
        error_hz = np.concatenate([one.shift_error_hz for one in self.found])
        error_rad = np.concatenate([one.phase_error_rad for one in self.found])
        good = np.abs(error_hz) <= FAILURE_HZ
        limits = np.sqrt(np.mean(np.square(self.bounds), axis=0))
        cells = []
        for sd, limit, digits in (
            (np.std(error_hz[good]), limits[0], 3),
            (np.degrees(np.std(error_rad[good])), limits[1], 2),
        ):
            cells += [f"{sd:.{digits}f}", f"{limit:.{digits}f}", f"{sd / limit:.2f}"]
        ms = float(np.median([one.ms for one in self.found]))
        return [*cells, str(int((~good).sum())), str(len(good)), f"{ms:.2f}"]


def default_tables(profile: Profile, seed: int) -> list[Table]:
    """Return one table a field: the default and its rivals at several levels of noise."""
    return [_default_table(name, profile, seed) for name in BASES]


def _default_table(field: str, profile: Profile, seed: int) -> Table:
    columns = ["SNR_t0", "method", "shift SD (Hz)", "bound", "ratio", "phase SD (deg)", "bound", "ratio"]
    columns += [f"failures > {FAILURE_HZ:g} Hz", "n", "ms a transient"]
    rows = []
    for snr, n_scans in profile.scans.items():
        rng = np.random.default_rng([seed, 4, round(10 * snr)])
        scans = [of_scan(Field(field).scan(snr, rng, min(SCAN, 10 * profile.tested))) for _ in range(n_scans)]
        bounds = [bound(one, Reach(None, WINDOW_PPM)) for one in scans]
        for name, method in shipped_methods(as_data(scans[0])).items():
            if method is None:
                rows.append([f"{snr:g}", name, *[NOT_RUN] * (len(columns) - 2)])
                continue
            some = len(scans) if name in (KNOWN, OWN, NETWORK_START) else min(4, len(scans))
            method(scans[0])
            cell = _Cell([_timed(method, one) for one in scans[:some]], bounds[:some])
            rows.append([f"{snr:g}", name, *cell.row()])
    caption = (
        f"## Default at {field}\n\nScans of {SCAN} transients from `{BASES[field]}`, 2048 points of 0.25 ms, one "
        f"mixture and linewidth a scan, no nuisance; shift within +-{CAPTURE_HZ[field]:g} Hz, phase within "
        "+-180 degrees. SD over the transients that did not fail. `gn` is the default, started by a matched "
        f"filter. Bound: template known, window {WINDOW_PPM[0]}-{WINDOW_PPM[1]} ppm, its projector, white noise "
        "alone. The networks are the shipped ones; see their cards for the range they were trained on."
    )
    return Table(caption, columns, rows)


def _timed(method: Estimate, test: Transients) -> Found:
    began = time.perf_counter()
    shift_hz, phase_rad = method(test)
    ms = 1e3 * (time.perf_counter() - began) / len(test.fids)
    return compared(shift_hz, phase_rad, test, ms)


def speed_table(profile: Profile, seed: int) -> Table:
    """Return times of one scan in memory, warm, with the accuracy of the same run."""
    one = of_scan(Field("3 T").scan(15.0, np.random.default_rng([seed, 5]), profile.batch))
    methods = shipped_methods(as_data(one))
    from fsl_mrs_dl.fit.methods import METHODS

    methods |= {name: _by(METHODS[name]) for name in ("sr", "corrf")}
    theirs: Estimate = lambda test: fsl_mrs_estimates(as_data(test), WINDOW_PPM)  # noqa: E731
    methods[FSL_MRS] = theirs if fslmrs.available() else None
    columns = [
        "method",
        "ms a transient",
        "slowest of 3",
        "shift SD (Hz)",
        "bound",
        "ratio",
        "phase SD (deg)",
    ]
    columns += ["bound", "ratio", f"failures > {FAILURE_HZ:g} Hz", "n"]
    limits = bound(one, Reach(None, WINDOW_PPM))
    rows = []
    for name, method in methods.items():
        if method is None:
            rows.append([name, *[NOT_RUN] * (len(columns) - 1)])
            continue
        repeats = 1 if name == FSL_MRS else _REPEATS
        found = [_timed(method, one) for _ in range(repeats + 1)][1:]
        cell = _Cell(found[:1], [limits]).row()
        times = [each.ms for each in found]
        rows.append([name, f"{np.median(times):.3f}", f"{max(times):.3f}", *cell[:-1]])
    caption = (
        f"## Speed\n\nOne scan of {profile.batch} x 2048 points at 3 T, SNR_t0 15, as in *Default at 3 T*: "
        "estimation alone, in memory, warm, one thread; accuracy and failures of the same run."
    )
    return Table(caption, columns, rows)
