"""``quantify`` beside FSL-MRS: the same files, columns and maps, and the same numbers within their bounds."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from fsl_mrs_dl import physics
from fsl_mrs_dl.cli import main
from fsl_mrs_dl.data import MRSData
from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.io.basis import read_basis, write_json_basis
from fsl_mrs_dl.simulate.shipped import shipped_basis

pytestmark = pytest.mark.fslmrs

N, DT = 1024, 5e-4
AMPLITUDES = {
    "Cr": 5.0,
    "GPC": 1.2,
    "Glu": 10.0,
    "Ins": 7.0,
    "NAA": 12.0,
    "NAAG": 1.5,
    "PCh": 0.4,
    "PCr": 4.0,
}
OWN_FILES = {"fit_avg.png", "options.txt"}


def program(name: str, *words: str) -> None:
    """Run a program of FSL-MRS of the environment that runs the tests."""
    path = Path(sys.executable).with_name(name)
    ran = subprocess.run([str(path), *words], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two voxels and one, with water, fitted by both programs."""
    place = tmp_path_factory.mktemp("quantify")
    rng = np.random.default_rng(4)
    whole = read_basis(shipped_basis("press_3t_te30"))
    rows = [whole.names.index(name) for name in AMPLITUDES]
    basis = replace(whole, fids=whole.fids[rows], names=tuple(AMPLITUDES))
    write_json_basis(basis, place / "basis")
    mhz = basis.spectrometer_frequency_mhz
    members = physics.on_points(basis, N, DT, mhz).fids
    clean = np.array(list(AMPLITUDES.values())) @ members * np.array([[1.0], [0.7]])
    seen = physics.damp(clean, np.array([10.0, 14.0]), np.array([8.0, 6.0]), DT)
    seen = physics.phase(physics.shift(seen, np.array([3.0, -2.0]), DT), np.array([0.3, -0.2]))
    like = np.zeros(1, dtype=complex)
    water = [height * physics.singlet(N, DT, 2.0, 15.0, 5.0, like) for height in (8e4, 6e4)]
    header = {"EchoTime": 0.03, "RepetitionTime": 2.0}
    affine = np.diag([20.0, 20.0, 20.0, 1.0])
    for name, fids in (("data", physics.add_noise(seen, 1.0, rng)), ("water", np.stack(water))):
        data = MRSData(fids[:, None, None].astype(np.complex64), DT, mhz, affine=affine, header=header)
        nifti.write(data, place / f"mrsi_{name}.nii.gz")
        nifti.write(data.with_fid(data.fid[:1]), place / f"svs_{name}.nii.gz")
    for name, part in (("wm", 0.5), ("gm", 0.4), ("csf", 0.1)):
        nib.save(nib.Nifti1Image(np.full((2, 1, 1), part), affine), place / f"{name}.nii.gz")
    (place / "fractions.json").write_text('{"WM": 0.5, "GM": 0.4, "CSF": 0.1}')
    for kind, fractions in (("svs", ["fractions.json"]), ("mrsi", ["wm.nii.gz", "gm.nii.gz", "csf.nii.gz"])):
        words = ["--data", str(place / f"{kind}_data.nii.gz"), "--h2o", str(place / f"{kind}_water.nii.gz")]
        words += ["--basis", str(place / "basis"), "--combine", "NAA", "NAAG"]
        words += ["--tissue_frac", *(str(place / name) for name in fractions)]
        serial = ["--parallel", "off"] if kind == "mrsi" else []
        theirs = {"svs": "fsl_mrs", "mrsi": "fsl_mrsi"}[kind]
        program(theirs, *words, *serial, "--output", str(place / f"theirs_{kind}"))
        words += ["--baseline", "poly, 2"]  # FSL-MRS's default, not ours
        assert main(["quantify", *words, "--output", str(place / f"ours_{kind}")]) == 0
    return place


def test_tables_are_read_the_way_fsl_mrs_reads_them(folder: Path) -> None:
    pandas = pytest.importorskip("pandas")
    theirs, ours = (
        pandas.read_csv(folder / f"{who}_svs" / "concentrations.csv", index_col=0, header=[0, 1])
        for who in ("theirs", "ours")
    )
    assert list(ours.columns[: len(theirs.columns)]) == list(theirs.columns)
    assert set(theirs.index) <= set(ours.index)
    for name in ("summary", "qc", "all_parameters"):
        theirs, ours = (
            pandas.read_csv(folder / f"{who}_svs" / f"{name}.csv", index_col=0) for who in ("theirs", "ours")
        )
        assert list(ours.columns[: len(theirs.columns)]) == list(theirs.columns)
        assert ours.index.name == theirs.index.name
        assert set(theirs.index) <= set(ours.index)


