"""The user's own spectra as training data of a quantification network: read, drawn from, augmented."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import pi
from pathlib import Path

import numpy as np

from fsl_mrs_dl.data import TIME_AXIS, Basis, Complex, Real, fid_flags
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.fit.registration import Band, register_to_average
from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.io.transient_sets import check_combined
from fsl_mrs_dl.models.inputs import on_network_points
from fsl_mrs_dl.physics import correct, damp, phase, shift
from fsl_mrs_dl.physics.lines import gamma_from_fwhm
from fsl_mrs_dl.scores import noise_sd
from fsl_mrs_dl.train.quantification_data import Spectra, expected_of

_SHARE = 0.25
"""Share of the transients that are averaged to one spectrum; 16 of 64 as published."""
_BROADENED_HZ, SHIFTED_HZ, TURNED_RAD = 2.0, 3.0, pi / 20
"""Largest Lorentzian width and shift (Hz) and phase (rad) of :func:`augmented`, as published."""
_CAPTURE_PPM = 0.35
"""Largest shift that registration looks for, in ppm either way, as ``align`` searches about the average."""
_FEWEST = 2
"""Spectra needed: one to train on and one to stop by."""


@dataclass(frozen=True, eq=False)
class MeasuredSpectra:
    """Measured spectra: one set of registered transients each, on the network's points.

    Attributes
    ----------
    sets : tuple of ndarray, complex, shape (transient, time)
        One transient where the file has averages.
    """

    sets: tuple[Complex, ...]

    def split(self, share: float, rng: np.random.Generator) -> tuple["MeasuredSpectra", "MeasuredSpectra"]:
        """Return two parts: the second with about this share of the spectra, and at least one."""
        order = rng.permutation(len(self.sets))
        n_second = max(1, round(share * len(order)))
        second, first = order[:n_second], order[n_second:]
        return MeasuredSpectra(tuple(self.sets[i] for i in first)), MeasuredSpectra(
            tuple(self.sets[i] for i in second)
        )


def read_spectra(files: Sequence[Path], basis: Basis) -> MeasuredSpectra:
    """Read spectra of NIfTI-MRS files, with the water removed and the coils combined.

    Parameters
    ----------
    files : sequence of Path
        Averages, or transients in DIM_DYN, which are registered to their average.
    basis : Basis
        On the points of the network.

    Raises
    ------
    DataError
        If a file is of another nucleus or field, has coils, or there are too few spectra.
    """
    sets: list[Complex] = []
    for file in files:
        data = nifti.read(file)
        check_combined(data)
        field = abs(data.spectrometer_frequency_mhz / basis.spectrometer_frequency_mhz - 1)
        if data.nucleus != basis.nucleus or field > 0.05:
            raise DataError(
                f"{data.name} is of {data.nucleus} at {data.spectrometer_frequency_mhz:g} MHz, the basis set of "
                f"{basis.nucleus} at {basis.spectrometer_frequency_mhz:g} MHz; take the one for the data."
            )
        dynamic = "DIM_DYN" in data.dim_tags
        by_set = np.moveaxis(data.fid, TIME_AXIS, -1)
        if dynamic:
            by_set = np.moveaxis(by_set, data.axis("DIM_DYN") - 1, -2)
        by_set = by_set.reshape(-1, by_set.shape[-2] if dynamic else 1, by_set.shape[-1])
        for transients in by_set:
            usable = transients[fid_flags(transients) == ""].astype(np.complex128)
            if not len(usable):
                continue
            if len(usable) > 1:
                band = Band.of(data, (0.2, 4.2), _CAPTURE_PPM * data.spectrometer_frequency_mhz)
                noise = float(np.median(noise_sd(usable, data.ppm_axis, data.nucleus))) or 1.0
                estimates, _ = register_to_average(usable[:, None] / noise, band)
                usable = correct(usable, estimates.shift_hz, estimates.phase_rad, data.dwelltime_s)
            sets.append(on_network_points(usable, data.dwelltime_s, basis.fids.shape[1], basis.dwelltime_s))
    if len(sets) < _FEWEST:
        raise DataError(f"--data holds {len(sets)} usable spectra; at least {_FEWEST} are needed.")
    return MeasuredSpectra(tuple(sets))


def augmented(
    measured: MeasuredSpectra, basis: Basis, prior: str, n: int, rng: np.random.Generator
) -> Spectra:
    """Draw spectra with replacement, and augment them as published for measured spectra.

    Averages of a random quarter of the transients; 0 to 2 Hz of Lorentzian width, +-3 Hz and +-9 degrees (Shamaei
    et al 2023, doi:10.1016/j.compbiomed.2023.106837).

    Parameters
    ----------
    measured : MeasuredSpectra
    basis : Basis
    prior : str
        Where the network expects its parameters.
    n : int
    rng : numpy.random.Generator

    Returns
    -------
    Spectra
        Without truth.
    """
    fids = np.empty((n, basis.fids.shape[1]), dtype=np.complex64)
    for i, chosen in enumerate(rng.integers(len(measured.sets), size=n)):
        transients = measured.sets[chosen]
        subset = rng.permutation(len(transients))[: max(1, round(_SHARE * len(transients)))]
        fids[i] = transients[subset].mean(axis=0)
    gamma: Real = gamma_from_fwhm(rng.uniform(0.0, _BROADENED_HZ, n))
    dwelltime_s = basis.dwelltime_s
    shift_hz = rng.uniform(-SHIFTED_HZ, SHIFTED_HZ, n)
    moved = shift(damp(fids, gamma, 0 * gamma, dwelltime_s), shift_hz, dwelltime_s)
    unknown = np.full(n, np.nan)
    return Spectra(
        phase(moved, rng.uniform(-TURNED_RAD, TURNED_RAD, n)).astype(np.complex64),
        np.zeros((n, 0)),
        unknown,
        unknown,
        unknown,
        unknown,
        unknown,
        basis,
        expected_of(basis, prior),
        "white",
        f"{len(measured.sets)} measured spectra, augmented to {n}",
    )
