"""What is trained in each profile, the most needed first."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from tests.benchmarks.rizzo.plan import Image, Plan
from tests.benchmarks.rizzo.spectra import WEIGHTED, World

SHALLOW, RESNET = "shallownet-2d2c", "resnet-1d"
SETS = (*WEIGHTED, "SNR-w")
QUERY, LARGER = "query loop", "uniform, 1.6 times as many"


@dataclass(frozen=True)
class RizzoProfile:
    """Sizes of a run.

    Attributes
    ----------
    samples, tested : int
        Spectra to learn from (a tenth of them to stop by), and to be judged by.
    seeds, repeats : int
        Trainings of each network of the ensembles, and of the single studies.
    image : Image
    networks : mapping of str to Plan
        Compared networks by name: sizes, epochs and learning rate; ``seed`` is filled in, and ``samples`` where
        they are 0.
    seeded : tuple of str
        Those that are trained with every seed besides.
    repeated : tuple of str
        Those that are trained with every seed, and make the ensembles; the first is that of the single studies.
    stacking : int
        Epochs of the stacking network.
    folds : int
        Of the stacking with outputs for spectra that members did not learn from.
    draws : int
        Answers with dropout on.
    steps_timed : int
        Spectra of the step by which the 24 networks are tried and timed.
    published : bool
        Whether networks have the paper's widths and inputs, and are held against its scores.
    """

    samples: int
    tested: int
    seeds: int
    repeats: int
    networks: Mapping[str, Plan]
    repeated: tuple[str, ...] = (SHALLOW, RESNET)
    seeded: tuple[str, ...] = ()
    stacking: int = 15
    folds: int = 2
    draws: int = 50
    steps_timed: int = 4
    published: bool = False


_SMALL = Image(256, 256, 96, 8)
"""A quarter of the points along each axis: 2.3 Hz a bin, finer than the 4 Hz that a window of 256 ms resolves."""


def _small(epochs: int, shallow: tuple[int, ...], most: int = 8) -> Mapping[str, Plan]:
    def plan(name: str, lr: float, factor: float = 1.0, **sizes: Any) -> Plan:
        return Plan(name, 0, max(1, round(factor * epochs)), lr=lr, image=_SMALL, **sizes)

    every = (
        plan(SHALLOW, 1e-2, widths=shallow, kernels=(5, 3, 3)),
        plan(RESNET, 5e-3, 0.5, widths=(4, 8, 8, 32, 16, 64, 32, 128)),
        plan("deepnet-1d", 5e-3, 0.5, widths=(8, 16, 32, 64, 64, 64)),
        plan("shallownet-2d2c-r", 1e-2, widths=shallow, kernels=(5, 3, 3)),
        plan("deepnet-2d1c-ks3", 5e-3, 0.5, widths=(8, 16, 32, 64, 64, 64)),
        plan("scattering", 1e-3),
        plan("inceptionnet-2d2c-f", 1e-2, 0.5, widths=(6, 8, 10)),
        plan("crelu", 1e-3, 0.5),
    )
    return MappingProxyType({one.architecture: one for one in every[:most]})


QUARTER, SMALL, SMALL_DEEP = f"{SHALLOW}, quarter image", f"{SHALLOW}, small", "deepnet-1d, small"
_EPOCHS: Mapping[str, int] = MappingProxyType(
    {
        "deepnet-1d": 100,
        "resnet-1d": 25,
        "shallownet-2d2c": 60,
        "crelu": 50,
        "scattering": 40,
        "shallownet-2d2c-r-ks3": 30,
        "deepnet-2d1c-ks3": 40,
        "shallownet-2d2c-hp": 20,
        "deepnet-1d-hp": 60,
        "resnet-1d-hp": 20,
        "shallownet-2d2c-r": 25,
        "deepnet-2d1c": 25,
        "inceptionnet-2d2c-f": 8,
        "resnet-2d1c-ks3": 8,
        "resnet50-2d1c": 4,
        "inceptionnet-2d2c": 3,
        "resnet-2d1c": 2,
        "shallownet-2d2c-x2": 3,
        "inceptionnet-2d1c-v4": 2,
        "efficientnet-b7-2d2c": 2,
        "unet-1dr-hp": 1,
        "inceptionnet-1d": 1,
        "shallownet-2d2c-x2-hp": 2,
        "inceptionnet-2d2c-rb": 2,
        "resnet-2d1c-deep": 2,
        "unet-1dr-hp-met": 1,
    }
)
"""Network -> epochs, of the 200 published, that minutes of a GPU carry."""
_BATCH = 200  # spectra; the paper's 50 keep a GPU waiting for launches
_LR, _LR_NORM_LAST = 2e-3, 3e-3
"""Learning rates at the start, from short trials; with a normalisation behind the outputs, which has to grow."""


def _published() -> Mapping[str, Plan]:
    """Return networks with published widths and inputs, one with a quarter of the image, and two small ones.

    The small ones are for the single studies and for ensembles, which need many trainings.
    """

    def plan(name: str) -> Plan:
        lr = _LR_NORM_LAST if name.startswith(("shallow", "inception")) else _LR
        return Plan(name, 0, _EPOCHS[name], batch=_BATCH, lr=lr)

    quarter = replace(plan(SHALLOW), epochs=30, image=_SMALL)
    few = Plan("", 2000, 8, lr=1e-2, image=_SMALL)
    small = {
        SMALL: replace(few, architecture=SHALLOW, widths=(12, 16, 24), kernels=(5, 3, 3)),
        SMALL_DEEP: replace(
            few, architecture="deepnet-1d", epochs=5, lr=5e-3, widths=(8, 16, 32, 64, 64, 64)
        ),
    }
    return MappingProxyType(small | {QUARTER: quarter} | {name: plan(name) for name in _EPOCHS})


PROFILES = {
    "smoke": RizzoProfile(60, 24, 1, 1, _small(1, (4, 4, 4), 3), stacking=1, draws=4),
    "small": RizzoProfile(2000, 1000, 3, 3, _small(8, (12, 16, 24))),
    "paper": RizzoProfile(
        20_000, 2500, 3, 3, _published(), (SMALL, SMALL_DEEP), (QUARTER,), stacking=40, published=True
    ),
}
"""Spectra, inputs and widths as published in ``paper``; epochs and batches are not, see :data:`_EPOCHS`."""


@dataclass(frozen=True)
class Plans:
    """All trainings of a run, by what they are for."""

    profile: RizzoProfile
    seed: int

    def network(self, name: str, k: int = 0) -> Plan:
        """Return the plan of a compared network with the k-th seed."""
        one = self.profile.networks[name]
        return replace(one, samples=one.samples or self.profile.samples, seed=self.seed + k)

    @property
    def shallow(self) -> str:
        """The network of the single studies."""
        return self.profile.repeated[0]

    @property
    def strong(self) -> str:
        """The network with the longest training of those that are trained several times."""
        return (*self.profile.seeded, self.shallow)[0]

    def name_of(self, plan: Plan) -> str:
        """Return the name of the compared network that a plan trains, on whatever set."""
        sizes = (plan.architecture, plan.image, plan.widths)
        networks = self.profile.networks.items()
        return next(name for name, one in networks if (one.architecture, one.image, one.widths) == sizes)

    def seeds(self, name: str) -> list[Plan]:
        """Return the plans of a compared network with every seed that it has."""
        n = self.profile.seeds if name in (*self.profile.repeated, *self.profile.seeded) else 1
        return [self.network(name, k) for k in range(n)]

    def repeats(self, **changes: object) -> list[Plan]:
        """Return the network of the single studies, otherwise trained, with each of their seeds."""
        several = self.seeds(self.shallow)[: self.profile.repeats]
        return [replace(one, **changes) for one in several]  # type: ignore[arg-type]

    def worlds(self) -> dict[str, list[Plan]]:
        """Return the trainings with and without a water line, at one and at a random receiver gain."""
        return {
            "one gain, water": self.repeats(),
            "one gain, no water": self.repeats(world=World(water=False)),
            "random gain, water": self.repeats(world=World(gain=True)),
            "random gain, no water": self.repeats(world=World(water=False, gain=True)),
        }

    def noiseless(self) -> list[Plan]:
        """Return the training without noise."""
        return self.repeats(world=World(noise=False))[:1]

    def sets(self) -> dict[str, list[Plan]]:
        """Return the trainings on re-weighted, larger and asked-for sets."""
        larger = round(1.6 * self.network(self.shallow).samples)
        return {
            "uniform": self.repeats(),
            LARGER: self.repeats(samples=larger),
            **{name: self.repeats(kind=name) for name in SETS},
            QUERY: self.repeats(kind="query"),
        }

    def folds(self) -> list[list[Plan]]:
        """Return the members of the hybrid of two, trained as many steps without the k-th part of the spectra."""
        k = self.profile.folds
        members = [self.network(name) for name in self.profile.repeated]
        longer = [replace(one, epochs=round(one.epochs * k / (k - 1))) for one in members]
        return [[replace(one, fold=(j, k)) for one in longer] for j in range(k)]

    def __iter__(self) -> Iterator[Plan]:
        """Go through all trainings, the most needed first."""
        first = [self.network(name) for name in self.profile.networks]
        worlds, sets = self.worlds(), self.sets()
        yield from first[:2]
        yield from self.seeds(self.shallow)
        for name in ("random gain, water", "random gain, no water"):
            yield from worlds[name]
        yield from (one for name in self.profile.repeated for one in self.seeds(name))
        for name in (LARGER, "fully-w", "SNR-w", "GABA-w"):
            yield from sets[name]
        yield from self.noiseless()
        yield from worlds["one gain, no water"]
        for name in (QUERY, *SETS):
            yield from sets[name]
        yield from (one for members in self.folds() for one in members)
        yield from (one for name in self.profile.seeded for one in self.seeds(name))
        yield from first[2:]
