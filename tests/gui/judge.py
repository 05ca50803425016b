"""Compares what is on the screen of the viewer with the files."""

import re
from decimal import Decimal
from pathlib import Path

import numpy as np

from tests.gui import oracle

SETTLE_SECONDS = 60.0
"""Longest time until panels agree with the files after an action: 0.3 s on a quiet machine."""
EXPECTED = ("no common unit", "No voxel has", "two fits of the same data")
"""Sentences that a user is told rightly."""


class Judge:
    """Knows what must be on the screen.

    Parameters
    ----------
    viewer : Viewer
        With the layout open.
    view : MRSFitView
    rng : numpy.random.Generator
        For the rows of the table that are compared.
    """

    def __init__(self, viewer, view, rng):
        self.viewer, self.view, self.rng = viewer, view, rng
        self.sources = {}
        self.exceptions = []

    def control(self, name):
        """Return an open control of the Fit view, or None."""
        kinds = {type(panel).__name__: panel for panel in self.view.getPanels()}
        return kinds.get(name)

    def comparison(self):
        from fsleyes_plugin.panels.compare_view import MRSCompareView

        return next(iter(self.viewer.frame.getView(MRSCompareView)), None)

    def source(self):
        """Return what should be drawn, read from its files."""
        from fsleyes_plugin.session import SESSION

        if SESSION.shown is None:
            return None
        return self.source_of(Path(SESSION.shown.key))

    def source_of(self, path):
        if path not in self.sources:
            self.sources[path] = oracle.Source(path)
        return self.sources[path]

    def check(self):
        """Compare the screen with the files; panels may take a moment to follow."""
        failures = []

        def agrees():
            failures[:] = []
            for check in (self.check_names, self.check_spectrum, self.check_table, self.check_map,
                          self.check_limits, self.check_comparison):  # fmt: skip
                try:
                    check()
                except AssertionError as error:
                    failures.append(f"{check.__name__}: {error}")
            return not failures

        try:
            self.viewer.wait(agrees, "agreement", SETTLE_SECONDS)
        except AssertionError:
            told = [*failures, *self.exceptions[:1], *self.viewer.ear.heard[:1], *map(str, self.viewer.told)]
            raise AssertionError("\n".join(told)) from None
        assert not self.exceptions, self.exceptions[0]
        assert not self.viewer.ear.heard, self.viewer.ear.heard[0]
        rest = [text for _, text in self.viewer.told if not any(part in text for part in EXPECTED)]
        assert not rest, rest

    def check_names(self):
        from fsleyes_plugin.session import SESSION

        names = self.view.bar.fit.GetStrings()
        if SESSION.shown is None:
            assert names == ["no fit is open"], names
            return
        assert len(set(names)) == len(names) == len(SESSION.fits) + len(SESSION.scans), names
        assert self.view.bar.fit.GetStringSelection() == SESSION.shown.name
        # A name is that of its folder or file.
        assert Path(SESSION.shown.key).name in SESSION.shown.name
        if "sub-0" in SESSION.shown.key:
            assert re.search("sub-0[12]", SESSION.shown.key).group() in SESSION.shown.name

    def check_spectrum(self):
        from fsleyes_plugin.session import SESSION

        source = self.source()
        if source is None:
            return
        assert self.view.traces, "nothing drawn"
        trace = self.view.traces[-1]
        voxel = source.voxel_at(self.view.displayCtx.worldLocation.xyz)
        if voxel is None:
            assert "outside" in trace.message, trace.message
            return
        if not source.fitted()[voxel]:
            assert "Nothing was fitted" in trace.message, trace.message
            return
        if not np.abs(source.fids[voxel]).any():
            assert "no signal" in trace.message, trace.message
            return
        assert trace.lines is not None, trace.message
        assert trace.lines.voxel == voxel, (trace.lines.voxel, voxel)
        assert trace.name == SESSION.shown.name, (trace.name, SESSION.shown.name)
        bar = self.view.bar
        places = tuple(slider.GetValue() for slider in bar.sliders) if not source.is_fit else ()
        expected = source.spectrum(voxel, places, bar.phased.GetValue(), bar.phase.GetValue())
        drawn = trace.lines.data - trace.lines.data.mean()
        if expected is not None:
            worst = np.abs(drawn - expected).max() / np.abs(expected).max()
            assert worst < 1e-4, f"spectrum is wrong by {worst:.2g}"
        axes = self.view.figure.axes[-1]
        line = next((line for line in axes.get_lines() if line.get_label() == "data"), None)
        assert line is not None, "no line is painted"
        assert np.array_equal(line.get_ydata(), trace.lines.data), "another line is painted"
        assert (trace.lines.fit is not None) == source.is_fit

    def check_table(self):
        table, source = self.control("MRSFitTable"), self.source()
        if table is None:
            return
        grid = table.list
        rows = range(grid.GetItemCount())
        if source is None or not source.is_fit:
            assert not rows, "a table without a fit"
            return
        voxel = source.voxel_at(self.view.displayCtx.worldLocation.xyz)
        if voxel is None:
            assert not rows, "a table outside of the grid"
            assert "outside" in table.remarks.GetLabel()
            return
        assert "outside" not in table.remarks.GetLabel()
        assert len(rows) > 5, "no table"
        heads = [grid.GetColumn(n).GetText() for n in range(grid.GetColumnCount())]
        scaling = table.scaling.GetStringSelection()
        for row in self.rng.choice(len(rows), 4):
            name = grid.GetItemText(int(row))
            for n, head in enumerate(heads[1:], start=1):
                text, value = grid.GetItemText(int(row), n), source.cell(head, name, scaling, voxel)
                if value is None or "≥" in text:
                    continue
                assert bool(text) == bool(np.isfinite(value)), (name, head, text, value)
                if text:
                    last = float(Decimal(1).scaleb(int(Decimal(text).as_tuple().exponent)))
                    close = abs(float(text) - value) <= 0.5001 * last + 1e-6 * abs(value)
                    assert close, (name, head, text, value)

    def check_map(self):
        from fsleyes_plugin import overlays
        from fsleyes_plugin.session import SESSION

        panel, source = self.control("MRSFitMaps"), self.source()
        drawn = [
            image for image in self.viewer.overlays
            if image.getMeta("mrsdl map", None) is not None and self.viewer.displayCtx.getDisplay(image).enabled
        ]  # fmt: skip
        names = [self.viewer.displayCtx.getDisplay(image).name for image in drawn]
        for name in names:
            assert SESSION.fit is None or SESSION.fit.name in name, (name, "is not of the fit that is drawn")
        if panel is None:
            return
        if source is None or not source.is_fit or source.single:
            assert not panel.IsEnabled(), "maps without a map"
            return
        assert panel.IsEnabled()
        known = overlays.map_of(SESSION.fit, self.viewer.overlays, self.viewer.displayCtx)
        name = panel.metabolite.GetStringSelection()
        assert bool(known) == bool(name), "the panel names a map that is not there, or not one that is"
        if not known:
            return
        values = source.map(name, panel.kind.GetStringSelection(), panel.over.GetStringSelection())
        if values is None:
            return
        expected = np.where(source.fitted() & self.mask(source), values, np.nan)
        assert np.array_equal(np.asarray(known[0][:]), expected, equal_nan=True), f"map of {name}"

    def mask(self, source):
        """Return the voxels that pass the limits of the drawn fit."""
        from fsleyes_plugin.session import SESSION

        limits = SESSION.fit.limits
        if limits is None:
            return source.fitted()
        return source.mask(
            limits.metabolite, limits.most_percent, limits.least_snr, limits.most_fwhm_hz, limits.unflagged
        )

    def check_limits(self):
        from fsleyes_plugin.session import SESSION

        panel, source = self.control("MRSFitQuality"), self.source()
        if panel is None:
            return
        if source is None or not source.is_fit or source.single:
            assert not panel.IsEnabled()
            return
        assert SESSION.fit.name in panel.of_fit.GetLabel()
        expected = f"{int(self.mask(source).sum())} of {int(source.fitted().sum())}"
        assert panel.count.GetLabel() == expected, (panel.count.GetLabel(), expected)
        if SESSION.fit.limits is not None:
            assert panel.metabolite.GetStringSelection() == SESSION.fit.limits.metabolite
            at = panel.sliders["crlb"].GetValue()
            most = SESSION.fit.limits.most_percent
            assert at == (200 if most is None else round(2 * most)), (at, most)

    def check_comparison(self):
        from fsleyes_plugin.session import SESSION

        view = self.comparison()
        if view is None or SESSION.chosen is None or SESSION.other is None:
            return
        one, two = (self.source_of(Path(fit.key)) for fit in (SESSION.chosen, SESSION.other))
        if view.comparison is None or one.grid != two.grid:
            assert view.comparison is None
            return
        name, kind = view.quantity.GetStringSelection().split(" ", 1)
        values = [source.map(name, kind, "") for source in (one, two)]
        if values[0] is None:
            return
        both = one.fitted() & two.fitted() & np.isfinite(values[0]) & np.isfinite(values[1])
        for fit, source in ((SESSION.chosen, one), (SESSION.other, two)):
            if fit.limits is not None:
                low = fit.limits
                both &= source.mask(
                    low.metabolite, low.most_percent, low.least_snr, low.most_fwhm_hz, low.unflagged
                )
        points = view.figure.axes[0].collections[0].get_offsets()
        expected = np.stack([values[0][both], values[1][both]], axis=1)
        assert points.shape == expected.shape, ("points of the comparison", points.shape, expected.shape)
        assert np.allclose(points, expected), "points of the comparison"
        assert view.figure.axes[0].get_xlabel() == SESSION.chosen.name
        assert view.figure.axes[0].get_ylabel() == SESSION.other.name
