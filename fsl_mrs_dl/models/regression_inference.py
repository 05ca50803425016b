"""Inference of regressors: amplitudes of spectra of any sampling, as NumPy arrays."""

import numpy as np
import torch

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.models.inputs import on_network_points
from fsl_mrs_dl.models.regression import RegressionNetwork

_BLOCK = 128
"""Spectra at once: the scalograms of more do not fit the cache."""
_GPU_BLOCK = 1024
"""The same on a GPU: enough for it to be busy, and a few GB with the widest network."""


@torch.no_grad()
def features_of(network: RegressionNetwork, fids: Complex) -> tuple[torch.Tensor, Real]:
    """Return the features of FIDs on the network's points, and what each FID was divided by.

    They are computed on the device that the network is on, as is what :func:`regressed` returns.

    Parameters
    ----------
    network : RegressionNetwork
    fids : ndarray, complex, shape (S, time)

    Returns
    -------
    features : Tensor, float32, shape (S, *transform.shape)
    size : ndarray, float, shape (S,)
    """
    parts, sizes, block = [], [], _block(network)
    for start in range(0, max(len(fids), 1), block):
        rows = np.asarray(fids[start : start + block])
        unit = np.maximum(np.abs(rows).max(axis=1, initial=0.0), 1e-300)
        unit = unit if network.scaled else np.ones(len(rows))
        scaled = torch.from_numpy((rows / unit[:, None]).astype(np.complex64))
        parts.append(network.features(scaled.to(network.basis.device)).cpu())
        sizes.append(unit)
    return torch.cat(parts), np.concatenate(sizes)


@torch.no_grad()
def regressed(network: RegressionNetwork, features: torch.Tensor) -> dict[str, Real]:
    """Return the estimates of features by target, shape (S, M) each, amplitudes in units of ``size``."""
    block = _block(network)
    blocks = [features[k : k + block] for k in range(0, max(len(features), 1), block)]
    rows = [network(some.to(network.basis.device)).cpu() for some in blocks]
    values = torch.cat(rows).double().numpy()
    m = len(network.names)
    return {name: values[:, k * m : (k + 1) * m] for k, name in enumerate(network.targets)}


def _block(network: RegressionNetwork) -> int:
    """Return how many spectra to take at once."""
    return _GPU_BLOCK if network.basis.is_cuda else _BLOCK


def regression_amplitudes(
    network: RegressionNetwork,
    fids: Complex,
    dwelltime_s: float,
    *,
    spectrometer_frequency_mhz: float | None = None,
) -> Real:
    """Estimate the amplitudes of spectra.

    Spectra of another field are read in ppm, as by :func:`.quantification_inference.network_parameters`.

    Parameters
    ----------
    network : RegressionNetwork
        In evaluation mode.
    fids : ndarray, complex, shape (S, time)
        Any number of points of any dwell time.
    dwelltime_s : float
        Of ``fids``, in s.
    spectrometer_frequency_mhz : float, optional
        Of ``fids``, in MHz; by default the network's.

    Returns
    -------
    ndarray, float, shape (S, M)
        Of the network's components, in units of data over basis; of either sign.
    """
    own = network.spectrometer_frequency_mhz
    network_dwelltime_s = dwelltime_s * (spectrometer_frequency_mhz or own) / own
    rows = on_network_points(np.asarray(fids), network_dwelltime_s, network.n_points, network.dwelltime_s)
    features, size = features_of(network, rows)
    return regressed(network, features)["amplitudes"] * size[:, None]
