"""Damaged results: the viewer's model ends in an error of this project, which its panels show, and in no other."""

import gzip
import shutil
from pathlib import Path

import numpy as np
import pytest
import viewer_results
from damaged_results import damaged_copy

from fsl_mrs_dl.errors import MRSDLError
from fsleyes_plugin.model.alignment import open_alignment
from fsleyes_plugin.model.comparison import common, compare
from fsleyes_plugin.model.damage import damage_refused
from fsleyes_plugin.model.masks import Limits, available, passing
from fsleyes_plugin.model.provenance import provenance_of
from fsleyes_plugin.session import Session

DRAWN = 10
"""Damaged folders a kind here; thousands were looked at when the model was made to refuse them."""
KINDS = {
    "svs": viewer_results.svs,
    "mrsi": viewer_results.mrsi,
    "aligned": lambda: viewer_results.aligned().parent,
}


def look(folder: Path) -> None:
    """Do with a folder whatever the panels do, and go on where one of them is refused.

    Raises
    ------
    MRSDLError
        If anything was refused: the first of them.
    """
    session = Session()
    refused: list[MRSDLError] = []

    def each(*work) -> None:
        for one in work:
            try:
                one()
            except MRSDLError as error:
                refused.append(error)

    if any(folder.glob("scan*")):
        each(lambda: open_alignment(folder / "scan_align.csv").remark())
        each(*(lambda path=path: _scan(session, path) for path in sorted(folder.glob("*.nii.gz"))))
    else:
        each(lambda: _fit(session, folder, each))
    session.close()
    if refused:
        raise refused[0]


def _scan(session: Session, path: Path) -> None:
    scan = session.open_scan(path)
    scan.lines((0, 0, 0), session.places)
    scan.where(session.places)
    provenance_of(path).text()


def _fit(session: Session, folder: Path, each) -> None:
    fit = session.open(folder)
    voxel = (0, 0, 0) if fit.single else (8, 8, 0)
    maps = fit.maps
    each(lambda: provenance_of(fit.curves.fit_path, fit.folder).text())
    each(lambda: fit.curves.lines(voxel), lambda: fit.curves.frame(voxel))
    for scaling in fit.table.scalings[:2]:
        each(lambda scaling=scaling: fit.table.at(voxel, scaling).texts())
    each(lambda: maps.default() and maps.values(maps.default()), lambda: maps.single)
    for kind in maps.single:
        each(lambda kind=kind: maps.file(kind) and maps.file(kind).values)
    for name in maps.metabolites[:1]:
        limits = Limits(name, 20.0, 3.0, 10.0, True)
        each(lambda limits=limits: passing(maps, limits), lambda name=name: available(maps, name))
    each(lambda: [compare(maps, maps, choice).summary() for choice in common(maps, maps)[:1]])


def refused_or_shown(folder, what=""):
    """Look at a folder; only an error of the project, on one line, may come of it."""
    try:
        look(folder)
    except MRSDLError as error:
        said = str(error)
    except Exception as error:
        raise AssertionError(f"{what}: {error!r}") from error
    else:
        said = ""
    assert "\n" not in said, what


def refused(folder):
    with pytest.raises(MRSDLError) as error:
        look(folder)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 700
    return str(error.value)


@pytest.fixture
def copy(tmp_path):
    """Return a function that copies a folder of results."""
    return lambda kind: Path(shutil.copytree(KINDS[kind](), tmp_path / kind))


@pytest.mark.parametrize("kind", KINDS)
def test_whole_results_are_looked_at_without_a_word(kind, copy):
    look(copy(kind))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("journal", ["journal.json", "undo.json"])
def test_a_run_that_died_between_its_first_and_last_file_is_told(kind, journal, copy):
    """Its journal says that files of two runs may stand side by side; each looks whole by itself."""
    folder = copy(kind)
    aside = folder / ".fsl_mrs_dl_dead"
    (aside / "new").mkdir(parents=True)
    look(folder)  # it died before: nothing has changed
    (aside / journal).write_text("{}")
    assert "may hold files of two runs" in refused(folder)


@pytest.mark.parametrize("kind", KINDS)
def test_damage_of_any_kind_is_refused_or_shown_but_never_another_error(kind, tmp_path):
    for seed in range(DRAWN):
        folder, what = damaged_copy(KINDS[kind](), tmp_path / str(seed), np.random.default_rng(seed))
        refused_or_shown(folder, f"seed {seed}, {what}")


def test_a_stream_that_breaks_inside_is_refused(copy):
    """``zlib.error``: the lengths are right, and the bytes between them are not."""
    folder = copy("mrsi")
    path = sorted((folder / "concs" / "internal").glob("NAA.nii.gz"))[0]
    content = bytearray(path.read_bytes())
    content[10:40] = b"\xff" * 30
    path.write_bytes(content)
    assert "NAA.nii.gz is damaged" in refused(folder)


@pytest.mark.parametrize("name", ["run.json", "fit/parameters.json", "qc/flags.json"])
@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"a":' * 100_000, "[]", "3", '{"settings": 3, "parameters": [1]}', ""]
)
def test_json_of_any_form_is_refused_or_passed_over(name, text, copy):
    folder = copy("mrsi")
    (folder / name).write_text(text)
    refused_or_shown(folder)


@pytest.mark.parametrize("name", ["run.json", "fit/fit.nii.gz", "qc/flags.nii.gz", "fit/parameters.nii.gz"])
def test_a_folder_in_the_place_of_a_file_is_refused_or_passed_over(name, copy):
    folder = copy("mrsi")
    (folder / name).unlink()
    (folder / name).mkdir()
    refused_or_shown(folder)


def test_fsl_mrs_options_of_any_depth_are_refused(copy):
    folder = copy("svs")
    (folder / "run.json").unlink()
    (folder / "options.txt").write_text("[" * 100_000)
    assert "damaged" in refused(folder)


def test_a_map_with_fewer_volumes_than_parameters_is_refused(copy):
    """``IndexError``: the parameters are one volume each, and some are not there."""
    import nibabel as nib

    folder = copy("mrsi")
    path = folder / "fit" / "parameters.nii.gz"
    image = nib.load(path)
    cut = np.asarray(image.dataobj)[..., :3]
    nib.save(nib.Nifti1Image(cut, image.affine), path)
    assert "damaged" in refused(folder)


def test_what_is_not_readable_is_refused(copy):
    """``OSError``: not a gzip file at all."""
    folder = copy("aligned")
    path = next(folder.glob("*.nii.gz"))
    path.write_bytes(gzip.decompress(path.read_bytes()))
    refused(folder)


@pytest.mark.parametrize(
    "error", [ZeroDivisionError("x"), KeyError("x\ny"), RecursionError("deep"), MemoryError()]
)
def test_what_damage_raises_names_the_file(error):
    with (
        pytest.raises(MRSDLError, match="/some/fit is damaged") as refused,
        damage_refused(Path("/some/fit")),
    ):
        raise error
    assert "\n" not in str(refused.value)


def test_a_defect_is_not_taken_for_damage():
    with pytest.raises(NotImplementedError), damage_refused(Path("/some/fit")):
        raise NotImplementedError
