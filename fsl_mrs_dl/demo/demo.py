"""The command ``demo``: process simulated data, and compare the results with the truth."""

import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np

from fsl_mrs_dl.data import TIME_AXIS, Estimates, MRSData, Real
from fsl_mrs_dl.demo.quantification import BASIS, compare_maps, compare_single_voxel
from fsl_mrs_dl.demo.synthesis import MODEL, REQUEST, compare_synthetic
from fsl_mrs_dl.errors import MissingDependencyError, OutputError
from fsl_mrs_dl.extras import require
from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.io.results import read_estimates
from fsl_mrs_dl.io.staging import Staging
from fsl_mrs_dl.physics import fid_to_spectrum, ppm_window
from fsl_mrs_dl.physics.landmarks import METHYLS_PPM
from fsl_mrs_dl.scores import peak_linewidth_hz, phase_difference, similarity_index
from fsl_mrs_dl.steps.registry import StepResult

_SIMILARITY_PPM = (2.6, 3.4)  # creatine and choline: strong lines


def demo(*, output: Path = Path("demo"), overwrite: bool = False, seed: int = 1) -> None:
    """Simulate a scan and MRSI, correct, average and quantify them, and compare the results with the truth.

    The spectra are made from a shipped basis set, and fitted with the same one. The commands are printed; each of
    them can be run by hand.

    Parameters
    ----------
    output : Path
        Folder for all results.
    overwrite : bool
        Replace the files of an earlier demo.
    seed : int
        Seed of the random numbers. The same seed gives the same result.

    Examples
    --------
    fsl_mrs_dl demo --output demo
    """
    if output.exists() and not overwrite:
        raise OutputError(f"{output} exists; add --overwrite to replace the files of an earlier demo.")
    again = ["--overwrite"] if overwrite else []
    folders = ("1_scan", "2_combined", "3_aligned", "4_averaged", "5_quantified", "6_mrsi", "7_maps")
    where = {name: str(output / name) for name in folders}
    basis = ["--basis", BASIS]
    scan, combined = f"{where['1_scan']}/scan.nii.gz", f"{where['2_combined']}/scan.nii.gz"
    settings = [
        "--filename",
        "scan",
        "--kind",
        "transients",
        "--coils",
        "4",
        "--transients",
        "64",
        "--snr",
        "20",
    ]
    settings += ["--drift_hz", "12", "--phase_deg", "20", "--water_reference", "--seed", str(seed), *basis]
    _run("simulate", "--output", where["1_scan"], *settings, *again)
    reference = ["--reference", f"{where['1_scan']}/scan_wref.nii.gz"]
    _run("coilcombine", "--file", scan, *reference, "--output", where["2_combined"], *again)
    _run("align", "--file", combined, "--output", where["3_aligned"], "-r", *again)
    _run("average", "--file", f"{where['3_aligned']}/scan.nii.gz", "--output", where["4_averaged"], *again)
    averaged = f"{where['4_averaged']}/scan.nii.gz"
    _run("quantify", "--data", averaged, *basis, "--output", where["5_quantified"], "--report", *again)
    _compare(output, overwrite=overwrite)
    compare_single_voxel(output, overwrite=overwrite)
    print(flush=True)  # noqa: T201
    mrsi, t1 = f"{where['6_mrsi']}/mrsi.nii.gz", f"{where['6_mrsi']}/mrsi_t1.nii.gz"
    settings = [
        "--filename",
        "mrsi",
        "--kind",
        "mrsi",
        "--points",
        "1024",
        "--snr",
        "60",
        "--seed",
        str(seed),
    ]
    _run("simulate", "--output", where["6_mrsi"], *settings, *basis, *again)
    mask = ["--mask", f"{where['6_mrsi']}/mrsi_mask.nii.gz", "--t1", t1]
    _run("quantify", "--data", mrsi, *basis, *mask, "--output", where["7_maps"], "--report", *again)
    compare_maps(output, overwrite=overwrite)
    print(flush=True)  # noqa: T201
    synthetic = _networks_work()
    if synthetic:
        settings = ["--model", MODEL, *REQUEST, "--seed", str(seed)]
        _run("synthesise", *settings, "--output", str(output / "8_synthetic"), *again)
        compare_synthetic(output, overwrite=overwrite)
    _print_paths(output, t1, synthetic=synthetic)


def _networks_work() -> bool:
    """Return whether the part with a network can be run; if not, print what is missing."""
    try:
        require("torch", "The last part of the demo, synthesise,")
    except MissingDependencyError as error:
        print(error)  # noqa: T201
        return False
    return True


