"""Scans with eddy currents and lines that are not Lorentzian: does a water reference help."""

import numpy as np

from fsl_mrs_dl.data import Complex, MRSData, Real
from fsl_mrs_dl.physics import add_noise, basis_sum, damp, eddy_current_phase, fid_to_spectrum
from fsl_mrs_dl.steps.ecc import ecc
from fsl_mrs_dl.steps.reconstruct import reconstruct
from tests.benchmarks.reconstruct.sets import DWELLTIME_S, NAMES, POINTS, middle, study_basis
from tests.benchmarks.table import Table

SNR = 15.0
"""SNR_f of the scans: the middle of the range of the study."""
EDDY_HZ, EDDY_S = (2.0, 8.0), (0.02, 0.08)
"""Frequency at the start, in Hz, and time constant, in s, of eddy currents: lowest and highest."""
GAUSS_HZ, LORENTZ_HZ = (5.0, 8.0), (2.0, 4.0)
"""Widths of the field distribution and of relaxation, in Hz: mostly Gaussian lines of 7 to 11 Hz."""
WATER_HZ = 2.0
"""How much more water relaxes than metabolites, in Hz."""
_WATER_SNR = 1e4  # of the first point of the reference
_TURNED = 8  # zero filling of the search for a shift, which makes its steps an eighth of a bin


def scans(n: int, rng: np.random.Generator) -> tuple[MRSData, MRSData, Complex]:
    """Return scans as voxels, their water references, and the FIDs without noise and eddy currents."""
    basis = study_basis()
    mhz, like = basis.spectrometer_frequency_mhz, np.zeros(1, complex)
    gauss, lorentz = rng.uniform(*GAUSS_HZ, n), rng.uniform(*LORENTZ_HZ, n)
    gamma, sigma = np.pi * lorentz, np.pi * gauss / (2 * np.sqrt(np.log(2)))
    amplitudes = np.broadcast_to(middle(), (n, len(NAMES)))
    members = np.asarray(basis.fids, dtype=np.complex128)
    none = np.zeros((n, 1))
    clean = basis_sum(members, amplitudes, none, gamma[:, None], sigma[:, None], DWELLTIME_S)
    eddy = np.exp(
        1j * eddy_current_phase(POINTS, DWELLTIME_S, rng.uniform(*EDDY_HZ, n), rng.uniform(*EDDY_S, n), like)
    )
    sd = np.abs(fid_to_spectrum(clean)).max(axis=1) / SNR
    fids = add_noise(clean * eddy, sd, rng)
    water = damp(np.ones((n, POINTS), complex), gamma + np.pi * WATER_HZ, sigma, DWELLTIME_S) * eddy
    water = add_noise(_WATER_SNR * water, np.ones(n), rng)
    data, reference = (MRSData(part[:, None, None], DWELLTIME_S, mhz) for part in (fids, water))
    return data, reference, clean


def apart(fids: Complex, clean: Complex) -> Real:
    """Return the relative error of FIDs but for shift and phase, which belong to no lineshape; shape (scan,)."""
    overlap = np.abs(np.fft.fft(fids * clean.conj(), _TURNED * fids.shape[-1], axis=-1)).max(axis=-1)
    power = [(np.abs(part) ** 2).sum(axis=-1) for part in (fids, clean)]
    error: Real = np.sqrt(np.maximum(power[0] + power[1] - 2 * overlap, 0) / power[1])
    return error


def reference_table(n: int, seed: int) -> Table:
    """Return the error of FIDs with and without a water reference."""
    data, reference, clean = scans(n, np.random.default_rng([seed, 6]))
    plain, measured = reconstruct(data), reconstruct(data, reference=reference)
    ways = {
        "raw data": (data, None),
        "raw data, eddy currents corrected (`ecc`)": (ecc(data, reference=reference).data, None),
        "sparse, Lorentzian lines": (plain.data, plain),
        "sparse, `--reference`": (measured.data, measured),
    }
    rows = []
    for name, (scan, result) in ways.items():
        errors = apart(scan.fid[:, 0, 0], clean)
        atoms = "-"
        if result is not None:
            assert result.reconstruction is not None
            atoms = f"{np.median(result.reconstruction.support):.0f}"
        low, high = np.quantile(errors, [0.1, 0.9])
        rows.append([name, f"{np.median(errors):.3f} ({low:.3f} to {high:.3f})", atoms])
    caption = (
        f"{n} scans of SNR_f {SNR:g} with eddy currents (starting at {EDDY_HZ[0]:g} to {EDDY_HZ[1]:g} Hz) and "
        f"mostly Gaussian lines; the water reference of each is {WATER_HZ:g} Hz wider. Relative error of the FIDs "
        "against those without noise and eddy currents, but for a shift and a phase: median (10th to 90th "
        "percentile), and the median number of atoms."
    )
    return Table(caption, ["before or after", "error", "atoms"], rows)
