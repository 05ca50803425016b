"""Task ``fit``: error over Cramer-Rao bound of every amplitude, failures and speed, in one run."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from tqdm import tqdm

from fsl_mrs_dl import fslmrs
from fsl_mrs_dl.data import Basis, Complex, Real
from fsl_mrs_dl.fit.lcm import Baseline, FitResult, FitSettings, Fitter, fitter_for
from fsl_mrs_dl.io.basis import read_basis
from fsl_mrs_dl.physics import add_noise, basis_sum, on_points, phase, sound_basis
from fsl_mrs_dl.simulate.papers import DQ_RANGES, DQ_UNIT
from fsl_mrs_dl.simulate.shipped import shipped_basis
from tests.benchmarks.realdata import challenge_folder
from tests.benchmarks.table import NOT_RUN, Page, Table

POINTS, DWELLTIME_S = 2048, 2.5e-4
"""Sampling of the basis set of the ISMRM challenge: 0.5 s at 4 kHz."""
NOISE_SD = 0.40
"""SD of the noise of a channel, in units of the basis set: SNR_f 67, that of the simulated spectra of DQ."""
FAILED_BOUNDS, FAILED_HZ = 6.0, 3.0
"""Errors that noise does not make: six bounds of an amplitude, half a linewidth of a shift."""
_CHALLENGE_MHZ = 123.22  # spectrometer frequency of that basis set
PLAIN = FitSettings(ppmlim=None, lorentzian=True, first_order_phase=False, non_negative=False)
WINDOW = replace(PLAIN, ppmlim=(0.2, 4.2))
CASES: Mapping[str, FitSettings] = MappingProxyType(
    {
        "full band": PLAIN,
        "window 0.2-4.2": WINDOW,
        "window, spline": replace(WINDOW, baseline=Baseline.parse("spline, moderate")),
        "window, two groups": WINDOW,  # the groups depend on the basis
        "window, one model": replace(WINDOW, lorentzian=False, first_order_phase=True, non_negative=True),
        "window, averaged": FitSettings(baseline=Baseline.parse("auto"), macromolecules="own"),
    }
)
SIMPLE = "window, one model"  # of the cases, the one that a user would fix who knew what is there


@dataclass(frozen=True)
class FitProfile:
    """How many spectra are fitted in the fast cases, with groups, and by FSL-MRS."""

    spectra: int
    grouped: int
    rival: int


PROFILES = {
    "smoke": FitProfile(128, 16, 2),
    "small": FitProfile(2000, 2000, 100),
    "paper": FitProfile(100_000, 5000, 1000),
}


def run(profile: str, seed: int) -> Page:
    """Run the task, a :class:`~tests.benchmarks.table.Task`."""
    chosen = PROFILES[profile]
    basis, basis_name = task_basis()
    near = _simulate(basis, chosen.spectra, seed, 3.0, np.pi / 20)
    far = _simulate(basis, chosen.spectra, seed, 0.1 * basis.spectrometer_frequency_mhz, np.pi)
    summary: list[list[str]] = []
    by_name: dict[str, Real] = {}
    errors: dict[str, Real] = {}
    cells = [(name, near, settings) for name, settings in CASES.items()]
    cells.append(("window, far starts", far, WINDOW))
    for name, simulated, settings in tqdm(cells, desc="cases", leave=False, disable=None):
        grouped = name == "window, two groups"
        resolved = replace(settings, groups=_groups(basis)) if grouped else settings
        part = simulated.take(chosen.grouped) if grouped else simulated
        row, rms, error = _case(name, part, basis, resolved)
        summary.append(row)
        by_name[name] = rms
        if simulated is near and not grouped:
            errors[name] = error
    for row in summary:
        known = row[0] in errors
        row.insert(8, f"{(errors[row[0]] / errors[SIMPLE]).mean():.3f}" if known else "-")
    summary.append(_rival(near.take(chosen.rival), basis))
    columns = ["case", "n", "largest RMS", "of", "mean RMS", "largest bias", "failures", "flagged"]
    columns += ["error / one model's", "evaluations", "spectra/s", "ms, first"]
    each = [[name, *(f"{by_name[case][i]:.2f}" for case in by_name)] for i, name in enumerate(basis.names)]
    tables = [
        Table("Of all members: RMS and mean of (estimate - truth) / bound.", columns, summary),
        Table("RMS of (estimate - truth) / bound, each member.", ["member", *by_name], each),
    ]
    return Page("The linear-combination fit", _METHOD.format(basis=basis_name), tables, _REMARKS)


_METHOD = f"""\
Spectra of {POINTS} points of {DWELLTIME_S * 1e3:g} ms made from the basis that is fitted ({{basis}}): amplitudes
uniform in the published ranges, one Lorentzian damping of 0 to 15 /s, shift within +-3 Hz, phase within +-9
degrees, white noise of {NOISE_SD} a channel. The bound is that of the same model in the same window at the
estimate, noise from the residual. A failure is an amplitude more than {FAILED_BOUNDS:g} bounds, or a shift more
than {FAILED_HZ:g} Hz, off. `far starts`: shift within +-0.1 ppm, phase within +-180 degrees. Speed is wall time of
the same run, bounds included; `ms, first` is the time to make the tables that all spectra share. `error / simple
model's`: RMS error over that of `{SIMPLE}` for the same spectra, mean of all members."""
_REMARKS = """\
`one model` fits what is not there (Gaussian width, first-order phase) and keeps amplitudes at or above zero, so
that its errors may be smaller than the bound of an unbiased estimate. `averaged` is the default of `quantify`:
it allows for baselines, other macromolecules, lipids, and shifts and widths of each metabolite, none of which
is there; its errors are over its own SD, which is larger than the bound of the simpler model. The bound of
`spline` takes the baseline's stiffness for the truth, while the simulated baseline is zero: its errors are
below it. FSL-MRS fits the same spectra with the same basis, window and Lorentzian lines, no baseline,
amplitudes at or above zero; its errors are over the bounds of our unconstrained fit."""


@dataclass(frozen=True, eq=False)
class _Simulated:
    """Spectra and what is true of them."""

    fids: Complex
    amplitudes: Real
    shift_hz: Real

    def take(self, n: int) -> "_Simulated":
        return _Simulated(self.fids[:n], self.amplitudes[:n], self.shift_hz[:n])


def task_basis() -> tuple[Basis, str]:
    """Return the challenge's basis where it is, else a shipped one, and what to call it."""
    folder = challenge_folder()
    if folder is not None:
        basis = sound_basis(
            read_basis(folder, dwelltime_s=DWELLTIME_S, spectrometer_frequency_mhz=_CHALLENGE_MHZ)
        )
        text = "ISMRM 2016 fitting challenge, measured macromolecules among it"
    else:
        basis, text = read_basis(shipped_basis("press_3t_te30")), "shipped PRESS TE 30"
    chosen = [i for i, name in enumerate(basis.names) if name in DQ_RANGES]
    basis = replace(basis, fids=basis.fids[chosen], names=tuple(basis.names[i] for i in chosen))
    return on_points(basis, POINTS, DWELLTIME_S, basis.spectrometer_frequency_mhz), text


