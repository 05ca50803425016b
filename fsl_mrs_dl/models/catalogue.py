"""The one table of networks and of the classical methods beside them: what each is, and where it lives.

All else derives from it: the choices of ``--method`` and ``--architecture`` and their help, the way from a card to
its network, ``models list --architectures``, what ``train`` runs, and the tests that every network must pass. A
card names a row of this table, never code to import. A new network is one file in this folder and one row here.

No PyTorch, and nothing heavy: the help reads this table. A network's module is imported when it is built.
"""

import importlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import fsl_mrs_dl
from fsl_mrs_dl.choices import Choices
from fsl_mrs_dl.models.rizzo import table as rizzo

if TYPE_CHECKING:
    from fsl_mrs_dl.models.network import Network

Task = Literal["align", "quantify", "reconstruct", "synthesise"]
SHIFT_PHASE = "shift and phase of each transient"
AMPLITUDES = "amplitudes of the members of the basis set"
START = "start of the fit: shift, phase and lineshape"
FIDS = "FIDs"
PENALTY = "weight of sparsity of each FID"
_ANSWER = {"align": SHIFT_PHASE, "quantify": AMPLITUDES}
"""Task -> what a method of it must give. What gives something else, a start for example, is no method."""
CREATINE_WINDOW_PPM = (2.5, 3.5)
"""Where the F variants compare spectra, in ppm: the methyl line of creatine and its surroundings (Shamaei et al
2023, doi:10.1002/mrm.29498)."""
SHIPPED = Path(fsl_mrs_dl.__file__).parent / "resources" / "models"
"""Folder of the packages that come with the program."""


@dataclass(frozen=True)
class CatalogueEntry:
    """A row: a network, or a classical method that stands beside networks.

    Attributes
    ----------
    name : str
        What cards, ``--method`` and ``--architecture`` call it.
    task : str
        The step that uses it.
    summary : str
        What it is, in a few words, for the help.
    gives : str
        Its answer: :data:`SHIFT_PHASE`, :data:`AMPLITUDES`, :data:`START`, :data:`FIDS` or :data:`PENALTY`.
    source : str
        DOI or other identifier of the publication; empty: none.
    builder : str
        ``module:attribute`` within :mod:`fsl_mrs_dl.models`: the class, or a function that returns the network.
        Empty: not a network; :mod:`fsl_mrs_dl.fit` has it.
    fixed : mapping
        Keywords that the builder always gets. A card holds the others.
    training : str
        Key of :data:`fsl_mrs_dl.train.trainings.TRAININGS`.
    reads : str
        Its input, in words.
    options : tuple of str
        Options of ``train`` that shape its layers, and go into its card.
    labels : bool
        Whether it learns from the truth of simulated examples.
    large : bool
        Whether its tests take minutes and belong to the slow ones.
    lr : float
        Learning rate of ``train`` where none is chosen.
    """

    name: str
    task: Task
    summary: str
    gives: str
    source: str = ""
    builder: str = ""
    fixed: Mapping[str, Any] = field(default_factory=dict)
    training: str = ""
    reads: str = ""
    options: tuple[str, ...] = ()
    labels: bool = False
    large: bool = False
    lr: float = 3e-3

    @property
    def kind(self) -> Any:
        """Return its class, or the function that returns it."""
        module, _, attribute = self.builder.partition(":")
        return getattr(importlib.import_module(f"fsl_mrs_dl.models.{module}"), attribute)

    def build(self, **config: Any) -> "Network":
        """Return the network of a config, with random weights."""
        network: Network = self.kind(**self.fixed, **config)
        return network

    @property
    def fields(self) -> tuple[str, ...]:
        """Where a package of it is shipped: ``("3 T", "7 T")``; one for every field is ``("any field",)``."""
        shipped = set()
        pattern = re.compile(rf"{self.task}-{self.name}(?:-.+?)??-\d+[a-z]+(?:-([\d.]+)t)?")
        for folder in SHIPPED.iterdir() if SHIPPED.is_dir() else ():
            if match := pattern.fullmatch(folder.name):
                shipped.add(match[1] or "")
        return tuple(
            f"{name} T" if name else "any field" for name in sorted(shipped, key=lambda n: float(n or 0))
        )

    @property
    def availability(self) -> str:
        """Whether it can be used at once: ``shipped for 3 T and 7 T``, or ``train it first``."""
        return f"shipped for {' and '.join(self.fields)}" if self.fields else "train it first"


