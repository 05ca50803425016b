"""Recognise the files of a scanner or another program, and return the arguments that spec2nii needs."""

import math
import re
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from fsl_mrs_dl.errors import DataError

KINDS = (
    "Siemens twix (.dat), .rda and DICOM; Philips SDAT/SPAR, data/list and DICOM; GE P-files (.7); UIH DICOM; "
    "Bruker and Varian folders; jMRUI (.mrui, .txt); LCModel (.RAW, .H2O)"
)
"""Formats that are recognised, for messages."""
_HEAD_BYTES = 4096  # start of a file that is read to recognise its format
_XPROTOCOL_BYTES = 65536  # part of a VB file that is searched for the text of its protocol
_RAID_COUNTS = range(1, 65)  # number of measurements in a VD or later file
_GE_REVISIONS = (4.0, 99.0)  # revision of a P-file's header: 7 to 30 so far
_RDA_END = b">>> End of header <<<"
_RDA_POINT_BYTES = 16  # two numbers of double precision
_DICOM_MAGIC = slice(128, 132)
_DICOM_MANUFACTURER = re.compile(rb"\x08\x00\x70\x00(?:LO(?P<short>..)|(?P<long>....))", re.DOTALL)
_MANUFACTURERS = {
    "siemens": ("Siemens DICOM", "dicom"),
    "philips": ("Philips DICOM", "philips_dcm"),
    "uih": ("UIH DICOM", "uih"),
}
_ACTUAL = re.compile(r"(?<![a-z])act(?![a-z])", re.IGNORECASE)


@dataclass(frozen=True)
class VendorScan:
    """Files of one scan, written by a scanner or another program.

    Attributes
    ----------
    kind : str
        Vendor and format, in words.
    command : tuple of str
        Subcommand of spec2nii and its own options.
    files : tuple of Path
        In the order that spec2nii expects.
    name : str
        Name of the result, without an ending.
    references : tuple of tuple of Path
        Files of water references of this scan in the same folder, which are converted separately.
    as_folder : bool
        Whether spec2nii takes a folder with these files alone instead of the files.
    """

    kind: str
    command: tuple[str, ...]
    files: tuple[Path, ...]
    name: str
    references: tuple[tuple[Path, ...], ...] = ()
    as_folder: bool = False


def vendor_scan(paths: Sequence[Path]) -> VendorScan:
    """Recognise files by their contents, or by their endings.

    Parameters
    ----------
    paths : sequence of Path
        A file, the files of one scan, or a folder of one.

    Returns
    -------
    VendorScan

    Raises
    ------
    DataError
        If a file is missing, or is none of :data:`KINDS`.
    """
    for path in paths:
        if not path.exists():
            raise DataError(f"There is no file {path}; check the name.")
    if len(paths) == 1 and paths[0].is_dir():
        return _folder(paths[0])
    for path in paths:
        if path.is_dir():
            raise DataError(f"{path} is a folder beside other files; give the folder alone, or files.")
    endings = {_ending(path) for path in paths}
    for known, tell in _BY_ENDING.items():
        if endings & set(known):
            return tell(paths)
    heads = {path: _head(path) for path in paths}
    if all(_is_dicom(head) for head in heads.values()):
        return _dicom(tuple(paths), paths[0].stem, heads[paths[0]])
    if len(paths) > 1:
        raise DataError(
            f"{paths[0].name} and {len(paths) - 1} more are no files of one scan; give those of one, or a folder."
        )
    return _by_content(paths[0], heads[paths[0]])


def _folder(folder: Path) -> VendorScan:
    name = folder.resolve().name
    if (folder / "procpar").is_file() and (folder / "fid").is_file():
        return VendorScan("Varian", ("varian",), (folder,), name.removesuffix(".fid"))
    if (folder / "method").is_file():
        for data, mode in (("fid", "FID"), ("rawdata.job0", "RAWDATA"), ("pdata/1/2dseq", "2DSEQ")):
            if (folder / data).is_file():
                return VendorScan("Bruker", ("bruker", "-m", mode), (folder / data,), name)
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    dicom = [path for path in files if _is_dicom(_head(path))]
    if dicom:
        return _dicom(tuple(dicom), name, _head(dicom[0]))
    likely = [path.name for path in files if _ending(path) in {e for known in _BY_ENDING for e in known}]
    if likely:
        raise DataError(
            f"{folder} holds {', '.join(likely[:5])}{' ..' if len(likely) > 5 else ''}; name the one to convert."
        )
    raise DataError(f"{folder} holds no scan that spec2nii reads; it reads {KINDS}.")


def _dicom(files: tuple[Path, ...], name: str, head: bytes) -> VendorScan:
    match = _DICOM_MANUFACTURER.search(head)
    maker = ""
    if match:
        size = int.from_bytes(match["short"] or match["long"], "little")
        maker = head[match.end() : match.end() + size].decode("latin-1").strip("\0 ")
    for word, (kind, command) in _MANUFACTURERS.items():
        if word in maker.lower():
            return VendorScan(kind, (command,), files, name, as_folder=len(files) > 1)
    raise DataError(
        f"{files[0].name} is DICOM of {maker or 'a manufacturer that it does not say'}; spec2nii reads that of "
        "Siemens, Philips and UIH. Of GE, export the P-file (.7)."
    )


def _sdat(paths: Sequence[Path]) -> VendorScan:
    sdat, spar = (_partner(paths, ending) for ending in ("sdat", "spar"))
    reference = tuple(
        beside
        for path in (sdat, spar)
        if (beside := path.with_stem(_ACTUAL.sub(_reference_word, path.stem))) != path and beside.is_file()
    )
    references = (reference,) if len(reference) == 2 else ()
    return VendorScan("Philips SDAT/SPAR", ("philips",), (sdat, spar), sdat.stem, references)


