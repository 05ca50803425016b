"""Other parts, axes and scales of the lines of a voxel."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from fsl_mrs_dl.data import MRSData, Real
from fsleyes_plugin.model.curves import Display, Lines

_CURVES = ("data", "fit", "baseline", "residual", "sd")


def lines_of_part(read: Callable[[Display], Lines | None], display: Display, part: str) -> Lines | None:
    """Return the lines of a part of the spectrum.

    Parameters
    ----------
    read : callable
        Returns the real parts for a display.
    display : Display
    part : str
        ``real``, ``imaginary``, ``magnitude`` or ``phase``. The last two have no band, because noise is not normal
        there.

    Returns
    -------
    Lines or None
    """
    if part == "real":
        return read(display)
    # The imaginary part of S is the real part of S turned by -90 degrees.
    turned = replace(display, phase_deg=display.phase_deg - 90.0)
    if part == "imaginary":
        return read(turned)
    real, imaginary = read(replace(display, band=False)), read(replace(turned, band=False))
    if real is None or imaginary is None:
        return None
    of = np.hypot if part == "magnitude" else _angle

    def both(name: str) -> Real | None:
        one, two = getattr(real, name), getattr(imaginary, name)
        return None if one is None or two is None else np.asarray(of(one, two))

    known: Mapping[str, Real] = {
        name: np.asarray(of(line, imaginary.metabolites[name])) for name, line in real.metabolites.items()
    }
    curves: dict[str, Any] = {name: both(name) for name in _CURVES}
    return replace(real, **curves, metabolites=known, ground=0.0)


def _angle(real: Real, imaginary: Real) -> Real:
    angle: Real = np.arctan2(imaginary, real)
    return angle


def in_hz(lines: Lines, data: MRSData) -> Lines:
    """Return the lines over the frequency from the centre of the spectrum, in Hz; limits too."""
    low, high = ((end - data.reference_ppm) * data.spectrometer_frequency_mhz for end in lines.limits_ppm)
    axis = (lines.ppm - data.reference_ppm) * data.spectrometer_frequency_mhz
    return replace(lines, ppm=axis, limits_ppm=(low, high))


def normalised(lines: Lines) -> Lines:
    """Return the lines divided by the highest value of the data, or of the fit, in the shown range."""
    curve = lines.data if lines.data is not None else lines.fit
    shown = (lines.ppm >= lines.limits_ppm[0]) & (lines.ppm <= lines.limits_ppm[1])
    top = float(np.nanmax(np.abs(curve[shown]))) if curve is not None and shown.any() else 0.0
    if not top > 0:
        return lines
    scaled: dict[str, Any] = {
        name: None if getattr(lines, name) is None else getattr(lines, name) / top for name in _CURVES
    }
    known = {name: line / top for name, line in lines.metabolites.items()}
    return replace(lines, **scaled, metabolites=known, ground=lines.ground / top)


def acquisition_text(data: MRSData) -> str:
    """Return nucleus, frequency, bandwidth, points and times of a scan in one line."""
    parts = [
        data.nucleus,
        f"{data.spectrometer_frequency_mhz:.6g} MHz",
        f"bandwidth {1 / data.dwelltime_s:.6g} Hz",
        f"{data.n_points} points",
    ]
    for key, name in (("EchoTime", "TE"), ("RepetitionTime", "TR")):
        value = data.header.get(key)
        if isinstance(value, (int, float)):
            parts.append(f"{name} {1e3 * value:g} ms")
    return ", ".join(parts)