_NEAR, _SHAMAEI = "doi:10.1002/mrm.25094", "doi:10.1002/mrm.29498"
_DEEPFPC: dict[str, Any] = {
    "task": "align",
    "gives": SHIFT_PHASE,
    "source": _SHAMAEI,
    "training": "registration",
    "options": ("depth", "batch_norm", "loss"),
    "reads": "first 512 points of the FID",
}
_PAIR: dict[str, Any] = {
    "task": "align",
    "gives": SHIFT_PHASE,
    "builder": "registration_rivals:SupervisedPair",
    "training": "registration",
    "labels": True,
    "reads": "spectrum of the first 512 points",
}
_DQ: dict[str, Any] = {
    "task": "quantify",
    "gives": AMPLITUDES,
    "source": "doi:10.1016/j.compbiomed.2023.106837",
    "builder": "quantification:QuantificationNetwork",
    "training": "amplitudes",
    "options": ("encoder", "amplitudes", "penalty", "seed_sign"),
    "reads": "first 1024 points of the FID",
}
_REGRESSOR: dict[str, Any] = {"task": "quantify", "gives": AMPLITUDES, "labels": True}
_ROWS = (
    CatalogueEntry("gn", "align", "Gauss-Newton registration to the average", SHIFT_PHASE),
    CatalogueEntry("sr", "align", "spectral registration of the whole band", SHIFT_PHASE, _NEAR),
    CatalogueEntry("srf", "align", "spectral registration of the window", SHIFT_PHASE, _SHAMAEI),
    CatalogueEntry("crr", "align", "creatine line in the whole band", SHIFT_PHASE, _SHAMAEI),
    CatalogueEntry("crrf", "align", "creatine line in the window", SHIFT_PHASE, _SHAMAEI),
    CatalogueEntry("corr", "align", "correlation of spectra in the whole band", SHIFT_PHASE, _SHAMAEI),
    CatalogueEntry("corrf", "align", "correlation of spectra in the window", SHIFT_PHASE, _SHAMAEI),
    CatalogueEntry(
        "dsr",
        summary="network, relative to a reference, by the FID",
        builder="registration_likelihood:spectral_registration",
        **_DEEPFPC,
    ),
    CatalogueEntry(
        "dsrf",
        summary="network, relative to a reference, by the spectrum near creatine",
        builder="registration_likelihood:spectral_registration",
        fixed={"window_ppm": CREATINE_WINDOW_PPM},
        **_DEEPFPC,
    ),
    CatalogueEntry(
        "dcrr",
        summary="network, relative to creatine, by the FID",
        builder="registration_likelihood:creatine_referencing",
        **_DEEPFPC,
    ),
    CatalogueEntry(
        "dcrrf",
        summary="network, relative to creatine, by the spectrum near it",
        builder="registration_likelihood:creatine_referencing",
        fixed={"window_ppm": CREATINE_WINDOW_PPM},
        **_DEEPFPC,
    ),
    CatalogueEntry(
        "tapper",
        summary="two fully connected networks, trained with labels",
        source="doi:10.1002/mrm.28525",
        fixed={"layers": "connected"},
        **_PAIR,
    ),
    CatalogueEntry(
        "ma",
        summary="two convolutional networks, trained with labels",
        source="doi:10.1002/mrm.29103",
        fixed={"layers": "convolutional"},
        **_PAIR,
    ),
    CatalogueEntry("lcm", "quantify", "linear-combination fit", AMPLITUDES),
    CatalogueEntry(
        "amortised",
        "quantify",
        "start by a network and one linear model, with intervals, for MRSI",
        AMPLITUDES,
    ),
    CatalogueEntry("dq-nmm", summary="network, macromolecules of the basis set", **_DQ),
    CatalogueEntry("dq-pmm", summary="network, macromolecules as lines", fixed={"lines": True}, **_DQ),
    CatalogueEntry(
        "dq-rpmm",
        summary="network, macromolecules as lines that decay early",
        fixed={"lines": True, "regularised": True},
        **_DQ,
    ),
    CatalogueEntry(
        "crelu",
        summary="convolutions over the spectrum, amplitudes alone",
        source="arXiv:1806.07237",
        builder="regression_crelu:CReLUNetwork",
        training="regression",
        options=("signed",),
        reads="spectrum from 0.2 to 4.2 ppm",
        **_REGRESSOR,
    ),
    CatalogueEntry(
        "scalogram",
        summary="convolutions over the wavelet transform, amplitudes alone",
        source="Proc. EEICT 2020, 131-135",
        builder="regression_scalogram:ScalogramNetwork",
        training="regression",
        reads="complex scalogram of the first 1024 points",
        **_REGRESSOR,
    ),
    CatalogueEntry(
        "scattering",
        summary="small network on wavelet scattering, amplitudes alone",
        source="doi:10.5220/0010318502680275",
        builder="regression_scattering:ScatteringNetwork",
        training="full-batch regression",
        reads="wavelet scattering of the first 1024 points",
        **_REGRESSOR,
    ),
    *(
        CatalogueEntry(
            name,
            summary=rizzo.summary(name),
            source=rizzo.SOURCE,
            builder="rizzo.network:network",
            fixed={"config": name},
            training="compared",
            reads=rizzo.READS[config.reads],
            options=("widths", "kernels", "dropout"),
            large=name not in rizzo.QUICK,
            lr=config.lr,
            **_REGRESSOR,
        )
        for name, config in rizzo.CONFIGS.items()
    ),
    CatalogueEntry(
        "stacked",
        summary="ensemble, a small network on the outputs of trained regressors, amplitudes alone",
        source=rizzo.SOURCE,
        builder="rizzo.stacking:StackedNetwork",
        training="stacked",
        reads="what its members read",
        lr=2e-4,
        **_REGRESSOR,
    ),
    CatalogueEntry(
        "start",
        "quantify",
        "network that starts the fit with any basis set",
        START,
        builder="quantification_start:StartNetwork",
        training="start",
        reads="spectrum from -0.2 to 4.8 ppm, and the acquisition",
        labels=True,
    ),
    CatalogueEntry(
        "asds-vae",
        "reconstruct",
        "network whose uncertainty of a spectrum grows with its noise",
        PENALTY,
        builder="reconstruction:SparsityVAE",
        training="reconstruction",
        reads="spectrum from 0.2 to 4.2 ppm",
        labels=True,
    ),
    CatalogueEntry(
        "cvae",
        "synthesise",
        "spectra of the concentrations that you ask for",
        FIDS,
        "ISMRM 2023, abstract 5027",
        builder="synthesis:SynthesisNetwork",
        training="concentrations",
        options=("decoder",),
        reads="1.02 s of the FID, and the concentrations",
        labels=True,
    ),
    CatalogueEntry(
        "vae",
        "synthesise",
        "transients like yours",
        FIDS,
        "arXiv:2603.00736",
        builder="synthesis_deviations:transient_network",
        training="transients",
        options=("decoder",),
        reads="all points of the FID, or how it differs from the average of its set",
    ),
)
CATALOGUE: Mapping[str, CatalogueEntry] = MappingProxyType({entry.name: entry for entry in _ROWS})


