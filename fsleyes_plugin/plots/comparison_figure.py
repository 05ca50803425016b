"""Draw the comparison of two fits: a scatter plot and a Bland-Altman plot."""

from matplotlib.figure import Figure

from fsleyes_plugin.model.comparison import Comparison

_POINT = "#1f4e9c"
_ROOM = 0.04  # share of the range on each side of the points, so that none lies on the frame
_EQUAL = 1e-6  # range over the largest value, below which all values are equal in single precision


def draw_comparison(figure: Figure, comparison: Comparison, first: str, second: str) -> None:
    """Draw one quantity of two fits, one point for each voxel.

    Parameters
    ----------
    figure : Figure
        Cleared first; with automatic layout (``layout="constrained"``).
    comparison : Comparison
    first, second : str
        Names of the fits.
    """
    figure.clear()
    scatter, agreement = figure.subplots(1, 2)
    style = {"s": 14, "color": _POINT, "alpha": 0.55, "linewidths": 0, "picker": 4}
    low = float(min(comparison.first.min(), comparison.second.min()))
    high = float(max(comparison.first.max(), comparison.second.max()))
    # Where all values are equal, their own size is the room around them.
    room = _ROOM * (high - low if high - low > _EQUAL * abs(high) else abs(high) or 1.0)
    ends = (low - room, high + room)
    scatter.plot(ends, ends, color="0.4", lw=0.8, ls="--", label="equal")
    scatter.scatter(comparison.first, comparison.second, **style)
    scatter.set(xlim=ends, ylim=ends, xlabel=first, ylabel=second, box_aspect=1)
    scatter.set_title(f"r = {comparison.correlation:.3f}\n{len(comparison.first)} voxels", fontsize=9)
    agreement.scatter(comparison.mean, comparison.difference, **style)
    agreement.axhline(0, color="0.4", lw=0.8, ls="--")
    agreement.axhline(comparison.bias, color="#d62728", lw=1.2)
    for limit in comparison.limits:
        agreement.axhline(limit, color="#d62728", lw=0.9, ls=":")
    agreement.set(xlabel="mean of both", ylabel="vertical less horizontal", box_aspect=1)
    bottom, top = comparison.limits
    agreement.set_title(
        f"mean difference {comparison.bias:.3g}\n95 % from {bottom:.3g} to {top:.3g}", fontsize=9
    )
    for axes in (scatter, agreement):
        axes.tick_params(labelsize=8)
        axes.xaxis.label.set_size(9)
        axes.yaxis.label.set_size(9)
        axes.ticklabel_format(style="sci", scilimits=(-3, 4))
        axes.grid(color="0.92", zorder=-1)
        axes.set_axisbelow(True)
    figure.suptitle(comparison.choice.label, fontsize=10)
