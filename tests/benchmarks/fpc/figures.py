"""The pictures of task ``fpc``: PNG, small enough for the documentation."""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np

from fsl_mrs_dl.data import MRSData, Real
from fsl_mrs_dl.physics import fid_to_spectrum, ppm_window
from fsl_mrs_dl.report.drawing import new_panels, png
from fsl_mrs_dl.scores import similarity_matrix
from fsl_mrs_dl.steps.align import align
from tests.benchmarks import quality
from tests.benchmarks.fpc.methods import KNOWN, OWN, WINDOW_PPM
from tests.benchmarks.fpc.methods_table import BEFORE, ORACLE, SI_PPM, MethodComparison
from tests.benchmarks.fpc.studies import NoiseStudy
from tests.benchmarks.fpc.subjects import Subjects, measured
from tests.benchmarks.table import Picture

_COLOURS = {"Free": "#1b6ca8", "UW": "#d1495b", "LC": "#edae49", "UW&LC": "#3d5a40"}
_NUISANCES = {"Free": "no nuisance", "UW": "unstable water", "LC": "lipid", "UW&LC": "both"}
_ERRORS = ("dsr", "dcrr", "sr", OWN)
_SHOWN, _DOTS, _PALETTE = 64, 600, 96
"""Transients of a similarity matrix, dots of a scatter plot, colours of a picture: more only make files large."""
_DPI = 90  # pixels an inch, so that the pictures of a page stay small


def error_picture(everything: MethodComparison) -> Picture:
    """Draw errors against the true shift by nuisance, and estimates against truth as Bland and Altman do."""
    names = [name for name in _ERRORS if everything.results.get(name) is not None]
    figure, axes = new_panels(2, len(names), (11, 5.6), dpi=_DPI)
    for k, name in enumerate(names):
        one, part = everything.results[name], everything.part(name)
        if one is None:
            continue
        limit = max(3.0, 1.1 * float(np.percentile(np.abs(one.shift_error_hz), 99)))
        for label, colour in _COLOURS.items():
            chosen = np.flatnonzero(part.labels[:_DOTS] == label)
            dots = {"s": 4, "color": colour, "linewidths": 0, "alpha": 0.6}
            axes[0, k].scatter(
                part.truth[chosen, 0], one.shift_error_hz[chosen], label=_NUISANCES[label], **dots
            )
            middle = (one.shift_hz[chosen] + part.truth[chosen, 0]) / 2
            axes[1, k].scatter(middle, one.shift_error_hz[chosen], **dots)
        mean, sd = float(one.shift_error_hz.mean()), float(one.shift_error_hz.std())
        for height, style in ((mean, "-"), (mean - 1.96 * sd, "--"), (mean + 1.96 * sd, "--")):
            axes[1, k].axhline(height, color="black", linestyle=style, linewidth=0.8)
        axes[0, k].set_title(name)
        axes[0, k].set_xlabel("True shift (Hz)")
        axes[1, k].set_xlabel("Mean of estimate and truth (Hz)")
        for row in (0, 1):
            axes[row, k].set_ylim(-limit, limit)
    for row in (0, 1):
        axes[row, 0].set_ylabel("Error of shift (Hz)")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=4, frameon=False, markerscale=3)
    text = (
        "Error of the shift against its truth (top) and as Bland and Altman draw it, with 95 % limits (bottom); "
        f"at most {_DOTS} transients. Errors beyond the axes are not shown."
    )
    return Picture("error-against-shift", text, _small_png(figure))


