"""What the form of a step is filled with, and what it lists."""

from pathlib import Path

import viewer_results

from fsl_mrs_dl.simulate.shipped import RECIPES
from fsl_mrs_dl.steps.registry import steps
from fsleyes_plugin.refitting import basis_of, free_folder, values_like
from fsleyes_plugin.running import arguments
from fsleyes_plugin.session import Session
from fsleyes_plugin.suggesting import data_path, names_for, suggested


def test_a_fit_is_repeated_with_its_settings(tmp_path):
    """The words of a form that was filled from a fit are those of its command, in another folder."""
    quantify = steps()["quantify"]
    stiff = Session().open(viewer_results.mrsi_stiff())
    values = dict(suggested(quantify, data_path(stiff), stiff))
    head = viewer_results.mrsi().parent / "head.nii.gz"
    assert (values["--data"], values["--output"]) == (str(head), f"{head.parent / 'head_quantify_1'}")
    words = arguments(quantify, values)
    assert words[words.index("--basis") + 1] == viewer_results.BASIS
    assert words[words.index("--baseline") + 1] == "off"
    assert {"--lorentzian", "--no_posterior"} <= set(words)
    assert "--mask" not in words


def test_a_scan_fills_file_and_folder():
    align = steps()["align"]
    session = Session()
    scan = session.open_scan(viewer_results.edited())
    values = suggested(align, data_path(scan), scan)
    expected = viewer_results.edited()
    assert values == {"--file": str(expected), "--output": f"{expected.parent / 'edited_align_1'}"}
    selected = Path("/elsewhere/scan.nii.gz")
    assert data_path(scan, selected) == selected
    assert data_path(None) is None
    assert suggested(align, None, None) == {}


def test_a_folder_that_exists_is_never_suggested(tmp_path):
    (tmp_path / "region_1").mkdir()
    (tmp_path / "region_2.nii.gz").touch()
    assert free_folder(tmp_path, "region") == tmp_path / "region_3"


def test_basis_sets_and_packages_are_listed():
    registry = steps()
    assert names_for(registry["quantify"], "basis") == tuple(RECIPES)
    assert "align-dsr-1h-3t" in names_for(registry["align"], "model")
    assert not any(name.startswith("align") for name in names_for(registry["quantify"], "model"))
    assert names_for(registry["align"], "ppm") == ()


def test_the_basis_set_of_a_fit_is_its_own():
    fit = Session().open(viewer_results.mrsi())
    assert basis_of(fit.folder) == viewer_results.BASIS
    assert basis_of(None) == ""
    assert values_like(None) == {}
