"""Tables of the worlds that no shipped network was trained on: each network, alone and checked, and ``gn``."""

from dataclasses import dataclass

import numpy as np

from fsl_mrs_dl.data import REPLACED, Real
from fsl_mrs_dl.errors import ModelError
from fsl_mrs_dl.fit.registration import METHODS, Method, estimate_alignment
from fsl_mrs_dl.steps.align_models import method_of
from fsl_mrs_dl.train.evaluation import FAILURE_PPM
from fsl_mrs_dl.train.registration_data import Transients
from tests.benchmarks.fpc.elsewhere import SHIFT_PPM, SNR_PEAK, TRANSIENTS, WORLDS, Elsewhere, scan
from tests.benchmarks.fpc.methods import WINDOW_PPM, as_data, compared
from tests.benchmarks.fpc.profiles import NETWORKS, FpcProfile
from tests.benchmarks.table import Table

_LEAST_SNR = 5.0  # of the target: networks fail on 2 % at most


@dataclass(frozen=True, eq=False)
class _Cell:
    """Errors of one method in one world: shift (Hz), phase (rad), SNR, limit of failures, replaced or not."""

    hz: Real
    rad: Real
    snr: Real
    limit_hz: float
    replaced: Real

    @classmethod
    def of(cls, method: Method, scans: list[tuple[float, Transients]]) -> "_Cell":
        hz, rad, snr, replaced = [], [], [], []
        for level, one in scans:
            results = estimate_alignment(as_data(one), dim="DIM_DYN", limits_ppm=WINDOW_PPM, method=method)
            errors = compared(results.shift_hz.ravel(), results.phase_rad.ravel(), one)
            hz.append(errors.shift_error_hz)
            rad.append(errors.phase_error_rad)
            snr.append(np.full(len(hz[-1]), level))
            replaced.append(results.flag.ravel() == REPLACED)
        limit_hz = FAILURE_PPM * scans[0][1].spectrometer_frequency_mhz
        joined = np.concatenate(hz), np.concatenate(rad), np.concatenate(snr)
        return cls(*joined, limit_hz, np.concatenate(replaced))

    @classmethod
    def joined(cls, cells: "list[_Cell]") -> "_Cell":
        """Return several worlds of one field as one."""

        def whole(name: str) -> Real:
            return np.concatenate([getattr(cell, name) for cell in cells])

        return cls(whole("hz"), whole("rad"), whole("snr"), cells[0].limit_hz, whole("replaced"))

    def row(self) -> list[str]:
        """Return failures below and from the SNR of the target on, SDs of the others there, and the replaced."""
        failed, high = np.abs(self.hz) > self.limit_hz, self.snr >= _LEAST_SNR
        good = high & ~failed
        return [
            f"{100 * failed[~high].mean():.1f}",
            f"{100 * failed[high].mean():.1f}",
            f"{self.hz[good].std():.2f}" if good.any() else "-",
            f"{np.degrees(self.rad[good].std()):.1f}" if good.any() else "-",
            f"{100 * self.replaced.mean():.0f}",
            str(len(self.hz)),
        ]


def elsewhere_tables(profile: FpcProfile, seed: int) -> list[Table]:
    """Return one table a field: all worlds together, then each."""
    return [_table(name, worlds, profile, seed) for name, worlds in WORLDS.items()]


def _table(field: str, worlds: tuple[Elsewhere, ...], profile: FpcProfile, seed: int) -> Table:
    cells: dict[str, dict[str, _Cell]] = {}
    absent = []
    for number, world in enumerate(worlds):
        rng = np.random.default_rng([seed, 8, number])
        levels = [(snr, scan(world, snr, rng)) for snr in SNR_PEAK for _ in range(profile.elsewhere)]
        scans = [(snr, one) for snr, one in levels if one is not None]
        if not scans:
            absent.append(world.name)
            continue
        for name, method in _methods(scans[0][1]).items():
            cells.setdefault(name, {})[world.name] = _Cell.of(method, scans)
    rows = [["all", name, *_Cell.joined(list(each.values())).row()] for name, each in cells.items()]
    for world in worlds:
        rows += [
            [world.name, name, *each[world.name].row()] for name, each in cells.items() if world.name in each
        ]
    rows += [[name] for name in absent]
    columns = [
        "world",
        "method",
        f"failures, SNR {SNR_PEAK[0]:g} (%)",
        f"failures, SNR {_LEAST_SNR:g} or more (%)",
    ]
    columns += ["shift SD (Hz)", "phase SD (deg)", "replaced (%)", "n"]
    limit = FAILURE_PPM * (123 if field == "3 T" else 297)
    caption = (
        f"## Elsewhere at {field}\n\nWorlds that no network was trained on: basis sets of others and of other "
        "sequences (simulated by mrsandbox where not named), lineshapes, water and lipids of the task *worlds*. "
        f"Scans of {TRANSIENTS} transients, shift within +-{SHIFT_PPM:g} ppm, any phase; peak SNR "
        f"{', '.join(f'{snr:g}' for snr in SNR_PEAK)} (highest peak of the metabolites over the SD of the noise). "
        "Water is up to 30 times as tall as the metabolites; *unstable*: with lines, amplitudes and phases of its "
        f"own in each transient. A failure is a shift off by more than 0.025 ppm ({limit:.1f} Hz); SDs are of the "
        "others, from SNR 5 on. *checked*: as `align` runs a network, with estimates that the likelihood does not "
        "support replaced by those of `gn`; the others alone."
    )
    return Table.filled(caption, columns, rows)


def _methods(one: Transients) -> dict[str, Method]:
    """Return ``gn``, and the shipped networks of a field, alone and checked."""
    chosen = {"gn": METHODS["gn"]}
    for name in NETWORKS:
        for text, checked in ((name, False), (f"{name}, checked", True)):
            try:
                chosen[text], _ = method_of(name, None, as_data(one), checked=checked)
            except ModelError:  # it is not shipped for this field
                break
    return chosen