def correlation_picture(everything: MethodComparison) -> Picture:
    """Draw the correlation of the errors of the methods, two by two."""
    every = {n: f for n, f in everything.results.items() if f is not None and n not in (BEFORE, ORACLE)}
    n = min(len(one.shift_hz) for one in every.values())
    figure, axes = new_panels(1, 2, (11, 5.2), dpi=_DPI)
    for k, (title, errors) in enumerate(
        (
            ("Errors of shift", [one.shift_error_hz[:n] for one in every.values()]),
            ("Errors of phase", [one.phase_error_rad[:n] for one in every.values()]),
        )
    ):
        image = axes[0, k].imshow(np.corrcoef(errors), vmin=-1, vmax=1, cmap="RdBu_r")
        axes[0, k].set_title(title)
        axes[0, k].set_xticks(range(len(every)), list(every), rotation=90, fontsize="small")
        axes[0, k].set_yticks(range(len(every)), list(every), fontsize="small")
        figure.colorbar(image, ax=axes[0, k], shrink=0.8)
    text = f"Correlation of the errors of the methods, of the same {n} transients."
    return Picture("method-correlation", text, _small_png(figure))


def monte_carlo_picture(results: MethodComparison) -> Picture:
    """Draw shift and phase of the draws of the noise on one signal."""
    names = [n for n, one in results.results.items() if one is not None and n not in (BEFORE, ORACLE)]
    n_columns = 3
    n_rows = -(-len(names) // n_columns)
    figure, axes = new_panels(n_rows, n_columns, (9, 2.5 * n_rows), dpi=_DPI, shared=True)
    for axis, name in zip(axes.ravel(), names, strict=False):
        one = results.results[name]
        if one is None:
            continue
        degrees = np.degrees(one.phase_error_rad)
        axis.scatter(one.shift_error_hz, degrees, s=5, color="#1b6ca8", linewidths=0, alpha=0.6)
        correlation = np.corrcoef(one.shift_error_hz, degrees)[0, 1]
        axis.set_title(f"{name}, r = {correlation:.2f}", fontsize="medium")
        axis.axhline(0, color="grey", linewidth=0.5)
        axis.axvline(0, color="grey", linewidth=0.5)
    for axis in axes.ravel()[len(names) :]:
        axis.set_axis_off()
    for axis in axes[-1]:
        axis.set_xlabel("Shift (Hz)")
    for axis in axes[:, 0]:
        axis.set_ylabel("Phase (degrees)")
    text = "Estimates of one signal under many draws of the noise, about their middle."
    return Picture("monte-carlo", text, _small_png(figure))


def noise_picture(study: NoiseStudy) -> Picture:
    """Draw the precision against the SNR."""
    figure, axes = new_panels(1, 2, (10, 4.2), dpi=_DPI)
    names = [n for n in study.compared[0].results if n not in (BEFORE, ORACLE)]
    for name in names:
        results = [one.results[name] for one in study.compared]
        both = np.array([(np.nan, np.nan) if one is None else one.precision() for one in results])
        for k in (0, 1):
            style = "o--" if name in (OWN, KNOWN) else "o-"
            axes[0, k].loglog(study.levels, both[:, k], style, label=name, markersize=3, linewidth=1)
    for k, label in enumerate(("SD of shift (Hz)", "SD of phase (degrees)")):
        axes[0, k].loglog(study.levels, [one[k] for one in study.bounds], "k-", linewidth=2, label="bound")
        axes[0, k].set_xlabel("SNR_t0")
        axes[0, k].set_ylabel(label)
        axes[0, k].set_xticks(study.levels, [f"{level:g}" for level in study.levels])
        axes[0, k].minorticks_off()
    axes[0, 1].legend(frameon=False, fontsize="x-small", ncols=2)
    text = "Precision against the noise, without nuisance signals."
    return Picture("precision-against-snr", text, _small_png(figure))


def similarity_picture(everything: MethodComparison) -> Picture:
    """Draw the similarity matrices before and after."""
    names = [n for n in (BEFORE, "dsr", OWN, ORACLE) if everything.results.get(n) is not None]
    figure, axes = new_panels(1, len(names), (11, 3.1), dpi=_DPI)
    inside = ppm_window(everything.test.ppm, SI_PPM)
    for axis, name in zip(axes[0], names, strict=True):
        spectra = fid_to_spectrum(everything.corrected(name)[:_SHOWN])[:, inside]
        image = axis.imshow(similarity_matrix(spectra), vmin=-1, vmax=1, cmap="RdBu_r")
        axis.set_title(name, fontsize="medium")
        axis.set_xlabel("Transient")
    axes[0, 0].set_ylabel("Transient")
    figure.colorbar(image, ax=axes[0, -1], shrink=0.8)
    text = f"How alike the first {_SHOWN} transients of Table 1 are, 2.5 to 3.5 ppm, before and after."
    return Picture("similarity", text, _small_png(figure))


def subjects_picture(results: Subjects) -> Picture:
    """Draw the similarity of each subject by two methods at a time."""
    methods = [n for n in ("gn", "sr", "dsr", "dcrr") if np.isfinite(results.similarity[n]).any()]
    pairs = [(BEFORE, "gn"), *((other, "gn") for other in methods if other != "gn")]
    figure, axes = new_panels(1, len(pairs), (10, 3.1), dpi=_DPI)
    for axis, (one, other) in zip(axes[0], pairs, strict=True):
        x, y = results.similarity[one], results.similarity[other]
        low, high = float(np.nanmin([x, y])), float(np.nanmax([x, y]))
        gap = 0.05 * (high - low) or 0.01
        axis.plot([low - gap, high + gap], [low - gap, high + gap], color="grey", linewidth=0.8)
        axis.scatter(x, y, s=18, color="#1b6ca8")
        axis.set_xlabel(f"SI, {one}")
        axis.set_ylabel(f"SI, {other}")
    return Picture("subjects", "Similarity index of each edited set by two methods.", _small_png(figure))


def difference_picture() -> Picture | None:
    """Draw the difference spectrum of the measured MEGA-PRESS scan by method; None if it is not there."""
    data = measured("mega")
    if data is None:
        return None
    versions = {BEFORE: data} | {name: align(data, method=name).data for name in ("sr", "gn")}
    figure, axes = new_panels(1, 1, (9, 4.2), dpi=_DPI)
    inside = ppm_window(data.ppm_axis, (1.6, 4.4))
    step = 0.0
    for k, (name, one) in enumerate(versions.items()):
        spectrum = _difference(one)
        if not k:
            step = 1.3 * float(np.ptp(_difference(versions["gn"])[inside]))
        axes[0, 0].plot(data.ppm_axis[inside], spectrum[inside] - k * step, linewidth=0.9, label=name)
        words = f"{name}: {100 * quality.choline_left(one):.0f} % of choline left"
        axes[0, 0].annotate(words, (4.35, 0.12 * step - k * step), fontsize="small")
    axes[0, 0].set_ylim(top=0.35 * step)
    axes[0, 0].invert_xaxis()
    axes[0, 0].set_xlabel("Chemical shift (ppm)")
    axes[0, 0].set_yticks([])
    text = "The difference of ON and OFF of the measured 3 T MEGA-PRESS scan, aligned from 1.8 to 4.2 ppm."
    return Picture("difference", text, _small_png(figure))


def _difference(data: MRSData) -> Real:
    """Return the real part of the difference spectrum, phased by creatine of OFF."""
    on, off = quality.fids(data).mean(axis=1)
    inside = ppm_window(data.ppm_axis, WINDOW_PPM)
    spectra = [fid_to_spectrum(fid) for fid in (on, off)]
    sign = -1 if np.vdot(spectra[0][inside], spectra[1][inside]).real >= 0 else 1
    turn = np.exp(-1j * quality.line(data, "Cr", 1).phase_rad)
    real: Real = np.real((spectra[0] + sign * spectra[1]) * turn)
    return real if sign < 0 else -real


def _small_png(figure: Any) -> bytes:
    """Return a picture with a palette: a third of the bytes of full colour, for the same picture."""
    from PIL import Image

    small = io.BytesIO()
    Image.open(io.BytesIO(png(figure))).convert("RGB").quantize(_PALETTE).save(
        small, format="png", optimize=True
    )
    return small.getvalue()


def present(pictures: Sequence[Picture | None]) -> list[Picture]:
    """Return the pictures that could be drawn."""
    return [picture for picture in pictures if picture is not None]
