"""What a vendor's files are, told from themselves."""

from pathlib import Path

import numpy as np
import pytest

from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.io.vendor import vendor_scan


def dicom(maker: str, *, explicit: bool = True) -> bytes:
    """Return the beginning of a DICOM file with the tag (0008,0070) in it."""
    text = maker.encode() + b" " * (len(maker) % 2)
    size = b"LO" + len(text).to_bytes(2, "little") if explicit else len(text).to_bytes(4, "little")
    return bytes(128) + b"DICM" + bytes(40) + b"\x08\x00\x70\x00" + size + text + bytes(100)


CONTENTS = {
    "vd.dat": (np.array([0, 2], "<u4").tobytes() + bytes(64), "Siemens twix", ["twix", "-e", "image", "-q"]),
    "vb.dat": (np.array([9000, 3], "<u4").tobytes() + b"Config <XProtocol> {", "Siemens twix", ["twix"]),
    "scan.rda": (b">>> Begin of header <<<\r\n", "Siemens RDA", ["rda"]),
    "P00001.7": (np.float32(20.006).tobytes() + bytes(64), "GE P-file", ["ge"]),
    "P00002.7": (np.array(9, ">f4").tobytes() + bytes(64), "GE P-file", ["ge"]),
    "siemens.IMA": (dicom("SIEMENS"), "Siemens DICOM", ["dicom"]),
    "xa.dcm": (dicom("Siemens Healthineers"), "Siemens DICOM", ["dicom"]),
    "IM_0001": (dicom("Philips Medical Systems", explicit=False), "Philips DICOM", ["philips_dcm"]),
    "u.dcm": (dicom("UIH"), "UIH DICOM", ["uih"]),
    "scan.mrui": (bytes(64), "jMRUI", ["jmrui"]),
    "jmrui.txt": (b"jMRUI Data Textfile\n", "jMRUI", ["jmrui"]),
    "svs.RAW": (
        b" $SEQPAR\n hzpppm = 1.2325D+02\n $END\n",
        "LCModel RAW",
        ["raw", "--override_frequency", "1.2325e+02", "-n", "1H"],
    ),
    "svs.H2O": (b" &NMID\n /\n", "LCModel RAW", ["raw", "-n", "1H"]),
}


@pytest.mark.parametrize("name", CONTENTS)
def test_a_file_by_its_contents(name: str, tmp_path: Path) -> None:
    contents, kind, command = CONTENTS[name]
    (tmp_path / name).write_bytes(contents)
    found = vendor_scan([tmp_path / name])
    assert found.kind == kind
    assert list(found.command)[: len(command)] == command
    assert found.files == (tmp_path / name,)
    assert not found.as_folder


@pytest.mark.parametrize("given", ["a.SDAT", "a.spar"])
def test_the_other_of_a_pair_is_found_whatever_its_capitals(given: str, tmp_path: Path) -> None:
    for name in ("a.SDAT", "a.spar", "b.SPAR"):
        (tmp_path / name).touch()
    found = vendor_scan([tmp_path / given])
    assert found.files == (tmp_path / "a.SDAT", tmp_path / "a.spar")
    assert found.references == ()
    apart = vendor_scan([tmp_path / "a.SDAT", tmp_path / "b.SPAR"])
    assert apart.files == (tmp_path / "a.SDAT", tmp_path / "b.SPAR")


def test_the_reference_of_a_philips_scan_is_found_beside_it(tmp_path: Path) -> None:
    for name in (
        "ab_raw_act.SDAT",
        "ab_raw_act.SPAR",
        "ab_raw_ref.SDAT",
        "ab_raw_ref.SPAR",
        "exact.SDAT",
        "exact.SPAR",
    ):
        (tmp_path / name).touch()
    found = vendor_scan([tmp_path / "ab_raw_act.SDAT"])
    assert found.references == ((tmp_path / "ab_raw_ref.SDAT", tmp_path / "ab_raw_ref.SPAR"),)
    assert vendor_scan([tmp_path / "ab_raw_ref.SDAT"]).references == ()
    assert vendor_scan([tmp_path / "exact.SDAT"]).references == ()


