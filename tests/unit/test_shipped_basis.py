"""The shipped basis sets: what is in them, and that they are made again where mrsandbox is installed."""

import json
import os
from dataclasses import replace

import numpy as np
import pytest

from fsl_mrs_dl import cli
from fsl_mrs_dl.errors import OptionError
from fsl_mrs_dl.io.basis import read_json_basis
from fsl_mrs_dl.scores import peak_linewidth_hz
from fsl_mrs_dl.simulate.shipped import BRAIN_METABOLITES, RECIPES, shipped_basis

LARGEST_MB = 12
ROUNDING = 0.5e-4
CANCELS = {"Cr", "PCr", "Gly", "sIns"}
UNEDITED = [name for name, recipe in RECIPES.items() if not recipe.part]


def fid(basis, name):
    return basis.fids[basis.names.index(name)]


@pytest.fixture(params=RECIPES)
def name(request):
    return request.param


def test_a_set_is_what_its_recipe_says(name):
    basis, recipe = read_json_basis(shipped_basis(name)), RECIPES[name]
    macromolecules = [metabolite for metabolite in basis.names if metabolite.startswith("MM")]
    cancels = CANCELS if recipe.part == "diff" else set()
    assert set(basis.names) - set(macromolecules) == set(BRAIN_METABOLITES) - cancels
    assert len(BRAIN_METABOLITES) >= 19
    assert len(macromolecules) == (2 if recipe.part == "diff" else 5)
    assert basis.fids.shape[1] == recipe.n_points
    assert (basis.dwelltime_s, basis.spectrometer_frequency_mhz, basis.nucleus) == (
        recipe.dwelltime_s,
        recipe.spectrometer_frequency_mhz,
        "1H",
    )


def test_every_file_says_how_it_was_made(name):
    recipe = RECIPES[name]
    for path in shipped_basis(name).glob("*.json"):
        meta = json.loads(path.read_text())["meta"]
        assert meta["Sequence"] == recipe.sequence
        assert meta["EchoTime_ms"] == pytest.approx(recipe.echo_time_s * 1e3)
        assert meta["SpectrometerFrequency_MHz"] == recipe.spectrometer_frequency_mhz
        assert "mrsandbox" in meta["SimVersion"]
        assert "fsl_mrs_dl" in meta["SimVersion"]
        assert "doi" in meta["SpinSystem"] or "de Graaf" in meta["SpinSystem"]
        assert ("MixingTime_ms" in meta) == (recipe.sequence == "steam")
        assert meta.get("EditCondition", "") == recipe.part


@pytest.mark.parametrize("name", UNEDITED)
@pytest.mark.parametrize(("metabolite", "ppm", "protons"), [("Cr", 3.03, 3), ("NAA", 2.01, 3)])
def test_singlets_lie_in_place_and_are_two_hertz_wide(name, metabolite, ppm, protons):
    basis = read_json_basis(shipped_basis(name))
    peak = peak_linewidth_hz(
        fid(basis, metabolite),
        basis.dwelltime_s,
        basis.spectrometer_frequency_mhz,
        4.65,
        ppm,
        half_width_ppm=0.06,
    )
    assert peak.centre_ppm == pytest.approx(ppm, abs=0.02)
    assert peak.fwhm_hz == pytest.approx(2.0, rel=0.02)
    assert peak.phase_rad == pytest.approx(0, abs=np.radians(2))


@pytest.mark.parametrize("name", UNEDITED)
def test_uncoupled_protons_have_amplitude_one(name):
    basis = read_json_basis(shipped_basis(name))
    for metabolite, protons in (("Cr", 5), ("PCr", 5), ("sIns", 6), ("Gly", 2)):
        assert fid(basis, metabolite)[0] == pytest.approx(protons, abs=1e-3)


def test_the_difference_is_on_minus_off():
    on, off, diff = (
        read_json_basis(shipped_basis(f"mega-press_3t_te68_{part}")) for part in ("on", "off", "diff")
    )
    for metabolite in BRAIN_METABOLITES:
        expected = fid(on, metabolite) - fid(off, metabolite)
        if metabolite in CANCELS:
            assert np.abs(expected).max() < 0.01
            continue
        np.testing.assert_allclose(fid(diff, metabolite), expected, atol=3 * 2**0.5 * ROUNDING)


