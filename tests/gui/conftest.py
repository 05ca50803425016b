"""FSLeyes in this process, once; each test gets it empty."""

import functools
import importlib.metadata
import logging
import os
import sys
import time
import traceback
from pathlib import Path

import numpy as np
import pytest

from tests.gui.display import SIZE, own_display

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))  # viewer_results makes the files for both

MOST_SECONDS = 60.0
"""Longest time until the window shows what it should: 0.3 s on a quiet machine."""
USUAL = (1280, 800)
"""Width and height of the window for most tests in pixels: a small one is painted sooner."""
PICTURES = "FSL_MRS_DL_PICTURES"
"""Where screenshots are kept; a temporary folder if not set."""


PICTURE_TRIES = 12
"""Looks at the window until nothing changes: OpenGL in software takes its time to be done."""
NOISE = ("ignore::numpy.exceptions.ComplexWarning", "ignore::ResourceWarning")
"""What FSLeyes and its other plugins do themselves."""


def pytest_collection_modifyitems(items):
    for item in items:
        if item.get_closest_marker("gui"):
            for line in NOISE:
                item.add_marker(pytest.mark.filterwarnings(line))


OF_FSLEYES = ("__dataRangeChanged", "__imageDataChanged")
"""Tasks of FSLeyes 1.20.2 that fail by themselves: when an overlay is removed just after its values changed."""


class Ear(logging.Handler):
    """Collects the exceptions of the idle loop of FSLeyes, which it writes into its log."""

    def __init__(self):
        super().__init__()
        self.heard = []

    def emit(self, record):
        """Collect one."""
        if record.exc_info and not any(part in record.getMessage() for part in OF_FSLEYES):
            self.heard.append("".join(traceback.format_exception(*record.exc_info)))


