"""The tool ``segment``: tissue fractions of the voxels of a scan, from a segmented anatomical image."""

import json
import logging
import shlex
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fsl_mrs_dl.data import TISSUES, MRSData, Real
from fsl_mrs_dl.errors import DataError, OptionError
from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.io.results.mrsi import write_map_image
from fsl_mrs_dl.io.staging import Staging
from fsl_mrs_dl.io.tissue_images import TissueImages, read_placed, read_tissues, write_placed
from fsl_mrs_dl.io.untrusted_text import printable
from fsl_mrs_dl.physics.partial_volume import coverage, mean_in_voxels
from fsl_mrs_dl.steps.command import result_name
from fsl_mrs_dl.steps.fast import tissue_maps

logger = logging.getLogger(__name__)

LEAST_TISSUE = 0.5
"""Smallest share of a voxel that must be tissue: fractions of less say little about its signal."""
_REMARKABLE = 0.02
"""Share of a voxel outside of tissue or image that is told: 2 % changes no concentration visibly."""


@dataclass(frozen=True, eq=False)
class VoxelTissue:
    """Tissue of each voxel of a scan.

    Attributes
    ----------
    fractions : ndarray, float, shape (3, x, y, z)
        WM, GM and CSF over their sum; 0 where less than half of the voxel is tissue.
    tissue : ndarray, float, shape (x, y, z)
        Share of the voxel that is WM, GM or CSF.
    inside : ndarray, float, shape (x, y, z)
        Share of the voxel that lies inside the tissue images.
    """

    fractions: Real
    tissue: Real
    inside: Real


def segment(
    *,
    data: Path,
    t1: Path,
    output: Path,
    tissue: tuple[Path, ...] | None = None,
    run_fast: bool = False,
    filename: str | None = None,
    overwrite: bool = False,
) -> None:
    """Compute the tissue fractions of the voxels of a scan, for --tissue_frac of quantify.

    Each voxel is the box that the header of the scan describes. Its fractions are the mean of the tissue images
    over the volume of the box, over the sum of WM, GM and CSF. Also writes the share of each voxel of the T1
    image that lies in the box, and a picture of the voxel on the anatomy.

    Parameters
    ----------
    data : Path
        NIfTI-MRS file, one voxel or a grid.
    t1 : Path
        Structural image of the same session, in scanner coordinates.
    output : Path
        Folder for the results.
    tissue : tuple of Path
        Three probability maps in the order WM GM CSF (of FAST, SPM or any other program), or one image of labels
        of FreeSurfer or SynthSeg. They may have another grid than the T1 image.
    run_fast : bool
        Segment the T1 image by FSL's BET and FAST, where FSL is installed, instead of --tissue. The maps are
        written too.
    filename : str
        Name of the results, without ending. Default: that of the scan.
    overwrite : bool
        Replace results of the same names, nothing else.

    Raises
    ------
    DataError
        If an image cannot be read, has no position, or the voxel is not in the tissue.
    OptionError
        If neither or both of --tissue and --run_fast are given.
    MissingDependencyError
        If FSL is needed and not installed.
    OutputError
        If a file of that name exists and may not be replaced.

    Examples
    --------
    fsl_mrs_dl segment --data metab.nii.gz --t1 T1.nii.gz --tissue WM.nii.gz GM.nii.gz CSF.nii.gz --output tissue
    """
    if (tissue is None) == (not run_fast):
        raise OptionError("segment needs --tissue or --run_fast, one of them.")
    name = result_name(data, filename)
    with Staging(output, overwrite=overwrite, inputs=[data, t1, *(tissue or ())]) as staging:
        scan = nifti.read(data)
        if scan.affine is None:
            raise DataError(
                f"{data}: its header says no position, so that its voxel cannot be found in --t1."
            )
        is_single = scan.fid.shape[:3] == (1, 1, 1)
        results = _names(name, single=is_single, fast=run_fast)
        staging.reserve(*results.values())
        anatomy, affine = read_placed(t1, "t1")
        images = _segmented(t1, staging, results) if run_fast else read_tissues(tissue or ())
        voxels = tissue_of(scan, images)
        _write(voxels, scan, staging, results)
        shares = coverage(anatomy.shape, np.linalg.inv(scan.affine) @ affine, scan.fid.shape[:3])
        write_placed(shares, affine, staging.path(results["mask"]))
        from fsl_mrs_dl.report.segmentation import segmentation_png

        picture = segmentation_png(scan, t1, images, voxels.fractions)
        staging.path(results["picture"]).write_bytes(picture)
    _print(voxels, data, output, results)


