"""Basis sets of LCModel, jMRUI, plain text and NIfTI-MRS: sign, what is found, what is refused."""

import json
import re

import numpy as np
import pytest

from fsl_mrs_dl.data import Basis, MRSData, basis_hash
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.io.basis import read_basis, write_json_basis
from fsl_mrs_dl.io.basis.formats import FORMATS
from fsl_mrs_dl.io.basis.lcmodel import read_lcmodel_raw
from fsl_mrs_dl.simulate import brain_singlets

MHZ, DWELL, POINTS = 123.25, 1 / 4000, 128
SETTINGS = {"dwelltime_s": DWELL, "spectrometer_frequency_mhz": MHZ}


@pytest.fixture(scope="module")
def basis():
    return brain_singlets(MHZ, DWELL, POINTS)


def numbers(values, form="%15.6E", across=2):
    flat = np.column_stack([values.real, values.imag]).ravel()
    lines = [flat[n : n + across] for n in range(0, flat.size, across)]
    return "".join("".join(form % value for value in line) + "\n" for line in lines)


def lcmodel(basis, form="%15.6E", fortran="(2E15.6)", zero_fill=1, shift=0, **changed):
    said = {"HZPPPM": MHZ, "BADELT": DWELL, "NDATAB": zero_fill * POINTS, "PPMSEP": 4.65, **changed}
    text = f" $SEQPAR\n HZPPPM = {said['HZPPPM']},\n SEQ = 'press' $END\n"
    text += f" $BASIS1\n IDBASI = 'a $ test',\n FMTBAS = '{fortran}',\n"
    text += f" BADELT = {said['BADELT']},\n NDATAB = {said['NDATAB']}\n $END\n"
    for name, fid in zip(basis.names, basis.fids, strict=True):
        spectrum = np.roll(np.fft.fft(fid.conj(), zero_fill * POINTS), shift)
        text += f" $NMUSED\n PPMSEP = {said['PPMSEP']},\n XTRASH = 0.0\n $END\n"
        text += f" $BASIS\n ID = '{name}''s',\n METABO = '{name}',\n CONC = 1.,\n ISHIFT = {shift}\n $END\n"
        text += numbers(spectrum, form, 2)
    return text


def same(found, basis, digits=1e-5):
    assert sorted(found.names) == sorted(basis.names)
    for name, fid in zip(found.names, found.fids, strict=True):
        expected = basis.fids[basis.names.index(name)]
        np.testing.assert_allclose(fid, expected, atol=digits * np.abs(expected).max())


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"form": "%13.5E", "fortran": "(6E13.5)"},
        {"form": " %22.15e", "fortran": "(2E15.6)"},  # another width than it says
        {"form": "%12.5E", "fortran": "(2E12.5)"},  # negative numbers touch
        {"shift": 3},
    ],
)
def test_a_basis_file_of_lcmodel_is_read(tmp_path, basis, how):
    (tmp_path / "x.BASIS").write_text(lcmodel(basis, **how))
    found = read_basis(tmp_path / "x.BASIS")
    # Rounding of 5 digits in each of n bins: n^0.5 of them add up in a point, divided by n.
    same(found, basis, 1e-4)
    assert (found.dwelltime_s, found.spectrometer_frequency_mhz) == (DWELL, MHZ)
    assert (found.name, found.file_format) == ("x.BASIS", "LCModel .BASIS")
    assert list(found.names) == sorted(found.names)


def gfortran(text):
    """Return the text of LCModel's with namelists as gfortran writes them."""
    text = text.replace("$END", "\n /").replace(" $", "&").replace("'press'", '"press /            "')
    return text.replace("'a & test'", "'a $ test & /'")


def test_namelists_of_gfortran_are_read(tmp_path, basis):
    text = gfortran(lcmodel(basis, form="%22.14E"))
    assert "$END" not in text.upper().replace("'A $ TEST & /'", "")
    (tmp_path / "x.BASIS").write_text(text)
    found = read_basis(tmp_path / "x.BASIS")
    same(found, basis, 1e-10)
    assert found.sequence == "press /"
    (tmp_path / "x.BASIS").write_text(text.replace("/\n", "\n"))
    with pytest.raises(DataError, match=r"needed are \$SEQPAR"):
        read_basis(tmp_path / "x.BASIS")


