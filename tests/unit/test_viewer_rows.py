"""Sorting, copying and saving of the table, curves of sums, and what is left after a fit is closed."""

import csv
import io

import numpy as np
import pytest
import viewer_results
from matplotlib.figure import Figure
from viewer_results import a_voxel

from fsl_mrs_dl.errors import OutputError
from fsleyes_plugin.model.look import Look
from fsleyes_plugin.model.table import VoxelTable
from fsleyes_plugin.model.table_rows import Order, as_csv, as_tabs, key_of_heading, save_text
from fsleyes_plugin.plots.fit_figure import Style, Trace, draw_fits
from fsleyes_plugin.session import Fit, Session

NAN = float("nan")
TABLE = VoxelTable(
    "raw",
    ("posterior_mean", "ci95_low", "ci95_high", "value"),
    (("NAA", (2.0, 1.5, 2.5, 7.0)), ("Cr", (NAN, NAN, NAN, 9.0)), ("ascorbate", (3.0, 1.0, 5.0, NAN))),
)


@pytest.fixture(scope="module")
def many() -> Fit:
    return Session().open(viewer_results.mrsi())


def names(table):
    return [name for name, _ in table.rows]


def test_a_click_sorts_down_then_up_then_not():
    order = Order().after_click("posterior_mean")
    assert names(order.sorted(TABLE)) == ["ascorbate", "NAA", "Cr"]
    order = order.after_click("posterior_mean")
    assert names(order.sorted(TABLE)) == ["NAA", "ascorbate", "Cr"]
    assert names(order.after_click("posterior_mean").sorted(TABLE)) == names(TABLE)
    assert names(order.after_click("metabolite").sorted(TABLE)) == ["ascorbate", "Cr", "NAA"]
    assert names(Order("fwhm").sorted(TABLE)) == names(TABLE)  # a column that this fit lacks


def test_headings_and_their_columns_belong_together():
    assert TABLE.heads()[1] == "posterior [95 %]"
    keys = [key_of_heading(TABLE, n) for n in range(len(TABLE.heads()))]
    assert keys == ["metabolite", "posterior_mean", "value"]
    plain = VoxelTable("raw", ("value", "sd"), (("NAA", (1.0, 0.1)),))
    assert [key_of_heading(plain, n) for n in range(3)] == ["metabolite", "value", "sd"]


def test_a_saved_table_has_every_digit(many):
    voxel = a_voxel(many)
    rows = list(csv.DictReader(io.StringIO(as_csv(many.table.at(voxel, "raw"), many.name, voxel))))
    assert {tuple(int(row[axis]) for axis in "xyz") for row in rows} == {voxel}
    naa = next(row for row in rows if row["metabolite"] == "NAA")
    assert float(naa["value"]) == float(many.maps.file("raw", "NAA").values[voxel])
    assert float(naa["ci95_low"]) == float(many.maps.file("ci95_low", "NAA").values[voxel])
    assert len(rows) == len(many.table.metabolites)
    assert next(row for row in rows if row["metabolite"] == "Cr+PCr")["snr"] == ""


def test_a_copied_table_is_what_is_shown():
    lines = [line.split("\t") for line in as_tabs(TABLE).splitlines()]
    assert lines == [list(row) for row in (TABLE.heads(), *TABLE.texts())]


def test_a_table_that_cannot_be_written_is_refused(tmp_path):
    with pytest.raises(OutputError, match="cannot be written"):
        save_text("x", tmp_path / "none" / "table.csv")


def test_the_curve_of_a_sum_is_the_sum_of_its_curves(many):
    lines = many.curves.lines(a_voxel(many))
    parts = [lines.metabolites[name] for name in ("NAA", "NAAG")]
    assert np.allclose(lines.curve_of("NAA+NAAG"), parts[0] + parts[1])
    assert lines.curve_of("Ins") is lines.metabolites["Ins"]
    assert lines.curve_of("NAA+Xyz") is None
    assert lines.curve_of("") is None
    sums = [name for name in many.table.metabolites if "+" in name]
    assert len(sums) >= 4
    assert all(lines.curve_of(name) is not None for name in sums)


def test_heights_are_kept_or_shared(many):
    first, second = (tuple(int(i) for i in voxel) for voxel in np.argwhere(many.maps.fitted())[[5, 60]])
    traces = [Trace("", many.curves.lines(voxel)) for voxel in (first, second)]
    figure = Figure()
    apart = [axes.get_ylim() for axes in draw_fits(figure, traces, Style(look=Look(one_scale=False)))]
    assert apart[0] != apart[1]
    together = [axes.get_ylim() for axes in draw_fits(figure, traces, Style())]
    assert together[0] == together[1] == (min(apart)[0], max(top for _, top in apart))
    figure = Figure()
    draw_fits(figure, traces[:1], Style())
    figure.axes[0].set_ylim(-1, 2)
    draw_fits(figure, traces[1:], Style(look=Look(keep_height=True)))
    assert figure.axes[0].get_ylim() == (-1, 2)
    draw_fits(figure, traces[1:], Style())
    assert figure.axes[0].get_ylim() == apart[1]


def test_a_closed_fit_is_gone_and_the_other_is_shown():
    session = Session()
    calls = []
    one, two = session.open(viewer_results.mrsi()), session.open(viewer_results.mrsi_stiff())
    session.listen("test", calls.append)
    session.close_one(two)
    assert (session.fits, session.chosen, session.other) == ([one], one, None)
    scan = session.open_scan(viewer_results.edited())
    session.close_one(one)
    assert (session.fits, session.chosen, session.scan) == ([], None, scan)
    session.close_one(scan)
    assert (session.scans, session.scan, session.places) == ([], None, ())
    assert "fits" in calls
    again = session.open(viewer_results.mrsi())
    assert again is not one
    assert again.curves.lines(a_voxel(again)) is not None
