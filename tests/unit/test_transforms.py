"""The inputs of regressors against their definitions, computed another way: sums, integrals, known lines."""

import numpy as np
import pytest
import torch
from scipy.integrate import quad

from fsl_mrs_dl.models.transforms import (
    FirstPoints,
    Scalogram,
    Scattering,
    Spectrogram,
    SpectrumBand,
    ZeroFilledSpectrum,
)
from fsl_mrs_dl.models.transforms.scalogram import BETA, GAMMA, morse, peak
from fsl_mrs_dl.models.transforms.scattering import filter_bank

DWELLTIME_S, MHZ = 2.5e-4, 123.22


@pytest.fixture
def fids(rng):
    """Return decaying lines on both sides of the carrier."""
    t = np.arange(1024) * DWELLTIME_S
    hz, rate = rng.uniform(-500, 500, (3, 5, 1)), rng.uniform(5, 30, (3, 5, 1))
    return (np.exp((2j * np.pi * hz - rate) * t) * rng.standard_normal((3, 5, 1))).sum(axis=1)


def line(hz, n=1024):
    return np.exp(2j * np.pi * hz * np.arange(n) * DWELLTIME_S)[None]


@pytest.mark.parametrize(
    "transform",
    [
        FirstPoints(100),
        SpectrumBand(1024, DWELLTIME_S, MHZ, (0.2, 4.2)),
        Scalogram(1024, DWELLTIME_S, scales=5, times=32),
        Scalogram(1024, DWELLTIME_S, scales=5, times=32, part="magnitude"),
        Scattering(1024),
        ZeroFilledSpectrum(1024, DWELLTIME_S, MHZ, bins=300),
        ZeroFilledSpectrum(1024, DWELLTIME_S, MHZ, bins=50, part="real"),
        Spectrogram(DWELLTIME_S, MHZ, bins=64, window=128, hop=12, frames=16),
        Spectrogram(DWELLTIME_S, MHZ, bins=64, window=128, hop=12, frames=16, channels="one", padded=True),
    ],
    ids=lambda one: type(one).__name__,
)
def test_torch_and_numpy_agree_and_shapes_are_as_said(transform, fids):
    ours = transform(fids)
    assert ours.shape == (3, *transform.shape)
    theirs = transform(torch.from_numpy(fids)).numpy()
    assert np.abs(ours - theirs).max() < 1e-12 * np.abs(ours).max()


def test_a_band_of_the_spectrum_is_the_fourier_sum_at_its_ppm(fids):
    """S(f) = sum_n s_n exp(-2 pi i f n dt) / sqrt(N), f = (ppm - 4.65) f0; computed one frequency at a time."""
    band = SpectrumBand(1024, DWELLTIME_S, MHZ, (1.9, 2.1))
    step_hz = 1 / (1024 * DWELLTIME_S)
    bins = [k for k in range(-512, 512) if 1.9 <= 4.65 + k * step_hz / MHZ <= 2.1]
    n = np.arange(1024)
    sums = [(fids * np.exp(-2j * np.pi * k * n / 1024)).sum(axis=1) / 32 for k in bins]
    channels = band(fids)
    assert channels.shape == (3, 2, len(bins))
    assert np.allclose(channels[:, 0] + 1j * channels[:, 1], np.array(sums).T, atol=1e-10)


def test_first_points_are_real_and_imaginary_part(fids):
    channels = FirstPoints(10)(fids)
    assert np.array_equal(channels[:, 0] + 1j * channels[:, 1], fids[:, :10])


def test_the_morse_wavelet_is_largest_where_and_as_its_formula_says():
    omega = np.linspace(0, 6, 60001)
    values = morse(omega)
    assert omega[values.argmax()] == pytest.approx((BETA / GAMMA) ** (1 / GAMMA), abs=1e-4)
    assert values.max() == pytest.approx(2.0, abs=1e-6)
    assert (morse(-omega[1:]) == 0).all()