def architectures(task: Task | None = None) -> dict[str, CatalogueEntry]:
    """Return the networks by name, of one task or of all."""
    return {
        name: entry
        for name, entry in CATALOGUE.items()
        if entry.builder and (task is None or entry.task == task)
    }


def methods(task: Task) -> dict[str, CatalogueEntry]:
    """Return the choices of ``--method`` of a step, networks and classical methods."""
    return {
        name: entry
        for name, entry in CATALOGUE.items()
        if entry.task == task and entry.gives == _ANSWER.get(task)
    }


def choices(entries: Mapping[str, CatalogueEntry]) -> Choices:
    """Return rows as the choices of an option; the help describes each and names the fields it is shipped for.

    Rows of one description stand together.
    """
    alike: dict[tuple[str, str], list[str]] = {}
    for name, entry in entries.items():
        more = f" ({entry.availability})" if entry.builder else ""
        alike.setdefault((entry.task, f"{entry.summary}{more}."), []).append(name)
    by_task: dict[str, list[str]] = {}
    for (task, text), names in alike.items():
        by_task.setdefault(task, []).append(f"{', '.join(names)}: {text}")
    groups = [" ".join(texts) for texts in by_task.values()]
    if len(groups) > 1:
        groups = [f"For {task}: {text}" for task, text in zip(by_task, groups, strict=True)]
    return Choices(tuple(entries), " ".join(groups))
