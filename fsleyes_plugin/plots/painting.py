"""Paint a figure with constant axes and changing lines: the axes are drawn once and saved as a picture."""

from typing import Any

from matplotlib.artist import Artist


class Painter:
    """Painter of the figure of a canvas; it draws only lines, fillings and texts if nothing else has changed.

    Parameters
    ----------
    canvas : FigureCanvasAgg
        Of Matplotlib, with ``blit``.
    """

    def __init__(self, canvas: Any) -> None:
        self._canvas = canvas
        self._key: Any = None
        self._ground: Any = None

    def paint(self) -> None:
        """Draw the figure on the canvas."""
        figure = self._canvas.figure
        moving: list[tuple[Any, Artist]] = [
            (axes, artist)
            for axes in figure.axes
            for artist in sorted((*axes.collections, *axes.lines, *axes.texts), key=lambda a: a.get_zorder())
        ]
        key = self._still(figure)
        if key != self._key:
            for _, artist in moving:
                artist.set_visible(False)
            self._canvas.draw()
            self._ground = self._canvas.copy_from_bbox(figure.bbox)
            for _, artist in moving:
                artist.set_visible(True)
            self._key = key
        self._canvas.restore_region(self._ground)
        for axes, artist in moving:
            axes.draw_artist(artist)
        self._canvas.blit()

    def _still(self, figure: Any) -> Any:
        """Return the state on which the saved picture depends."""
        axes = tuple((one.get_xlim(), one.axison, one.get_position().bounds) for one in figure.axes)
        texts = tuple(text.get_text() for legend in figure.legends for text in legend.get_texts())
        labels = tuple((one.get_xlabel(), one.get_ylabel()) for one in figure.axes)
        return figure.bbox.bounds, figure.dpi, axes, texts, labels
