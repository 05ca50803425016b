"""The user's own transients as training data: read, registered for their labels, augmented."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fsl_mrs_dl.data import NUCLEI, TIME_AXIS, Complex, MRSData, Real, fid_flags
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.fit.registration import Band, register_to_average
from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.io.transient_sets import check_alike
from fsl_mrs_dl.physics import add_noise, damp, phase, shift
from fsl_mrs_dl.physics.lines import gamma_from_fwhm
from fsl_mrs_dl.scores import noise_sd
from fsl_mrs_dl.simulate.nuisance import LipidContamination, UnstableWater, draw_nuisance, nuisance_fids
from fsl_mrs_dl.simulate.nuisance import nuisance_labels as labels_of
from fsl_mrs_dl.train.registration_data import Spread, Transients

_CAPTURE_PPM = 0.35
"""Largest shift that registration looks for, in ppm either way, as ``align`` searches about the average."""
_FEWEST = 8
"""Transients needed; a tenth each, at least one, is set apart to stop by and to judge by."""
_APODISATION_HZ = 3.0
"""Largest Lorentzian width added, in Hz; a proposal, for no range is published."""
_AMPLITUDE_SD = 0.1
"""Relative SD of the factor on the amplitude; a proposal, for no range is published."""
_MOST_ADDED_NOISE = 1.0
"""Largest SD of the noise added, in units of the transient's own noise; a proposal."""


@dataclass(frozen=True, eq=False)
class MeasuredTransients:
    """Measured transients of one kind, each with its shift and phase by Gauss-Newton registration.

    Attributes
    ----------
    fids : ndarray, complex, shape (transient, time)
        Each set scaled to a largest magnitude of 1 of its average.
    truth : ndarray, float, shape (transient, 2)
        Shift (Hz) and phase (rad) against the average of the transient's own set.
    data : MRSData
        The first file, for its axes.
    """

    fids: Complex
    truth: Real
    data: MRSData

    def split(
        self, share: float, rng: np.random.Generator
    ) -> tuple["MeasuredTransients", "MeasuredTransients"]:
        """Return two parts, the second with about this share of the transients and at least one."""
        order = rng.permutation(len(self.fids))
        n_second = max(1, round(share * len(order)))
        second, first = order[:n_second], order[n_second:]
        return (
            MeasuredTransients(self.fids[first], self.truth[first], self.data),
            MeasuredTransients(self.fids[second], self.truth[second], self.data),
        )


def read_measured(files: Sequence[Path]) -> MeasuredTransients:
    """Read transients of NIfTI-MRS files: every FID of every file, each file's sets registered by themselves.

    Parameters
    ----------
    files : sequence of Path
        One nucleus, field, dwell time and length; coils combined, DIM_DYN present.

    Returns
    -------
    MeasuredTransients

    Raises
    ------
    DataError
        If files differ, are not combined, or hold too few usable transients.
    """
    fids, truth = [], []
    first: MRSData | None = None
    for file in files:
        data = nifti.read(file)
        first = first or data
        check_alike(data, first)
        band = Band.of(
            data,
            NUCLEI[data.nucleus].ppm_window if data.nucleus in NUCLEI else None,
            _CAPTURE_PPM * data.spectrometer_frequency_mhz,
        )
        by_set = np.moveaxis(data.fid, (TIME_AXIS, data.axis("DIM_DYN")), (-1, -2))
        for transients in by_set.reshape(-1, *by_set.shape[-2:]):
            usable = transients[fid_flags(transients) == ""].astype(np.complex128)
            if len(usable) < 2:
                continue
            noise = float(np.median(noise_sd(usable, data.ppm_axis, data.nucleus))) or 1.0
            estimates, average = register_to_average(usable[:, None] / noise, band)
            fids.append(usable / noise / np.abs(average).max())
            truth.append(np.stack([estimates.shift_hz, estimates.phase_rad], axis=1))
    n = sum(map(len, fids))
    if first is None or n < _FEWEST:
        raise DataError(f"--data holds {n} usable transients in DIM_DYN; at least {_FEWEST} are needed.")
    return MeasuredTransients(np.concatenate(fids), np.concatenate(truth), first)


def augmented(measured: MeasuredTransients, spread: Spread, n: int, rng: np.random.Generator) -> Transients:
    """Draw transients with replacement, and augment them by the list of DeepFPC.

    Frequency, phase, apodisation, amplitude, noise, and a nuisance peak. Shamaei et al 2023,
    doi:10.1002/mrm.29498, which gives ranges for shift and phase only: the others are proposals.

    Parameters
    ----------
    measured : MeasuredTransients
    spread : Spread
    n : int
    rng : numpy.random.Generator

    Returns
    -------
    Transients
    """
    data = measured.data
    chosen = rng.integers(len(measured.fids), size=n)
    drawn: dict[str, Real] = {
        "shift_hz": rng.uniform(-spread.shift_hz, spread.shift_hz, n),
        "phase_rad": rng.uniform(-spread.phase_rad, spread.phase_rad, n),
    }
    gamma = gamma_from_fwhm(rng.uniform(0.0, _APODISATION_HZ, n))
    amplitude = np.clip(rng.normal(1.0, _AMPLITUDE_SD, n), 0.1, None)
    for nuisance in (UnstableWater(spread.nuisance), LipidContamination(spread.nuisance)):
        drawn |= draw_nuisance(nuisance, n, data.reference_ppm, data.spectrometer_frequency_mhz, rng)
    fids = measured.fids[chosen].astype(np.complex64)
    noise = noise_sd(fids, data.ppm_axis, data.nucleus) * rng.uniform(0.0, _MOST_ADDED_NOISE, n)
    fids = damp(fids, gamma, 0 * gamma, data.dwelltime_s) * amplitude[:, None].astype(np.float32)
    disturbing = nuisance_fids(drawn, data.dwelltime_s, fids)
    if disturbing is not None:
        fids = fids + disturbing
    fids = phase(shift(fids, drawn["shift_hz"], data.dwelltime_s), drawn["phase_rad"])
    fids = add_noise(fids, noise, rng).astype(np.complex64)
    added = np.stack([drawn["shift_hz"], drawn["phase_rad"]], axis=1)
    return Transients(
        fids,
        measured.truth[chosen] + added,
        data.dwelltime_s,
        data.spectrometer_frequency_mhz,
        labels_of(drawn),
        f"{len(measured.fids)} measured transients, augmented",
        (0.0, _APODISATION_HZ),
        nucleus=data.nucleus,
    )
