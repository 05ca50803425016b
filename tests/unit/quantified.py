"""A quantification of known parameters, for the tests of what is made of one."""

from dataclasses import replace

import numpy as np

from fsl_mrs_dl import physics
from fsl_mrs_dl.data import MRSData
from fsl_mrs_dl.io.results.outcome import Outcome, Scaled
from fsl_mrs_dl.simulate import brain_singlets

FREQUENCY_MHZ, DWELLTIME_S, N_POINTS = 127.7, 1 / 2000, 512
SHIFT_HZ, PHASE_RAD, DELAY_S, NOISE = 3.0, 0.5, 1e-4, 0.4


def smooth_fid(shift_hz):
    """A broad hump of the spectrum; its FID reaches to both sides of time zero, and is turned as the fit is."""
    hz = np.fft.fftshift(np.fft.fftfreq(N_POINTS, DWELLTIME_S))
    spectrum = 8.0 * np.exp(-(((hz - shift_hz + 250) / 120) ** 2)).astype(complex)
    spectrum *= np.exp(1j * PHASE_RAD + 2j * np.pi * DELAY_S * (hz - shift_hz))
    return np.fft.ifft(np.fft.ifftshift(spectrum), norm="ortho")


def make(rng, grid=(1, 1, 1), names=("Cr", "NAA", "GPC", "MM09"), sums=(("Cr", "NAA"),), header=None, **more):
    """Data of known parameters, and the outcome of a fit that found them all."""
    table = brain_singlets(FREQUENCY_MHZ, DWELLTIME_S, N_POINTS)
    rows = [table.names.index("Lac" if name.startswith("MM") else name) for name in names]
    basis = replace(table, fids=table.fids[rows], names=tuple(names), name="singlets")
    voxels = np.argwhere(np.ones(grid, bool))
    if len(voxels) > 1:
        voxels = voxels[1:]  # one voxel outside of the mask
    n_voxels, n_members = len(voxels), len(names)
    amplitudes = rng.uniform(5, 10, (n_voxels, n_members))
    line = np.full((n_voxels, 1), 12.0)
    each = amplitudes[..., None] * physics.shift(
        physics.damp(basis.fids, 12.0, 8.0, DWELLTIME_S), SHIFT_HZ, DWELLTIME_S
    )
    each = physics.first_order_phase(physics.phase(each, PHASE_RAD), DELAY_S, DWELLTIME_S, SHIFT_HZ)
    baseline = np.repeat(smooth_fid(SHIFT_HZ)[None], n_voxels, axis=0)
    fit = each.sum(axis=1) + baseline
    fids = np.zeros((*grid, N_POINTS), complex)
    fids[tuple(voxels.T)] = physics.add_noise(fit, NOISE, rng)
    columns = [names.index(part) for sum_ in sums for part in sum_]
    value = np.concatenate([amplitudes, amplitudes[:, columns].sum(axis=1, keepdims=True)[:, : len(sums)]], 1)
    sd = 0.1 * value
    said = {"affine": np.diag([10.0, 10.0, 10.0, 1.0]), "name": "in.nii.gz", "header": header or {}, **more}
    data = MRSData(fids, DWELLTIME_S, FREQUENCY_MHZ, **said)
    outcome = Outcome(
        members=tuple(names),
        sums=tuple(sums),
        internal_reference=(names[0],),
        groups=(0,) * n_members,
        grid=grid,
        voxels=voxels,
        scaled={"raw": Scaled(value, sd), "internal": Scaled(value / value[:, :1], sd)},
        crlb_percent=100 * sd / value,
        snr=np.full((n_voxels, n_members), 20.0),
        fwhm_hz=np.full((n_voxels, n_members), 6.0),
        shift_hz=np.full((n_voxels, 1), SHIFT_HZ),
        gamma=line,
        sigma=np.full((n_voxels, 1), 8.0),
        phase_rad=np.full(n_voxels, PHASE_RAD),
        delay_s=np.full(n_voxels, DELAY_S),
        baseline_coefficients=np.zeros((n_voxels, 2), complex),
        noise_sd=np.full(n_voxels, NOISE),
        residual_whiteness=np.zeros(n_voxels),
        iterations=np.full(n_voxels, 6),
        flags=np.zeros(n_voxels, np.int16),
        fit=fit,
        baseline=baseline,
        metabolites=each if n_voxels == 1 else None,
        correlation=np.eye(n_members) if n_voxels == 1 else None,
        basis=basis,
        ppmlim=(0.2, 4.2),
        notes=("The basis was <not> conjugated.",),
    )
    return data, outcome
