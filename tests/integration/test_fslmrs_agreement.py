"""Our preparation steps beside those of FSL-MRS: the same FIDs, and files that pass from one to the other."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fsl_mrs_dl import cli, fslmrs
from fsl_mrs_dl.data import Complex, MRSData
from fsl_mrs_dl.io.nifti import from_nifti_mrs, read, to_nifti_mrs, write
from fsl_mrs_dl.physics import singlet
from fsl_mrs_dl.steps.add import add
from fsl_mrs_dl.steps.average import average
from fsl_mrs_dl.steps.coilcombine import coilcombine
from fsl_mrs_dl.steps.ecc import ecc
from fsl_mrs_dl.steps.registry import Step
from fsl_mrs_dl.steps.remove import remove
from fsl_mrs_dl.steps.subtract import subtract

pytestmark = pytest.mark.fslmrs

N_POINTS, DWELLTIME_S, MHZ, N_COILS, N_TRANSIENTS = 1024, 5e-4, 123.2, 4, 8


def _made(
    rng: np.random.Generator, amplitudes: dict[float, complex], *shape: int, tags: tuple[str, ...]
) -> MRSData:
    """Coils [x transients] of some lines, with noise whose correlations are real.

    FSL-MRS 2.4 whitens with the conjugate of the covariance; the two agree where it is real.
    """
    coils = np.array([1.0, 0.7j, -0.5, 0.3 - 0.8j])
    like = np.zeros(1, complex)
    hz = {(ppm - 4.65) * MHZ: amplitude for ppm, amplitude in amplitudes.items()}
    fid = sum(a * singlet(N_POINTS, DWELLTIME_S, shift, 12.0, 0.0, like) for shift, a in hz.items())
    colour = np.eye(N_COILS) + 0.3
    parts = rng.normal(0, 0.02, (2, N_POINTS, N_COILS, *shape))
    noise = np.einsum("ij,tj...->ti...", colour, parts[0] + 1j * parts[1])
    clean = np.multiply.outer(np.multiply.outer(fid, coils), np.ones(shape))
    return MRSData((clean + noise)[None, None, None], DWELLTIME_S, MHZ, "1H", tags)


@pytest.fixture
def metabolites(rng: np.random.Generator) -> MRSData:
    lines = {2.01: 1.0, 3.03: 0.8, 4.65: 5 + 5j}
    return _made(rng, lines, N_TRANSIENTS, tags=("DIM_COIL", "DIM_DYN"))


@pytest.fixture
def water(rng: np.random.Generator) -> MRSData:
    return _made(rng, {4.66: 1e4}, tags=("DIM_COIL",))


def theirs(function: str, data: MRSData, **options: object) -> MRSData:
    given = {key: to_nifti_mrs(v) if isinstance(v, MRSData) else v for key, v in options.items()}
    return from_nifti_mrs(fslmrs.process(function, to_nifti_mrs(data), **given))


def difference(ours: MRSData, other: MRSData) -> float:
    """Relative difference of all FIDs together, after one complex constant."""
    assert ours.dim_tags == other.dim_tags
    assert ours.fid.shape == other.fid.shape
    x, y = (data.fid.astype(np.complex128).ravel() for data in (ours, other))
    constant = np.vdot(x, y) / np.vdot(x, x)
    return float(np.linalg.norm(constant * x - y) / np.linalg.norm(y))


def test_average(metabolites: MRSData) -> None:
    assert difference(average(metabolites).data, theirs("average", metabolites, dim="DIM_DYN")) < 1e-12


@pytest.mark.parametrize("step", [add, subtract], ids=["add", "subtract"])
def test_add_and_subtract(step: Step, metabolites: MRSData) -> None:
    """The same numbers, scale and sign included."""
    two, other = (
        metabolites.with_fid(metabolites.fid[..., :2]),
        metabolites.with_fid(metabolites.fid[..., 2:4]),
    )
    for ours, given in (({"dim": "DIM_DYN"}, {"dim": "DIM_DYN"}), ({"reference": other}, {"data1": other})):
        found, expected = step(two, **ours).data, theirs(step.name, two, **given)
        assert found.dim_tags == expected.dim_tags
        np.testing.assert_allclose(found.fid, expected.fid, rtol=1e-6, atol=1e-9)


def test_ecc(metabolites: MRSData, water: MRSData) -> None:
    one_coil = metabolites.with_fid(metabolites.fid[:, :, :, :, 0], without="DIM_COIL")
    one_water = water.with_fid(water.fid[..., 0], without="DIM_COIL")
    ours = ecc(one_coil, reference=one_water).data
    assert difference(ours, theirs("ecc", one_coil, reference=one_water)) < 1e-9


def test_remove(metabolites: MRSData) -> None:
    few = metabolites.with_fid(metabolites.fid[..., 0, :2], without="DIM_COIL")
    assert difference(remove(few, ppm=(4.5, 4.8)).data, theirs("remove_peaks", few, limits=(4.5, 4.8))) < 1e-3


def test_coilcombine_with_a_given_covariance(metabolites: MRSData, water: MRSData, tmp_path: Path) -> None:
    covariance = np.linalg.matrix_power(np.eye(N_COILS) + 0.3, 2)
    np.savetxt(tmp_path / "covariance.txt", covariance)
    ours = coilcombine(metabolites, reference=water, covariance=tmp_path / "covariance.txt").data
    assert difference(ours, theirs("coilcombine", metabolites, reference=water, covariance=covariance)) < 1e-9


@pytest.mark.parametrize("with_reference", [True, False])
def test_coilcombine_with_estimated_covariance(
    metabolites: MRSData, water: MRSData, with_reference: bool
) -> None:
    reference = water if with_reference else None
    ours = coilcombine(metabolites, reference=reference).data
    # What is left: the imaginary part of a covariance of 824 samples, and weights of each FID by itself.
    assert difference(ours, theirs("coilcombine", metabolites, reference=reference)) < 0.01


def test_process_leaves_its_input_alone(metabolites: MRSData) -> None:
    given = to_nifti_mrs(metabolites)
    before = given[:].copy()
    fslmrs.process("average", given, dim="DIM_DYN")
    assert np.array_equal(given[:], before)
    assert "ProcessingApplied" not in given.hdr_ext.to_dict()


@pytest.mark.realdata
def test_coilcombine_of_real_data(shared_data: Path) -> None:
    folder = shared_data / "invivo" / "steam_7t"
    data, reference = read(folder / "metab_raw.nii.gz"), average(read(folder / "wref_raw.nii.gz")).data
    ours = coilcombine(data, reference=reference).data
    covariance = _tail_covariance(data)
    # One of the two is FSL-MRS's own default, depending on whether it conjugates the covariance.
    both = (covariance, covariance.conj())
    given = [theirs("coilcombine", data, reference=reference, covariance=c) for c in both]
    assert min(difference(ours, other) for other in given) < 1e-3


def _tail_covariance(data: MRSData) -> Complex:
    tail = np.moveaxis(data.fid[0, 0, 0], 1, 0)[:, int(0.9 * data.n_points) :].astype(np.complex128)
    covariance: Complex = np.cov((tail - tail.mean(axis=1, keepdims=True)).reshape(len(tail), -1))
    return covariance


@pytest.fixture
def fsl_mrs_proc() -> Callable[..., None]:
    program = Path(sys.executable).with_name("fsl_mrs_proc")
    if not program.exists():
        pytest.skip(f"no fsl_mrs_proc beside {sys.executable}")

    def run(*arguments: object) -> None:
        subprocess.run([program, *map(str, arguments)], check=True, capture_output=True)

    return run


def test_mixed_chain_keeps_the_records(
    fsl_mrs_proc: Callable[..., None], metabolites: MRSData, water: MRSData, tmp_path: Path
) -> None:
    write(metabolites, tmp_path / "metab.nii.gz")
    write(water, tmp_path / "water.nii.gz")
    combined, aligned, averaged = (tmp_path / name for name in ("combined", "aligned", "averaged"))
    raw, reference = tmp_path / "metab.nii.gz", tmp_path / "water.nii.gz"
    fsl_mrs_proc("coilcombine", "--file", raw, "--reference", reference, "--output", combined)
    assert cli.main(["align", "--file", str(combined / "metab.nii.gz"), "--output", str(aligned)]) == 0
    fsl_mrs_proc("average", "--file", aligned / "metab.nii.gz", "--output", averaged)
    result = read(averaged / "metab.nii.gz")
    assert [(record["Program"], record["Method"]) for record in result.processing] == [
        ("FSL-MRS", "RF coil combination"),
        ("fsl_mrs_dl", "Frequency and phase correction"),
        ("FSL-MRS", "Signal averaging"),
    ]
    assert result.dim_tags == ()
    assert result.fid.shape == (1, 1, 1, N_POINTS)
