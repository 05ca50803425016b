"""The default of ``align`` on simulated 3 T and 7 T scans, and its speed, beside the shipped networks."""

from dataclasses import dataclass

import numpy as np

from fsl_mrs_dl import fslmrs
from fsl_mrs_dl.data import MRSData
from fsl_mrs_dl.errors import ModelError, OptionError
from fsl_mrs_dl.models.package import package_name
from fsl_mrs_dl.steps.align_models import method_of
from tests.benchmarks.fpc.methods import (
    FAILURE_HZ,
    FSL_MRS,
    KNOWN,
    NETWORK_START,
    OWN,
    WINDOW_PPM,
    Estimator,
    MethodResult,
    Reach,
    as_data,
    bound,
    by_align,
    by_fsl_mrs,
    by_known_template,
    run_estimator,
)
from tests.benchmarks.fpc.profiles import NETWORKS, FpcProfile
from tests.benchmarks.fpc.sets import BASES, CAPTURE_HZ, SCAN, BrainField, of_scan
from tests.benchmarks.table import Table

START = "ma"
"""The shipped network that can start the default."""
_REPEATS = 3  # runs that are timed: their median and the slowest are shown


def shipped_methods(data: MRSData) -> dict[str, Estimator | None]:
    """Return the methods for data of a field by name; None for one whose network is not shipped.

    Parameters
    ----------
    data : MRSData
        Gives nucleus and field.
    """
    name = package_name("align", START, data.nucleus, data.spectrometer_frequency_mhz)
    selected: dict[str, tuple[str, str | None]] = {OWN: ("gn", None), NETWORK_START: ("gn", name)}
    selected |= {network: (network, None) for network in NETWORKS}
    estimators: dict[str, Estimator | None] = {KNOWN: by_known_template}
    for text, (method, model) in selected.items():
        try:
            chosen, _ = method_of(method, model, data, checked=False)
        except (ModelError, OptionError):
            estimators[text] = None
        else:
            estimators[text] = by_align(chosen)
    return estimators


@dataclass(frozen=True, eq=False)
class _FieldCell:
    """What a method said of the scans of one field and level."""

    results: list[MethodResult]
    bounds: list[tuple[float, float]]

    def row(self) -> list[str]:
        """Return SD, bound and ratio of both, failures, n and time."""
        error_hz = np.concatenate([one.shift_error_hz for one in self.results])
        error_rad = np.concatenate([one.phase_error_rad for one in self.results])
        good = np.abs(error_hz) <= FAILURE_HZ
        limits = np.sqrt(np.mean(np.square(self.bounds), axis=0))
        cells = []
        for sd, limit, digits in (
            (np.std(error_hz[good]), limits[0], 3),
            (np.degrees(np.std(error_rad[good])), limits[1], 2),
        ):
            cells += [f"{sd:.{digits}f}", f"{limit:.{digits}f}", f"{sd / limit:.2f}"]
        ms = float(np.median([one.ms for one in self.results]))
        return [*cells, str(int((~good).sum())), str(len(good)), f"{ms:.2f}"]


def default_tables(profile: FpcProfile, seed: int) -> list[Table]:
    """Return one table a field: the default and its rivals at several levels of noise."""
    return [_default_table(name, profile, seed) for name in BASES]


def _default_table(field: str, profile: FpcProfile, seed: int) -> Table:
    columns = ["SNR_t0", "method", "shift SD (Hz)", "bound", "ratio", "phase SD (deg)", "bound", "ratio"]
    columns += [f"failures > {FAILURE_HZ:g} Hz", "n", "ms a transient"]
    rows = []
    for snr, n_scans in profile.scans.items():
        rng = np.random.default_rng([seed, 4, round(10 * snr)])
        scans = [
            of_scan(BrainField(field).scan(snr, rng, min(SCAN, 10 * profile.tested))) for _ in range(n_scans)
        ]
        bounds = [bound(one, Reach(None, WINDOW_PPM)) for one in scans]
        for name, method in shipped_methods(as_data(scans[0])).items():
            if method is None:
                rows.append([f"{snr:g}", name])
                continue
            some = len(scans) if name in (KNOWN, OWN, NETWORK_START) else min(4, len(scans))
            method(scans[0])
            cell = _FieldCell([run_estimator(method, one) for one in scans[:some]], bounds[:some])
            rows.append([f"{snr:g}", name, *cell.row()])
    caption = (
        f"## Default at {field}\n\nScans of {SCAN} transients from `{BASES[field]}`, 2048 points of 0.25 ms, one "
        f"mixture and linewidth a scan, no nuisance; shift within +-{CAPTURE_HZ[field]:g} Hz, phase within "
        "+-180 degrees. SD over the transients that did not fail. `gn` is the default, started by a matched "
        f"filter. Bound: known template and white noise, in {WINDOW_PPM[0]}-{WINDOW_PPM[1]} ppm. The networks are "
        "the shipped ones; their cards name the range they were trained on."
    )
    return Table.filled(caption, columns, rows)


def speed_table(profile: FpcProfile, seed: int) -> Table:
    """Return times of one scan in memory, warm, with the accuracy of the same run."""
    one = of_scan(BrainField("3 T").scan(15.0, np.random.default_rng([seed, 5]), profile.batch))
    methods = shipped_methods(as_data(one))
    methods |= {name: by_align(name) for name in ("sr", "corrf")}
    methods[FSL_MRS] = by_fsl_mrs if fslmrs.available() else None
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
            rows.append([name])
            continue
        repeats = 1 if name == FSL_MRS else _REPEATS
        results = [run_estimator(method, one) for _ in range(repeats + 1)][1:]
        cell = _FieldCell(results[:1], [limits]).row()
        times = [each.ms for each in results]
        rows.append([name, f"{np.median(times):.3f}", f"{max(times):.3f}", *cell[:-1]])
    caption = (
        f"## Speed\n\nOne scan of {profile.batch} x 2048 points at 3 T, SNR_t0 15, as in *Default at 3 T*: "
        "estimation alone, in memory, warm, one thread; accuracy and failures of the same run."
    )
    return Table.filled(caption, columns, rows)
