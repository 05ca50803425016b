"""What noise does to the likelihood of a shift: side lobes, and SDs that do not count it as signal."""

import numpy as np

from fsl_mrs_dl import physics
from fsl_mrs_dl.fit.registration import Band, registration_crlb
from fsl_mrs_dl.fit.registration.search import side_lobe_hz
from fsl_mrs_dl.fit.registration.template import Template

N, DT, F0 = 2048, 2.5e-4, 127.7
PPM = physics.ppm_axis(N, DT, F0, 4.65)
BAND = Band(DT, F0, PPM, physics.ppm_window(PPM, (1.8, 4.2)), 45.0, share=np.zeros(6))
POSITIONS, HEIGHTS = np.array([2.008, 2.35, 3.027, 3.2, 3.56, 3.913]), np.array([3, 1, 1.8, 1, 0.8, 1.2])


def brain() -> np.ndarray:
    """Return a noiseless FID, shape (coil = 1, time)."""
    lines = physics.singlet(N, DT, (POSITIONS - 4.65) * F0, np.pi * 3, 4.0, np.zeros(1, dtype=complex))
    return (HEIGHTS[:, None] * lines).sum(axis=0)[None]


def test_a_transient_beside_its_place_is_seen_to_a_step() -> None:
    template = Template.of(brain()[None], BAND, np.zeros(1))
    beside_hz = np.array([0.0, 2.0, -1.5])
    fids = physics.shift(np.repeat(brain(), 3, axis=0), beside_hz, DT)[:, None]
    more_hz = side_lobe_hz(fids, template, np.zeros(3, dtype=int), BAND)
    assert more_hz[0] == 0
    step_hz = 0.15 / np.sqrt(template.gram[0, 2, 2] / template.gram[0, 0, 0])
    np.testing.assert_allclose(more_hz[1:], beside_hz[1:], atol=step_hz)


def test_noise_of_a_reference_is_no_information(rng: np.random.Generator) -> None:
    sigma, n = abs(brain()[0, 0]) / 10, 32
    noisy = physics.add_noise(np.repeat(brain()[None], n, axis=0), sigma, rng)
    template = Template.of(noisy, BAND, np.full(n, sigma), np.ones(N))
    bound_hz, _ = registration_crlb(brain(), BAND, 1.0)
    # A noisy reference weighs the data worse than the noiseless one, which reaches the bound.
    assert template.unit_sd[:, 1].min() > bound_hz
