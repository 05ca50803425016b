"""Whether synthetic training data help: few transients or spectra, with and without ``--augment_with``."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import pi
from pathlib import Path
from typing import Any

import numpy as np

from fsl_mrs_dl.data import MRSData, Real
from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.io.basis import read_basis
from fsl_mrs_dl.models.quantification_inference import network_parameters
from fsl_mrs_dl.models.registration_encoders import estimate
from fsl_mrs_dl.scores import phase_difference, r2
from fsl_mrs_dl.simulate.brain import brain_amplitudes, macromolecule_amplitudes
from fsl_mrs_dl.simulate.distributions import Fixed, Uniform
from fsl_mrs_dl.simulate.priors import Noise, Prior
from fsl_mrs_dl.simulate.shipped import shipped_basis
from fsl_mrs_dl.simulate.transients import simulate_transients
from fsl_mrs_dl.train import quantification, registration
from fsl_mrs_dl.train.augmentation import spectra_with, transients_with
from fsl_mrs_dl.train.command import resolved
from fsl_mrs_dl.train.quantification_data import Spectra, basis_of
from fsl_mrs_dl.train.registration_data import Spread, simulated
from fsl_mrs_dl.train.synthesis_evaluation import STRONG
from fsl_mrs_dl.train.training import DataSplit
from fsl_mrs_dl.train.trainings import training_of
from tests.benchmarks.table import Table

_BASIS = "press_3t_te30"
_SPREAD = Spread(20.0, pi / 2, 0.0)
_OWN_TRANSIENTS, _OWN_SPECTRA, _OWN_SNR = 40, 60, 30.0
"""What a small study has of its own: transients of one person, spectra of sixty, and their SNR_t0."""
_POINTS, _DWELLTIME_S = 1024, 5e-4  # 0.5 s at 2 kHz
_BATCH = 16
"""Of dq-nmm, which needs hundreds of steps to learn anything, whatever it learns from."""


@dataclass(frozen=True)
class GainSize:
    """How much each training is given: examples, passes, seeds, test examples."""

    examples: int
    epochs: int
    seeds: int
    tested: int


def gain_tables(model: str, size: GainSize, seed: int) -> list[Table]:
    """Return what a cVAE adds to few transients (``train align``) and few spectra (``train quantify``).

    Parameters
    ----------
    model : str
        Package of the cVAE.
    size : GainSize
    seed : int
    """
    seeds = range(seed, seed + size.seeds)
    align = [_align(model, size, one) for one in seeds]
    quantify = [_quantify(model, size, one) for one in seeds]
    n = f"{size.examples} examples, {size.epochs} epochs, {size.seeds} seeds"
    return [
        Table(
            f"train align --augment_with: network tapper, {n}. Own: {_OWN_TRANSIENTS} transients of one simulated "
            f"subject, changed by physics; tested on {size.tested} transients of others, shifts within 20 Hz, "
            "phases within 90 degrees. Root mean square errors; mean difference from the first row with its 95 % "
            "interval (paired, Student's t).",
            ("trained on", "shift (Hz)", "difference", "phase (degrees)", "difference"),
            _rows(align),
        ),
        Table(
            f"train quantify --augment_with: network dq-nmm, {n}, batches of {_BATCH}. Own: {_OWN_SPECTRA} "
            f"simulated spectra, repeated; tested on {size.tested} others. Mean R2 of the strong five, and mean "
            "absolute error over the mean, of each seed in brackets.",
            ("trained on", "R2", "difference", "error (%)", "difference"),
            _rows(quantify),
        ),
    ]


def _rows(runs: Sequence[dict[str, tuple[float, float]]]) -> list[list[str]]:
    """Return mean, values of the seeds and paired difference from the first way, of two numbers of each way."""
    ways = list(runs[0])
    values = {way: np.array([run[way] for run in runs]) for way in ways}
    rows: list[list[str]] = []
    for way in ways:
        row = [way]
        for column in range(2):
            each = values[way][:, column]
            row.append(f"{each.mean():.3g} ({', '.join(f'{value:.3g}' for value in each)})")
            row.append(_difference(values[way][:, column] - values[ways[0]][:, column]) if rows else "")
        rows.append(row)
    return rows


def _difference(differences: Real) -> str:
    from scipy.stats import t

    n, mean = len(differences), float(differences.mean())
    if n < 2:
        return f"{mean:+.3g}"
    half = float(t.ppf(0.975, n - 1) * differences.std(ddof=1) / np.sqrt(n))
    return f"{mean:+.3g} ({mean - half:+.3g} to {mean + half:+.3g})"


def _scan(rng: np.random.Generator) -> MRSData:
    """Return transients of one subject, not aligned, as a user has them."""
    basis = read_basis(shipped_basis(_BASIS))
    width = float(rng.uniform(2.0, 5.0))
    prior = Prior(
        amplitudes=brain_amplitudes(basis.names) | macromolecule_amplitudes(basis),
        lorentzian_hz=Fixed(width),
        gaussian_hz=Fixed(width),
        noise=Noise(Fixed(_OWN_SNR), "snr_t0"),
        shift_hz=Uniform(-3.0, 3.0),
        phase_rad=Uniform(-0.2, 0.2),
    )
    sampling = (_POINTS, _DWELLTIME_S, basis.spectrometer_frequency_mhz)
    return simulate_transients(prior, basis, _OWN_TRANSIENTS, *sampling, rng).data


def _align(model: str, size: GainSize, seed: int) -> dict[str, tuple[float, float]]:
    rng = np.random.default_rng([seed, 11])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "own.nii.gz"
        nifti.write(_scan(rng), path)
        own = registration.make_sets((path,), "brain_3t", None, _SPREAD, size.examples, seed)
    test = simulated("brain_3t", None, _SPREAD, size.tested, rng)
    many = registration.make_sets(None, "brain_3t", None, _SPREAD, size.examples, seed)
    ways = {
        "own": own,
        "own, half of them synthetic": replace(
            own, training=transients_with(own.training, model, _SPREAD, seed)
        ),
        "as many simulated, each another subject": many,
    }
    results = {}
    for way, sets in ways.items():
        more: dict[str, Any] = {"epochs": size.epochs, "batch": 64, "lr": 1e-3, "patience": 0, "seed": seed}
        training = training_of(resolved("tapper", shift_hz=20.0, phase_deg=90.0, **more))
        network, _ = training.begin(sets)
        training.fit(network, sets, training.settings)
        shift_hz, phase_rad = estimate(network.eval(), test.fids, test.dwelltime_s)
        errors = (
            shift_hz - test.truth[:, 0],
            np.degrees(phase_difference(phase_rad, test.truth[:, 1])),
        )
        results[way] = (float(np.sqrt(np.mean(errors[0] ** 2))), float(np.sqrt(np.mean(errors[1] ** 2))))
    return results


def _quantify(model: str, size: GainSize, seed: int) -> dict[str, tuple[float, float]]:
    basis = basis_of(_BASIS, "brain")
    sets = quantification.make_sets(None, basis, "brain", "white", size.examples, seed)
    own = _repeated(sets.training, _OWN_SPECTRA, len(sets.training.fids))
    stopped = _repeated(sets.validation, _OWN_SPECTRA // 10, len(sets.validation.fids))
    ways = {
        "own": replace(sets, training=own, validation=stopped),
        "own, half of them synthetic": replace(
            sets, training=spectra_with(own, model, seed), validation=stopped
        ),
        "as many simulated, no two alike": sets,
    }
    test = sets.test.take(size.tested)
    weights = np.array([[float(name in members) for name in basis.names] for members in STRONG])
    truth = test.amplitudes @ weights.T
    return {way: _quantified(part, test, weights, truth, size, seed) for way, part in ways.items()}


def _quantified(
    sets: DataSplit[Spectra], test: Spectra, weights: Real, truth: Real, size: GainSize, seed: int
) -> tuple[float, float]:
    training = training_of(resolved("dq-nmm", epochs=size.epochs, batch=_BATCH, patience=0, seed=seed))
    network, _ = training.begin(sets)
    training.fit(network, sets, training.settings)
    predicted = network_parameters(network.eval(), test.fids, test.basis.dwelltime_s)
    got = predicted.amplitudes @ weights.T
    error = 100 * float(np.mean(np.abs(got - truth).mean(axis=0) / truth.mean(axis=0)))
    return float(np.mean(r2(got, truth))), error


def _repeated(spectra: Spectra, n: int, total: int) -> Spectra:
    """Return the first ``n`` spectra, again and again."""
    first = spectra.take(n)
    rows = np.arange(total) % len(first.fids)
    names = ("fids", "amplitudes", "shift_hz", "gamma", "sigma", "phase_rad", "noise_sd")
    return replace(first, **{name: getattr(first, name)[rows] for name in names})