@pytest.mark.parametrize(("ppmcen", "centre"), [("", None), ("4.65", 4.65), ("0.0", 0.0), ("2.5D0", 2.5)])
def test_the_centre_that_a_basis_file_says_is_kept(tmp_path, basis, ppmcen, centre):
    text = lcmodel(basis).replace("SEQ = 'press'", f"SEQ = 'press', PPMCEN = {ppmcen}")
    (tmp_path / "x.BASIS").write_text(text)
    found = read_basis(tmp_path / "x.BASIS")
    same(found, basis, 1e-4)
    assert found.centre_ppm == centre
    assert found.reference_ppm == (4.65 if centre is None else centre)
    assert not found.has_nucleus


def test_numbers_that_touch_are_parted_by_the_format(tmp_path, basis):
    text = lcmodel(basis, form="%12.5E", fortran="(2E12.5)")
    assert any(line.count("-") > 1 and " " not in line.strip() for line in text.splitlines())


def test_zero_filling_and_another_centre_are_taken_out(tmp_path, basis):
    moved = basis.fids * np.exp(2j * np.pi * (4.65 - 4.7) * MHZ * DWELL * np.arange(POINTS))
    (tmp_path / "x.basis").write_text(
        lcmodel(Basis(moved, basis.names, DWELL, MHZ), zero_fill=2, PPMSEP=4.7, form="%22.14E")
    )
    found = read_basis(tmp_path / "x.basis")
    same(found, basis, 1e-6)
    assert [note.split(":")[0][:14] for note in found.notes] == ["centre moved f", "zero-filling r"]


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda text: text[: len(text) // 2], "truncated|numbers"),
        (lambda text: text.replace(f"BADELT = {DWELL}", "BADELT = -1"), "encrypted"),
        (lambda text: text.replace(f"HZPPPM = {MHZ}", "HZPPPM = "), "HZPPPM nan"),
        (lambda text: text.replace("METABO = 'Cr'", "METABO = ' '"), "no name"),
        (lambda text: text.replace("E+00", "E+0x", 1), "not a number .* export the damaged file again"),
        (
            lambda text: re.sub(r"\$BASIS\b", "$BASES", text, count=1),
            r"stands in \$BASES in place of \$BASIS",
        ),
        (lambda text: "version https://git-lfs\n", r"\$BASIS1"),
        (lambda text: text.replace("E-0", "E-9", 3).replace("  ", " NaN", 1) + " NaN NaN\n", "needed"),
    ],
)
def test_damaged_basis_files_are_refused(tmp_path, basis, damage, said):
    (tmp_path / "x.basis").write_text(damage(lcmodel(basis)))
    with pytest.raises(DataError, match=said):
        read_basis(tmp_path / "x.basis")


@pytest.mark.parametrize(
    ("seqpar", "title", "echo_time_s", "sequence"),
    [
        ("ECHOT = 35.00,\n SEQ = 'press'", "Philips press 35 ms Osprey", 0.035, "press"),
        ("ECHOT = -1.,\n SEQ = ' '", " ", None, ""),
        ("ECHOT =  ,\n SEQ = 'PRESS'", "SPANT", None, ""),
        ("ECHOT = 30,\n SEQ = 'PRESS'", "TARQUIN simulated", 0.03, ""),
        ("ECHOT = 2.8D1,\n SEQ = 'sLASER'", "SPANT", 0.028, "sLASER"),
        ("ECHOT = 68.", "Philips MEGA-PRESS diff", 0.068, "Philips MEGA-PRESS diff"),
    ],
)
def test_echo_time_and_sequence_of_lcmodel(tmp_path, basis, seqpar, title, echo_time_s, sequence):
    text = lcmodel(basis).replace("SEQ = 'press'", seqpar).replace("'a $ test'", f"'{title}'")
    (tmp_path / "x.BASIS").write_text(text)
    found = read_basis(tmp_path / "x.BASIS")
    assert (found.echo_time_s, found.sequence) == (echo_time_s, sequence)


