"""The reference that dSR and dSRF move and turn."""

import numpy as np

from fsl_mrs_dl.data import Complex
from fsl_mrs_dl.fit.registration import Band, register_to_average
from fsl_mrs_dl.physics import ppm_window
from fsl_mrs_dl.scores import snr_cr
from fsl_mrs_dl.train.registration_data import Transients

_FIRST_POINTS = 10
"""Points of a cluster's centre that tell whether there is nuisance signal, as in the published code."""
_AVERAGED = 320
"""Transients of the average reference, as many as an edited scan has: its noise is 1/18 of one transient's."""
_WINDOW_PPM = (1.8, 4.2)
"""Where transients are registered, in ppm: from NAA to below water."""


def kmeans_reference(transients: Transients) -> int:
    """Choose the published reference: the transient of highest SNR in the cluster of less signal; its index.

    k-means with two clusters on the magnitude of the whole FIDs; the cluster whose centre has the lower mean
    over its first ten points is taken for the one without nuisance signals, and of its members the one with the
    largest Cr-SNR is the reference. It is a heuristic, and the reference is as noisy as one transient.

    Parameters
    ----------
    transients : Transients

    Returns
    -------
    int

    References
    ----------
    Shamaei et al 2023, doi:10.1002/mrm.29498, and its code.
    """
    from sklearn.cluster import KMeans

    magnitude = np.abs(transients.fids)
    magnitude = magnitude / magnitude.max(axis=1, keepdims=True)
    clusters = KMeans(n_clusters=2, random_state=0, n_init=10).fit(magnitude)
    cleaner = int(np.argmin(clusters.cluster_centers_[:, :_FIRST_POINTS].mean(axis=1)))
    members = np.flatnonzero(clusters.labels_ == cleaner)
    n_noise = min(256, transients.fids.shape[1] // 4)
    return int(members[np.argmax(snr_cr(transients.fids[members], transients.ppm, n_noise=n_noise))])


def average_reference(transients: Transients, max_shift_hz: float) -> Complex:
    """Return the iterated average of the first 320 transients: a reference with 1/18 of their noise.

    Better than published; made by the Gauss-Newton registration of ``align``, which needs no labels either.

    Parameters
    ----------
    transients : Transients
    max_shift_hz : float
        The transients lie within plus and minus this, in Hz.

    Returns
    -------
    ndarray, complex, shape (time,)
        At the mean shift and phase of those transients.
    """
    fids = transients.fids[:_AVERAGED].astype(np.complex128)
    limits = _WINDOW_PPM if transients.nucleus == "1H" else None
    band = Band(
        transients.dwelltime_s,
        transients.spectrometer_frequency_mhz,
        transients.ppm,
        ppm_window(transients.ppm, limits),
        max_shift_hz,
    )
    # Unit noise is what the registration expects; the last points hold little else.
    tail = fids[:, -max(32, fids.shape[1] // 8) :]
    noise = np.sqrt(np.mean(np.abs(tail) ** 2) / 2)
    _, average = register_to_average(fids[:, None] / noise, band)
    reference: Complex = average[0]
    return reference