def _groups(basis: Basis) -> tuple[int, ...]:
    """Return macromolecules, or else the last member, in a group of their own."""
    own = [name == "Mac" for name in basis.names]
    own = own if any(own) else [i == len(own) - 1 for i in range(len(own))]
    return tuple(int(mine) for mine in own)


def _simulate(basis: Basis, n: int, seed: int, hz: float, rad: float) -> _Simulated:
    rng = np.random.default_rng([seed, round(hz)])
    low, high = np.array([DQ_RANGES[name] for name in basis.names]).T / DQ_UNIT
    amplitudes = rng.uniform(low, high, (n, len(low)))
    gamma, shift_hz, phase_rad = rng.uniform(0, 15, n), rng.uniform(-hz, hz, n), rng.uniform(-rad, rad, n)
    fids = basis_sum(
        np.asarray(basis.fids, dtype=np.complex128),
        amplitudes,
        shift_hz[:, None],
        gamma[:, None],
        np.zeros((n, 1)),
        DWELLTIME_S,
    )
    return _Simulated(add_noise(phase(fids, phase_rad), NOISE_SD, rng), amplitudes, shift_hz)


def _case(
    name: str, simulated: _Simulated, basis: Basis, settings: FitSettings
) -> tuple[list[str], Real, Real]:
    """Return a row, the RMS of each member's error over its bound, and that of its error."""
    started = time.perf_counter()
    fitter = fitter_for(basis, settings, reference_ppm=basis.reference_ppm)
    first_ms = 1e3 * (time.perf_counter() - started)
    fitter(simulated.fids[:64])  # warm
    started = time.perf_counter()
    fit = fitter(simulated.fids)
    seconds = time.perf_counter() - started
    # Of an average, what the choice of hypothesis costs is part of its SD.
    sd = np.sqrt(np.einsum("smm->sm", fit.covariance))
    z = (fit.amplitudes - simulated.amplitudes) / sd
    failed = (np.abs(z) > FAILED_BOUNDS).any(axis=1) | (np.abs(_shift(fit) - simulated.shift_hz) > FAILED_HZ)
    rms = np.sqrt((z[~failed] ** 2).mean(axis=0))
    bias = z[~failed].mean(axis=0)
    row = [
        name,
        str(len(z)),
        f"{rms.max():.3f}",
        basis.names[int(rms.argmax())],
        f"{rms.mean():.3f}",
        f"{bias[np.abs(bias).argmax()]:+.3f}",
        f"{int(failed.sum())} ({100 * failed.mean():.2f} %)",
        str(int((fit.flag != "").sum())),
        f"{fit.iterations.mean():.1f}",
        f"{len(z) / seconds:.0f}",
        f"{first_ms:.0f}",
    ]
    return row, rms, np.sqrt(((fit.amplitudes - simulated.amplitudes)[~failed] ** 2).mean(axis=0))


