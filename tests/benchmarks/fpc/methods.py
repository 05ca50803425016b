"""Estimators of shift and phase by name, on one kind of test set, and the bound that belongs to each."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl import fslmrs
from fsl_mrs_dl.data import Complex, MRSData, Real
from fsl_mrs_dl.fit.registration import CAPTURE_PPM, Band, Method, estimate_alignment, gn, registration_crlb
from fsl_mrs_dl.models.catalogue import CATALOGUE
from fsl_mrs_dl.models.registration_encoders import estimate
from fsl_mrs_dl.physics import correct, ppm_axis, ppm_window
from fsl_mrs_dl.scores import phase_difference
from fsl_mrs_dl.train.registration_data import Transients
from tests.benchmarks.fpc.networks import TrainedFpcNetwork
from tests.benchmarks.fpc.profiles import CLASSICAL, NETWORKS
from tests.benchmarks.rivals import fsl_mrs_estimates

WINDOW_PPM = (1.8, 4.2)
"""Of ``gn`` and of every rival that has a window."""
NETWORK_POINTS = 512  # of an FID, that networks read
FAILURE_HZ = 3.0  # an error that noise does not make, and that widens an average by half a line
KNOWN, OWN, FSL_MRS = "gn, known", "gn", "FSL-MRS align"
NETWORK_START = "gn, network start"
SLOW = ("sr", "srf", "crr", "crrf", FSL_MRS)
_BOUNDED = 64  # transients whose bounds are averaged; they differ by a few per cent

Estimator = Callable[[Transients], tuple[Real, Real]]


@dataclass(frozen=True, eq=False)
class MethodResult:
    """What a method said of a set.

    Attributes
    ----------
    shift_hz, phase_rad : ndarray, float, shape (transient,)
        As estimated, but for one shift and one phase of the whole set, which relative methods leave open.
    shift_error_hz, phase_error_rad : ndarray, float, shape (transient,)
    mean_hz, mean_rad : float
        The mean error, taken away from the four arrays.
    ms : float
        A transient, in memory; NaN where nothing was computed.
    """

    shift_hz: Real
    phase_rad: Real
    shift_error_hz: Real
    phase_error_rad: Real
    mean_hz: float
    mean_rad: float
    ms: float

    def precision(self, chosen: NDArray[np.bool_] | None = None) -> tuple[float, float]:
        """Return the SDs of the errors of shift (Hz) and phase (degrees)."""
        some = slice(None) if chosen is None else chosen
        if self.shift_error_hz[some].size < 2:
            return float("nan"), float("nan")
        return float(np.std(self.shift_error_hz[some])), float(np.degrees(np.std(self.phase_error_rad[some])))

    @property
    def failures(self) -> int:
        """How many shifts are off by more than :data:`FAILURE_HZ`."""
        return int((np.abs(self.shift_error_hz) > FAILURE_HZ).sum())


def run_estimator(estimator: Estimator, test: Transients) -> MethodResult:
    """Run a method on a set, timed, and compare with the truth."""
    began = time.perf_counter()
    shift_hz, phase_rad = estimator(test)
    ms = 1e3 * (time.perf_counter() - began) / len(test.fids)
    return compared(shift_hz, phase_rad, test, ms)


def compared(shift_hz: Real, phase_rad: Real, test: Transients, ms: float = float("nan")) -> MethodResult:
    """Return estimates beside the truth of a set."""
    error_hz = shift_hz - test.truth[:, 0]
    error_rad = phase_difference(phase_rad, test.truth[:, 1])
    # The median, so that a failure does not move the others.
    middle_hz = float(np.median(error_hz))
    middle_rad = float(np.angle(np.exp(1j * error_rad).mean()))
    return MethodResult(
        shift_hz - middle_hz,
        phase_rad - middle_rad,
        error_hz - middle_hz,
        phase_difference(error_rad, middle_rad),
        middle_hz,
        middle_rad,
        ms,
    )


def estimators(networks: dict[str, TrainedFpcNetwork]) -> dict[str, Estimator | None]:
    """Return the methods by name, in the order of the table; None for one that cannot be run."""
    of_networks = {name: _by_network(networks[name]) for name in NETWORKS if name in networks}
    order = ("dsr", "dsrf", "sr", "srf", "dcrr", "dcrrf", "crr", "crrf", "corr", "corrf", "tapper", "ma")
    every: dict[str, Estimator | None] = {
        name: of_networks[name] if name in NETWORKS else by_align(name)
        for name in (*order, *(name for name in of_networks if name not in order))
        if name in CLASSICAL or name in of_networks
    }
    every |= {KNOWN: by_known_template, OWN: by_align("gn")}
    every[FSL_MRS] = by_fsl_mrs if fslmrs.available() else None
    return every


def first(test: Transients, n: int) -> Transients:
    """Return the first transients of a set."""
    return replace(
        test,
        fids=test.fids[:n],
        truth=test.truth[:n],
        labels=test.labels[:n],
        clean=None if test.clean is None else test.clean[:n],
        noise_sigma=None if test.noise_sigma is None else test.noise_sigma[:n],
    )


def as_data(test: Transients) -> MRSData:
    """Return a set as a scan whose transients are along DIM_DYN."""
    fid = np.ascontiguousarray(test.fids.T)[None, None, None]
    return MRSData(fid, test.dwelltime_s, test.spectrometer_frequency_mhz, test.nucleus, ("DIM_DYN",))


def _by_network(trained: TrainedFpcNetwork) -> Estimator:
    return lambda test: estimate(trained.network, test.fids, test.dwelltime_s)


def by_align(method: str | Method) -> Estimator:
    """Return a method of ``align``, relative to the set's own middle."""

    def run(test: Transients) -> tuple[Real, Real]:
        results = estimate_alignment(as_data(test), dim="DIM_DYN", limits_ppm=WINDOW_PPM, method=method)
        return results.shift_hz.ravel(), results.phase_rad.ravel()

    return run


