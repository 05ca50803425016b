"""``train synthesise``: from the command's settings to a package."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from fsl_mrs_dl.errors import OptionError
from fsl_mrs_dl.models.card import Card, Channel, Score, ValidRange
from fsl_mrs_dl.models.network import Network
from fsl_mrs_dl.models.package import package_name
from fsl_mrs_dl.models.synthesis import SynthesisNetwork
from fsl_mrs_dl.train.loop import Outcome, Settings, fit
from fsl_mrs_dl.train.synthesis import Sets, new_network, tensors, train_on
from fsl_mrs_dl.train.synthesis_data import (
    PHASE_RAD,
    RATE,
    SHIFT_HZ,
    LabelledSpectra,
    simulated_spectra,
    training_basis,
)
from fsl_mrs_dl.train.synthesis_deviations import deviation_network
from fsl_mrs_dl.train.synthesis_evaluation import scores, transient_scores
from fsl_mrs_dl.train.synthesis_transients import Transients, read_transients, subject, transients_of, vae_for
from fsl_mrs_dl.train.writing import Request, recipe

TASK = "synthesise"
N_TEST = 500
_VALIDATION = 0.1
_HIDDEN = {"cvae": (512, 256, 128), "vae": (256, 128)}
_LATENT = {"cvae": 16, "vae": 24}
_COMPONENTS = 48
_OF_DEVIATIONS: dict[str, Any] = {"latent": 8, "hidden": (128, 64)}
_BETA = 0.05
"""Of whole spectra: at 1 only what stands out of the noise of one transient is encoded; subjects grow alike."""
_SUBJECTS, _EACH = 8, 160
_FIELD_SHARE = 0.05
_USE = "Making labelled spectra to train and to test with; every file says that they are synthetic."
_NOT = "Standing in for measured spectra in a study, adding information to an average, diagnosis."


def train_synthesis(request: Request) -> None:
    """Train a generative network and write its package.

    Parameters
    ----------
    request : Request

    Raises
    ------
    MRSDLError
        If an option, a file or the output folder cannot be used.
    """
    said, settings = request.said, request.settings
    if said["architecture"] == "cvae":
        if said["data"]:
            raise OptionError(
                "--data is for --architecture vae; a cvae needs concentrations, which nobody knows."
            )
        sets = make_sets(said["basis"], said["metabolites"], said["samples"], said["seed"])
        name = cvae_name(sets, said["metabolites"])

        def trained() -> tuple[Network, Card, Outcome]:
            network, config, outcome = train_cvae(sets, said["decoder"], settings)
            rows = scores(network, sets.test, said["seed"])
            made = {"name": name, "config": config, "request": request}
            return network, cvae_card(network, sets.training, rows, **made), outcome

    else:
        transients = own_or_simulated(said["data"], said["seed"])
        data = transients.data
        name = package_name(TASK, "vae", data.nucleus, data.spectrometer_frequency_mhz)

        def trained() -> tuple[Network, Card, Outcome]:
            network, config, outcome = train_vae(transients, settings, said["decoder"])
            rows = transient_scores(network, transients)
            made = {"name": name, "config": config, "request": request}
            return network, vae_card(network, transients, rows, **made), outcome

    request.write(trained, name)


def make_sets(basis: str, metabolites: tuple[str, ...] | None, samples: int, seed: int) -> Sets:
    """Simulate spectra to train on, to stop by and to judge by."""
    rng = np.random.default_rng(seed)
    chosen = training_basis(basis, metabolites)
    n_validation = max(1, round(_VALIDATION * samples))
    counts = (samples - n_validation, n_validation, min(N_TEST, samples))
    return Sets(*(simulated_spectra(chosen, n, rng) for n in counts))


def cvae_name(sets: Sets, metabolites: tuple[str, ...] | None) -> str:
    """Return the package's name: the sequence, and the metabolites where they were chosen."""
    basis = sets.training.basis
    which = basis.name.split("_")[0]
    if metabolites:
        which += "-" + "-".join(name.lower() for name in basis.names)
    return package_name(TASK, f"cvae-{which}", basis.nucleus, basis.spectrometer_frequency_mhz)


