"""Measures the viewer on a large MRSI: ``tests/gui/measure FOLDER_OF_SETUP OUTPUT.md``."""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))

import nibabel as nib
import numpy as np
import viewer_results
from conftest import Viewer

from fsl_mrs_dl.io.nifti_file import opened
from tests.benchmarks.table import Table, circumstances

GRID = (64, 64, 32)
MOVES = 60
SEED = 1
LONGEST_SECONDS = 300.0
"""Longest time for decompressing."""
METHOD = """\
A simulated MRSI of 16 x 16 voxels is quantified and repeated to 64 x 64 x 32 voxels of 512 points, so that each of
the three files of FIDs has 0.5 GB. `quantify` writes such files uncompressed (`.nii`), for time is the last axis
of NIfTI: the FID of one voxel is spread over the whole file, and a compressed one must be decompressed from end to
end before its first spectrum. Other programs compress such files (`.nii.gz`): the viewer decompresses them in
a thread, to a temporary folder, and says how far it is. *Tools, Load MRS fit...* opens the folder with the layout
`mrsdl`: map, Fit view with band, table. The cursor goes to random voxels inside of the mask.

- *opening*: until the first spectrum is painted; *longest freeze*: the longest time in which the window did not
  react, from the opening to the last voxel.
- *cursor to plot*: from the new place of the cursor until the figure of that voxel is painted; and until the table
  has its values too.
- *wrong*: voxels whose lines or table differ from the files (lines by more than single precision).
- *memory*: growth of the process's own memory (`RssAnon`) from FSLeyes with the layout to after the last voxel.
  What is mapped from files, which the system takes back as it likes, is not in it. *temporary files*: what was
  decompressed, on the disk."""


