"""Transients for a VAE to learn from: the user's files, or semi-synthetic subjects."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from fsl_mrs_dl.data import Complex, MRSData
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.io.basis import read_basis
from fsl_mrs_dl.io.transient_sets import TransientSets, check_alike, set_scale
from fsl_mrs_dl.models.synthesis import SynthesisNetwork
from fsl_mrs_dl.simulate.brain import brain_amplitudes, macromolecule_amplitudes
from fsl_mrs_dl.simulate.distributions import Fixed, Normal, Uniform
from fsl_mrs_dl.simulate.editing import EditedPair
from fsl_mrs_dl.simulate.nuisance import ResidualWater
from fsl_mrs_dl.simulate.priors import Drift, Noise, Prior
from fsl_mrs_dl.simulate.shipped import shipped_basis
from fsl_mrs_dl.simulate.transients import Simulated, simulate_transients
from fsl_mrs_dl.train.synthesis import coefficient_statistics, principal_components

SUBJECT_POINTS, SUBJECT_DWELLTIME_S = 1024, 5e-4
"""Of a simulated scan: points, and s between them; 0.5 s of a band of 2 kHz."""
SUBJECT_SNR_T0 = 12.0
"""SNR_t0 of one transient of a simulated scan."""
_FEWEST = 8
"""Transients needed to learn from."""


@dataclass(frozen=True, eq=False)
class TransientCollection:
    """Transients of one kind, each set over its own size.

    Attributes
    ----------
    fids : ndarray, complex64, shape (transient, time)
    data : MRSData
        The first file, for its axes.
    description : str
    sets : ndarray, int, shape (transient,)
        Number of the set that each belongs to.
    """

    fids: Complex
    data: MRSData
    description: str
    sets: NDArray[np.intp]

    @property
    def sha256(self) -> str:
        """Checksum of the FIDs."""
        return hashlib.sha256(np.ascontiguousarray(self.fids, dtype="<c8").tobytes()).hexdigest()


def read_transients(files: Sequence[Path]) -> TransientCollection:
    """Read the transients of files, see :func:`transients_of`."""
    return transients_of([nifti.read(file) for file in files])


def transients_of(subjects: Sequence[MRSData]) -> TransientCollection:
    """Return all transients of data of one kind.

    Raises
    ------
    DataError
        If they differ in kind, have coils, or hold too few usable transients.
    """
    parts = []
    first = subjects[0]
    for data in subjects:
        check_alike(data, first)
        data.axis("DIM_DYN")
        transient_sets = TransientSets.of(data, "DIM_DYN")
        for fids, usable in zip(transient_sets.fids[:, :, 0], transient_sets.usable, strict=True):
            if usable.any():
                parts.append(fids[usable] / set_scale(fids[usable]))
    n = sum(map(len, parts))
    if n < _FEWEST:
        raise DataError(f"--data holds {n} usable transients in DIM_DYN; at least {_FEWEST} are needed.")
    return joined_sets(parts, first, f"{n} transients, {len(parts)} sets of {len(subjects)} files")


def joined_sets(parts: Sequence[Complex], data: MRSData, description: str) -> TransientCollection:
    """Return sets of transients, each of shape (transient, time), as one collection."""
    sets = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    return TransientCollection(np.concatenate(parts).astype(np.complex64), data, description, sets)


def subject(
    n_transients: int, rng: np.random.Generator, *, points: int = SUBJECT_POINTS, water: float = 0.8
) -> Simulated:
    """Simulate an edited scan of one subject: ON and OFF of a MEGA-PRESS, drift, jitter and a tail of water.

    Parameters
    ----------
    n_transients : int
        Of each edit condition.
    rng : numpy.random.Generator
    points : int
    water : float
        Probability of a transient to have residual water.
    """
    pair = EditedPair(*(read_basis(shipped_basis(f"mega-press_3t_te68_{which}")) for which in ("on", "off")))
    width = float(rng.uniform(2.0, 5.0))
    prior = Prior(
        amplitudes=brain_amplitudes(pair.off.names) | macromolecule_amplitudes(pair.off),
        lorentzian_hz=Fixed(width),
        gaussian_hz=Fixed(width),
        noise=Noise(Fixed(SUBJECT_SNR_T0), "snr_t0"),
        scale=Normal(1.0, 0.02),
        phase_rad=Normal(0.0, 0.1),
        nuisances=(ResidualWater(water, fraction=Uniform(0.1, 0.4)),),
        drift=Drift(Uniform(-6.0, 6.0), walk_hz=0.2),
    )
    sampling = (points, SUBJECT_DWELLTIME_S, pair.off.spectrometer_frequency_mhz)
    return simulate_transients(prior, pair, n_transients, *sampling, rng)


def vae_for(
    transients: TransientCollection,
    seed: int,
    *,
    components: int,
    latent: int,
    hidden: Sequence[int],
    beta: float,
) -> tuple[SynthesisNetwork, dict[str, object]]:
    """Return a VAE with random layers and the components of some transients, and its config."""
    scale = float(np.sqrt(np.mean(np.sum(np.abs(transients.fids) ** 2, axis=1))))
    scaled = transients.fids / np.float32(scale)
    order = np.random.default_rng(seed).permutation(len(scaled))
    signals = principal_components(scaled[order], 0.0, components)
    data = transients.data
    config: dict[str, object] = {
        "n_points": data.n_points,
        "dwelltime_s": data.dwelltime_s,
        "spectrometer_frequency_mhz": data.spectrometer_frequency_mhz,
        "n_components": len(signals),
        "latent": latent,
        "hidden": list(hidden),
        "beta": beta,
    }
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = SynthesisNetwork(**config)  # type: ignore[arg-type]
    centre, spread = coefficient_statistics(scaled @ signals.conj().T)
    network.set_signals(components=signals)
    network.set_statistics(
        centre=centre, spread=spread, shape_centre=centre, shape_spread=spread, scale=scale
    )
    return network, config