class Viewer:
    """FSLeyes and what a test does with it."""

    def __init__(self, overlays, displayCtx, frame):
        self.overlays, self.displayCtx, self.frame = overlays, displayCtx, frame
        self.told = []
        self.pictures = None

    def pump(self, seconds=0.05):
        """Let FSLeyes do what it has to do."""
        import wx

        end = time.monotonic() + seconds
        while True:
            wx.YieldIfNeeded()
            if time.monotonic() >= end:
                return
            time.sleep(0.002)

    def wait(self, condition, what="", seconds=MOST_SECONDS):
        """Let FSLeyes work until a condition holds, and return what it gave."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = condition()
            if found:
                return found
            self.pump(0.01)
        state = what() if callable(what) else what or condition
        raise AssertionError(f"waited {seconds:g} s in vain for {state}; told: {self.told}")

    def view(self, kind):
        """Open a view and wait until it is there."""
        self.frame.addViewPanel(kind)
        return self.wait(lambda: (self.frame.getView(kind) or [None])[-1], kind.__name__)

    def layout(self):
        """Open the layout mrsdl; return its two views."""
        from fsleyes import layouts
        from fsleyes.views.orthopanel import OrthoPanel

        from fsleyes_plugin.panels.fit_view import MRSFitView

        layouts.loadLayout(self.frame, "mrsdl")
        views = self.wait(lambda: self.frame.getView(OrthoPanel) + self.frame.getView(MRSFitView))
        assert len(views) == 2
        return views

    def load(self, path):
        """Open a folder of results as the menu does."""
        from fsleyes_plugin.tools import LoadMRSFitAction

        return LoadMRSFitAction(self.overlays, self.displayCtx, self.frame).open(path)

    def add(self, *paths):
        """Load files as the command line does, or a drag."""
        from fsleyes.actions.loadoverlay import loadOverlays

        loaded = []
        loadOverlays([str(path) for path in paths], onLoad=lambda _n, images: loaded.extend(images))
        self.wait(lambda: len(loaded) == len(paths), paths, 3 * MOST_SECONDS)
        self.overlays.extend(loaded)
        return loaded

    def move(self, world_mm):
        """Put the cursor somewhere in the scanner."""
        view = self.frame.viewPanels[-1]
        view.displayCtx.worldLocation.xyz = list(np.asarray(world_mm, dtype=float))

    def panel(self, view, kind):
        """Return a control of a view, opened if need be."""
        if not view.isPanelOpen(kind):
            view.togglePanel(kind)
        return self.wait(lambda: view.getPanel(kind), kind.__name__)

    def pick(self, choice, text):
        """Choose an entry of a list, as a user does."""
        import wx

        self.wait(lambda: choice.IsEnabled() and text in choice.GetStrings(), text)
        choice.SetStringSelection(text)
        event = wx.CommandEvent(wx.EVT_CHOICE.typeId, choice.GetId())
        event.SetEventObject(choice)
        event.SetInt(choice.GetSelection())
        choice.GetEventHandler().ProcessEvent(event)
        self.pump()

    def resize(self, size):
        """Give the window another size, and wait until it has it."""
        self.frame.SetSize(size)
        self.wait(lambda: tuple(self.frame.GetSize()) == tuple(size), size)
        self.pump(0.1)

    def both_pictures(self, name):
        """Save screenshots of the window in the largest and in the usual size."""
        self.resize(SIZE)
        self.picture(name)
        self.resize(USUAL)
        self.picture(f"{name}-small")

    def picture(self, name):
        """Save a screenshot of the window."""
        import fsl.utils.idle as idle
        from PIL import ImageGrab

        if os.environ.get(PICTURES):  # what is planned would change it; a closed control may plan for ever
            self.wait(lambda: idle.idleLoop.queue.empty(), "nothing to do")
        self.frame.Refresh()
        whole = None
        for _ in range(PICTURE_TRIES if os.environ.get(PICTURES) else 1):
            self.pump(1.5 if os.environ.get(PICTURES) else 0.1)
            before, whole = whole, ImageGrab.grab(xdisplay=os.environ["DISPLAY"])
            if before is not None and before.tobytes() == whole.tobytes():
                break
        box = self.frame.GetScreenRect()
        part = whole.crop((box.x, box.y, box.x + box.width, box.y + box.height)).convert("RGB")
        path = self.pictures / f"{name}.png"
        part.quantize(256, dither=0).save(path, optimize=True)
        assert len(part.getcolors(2**24)) > 50, "the window is empty"
        return path


@pytest.fixture(scope="session")
def display():
    """The display of the user, or else one of this process."""
    if os.environ.get("DISPLAY"):
        yield
        return
    with own_display() as made:
        if not made:
            pytest.skip("no display and no program Xvfb; tests/gui/setup installs it")
        yield


@pytest.fixture(scope="session")
def fsleyes_process(display, tmp_path_factory):
    """FSLeyes, started once: a second start in one process leaves wx without an application."""
    os.environ["HOME"] = str(tmp_path_factory.mktemp("home"))
    import fsleyes
    from fsleyes import plugins

    # FSLeyes lists the plugins of the environment for each view that it opens: 0.1 s.
    importlib.metadata.entry_points = functools.cache(importlib.metadata.entry_points)
    plugins.showThirdPartyPlugin("fsleyes_plugin")
    viewer = Viewer(*fsleyes.embed())
    viewer.pictures = Path(os.environ.get(PICTURES) or tmp_path_factory.mktemp("pictures"))
    viewer.frame.SetPosition((0, 0))
    viewer.frame.SetSize(SIZE)  # a window shrinks and grows again, but not beyond its first size
    viewer.frame.Show()
    viewer.wait(viewer.frame.IsShownOnScreen, "the window")
    viewer.resize(USUAL)
    yield viewer
    viewer.frame.Close(askUnsaved=False, askLayout=False)
    viewer.pump(0.1)
    fsleyes.shutdown()


@pytest.fixture
def viewer(fsleyes_process, monkeypatch):
    """FSLeyes without views, overlays and fits; it collects what it would tell the user in ``told``.

    After the test no error may have been raised in the idle loop, or where an event is handled.
    """
    import fsleyes_widgets.utils.status as status

    from fsleyes_plugin.model.curves import Display
    from fsleyes_plugin.model.look import Look
    from fsleyes_plugin.session import SESSION

    told = fsleyes_process.told = []
    errors = []
    monkeypatch.setattr(sys, "excepthook", lambda *what: errors.append(traceback.format_exception(*what)))
    fsleyes_process.ear = ear = Ear()
    logging.getLogger("fsl.utils.idle").addHandler(ear)
    monkeypatch.setattr(status, "reportError", lambda title, message, error: told.append((title, str(error))))
    yield fsleyes_process
    fsleyes_process.frame.removeAllViewPanels()  # first, so that no view draws what is closed
    fsleyes_process.overlays.clear()
    SESSION.close()
    SESSION.display, SESSION.look, SESSION.held = Display(), Look(), ()
    fsleyes_process.pump(0.1)
    logging.getLogger("fsl.utils.idle").removeHandler(ear)
    assert not ear.heard, ear.heard[0]
    # FSLeyes plans work for a control that a test closes at once.
    errors = [text for text in map("".join, errors) if "has been deleted" not in text]
    assert not errors, errors[0]  # of an event of wxPython
    assert SESSION.listeners == {}