def raw_folder(folder, basis, seqpar=""):
    folder.mkdir()
    for name, fid in zip(basis.names, basis.fids, strict=True):
        head = f"{seqpar} $NMID\n ID='{name}', FMTDAT='(2E16.6)', VOLUME=2., TRAMP=4.\n $END\n"
        (folder / f"{name}.RAW").write_text(head + numbers(fid.conj() / 2, "%16.6E"))
    return folder


def test_a_raw_folder_does_not_say_its_nucleus(tmp_path, basis):
    assert not read_lcmodel_raw(raw_folder(tmp_path / "raw", basis), DWELL, MHZ).has_nucleus


def test_a_raw_folder_needs_field_and_dwell_time_from_somewhere(tmp_path, basis):
    folder = raw_folder(tmp_path / "raw", basis)
    with pytest.raises(DataError, match="dwell time"):
        read_basis(folder)
    same(read_basis(folder, **SETTINGS), basis)
    (folder / "makebasis.in").write_text(f" $nmall\n hzpppm={MHZ}, deltat={DWELL}, nunfil=128\n $end\n")
    same(read_basis(folder), basis)
    (folder / "Cr.RAW").write_text("nothing")
    with pytest.raises(DataError, match=r"\$NMID"):
        read_basis(folder)


@pytest.mark.parametrize(
    ("more", "sequence"),
    [("seq='STEAM'", "STEAM"), ("seq='PRESS'", "PRESS"), ("dwellTime=0.00025, seq='PRESS'", "")],
)
def test_echo_time_and_sequence_of_raw_files(tmp_path, basis, more, sequence):
    seqpar = f" $SEQPAR\n echot=20.0, hzpppm={MHZ}, {more}\n $END\n"
    found = read_basis(raw_folder(tmp_path / "raw", basis, seqpar), **SETTINGS)
    assert (found.echo_time_s, found.sequence) == (0.02, sequence)


def jmrui(names, fids, points=POINTS, signal_names=True):
    head = f"jMRUI Data Textfile\n\nFilename: x.txt\n\nPointsInDataset: {points}\n"
    head += f"SamplingInterval: {DWELL * 1e3}\nTransmitterFrequency: {MHZ * 1e6}\nTypeOfNucleus: 0E0\n"
    head += f"SignalNames: {';'.join(names)};\n" if signal_names else ""
    head += "\nSignal and FFT\nsig(real)\tsig(imag)\tfft(real)\tfft(imag)\n"
    for n, fid in enumerate(fids):
        head += f"Signal {n + 1} out of {len(fids)} in file\n"
        head += "".join(f"{v.real:.9e}\t{-v.imag:.9e}\t0.0\t0.0\n" for v in fid) + "\n"
    return head


def test_jmrui_text_is_read_from_a_folder_or_a_file(tmp_path, basis):
    (tmp_path / "all.txt").write_text(jmrui(basis.names, basis.fids))
    whole = read_basis(tmp_path / "all.txt")
    same(whole, basis, 1e-8)
    assert (whole.echo_time_s, whole.sequence) == (None, "")  # jMRUI's files have no key for them
    folder = tmp_path / "each"
    folder.mkdir()
    for name, fid in zip(basis.names, basis.fids, strict=True):
        (folder / f"{name}.txt").write_text(jmrui([name], [fid], signal_names=name != "Cr"))
    found = read_basis(folder)
    same(found, basis, 1e-8)
    assert found.dwelltime_s == pytest.approx(DWELL, rel=1e-12)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda text: text[: int(len(text) * 0.9)], "truncated|damaged"),
        (lambda text: text.replace("SamplingInterval: 0.25", "SamplingInterval: none"), "SamplingInterval"),
        (lambda text: text.replace("SignalNames: ", "SignalNames: a;"), "SignalNames"),
        (lambda text: text.split("Signal 1")[0], "truncated"),
        (lambda text: text.replace("e-01", "x", 1), "not a table"),
    ],
)
def test_damaged_jmrui_files_are_refused(tmp_path, basis, damage, said):
    (tmp_path / "x.txt").write_text(damage(jmrui(basis.names, basis.fids)))
    with pytest.raises(DataError, match=said):
        read_basis(tmp_path / "x.txt")


