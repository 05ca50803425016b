"""The picture of the page on worlds."""

from itertools import cycle

from fsl_mrs_dl.report.drawing import new_figure, png
from tests.benchmarks.table import Picture
from tests.benchmarks.worlds.run_worlds import Scores
from tests.benchmarks.worlds.settings import DEFAULT
from tests.benchmarks.worlds.tables import leading, settings_of

_TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)  # of relative errors, on an axis of logarithms
_COLOURS = ("#d1495b", "#1b6ca8", "#e69f00", "#7a7a7a", "#009e73")


def errors_picture(scores_by_world: Scores) -> Picture:
    """Draw the error of every setting in every world."""
    from matplotlib.ticker import FixedLocator, NullLocator

    worlds = [world for world, by_setting in scores_by_world.items() if by_setting]
    figure = new_figure((9, 0.24 * len(worlds) + 1.6), dpi=110)
    panels = figure.subplots(1, 2, sharey=True)
    for axes, strong in zip(panels, (False, True), strict=True):
        for setting, colour in zip(settings_of(scores_by_world), cycle(_COLOURS), strict=False):
            place = [k for k, world in enumerate(worlds) if setting in scores_by_world[world]]
            values = [leading(scores_by_world[worlds[k]][setting], strong=strong) for k in place]
            if place:
                size = 6 if setting == DEFAULT else 4
                axes.semilogx(values, place, "o", color=colour, markersize=size, label=setting, alpha=0.8)
        axes.set_xlabel("MAE of strong ratios and sums" if strong else "MAE of all ratios")
        axes.grid(axis="y", color="0.92")
        axes.xaxis.set_major_locator(FixedLocator(_TICKS))
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_axisbelow(True)
    panels[0].set_yticks(range(len(worlds)), worlds, fontsize=8)
    panels[0].invert_yaxis()
    panels[1].legend(fontsize=8)
    caption = (
        "Mean absolute error of ratios to total creatine in each world: of the posterior mean, for FSL-MRS of the "
        "fit."
    )
    return Picture("errors", caption, png(figure))