def _rival(simulated: _Simulated, basis: Basis) -> list[str]:
    """Fit the first spectra by FSL-MRS's Newton; its errors over the same bounds as ours."""
    name = "FSL-MRS Newton, window"
    if not fslmrs.available():
        return [name, *[NOT_RUN] * 11]
    bounds = Fitter(basis, WINDOW, reference_ppm=basis.reference_ppm)(simulated.fids).crlb
    fslmrs.fit(simulated.fids[0], basis, (0.2, 4.2), "off", "lorentzian")  # warm
    started = time.perf_counter()
    amplitudes = [
        fslmrs.fit(fid, basis, (0.2, 4.2), "off", "lorentzian")[0]
        for fid in tqdm(simulated.fids, desc=name, leave=False, disable=None)
    ]
    seconds = time.perf_counter() - started
    z = (np.array(amplitudes) - simulated.amplitudes) / bounds
    failed = (np.abs(z) > FAILED_BOUNDS).any(axis=1)
    rms, bias = np.sqrt((z[~failed] ** 2).mean(axis=0)), z[~failed].mean(axis=0)
    return [
        name,
        str(len(z)),
        f"{rms.max():.3f}",
        basis.names[int(rms.argmax())],
        f"{rms.mean():.3f}",
        f"{bias[np.abs(bias).argmax()]:+.3f}",
        f"{int(failed.sum())} ({100 * failed.mean():.2f} %)",
        "-",
        "-",
        "-",
        f"{len(z) / seconds:.2f}",
        "-",
    ]


def _shift(fit: FitResult) -> Real:
    return fit.shift_hz[:, 0]
