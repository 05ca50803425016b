"""Table 1: every method on the published set, beside the bound, the truth and no correction."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from fsl_mrs_dl.data import NUCLEI, Complex
from fsl_mrs_dl.physics import correct, fid_to_spectrum, ppm_window
from fsl_mrs_dl.physics.landmarks import METHYLS_PPM
from fsl_mrs_dl.scores import peak_linewidth_hz, similarity_index
from fsl_mrs_dl.train.registration_data import Transients
from tests.benchmarks.fpc.methods import (
    FAILURE_HZ,
    SLOW,
    MethodResult,
    Reach,
    bound,
    compared,
    estimators,
    first,
    reach_of,
    run_estimator,
)
from tests.benchmarks.fpc.networks import TrainedFpcNetwork
from tests.benchmarks.fpc.profiles import PUBLISHED_PASSES, FpcProfile
from tests.benchmarks.table import Table

SI_PPM = (2.5, 3.5)  # of the similarity index: creatine and choline, as in DeepFPC
ORACLE, BEFORE = "truth (oracle)", "no correction"


@dataclass(frozen=True, eq=False)
class MethodComparison:
    """A set and what each method said of it.

    Attributes
    ----------
    test : Transients
    found : dict
        Method -> its estimates; slow methods of the first transients only; None where it cannot be run.
    """

    test: Transients
    results: dict[str, MethodResult | None]

    def part(self, name: str) -> Transients:
        """Return the transients that a method was run on."""
        one = self.results[name]
        return self.test if one is None else first(self.test, len(one.shift_hz))

    def corrected(self, name: str) -> Complex:
        """Return those transients without the shifts and phases that a method found."""
        one, part = self.results[name], self.part(name)
        if one is None:
            return part.fids
        return np.asarray(correct(part.fids, one.shift_hz, one.phase_rad, part.dwelltime_s))

    def rows(self, cells: Callable[[str, MethodResult], Sequence[str]], *without: str) -> list[list[str]]:
        """Return a row a method: its name and its cells, or its name alone where it was not run."""
        every = ((name, one) for name, one in self.results.items() if name not in without)
        return [[name, *(cells(name, one) if one is not None else ())] for name, one in every]


def compare(
    test: Transients, networks: dict[str, TrainedFpcNetwork], slow: int, *only: str
) -> MethodComparison:
    """Run every method on a set, or some; the slow ones on its first transients."""
    results: dict[str, MethodResult | None] = {}
    for name, estimator in estimators(networks).items():
        if only and name not in only:
            continue
        part = first(test, slow) if name in SLOW else test
        if estimator is not None:
            estimator(first(test, min(16, slow)))  # the first call pays for imports
        results[name] = None if estimator is None else run_estimator(estimator, part)
    n = len(test.fids)
    results[BEFORE] = compared(np.zeros(n), np.zeros(n), test)
    results[ORACLE] = compared(test.truth[:, 0], test.truth[:, 1], test)
    return MethodComparison(test, results)


def similarity(everything: MethodComparison, name: str) -> float:
    """Return the similarity index of the corrected transients, 2.5 to 3.5 ppm."""
    inside = ppm_window(everything.test.ppm, SI_PPM)
    return float(similarity_index(fid_to_spectrum(everything.corrected(name))[:, inside]))


def linewidth(everything: MethodComparison, name: str) -> float:
    """Return the FWHM of creatine in the average of the corrected transients, in Hz."""
    test = everything.test
    average = everything.corrected(name).mean(axis=0)
    axes = (test.dwelltime_s, test.spectrometer_frequency_mhz, NUCLEI[test.nucleus].reference_ppm)
    return peak_linewidth_hz(average, *axes, METHYLS_PPM["Cr"]).fwhm_hz


def tables(
    everything: MethodComparison, networks: dict[str, TrainedFpcNetwork], profile: FpcProfile
) -> list[Table]:
    """Return the table of precision, and the table of what it costs."""
    return [_precision(everything), _averages(everything), _cost(everything, networks, profile)]


def _precision(everything: MethodComparison) -> Table:
    columns = [
        "method",
        "shift SD all (Hz)",
        "bound (Hz)",
        "free (Hz)",
        "nuisance (Hz)",
        "phase SD all (deg)",
    ]
    columns += [
        "bound (deg)",
        "free (deg)",
        "nuisance (deg)",
        f"failures > {FAILURE_HZ:g} Hz",
        "n",
        "bound is of",
    ]
    bounds: dict[Reach, tuple[float, float]] = {}

    def cells(name: str, results: MethodResult) -> list[str]:
        if name in (BEFORE, ORACLE):
            limits, text = ("-", "-"), "-"
        else:
            reach = reach_of(name)
            if reach not in bounds:
                bounds[reach] = bound(everything.test, reach)
            limits, text = (f"{bounds[reach][0]:.3f}", f"{bounds[reach][1]:.2f}"), str(reach)
        free = everything.part(name).labels == "Free"
        every, clear, spoilt = (results.precision(chosen) for chosen in (None, free, ~free))
        shifts = [f"{every[0]:.3f}", limits[0], f"{clear[0]:.3f}", f"{spoilt[0]:.3f}"]
        phases = [f"{every[1]:.2f}", limits[1], f"{clear[1]:.2f}", f"{spoilt[1]:.2f}"]
        return [*shifts, *phases, str(results.failures), str(len(free)), text]

    caption = (
        "## Table 1: precision\n\nSD of (estimate - truth), failures included, on the published set: shift within "
        "+-20 Hz, phase within +-90 degrees; *nuisance*: with unstable water, lipid or both. The bound is the "
        "Cramer-Rao bound for transients without nuisance, from the points and the band that the method reads "
        "(last column)."
    )
    return Table.filled(caption, columns, everything.rows(cells))


def _averages(everything: MethodComparison) -> Table:
    columns = ["method", "SI 2.5-3.5 ppm", "SI ceiling", "Cr width of the average (Hz)", "width, truth known"]
    columns += ["mean error shift (Hz)", "phase (deg)", "n"]

    def cells(name: str, results: MethodResult) -> list[str]:
        part = everything.part(name)
        true = MethodComparison(part, {ORACLE: compared(part.truth[:, 0], part.truth[:, 1], part)})
        return [
            f"{similarity(everything, name):.3f}",
            f"{similarity(true, ORACLE):.3f}",
            f"{linewidth(everything, name):.2f}",
            f"{linewidth(true, ORACLE):.2f}",
            f"{results.mean_hz:.2f}",
            f"{np.degrees(results.mean_rad):.1f}",
            str(len(results.shift_hz)),
        ]

    caption = (
        "## Table 1: averages\n\nThe ceiling of the similarity index (SI) is what the true shifts and phases give "
        "for the same transients. Before averaging, the mean error of each method is subtracted: it is the error "
        "of the method's reference, or creatine's own phase."
    )
    return Table.filled(caption, columns, everything.rows(cells))


def _cost(everything: MethodComparison, networks: dict[str, TrainedFpcNetwork], profile: FpcProfile) -> Table:
    columns = ["method", "training (min)", "on", "transients x epochs", "of the published (%)"]
    columns += ["ms a transient", "parameters"]
    columns += ["MFLOP a transient", "shift SD all (Hz)", "failures"]

    def cells(name: str, results: MethodResult) -> list[str]:
        accuracy = [f"{results.precision()[0]:.3f}", str(results.failures)]
        one = networks.get(name)
        if one is None:
            return ["-", "-", "-", "-", f"{results.ms:.2f}", "-", "-", *accuracy]
        samples, epochs = profile.training[name]
        where = "a GPU" if one.card.recipe.device == "cuda" else "one thread"
        trained = [where, f"{samples} x {epochs}", f"{100 * samples * epochs / PUBLISHED_PASSES:.0f}"]
        size = [f"{one.n_parameters}", f"{one.n_flops / 1e6:.2f}"]
        return [f"{one.minutes:.1f}", *trained, f"{results.ms:.2f}", *size, *accuracy]

    caption = (
        "## Table 1: cost\n\nTimes of estimation in memory, of the run of the tables above, on the machine named "
        "above, one thread; of trainings with simulation and evaluation, several side by side on a GPU. Trained "
        f"in batches of {profile.training_batch}; published were batches of 16, 24000 x 150 transients. FLOPs are "
        "those of the layers."
    )
    return Table.filled(caption, columns, everything.rows(cells, BEFORE, ORACLE))
