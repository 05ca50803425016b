"""What is trained in each profile of the three studies."""

from dataclasses import dataclass, replace

from fsl_mrs_dl.models.regression import TARGETS
from tests.benchmarks.share import shared
from tests.benchmarks.supervised.classical import Forest
from tests.benchmarks.supervised.posterior import Sampling
from tests.benchmarks.supervised.sets import DWELLTIME_S, POINTS, basis_of_study
from tests.benchmarks.supervised.trainings import Inputs, Plan

BAND_PPM = (-0.2, 5.6)
"""What the networks see of the spectrum: all lines but the amide protons, and their feet."""
SCALOGRAM_POINTS = 1536
"""The first points of the FID, of which the scalogram is made (Shamaei et al. 2020)."""
CNN, START = "CReLU CNN", "CReLU CNN, shifts and dampings too"
SPECTRUM, COMPLEX, MAGNITUDE = "CNN on the spectrum", "CNN on the complex scalogram", "CNN on its magnitude"
SCATTERED = "scattering, small network"


@dataclass(frozen=True)
class Scale:
    """Sizes of one kind of training.

    Attributes
    ----------
    samples, epochs, batch : int
    lr : float
    """

    samples: int
    epochs: int
    batch: int = 100
    lr: float = 1e-3

    def shared(self, share: float) -> "Scale":
        """Return a training of a share of the steps."""
        samples, epochs = shared(self.samples, self.epochs, share)
        return replace(self, samples=samples, epochs=epochs)


@dataclass(frozen=True)
class HatamiProfile:
    """Sizes of the task ``hatami``.

    Attributes
    ----------
    scale : Scale
        Of the trainings.
    seeds : int
    tested, fitted : int
        Test signals of networks and of fits.
    parts : tuple of float
        Of the training signals, for the curve over the size of the data.
    forest : Forest
    sampling : Sampling
        Of the posterior of the signals that are fitted.
    """

    scale: Scale
    seeds: int
    tested: int
    fitted: int
    parts: tuple[float, ...]
    forest: Forest
    sampling: Sampling = Sampling(3, 100, 100)  # noqa: RUF009

    def shared(self, share: float) -> "HatamiProfile":
        """Return the profile with a share of the training steps."""
        return replace(self, scale=self.scale.shared(share))


@dataclass(frozen=True)
class CwtProfile:
    """Sizes of the task ``cwt``: trainings, seeds, test signals, and the grid of the scalogram."""

    scale: Scale
    seeds: int
    tested: int
    scales: int
    times: int

    def shared(self, share: float) -> "CwtProfile":
        """Return the profile with a share of the training steps."""
        return replace(self, scale=self.scale.shared(share))


@dataclass(frozen=True)
class ScatteringProfile:
    """Sizes of the task ``scattering``: trainings of features and of the CNN beside them, seeds, signals, sets."""

    scale: Scale
    cnn: Scale
    seeds: int
    tested: int
    fitted: int
    studies: tuple[str, ...]
    cnn_studies: tuple[str, ...]

    def shared(self, share: float) -> "ScatteringProfile":
        """Return the profile with a share of the training steps of the CNN: those of the features are few."""
        return replace(self, cnn=self.cnn.shared(share))


_MOST_PASSES = 3
"""Factor on the epochs of small data sets: the best epoch is kept, and more passes only learn them by heart."""
PUBLISHED_STEPS = 200_000
"""Training steps of Hatami et al. 2018."""
HATAMI = {
    "smoke": HatamiProfile(Scale(200, 1), 1, 24, 4, (0.5,), Forest(2, 200), Sampling(1, 2, 4)),
    "small": HatamiProfile(Scale(12000, 10), 3, 1000, 48, (1 / 12, 1 / 3, 1), Forest(30, 12000)),
    "paper": HatamiProfile(Scale(400_000, 200, 400, 2e-3), 3, 1000, 48, (0.01, 0.1, 1), Forest(20, 8000)),
}
CWT = {
    "smoke": CwtProfile(Scale(128, 1, 30), 1, 24, 16, 32),
    "small": CwtProfile(Scale(4000, 15, 30), 3, 1000, 24, 64),
    "paper": CwtProfile(Scale(100_000, 30, 100), 3, 2000, 64, 192),
}
_ALL = ("DSS1", "DSS2", "DSS3", "DSS4", "DSS5", "DSS6", "DSS7")
COMPARED = ("DSS5",)
"""Data sets whose networks are trained with several seeds, and which ridge regression solves too."""
SCATTERING = {
    "smoke": ScatteringProfile(Scale(64, 1), Scale(64, 1), 1, 24, 4, ("DSS2",), ("DSS2",)),
    "small": ScatteringProfile(Scale(4000, 16), Scale(4000, 15), 3, 1000, 48, _ALL[1:], ("DSS5",)),
    "paper": ScatteringProfile(Scale(10_000, 100), Scale(10_000, 200), 3, 2000, 100, _ALL, _ALL),
}


