"""Studies on the published signal: noise, Monte Carlo, out of range, a drifting phantom."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.train.registration_data import Transients
from tests.benchmarks.fpc import sets
from tests.benchmarks.fpc.methods import KNOWN, OWN, MethodResult, Reach, bound
from tests.benchmarks.fpc.methods_table import (
    BEFORE,
    ORACLE,
    MethodComparison,
    compare,
    linewidth,
    similarity,
)
from tests.benchmarks.fpc.networks import TrainedFpcNetwork, train_one
from tests.benchmarks.fpc.profiles import DAES, NETWORKS, FpcProfile
from tests.benchmarks.table import NOT_RUN, Table

NOISE_METHODS = (*NETWORKS, "sr", KNOWN, OWN)
BOUND = Reach(None, (1.8, 4.2))


@dataclass(frozen=True, eq=False)
class NoiseStudy:
    """The noise study: level -> what each method said, and the bound."""

    levels: tuple[float, ...]
    compared: list[MethodComparison]
    bounds: list[tuple[float, float]]


def noise_study(
    test: Transients, networks: dict[str, TrainedFpcNetwork], profile: FpcProfile, seed: int
) -> NoiseStudy:
    """Run the methods on transients without nuisance at several levels of noise."""
    rng = np.random.default_rng([seed, 1])
    results, bounds = [], []
    for level in profile.noise_snr:
        one = sets.with_noise(test, level, rng)
        results.append(compare(one, networks, min(64, profile.slow), *NOISE_METHODS))
        bounds.append(bound(one, BOUND))
    return NoiseStudy(profile.noise_snr, results, bounds)


def noise_table(study: NoiseStudy) -> Table:
    """Return the precision by level."""
    columns = ["method", *(f"SNR_t0 {level:g}" for level in study.levels)]

    def row(name: str) -> list[str]:
        cells = []
        for one in study.compared:
            results = one.results.get(name)
            cells.append(NOT_RUN if results is None else "{:.3f} / {:.2f}".format(*results.precision()))
        return [name, *cells]

    rows = [row(name) for name in study.compared[0].results if name in NOISE_METHODS]
    rows.append(["bound", *("{:.3f} / {:.2f}".format(*one) for one in study.bounds)])
    n = len(study.compared[0].test.fids)
    caption = (
        f"## Noise\n\nPrecision in Hz / degrees at each level of noise: {n} transients without nuisance (sr: "
        f"at most 64). The networks were trained at SNR_t0 9 to 27. Bound: {BOUND}, known template."
    )
    return Table(caption, columns, rows)


def monte_carlo(
    test: Transients, networks: dict[str, TrainedFpcNetwork], profile: FpcProfile, seed: int
) -> MethodComparison:
    """Run the methods on draws of the noise on one signal at 5 Hz and 45 degrees."""
    rng = np.random.default_rng([seed, 2])
    return compare(sets.one_signal(test, profile.draws, rng), networks, profile.draws, *NOISE_METHODS)


def monte_carlo_table(results: MethodComparison) -> Table:
    """Return mean error and SD."""
    columns = ["method", "shift: mean error (Hz)", "SD", "bound", "phase: mean error (deg)", "SD", "bound"]
    limits = bound(results.test, BOUND)
    rows = []
    for name, one in results.results.items():
        if one is None or name in (BEFORE, ORACLE):
            continue
        shift_sd, phase_sd = one.precision()
        relative = name in ("sr", OWN)
        means = ("-", "-") if relative else (f"{one.mean_hz:.2f}", f"{np.degrees(one.mean_rad):.1f}")
        rows.append(
            [
                name,
                means[0],
                f"{shift_sd:.3f}",
                f"{limits[0]:.3f}",
                means[1],
                f"{phase_sd:.2f}",
                f"{limits[1]:.2f}",
            ]
        )
    caption = (
        f"## Monte Carlo\n\n{len(results.test.fids)} draws of the noise (SD {sets.SIGMA}) on one signal at "
        f"{sets.MONTE_CARLO_HZ:g} Hz and {sets.MONTE_CARLO_DEG:g} degrees. The mean is the mean error "
        "against the method's own reference: that of the training for dsr and dsrf, creatine at phase 0 for "
        "dcrr and dcrrf. sr and gn align the set to itself and have no such error."
    )
    return Table(caption, columns, rows)


def out_of_range(
    signal: Path | None, networks: dict[str, TrainedFpcNetwork], profile: FpcProfile, seed: int
) -> MethodComparison:
    """Run the methods on transients of twice the range of shifts and of any phase."""
    test = sets.rat_set(signal, sets.TWICE, max(profile.tested // 2, 32), seed + 1)
    return compare(test, networks, profile.slow // 2 or profile.slow)


def out_of_range_table(results: MethodComparison) -> Table:
    """Return precision and failures, with those of the part outside of what was trained."""
    columns = [
        "method",
        "shift SD (Hz)",
        "phase SD (deg)",
        "failures > 3 Hz",
        "within +-20 Hz, +-90 deg",
        "n",
    ]

    def cells(name: str, one: MethodResult) -> list[str]:
        part = results.part(name)
        inside = (np.abs(part.truth[:, 0]) <= 20) & (np.abs(part.truth[:, 1]) <= np.pi / 2)
        lost = int((np.abs(one.shift_error_hz[inside]) > 3).sum())
        shift_sd, phase_sd = one.precision()
        row = [f"{shift_sd:.2f}", f"{phase_sd:.2f}", str(one.failures), f"{lost} of {int(inside.sum())}"]
        return [*row, str(len(part.fids))]

    caption = (
        "## Out of range\n\nShift within +-40 Hz, phase within +-180 degrees, nuisance as in Table 1: twice "
        "the range on which the networks were trained. The column before the last has the failures within "
        "that range."
    )
    return Table.filled(caption, columns, results.rows(cells, ORACLE))


def drift_study(
    test: Transients, networks: dict[str, TrainedFpcNetwork], profile: FpcProfile, folder: Path, seed: int
) -> MethodComparison:
    """Run the methods on a phantom that cools; the networks learn from a part of its transients first."""
    scan = drifting_scan(test, profile, seed)
    adapted = {name: adapt(networks[name], scan, profile, folder, seed) for name in DAES if name in networks}
    return compare(scan, adapted, profile.slow)


def drifting_scan(test: Transients, profile: FpcProfile, seed: int) -> Transients:
    """Return the phantom that cools, of the signal of a set."""
    return sets.phantom(test, profile.phantom[0], np.random.default_rng([seed, 3]))


def adapt(
    network: TrainedFpcNetwork, scan: Transients, profile: FpcProfile, folder: Path, seed: int
) -> TrainedFpcNetwork:
    """Train a network further with a part of the phantom's transients, or load it if that was done."""
    n, learned = profile.phantom
    samples, epochs = profile.transfer
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "phantom.nii.gz"
        nifti.write(sets.as_phantom_file(scan, n // learned, seed), file)
        return train_one(
            folder / "phantom",
            architecture=network.card.architecture,
            data=(file,),
            init=str(network.folder),
            nuisance=0.0,
            reference="average",
            lr=1e-3,
            samples=samples,
            epochs=epochs,
            batch=profile.training_batch,
            patience=0,
            seed=seed,
        )


def drift_table(results: MethodComparison, profile: FpcProfile) -> Table:
    """Return SI and linewidth, and the precision, which a phantom that was measured could not tell."""
    columns = [
        "method",
        "SI 2.5-3.5 ppm",
        "Cr width (Hz)",
        "shift SD (Hz)",
        "phase SD (deg)",
        "failures",
        "n",
    ]

    def cells(name: str, one: MethodResult) -> list[str]:
        shift_sd, phase_sd = one.precision()
        quality = [f"{similarity(results, name):.3f}", f"{linewidth(results, name):.2f}"]
        return [*quality, f"{shift_sd:.3f}", f"{phase_sd:.2f}", str(one.failures), str(len(one.shift_hz))]

    n, learned = profile.phantom
    caption = (
        f"## Table 2: drift phantom\n\nSimulated: {n} transients of a phantom that cools by 5 K (20 Hz), "
        "SNR_t0 7 to 70, phases that drift at random. The networks are those of Table 1 after further "
        f"training with {learned} of the transients ({profile.transfer[0]} augmented, {profile.transfer[1]} "
        "epochs, `--init`). Rows with fewer transients use a random part of them."
    )
    return Table.filled(caption, columns, results.rows(cells))
