"""One simulated scan as NIfTI-MRS data, with its truth."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Basis, Complex, Estimates, MRSData, Real
from fsl_mrs_dl.physics import add_noise
from fsl_mrs_dl.simulate.priors import Prior
from fsl_mrs_dl.simulate.signals import clean_fids, draw_transients, metabolite_fids, noise_sigma


@dataclass(frozen=True, eq=False)
class Simulated:
    """A simulated scan and all that is true of it.

    Attributes
    ----------
    data : MRSData
        With noise.
    truth : Estimates
        The shift and phase of every FID; their SD is NaN, for they are known.
    clean : ndarray, complex, shape of ``data.fid``
        The same FIDs without noise, shift and phase included.
    sigma : float
        Standard deviation of the noise, of the real and of the imaginary channel.
    parameters : dict
        Name -> values, leading axes (DIM_DYN, DIM_EDIT) as far as the data have them.
    """

    data: MRSData
    truth: Estimates
    clean: Complex
    sigma: float
    parameters: dict[str, Real]


def simulate_transients(
    prior: Prior,
    basis: Basis,
    n_transients: int | None,
    n_points: int,
    dwelltime_s: float,
    spectrometer_frequency_mhz: float,
    rng: np.random.Generator,
) -> Simulated:
    """Simulate one scan of a single voxel.

    Parameters
    ----------
    prior : Prior
    basis : Basis
        Of the same field and dwell time, at least as long.
    n_transients : int or None
        Size of DIM_DYN; None = one FID without that dimension.
    n_points : int
    dwelltime_s : float
        In s.
    spectrometer_frequency_mhz : float
        In MHz.
    rng : numpy.random.Generator

    Returns
    -------
    Simulated
    """
    n_fids = n_transients or 1
    fids = np.asarray(basis.fids)[:, :n_points]
    parameters = draw_transients(prior, basis.names, n_fids, rng)
    clean = clean_fids(parameters, fids, dwelltime_s)
    sigma = 0.0
    if prior.noise is not None:
        first = {key: value[:1] for key, value in {**parameters, "scale": np.ones(n_fids)}.items()}
        scan = metabolite_fids(first, fids, dwelltime_s)
        sigma = float(noise_sigma(prior.noise, prior.noise.level.draw((1,), rng), scan)[0])
    noisy = add_noise(clean, sigma, rng)
    tags = () if n_transients is None else ("DIM_DYN",)

    def placed(values: NDArray[np.generic]) -> NDArray[np.generic]:
        values = np.moveaxis(values, 0, -1) if n_transients is not None else values[0]
        return values[None, None, None]

    zero = np.zeros(n_fids)
    nan = np.full(n_fids, np.nan)
    empty = np.full(n_fids, "", dtype="<U16")
    values = (parameters["shift_hz"], parameters["phase_rad"], nan, nan, zero, empty)
    truth = Estimates(*(placed(value) for value in values))  # type: ignore[arg-type]
    data = MRSData(placed(noisy), dwelltime_s, spectrometer_frequency_mhz, basis.nucleus, tags)  # type: ignore[arg-type]
    return Simulated(data, truth, placed(clean), sigma, parameters)  # type: ignore[arg-type]