def test_plain_columns_need_what_they_do_not_say(tmp_path, basis):
    for name, fid in zip(basis.names, basis.fids, strict=True):
        np.savetxt(tmp_path / f"{name}.txt", np.column_stack([fid.real, -fid.imag]))
    with pytest.raises(DataError, match="plain numbers"):
        read_basis(tmp_path)
    same(read_basis(tmp_path, **SETTINGS), basis)
    (tmp_path / "Cr.txt").write_text("1.0\n" * POINTS)
    with pytest.raises(DataError, match="two columns"):
        read_basis(tmp_path, **SETTINGS)


def test_nifti_mrs_files_are_read_though_json_stands_beside_them(tmp_path, basis):
    for name, fid in zip(basis.names, basis.fids, strict=True):
        header = {"EchoTime": 0.03, "SequenceName": "svs_se"}
        nifti.write(MRSData(fid.reshape(1, 1, 1, -1), DWELL, MHZ, header=header), tmp_path / f"{name}.nii.gz")
        (tmp_path / f"{name}.json").write_text("{}")
    found = read_basis(tmp_path)
    same(found, basis, 1e-6)
    assert (found.echo_time_s, found.sequence) == (0.03, "svs_se")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda fid: np.where(np.arange(POINTS) == 5, np.nan, fid), "NaN"),
        (lambda fid: fid[:-1], "one simulation"),
        (lambda fid: fid[:8], "16"),
    ],
)
def test_damaged_metabolites_are_refused(tmp_path, basis, change, said):
    for name, fid in zip(basis.names, basis.fids, strict=True):
        fid = change(fid) if name == "Cr" else fid
        np.savetxt(tmp_path / f"{name}.txt", np.column_stack([fid.real, -fid.imag]))
    with pytest.raises(DataError, match=said):
        read_basis(tmp_path, **SETTINGS)


def columns(folder, basis, **other):
    for name, fid in {**dict(zip(basis.names, basis.fids, strict=True)), **other}.items():
        np.savetxt(folder / f"{name}.txt", np.column_stack([fid.real, -fid.imag]))


def test_members_of_zeros_are_left_out_and_a_set_of_them_is_refused(tmp_path, basis):
    columns(tmp_path, basis, Gly=np.zeros(POINTS, complex))
    found = read_basis(tmp_path, **SETTINGS)
    assert "Gly" not in found.names
    assert found.left_out == {"Gly": "it is zero everywhere"}
    assert found.notes == ("Gly is zero everywhere and is left out",)
    columns(tmp_path, basis, **dict.fromkeys(basis.names, np.zeros(POINTS, complex)))
    with pytest.raises(DataError, match="no member that is not zero"):
        read_basis(tmp_path, **SETTINGS)


@pytest.mark.parametrize("damaged", [np.full(POINTS, np.nan, complex), np.ones(POINTS - 1, complex)])
def test_only_members_that_are_wanted_must_be_whole(tmp_path, basis, damaged):
    columns(tmp_path, basis, Ala=damaged)
    with pytest.raises(DataError, match=r"NaN|one simulation"):
        read_basis(tmp_path, **SETTINGS)
    found = read_basis(tmp_path, lambda name: name != "Ala", **SETTINGS)
    assert sorted({*found.names, "Ala"}) == sorted(basis.names)
    assert found.left_out["Ala"].startswith("it is damaged: ")


def test_a_numbered_name_meets_no_other(tmp_path, basis):
    one = basis.fids[0]
    columns(tmp_path, basis, Creatine=one, Cr_1=2 * one, odd=one, ODD=3 * one)
    names = read_basis(tmp_path, **SETTINGS).names
    assert len({name.casefold() for name in names}) == len(names) == len(basis.names) + 4


