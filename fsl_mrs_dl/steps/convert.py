"""The tool ``convert``: a vendor's files become NIfTI-MRS by spec2nii, and it is told what they are."""

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
from fsl_mrs_dl.steps.scan_summary import Scan, next_commands, of_one_scan, one_command, scan_words

logger = logging.getLogger(__name__)

_MODULE = "import sys; sys.argv[0] = 'spec2nii'; from spec2nii.spec2nii import main; main()"
_ENDING = ".nii.gz"
_CUT_SHORT = re.compile("unexpected read error|stopped prematurely")
"""What the reader of twix files says where one ends before its time, and goes on."""


def convert(
    *,
    file: tuple[Path, ...],
    output: Path,
    filename: str | None = None,
    reference: tuple[Path, ...] | None = None,
    anon: bool = False,
    overwrite: bool = False,
) -> None:
    """Convert a scanner's files to NIfTI-MRS, say what they are, and which commands come next.

    spec2nii converts (Clarke et al. 2022, doi:10.1002/mrm.29418); what the files are is told from themselves.
    A water reference that lies beside (of Philips the pair with ``ref`` in place of ``act``) is converted too.

    Parameters
    ----------
    file : tuple of Path
        The scanner's file: twix (.dat), .rda, DICOM, SDAT or SPAR (the other one is found beside it), .data
        with .list and .SPAR, P-file (.7), .mrui, or LCModel .RAW. Give all files of one scan, or their folder.
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
        If a file is none that spec2nii reads, or it fails.
    MissingDependencyError
        If spec2nii is not installed.
    OutputError
        If a file of that name is there, and may not be replaced.

    Examples
    --------
    fsl_mrs_dl convert --file meas_metab.dat --reference meas_wref.dat --output nifti --filename metab
    """
    found, scans = converted(
        file, output, filename=filename, reference=reference, anon=anon, overwrite=overwrite
    )
    _tell(found, scans)


def converted(
    file: tuple[Path, ...],
    output: Path,
    *,
    filename: str | None = None,
    reference: tuple[Path, ...] | None = None,
    anon: bool = False,
    overwrite: bool = False,
) -> tuple[VendorScan, list[Scan]]:
    """Convert a scanner's files as :func:`convert` does, and return what they were and what was made of them."""
    program = _program()
    found = vendor_scan(file)
    references = [vendor_scan(files) for files in ([reference] if reference else found.references)]
    inputs = [path for scan in (found, *references) for path in scan.files]
    name = result_name(Path(found.name), filename)
    with Staging(output, overwrite=overwrite, inputs=inputs) as staging:
        staging.reserve(f"{name}{_ENDING}")
        made = _converted(program, found, name, output, staging, anon=anon)
        for scan in references:
            made += _converted(program, scan, f"{name}_ref", output, staging, anon=anon)
    added = [one.removesuffix(_ENDING).removeprefix(name) for one in made]
    scans = [
        Scan.of(output / one, nifti.read(output / one), more) for one, more in zip(made, added, strict=True)
    ]
    return found, scans


def _program() -> list[str]:
    """Return how spec2nii is called: of this environment, or as a program on the path."""
    if importlib.util.find_spec("spec2nii") is not None:
        return [sys.executable, "-c", _MODULE]
    elsewhere = shutil.which("spec2nii")
    if elsewhere is None:
        raise absent("spec2nii", "convert")
    return [elsewhere]


def _converted(
    program: list[str], scan: VendorScan, name: str, output: Path, staging: Staging, *, anon: bool
) -> list[str]:
    """Convert one scan, and return the names of the files that were made."""
    with tempfile.TemporaryDirectory() as aside:
        made = Path(aside) / "made"
        given = [_as_folder(scan.files, Path(aside) / "scan")] if scan.as_folder else scan.files
        files = [_with_plain_name(path, Path(aside)) for path in given]
        command = [
            *scan.command,
            *map(str, files),
            "-f",
            name,
            "-o",
            str(made),
            *(["--anon"] if anon else []),
        ]
        logger.info("%s", shlex.join(["spec2nii", *command]))
        done = subprocess.run(
            [*program, *command], capture_output=True, text=True, errors="replace", check=False
        )
        files_made = sorted(made.glob(f"*{_ENDING}")) if made.is_dir() else []
        logger.info("%s%s", done.stdout, done.stderr)
        if _CUT_SHORT.search(done.stderr):
            raise DataError(f"{scan.files[0].name} is cut short, as spec2nii found; copy or export it again.")
        if done.returncode or not files_made:
            by_hand = shlex.join(["spec2nii", *scan.command, *map(str, scan.files)])
            raise DataError(
                f"spec2nii could not convert {scan.files[0].name} as {scan.kind}: {_last_line(done.stderr)}. "
                f"By hand: {by_hand} (options: spec2nii {scan.command[0]} --help)."
            )
        for path in files_made:  # refused before any of them is there
            _check_spectra(path, scan)
        for path in files_made:
            _refuse_processed(output / path.name)
            shutil.copyfile(path, staging.path(path.name))
        return [path.name for path in files_made]


def _check_spectra(made: Path, scan: VendorScan) -> None:
    """Refuse a file without spectra: of raw MRSI spec2nii makes an empty one, for others to fill."""
    if not usable_fids(nifti.read(made)).any():
        raise DataError(
            f"{scan.files[0].name} has no spectra that spec2nii reads: it does not reconstruct raw MRSI. Convert "
            "what the scanner has reconstructed (DICOM, .rda)."
        )


def _refuse_processed(path: Path) -> None:
    """Refuse to replace what is no conversion: processed data, or a file of another origin."""
    if not path.exists():
        return
    try:
        there = nifti.read(path)
    except DataError:
        there = None
    if there is None or there.processing or "spec2nii" not in str(there.header.get("ConversionMethod")):
        raise OutputError(
            f"{path} is there and no mere conversion by spec2nii; it is left alone. Choose another --output or "
            "--filename."
        )


def _with_plain_name(path: Path, aside: Path) -> Path:
    """Return a path that no option begins like, and whose name is text, for the header keeps the name."""
    plain = path.name.encode(errors="replace").decode()
    if plain == path.name:
        return path.absolute()
    link = aside / plain
    link.symlink_to(path.absolute())
    return link


def _as_folder(files: Sequence[Path], folder: Path) -> Path:
    """Return a folder that holds the files and nothing else."""
    folder.mkdir()
    for n, path in enumerate(files):
        (folder / f"{n:05}_{path.stem}.dcm").symlink_to(path.resolve())
    return folder


def _last_line(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return lines[-1].rstrip(".") if lines else "it wrote no file and said nothing"


def _tell(found: VendorScan, scans: list[Scan]) -> None:
    """Print what was found in each file, and what comes next."""
    lines = [f"Read as {found.kind}:"]
    lines += [f"  {scan.path}: {scan_words(scan)}" for scan in scans]
    pairs = of_one_scan(scans)
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
