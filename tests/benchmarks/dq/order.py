"""The order of nMM, pMM and rpMM by one recipe, and what the ratio of rpMM to pMM is."""

from collections.abc import Sequence

import numpy as np
import torch

from fsl_mrs_dl.data import Real
from fsl_mrs_dl.models.quantification import QuantificationNetwork
from fsl_mrs_dl.models.quantification_inference import channels
from fsl_mrs_dl.train.quantification_data import Spectra
from tests.benchmarks.dq.plans import SIX, DqProfile, TrainedDqNetwork, line_plans, r2_of_six, six_r2, trained
from tests.benchmarks.store import Store
from tests.benchmarks.table import Table

KNOWN = "least loss, the rest known"
_NAMES = {"dq-nmm": "nMM", "dq-pmm": "pMM", "dq-rpmm": "rpMM"}


def order_table(profile: DqProfile, seed: int, store: Store, test: Spectra) -> Table:
    """Return R2 of the three as trained, and of the least of their losses if shift, damping and phase are known.

    The second says what the losses want, whatever a training made of it; t_r is that of the trained network.
    """
    networks: dict[str, list[TrainedDqNetwork]] = {}
    for plan in line_plans(profile, seed):
        networks.setdefault(_NAMES[plan.architecture], []).append(trained(plan, store))
    lines = []
    for label, score in (("trained", six_r2), (KNOWN, _with_the_rest_known)):
        results = {
            name: np.array([score(one.network, test) for one in several])
            for name, several in networks.items()
        }
        lines += [_line(f"{name}, {label}", values) for name, values in results.items()]
        over, under = results["rpMM"].mean(axis=0), results["pMM"].mean(axis=0)
        ratios = [*(over / under), over.mean() / under.mean()]
        # Of an R2 at or below zero there is no ratio.
        cells = [
            f"{r:.2f}" if least > 0 else "-" for r, least in zip(ratios, [*under, under.mean()], strict=True)
        ]
        lines.append([f"rpMM / pMM, {label}", *cells])
    early_ms = 1e3 * np.mean([one.early_s[-1] for one in networks["rpMM"]])
    samples, epochs = profile.lines
    caption = (
        f"R2 of nMM, pMM and rpMM by one recipe ({samples} signals, {epochs} epochs, projected amplitudes, lambda "
        f"of 3 /s), mean and SD over {profile.seeds} seeds. t_r of rpMM ends at {early_ms:.1f} ms."
    )
    return Table(caption, ["network", *SIX, "mean"], lines)


@torch.no_grad()
def _with_the_rest_known(network: QuantificationNetwork, test: Spectra) -> Real:
    shared = (test.shift_hz, test.gamma, test.sigma, test.phase_rad)
    shift_hz, gamma, sigma, phase_rad = (torch.from_numpy(value.astype(np.float32)) for value in shared)
    early = network.modelled(channels(test.fids)).early_s
    amplitudes = network.least_squares(torch.from_numpy(test.fids), shift_hz, gamma, sigma, phase_rad, early)
    return r2_of_six(amplitudes.double().numpy(), network.names, test)


def _line(name: str, every: Real) -> Sequence[str]:
    whole = every.mean(axis=1)
    values = [*zip(every.mean(axis=0), every.std(axis=0), strict=True), (whole.mean(), whole.std())]
    return [name, *(f"{mean:.2f} +- {spread:.2f}" for mean, spread in values)]