def wavelet(t, hz):
    """Return the Morse wavelet of a frequency in time, in 1/s, by integrating its transform."""
    scale = peak() / (2 * np.pi * hz)

    def part(function):
        return quad(lambda w: morse(np.array(w)) * function(w * t / scale), 1e-3, 6, limit=400)[0]

    return (part(np.cos) + 1j * part(np.sin)) / (2 * np.pi * scale)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_coefficient_is_the_integral_over_signal_and_wavelet(sign, fids):
    """W(f, t) = sum_n s_n psi((t - t_n) f) dt: with the signal zero outside its record, also near its ends."""
    transform = Scalogram(1024, DWELLTIME_S, lowest_hz=60, highest_hz=240, scales=2, times=32)
    row = list(transform.frequency_hz).index(sign * 240.0)
    values = transform.coefficients(fids)[:, row]
    t = np.arange(1024) * DWELLTIME_S
    reach_s = 0.02  # beyond, less than 1e-4 of a wavelet of 240 Hz
    for column in (0, 5, 31):
        distance = transform.time_s[column] - t
        near = np.flatnonzero(np.abs(distance) < reach_s)
        waves = np.array([wavelet(x, 240.0) for x in distance[near]])
        waves = waves if sign > 0 else waves.conj()
        expected = (fids[:, near] * waves).sum(axis=1) * DWELLTIME_S
        assert np.abs(values[:, column] - expected).max() < 1e-3 * np.abs(values).max()


def test_a_lasting_line_has_a_coefficient_of_two_on_its_own_side_alone():
    transform = Scalogram(1024, DWELLTIME_S, lowest_hz=100, highest_hz=400, scales=3, times=32)
    assert np.allclose(transform.frequency_hz, [-400, -200, -100, 100, 200, 400])
    for row, hz in enumerate(transform.frequency_hz):
        middle = np.abs(transform.coefficients(line(hz)))[0, :, 16]
        assert middle[row] == pytest.approx(2.0, abs=1e-3)
        assert middle[5 - row] < 1e-6  # the mirror image
        assert np.angle(transform.coefficients(line(hz))[0, row, 16]) == pytest.approx(
            np.angle(np.exp(2j * np.pi * hz * transform.time_s[16])), abs=1e-3
        )


def test_magnitudes_of_the_scalogram_are_those_of_its_coefficients(fids):
    settings = {"n_points": 1024, "dwelltime_s": DWELLTIME_S, "scales": 4, "times": 16}
    magnitude = Scalogram(**settings, part="magnitude")
    assert np.allclose(magnitude(fids)[:, 0], np.abs(magnitude.coefficients(fids)))


def test_a_lasting_line_stands_still_in_the_baseband():
    transform = Scalogram(1024, DWELLTIME_S, lowest_hz=100, highest_hz=400, scales=3, times=32, baseband=True)
    for row, hz in enumerate(transform.frequency_hz):
        middle = transform.coefficients(line(hz))[0, row, 8:24]
        assert np.allclose(middle, 2.0, atol=2e-3)


def test_points_that_do_not_divide_into_times_are_refused():
    with pytest.raises(ValueError, match="1000 points"):
        Scalogram(1000, DWELLTIME_S, times=64)


def gabor(one, t):
    """Return a wavelet of a bank in time: a Gaussian wave less what makes its sum zero."""
    sd = 1 / (2 * np.pi * one.sd)
    gauss = np.exp(-(t**2) / (2 * sd**2)) / (sd * np.sqrt(2 * np.pi))
    share = np.exp(-((one.centre / one.sd) ** 2) / 2)
    return gauss * (np.exp(2j * np.pi * one.centre * t) - share)