def train_cvae(
    sets: Sets, decoder: str, settings: Settings, hidden: tuple[int, ...] = _HIDDEN["cvae"]
) -> tuple[SynthesisNetwork, dict[str, Any], Outcome]:
    """Train a cVAE and return it, its config and how it went."""
    training, validation = (tensors(part.fids, part.amounts) for part in (sets.training, sets.validation))
    warm_up = max(1, settings.epochs * len(training[0]) // settings.batch // 5)
    network, config = new_network(
        sets.training,
        "spectrum" if decoder == "spectrum" else "physics",
        settings.seed,
        latent=_LATENT["cvae"],
        hidden=hidden,
        beta=1.0,
        warm_up=warm_up,
    )
    outcome = train_on(network, training, validation, settings)
    return network, config, outcome


def own_or_simulated(files: tuple[Path, ...] | None, seed: int) -> Transients:
    """Return the user's transients, or those of semi-synthetic subjects."""
    if files:
        return read_transients(files)
    rng = np.random.default_rng(seed)
    return transients_of([subject(_EACH, rng).data for _ in range(_SUBJECTS)])


def train_vae(
    transients: Transients, settings: Settings, decoder: str = "physics"
) -> tuple[Network, dict[str, Any], Outcome]:
    """Train a VAE on transients, a tenth of which say when to stop; return it, its config and how it went.

    Parameters
    ----------
    transients : Transients
    settings : Settings
    decoder : {"physics", "spectrum"}
        Deviations from the average of each set, or whole spectra as published.
    """
    order = np.random.default_rng(settings.seed).permutation(len(transients.fids))
    parts = np.split(order, [max(1, round(_VALIDATION * len(order)))])
    if decoder == "physics":
        made, config, coefficients = deviation_network(transients, settings.seed, **_OF_DEVIATIONS)
        learnt = torch.from_numpy(coefficients.astype(np.float32))
        stopped, learned = ((learnt[rows],) for rows in parts)
        return made, dict(config), fit(made, learned, stopped, settings)
    network, config = vae_for(
        transients,
        settings.seed,
        components=min(_COMPONENTS, max(4, len(order) // 3)),
        latent=_LATENT["vae"],
        hidden=_HIDDEN["vae"],
        beta=_BETA,
    )
    few, many = (tensors(transients.fids[rows]) for rows in parts)
    outcome = train_on(network, many, few, settings)
    return network, dict(config), outcome


def cvae_card(network: SynthesisNetwork, data: LabelledSpectra, rows: tuple[Score, ...], **made: Any) -> Card:
    """Return the card of a cVAE; ``made`` says how it was made, see :func:`_card`."""
    low, high = network.lowest.numpy(), network.highest.numpy()
    spans = ", ".join(f"{m} {a:.3g}-{b:.3g}" for m, a, b in zip(network.names, low, high, strict=True))
    degrees = float(np.degrees(PHASE_RAD))
    return _card(
        inputs=(
            Channel("latent", "parameter", ("batch", str(network.latent)), "1", "standard normal"),
            Channel("concentrations", "parameter", ("batch", str(len(network.names))), f"basis set; {spans}"),
        ),
        outputs=(Channel("fid", "time", ("batch", str(network.n_points)), "basis set"),),
        valid=ValidRange(
            **_valid(network, data.basis.nucleus),
            shift_hz=(-SHIFT_HZ, SHIFT_HZ),
            phase_deg=(-degrees, degrees),
            linewidth_hz=(0.0, RATE / np.pi),
        ),
        learned=data,
        rows=rows,
        **made,
    )


def vae_card(network: Any, data: Transients, rows: tuple[Score, ...], **made: Any) -> Card:
    """Return the card of a VAE; ``made`` says how it was made, see :func:`_card`."""
    fid = Channel("fid", "time", ("batch", "2", str(network.n_points)), "the size of the set's average")
    valid = ValidRange(**_valid(network, data.data.nucleus))
    return _card(inputs=(fid,), outputs=(fid,), valid=valid, learned=data, rows=rows, **made)


def _card(
    *,
    inputs: tuple[Channel, ...],
    outputs: tuple[Channel, ...],
    valid: ValidRange,
    learned: LabelledSpectra | Transients,
    rows: tuple[Score, ...],
    name: str,
    config: Mapping[str, Any],
    request: Request,
) -> Card:
    return Card(
        name=name,
        version=request.said["version"],
        task=TASK,
        architecture=request.said["architecture"],
        config=config,
        inputs=inputs,
        outputs=outputs,
        valid=valid,
        recipe=recipe(request.command, request.said["seed"], learned.said, learned.sha256, request.began),
        evaluation=rows,
        intended_use=_USE,
        refused_use=_NOT,
    )


def _valid(network: Any, nucleus: str) -> dict[str, Any]:
    mhz = network.spectrometer_frequency_mhz
    duration_s = network.n_points * network.dwelltime_s
    return {
        "nucleus": nucleus,
        "spectrometer_frequency_mhz": (mhz * (1 - _FIELD_SHARE), mhz * (1 + _FIELD_SHARE)),
        "dwelltime_s": (network.dwelltime_s / 10, 1.25 * network.dwelltime_s),
        "duration_s": (duration_s / 10, 4 * duration_s),
    }
