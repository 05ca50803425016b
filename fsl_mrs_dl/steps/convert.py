"""The tool ``convert``: recognise a scanner's files, and convert them to NIfTI-MRS by spec2nii."""

import importlib.util
import logging
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from fsl_mrs_dl.errors import DataError, OutputError
from fsl_mrs_dl.extras import absent
from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.io.staging import Staging
from fsl_mrs_dl.io.untrusted_text import printable
from fsl_mrs_dl.io.vendor import VendorScan, vendor_scan
from fsl_mrs_dl.steps.command import result_name
from fsl_mrs_dl.steps.registry import usable_fids
from fsl_mrs_dl.steps.scan_summary import (
    ConvertedScan,
    next_commands,
    one_command,
    paired_references,
    scan_words,
)

logger = logging.getLogger(__name__)

_MODULE = "import sys; sys.argv[0] = 'spec2nii'; from spec2nii.spec2nii import main; main()"
_ENDING = ".nii.gz"
_CUT_SHORT = re.compile("unexpected read error|stopped prematurely")
"""Warnings of the reader of twix files when a file is cut short; it continues all the same."""


def convert(
    *,
    file: tuple[Path, ...],
    output: Path,
    filename: str | None = None,
    reference: tuple[Path, ...] | None = None,
    anon: bool = False,
    overwrite: bool = False,
) -> None:
    """Convert a scanner's files to NIfTI-MRS, print what they are, and the next commands.

    spec2nii converts (Clarke et al. 2022, doi:10.1002/mrm.29418); the format is recognised from the files. A water
    reference in the same folder (Philips: the pair with ``ref`` instead of ``act``) is converted too.

    Parameters
    ----------
    file : tuple of Path
        The scanner's file: twix (.dat), .rda, DICOM, SDAT or SPAR (the other one must be in the same folder),
        .data with .list and .SPAR, P-file (.7), .mrui, or LCModel .RAW. Give all files of one scan, or their
        folder.
    output : Path
        Folder for the result.
    filename : str
        Name of the result, without .nii.gz. Default: the name of the scanner's file.
    reference : tuple of Path
        Water reference of the scan, if it is in another file. The result is N_ref.nii.gz.
    anon : bool
        Remove names, dates of birth and other personal data from the header.
    overwrite : bool
        Replace files of the same names, nothing else.

    Raises
    ------
    DataError
        If spec2nii cannot read a file, or fails.
    MissingDependencyError
        If spec2nii is not installed.
    OutputError
        If a file of that name exists and may not be replaced.

    Examples
    --------
    fsl_mrs_dl convert --file meas_metab.dat --reference meas_wref.dat --output nifti --filename metab
    """
    vendor, scans = convert_files(
        file, output, filename=filename, reference=reference, anon=anon, overwrite=overwrite
    )
    _print_summary(vendor, scans)


def convert_files(
    file: tuple[Path, ...],
    output: Path,
    *,
    filename: str | None = None,
    reference: tuple[Path, ...] | None = None,
    anon: bool = False,
    overwrite: bool = False,
) -> tuple[VendorScan, list[ConvertedScan]]:
    """Convert a scanner's files as :func:`convert` does, and return what they were and what was made of them."""
    program = _program()
    vendor = vendor_scan(file)
    references = [vendor_scan(files) for files in ([reference] if reference else vendor.references)]
    inputs = [path for scan in (vendor, *references) for path in scan.files]
    name = result_name(Path(vendor.name), filename)
    with Staging(output, overwrite=overwrite, inputs=inputs) as staging:
        staging.reserve(f"{name}{_ENDING}")
        written = _run_spec2nii(program, vendor, name, output, staging, anon=anon)
        for scan in references:
            written += _run_spec2nii(program, scan, f"{name}_ref", output, staging, anon=anon)
    added = [file_name.removesuffix(_ENDING).removeprefix(name) for file_name in written]
    scans = [
        ConvertedScan.of(output / file_name, nifti.read(output / file_name), more)
        for file_name, more in zip(written, added, strict=True)
    ]
    return vendor, scans


def _program() -> list[str]:
    """Return the command of spec2nii: in this environment, or a program on the path."""
    if importlib.util.find_spec("spec2nii") is not None:
        return [sys.executable, "-c", _MODULE]
    elsewhere = shutil.which("spec2nii")
    if elsewhere is None:
        raise absent("spec2nii", "convert")
    return [elsewhere]