def direct(signal, kernel, t):
    """Return the convolution by sums, of a signal that goes on as its mirror image and then repeats."""
    longer = np.concatenate([signal[: len(signal) // 2][::-1], signal, signal[len(signal) // 2 :][::-1]])
    n = len(longer)
    wrapped = np.zeros(n, dtype=complex)
    np.add.at(wrapped, t % n, kernel)
    place = (np.arange(n)[:, None] - np.arange(n)[None]) % n
    return longer, wrapped[place]


def test_scattering_is_its_definition_by_sums_in_time(rng):
    """Orders 0, 1 and 2 of a short signal; what decimation folds back is below 1e-3 (Gaussians cut at 4 SDs)."""
    transform = Scattering(128, average=16, per_octave=(2, 1))
    signal = rng.standard_normal(128)
    t = np.arange(-512, 512)
    average_sd = 1 / (2 * np.pi * 0.1 / 16)
    phi = np.exp(-(t**2) / (2 * average_sd**2)) / (average_sd * np.sqrt(2 * np.pi))

    def averaged(series):
        """Return the average about the middle of each window, between two points."""
        half = np.exp(-((t + 0.5) ** 2) / (2 * average_sd**2)) / (average_sd * np.sqrt(2 * np.pi))
        n = len(series)
        wrapped = np.zeros(n)
        np.add.at(wrapped, t % n, half)
        whole = np.array([series @ wrapped[(k - np.arange(n)) % n] for k in range(n)])
        return whole[64 + 7 : 64 + 128 : 16]

    longer, _ = direct(signal, phi, t)
    first, second = transform.banks
    values = transform(signal[None] + 0j)[0, 0]
    assert np.allclose(values[0], averaged(longer), atol=1e-3)
    i, j = transform.paths[len(transform.paths) // 2]
    _, matrix = direct(signal, gabor(first[i], t), t)
    magnitude = np.abs(matrix @ longer)
    assert np.allclose(values[1 + i], averaged(magnitude), atol=1e-3)
    _, matrix = direct(signal, gabor(second[j], t), t)
    again = np.abs(matrix @ magnitude)
    row = 1 + len(first) + transform.paths.index((i, j))
    assert np.allclose(values[row], averaged(again), atol=2e-3)


def test_decimation_of_scattering_changes_next_to_nothing(monkeypatch, fids, rng):
    """Every path beside the same with all points kept, which the test above holds to the definition.

    Magnitudes have no sharp end in frequency; what lies above 8 SDs of a wavelet folds back. For a Gaussian that
    is below 1e-3 of the whole, and in a second order that holds little energy of its own at most some per cent.
    """
    noisy = fids + 0.1 * (rng.standard_normal(fids.shape) + 1j * rng.standard_normal(fids.shape))
    values = Scattering()(noisy)
    monkeypatch.setattr(Scattering, "_step", lambda self, width: 1)
    every = Scattering()(noisy)
    apart = values - every
    assert np.sqrt((apart**2).sum() / (every**2).sum()) < 1e-3
    assert (np.abs(apart).max(axis=(0, 1, 3)) < 0.02 * np.abs(every).max(axis=(0, 1, 3))).all()


def test_a_bank_falls_by_its_share_of_an_octave_and_ends_at_the_width_of_the_average():
    bank = filter_bank(8, 128)
    centres, sds = (np.array([getattr(one, name) for one in bank]) for name in ("centre", "sd"))
    shrinking = sds > 0.1 / 128 * 1.001
    assert np.allclose(centres[:-1][shrinking[:-1]][:20] / centres[1:][shrinking[:-1]][:20], 2 ** (1 / 8))
    assert sds.min() == pytest.approx(0.1 / 128)
    assert (np.diff(centres) < 0).all()
    # Neighbours cross where the square of each is one half, as long as widths fall with centres.
    crossing = (centres[0] + centres[1]) / 2
    heights = bank[0].transform(np.array([crossing])), bank[1].transform(np.array([crossing]))
    assert float(heights[0][0] ** 2) == pytest.approx(0.5, abs=0.08)


def test_a_wavelet_of_scattering_sees_no_constant_and_is_one_at_its_centre():
    for one in filter_bank(8, 128)[:-8]:
        at = one.transform(np.array([0.0, one.centre]))
        assert at[0] == pytest.approx(0.0, abs=1e-12)
        assert at[1] == pytest.approx(1.0, abs=0.01)


def test_scattering_has_as_many_paths_as_its_publication_has_about():
    """154 in the publication, whose invariance scale is not given."""
    transform = Scattering()
    assert 120 <= transform.n_paths <= 240
    assert transform.shape == (2, transform.n_paths, 8)


def test_scattering_windows_follow_the_signal_in_time():
    """A burst in the fourth window is seen there."""
    burst = np.zeros((1, 1024), dtype=complex)
    t = np.arange(1024)
    burst[0] = np.exp(-((t - (3 * 128 + 63.5)) ** 2) / 800) * np.cos(2 * np.pi * 0.2 * t)
    energy = Scattering()(burst)[0, 0, 1:47].sum(axis=0)
    assert energy.argmax() == 3