def test_editing_gives_an_upright_doublet_of_gaba():
    diff = read_json_basis(shipped_basis("mega-press_3t_te68_diff"))
    ppm = 4.65 + np.fft.fftshift(np.fft.fftfreq(2560, diff.dwelltime_s)) / diff.spectrometer_frequency_mhz
    near_3 = (ppm > 2.85) & (ppm < 3.15)
    gaba = np.fft.fftshift(np.fft.fft(fid(diff, "GABA")))[near_3].real * diff.dwelltime_s
    width = np.diff(ppm)[0] * diff.spectrometer_frequency_mhz
    # Two protons: ON is upright, OFF (1/2J after excitation) sums to nothing; a causal FID has half the area.
    assert gaba.sum() * width == pytest.approx(2 / 2, rel=0.15)


def test_the_sets_are_small():
    total = sum(path.stat().st_size for name in RECIPES for path in shipped_basis(name).glob("*.json"))
    assert total < LARGEST_MB * 1e6


def test_an_unknown_set_is_refused():
    with pytest.raises(OptionError, match="press_3t_te30"):
        shipped_basis("press")


def test_the_list_needs_no_simulator(capsys):
    assert cli.main(["basis", "--list_shipped"]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in listed] == list(RECIPES)
    assert "TE 30 ms (11 + 19)" in listed[0]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "--sequence"),
        (["--sequence", "press"], "--te"),
        (["--sequence", "press", "--te", "-1"], "positive"),
        (["--sequence", "press", "--te", "30", "--te1", "40"], "--te1"),
        (["--sequence", "steam", "--te", "11"], "--tm"),
        (["--sequence", "press", "--te", "30", "--tm", "10"], "--tm"),
        (["--shipped", "nowhere"], "press_3t_te30"),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path, capsys, arguments, said):
    assert cli.main(["basis", "--output", str(tmp_path / "basis"), *arguments]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "basis").exists()


def test_without_mrsandbox_the_extra_is_named(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "mrsandbox", None)
    monkeypatch.setitem(__import__("sys").modules, "mrsandbox.engine", None)
    arguments = ["basis", "--sequence", "press", "--te", "30", "--output", str(tmp_path / "basis")]
    assert cli.main(arguments) == 2
    assert "fsl-mrs-dl[basis]" in capsys.readouterr().err
    assert not (tmp_path / "basis").exists()


@pytest.fixture
def simulator(monkeypatch):
    """The module that needs mrsandbox; Keras and others warn of things that are not ours."""
    monkeypatch.setitem(os.environ, "KERAS_BACKEND", "torch")
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pytest.importorskip("mrsandbox", reason="mrsandbox (the extra 'basis') is not installed")
        from fsl_mrs_dl.simulate import density_matrix

        yield density_matrix


@pytest.mark.parametrize("metabolite", ["Asc", "Lac", "NAA"])
def test_a_metabolite_made_again_is_the_same(simulator, name, metabolite):
    recipe = replace(RECIPES[name], metabolites=(metabolite,))
    made = simulator.metabolite_fids(recipe)[0]
    shipped = fid(read_json_basis(shipped_basis(name)), metabolite)
    np.testing.assert_allclose(shipped, made, atol=1.1 * 2**0.5 * ROUNDING)


def test_an_own_set_is_written(simulator, tmp_path):
    arguments = [
        "--sequence",
        "steam",
        "--te",
        "20",
        "--tm",
        "10",
        "--field",
        "7",
        "--linewidth",
        "1",
        "--mm",
    ]
    sampling = ["--metabolites", "Cr", "mI", "--points", "512", "--dwelltime", "0.0002"]
    assert cli.main(["basis", "--output", str(tmp_path), *arguments, *sampling]) == 0
    basis = read_json_basis(tmp_path)
    assert set(basis.names) == {"Cr", "Ins", "MM09", "MM12", "MM14", "MM17", "MM20"}
    assert basis.fids.shape[1] == 512
    assert basis.spectrometer_frequency_mhz == pytest.approx(7 * 42.576)
    creatine = np.abs(fid(basis, "Cr"))
    assert creatine[0] == pytest.approx(5, abs=1e-3)


def test_an_unknown_metabolite_is_refused(simulator, tmp_path, capsys):
    arguments = ["--sequence", "press", "--te", "30", "--metabolites", "Unobtainium"]
    assert cli.main(["basis", "--output", str(tmp_path / "basis"), *arguments]) == 2
    assert "Unobtainium" in capsys.readouterr().err