def test_data_list_and_spar(tmp_path: Path) -> None:
    for name in ("raw_1.data", "raw_1.list", "x.SPAR"):
        (tmp_path / name).touch()
    found = vendor_scan([tmp_path / "x.SPAR", tmp_path / "raw_1.data", tmp_path / "raw_1.list"])
    assert found.command == ("philips_dl",)
    assert [path.name for path in found.files] == ["raw_1.data", "raw_1.list", "x.SPAR"]


def test_folders(tmp_path: Path) -> None:
    for name in (
        "v.fid/procpar",
        "v.fid/fid",
        "7/method",
        "7/rawdata.job0",
        "none/notes.txt",
        "two/a.dat",
        "two/b.rda",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "d").mkdir()
    for n in range(2):
        (tmp_path / "d" / f"{n}").write_bytes(dicom("Philips"))
    assert vendor_scan([tmp_path / "v.fid"]).command == ("varian",)
    bruker = vendor_scan([tmp_path / "7"])
    assert bruker.command == ("bruker", "-m", "RAWDATA")
    assert bruker.files == (tmp_path / "7" / "rawdata.job0",)
    many = vendor_scan([tmp_path / "d"])
    assert many.command == ("philips_dcm",)
    assert many.as_folder
    assert many == vendor_scan([tmp_path / "d" / "0", tmp_path / "d" / "1"]).__class__(
        many.kind, many.command, (tmp_path / "d" / "0", tmp_path / "d" / "1"), "d", as_folder=True
    )
    with pytest.raises(DataError, match=r"two holds a\.dat; name the one"):
        vendor_scan([tmp_path / "two"])
    with pytest.raises(DataError, match=r"none holds no scan that spec2nii reads; it reads Siemens twix"):
        vendor_scan([tmp_path / "none"])


REFUSED = {
    "absent.rda": (None, "There is no file .*absent.rda; check the name"),
    "lonely.SDAT": (b"", "needs its .SPAR file, and there is none of that name beside it; give both"),
    "other.dat": (b"text, and more of it", "no Siemens twix file, though its name ends in .dat"),
    "notes.7": (b"text, and more of it", "no GE P-file, though its name ends in .7"),
    "scan.nii.gz": (b"", "a NIfTI file: it needs no conversion"),
    "ScanArchive.h5": (b"", "GE ScanArchive, which spec2nii does not read; export the P-file"),
    "ge.dcm": (
        dicom("GE MEDICAL SYSTEMS"),
        "DICOM of GE MEDICAL SYSTEMS; spec2nii reads .* export the P-file",
    ),
    "who.dcm": (bytes(128) + b"DICM" + bytes(64), "DICOM of a manufacturer that it does not say"),
    "fid.txt": (b"1 2\n3 4\n", "plain text, .* spec2nii text -i MHZ -b HZ -n 1H"),
    "paper.pdf": (b"%PDF", "no file that spec2nii reads; it reads Siemens twix"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_converted_is_refused_with_the_way_out(name: str, tmp_path: Path) -> None:
    contents, words = REFUSED[name]
    if contents is not None:
        (tmp_path / name).write_bytes(contents)
    with pytest.raises(DataError, match=words):
        vendor_scan([tmp_path / name])


def test_files_of_two_scans_are_refused(tmp_path: Path) -> None:
    for name in ("a.SDAT", "a.SPAR", "b.SDAT", "b.SPAR", "a.7", "b.7", "a.rda", "b.rda"):
        (tmp_path / name).write_bytes(np.float32(20).tobytes())
    for ending in ("SDAT", "7", "rda"):
        with pytest.raises(DataError, match=r"of two scans|one after the other|no files of one scan"):
            vendor_scan([tmp_path / f"a.{ending}", tmp_path / f"b.{ending}"])
