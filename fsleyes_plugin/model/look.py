"""How spectra are drawn; the numbers are those of :class:`~fsleyes_plugin.model.curves.Display`."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

PARTS: Mapping[str, str] = MappingProxyType(
    {"real": "real part", "imaginary": "imaginary part", "magnitude": "magnitude", "phase": "phase (rad)"}
)
"""Part of the complex spectrum -> its name on the axis."""
PPM, HZ = "ppm", "Hz"
DASHES: Mapping[str, str] = MappingProxyType({"solid": "-", "dashed": "--", "dotted": ":", "dash-dot": "-."})
"""Name of a line style -> that of Matplotlib."""


@dataclass(frozen=True)
class LineStyle:
    """Colour (a name of Matplotlib), width in points and kind of a line."""

    colour: str
    width: float
    dash: str = "solid"


LINE_STYLES: Mapping[str, LineStyle] = MappingProxyType(
    {
        "data": LineStyle("#404040", 0.9),
        "fit": LineStyle("#d62728", 1.3),
        "baseline": LineStyle("#17868a", 1.0),
        "residual": LineStyle("#737373", 0.8),
        "second fit": LineStyle("#1f4e9c", 1.2, "dashed"),
        "highlighted": LineStyle("#e07b00", 1.2),
    }
)
"""Kind of a line -> its style, until the user chooses another."""


@dataclass(frozen=True)
class Look:
    """Choices of the figure.

    Attributes
    ----------
    keep_height : bool
        Whether the range of the vertical axis stays when the cursor moves.
    one_scale : bool
        Whether pinned voxels have the same vertical axis as the voxel at the cursor.
    part : str
        A key of :data:`PARTS`.
    axis : str
        :data:`PPM` or :data:`HZ`, from the centre of the spectrum.
    normalised : bool
        Whether each spectrum is divided by its highest value in the shown range.
    together : bool
        Whether pinned voxels are drawn on the axes of the voxel at the cursor.
    styles : mapping of str to LineStyle
        The user's, for keys of :data:`LINE_STYLES`.
    """

    keep_height: bool = False
    one_scale: bool = True
    part: str = "real"
    axis: str = PPM
    normalised: bool = False
    together: bool = False
    styles: Mapping[str, LineStyle] = field(default_factory=dict)

    def style(self, kind: str) -> LineStyle:
        """Return the style of a kind of line."""
        return self.styles.get(kind, LINE_STYLES[kind])

    def with_style(self, kind: str, style: LineStyle) -> "Look":
        """Return the look with another style of a kind of line."""
        return replace(self, styles={**self.styles, kind: style})
