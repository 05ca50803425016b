"""A posterior that a network learned, on the same spectra as that of the fit."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from fsl_mrs_dl.data import Basis, Complex, Real
from fsl_mrs_dl.fit.lcm import FitResult
from fsl_mrs_dl.fit.posterior import Sampling, sample_box
from fsl_mrs_dl.models.quantification import Expected
from fsl_mrs_dl.models.quantification_inference import channels
from fsl_mrs_dl.models.quantification_posterior import PosteriorNetwork
from fsl_mrs_dl.physics import ppm_axis
from fsl_mrs_dl.scores import noise_sd as measured_noise_sd
from fsl_mrs_dl.scores import rmse
from fsl_mrs_dl.train.loop import Settings
from fsl_mrs_dl.train.quantification_posterior import train_posterior
from tests.benchmarks.table import Table
from tests.benchmarks.trust import calibration
from tests.benchmarks.trust.calibration import Cell
from tests.benchmarks.trust.sets import (
    GAMMA,
    PHASE_RAD,
    SHIFT_HZ,
    Believer,
    TrustSpectra,
    generating_prior,
    noise_sd,
    ranges,
)

SNR_F = (8.0, 260.0)
"""Of the training set."""
DRAWS = 64  # from the posterior of each spectrum
_SAMPLING = Sampling(chains=1, burn_in=4, recorded=1)
_CHUNK = 16  # spectra whose draws are made together, for memory
_LR, _BATCH = 1e-3, 128  # learning rate of Adam, and spectra of a step
_LEARNING = {"smoke": (256, 1), "small": (60_000, 24), "paper": (1_000_000, 60)}
"""Sets of parameters, and passes over them."""
CAPTION = """\
**A learned posterior**, generating prior: a network ({parameters} parameters, linear layers on the spectrum from
0 to 4.3 ppm) gives cut Gaussians of phase, shift and damping, in turn; given a draw of those the amplitudes are a
Gaussian that is cut to their ranges, which is drawn from exactly. One network for all SNR_f, trained on
{samples} sets of parameters with new noise in each of {epochs} passes ({seconds:.0f} s, one thread, shared
machine). The same spectra as above; the noise is measured where no signal is. *RMSE*: of the posterior mean, over
that of the fit's posterior mean. *ms*: of a spectrum; no fit is needed."""


@dataclass(frozen=True, eq=False)
class LearnedBeliever(Believer):
    """A network's belief in shift, damping and phase, and amplitudes drawn given each of its draws.

    Attributes
    ----------
    network : PosteriorNetwork
    """

    network: PosteriorNetwork

    def __call__(self, fids: Complex, fitted: FitResult, first: int = 0) -> tuple[Real, Real]:
        """Return draws (S, draw, M) and variance of the prior (S, M); the fit is not looked at."""
        basis, variance = self.fitter.basis, generating_prior(self.fitter.basis, fitted)
        axes = (basis.dwelltime_s, basis.spectrometer_frequency_mhz, basis.reference_ppm)
        sd = np.asarray(measured_noise_sd(fids, ppm_axis(fids.shape[1], *axes)))
        parts = []
        for start in range(0, len(fids), _CHUNK):
            rows = slice(start, start + _CHUNK)
            parts.append(self._draw(fids[rows], sd[rows], first + start))
        return np.concatenate(parts), variance.variance(len(basis.names))

    def _draw(self, fids: Complex, sd: Real, first: int) -> Real:
        keys = np.arange(first, first + len(fids))
        inputs = channels(fids)
        uniforms = np.stack([_stratified(DRAWS, 3, np.random.default_rng([3, int(key)])) for key in keys])
        believed = self.network.draw(
            inputs, torch.from_numpy(sd.astype(np.float32)), torch.from_numpy(uniforms)
        )
        shift_hz, gamma, phase_rad = believed.reshape(-1, 3).T
        repeated = torch.from_numpy(np.repeat(fids.astype(np.complex64), DRAWS, axis=0))
        gram, right = self.network.normal_equations(repeated, shift_hz, gamma, 0 * gamma, phase_rad)
        weight = np.repeat(sd, DRAWS) ** -2.0
        low, high = np.broadcast_to(np.array(ranges(self.fitter.basis))[:, None], (2, *right.shape))
        drawn = sample_box(
            gram.numpy() * weight[:, None, None],
            right.numpy() * weight[:, None],
            low,
            high,
            (low + high) / 2,
            _SAMPLING,
            (keys[:, None] * DRAWS + np.arange(DRAWS)).ravel(),
        )
        return drawn.reshape(len(fids), DRAWS, -1)


def _stratified(n: int, columns: int, rng: np.random.Generator) -> Real:
    """Return uniform numbers, (n, columns), one of each column in each n-th part of [0, 1)."""
    order = rng.permuted(np.tile(np.arange(n)[:, None], columns), axis=0)
    return np.clip((order + rng.random((n, columns))) / n, 1e-9, 1 - 1e-9)


def learn(basis: Basis, samples: int, epochs: int, seed: int) -> PosteriorNetwork:
    """Train the network on the prior of the set and all its levels of noise."""
    low, high = ranges(basis)
    expected = Expected(
        tuple(zip(low.tolist(), high.tolist(), strict=True)),
        (-SHIFT_HZ, SHIFT_HZ),
        (0.0, GAMMA),
        (0.0, 0.0),
        (-PHASE_RAD, PHASE_RAD),
        noise_sd(SNR_F[1]),
    )
    settings = Settings(epochs, _BATCH, _LR, 0, seed, anneal=True)
    spread = (noise_sd(SNR_F[1]), noise_sd(SNR_F[0]))
    return train_posterior(basis, expected, spread, samples, settings)[0]


def learned_table(
    profile: str, basis: Basis, sets: Mapping[float, TrustSpectra], known: Sequence[Cell], seed: int
) -> Table:
    """Train, draw, and return coverage as of the fit's posterior, and RMSE beside it.

    Parameters
    ----------
    profile : {"smoke", "small", "paper"}
    basis : Basis
    sets : mapping of float to Spectra
        SNR_f -> what to judge by.
    known : sequence of Cell
        What the fit's posterior under the generating prior said of them, in the same order.
    seed : int

    Returns
    -------
    Table
    """
    samples, epochs = _LEARNING[profile]
    started = time.perf_counter()
    network = learn(basis, samples, epochs, seed)
    seconds = time.perf_counter() - started
    believer = LearnedBeliever(Believer.of(basis, generating=True).fitter, True, network)
    cells = [calibration.believe(believer, simulated, snr) for snr, simulated in sets.items()]
    caption = CAPTION.format(
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        samples=samples,
        epochs=epochs,
        seconds=seconds,
    )
    table = calibration.coverage_table(caption, cells, basis)
    rows = []
    for row, cell, fit in zip(table.rows, cells, known, strict=True):
        ratio = rmse(cell.mean, cell.truth) / rmse(fit.mean, fit.truth)
        worst = int(ratio.argmax())
        # Without the coverage of the plain fit, which stands above.
        rows.append([*row[:-2], f"{ratio.mean():.2f} (to {ratio[worst]:.2f} {basis.names[worst]})", row[-1]])
    return Table(caption, [*table.columns[:-2], "RMSE / the fit's", table.columns[-1]], rows)
