import numpy as np
import pytest

from fsl_mrs_dl import physics
from fsl_mrs_dl.data import MRSData
from tests.benchmarks import invivo, quality
from tests.benchmarks.table import NOT_RUN

DWELLTIME_S, FREQUENCY_MHZ, N_POINTS = 0.5e-3, 127.7, 1024


def transients(rng, n=40, shift_hz=0.0, noise=0.3, lines=((2.01, 1.0), (3.03, 0.8), (3.2, 0.4), (4.65, 8.0))):
    """Transients of some lines, each moved by a shift (Hz) of its own, and noise."""
    like = np.empty(1, dtype=np.complex128)
    hz = [((ppm - 4.65) * FREQUENCY_MHZ, height) for ppm, height in lines]
    clean = sum(height * physics.singlet(N_POINTS, DWELLTIME_S, f, 15.0, 0.0, like) for f, height in hz)
    moved = physics.shift(np.broadcast_to(clean, (n, N_POINTS)), np.broadcast_to(shift_hz, n), DWELLTIME_S)
    fids = physics.add_noise(moved, noise, rng)
    return MRSData(fids.T[None, None, None], DWELLTIME_S, FREQUENCY_MHZ, "1H", ("DIM_DYN",))


def test_page_says_not_run_where_files_are_absent(tmp_path, monkeypatch):
    monkeypatch.setenv("FSL_MRS_DL_TEST_DATA", str(tmp_path))
    page = invivo.run("smoke", 1)
    for table in page.tables:
        for row in table.rows:
            assert len(row) == len(table.columns)
            assert row[-1] == NOT_RUN


@pytest.mark.parametrize("lines", [False, True])
def test_transients_of_one_signal_reach_the_highest_similarity(rng, lines):
    data = transients(rng, n=200)
    found, highest = (
        f(data, (1.8, 4.2), lines=lines)[0] for f in (quality.similarity, quality.highest_similarity)
    )
    assert 0.3 < highest < 0.99
    assert found == pytest.approx(highest, abs=0.02)


def test_water_scatter_is_that_of_the_shifts(rng):
    shift_hz = np.linspace(-3, 3, 40)
    place_hz, phase_rad = quality.water_scatter(transients(rng, shift_hz=shift_hz, noise=0.05))
    assert place_hz[0] == pytest.approx(np.std(shift_hz), rel=0.01)
    assert phase_rad[0] < 0.02


@pytest.mark.parametrize("sign", [-1, 1])
def test_choline_left_is_none_without_and_much_with_a_misplaced_condition(rng, sign):
    on = transients(rng, noise=1e-4)
    for shift_hz, least, most in ((0.0, 0.0, 0.01), (2.0, 0.2, 2.0)):
        off = transients(rng, noise=1e-4, shift_hz=shift_hz)
        fid = np.stack([on.fid, sign * off.fid], axis=-1)
        both = MRSData(fid, DWELLTIME_S, FREQUENCY_MHZ, "1H", ("DIM_DYN", "DIM_EDIT"))
        assert least <= quality.choline_left(both) <= most


def test_main_prints_one_line_a_condition(rng, tmp_path, capsys):
    from fsl_mrs_dl.io import nifti

    nifti.write(transients(rng), tmp_path / "a.nii.gz")
    quality.main([str(tmp_path / "a.nii.gz"), str(tmp_path / "a.nii.gz")])
    printed = capsys.readouterr().out
    assert printed.count("NAA") == 2
    assert "relative difference from the first file" in printed
