"""Basis sets, priors and test signals of the three studies of supervised regressors."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from fsl_mrs_dl.data import Basis
from fsl_mrs_dl.io.basis import read_basis
from fsl_mrs_dl.physics import on_points, sound_basis
from fsl_mrs_dl.simulate.brain import macromolecules
from fsl_mrs_dl.simulate.components import ComponentPrior, ComponentSignals, simulate_components
from fsl_mrs_dl.simulate.papers import hatami_prior, scattering_priors
from fsl_mrs_dl.simulate.shipped import RECIPES, shipped_basis
from tests.benchmarks.realdata import data_folder

Array = Any
POINTS, DWELLTIME_S = 2048, 2.5e-4
"""Of the signals, s between points: those of the challenge's basis set."""
_CHALLENGE_MHZ = 123.22
"""Of the challenge's basis set, whose text files do not say it."""
_FALLBACK = "press_3t_te30"
_HIGH_FIELD = "press_9.4t_te20"
_LEFT_OUT = ("Ace",)
"""Of the challenge's basis set: the publication has 20 metabolites without it."""
_FIFTEEN = (
    "Ala",
    "Asp",
    "Cr",
    "GABA",
    "GPC",
    "GSH",
    "Gln",
    "Glu",
    "Ins",
    "Lac",
    "NAA",
    "NAAG",
    "PCh",
    "PCr",
    "Tau",
)
"""Metabolites of DSS2 to DSS7; GPC for the free choline of the publication, which the shipped set has not."""
BROAD = "Mac"
_TEST_SEED = 1900
"""Of the test signals, so that they are not those of a training."""
SNR_T0 = 10.0
"""First point over the SD of a channel, as Hatami et al. have it."""


@dataclass(frozen=True)
class Study:
    """A prior and its basis set.

    Attributes
    ----------
    name : str
    prior : ComponentPrior
    basis : str
        ``challenge`` or ``high field``.
    """

    name: str
    prior: ComponentPrior
    basis: str = "challenge"


def _studies() -> dict[str, Study]:
    every = [
        Study("noise-free", hatami_prior("seed")),
        Study("SNR_t0 10", hatami_prior("seed", SNR_T0)),
        Study("noise-free, physical damping", hatami_prior("physical")),
        Study("SNR_t0 10, physical damping", hatami_prior("physical", SNR_T0)),
    ]
    every += [
        Study(name, prior, "challenge" if name == "DSS1" else "high field")
        for name, prior in scattering_priors().items()
    ]
    return {study.name: study for study in every}


STUDIES: Mapping[str, Study] = MappingProxyType(_studies())
"""Name -> study."""


@cache
def challenge_basis(chosen: str = "") -> tuple[Basis, str]:
    """Return the basis set of 20 metabolites and macromolecules as a 21st component, and what to call it.

    Parameters
    ----------
    chosen : str
        A file, a folder or the name of a shipped set. Empty: that of the ISMRM 2016 challenge where it is, else
        :data:`_FALLBACK`.
    """
    folder = data_folder() / "ismrm2016_basis" / "basisset_text_noTMS"
    if not chosen and folder.is_dir():
        sampling = {"dwelltime_s": DWELLTIME_S, "spectrometer_frequency_mhz": _CHALLENGE_MHZ}
        basis = sound_basis(read_basis(folder, **sampling))
        return _without(basis, _LEFT_OUT), "ISMRM 2016 fitting challenge, measured macromolecules among it"
    name = chosen or _FALLBACK
    path = shipped_basis(name) if name in RECIPES else Path(name)
    basis = read_basis(path)
    mhz = basis.spectrometer_frequency_mhz
    return on_points(
        _one_broad(basis), POINTS, DWELLTIME_S, mhz
    ), f"`{name}`, its macromolecules as one member"


@cache
def high_field_basis() -> Basis:
    """Return the 15 metabolites at 9.4 T."""
    basis = read_basis(shipped_basis(_HIGH_FIELD))
    return _without(basis, tuple(name for name in basis.names if name not in _FIFTEEN))


def _without(basis: Basis, names: tuple[str, ...]) -> Basis:
    rows = [i for i, name in enumerate(basis.names) if name not in names]
    return replace(basis, fids=np.asarray(basis.fids)[rows], names=tuple(basis.names[i] for i in rows))


def _one_broad(basis: Basis) -> Basis:
    broad = macromolecules(basis.names)
    if not broad:
        return basis
    whole = np.asarray(basis.fids)[broad].sum(axis=0, keepdims=True)
    rest = _without(basis, tuple(basis.names[i] for i in broad))
    return replace(rest, fids=np.concatenate([rest.fids, whole]), names=(*rest.names, BROAD))


def basis_of_study(study: str, chosen: str = "") -> Basis:
    """Return the basis set of a study, a key of :data:`STUDIES`."""
    return high_field_basis() if STUDIES[study].basis == "high field" else challenge_basis(chosen)[0]


def signals(
    study: str, n: int, seed: list[int], chosen: str = "", *, like: Array | None = None
) -> ComponentSignals:
    """Simulate signals of a study; ``like`` as of :func:`~fsl_mrs_dl.simulate.components.simulate_components`."""
    rng = np.random.default_rng([*study.encode(), *seed])
    return simulate_components(STUDIES[study].prior, basis_of_study(study, chosen), n, rng, like=like)


def judging_signals(study: str, n: int, seed: int, chosen: str = "") -> ComponentSignals:
    """Return the signals that every method is judged by; in double precision, for noise-free fits end there."""
    return signals(study, n, [_TEST_SEED, seed], chosen, like=np.empty(0, complex))
