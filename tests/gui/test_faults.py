"""Faults of files while the viewer is open: one plain sentence each, and panels that agree with it."""

import shutil
import subprocess
import sys

import numpy as np
import pytest
import viewer_results

pytestmark = pytest.mark.gui
_LIGHT = """\
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("plotly", "safetensors", "torch"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
from importlib.metadata import entry_points
import fsleyes
for group in ("fsleyes_views", "fsleyes_controls", "fsleyes_tools", "fsleyes_layouts"):
    for entry in entry_points(group=group):
        if entry.value.startswith("fsleyes_plugin."):
            entry.load()
import fsleyes_plugin.panels.run_panel as panel
from fsl_mrs_dl.errors import MRSDLError
from fsl_mrs_dl.extras import require
for package in ("plotly", "safetensors"):
    try:
        require(package, "The report")
    except MRSDLError as error:
        print(error)
"""


@pytest.fixture
def copy(tmp_path):
    """A copy of the MRSI fit that a test may harm."""
    return shutil.copytree(viewer_results.mrsi(), tmp_path / "copy")


def opened(viewer, folder):
    """Open a folder in the layout; return the Fit view, the table and the fit."""
    from fsleyes_plugin.panels.table_panel import MRSFitTable

    _, view = viewer.layout()
    fit = viewer.load(folder)
    table = viewer.panel(view, MRSFitTable)
    viewer.wait(lambda: view.traces)
    return view, table, fit


def test_a_folder_that_moves_is_told_and_nothing_of_it_is_shown(viewer, copy):
    view, table, fit = opened(viewer, copy)
    viewer.wait(lambda: table.list.GetItemCount())
    copy.rename(copy.with_name("elsewhere"))
    viewer.move(fit.centre(viewer_results.a_voxel(fit)))
    viewer.wait(lambda: "is no longer there" in view.traces[-1].message)
    viewer.wait(lambda: table.list.GetItemCount() == 0 and "is no longer there" in table.remarks.GetLabel())
    assert len(viewer.told) <= 1
    copy.with_name("elsewhere").rename(copy)
    voxel = viewer_results.a_voxel(fit)
    viewer.move(fit.centre(voxel))
    view.later()
    table.later()
    viewer.wait(lambda: view.traces[-1].lines and table.list.GetItemCount())


def test_a_folder_that_another_run_writes_is_read_again(viewer, copy):
    from fsleyes_plugin.panels.quality_panel import MRSFitQuality

    view, table, fit = opened(viewer, copy)
    quality = viewer.panel(view, MRSFitQuality)
    quality.sliders["crlb"].SetValue(80)
    quality._moved(None)
    voxel = viewer_results.a_voxel(fit)
    viewer.move(fit.centre(voxel))
    viewer.wait(lambda: table.at == voxel)
    shutil.rmtree(copy)
    shutil.copytree(viewer_results.mrsi_stiff(), copy)
    view.later()
    from fsleyes_plugin.session import SESSION

    viewer.wait(lambda: SESSION.fit is not fit)
    viewer.wait(lambda: "posterior [95 %]" not in [table.list.GetColumn(n).GetText() for n in range(2)])
    assert SESSION.fit.limits.most_percent == 40.0
    assert [one.key for one in SESSION.fits] == [str(copy)]


def test_truncated_parameters_are_told_once(viewer, copy):
    path = copy / "fit" / "parameters.nii.gz"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    view, _, fit = opened(viewer, copy)
    viewer.wait(lambda: "parameters.nii.gz is damaged" in view.traces[-1].message)
    for n in (3, 9, 27):
        viewer.move(fit.centre((n % 16, 8, 0)))
        viewer.pump(0.2)
    assert len(viewer.told) <= 1
    assert all("is damaged" in text for _, text in viewer.told)


def test_a_mask_without_the_ending_of_an_image_is_refused(viewer, tmp_path):
    from fsleyes_plugin.panels.quality_panel import MRSFitQuality

    view, _, _ = opened(viewer, viewer_results.mrsi())
    viewer.panel(view, MRSFitQuality).save(tmp_path / "mask.txt")
    assert [("mask.txt does not end in .nii.gz or .nii" in text) for _, text in viewer.told] == [True]
    assert not (tmp_path / "mask.txt").exists()


def test_an_error_that_no_one_foresaw_is_shown_once(viewer, monkeypatch):
    from fsleyes_plugin.model.curves import Curves

    view, _, fit = opened(viewer, viewer_results.mrsi())

    def broken(*_args, **_how):
        raise RuntimeError("a programming error")

    monkeypatch.setattr(Curves, "lines", broken)
    for n in np.argwhere(fit.maps.fitted())[:3]:
        viewer.move(fit.centre(tuple(int(i) for i in n)))
        viewer.wait(lambda: viewer.told)
        viewer.pump(0.3)
    assert viewer.told == [(view.TITLE, "a programming error")]


def test_the_plugin_needs_neither_plotly_nor_safetensors():
    """Of a light install; what needs them says how to install them."""
    command = [sys.executable, "-c", _LIGHT]
    child = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert child.returncode == 0, child.stderr[-2000:]
    assert child.stdout.count("pip install") == 2, child.stdout