def spectrum_inputs(study: str, basis: str = "") -> Inputs:
    """Return the settings of the spectrum of a study's signals as an input."""
    mhz = basis_of_study(study, basis).spectrometer_frequency_mhz
    settings = {"kind": "spectrum", "n_points": POINTS, "dwelltime_s": DWELLTIME_S}
    return tuple((settings | {"spectrometer_frequency_mhz": mhz, "ppm": BAND_PPM}).items())


def scalogram_inputs(profile: CwtProfile, part: str) -> Inputs:
    """Return the settings of a scalogram as an input."""
    settings = {"kind": "scalogram", "n_points": SCALOGRAM_POINTS, "dwelltime_s": DWELLTIME_S}
    more = {"scales": profile.scales, "times": profile.times, "part": part}
    turned = {"baseband": True} if part == "complex" else {}
    return tuple((settings | more | turned).items())


def cnn_plan(study: str, scale: Scale, seed: int, basis: str = "") -> Plan:
    """Return the CReLU network on the spectrum of a study."""
    inputs = spectrum_inputs(study, basis)
    return Plan(
        CNN, study, "crelu", inputs, scale.samples, scale.epochs, seed, scale.batch, scale.lr, basis=basis
    )


def hatami_plans(profile: HatamiProfile, study: str, seed: int, basis: str) -> list[Plan]:
    """Return the CNN of a study, one a seed."""
    return [cnn_plan(study, profile.scale, seed + k, basis) for k in range(profile.seeds)]


def start_plan(profile: HatamiProfile, study: str, seed: int, basis: str) -> Plan:
    """Return the network that gives shifts and dampings too, for a fit to go on from."""
    return replace(cnn_plan(study, profile.scale, seed, basis), label=START, targets=TARGETS)


def signed_plans(profile: HatamiProfile, study: str, seed: int, basis: str) -> list[Plan]:
    """Return the CNN with the CReLU as it is printed, one a seed."""
    plans = hatami_plans(profile, study, seed, basis)
    return [replace(plan, label=f"{CNN}, signed as printed", signed=True) for plan in plans]


def size_plans(profile: HatamiProfile, study: str, seed: int, basis: str) -> list[Plan]:
    """Return one network a size of the data, with as many steps where epochs allow it."""
    plan, plans = cnn_plan(study, profile.scale, seed, basis), []
    for part in profile.parts:
        samples = round(part * plan.samples)
        epochs = round(plan.epochs * min(1 / part, _MOST_PASSES))
        plans.append(replace(plan, label=str(samples), samples=samples, epochs=epochs))
    return plans


def cwt_plans(profile: CwtProfile, study: str, seed: int, basis: str) -> list[Plan]:
    """Return the three inputs, each with every seed, all with equal data and steps."""
    scale = profile.scale
    settings = (scale.samples, scale.epochs)
    inputs = {
        SPECTRUM: ("crelu", spectrum_inputs(study, basis)),
        COMPLEX: ("scalogram", scalogram_inputs(profile, "complex")),
        MAGNITUDE: ("scalogram", scalogram_inputs(profile, "magnitude")),
    }
    return [
        Plan(label, study, kind, read, *settings, seed + k, scale.batch, scale.lr, basis=basis)
        for k in range(profile.seeds)
        for label, (kind, read) in inputs.items()
    ]


def scattering_seeds(profile: ScatteringProfile, study: str, seed: int) -> range:
    """Return the seeds of a data set's trainings: several where methods are compared."""
    return range(seed, seed + (profile.seeds if study in COMPARED else 1))


def scattering_plan(scale: Scale, study: str, seed: int, basis: str) -> Plan:
    """Return the scattering network of a study."""
    inputs: Inputs = (("kind", "scattering"), ("n_points", 1024))
    basis = basis if study == "DSS1" else ""
    settings = (scale.samples, scale.epochs, seed)
    return Plan(SCATTERED, study, "scattering", inputs, *settings, basis=basis, full_batch=True)