def _run(*arguments: str) -> None:
    """Print a command and run it in its own process."""
    print("fsl_mrs_dl " + shlex.join(arguments), flush=True)  # noqa: T201
    subprocess.run([sys.executable, "-m", "fsl_mrs_dl", *arguments], check=True)


def _compare(output: Path, *, overwrite: bool) -> None:
    """Print and draw the estimates and the truth of the simulation."""
    from fsl_mrs_dl.report import save_align_figure

    before, after = (
        nifti.read(output / "2_combined/scan.nii.gz"),
        nifti.read(output / "3_aligned/scan.nii.gz"),
    )
    estimates = read_estimates(output / "3_aligned/scan_align.csv", before.dim_tags, _grid(before))
    truth = _truth(output, before)
    error_hz = _about_median(estimates.shift_hz - truth.shift_hz)
    error_deg = np.degrees(phase_difference(estimates.phase_rad, truth.phase_rad))
    rows = [
        ("shift, true range (Hz)", f"{np.ptp(truth.shift_hz):.2f}", ""),
        (
            "shift, SD of estimate - truth (Hz)",
            f"{np.std(error_hz):.3f}",
            f"{np.median(estimates.shift_hz_sd):.3f}",
        ),
        (
            "phase, SD of estimate - truth (degrees)",
            f"{np.std(_about_median(error_deg)):.2f}",
            f"{np.degrees(np.median(estimates.phase_rad_sd)):.2f}",
        ),
        ("failures (> 3 Hz)", str(int((np.abs(error_hz) > 3).sum())), ""),
    ]
    print(f"\n{'truth beside estimate':42}{'found':>9}{'stated SD':>12}")  # noqa: T201
    for name, value, stated in rows:
        print(f"{name:42}{value:>9}{stated:>12}")  # noqa: T201
    print(f"\n{'quality':42}{'before':>9}{'after':>12}")  # noqa: T201
    for name, measure in (
        ("creatine linewidth of the average (Hz)", _linewidth),
        ("similarity index", _similarity),
    ):
        print(f"{name:42}{measure(before):>9.2f}{measure(after):>12.2f}")  # noqa: T201
    with Staging(output, overwrite=overwrite) as staging:
        save_align_figure(
            before, StepResult(after, estimates=estimates), staging.path("align.png"), truth=truth
        )


def _print_paths(output: Path, t1: str, *, synthetic: bool) -> None:
    drawn = ["align.png", "fit.png", "maps.png", *(["synthetic.png"] if synthetic else [])]
    pictures = ", ".join(str(output / name) for name in drawn)
    pages = ("3_aligned/scan_align.html", "5_quantified/report.html", "7_maps/report.html")
    reports = ", ".join(str(output / name) for name in pages)
    print(f"\nPictures: {pictures}\nReports:  {reports}")  # noqa: T201
    print("In FSLeyes, installed as docs/fsleyes.md says:")  # noqa: T201
    print("fsleyes " + shlex.join(["-s", "mrsdl", t1, str(output / "7_maps/fit/fit.nii.gz")]))  # noqa: T201


def _grid(data: MRSData) -> tuple[int, ...]:
    return data.fid.shape[:TIME_AXIS] + data.fid.shape[TIME_AXIS + 1 :]


def _truth(output: Path, combined: MRSData) -> Estimates:
    """Return the truth of the combined transients, which is the same for all coils."""
    scan = nifti.read(output / "1_scan/scan.nii.gz")
    truth = read_estimates(output / "1_scan/scan_truth.csv", scan.dim_tags, _grid(scan))
    coil = scan.dim_tags.index("DIM_COIL") + TIME_AXIS
    first = (np.take(values, 0, axis=coil).reshape(_grid(combined)) for values in vars(truth).values())
    return Estimates(*first)


def _about_median(values: Real) -> Real:
    """Return values minus their median: the common shift and phase of a set do not matter for alignment."""
    centred: Real = values - np.median(values)
    return centred


def _linewidth(data: MRSData) -> float:
    average = data.fid[0, 0, 0].mean(axis=-1)
    axes = (data.dwelltime_s, data.spectrometer_frequency_mhz, data.reference_ppm, METHYLS_PPM["Cr"])
    return float(peak_linewidth_hz(average, *axes).fwhm_hz)


def _similarity(data: MRSData) -> float:
    inside = ppm_window(data.ppm_axis, _SIMILARITY_PPM)
    return float(similarity_index(fid_to_spectrum(np.moveaxis(data.fid[0, 0, 0], 0, -1))[:, inside]))