def _run_spec2nii(
    program: list[str], scan: VendorScan, name: str, output: Path, staging: Staging, *, anon: bool
) -> list[str]:
    """Convert one scan, and return the names of the files that were written."""
    with tempfile.TemporaryDirectory() as aside:
        folder = Path(aside) / "made"
        sources = [_as_folder(scan.files, Path(aside) / "scan")] if scan.as_folder else scan.files
        files = [_with_plain_name(path, Path(aside)) for path in sources]
        command = [
            *scan.command,
            *map(str, files),
            "-f",
            name,
            "-o",
            str(folder),
            *(["--anon"] if anon else []),
        ]
        logger.info("%s", shlex.join(["spec2nii", *command]))
        completed = subprocess.run(
            [*program, *command], capture_output=True, text=True, errors="replace", check=False
        )
        results = sorted(folder.glob(f"*{_ENDING}")) if folder.is_dir() else []
        logger.info("%s%s", completed.stdout, completed.stderr)
        if _CUT_SHORT.search(completed.stderr):
            raise DataError(f"{scan.files[0].name} is cut short, as spec2nii found; copy or export it again.")
        if completed.returncode or not results:
            by_hand = shlex.join(["spec2nii", *scan.command, *map(str, scan.files)])
            raise DataError(
                f"spec2nii could not convert {scan.files[0].name} as {scan.kind}: {_last_line(completed.stderr)}. "
                f"By hand: {by_hand} (options: spec2nii {scan.command[0]} --help)."
            )
        for path in results:  # check all before one is written
            _check_spectra(path, scan)
        for path in results:
            _refuse_processed(output / path.name)
            shutil.copyfile(path, staging.path(path.name))
        return [path.name for path in results]


def _check_spectra(path: Path, scan: VendorScan) -> None:
    """Refuse a file without spectra: spec2nii writes an empty one for raw MRSI, which other programs fill."""
    if not usable_fids(nifti.read(path)).any():
        raise DataError(
            f"{scan.files[0].name} has no spectra that spec2nii reads: it does not reconstruct raw MRSI. Convert "
            "what the scanner has reconstructed (DICOM, .rda)."
        )


def _refuse_processed(path: Path) -> None:
    """Refuse to replace a file that spec2nii did not convert, or that was processed since."""
    if not path.exists():
        return
    try:
        existing = nifti.read(path)
    except DataError:
        existing = None
    if (
        existing is None
        or existing.processing
        or "spec2nii" not in str(existing.header.get("ConversionMethod"))
    ):
        raise OutputError(
            f"{path} exists and is not an unprocessed conversion by spec2nii; it is left alone. Choose another "
            "--output or --filename."
        )


def _with_plain_name(path: Path, aside: Path) -> Path:
    """Return a path that does not look like an option, with a name in UTF-8, which the header keeps."""
    plain = path.name.encode(errors="replace").decode()
    if plain == path.name:
        return path.absolute()
    link = aside / plain
    link.symlink_to(path.absolute())
    return link


def _as_folder(files: Sequence[Path], folder: Path) -> Path:
    """Create a folder with links to the files and nothing else, and return it."""
    folder.mkdir()
    for n, path in enumerate(files):
        (folder / f"{n:05}_{path.stem}.dcm").symlink_to(path.resolve())
    return folder


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1].rstrip(".") if lines else "it wrote no file and said nothing"


def _print_summary(vendor: VendorScan, scans: list[ConvertedScan]) -> None:
    """Print a summary of each file, and the next commands."""
    lines = [f"Read as {vendor.kind}:"]
    lines += [f"  {scan.path}: {scan_words(scan)}" for scan in scans]
    pairs = paired_references(scans)
    for scan, reference in pairs:
        commands, remark = next_commands(scan, reference)
        lines.append("Next:")
        if whole := one_command(scan, reference):
            lines += [f"  {whole}", "Or step by step:"]
        lines += [*(f"  {line}" for line in commands), *filter(None, [remark])]
    if not pairs:
        lines.append(
            "It looks like a water reference: the --reference of coilcombine and ecc, the --h2o of quantify."
        )
    print(printable("\n".join(lines), lines=True))  # noqa: T201
