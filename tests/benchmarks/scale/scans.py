"""Whole commands on measured scans: raw with its references, with its anatomy, and twelve of three sites."""

import csv
import json
from collections import Counter
from pathlib import Path

import nibabel as nib
import numpy as np

from tests.benchmarks.realdata import data_folder
from tests.benchmarks.scale.running import command, ran
from tests.benchmarks.table import Table

_TREE = "{site}_{subject}_act.nii.gz (svs)\n{site}_{subject}_ref.nii.gz (mrsref)\n"
_COLUMNS = ("scan", "commands", "wall (s)", "processor (s)", "result")


def big_gaba(folder: Path) -> Path | None:
    """Make the folder of a study of twelve measured scans and one that is cut off; None if they are absent."""
    source = data_folder() / "invivo" / "big_gaba"
    if not source.is_dir():
        return None
    there = folder / "big_gaba"
    there.mkdir()
    for path in source.glob("P*_S*_*.nii.gz"):
        (there / path.name).symlink_to(path)
    whole = (source / "P1_S01_act.nii.gz").read_bytes()
    (there / "P1_S99_act.nii.gz").write_bytes(whole[: len(whole) // 2])
    (folder / "sites.tree").write_text(_TREE, encoding="utf-8")
    return there


def verdicts(table: Path) -> str:
    """Count the verdicts in the table of a study."""
    with table.open(encoding="utf-8", newline="") as handle:
        by_scan = {row["scan"]: row["verdict"] for row in csv.DictReader(handle)}
    return ", ".join(f"{n} {verdict}" for verdict, n in sorted(Counter(by_scan.values()).items()))


def scans(folder: Path) -> Table:
    """Process a raw scan, and one with its anatomy."""
    rows = [row for row in (_steam(folder), _press(folder)) if row]
    return Table.filled("Single scans, from the scanner's raw data to the report.", _COLUMNS, rows)


def _steam(folder: Path) -> list[str]:
    there = data_folder() / "invivo" / "steam_7t"
    if not there.is_dir():
        return ["7 T STEAM"]
    files = ["--data", there / "metab_raw.nii.gz", "--reference", there / "wref_raw.nii.gz"]
    files += ["--ecc", there / "ecc.nii.gz"]
    out = folder / "steam"
    one = ran(command("process", *files, "--basis", "steam_7t_te11", "--output", out, "--report"))
    return [
        "7 T STEAM, raw",
        "`process --report`",
        f"{one.seconds:.0f}",
        f"{one.processor_s:.0f}",
        _verdict(out),
    ]


def _press(folder: Path) -> list[str]:
    there = data_folder() / "invivo" / "press_3t"
    if not there.is_dir():
        return ["3 T PRESS"]
    t1, data = there / "sub-01_T1w.nii.gz", there / "sub-01_press.nii.gz"
    maps = _tissue(t1, folder)
    out, cut = folder / "press", folder / "segmented"
    first = ran(command("segment", "--data", data, "--t1", t1, "--tissue", *maps, "--output", cut))
    (fractions,) = cut.glob("*_fractions.json")
    files = ["--data", data, "--reference", there / "sub-01_press_ref.nii.gz", "--t1", t1]
    more = ["--tissue_frac", fractions, "--basis", "press_3t_te30", "--output", out, "--report"]
    one = ran(command("process", *files, *more))
    shares = json.loads(fractions.read_text(encoding="utf-8"))
    result = _verdict(out) + "; " + ", ".join(f"{name} {share:.2f}" for name, share in shares.items())
    both = [f"{first.seconds + one.seconds:.0f}", f"{first.processor_s + one.processor_s:.0f}"]
    return ["3 T PRESS with T1 and maps of tissue", "`segment`, `process --report`", *both, result]


def _tissue(t1: Path, folder: Path) -> list[Path]:
    """Write three maps that stand for a segmentation: T1 above its 70th, 40th and 10th percentile in the head."""
    image = nib.load(t1)
    values = np.asarray(image.dataobj, dtype=np.float32)
    low, middle, high = np.percentile(values[values > values.mean()], [10, 40, 70])
    layers = {"WM": values >= high, "GM": (values >= middle) & (values < high)}
    layers["CSF"] = (values >= low) & (values < middle)
    paths = []
    for name, layer in layers.items():
        paths.append(folder / f"{name}.nii.gz")
        nib.save(nib.Nifti1Image(layer.astype(np.float32), image.affine), paths[-1])
    return paths


def _verdict(folder: Path) -> str:
    """Return the verdict of a run, with its reason, and whether its report is there."""
    verdict = json.loads((folder / "run.json").read_text(encoding="utf-8"))["verdict"]
    report = "report" if (folder / "report.html").is_file() else "no report"
    return f"{verdict['verdict']}: {verdict['reason']}; {report}"