def test_numbers_agree_within_their_bounds(folder: Path) -> None:
    pandas = pytest.importorskip("pandas")
    theirs, ours = (
        pandas.read_csv(folder / f"{who}_svs" / "summary.csv", index_col=0) for who in ("theirs", "ours")
    )
    ours = ours.loc[theirs.index]
    ratio, sd = "/Cr+PCr", "/Cr+PCr CRLB"
    assert ((ours[ratio] - theirs[ratio]).abs() < theirs[sd] + ours[sd]).all()
    np.testing.assert_allclose(ours["%CRLB"], theirs["%CRLB"], rtol=0.1)
    main_ones = ["NAA", "Glu", "Ins", "Cr+PCr", "NAA+NAAG"]
    np.testing.assert_allclose(ours.loc[main_ones, "mM"], theirs.loc[main_ones, "mM"], rtol=0.03)
    # FSL-MRS takes the volume fraction of CSF where a molality needs its share of the water.
    water = 0.5 * 0.65 + 0.4 * 0.78
    share = 0.1 * 0.97 / (water + 0.1 * 0.97)
    found = (ours["mMol/kg"] / ours["mM"]) / (theirs["mMol/kg"] / theirs["mM"])
    np.testing.assert_allclose(found, 0.9 / (1 - share), rtol=1e-4)
    singlets = ["NAA", "Cr", "GPC"]
    np.testing.assert_allclose(ours.loc[singlets, "FWHM"], theirs.loc[singlets, "FWHM"], rtol=0.1)


def test_parameters_have_their_signs(folder: Path) -> None:
    pandas = pytest.importorskip("pandas")
    theirs, ours = (
        pandas.read_csv(folder / f"{who}_svs" / "all_parameters.csv", index_col=0)["mean"]
        for who in ("theirs", "ours")
    )
    for name, tolerance in (("gamma_0", 1.5), ("sigma_0", 0.8), ("eps_0", 0.5), ("Phi0", 0.04)):
        assert ours[name] == pytest.approx(theirs[name], abs=tolerance)


def test_folder_has_all_files_of_fsl_mrsi_and_the_same_maps(folder: Path) -> None:
    files = {
        who: {str(p.relative_to(folder / who)) for p in (folder / who).rglob("*") if p.is_file()}
        for who in ("theirs_mrsi", "ours_mrsi")
    }
    assert files["theirs_mrsi"] - OWN_FILES <= files["ours_mrsi"]
    tolerances = {
        "nuisance/p0": 3.0,
        "nuisance/shift_group0": 2e-3,
        "nuisance/combined_lw_group0": 0.4,
        "concs/internal/NAA": 0.05,
        "concs/molarity/NAA": 0.4,
        "uncertainties/NAA_sd": 0.3,
        "qc/NAA_fwhm": 0.8,
    }
    for name, tolerance in tolerances.items():
        theirs, ours = (nib.load(folder / who / f"{name}.nii.gz") for who in ("theirs_mrsi", "ours_mrsi"))
        assert ours.shape == theirs.shape
        np.testing.assert_array_equal(ours.affine, theirs.affine)
        np.testing.assert_allclose(ours.get_fdata(), theirs.get_fdata(), atol=tolerance, err_msg=name)


def test_curves_lie_on_theirs(folder: Path) -> None:
    theirs, ours = (
        nifti.read(folder / who / "fit" / "fit.nii.gz").fid for who in ("theirs_mrsi", "ours_mrsi")
    )
    ppm = nifti.read(folder / "mrsi_data.nii.gz").ppm_axis
    inside = (ppm > 0.3) & (ppm < 4.1)
    spectra = [physics.fid_to_spectrum(fid[:, 0, 0])[:, inside] for fid in (theirs, ours)]
    assert np.linalg.norm(spectra[1] - spectra[0]) < 0.05 * np.linalg.norm(spectra[0])
