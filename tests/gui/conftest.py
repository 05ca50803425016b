"""FSLeyes in this process, once; each test gets it empty."""

import os
import time

import numpy as np
import pytest

MOST_SECONDS = 20.0


class Viewer:
    """FSLeyes and what a test does with it."""

    def __init__(self, overlays, displayCtx, frame):
        self.overlays, self.displayCtx, self.frame = overlays, displayCtx, frame

    def pump(self, seconds=0.05):
        """Let FSLeyes do what it has to do."""
        import wx

        end = time.monotonic() + seconds
        while time.monotonic() < end:
            wx.YieldIfNeeded()
            time.sleep(0.002)

    def wait(self, condition, what=""):
        """Let FSLeyes work until a condition holds, and return what it gave."""
        end = time.monotonic() + MOST_SECONDS
        while time.monotonic() < end:
            found = condition()
            if found:
                return found
            self.pump(0.01)
        raise AssertionError(f"waited {MOST_SECONDS:g} s in vain for {what or condition}")

    def view(self, kind):
        """Open a view and wait until it is there."""
        self.frame.addViewPanel(kind)
        return self.wait(lambda: (self.frame.getView(kind) or [None])[-1], kind.__name__)

    def move(self, world_mm):
        """Put the cursor somewhere in the scanner."""
        panel = self.frame.viewPanels[-1]
        panel.displayCtx.worldLocation.xyz = list(np.asarray(world_mm, dtype=float))

    def panel(self, view, kind):
        """Open a control of a view."""
        if not view.isPanelOpen(kind):
            view.togglePanel(kind)
        return self.wait(lambda: view.getPanel(kind), kind.__name__)

    def picture(self, path, panel=None):
        """Save a screenshot of the window."""
        from PIL import ImageGrab

        self.pump(1.5)  # OpenGL in software takes its time
        rectangle = (panel or self.frame).GetScreenRect()
        box = (rectangle.x, rectangle.y, rectangle.x + rectangle.width, rectangle.y + rectangle.height)
        ImageGrab.grab(xdisplay=os.environ["DISPLAY"]).crop(box).save(path)


@pytest.fixture(scope="session")
def fsleyes_process(tmp_path_factory):
    """FSLeyes, started once: a second start in one process leaves wx without an application."""
    if not os.environ.get("DISPLAY"):
        pytest.skip("no display; run tests/gui/run, which brings one")
    os.environ["HOME"] = str(tmp_path_factory.mktemp("home"))
    import fsl.utils.idle as idle
    import fsleyes
    from fsleyes import plugins

    plugins.showThirdPartyPlugin("fsleyes_plugin")
    overlays, displayCtx, frame = fsleyes.embed()
    idle.idleLoop.allowErrors = True
    viewer = Viewer(overlays, displayCtx, frame)
    frame.SetSize(1500, 950)
    frame.Show()
    viewer.wait(frame.IsShownOnScreen, "the window")
    yield viewer
    frame.Close(askUnsaved=False, askLayout=False)
    viewer.pump(0.1)
    fsleyes.shutdown()


@pytest.fixture
def viewer(fsleyes_process, monkeypatch):
    """FSLeyes without views, overlays and fits; a window that asks or complains fails the test."""
    import fsleyes_widgets.utils.status as status

    from fsleyes_plugin.session import SESSION

    told = []
    monkeypatch.setattr(status, "reportError", lambda title, message, error: told.append((title, str(error))))
    fsleyes_process.told = told
    yield fsleyes_process
    SESSION.close()
    fsleyes_process.frame.removeAllViewPanels()
    fsleyes_process.overlays.clear()
    fsleyes_process.pump(0.1)
    assert SESSION.listeners == {}
