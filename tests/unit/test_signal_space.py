"""The projection that leaves the metabolites and takes water and lipids away, of any size."""

import numpy as np
import pytest

from fsl_mrs_dl import physics
from fsl_mrs_dl.models.signal_space import signal_space

N, DT = 512, 2.5e-4
LIKE = np.zeros(1, dtype=complex)
FIELDS = (123.25, 297.2)


def line(ppm, mhz, width_hz):
    return physics.singlet(N, DT, (ppm - 4.65) * mhz, np.pi * width_hz, 0.0, LIKE)


def kept(fid, space):
    """Return the share of a signal's length that lies in the space."""
    return np.linalg.norm(space.conj().T @ fid) / np.linalg.norm(fid)


@pytest.mark.parametrize("mhz", FIELDS)
def test_directions_are_orthonormal(mhz):
    space = signal_space(N, DT, mhz)
    np.testing.assert_allclose(space.conj().T @ space, np.eye(space.shape[1]), atol=1e-10)


@pytest.mark.parametrize("mhz", FIELDS)
@pytest.mark.parametrize("ppm", [4.4, 4.65, 4.9, 0.9, 1.3])
@pytest.mark.parametrize("hz_per_t", [0.7, 5.0])
def test_water_and_lipids_are_taken_away(mhz, ppm, hz_per_t):
    """Water of a hundred times the metabolites is then below the noise of an SNR of 10."""
    assert kept(line(ppm, mhz, hz_per_t * mhz / 42.58), signal_space(N, DT, mhz)) < (
        1e-3 if ppm > 4 else 3e-3
    )


@pytest.mark.parametrize("mhz", FIELDS)
@pytest.mark.parametrize(
    ("ppm", "least"), [(2.008 - 0.3, 0.4), (2.008, 0.85), (3.027, 0.95), (3.21, 0.95), (3.21 + 0.3, 0.93)]
)
def test_methyl_lines_are_left_wherever_they_are_moved(mhz, ppm, least):
    # A line whose start is not smooth is a little in every band. NAA is given up where lipids may be.
    assert kept(line(ppm, mhz, 5.0), signal_space(N, DT, mhz)) > least


def test_a_narrower_window_leaves_less():
    narrow = signal_space(N, DT, 123.25, (2.5, 3.5))
    assert kept(line(2.008, 123.25, 5.0), narrow) < 0.25
    assert kept(line(3.027, 123.25, 5.0), narrow) > 0.9