def repeat(folder: Path, to: Path, ending: str) -> None:
    """Write the results of a small MRSI, repeated; the curves with an ending."""
    for path in sorted(folder.rglob("*")):
        at = to / path.relative_to(folder)
        if path.is_dir():
            at.mkdir(parents=True, exist_ok=True)
        elif not path.name.endswith(".nii.gz"):
            at.parent.mkdir(parents=True, exist_ok=True)
            at.write_bytes(path.read_bytes())
        else:
            image = nib.load(path)
            values = np.asanyarray(image.dataobj)
            times = [wanted // has for wanted, has in zip(GRID, values.shape, strict=False)]
            many = np.tile(values, times + [1] * (values.ndim - 3))
            name = at.with_suffix("").with_suffix(ending) if path.parent.name == "fit" else at
            nib.save(type(image)(many, image.affine, image.header), name)


def own_megabytes() -> float:
    """Return the memory of this process that no file stands behind, in MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024


def freezes(viewer: Viewer) -> list[float]:
    """Collect from now on how long each handling of events takes, in s."""
    import wx

    times: list[float] = []
    yielded = wx.YieldIfNeeded

    def timed() -> bool:
        start = time.perf_counter()
        done = yielded()
        times.append(time.perf_counter() - start)
        return bool(done)

    wx.YieldIfNeeded = timed
    return times


def measure(viewer: Viewer, folder: Path, ending: str) -> list[str]:
    """Return the row of the table."""
    from fsleyes_plugin.panels.table_panel import MRSFitTable

    residual = np.asarray(opened(folder / "fit" / f"residual{ending}").nmrs[:])
    _, view = viewer.layout()
    viewer.pump(2)
    before = own_megabytes()
    frozen = freezes(viewer)
    start = time.perf_counter()
    fit = viewer.load(folder)
    frozen.append(time.perf_counter() - start)
    table = viewer.panel(view, MRSFitTable)
    table.scaling.SetStringSelection("raw")
    viewer.wait(lambda: view.traces and view.traces[-1].lines, "the first spectrum", LONGEST_SECONDS)
    opening = time.perf_counter() - start
    viewer.pump(2)
    painted: list[tuple[int, int, int]] = []
    paint = view.painter.paint

    def watched() -> None:
        paint()
        if view.traces[-1].lines is not None:
            painted.append(view.traces[-1].lines.voxel)

    view.painter.paint = watched
    rng = np.random.default_rng(SEED)
    places = rng.choice(np.argwhere(fit.maps.fitted()), MOVES, replace=False)
    naa = np.asarray(fit.maps.file("raw", "NAA").values)
    plots, tables, wrong = [], [], 0
    for place in places:
        voxel = tuple(int(i) for i in place)
        painted.clear()
        start = time.perf_counter()
        viewer.move(fit.centre(voxel))
        while voxel not in painted:
            viewer.pump(0)
        plots.append(time.perf_counter() - start)
        viewer.wait(lambda: table.table is not None and table.at == voxel, voxel)  # noqa: B023
        tables.append(time.perf_counter() - start)
        lines = view.traces[-1].lines
        inside = np.isfinite(lines.residual)
        # A turn by one phase and delay leaves the energy of the whole band; inside of the window it bounds it.
        energy = (np.abs(np.asarray(residual[voxel])) ** 2).sum()
        bad_lines = (lines.residual[inside] ** 2).sum() > energy * (1 + 1e-5) or lines.voxel != voxel
        wrong += bool(bad_lines or table.table.value("NAA", "value") != float(naa[voxel]))
    grown = own_megabytes() - before
    milliseconds = [
        1e3 * float(v) for v in (*np.percentile(plots, [50, 95]), *np.percentile(tables, [50, 95]))
    ]
    unpacked = sum(path.stat().st_size for file in fit.files for path in file.temporary())
    return [
        ending,
        str(MOVES),
        f"{opening:.1f}",
        f"{max(frozen):.2f}",
        *(f"{v:.0f}" for v in milliseconds),
        str(wrong),
        f"{grown:.0f}",
        f"{unpacked / 1e9:.1f}",
    ]


def page(rows: list[list[str]], command: str) -> str:
    """Return the page in Markdown."""
    columns = [
        "files",
        "voxels",
        "opening (s)",
        "longest freeze (s)",
        "cursor to plot, median (ms)",
        "95 % (ms)",
    ]
    columns += [
        "to plot and table, median (ms)",
        "95 % (ms)",
        "wrong",
        "memory grown (MB)",
        "temporary files (GB)",
    ]
    caption = (
        "Targets: a median below 100 ms from cursor to plot, no freeze above 1 s, less than 200 MB grown."
    )
    parts = ["# The viewer on a large MRSI", METHOD, f"Made by `{command}`.", circumstances(SEED)]
    return "\n\n".join([*parts, Table(caption, columns, rows).markdown()]) + "\n"


def row_of(ending: str) -> list[str]:
    """Measure in this process; return the row of the table."""
    home = viewer_results.folder() / "home"  # FSLeyes writes its settings when it ends
    home.mkdir()
    os.environ["HOME"] = str(home)
    with tempfile.TemporaryDirectory() as made:
        repeat(viewer_results.mrsi(), Path(made) / "large", ending)
        import fsleyes
        from fsleyes import plugins

        plugins.showThirdPartyPlugin("fsleyes_plugin")
        viewer = Viewer(*fsleyes.embed())
        viewer.frame.SetSize(1500, 950)
        viewer.frame.Show()
        viewer.wait(viewer.frame.IsShownOnScreen, "the window")
        row = measure(viewer, Path(made) / "large", ending)
        viewer.frame.Close(askUnsaved=False, askLayout=False)
        viewer.pump(0.1)
    return row


def main(output: Path) -> None:
    """Measure each kind of file in a process of its own, and write the page."""
    rows = []
    for ending in (".nii", ".nii.gz"):
        child = subprocess.run(
            [sys.executable, __file__, ending], check=True, stdout=subprocess.PIPE, text=True
        )
        rows.append(json.loads(child.stdout.splitlines()[-1]))
    output.write_text(page(rows, "tests/gui/measure FOLDER_OF_SETUP OUTPUT.md"), encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1].startswith("."):
        print(json.dumps(row_of(sys.argv[1])))  # noqa: T201 - for the process above
    else:
        main(Path(sys.argv[1]))
