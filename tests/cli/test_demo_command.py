"""The command demo: everything it promises is made, and what it finds is near the truth."""

import re

from fsl_mrs_dl.cli import main
from fsl_mrs_dl.demo import demo, quantification

PROMISED = (
    "align.png",
    "fit.png",
    "maps.png",
    "synthetic.png",
    "8_synthetic/synthetic.nii.gz",
    "3_aligned/scan_align.html",
    "5_quantified/report.html",
    "5_quantified/concentrations.csv",
    "6_mrsi/mrsi_t1.nii.gz",
    "7_maps/report.html",
    "7_maps/concs/raw/NAA.nii.gz",
)


def test_demo_makes_what_it_promises(tmp_path, capfd):
    assert main(["demo", "--output", str(tmp_path / "demo")]) == 0
    assert [name for name in PROMISED if not (tmp_path / "demo" / name).is_file()] == []
    printed = capfd.readouterr().out
    assert "fsleyes -s mrs" in printed
    first, synthetic = printed.split("\nsynthetic ")
    single, maps = first.split("ratio to Cr+PCr")[1].split("\nMRSI, ")
    rows = [row.split() for row in single.splitlines() if re.match(r"\S+( +[\d.]+){4} \|", row)]
    errors = [float(row[-1]) for row in rows]
    assert all(float(low) <= float(mean) <= float(high) for _, _, mean, low, high, *_ in rows)
    assert len(errors) > 8
    assert max(map(abs, errors)) < 4.5
    # Non-negative amplitudes and noise known only from the residual leave it a little off 1.
    rms = [float(row.split()[-1]) for row in maps.splitlines() if re.match(r"\S+( +[\d.]+){2} \|", row)]
    assert len(rms) > 8
    assert all(0.5 < value < 1.4 for value in rms)
    made = [float(row.split()[4]) for row in synthetic.splitlines()[1:] if row.startswith(("NAA ", "PCr "))]
    assert len(made) == 12
    # Twelve normal errors; the network's own are of the size of a tenth of the bound.
    assert max(map(abs, made)) < 4.5


def test_sums_are_read_from_their_names():
    assert quantification._sum({"Cr": 1.0, "PCr": 2.0}, "Cr+PCr") == 3.0
    assert quantification._sum({"Cr": 1.0, "PCr": 2.0}, "PCr") == 2.0


def test_an_earlier_demo_is_not_replaced_unasked(tmp_path, capsys):
    (tmp_path / "demo").mkdir()
    assert main(["demo", "--output", str(tmp_path / "demo")]) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert demo.BASIS == quantification.BASIS
