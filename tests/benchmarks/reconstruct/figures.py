"""The pictures: simulated spectra before and after, the error by penalty, and measured files."""

from typing import Any

import numpy as np

from fsl_mrs_dl.data import Complex, MRSData, Real
from fsl_mrs_dl.fit.reconstruction import NOISE_SHARE, RATIOS
from fsl_mrs_dl.physics import fid_to_spectrum
from fsl_mrs_dl.report.drawing import new_panels, png
from fsl_mrs_dl.report.page import AFTER, BEFORE, TRUTH
from fsl_mrs_dl.steps.reconstruct import reconstruct
from tests.benchmarks.realdata import in_vivo
from tests.benchmarks.reconstruct.methods import NOISE, RAW, Method
from tests.benchmarks.reconstruct.sets import TARGET_HZ, Draw, study_ppm
from tests.benchmarks.table import Picture

_SHOWN_PPM = (0.4, 4.2)  # metabolites, without water


def simulated_picture(methods: dict[str, Method], sample: Draw) -> Picture:
    """Draw the noisiest and the clearest of some spectra, raw, reconstructed, and as they truly are."""
    figure, axes = new_panels(2, 1, (9, 7))
    ppm = study_ppm()
    for panel, row in zip(axes[:, 0], (int(sample.snr_f.argmin()), int(sample.snr_f.argmax())), strict=True):
        one = sample.take(slice(row, row + 1))
        curves = (
            (methods[RAW].run(one, TARGET_HZ)[0], BEFORE, "raw data", 0.7),
            (one.truth(TARGET_HZ)[0], TRUTH, f"truth, {TARGET_HZ:.1f} Hz", 1.6),
            (methods[NOISE].run(one, TARGET_HZ)[0], AFTER, "sparse, penalty from the noise", 1.0),
        )
        turn = np.exp(-1j * np.angle(one.clean[0, 0]))
        for fid, colour, words, width in curves:
            _line(panel, ppm, turn * fid, colour, words, width)
        panel.set_title(f"SNR_f {sample.snr_f[row]:.1f}", fontsize=9)
    axes[0, 0].legend(fontsize=8)
    return Picture("simulated", "Two simulated spectra before and after, in units of the noise.", png(figure))


def _line(panel: Any, ppm: Real, fid: Complex, colour: str, words: str, width: float) -> None:
    shown = (ppm > _SHOWN_PPM[0]) & (ppm < _SHOWN_PPM[1])
    panel.plot(ppm[shown], fid_to_spectrum(fid).real[shown], color=colour, label=words, linewidth=width)
    panel.set_xlim(_SHOWN_PPM[::-1])
    panel.set_xlabel("Chemical shift (ppm)")


def penalty_picture(curves: Real, sample: Draw, universal: Real) -> Picture:
    """Draw the error against the penalty, as a share of the largest and in units of the universal one."""
    figure, axes = new_panels(1, 2, (10, 4))
    order = np.argsort(sample.snr_f)
    for part in np.array_split(order, 4):
        mean = np.sqrt((curves[:, part] ** 2).mean(axis=1))
        words = f"SNR_f {sample.snr_f[part].min():.0f} to {sample.snr_f[part].max():.0f}"
        axes[0, 0].loglog(RATIOS, mean, label=words)
        axes[0, 1].loglog(np.median(RATIOS[:, None] / universal[part], axis=1), mean, label=words)
    axes[0, 0].set_xlabel("penalty over the largest line")
    axes[0, 1].set_xlabel("penalty over the universal one")
    axes[0, 0].set_ylabel("relative error")
    axes[0, 1].axvline(NOISE_SHARE, color="0.7", linewidth=0.8)
    axes[0, 0].legend(fontsize=8)
    caption = "The error of FIDs against the penalty: in units of the noise, one is nearly best at every SNR."
    return Picture("penalty", caption, png(figure))


def measured_picture() -> Picture | None:
    """Draw measured files before and after; None where they are absent."""
    files = {
        "STEAM at 7 T, one of 16 transients of one coil": in_vivo("steam_7t", "metab_raw.nii.gz"),
        "PRESS at 3 T, average": in_vivo("press_3t", "sub-01_press.nii.gz"),
        "MRSI at 3 T, one voxel": in_vivo("mrsi_3t", "data.nii.gz"),
    }
    there = {words: data for words, data in files.items() if data is not None}
    if not there:
        return None
    figure, axes = new_panels(len(there), 2, (13, 3.4 * len(there)))
    for panels, (words, data) in zip(axes, there.items(), strict=True):
        for panel, narrow in zip(panels, (False, True), strict=True):
            _measured(panel, data, words, narrow=narrow)
    caption = (
        "Measured files before (grey) and after (blue), with the default (left) and with lines of 0.65 of the "
        "measured width (right). What looks like narrow lines where the grey curve is noise is noise."
    )
    return Picture("measured", caption, png(figure))


def _measured(panel: Any, data: MRSData, words: str, *, narrow: bool) -> None:
    result = reconstruct(data, penalty="noise")
    if narrow:
        assert result.reconstruction is not None
        width = 0.65 * result.reconstruction.model.lineshape.fwhm_hz
        result = reconstruct(data, penalty="noise", linewidth=width)
        words = f"{words}: lines of {width:.1f} Hz"
    voxels = np.argwhere(np.abs(data.fid).reshape(*data.fid.shape[:3], -1).sum(axis=-1) > 0)
    x, y, z = voxels[len(voxels) // 2]
    before, after = (d.fid[x, y, z].reshape(d.n_points, -1)[:, 0] for d in (data, result.data))
    near = (data.ppm_axis > 1.9) & (data.ppm_axis < 2.15)
    lines = fid_to_spectrum(before)[near]
    turn = np.exp(-1j * np.angle(lines[np.abs(lines).argmax()]))
    _line(panel, data.ppm_axis, turn * before, BEFORE, "before", 0.7)
    _line(panel, data.ppm_axis, turn * after, AFTER, "after", 1.0)
    panel.set_title(words, fontsize=9)
