"""Results for the tests of the viewer: made by the program itself from simulated scans, once a process."""

import functools
import shutil
import tempfile
from pathlib import Path

from fsl_mrs_dl.cli import main

BASIS = "press_3t_te30"


@functools.cache
def folder() -> Path:
    """A folder that goes when the process ends."""
    import atexit

    made = Path(tempfile.mkdtemp(prefix="viewer_"))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


def run(*words: str) -> None:
    """Run the program; it must succeed."""
    assert main(list(words)) == 0, words


@functools.cache
def mrsi() -> Path:
    """A 16 x 16 MRSI phantom, quantified."""
    at = folder()
    run(
        "simulate",
        "--output",
        str(at),
        "--filename",
        "head",
        "--kind",
        "mrsi",
        "--basis",
        BASIS,
        "--points",
        "512",
        "--dwelltime",
        "0.0008",
        "--snr",
        "30",
        "--seed",
        "3",
    )
    run(
        "quantify",
        "--data",
        str(at / "head.nii.gz"),
        "--basis",
        BASIS,
        "--output",
        str(at / "mrsi"),
        "--mask",
        str(at / "head_mask.nii.gz"),
    )
    return at / "mrsi"


@functools.cache
def mrsi_stiff() -> Path:
    """The same voxels, quantified otherwise."""
    at = mrsi().parent
    run(
        "quantify",
        "--data",
        str(at / "head.nii.gz"),
        "--basis",
        BASIS,
        "--output",
        str(at / "mrsi_stiff"),
        "--mask",
        str(at / "head_mask.nii.gz"),
        "--baseline",
        "off",
        "--lorentzian",
        "--no_posterior",
    )
    return at / "mrsi_stiff"


@functools.cache
def svs() -> Path:
    """One spectrum, quantified."""
    at = folder()
    run(
        "simulate",
        "--output",
        str(at),
        "--filename",
        "one",
        "--kind",
        "svs",
        "--basis",
        BASIS,
        "--points",
        "1024",
        "--dwelltime",
        "0.0005",
        "--snr",
        "30",
        "--seed",
        "4",
    )
    run("quantify", "--data", str(at / "one.nii.gz"), "--basis", BASIS, "--output", str(at / "svs"))
    return at / "svs"


@functools.cache
def aligned() -> Path:
    """The table of an alignment, beside its transients."""
    at = folder()
    run(
        "simulate",
        "--output",
        str(at),
        "--filename",
        "scan",
        "--transients",
        "12",
        "--points",
        "512",
        "--dwelltime",
        "0.0008",
        "--seed",
        "5",
    )
    run("align", "--file", str(at / "scan.nii.gz"), "--output", str(at / "aligned"), "--method", "gn")
    return at / "aligned" / "scan_align.csv"


@functools.cache
def edited() -> Path:
    """A scan with transients and two edit conditions, without a fit."""
    at = folder()
    words = ["--basis", "mega-press_3t_te68", "--transients", "8", "--points", "512", "--dwelltime", "0.0008"]
    run("simulate", "--output", str(at), "--filename", "edited", "--kind", "edited", *words, "--seed", "6")
    return at / "edited.nii.gz"


@functools.cache
def rejected() -> Path:
    """The table of an alignment that left transients 3 and 7 out, for they are nothing but noise."""
    from dataclasses import replace

    import numpy as np

    from fsl_mrs_dl.io import nifti

    at = aligned().parents[1]
    scan = nifti.read(at / "scan.nii.gz")
    fid = scan.fid.copy()
    rng = np.random.default_rng(7)
    top = np.abs(fid).max()
    for bad in (3, 7):
        fid[..., bad] = top * (rng.normal(size=fid.shape[:4]) + 1j * rng.normal(size=fid.shape[:4]))
    nifti.write(replace(scan, fid=fid), at / "restless.nii.gz")
    words = ["--output", str(at / "rejected"), "--method", "gn", "--reject"]
    run("align", "--file", str(at / "restless.nii.gz"), *words)
    return at / "rejected" / "restless_align.csv"
