"""The spectrogram with diagonal under-sampling against its definition: sums, a line, a chirp, Parseval."""

import numpy as np
import pytest

from fsl_mrs_dl.models.transforms import Spectrogram, ZeroFilledSpectrum

DWELLTIME_S, MHZ = 2.5e-4, 123.25


@pytest.fixture
def fids(rng):
    return rng.standard_normal((2, 1792)) + 1j * rng.standard_normal((2, 1792))


def test_the_published_one_has_its_size_and_reads_what_its_frames_reach():
    """128 x 32 of 1024 frequencies; 32 frames of 1024 samples, 24 apart: 31 * 24 + 1024 samples."""
    one = Spectrogram(DWELLTIME_S, MHZ)
    assert one.shape == (2, 128, 32)
    assert Spectrogram(DWELLTIME_S, MHZ, channels="one").shape == (1, 128, 64)
    assert one.n_points == 1768
    assert one.time_s[-1] - one.time_s[0] == pytest.approx(0.186)
    step_ppm = 4.7 / 1024
    assert one.grid.axis_ppm[[0, -1]] == pytest.approx([0.0, 4.7], abs=2 * step_ppm)
    assert np.diff(one.grid.axis_ppm) == pytest.approx(step_ppm, rel=1e-3)


@pytest.mark.parametrize("padded", [False, True])
def test_a_cell_is_the_fourier_sum_of_its_windowed_frame(fids, padded):
    """out[k, j] = sum_n w_n s_(24 j + n) exp(-2 pi i n (m0 + 8 k + j mod 8) / 7071), one cell at a time."""
    one = Spectrogram(DWELLTIME_S, MHZ, padded=padded)
    signal = np.pad(fids, ((0, 0), (512 if padded else 0, 0)))
    n, window = np.arange(1024), 0.54 - 0.46 * np.cos(2 * np.pi * np.arange(1024) / 1023)
    first = int(np.ceil((0.0 - 4.65) * MHZ * DWELLTIME_S * 7071))
    values = one.coefficients(fids)
    for k, j in ((0, 0), (5, 3), (127, 31), (64, 8), (17, 15)):
        m = first + 8 * k + j % 8
        wave = np.exp(-2j * np.pi * m * n / 7071)
        assert values[:, k, j] == pytest.approx(
            (window * signal[:, 24 * j : 24 * j + 1024] * wave).sum(axis=1)
        )


def test_channels_are_real_and_imaginary_part_side_by_side_or_one_after_the_other(fids):
    one, two = (Spectrogram(DWELLTIME_S, MHZ, channels=name) for name in ("one", "two"))
    values = two.coefficients(fids)
    assert np.array_equal(two(fids)[:, 0] + 1j * two(fids)[:, 1], values)
    assert np.array_equal(one(fids)[:, 0], np.concatenate([values.real, values.imag], axis=-1))


def test_a_lasting_line_is_the_row_of_its_shift_in_every_column():
    """Creatine at 3.03 ppm: of each column the kept frequency that is nearest, four at most away."""
    one = Spectrogram(DWELLTIME_S, MHZ)
    hz = (3.03 - 4.65) * MHZ
    line = np.exp(2j * np.pi * hz * np.arange(1792) * DWELLTIME_S)[None]
    largest = np.abs(one.coefficients(line))[0].argmax(axis=0)
    places = one.grid.axis_ppm[8 * largest + np.arange(32) % 8]
    assert np.abs(places - 3.03).max() <= 4.5 * np.diff(one.grid.axis_ppm)[0]


def test_a_chirp_moves_up_the_rows_at_its_rate():
    """Frequency rising by c Hz a second: columns 6 ms apart see it 0.006 c Hz higher."""
    one = Spectrogram(DWELLTIME_S, MHZ, window=256, undersampling=1)
    rate_hz_per_s = 1200.0
    t = np.arange(1792) * DWELLTIME_S
    chirp = np.exp(2j * np.pi * ((1.0 - 4.65) * MHZ * t + rate_hz_per_s * t**2 / 2))[None]
    rows = np.abs(one.coefficients(chirp))[0].argmax(axis=0)
    hz = (one.grid.axis_ppm[rows] - 1.0) * MHZ
    slope, start = np.polyfit(one.time_s, hz, 1)
    bin_hz = one.grid.cycles[1] / DWELLTIME_S - one.grid.cycles[0] / DWELLTIME_S
    assert slope == pytest.approx(rate_hz_per_s, rel=2 * bin_hz / (0.186 * rate_hz_per_s))
    assert abs(start) < 2 * bin_hz


def test_all_frequencies_hold_the_energy_of_each_windowed_frame(fids):
    """Parseval: sum_k |F_kj|^2 = Z sum_n |w_n s_n|^2, the whole circle of Z frequencies kept."""
    one = Spectrogram(DWELLTIME_S, MHZ, bins=2048, n_fft=2048, undersampling=1)
    energy = (np.abs(one.coefficients(fids)) ** 2).sum(axis=1)
    frames = np.stack([fids[:, 24 * j : 24 * j + 1024] for j in range(32)], axis=1)
    assert energy == pytest.approx(2048 * (np.abs(np.hamming(1024) * frames) ** 2).sum(axis=-1))


def test_eight_neighbouring_columns_together_keep_every_frequency():
    one, full = (Spectrogram(DWELLTIME_S, MHZ, hop=0, undersampling=n) for n in (8, 1))
    signal = np.exp(2j * np.pi * 0.01 * np.arange(1024))[None]  # hop 0: all frames alike
    woven = one.coefficients(signal)[0, :, :8].ravel()
    assert np.allclose(woven, full.coefficients(signal)[0, :, 0])


def test_half_a_window_before_the_fid_lets_its_first_sample_count():
    """The Hamming window weighs the first sample by 0.08; with half a window before it, by 1."""
    impulse = np.zeros((1, 1792), complex)
    impulse[0, 0] = 1
    plain, padded = (
        np.abs(Spectrogram(DWELLTIME_S, MHZ, padded=more).coefficients(impulse))[0, :, 0]
        for more in (False, True)
    )
    assert plain == pytest.approx(0.08)
    assert padded == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize("settings", [{"bins": 1020}, {"frames": 30}])
def test_sizes_that_do_not_divide_are_refused(settings):
    with pytest.raises(ValueError, match="no multiples of 8"):
        Spectrogram(DWELLTIME_S, MHZ, **settings)


@pytest.mark.parametrize("n_fft", [0, 700])
def test_a_zero_filled_band_is_the_fourier_sum_at_its_points(fids, n_fft):
    """S_m = sum_n s_n exp(-2 pi i m n / Z) / sqrt(Z), also where Z is shorter than the FID."""
    one = ZeroFilledSpectrum(1792, DWELLTIME_S, MHZ, (0.0, 4.7), 90, n_fft)
    z = one.grid.length
    assert z == (n_fft or round(90 / (4.7 * MHZ * DWELLTIME_S)))
    first = int(np.ceil(-4.65 * MHZ * DWELLTIME_S * z))
    sums = np.stack(
        [(fids * np.exp(-2j * np.pi * (first + m) * np.arange(1792) / z)).sum(axis=1) for m in range(90)],
        axis=1,
    ) / np.sqrt(z)
    channel = one(fids)[:, 0]
    assert np.allclose(channel[:, :90] + 1j * channel[:, 90:], sums, atol=1e-9)
    real = ZeroFilledSpectrum(1792, DWELLTIME_S, MHZ, (0.0, 4.7), 90, n_fft, "real")
    assert np.allclose(real(fids)[:, 0], sums.real, atol=1e-9)
