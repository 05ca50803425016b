"""Simulate one scan as NIfTI-MRS data, with its true parameters."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Basis, Complex, Estimates, MRSData, Real
from fsl_mrs_dl.errors import OptionError
from fsl_mrs_dl.io.synthetic import synthetic_header
from fsl_mrs_dl.physics import apply_time_phase, eddy_current_phase, on_points, singlet
from fsl_mrs_dl.physics.lines import gamma_from_fwhm
from fsl_mrs_dl.simulate.coils import Coils, receive
from fsl_mrs_dl.simulate.editing import EDIT_CONDITIONS, EditedPair
from fsl_mrs_dl.simulate.nuisance import nuisance_labels
from fsl_mrs_dl.simulate.priors import Prior
from fsl_mrs_dl.simulate.signals import (
    clean_fids,
    draw_transients,
    metabolite_fids,
    noise_sigma,
    with_line_signals,
)


@dataclass(frozen=True, eq=False)
class Simulated:
    """A simulated scan with its true parameters.

    Attributes
    ----------
    data : MRSData
        With noise; single voxel, with the dimensions DIM_COIL, DIM_DYN, DIM_EDIT that were simulated.
    truth : Estimates
        Shift and phase of every FID (without those of a coil); their SD is NaN, because they are known.
    clean : ndarray, complex, shape of ``data.fid``
        The same FIDs without noise, with shift, phase, nuisance signals and coils.
    sigma : float
        Standard deviation of the noise, of the real and of the imaginary channel (of the average coil).
    parameters : dict
        Name -> values of every acquisition in order of time (edit conditions interleaved), shape
        (acquisition,) or, for ``amplitudes``, (acquisition, metabolite); see
        :func:`~fsl_mrs_dl.simulate.signals.draw_signals`.
    names : tuple of str
        The metabolites of ``amplitudes``.
    labels : ndarray, str, shape (acquisition,)
        ``Free``, ``UW``, ``LC`` or ``UW&LC``.
    coils : Coils or None
    """

    data: MRSData
    truth: Estimates
    clean: Complex
    sigma: float
    parameters: dict[str, Real]
    names: tuple[str, ...]
    labels: NDArray[np.str_]
    coils: Coils | None = None


def simulate_transients(
    prior: Prior,
    basis: Basis | EditedPair,
    n_transients: int | None,
    n_points: int,
    dwelltime_s: float,
    spectrometer_frequency_mhz: float,
    rng: np.random.Generator,
    *,
    coils: Coils | None = None,
    seed: int | None = None,
) -> Simulated:
    """Simulate one scan of a single voxel.

    All FIDs of the scan have the same noise level. It refers to the metabolites of the scan before scale, shift
    and phase (for an edited pair: of OFF; with coils: as received by a coil of sensitivity 1).

    Parameters
    ----------
    prior : Prior
    basis : Basis or EditedPair
        Of the same field, at least as long; a pair gives a DIM_EDIT of ON and OFF, acquired alternately.
    n_transients : int or None
        Size of DIM_DYN (of each edit condition); None = no such dimension.
    n_points : int
    dwelltime_s : float
        In s.
    spectrometer_frequency_mhz : float
        In MHz.
    rng : numpy.random.Generator
    coils : Coils, optional
        Gives a DIM_COIL; see :func:`~fsl_mrs_dl.simulate.coils.draw_coils`.
    seed : int, optional
        Seed of ``rng``, for the header.

    Returns
    -------
    Simulated

    Raises
    ------
    DataError
        If the basis set is too short, of another field, or lacks a metabolite of the prior.
    """
    sampling = (n_points, dwelltime_s, spectrometer_frequency_mhz)
    pair = (basis.on, basis.off) if isinstance(basis, EditedPair) else (basis,)
    bases = [with_line_signals(prior, on_points(condition, *sampling)) for condition in pair]
    n_fids = (1 if n_transients is None else n_transients) * len(bases)
    if n_fids < 1:
        raise OptionError(f"{n_transients} transients cannot be simulated; at least 1 is needed.")
    parameters = draw_transients(prior, bases[-1], n_fids, rng)
    sigma = _scan_noise(prior, parameters, bases[-1], rng)
    fids = np.empty((n_fids, n_points), dtype=np.complex128)
    for turn, condition in enumerate(bases):
        mine = {key: value[turn :: len(bases)] for key, value in parameters.items()}
        fids[turn :: len(bases)] = clean_fids(mine, np.asarray(condition.fids), dwelltime_s)
    clean, noisy = receive(fids, coils, sigma, rng)
    layout = _ScanLayout(None if coils is None else len(coils.sensitivities), n_transients, len(bases))
    headers = {"DIM_EDIT": {"header": {"EditCondition": list(EDIT_CONDITIONS)}}} if len(bases) > 1 else {}
    data = MRSData(
        layout.fids(noisy),
        dwelltime_s,
        spectrometer_frequency_mhz,
        bases[0].nucleus,
        layout.dim_tags,
        header=synthetic_header("simulated from a basis set and a prior", seed),
        dim_headers=headers,
    )
    return Simulated(
        data,
        layout.truth(parameters),
        layout.fids(clean),
        sigma,
        parameters,
        bases[0].names,
        nuisance_labels(parameters),
        coils,
    )


def _scan_noise(
    prior: Prior, parameters: Mapping[str, Real], basis: Basis, rng: np.random.Generator
) -> float:
    if prior.noise is None:
        return 0.0
    undisturbed = {**parameters, "scale": np.ones_like(parameters["scale"])}
    metabolites = metabolite_fids(
        {k: v[:1] for k, v in undisturbed.items()}, np.asarray(basis.fids), basis.dwelltime_s
    )
    return float(noise_sigma(prior.noise, prior.noise.level.draw((1,), rng), metabolites)[0])


@dataclass(frozen=True)
class _ScanLayout:
    """Axes of NIfTI-MRS for acquisitions in order of time; None = no such dimension."""

    n_coils: int | None
    n_transients: int | None
    n_edits: int

    @property
    def dim_tags(self) -> tuple[str, ...]:
        has = {"DIM_COIL": self.n_coils, "DIM_DYN": self.n_transients, "DIM_EDIT": self.n_edits > 1 or None}
        return tuple(tag for tag, present in has.items() if present is not None)

    def _of_time(self) -> tuple[int, ...]:
        dynamics = () if self.n_transients is None else (self.n_transients,)
        return (*dynamics, *((self.n_edits,) if self.n_edits > 1 else ()))

    def fids(self, received: Complex) -> Complex:
        """Reorder (acquisition[, coil], time) to (x, y, z, time[, coil][, transient][, edit])."""
        axes = received.reshape(*self._of_time(), *received.shape[1:])
        behind = len(self._of_time())
        return np.ascontiguousarray(
            axes.transpose(axes.ndim - 1, *range(behind, axes.ndim - 1), *range(behind))
        )[None, None, None]

    def truth(self, parameters: Mapping[str, Real]) -> Estimates:
        """Return shift and phase, (acquisition,) each, on the axes of the FIDs."""
        shape = (1, 1, 1, *(() if self.n_coils is None else (self.n_coils,)), *self._of_time())
        truth = Estimates.empty(shape)
        truth.shift_hz[...] = parameters["shift_hz"].reshape(self._of_time())
        truth.phase_rad[...] = parameters["phase_rad"].reshape(self._of_time())
        return truth


def simulate_water_reference(
    simulated: Simulated,
    rng: np.random.Generator,
    *,
    n_transients: int | None = None,
    first_point: float | None = None,
    ratio: float = 250.0,
    linewidth_hz: float = 5.0,
    seed: int | None = None,
) -> MRSData:
    """Simulate the water reference of a scan, without water suppression: same coils, shim, field and noise.

    One line at the carrier, without shift and phase, with the eddy current of the scan.

    Parameters
    ----------
    simulated : Simulated
    rng : numpy.random.Generator
    n_transients : int, optional
        Size of DIM_DYN. Default: no such dimension.
    first_point : float, optional
        First point of the water in a coil of sensitivity 1. Default: from ``ratio``.
    ratio : float
        First point of the water over that of the metabolites of the first acquisition.
    linewidth_hz : float
        Lorentzian FWHM of the water, in Hz, to which the lineshape of the scan is added.
    seed : int, optional
        Seed of ``rng``, for the header.

    Returns
    -------
    MRSData
    """
    data, parameters = simulated.data, simulated.parameters
    like = np.empty(1, np.complex128)
    gamma = gamma_from_fwhm(linewidth_hz) + parameters["gamma"][:1]
    water = singlet(data.n_points, data.dwelltime_s, 0.0 * gamma, gamma, parameters["sigma"][:1], like)
    if "eddy_hz" in parameters:
        field = (parameters["eddy_hz"][:1], parameters["eddy_time_constant_s"][:1])
        water = apply_time_phase(water, eddy_current_phase(data.n_points, data.dwelltime_s, *field, like))
    if first_point is None:
        heard = 1.0 if simulated.coils is None else float(np.abs(simulated.coils.sensitivities[0]))
        first_point = ratio * float(np.abs(simulated.clean[0, 0, 0, 0].flat[0])) / heard
    fids = np.repeat(first_point * water, n_transients or 1, axis=0)
    _, noisy = receive(fids, simulated.coils, simulated.sigma, rng)
    layout = _ScanLayout(
        None if simulated.coils is None else len(simulated.coils.sensitivities), n_transients, 1
    )
    return MRSData(
        layout.fids(noisy),
        data.dwelltime_s,
        data.spectrometer_frequency_mhz,
        data.nucleus,
        layout.dim_tags,
        header=synthetic_header("simulated water reference", seed) | {"WaterSuppressed": False},
    )