def test_a_copy_under_another_spelling_is_left_out_unless_it_is_the_one_wanted(tmp_path, basis):
    columns(tmp_path, basis, Creatine=(1 + 1e-7) * basis.fids[basis.names.index("Cr")])
    found = read_basis(tmp_path, **SETTINGS)
    assert sorted(found.names) == sorted(basis.names)
    assert found.left_out == {"Cr_1": "it has the same signal as Cr"}
    assert "Cr_1 has the same signal as Cr and is left out" in found.notes
    assert "Cr_1" in read_basis(tmp_path, lambda name: name != "Cr", **SETTINGS).names


def test_a_file_of_a_member_that_is_not_wanted_may_be_no_json(tmp_path, basis):
    write_json_basis(basis, tmp_path / "b")
    (tmp_path / "b" / "Cr.json").write_text("{")
    with pytest.raises(DataError, match=r"Cr\.json is not a readable"):
        read_basis(tmp_path / "b")
    found = read_basis(tmp_path / "b", lambda name: name != "Cr")
    assert sorted({*found.names, "Cr"}) == sorted(basis.names)
    assert "Cr" in found.left_out


def test_nifti_mrs_files_say_their_centre(tmp_path, basis):
    for name, fid in zip(basis.names, basis.fids, strict=True):
        header = {"SpecFreqChemShift": 3.0}
        nifti.write(MRSData(fid.reshape(1, 1, 1, -1), DWELL, MHZ, header=header), tmp_path / f"{name}.nii.gz")
    assert read_basis(tmp_path).centre_ppm == 3.0


def test_a_json_set_that_says_no_nucleus_leaves_it_open(tmp_path, basis):
    write_json_basis(basis, tmp_path / "b")
    assert read_basis(tmp_path / "b").has_nucleus
    for path in (tmp_path / "b").iterdir():
        content = json.loads(path.read_text())
        del content["basis"]["basis_nucleus"]
        path.write_text(json.dumps(content))
    found = read_basis(tmp_path / "b")
    assert (found.nucleus, found.has_nucleus) == ("1H", False)


def test_what_is_no_basis_set_is_refused(tmp_path):
    with pytest.raises(DataError, match="Check the name"):
        read_basis(tmp_path / "nowhere")
    with pytest.raises(DataError, match="holds no basis set"):
        read_basis(tmp_path)
    (tmp_path / "a.BASIS").write_text("")
    with pytest.raises(DataError, match=r"name the file a\.BASIS"):
        read_basis(tmp_path)
    (tmp_path / "a.mat").write_text("")
    with pytest.raises(DataError, match="not a basis set"):
        read_basis(tmp_path / "a.mat")


def test_two_spellings_of_one_metabolite_are_numbered(tmp_path, basis):
    double = Basis(basis.fids[:2], ("PCho", "PCh"), DWELL, MHZ)
    write_json_basis(double, tmp_path / "b")
    found = read_basis(tmp_path / "b")
    assert sorted(found.names) == ["PCh", "PCh_1"]
    assert "PCh_1" in found.notes[0]


def test_the_hash_is_of_the_content_alone(basis):
    again = Basis(np.array(basis.fids), basis.names, DWELL, MHZ, name="x", notes=("moved",))
    assert basis_hash(again) == basis_hash(basis)
    assert len(basis_hash(basis)) == 64
    changed = np.array(basis.fids)
    changed[0, 0] *= 1 + 1e-15 * 2
    assert basis_hash(Basis(changed, basis.names, DWELL, MHZ)) != basis_hash(basis)
    assert basis_hash(Basis(basis.fids, basis.names, 2 * DWELL, MHZ)) != basis_hash(basis)


@pytest.mark.parametrize("one", FORMATS, ids=lambda one: one.suffixes[0])
@pytest.mark.parametrize("content", [b"", b"\0\1\2\3" * 64, b"nothing of this kind\n"])
def test_every_format_refuses_a_damaged_file(one, content, tmp_path):
    """A new row is a case by itself."""
    file = tmp_path / "set" / f"Cr{one.suffixes[0]}"
    file.parent.mkdir()
    file.write_bytes(content)
    with pytest.raises(DataError):
        read_basis(file if one.file else file.parent, **SETTINGS)