def by_known_template(test: Transients) -> tuple[Real, Real]:
    """Register to the noiseless signal."""
    band = Band.of(as_data(test), WINDOW_PPM, CAPTURE_PPM * test.spectrometer_frequency_mhz)
    results = gn(test.fids[:, None].astype(np.complex128), template(test)[None], band)
    return results.shift_hz, results.phase_rad


def by_fsl_mrs(test: Transients) -> tuple[Real, Real]:
    """Register by FSL-MRS's own align."""
    return fsl_mrs_estimates(as_data(test), WINDOW_PPM)


def template(test: Transients) -> Complex:
    """Return the noiseless signal at shift and phase 0, shape (time,)."""
    fid: Complex = _still(test, 1)[0]
    return fid


def _still(test: Transients, n: int) -> Complex:
    """Return the first noiseless signals at shift and phase 0, shape (transient, time)."""
    if test.clean is None:
        raise ValueError("Measured transients have no known template.")
    shift_hz, phase_rad = test.truth[:n].T
    still: Complex = correct(test.clean[:n].astype(np.complex128), shift_hz, phase_rad, test.dwelltime_s)
    return still


@dataclass(frozen=True)
class Reach:
    """What of a transient a method reads: how many points, and which window; None = all."""

    n_points: int | None = None
    window_ppm: tuple[float, float] | None = None

    def __str__(self) -> str:
        points = f"{self.n_points} points" if self.n_points else "all points"
        where = "all ppm" if self.window_ppm is None else "{:g}-{:g} ppm".format(*self.window_ppm)
        return f"{points}, {where}"


def reach_of(method: str) -> Reach:
    """Return what a method reads."""
    if method in NETWORKS:
        return Reach(NETWORK_POINTS, CATALOGUE[method].fixed.get("window_ppm"))
    if method in ("sr", "crr", "corr"):
        return Reach()
    return Reach(None, WINDOW_PPM)


def bound(test: Transients, reach: Reach) -> tuple[float, float]:
    """Return the Cramer-Rao bounds of shift (Hz) and phase (degrees), the root mean square over the set.

    The signal known but for scale, shift and phase; white noise alone in what the method reads, whose
    projector is the window; no nuisance signal.
    """
    if test.clean is None or test.noise_sigma is None:
        return float("nan"), float("nan")
    n_points = reach.n_points or test.fids.shape[1]
    ppm = ppm_axis(n_points, test.dwelltime_s, test.spectrometer_frequency_mhz, float(np.median(test.ppm)))
    inside = ppm_window(ppm, reach.window_ppm)
    band = Band(test.dwelltime_s, test.spectrometer_frequency_mhz, ppm, inside, 0.0)
    plain = replace(band, share=np.zeros(band.baseline.shape[1]))
    both = [
        registration_crlb(fid[None, :n_points], plain, float(sigma))
        for fid, sigma in zip(_still(test, _BOUNDED), test.noise_sigma, strict=False)
    ]
    shift_hz, phase_rad = np.sqrt(np.mean(np.square(both), axis=0))
    return float(shift_hz), float(np.degrees(phase_rad))
