"""Results for the tests of the viewer: made by the program itself from simulated scans, once a process."""

import contextlib
import functools
import shlex
import shutil
import tempfile
from pathlib import Path

import numpy as np

from fsl_mrs_dl.cli import main

BASIS = "press_3t_te30"
SHORT = "--points 512 --dwelltime 0.0008"


@functools.cache
def folder() -> Path:
    """A folder that goes when the process ends."""
    import atexit

    made = Path(tempfile.mkdtemp(prefix="viewer_"))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


def run(command: str) -> None:
    """Run the program with a line of words, in the folder; it must succeed."""
    with contextlib.chdir(folder()):
        assert main(shlex.split(command)) == 0, command


@functools.cache
def mrsi() -> Path:
    """A 16 x 16 MRSI phantom, quantified."""
    run(f"simulate --output . --filename head --kind mrsi --basis {BASIS} {SHORT} --snr 30 --seed 3")
    run(f"quantify --data head.nii.gz --basis {BASIS} --output mrsi --mask head_mask.nii.gz")
    return folder() / "mrsi"


@functools.cache
def mrsi_stiff() -> Path:
    """The same voxels, quantified otherwise."""
    mrsi()
    otherwise = "--baseline off --lorentzian --no_posterior"
    run(
        f"quantify --data head.nii.gz --basis {BASIS} --output mrsi_stiff --mask head_mask.nii.gz {otherwise}"
    )
    return folder() / "mrsi_stiff"


@functools.cache
def svs() -> Path:
    """One spectrum, quantified."""
    points = "--points 1024 --dwelltime 0.0005"
    run(f"simulate --output . --filename one --kind svs --basis {BASIS} {points} --snr 30 --seed 4")
    run(f"quantify --data one.nii.gz --basis {BASIS} --output svs")
    return folder() / "svs"


@functools.cache
def svs_located() -> Path:
    """The spectrum of :func:`svs`, with a place in the scanner in the headers of its files."""
    import nibabel as nib

    at = shutil.copytree(svs(), folder() / "svs_located")
    place = np.array([[16.0, 0, 12, -10], [0, 22, 0, 5], [-12, 0, 16, 12], [0, 0, 0, 1]])  # turned about y
    for path in at.glob("*.nii.gz"):
        image = nib.load(path)
        header = image.header.copy()
        header.set_sform(place, 1)
        header.set_qform(place, 1)
        nib.save(type(image)(np.asarray(image.dataobj), None, header), path)
    return at


@functools.cache
def aligned() -> Path:
    """The table of an alignment, beside its transients."""
    run(f"simulate --output . --filename scan --transients 12 {SHORT} --seed 5")
    run("align --file scan.nii.gz --output aligned --method gn")
    return folder() / "aligned" / "scan_align.csv"


@functools.cache
def edited() -> Path:
    """A scan with transients and two edit conditions, without a fit."""
    basis = "mega-press_3t_te68"
    run(
        f"simulate --output . --filename edited --kind edited --basis {basis} --transients 8 {SHORT} --seed 6"
    )
    return folder() / "edited.nii.gz"


@functools.cache
def rejected() -> Path:
    """The table of an alignment that left transients 3 and 7 out, for they are nothing but noise."""
    from dataclasses import replace

    from fsl_mrs_dl.io import nifti

    at = aligned().parents[1]
    scan = nifti.read(at / "scan.nii.gz")
    fid = scan.fid.copy()
    rng = np.random.default_rng(7)
    top = np.abs(fid).max()
    for bad in (3, 7):
        fid[..., bad] = top * (rng.normal(size=fid.shape[:4]) + 1j * rng.normal(size=fid.shape[:4]))
    nifti.write(replace(scan, fid=fid), at / "restless.nii.gz")
    run("align --file restless.nii.gz --output rejected --method gn --reject")
    return at / "rejected" / "restless_align.csv"


def a_voxel(fit) -> tuple[int, int, int]:
    """Return one of the fitted voxels."""
    x, y, z = np.argwhere(fit.maps.fitted())[20]
    return int(x), int(y), int(z)
