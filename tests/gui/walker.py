"""A user who clicks at random, while a judge compares the screen with the files."""

import shutil
import sys
import traceback

import numpy as np
import viewer_results

from tests.gui import oracle
from tests.gui.judge import Judge


def material(folder):
    """Make results and scans: two fits of one MRSI, two single spectra of one name, and scans of one name."""
    many = viewer_results.mrsi()
    svs = viewer_results.svs()
    fits, scans = [many, viewer_results.mrsi_stiff()], [many.parent / "head.nii.gz"]
    for subject in ("sub-01", "sub-02"):
        shutil.copytree(svs, folder / subject / "fit")
        fits.append(folder / subject / "fit")
    for subject, scan in (("sub-01", svs.parent / "one.nii.gz"), ("sub-02", viewer_results.edited())):
        shutil.copy(scan, folder / subject / "metab.nii.gz")
        scans.append(folder / subject / "metab.nii.gz")
    return fits, scans


class Walker(Judge):
    """Acts at random, and checks after each action.

    Parameters
    ----------
    viewer : Viewer
        With the layout open.
    view : MRSFitView
    paths : (list of Path, list of Path)
        Folders of fits, and scans.
    folder : Path
        For results of steps that it runs.
    rng : numpy.random.Generator
    """

    def __init__(self, viewer, view, paths, folder, rng):
        super().__init__(viewer, view, rng)
        self.folder = folder
        self.fits, self.scans = paths
        self.log = []

    def hear(self, kind, error, trace):
        """Collect an exception; sys.excepthook calls this."""
        self.exceptions.append("".join(traceback.format_exception(kind, error, trace)))

    def walk(self, n, *, runs=True):
        """Do n actions, and check after each."""
        actions = {
            self.open: 3, self.add: 2, self.choose: 3, self.select: 3, self.move: 6, self.map: 4,
            self.highlight: 2, self.limit: 4, self.second: 2, self.display: 2, self.pin: 2, self.slide: 1,
            self.scale: 2, self.sort: 1, self.compare: 2, self.difference: 1, self.remove: 1, self.close: 2,
            self.panel: 2, self.run: 0.2 * runs,
        }  # fmt: skip
        weights = np.array(list(actions.values()), dtype=float)
        self.open()
        for _ in range(n):
            action = list(actions)[self.rng.choice(len(actions), p=weights / weights.sum())]
            try:
                action()
                self.check()
            except Exception as error:
                raise AssertionError("\n".join([*self.log[-12:], repr(error)])) from error

    def pick_of(self, items):
        return items[int(self.rng.integers(len(items)))] if len(items) else None

    def note(self, text):
        self.log.append(f"{len(self.log)}: {text}")

    def open(self):
        path = self.pick_of(self.fits)
        self.note(f"open {path}")
        self.viewer.load(path)

    def add(self):
        path = self.pick_of([*self.scans, *(p / "fit" / "fit.nii.gz" for p in self.fits[:2])])
        self.note(f"add {path}")
        self.viewer.add(path)

    def choose(self):
        choice = self.view.bar.fit
        if choice.IsEnabled() and choice.GetCount():
            text = self.pick_of(choice.GetStrings())
            self.note(f"choose {text}")
            self.viewer.pick(choice, text)

    def select(self):
        if len(self.viewer.overlays):
            image = self.pick_of(list(self.viewer.overlays))
            self.note(f"select {image.name}")
            self.viewer.displayCtx.selectOverlay(image)

    def move(self):
        source = self.source()
        if source is None:
            return
        inside = source.fitted() if self.rng.random() < 0.8 else ~source.fitted()
        voxel = self.pick_of(np.argwhere(inside))
        if voxel is None:
            return
        place = (source.affine @ np.append(voxel, 1.0))[:3]
        if self.rng.random() < 0.1:
            place = place + 500.0
        self.note(f"move to {voxel} of {source.path.name}")
        self.viewer.move(place)

    def map(self):
        panel = self.control("MRSFitMaps")
        if panel is None or not panel.IsEnabled():
            return
        choice = self.pick_of([panel.metabolite, panel.kind, panel.over])
        texts = choice.GetStrings()
        if choice is panel.kind:
            texts = [text for text in texts if text in oracle.MAPS]
        if choice is panel.metabolite:
            texts = [
                text for text in texts if text in oracle.SINGLE or ("_" not in text and text != "surprise")
            ]
            texts = [text for text in texts if text != "widening"]
        if texts:
            text = self.pick_of(texts)
            self.note(f"map of {text}")
            self.viewer.pick(choice, text)

    def highlight(self):
        import wx

        table = self.control("MRSFitTable")
        if table is None or not table.list.GetItemCount():
            return
        if self.rng.random() < 0.3:
            self.note("no highlight")
            table.tools.clear()
            return
        row = int(self.rng.integers(table.list.GetItemCount()))
        self.note(f"highlight {table.list.GetItemText(row)}")
        table.list.SetItemState(row, wx.LIST_STATE_SELECTED, wx.LIST_STATE_SELECTED)

    def limit(self):
        panel = self.control("MRSFitQuality")
        if panel is None or not panel.IsEnabled():
            return
        what = self.rng.integers(5)
        if what == 0:
            name = self.pick_of(panel.metabolite.GetStrings())
            self.note(f"limits for {name}")
            self.viewer.pick(panel.metabolite, name)
            return
        if what == 1 and panel.unflagged.IsEnabled():
            panel.unflagged.SetValue(not panel.unflagged.GetValue())
            self.note("hide unusable voxels, or not")
        else:
            kind = self.pick_of([kind for kind in panel.sliders if panel.sliders[kind].IsEnabled()])
            top = panel.sliders[kind].GetMax()
            # High enough for some voxels to pass.
            at = (
                int(self.rng.integers(top // 4, top + 1))
                if kind != "snr"
                else int(self.rng.integers(top // 8))
            )
            self.note(f"limit {kind} {at}")
            panel.sliders[kind].SetValue(at)
        panel._moved(None)

    def second(self):
        box = self.view.bar.compare
        if box.IsEnabled():
            box.SetValue(not box.GetValue())
            self.note(f"second fit {box.GetValue()}")
            self.view.bar._changed(None)

    def display(self):
        bar = self.view.bar
        box = self.pick_of([bar.band, bar.stack, bar.phased])
        box.SetValue(not box.GetValue())
        bar.phase.SetValue(float(self.pick_of([-30.0, 0.0, 45.0])))
        self.note(f"display {bar.band.GetValue()} {bar.stack.GetValue()} {bar.phased.GetValue()}")
        bar._changed(None)

    def pin(self):
        self.note("pin or unpin")
        (self.view.pin if self.rng.random() < 0.6 else self.view.unpin)()

    def slide(self):
        sliders = self.view.bar.sliders
        if sliders:
            slider = self.pick_of(sliders)
            slider.SetValue(int(self.rng.integers(slider.GetMax() + 1)))
            self.note("slide")
            self.view.bar._slid(None)

    def scale(self):
        table = self.control("MRSFitTable")
        if table is not None and table.scaling.GetCount():
            text = self.pick_of(table.scaling.GetStrings())
            self.note(f"scaling {text}")
            self.viewer.pick(table.scaling, text)

    def sort(self):
        table = self.control("MRSFitTable")
        if table is not None and table.list.GetColumnCount():
            n = int(self.rng.integers(table.list.GetColumnCount()))
            self.note(f"sort by column {n}")
            table.sort(n)

    def compare(self):
        from fsleyes_plugin.panels.compare_view import MRSCompareView

        view = self.comparison()
        if view is None:
            self.note("open the comparison")
            self.viewer.view(MRSCompareView)
        elif self.rng.random() < 0.3:
            self.note("close the comparison")
            self.viewer.frame.removeViewPanel(view)
        elif view.quantity.GetCount():
            texts = [t for t in view.quantity.GetStrings() if t.split(" ", 1)[1] in oracle.MAPS]
            text = self.pick_of(texts)
            self.note(f"compare {text}")
            self.viewer.pick(view.quantity, text)

    def difference(self):
        if self.comparison() is not None:
            self.note("difference map")
            self.comparison().show_difference()

    def remove(self):
        if len(self.viewer.overlays) > 1:
            image = self.pick_of(list(self.viewer.overlays))
            self.note(f"remove {image.name}")
            self.viewer.overlays.remove(image)

    def close(self):
        from fsleyes_plugin.session import SESSION

        if len(SESSION.fits) + len(SESSION.scans) > 1:
            self.note("close what is drawn")
            self.view.close_shown()

    def panel(self):
        from fsleyes_plugin.panels.map_panel import MRSFitMaps
        from fsleyes_plugin.panels.quality_panel import MRSFitQuality
        from fsleyes_plugin.panels.table_panel import MRSFitTable

        kind = self.pick_of([MRSFitMaps, MRSFitQuality, MRSFitTable])
        self.note(f"open or close {kind.__name__}")
        self.view.togglePanel(kind)

    def run(self):
        from fsleyes_plugin.panels.run_panel import MRSRunStep

        panel = self.viewer.panel(self.view, MRSRunStep)
        scan = self.scans[-1]
        output = self.folder / f"average {len(self.log)}"
        self.note(f"run average into {output}")
        panel.interpreter.SetValue(sys.executable)
        panel.show("average")
        panel.form.fill({"--file": str(scan), "--dim": "DIM_DYN", "--output": str(output)})
        panel.start()
        self.viewer.wait(lambda: panel.status is not None, "the step", 120.0)
        assert panel.status == 0, panel.log.GetValue()
        self.view.togglePanel(MRSRunStep)