def _reference_word(match: re.Match[str]) -> str:
    return "REF" if match[0].isupper() else "ref"


def _data_list(paths: Sequence[Path]) -> VendorScan:
    data, listed, spar = (_partner(paths, ending) for ending in ("data", "list", "spar"))
    return VendorScan("Philips data/list", ("philips_dl",), (data, listed, spar), data.stem)


def _partner(paths: Sequence[Path], ending: str) -> Path:
    """Return the file with an ending, in any case: among ``paths``, or in the folder of the first."""
    named = [path for path in paths if _ending(path) == ending]
    if len(named) > 1:
        raise DataError(f"{named[0].name} and {named[1].name} are of two scans; convert one after the other.")
    beside = [
        path
        for path in paths[0].parent.iterdir()
        if _ending(path) == ending and path.stem == paths[0].stem and path.is_file()
    ]
    for path in (*named, *sorted(beside)):
        return path
    raise DataError(
        f"{paths[0].name} needs its .{ending.upper()} file, and there is none of that name beside it; give both: "
        f"--file {paths[0].name} NAME.{ending.upper()}."
    )


def _twix(paths: Sequence[Path]) -> VendorScan:
    (path,) = _single(paths)
    with path.open("rb") as handle:
        head = handle.read(_XPROTOCOL_BYTES)
    first, count = struct.unpack("<2I", head[:8].ljust(8, b"\0"))
    if not (first == 0 and count in _RAID_COUNTS) and b"<XProtocol>" not in head:
        raise DataError(
            f"{path.name} is no Siemens twix file, though its name ends in .dat; give the raw data of the scan."
        )
    return VendorScan("Siemens twix", ("twix", "-e", "image", "-q"), (path,), path.stem)


def _p_file(paths: Sequence[Path]) -> VendorScan:
    (path,) = _single(paths)
    start = _head(path)[:4].ljust(4, b"\0")
    # Before revision 11 the numbers are big-endian.
    revisions = [struct.unpack(order, start)[0] for order in ("<f", ">f")]
    if not any(_GE_REVISIONS[0] < revision < _GE_REVISIONS[1] for revision in revisions):
        raise DataError(
            f"{path.name} is no GE P-file, though its name ends in .7; give the P-file of the scan."
        )
    return VendorScan("GE P-file", ("ge",), (path,), path.stem)


def _nifti(paths: Sequence[Path]) -> VendorScan:
    raise DataError(
        f"{paths[0].name} is a NIfTI file: it needs no conversion. Give it to the command itself."
    )


def _archive(paths: Sequence[Path]) -> VendorScan:
    raise DataError(
        f"{paths[0].name} looks like a GE ScanArchive, which spec2nii does not read; export the P-file (.7)."
    )


def _by_content(path: Path, head: bytes) -> VendorScan:
    if b">>> Begin of header <<<" in head:
        _check_rda(path)
        return VendorScan("Siemens RDA", ("rda",), (path,), path.stem)
    if _ending(path) == "mrui" or head.lstrip().lower().startswith(b"jmrui data textfile"):
        return VendorScan("jMRUI", ("jmrui",), (path,), path.stem)
    if re.search(rb"[$&](?:SEQPAR|NMID)", head, re.IGNORECASE):
        return VendorScan("LCModel RAW", ("raw", *_frequency(head), "-n", "1H"), (path,), path.stem)
    if _ending(path) == "txt":
        raise DataError(
            f"{path.name} is plain text, which says neither frequency nor bandwidth; say them to spec2nii itself: "
            f"spec2nii text -i MHZ -b HZ -n 1H {path}."
        )
    raise DataError(f"{path.name} is no file that spec2nii reads; it reads {KINDS}.")


def _check_rda(path: Path) -> None:
    """Refuse an .rda file with fewer points than its header says; spec2nii would convert it without a warning."""
    contents = path.read_bytes()
    head, _, data = contents.partition(_RDA_END)
    sizes = dict(re.findall(rb"^(VectorSize|CSIMatrixSize\[\d\]): *(\d+)", head, re.MULTILINE))
    size = math.prod(int(number) for number in sizes.values())
    if (
        _RDA_END in contents
        and b"VectorSize" in sizes
        and len(data.lstrip(b"\r\n")) < _RDA_POINT_BYTES * size
    ):
        raise DataError(
            f"{path.name} is cut short: {len(data) // _RDA_POINT_BYTES} of {size} points are there; export it "
            "again."
        )


def _frequency(head: bytes) -> tuple[str, ...]:
    """Return the option with the frequency in MHz: spec2nii 0.8 reads LCModel's HZPPPM as MHz times 1e6."""
    match = re.search(rb"HZPPPM\s*=\s*([\d.eEdD+-]+)", head, re.IGNORECASE)
    return ("--override_frequency", match[1].decode().lower().replace("d", "e")) if match else ()


def _single(paths: Sequence[Path]) -> Sequence[Path]:
    if len(paths) > 1:
        raise DataError(
            f"{paths[0].name} is a scan by itself; convert it and {paths[1].name} one after the other."
        )
    return paths


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as handle:
            return handle.read(_HEAD_BYTES)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error


def _is_dicom(head: bytes) -> bool:
    return head[_DICOM_MAGIC] == b"DICM"


def _ending(path: Path) -> str:
    return path.suffix.lower().lstrip(".")


_BY_ENDING: dict[tuple[str, ...], Callable[[Sequence[Path]], VendorScan]] = {
    ("data", "list"): _data_list,
    ("sdat", "spar"): _sdat,
    ("dat",): _twix,
    ("7",): _p_file,
    ("nii", "gz"): _nifti,
    ("h5",): _archive,
}
"""Formats that are recognised by their ending: it decides the second file, or what the file is searched for."""
