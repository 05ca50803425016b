"""Draw real and synthetic transients."""

from collections.abc import Sequence

import numpy as np

from fsl_mrs_dl.data import Real
from fsl_mrs_dl.evaluation.likeness import Sample, embedded, features
from fsl_mrs_dl.physics import fid_to_spectrum
from fsl_mrs_dl.report.drawing import new_panels, png

REAL, SYNTHETIC = "#0072b2", "#d55e00"
"""Colours of measured and of synthetic transients."""
DPI = 100  # pixels per inch of pictures in the page
_LEAST_UMAP = 100
"""Least number of transients for UMAP: several of its neighbourhoods, which have 15."""


def plane_coordinates(
    place: Real, others: Sequence[Real], rng: np.random.Generator
) -> tuple[str, Real, list[Real]]:
    """Return UMAP coordinates, or the first two principal components for few transients or without umap-learn."""
    if len(place) < _LEAST_UMAP:
        return "principal component", place[:, :2], [points[:, :2] for points in others]
    try:
        import umap
    except ImportError:
        return "principal component", place[:, :2], [points[:, :2] for points in others]
    fitted = umap.UMAP(random_state=int(rng.integers(2**31)), n_jobs=1).fit(place)
    return "UMAP", fitted.embedding_, [fitted.transform(points) for points in others]


def pair_picture(title: str, real: Sample, synthetic: Sample, rng: np.random.Generator) -> bytes:
    """Draw averages, noise power and two coordinates of real and synthetic transients."""
    figure, axes = new_panels(1, 3, (12, 3.8), dpi=DPI)
    data = real.data
    inside = (data.ppm_axis > 0.2) & (data.ppm_axis < 4.2)
    samples = ((real, REAL, "real"), (synthetic, SYNTHETIC, "synthetic"))
    for sample, colour, name in samples:
        spectra = fid_to_spectrum(sample.fids)
        axes[0, 0].plot(
            data.ppm_axis[inside], spectra.mean(axis=0)[inside].real, color=colour, lw=0.8, label=name
        )
        power = np.mean(np.abs(spectra - spectra.mean(axis=0)) ** 2, axis=0)
        axes[0, 1].semilogy(data.ppm_axis, power, color=colour, lw=0.6, label=name)
    axes[0, 0].set(title=f"{title}: averages", xlabel="ppm", yticks=[])
    axes[0, 1].set(title="power about the average", xlabel="ppm")
    for axis in axes[0, :2]:
        axis.invert_xaxis()
    place, other = embedded(*(features(sample.fids, data) for sample, _, _ in samples))
    name_of, place, others = plane_coordinates(place, [other], rng)
    for points, (_, colour, name) in zip((place, *others), samples, strict=True):
        axes[0, 2].scatter(*points.T, s=5, color=colour, alpha=0.5, label=name)
    axes[0, 2].set(title="fitted to real ones", xlabel=f"{name_of} 1", ylabel="2")
    axes[0, 0].legend(frameon=False)
    return png(figure)
