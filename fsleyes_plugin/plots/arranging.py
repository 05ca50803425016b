"""Arrange the curves of voxels for a figure: axis, scale, and what shares the axes."""

from collections.abc import Sequence
from dataclasses import replace

from fsl_mrs_dl.data import MRSData
from fsleyes_plugin.model.held import Held
from fsleyes_plugin.model.look import HZ, Look
from fsleyes_plugin.model.parts import in_hz, normalised
from fsleyes_plugin.plots.fit_figure import Trace

PPM_LABEL, HZ_LABEL = "Chemical shift (ppm)", "Frequency from the centre (Hz)"


def arranged(traces: Sequence[Trace], look: Look, held: Sequence[Held], data: MRSData | None) -> list[Trace]:
    """Return the curves as they are drawn.

    Parameters
    ----------
    traces : sequence of Trace
        That of the cursor last.
    look : Look
    held : sequence of Held
        Lines that stay on the axes of the cursor.
    data : MRSData or None
        Header of what is drawn, for an axis in Hz.
    """
    drawn = [_prepared(trace, look, data) for trace in traces]
    if not drawn:
        return drawn
    lines = drawn[-1].lines
    if held and lines is not None:
        staying = tuple(_held_line(line, look, data, lines.limits_ppm) for line in held)
        drawn[-1] = replace(drawn[-1], held=staying)
    if not look.together or lines is None:
        return drawn
    return [replace(drawn[-1], beside=tuple(trace for trace in drawn[:-1] if trace.lines is not None))]


def _prepared(trace: Trace, look: Look, data: MRSData | None) -> Trace:
    lines, other, axis = trace.lines, trace.other, PPM_LABEL
    if lines is None:
        return trace
    if look.normalised:
        lines, other = normalised(lines), None if other is None else normalised(other)
    if look.axis == HZ and data is not None:
        lines, other, axis = in_hz(lines, data), None if other is None else in_hz(other, data), HZ_LABEL
    return replace(trace, lines=lines, other=other, axis=axis)


def _held_line(line: Held, look: Look, data: MRSData | None, limits: tuple[float, float]) -> Held:
    ppm, values = line.ppm, line.values
    if look.axis == HZ and data is not None:
        ppm = (ppm - data.reference_ppm) * data.spectrometer_frequency_mhz
    inside = (ppm >= limits[0]) & (ppm <= limits[1])
    top = float(abs(values[inside]).max()) if look.normalised and inside.any() else 1.0
    return Held(line.name, ppm, values / (top or 1.0))
