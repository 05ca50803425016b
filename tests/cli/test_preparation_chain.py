"""From raw coils to one clean FID on the command line, and what the commands refuse."""

from pathlib import Path

import numpy as np
import pytest

from fsl_mrs_dl import cli
from fsl_mrs_dl.data import Complex, MRSData
from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.physics import apply_time_phase, eddy_current_phase, fid_to_spectrum, singlet

N_POINTS, DWELLTIME_S, MHZ, N_COILS, N_TRANSIENTS = 1024, 5e-4, 123.2, 4, 12
LIKE = np.zeros(1, complex)
SD = 0.05


def line(ppm: float, gamma: float) -> Complex:
    fid: Complex = singlet(N_POINTS, DWELLTIME_S, (ppm - 4.65) * MHZ, gamma, 0.0, LIKE)
    return fid


def metabolites() -> Complex:
    return line(2.01, 12.0) + 0.8 * line(3.03, 12.0) + 0.5 * line(3.2, 12.0)


@pytest.fixture
def folder(tmp_path: Path, rng: np.random.Generator) -> Path:
    """``metab.nii.gz`` (coils x transients, eddy currents, residual water) and ``water.nii.gz`` (coils)."""
    coils = rng.uniform(0.3, 1, N_COILS) * np.exp(2j * np.pi * rng.uniform(size=N_COILS))
    coils /= np.linalg.norm(coils)
    eddy = eddy_current_phase(N_POINTS, DWELLTIME_S, 6.0, 0.05, LIKE)

    def write(name: str, fid: Complex, n_transients: int, tags: tuple[str, ...]) -> None:
        received = np.multiply.outer(coils, np.ones(n_transients))
        clean = np.multiply.outer(apply_time_phase(fid, eddy), received)
        parts = rng.normal(0, SD, (2, *clean.shape))
        whole = (clean + parts[0] + 1j * parts[1])[None, None, None]
        shape = whole.shape[: 4 + len(tags)]
        data = MRSData(whole.reshape(shape), DWELLTIME_S, MHZ, "1H", tags, affine=np.diag([20.0, 20, 20, 1]))
        nifti.write(data, tmp_path / name)

    write("metab.nii.gz", metabolites() + 30 * line(4.66, 20.0), N_TRANSIENTS, ("DIM_COIL", "DIM_DYN"))
    write("water.nii.gz", 1e4 * line(4.65, 8.0), 1, ("DIM_COIL",))
    return tmp_path


def run(folder: Path, command: str, *arguments: str) -> int:
    return cli.main([command, "--output", str(folder / "out"), *arguments])


def test_chain_from_raw_coils_to_a_clean_fid(folder: Path) -> None:
    water, raw = str(folder / "water.nii.gz"), str(folder / "metab.nii.gz")
    combined_water, first, second, third, last = (
        str(folder / "out" / f"{name}.nii.gz") for name in ("water", "1", "2", "3", "4")
    )
    assert run(folder, "coilcombine", "--file", water, "--no_prewhiten") == 0
    assert run(folder, "coilcombine", "--file", raw, "--reference", water, "--filename", "1") == 0
    assert run(folder, "ecc", "--file", first, "--reference", combined_water, "--filename", "2") == 0
    assert run(folder, "average", "--file", second, "--filename", "3") == 0
    assert run(folder, "remove", "--file", third, "--ppm", "4.5", "4.8", "--filename", "4") == 0
    result = nifti.read(last)
    assert result.dim_tags == ()
    assert [record["Method"] for record in result.processing] == [
        "RF coil combination",
        "Eddy current correction",
        "Signal averaging",
        "Nuisance peak removal",
    ]
    assert "reference=water.nii.gz" in result.processing[0]["Details"]
    # Unit-norm coils: the signal keeps its size, the noise is that of one coil over sqrt(transients).
    left = fid_to_spectrum(result.fid[0, 0, 0] - metabolites())
    outside = np.abs(result.ppm_axis - 4.65) > 0.3
    assert np.std(left[outside]) == pytest.approx(SD * np.sqrt(2 / N_TRANSIENTS), rel=0.1)


@pytest.mark.parametrize(
    ("command", "arguments", "words"),
    [
        ("coilcombine", ["--file", "out.nii.gz"], "no file"),
        ("coilcombine", ["--file", "metab.nii.gz", "--covariance", "none.txt"], "none.txt"),
        ("ecc", ["--file", "metab.nii.gz", "--reference", "short.nii.gz"], "1000 points"),
        ("remove", ["--file", "metab.nii.gz", "--ppm", "30", "40"], "a window within"),
        ("average", ["--file", "metab.nii.gz", "--dim", "DIM_EDIT"], "no DIM_EDIT"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    arguments: list[str],
    words: str,
) -> None:
    monkeypatch.chdir(folder)
    water = nifti.read(folder / "water.nii.gz")
    nifti.write(water.with_fid(water.fid[:, :, :, :1000]), folder / "short.nii.gz")
    assert run(folder, command, *arguments) == 2
    said = capsys.readouterr()
    assert words in said.err
    assert len(said.err.splitlines()) == 1
    assert not said.out
    assert not list(folder.glob("out/*"))