def tissue_of(scan: MRSData, images: TissueImages) -> VoxelTissue:
    """Return the tissue of each voxel of a scan.

    Parameters
    ----------
    scan : MRSData
        With a position.
    images : TissueImages

    Raises
    ------
    DataError
        If no voxel is at least half tissue.
    """
    to_image = np.linalg.inv(images.affine) @ np.asarray(scan.affine)
    means, inside = mean_in_voxels(images.shares, to_image, scan.fid.shape[:3])
    total = means.sum(axis=0)
    if not (total >= LEAST_TISSUE).any():
        least = "the voxel" if total.size == 1 else "any voxel"
        raise DataError(
            f"{scan.name or 'The scan'}: at most {100 * total.max():.0f} % of {least} is {', '.join(TISSUES)}, "
            f"and {100 * inside.max():.0f} % lies inside the tissue images. Are scan and images of one session, "
            "and in scanner coordinates?"
        )
    fractions = np.where(total >= LEAST_TISSUE, means / np.where(total > 0, total, 1), 0.0)
    return VoxelTissue(fractions, total, inside)


def _names(name: str, *, single: bool, fast: bool) -> dict[str, str]:
    """Return what is written -> name of its file."""
    names = {"mask": f"{name}_mask.nii.gz", "picture": f"{name}_voxel.png"}
    if single:
        names["fractions"] = f"{name}_fractions.json"
    else:
        names |= {tissue: f"{name}_{tissue}.nii.gz" for tissue in (*TISSUES, "tissue")}
    if fast:
        names |= {f"fast_{tissue}": f"{name}_fast_{tissue}.nii.gz" for tissue in TISSUES}
    return names


def _segmented(t1: Path, staging: Staging, results: dict[str, str]) -> TissueImages:
    """Segment the T1 image by FAST, and write its maps."""
    with tempfile.TemporaryDirectory() as folder:
        images = read_tissues(tissue_maps(t1, Path(folder)))
    for tissue, values in zip(TISSUES, images.shares, strict=True):
        write_placed(values, images.affine, staging.path(results[f"fast_{tissue}"]))
    return images


def _write(voxels: VoxelTissue, scan: MRSData, staging: Staging, results: dict[str, str]) -> None:
    if "fractions" in results:
        values = dict(zip(TISSUES, voxels.fractions.ravel().tolist(), strict=True))
        text = json.dumps({tissue: round(value, 4) for tissue, value in values.items()}, indent=1)
        staging.path(results["fractions"]).write_text(f"{text}\n", encoding="utf-8")
        return
    for tissue, values in zip((*TISSUES, "tissue"), (*voxels.fractions, voxels.tissue), strict=True):
        write_map_image(values.astype(np.float32), scan, staging.path(results[tissue]))


def _print(voxels: VoxelTissue, data: Path, output: Path, results: dict[str, str]) -> None:
    """Print the fractions, what of the voxel is no tissue, and the next command."""
    usable = voxels.tissue >= LEAST_TISSUE
    middle = np.median(voxels.fractions[:, usable], axis=1)
    many = "" if usable.size == 1 else f", medians of {usable.sum()} voxels that are at least half tissue"
    lines = [", ".join(f"{t} {v:.2f}" for t, v in zip(TISSUES, middle, strict=True)) + many]
    if usable.size == 1:
        outside, other = 1 - float(voxels.inside.max()), float((voxels.inside - voxels.tissue).max())
        if outside > _REMARKABLE:
            logger.warning("%.0f %% of the voxel lies outside of the tissue images.", 100 * outside)
        if other > _REMARKABLE:
            lines.append(
                f"{100 * other:.0f} % of the voxel is none of them (bone, fat, vessels, background)."
            )
        if max(outside, other) > _REMARKABLE:
            lines.append("The fractions are of the rest.")
        files = [results["fractions"]]
    else:
        lines.append(f"{usable.size - usable.sum()} voxels are less than half tissue, and have no fractions.")
        files = [results[tissue] for tissue in TISSUES]
    paths = [str(output / file) for file in files]
    lines += [f"Voxel on the anatomy: {output / results['picture']}", "Next:"]
    command = shlex.join(["fsl_mrs_dl", "quantify", "--data", str(data), "--tissue_frac", *paths])
    lines.append(f"  {command} --h2o WATER --basis BASIS --output fit --report")
    print(printable("\n".join(lines), lines=True))  # noqa: T201
