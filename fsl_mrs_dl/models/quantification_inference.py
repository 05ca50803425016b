"""Inference of quantification networks: parameters of spectra of any sampling, as NumPy arrays."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.models.inputs import on_network_points
from fsl_mrs_dl.models.quantification import QuantificationNetwork
from fsl_mrs_dl.models.signal_space import water_space

_BLOCK = 512
"""Spectra at once, which bounds the memory."""
Solve = Callable[[Real, Real], tuple[Real, NDArray[Any]]]
"""From Gram matrices (S, M, M) and right sides (S, M) to amplitudes, for example kept at or above zero."""


@dataclass(frozen=True, eq=False)
class NetworkParameters:
    """Parameters of S spectra, estimated by a network.

    Attributes
    ----------
    amplitudes : ndarray, float, shape (S, M)
        Of the network's basis set; of DQ-pMM and DQ-rpMM with those of the lines behind them.
    shift_hz, gamma, sigma, phase_rad : ndarray, float, shape (S,)
        Hz, rad/s, rad/s, rad; rates are not below zero.
    loss : ndarray, float, shape (S,)
        Mean square residual of a point and channel, in units of the data.
    """

    amplitudes: Real
    shift_hz: Real
    gamma: Real
    sigma: Real
    phase_rad: Real
    loss: Real


def channels(fids: Complex) -> torch.Tensor:
    """Return FIDs as two real channels, in single precision, shape (S, 2, time)."""
    stacked = np.stack([fids.real, fids.imag], axis=1)
    return torch.from_numpy(np.ascontiguousarray(stacked, dtype=np.float32))


@torch.no_grad()
def network_parameters(
    network: QuantificationNetwork,
    fids: Complex,
    dwelltime_s: float,
    solve: Solve | None = None,
    *,
    spectrometer_frequency_mhz: float | None = None,
    dry: bool = False,
) -> NetworkParameters:
    r"""Estimate the parameters of spectra.

    Spectra of another field are read in ppm: as if their time ran :math:`f / f_0` times as fast, with
    :math:`f_0` the network's field, every line lies where the network knows it, and the shift and the rates that
    it gives are :math:`f / f_0` times as large in the data. Amplitudes and phase stay. Couplings, in Hz the same
    at all fields, are read too small or too large by this factor: that is the error of this reading.

    Parameters
    ----------
    network : QuantificationNetwork
        In evaluation mode.
    fids : ndarray, complex, shape (S, time)
        Any number of points of any dwell time, see :mod:`fsl_mrs_dl.models.inputs`.
    dwelltime_s : float
        Of ``fids``, in s.
    solve : callable, optional
        For the amplitudes of a projected network; by default least squares, of either sign.
    spectrometer_frequency_mhz : float, optional
        Of ``fids``, in MHz; by default the network's.
    dry : bool
        Whether lines in the band of water are projected out first (:mod:`fsl_mrs_dl.models.signal_space`): the
        network does not see residual water then, and nothing above 4.1 ppm.

    Returns
    -------
    NetworkParameters
    """
    where = next(network.parameters()).device
    ratio = field_ratio(network, spectrometer_frequency_mhz)
    dwelltime_s = dwelltime_s * ratio
    parts = []
    for start in range(0, max(len(fids), 1), _BLOCK):
        rows = on_network_points(
            np.asarray(fids[start : start + _BLOCK]), dwelltime_s, network.n_points, network.dwelltime_s
        )
        if dry:
            water = water_space(
                network.n_points, network.dwelltime_s, float(network.spectrometer_frequency_mhz)
            )
            rows = rows - (rows @ water.conj()) @ water.T
        # Data of any unit: single precision and the ridge of a solution like numbers near 1.
        unit = (
            np.maximum(np.abs(rows).max(axis=1, initial=0.0), 1e-300)
            if network.scaled
            else np.ones(len(rows))
        )
        inputs = channels(rows / unit[:, None]).to(where)
        estimated = network.modelled(inputs)
        shared = (
            estimated.shift_hz,
            estimated.gamma.clamp_min(0),
            estimated.sigma.clamp_min(0),
            estimated.phase_rad,
        )
        if solve is not None and network.amplitudes == "projected":
            complex_rows = torch.complex(inputs[:, 0], inputs[:, 1])
            equations = network.normal_equations(complex_rows, *shared, estimated.early_s)
            amplitudes = torch.from_numpy(solve(*(e.cpu().numpy() for e in equations))[0])
        else:
            amplitudes = estimated.amplitudes.cpu()
        residual = network.decode(estimated)[:, network.first_point :]
        residual = residual - torch.complex(inputs[:, 0], inputs[:, 1])[:, network.first_point :]
        loss = (residual.abs() ** 2).mean(dim=1) / 2
        numbers = [amplitudes.double().numpy() * unit[:, None]]
        numbers += [value.cpu().double().numpy() for value in shared]
        parts.append([*numbers, loss.cpu().double().numpy() * unit**2])
    whole = [np.concatenate(values) for values in zip(*parts, strict=True)]
    # Shift and rates, which are 1/s, are those of the network's time.
    return NetworkParameters(whole[0], *(value * ratio for value in whole[1:4]), *whole[4:])


def field_ratio(network: Any, spectrometer_frequency_mhz: float | None) -> float:
    """Return a field over the network's: time runs faster by this factor in its coordinates."""
    own = float(network.spectrometer_frequency_mhz)
    return (spectrometer_frequency_mhz or own) / own
