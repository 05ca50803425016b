"""Measures the viewer on a large MRSI: ``tests/gui/measure FOLDER_OF_SETUP OUTPUT.md``."""

import os
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
METHOD = """\
A simulated MRSI of 16 x 16 voxels is quantified and repeated to 64 x 64 x 32 voxels of 512 points, all files
uncompressed (`.nii`): each of the three files of FIDs has 0.5 GB. FSLeyes opens it with the layout `mrsdl`: map,
Fit view with band, table. The cursor goes to random voxels inside of the mask.

- *cursor to plot*: from the new place of the cursor until the figure of that voxel is painted; and until the table
  has its values too.
- *wrong*: voxels whose lines or table differ from the files (lines by more than single precision).
- *memory*: growth of the process's own memory (`RssAnon`) from FSLeyes with the layout to after the last voxel.
  What is mapped from files, which the system takes back as it likes, is not in it."""


def repeat(folder: Path, to: Path) -> None:
    """Write the results of a small MRSI, repeated, uncompressed."""
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
            nib.save(type(image)(many, image.affine, image.header), at.with_suffix(""))


def own_megabytes() -> float:
    """Return the memory of this process that no file stands behind, in MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024


def measure(viewer: Viewer, folder: Path) -> list[str]:
    """Return the row of the table."""
    from fsleyes_plugin.panels.table_panel import MRSFitTable

    _, view = viewer.layout()
    viewer.pump(2)
    before = own_megabytes()
    start = time.perf_counter()
    fit = viewer.load(folder)
    table = viewer.panel(view, MRSFitTable)
    table.scaling.SetStringSelection("raw")
    viewer.wait(lambda: view.traces)
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
    residual = opened(folder / "fit" / "residual.nii")
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
    return [
        " x ".join(map(str, (*GRID, fit.curves.one.n_points))),
        str(MOVES),
        *(f"{v:.0f}" for v in milliseconds),
        str(wrong),
        f"{opening:.1f}",
        f"{grown:.0f}",
    ]


def page(row: list[str], command: str) -> str:
    """Return the page in Markdown."""
    columns = ["grid and points", "voxels", "cursor to plot, median (ms)", "95 % (ms)"]
    columns += ["to plot and table, median (ms)", "95 % (ms)", "wrong", "opening (s)", "memory grown (MB)"]
    caption = "Targets: a median below 100 ms from cursor to plot, less than 200 MB grown."
    parts = ["# The viewer on a large MRSI", METHOD, f"Made by `{command}`.", circumstances(SEED)]
    return "\n\n".join([*parts, Table(caption, columns, [row]).markdown()]) + "\n"


def main(output: Path) -> None:
    """Measure and write the page."""
    home = viewer_results.folder() / "home"  # FSLeyes writes its settings when it ends
    home.mkdir()
    os.environ["HOME"] = str(home)
    with tempfile.TemporaryDirectory() as made:
        repeat(viewer_results.mrsi(), Path(made) / "large")
        import fsleyes
        from fsleyes import plugins

        plugins.showThirdPartyPlugin("fsleyes_plugin")
        viewer = Viewer(*fsleyes.embed())
        viewer.frame.SetSize(1500, 950)
        viewer.frame.Show()
        viewer.wait(viewer.frame.IsShownOnScreen, "the window")
        row = measure(viewer, Path(made) / "large")
        viewer.frame.Close(askUnsaved=False, askLayout=False)
        viewer.pump(0.1)
    output.write_text(page(row, "tests/gui/measure FOLDER_OF_SETUP OUTPUT.md"), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
