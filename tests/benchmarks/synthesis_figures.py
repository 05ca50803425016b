"""Pictures of the task synthesis."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fsl_mrs_dl.data import Basis, Real
from fsl_mrs_dl.evaluation.figures import DPI, REAL, SYNTHETIC, plane_coordinates
from fsl_mrs_dl.evaluation.likeness import embedded, features
from fsl_mrs_dl.physics import fid_to_spectrum, frequency_axis_hz
from fsl_mrs_dl.report.drawing import new_panels, png
from fsl_mrs_dl.steps.synthesis_models import new_transients, reconstruct_transients
from fsl_mrs_dl.train.synthesis_evaluation import InterpolationPath
from tests.benchmarks.synthesis_likeness import MODES
from tests.benchmarks.synthesis_subjects import CONDITIONS, Generative, Subject
from tests.benchmarks.synthesis_transients import AverageQuality
from tests.benchmarks.table import Picture

_REST = "#808080"
_COLOURS = ("#0072b2", "#cc79a7", "#009e73", "#e69f00", "#56b4e9", "#000000", "#882255", "#ddcc77")


def path_picture(
    paths: Sequence[InterpolationPath], mixed: Sequence[InterpolationPath], basis: Basis
) -> Picture:
    """Draw decoded spectra along paths, and what the fit finds along them."""
    figure, axes = new_panels(3, len(paths), (11, 10), dpi=DPI)
    ppm = basis.reference_ppm + frequency_axis_hz(basis.fids.shape[1], basis.dwelltime_s) / (
        basis.spectrometer_frequency_mhz
    )
    inside = (ppm > 0.5) & (ppm < 4.2)
    for column, (path, other) in enumerate(zip(paths, mixed, strict=True)):
        spectra = fid_to_spectrum(path.fids)[:, inside].real
        step = 0.25 * spectra.max()
        for k, spectrum in enumerate(spectra):
            axes[0, column].plot(ppm[inside], spectrum + k * step, color=REAL, alpha=0.4 + 0.06 * k, lw=1)
        axes[0, column].set(title=f"{path.kind}: decoded spectra", xlabel="ppm", yticks=[])
        axes[0, column].invert_xaxis()
        share = np.linspace(0, 1, len(path.fitted))
        for values, colour, name in ((path, REAL, "latent"), (other, _REST, "spectra mixed")):
            for row, numbers in ((1, values.fitted), (2, 100 * (values.amounts.reshape(len(share), -1) - 1))):
                axes[row, column].plot(share, numbers, color=colour, lw=0.8, alpha=0.6)
                axes[row, column].plot([], [], color=colour, label=name)
        axes[1, column].scatter([0, 1], path.ends, color="black", zorder=3, s=18, label="true ends")
        axes[1, column].set(xlabel="way from one to the other", ylabel=f"fitted {path.kind} ({path.unit})")
        axes[2, column].set(xlabel="way from one to the other", ylabel="change of concentrations (%)")
        axes[2, column].axhspan(-5, 5, color="black", alpha=0.07, lw=0)
        for row in (1, 2):
            axes[row, column].legend(frameon=False)
    caption = (
        "Paths from one set of concentrations to another, through the latent space and by mixing the two "
        "spectra. Top: decoded spectra along one path. Middle and bottom: fitted amounts along twelve paths "
        "each; grey band: 5 %."
    )
    return Picture("paths", caption, png(figure))


def reconstruction_picture(network: Generative, subjects: Sequence[Subject]) -> Picture:
    """Draw a transient, its reconstruction and the rest, and the same of the averages."""
    rows = [(one, name) for one in subjects[:2] for name in CONDITIONS]
    figure, axes = new_panels(len(rows), 2, (11, 2.6 * len(rows)), dpi=DPI)
    for row, (one, name) in enumerate(rows):
        sample = one.condition(name)
        decoded, _, _ = reconstruct_transients(network, sample.fids, one.data)
        ppm = one.data.ppm_axis
        inside = (ppm > 0.2) & (ppm < 5.2)
        parts = ((sample.fids[0], decoded[0]), (sample.average, decoded.mean(axis=0)))
        for column, (real, simulated) in enumerate(parts):
            spectra = [fid_to_spectrum(fid)[inside].real for fid in (real, simulated, real - simulated)]
            step = 1.1 * np.ptp(spectra[1])
            for k, (spectrum, colour, label) in enumerate(
                zip(spectra, (REAL, SYNTHETIC, _REST), ("real", "reconstruction", "residual"), strict=True)
            ):
                axes[row, column].plot(ppm[inside], spectrum - k * step, color=colour, lw=0.8, label=label)
            axes[row, column].invert_xaxis()
            axes[row, column].set(
                yticks=[], title=f"{one.name}, {name}: {('one transient', 'average')[column]}"
            )
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
    axes[-1, 0].set(xlabel="ppm")
    axes[-1, 1].set(xlabel="ppm")
    return Picture(
        "reconstruction", "Real, reconstruction and residual, ON and OFF of two subjects.", png(figure)
    )


def embedding_picture(network: Generative, subjects: Sequence[Subject], rng: np.random.Generator) -> Picture:
    """Draw real and synthetic transients on two coordinates that real ones define, with densities."""
    parts: list[tuple[str, str, Real]] = []
    real, data = [], subjects[0].data
    for one in subjects:
        for name in CONDITIONS:
            fids = one.condition(name).fids
            real.append(features(fids / np.linalg.norm(fids.mean(axis=0)), data))
            for mode in MODES:
                simulated = new_transients(network, fids, one.data, len(fids), mode, rng)
                parts.append((mode, name, features(simulated / np.linalg.norm(fids.mean(axis=0)), data)))
    together = np.concatenate(real)
    place, *others = embedded(together, *(values for _, _, values in parts))
    name_of, place, others = plane_coordinates(place, others, rng)
    figure, axes = new_panels(1, len(MODES), (13, 4.6), dpi=DPI)
    for axis, mode in zip(axes[0], MODES, strict=True):
        axis.scatter(*place.T, s=3, color=_REST, alpha=0.3, label="real")
        for (which, name, _), points in zip(parts, others, strict=True):
            if which == mode:
                colour = _COLOURS[CONDITIONS.index(name)]
                axis.scatter(*points.T, s=3, color=colour, alpha=0.25)
                _density(axis, points, colour)
        for name, colour in zip(CONDITIONS, _COLOURS, strict=False):
            axis.scatter([], [], color=colour, s=12, label=f"{name}, synthetic")
        axis.set(title=mode, xlabel=f"{name_of} 1", ylabel=f"{name_of} 2")
        axis.legend(frameon=False, markerscale=2)
    caption = (
        f"Transients on two coordinates ({name_of}) fitted to real ones; lines: density of the synthetic."
    )
    return Picture("embedding", caption, png(figure))


def _density(axis: Any, points: Real, colour: str) -> None:
    from scipy.stats import gaussian_kde

    if len(points) < 10:
        return
    low, high = points.min(axis=0), points.max(axis=0)
    x, y = np.meshgrid(*(np.linspace(a, b, 50) for a, b in zip(low, high, strict=True)))
    z = gaussian_kde(points.T)(np.stack([x.ravel(), y.ravel()])).reshape(x.shape)
    axis.contour(x, y, z, levels=4, colors=colour, linewidths=0.8)


def application_picture(steps: Sequence[AverageQuality], name: str, title: str) -> Picture:
    """Draw the quality of averages against the number of measured transients in them."""
    shown = (
        ("snr", "height / noise SD"),
        ("shape", "shape score"),
        ("error", "error against the full set (%)"),
    )
    figure, axes = new_panels(3, 3, (12, 9), dpi=DPI)
    ways = list(dict.fromkeys(step.way for step in steps))
    for column, condition in enumerate((*CONDITIONS, "DIFF")):
        for row, (key, label) in enumerate(shown):
            for way, colour in zip(ways, _COLOURS[: len(ways)], strict=True):
                points = [(s.n, getattr(s.qualities[condition], key)) for s in steps if s.way == way and s.n]
                factor = 100 if key == "error" else 1
                x, y = [p[0] for p in points], [factor * p[1] for p in points]
                axes[row, column].plot(x, y, marker="o", ms=4, color=colour, label=way)
            axes[row, column].set(xlabel="measured transients", ylabel=label, xscale="log")
        axes[0, column].set(title=condition, yscale="log")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
    figure.suptitle(title)
    caption = (
        f"{title}: averages of subsets, alone and augmented to the full number. A smaller error would be "
        "information gained; a larger height over noise at the same error is smoothing."
    )
    return Picture(name, caption, png(figure))
