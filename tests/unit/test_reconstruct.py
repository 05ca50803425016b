"""The step ``reconstruct``: known lines come back, with less error, and marked as what they are."""

from pathlib import Path

import numpy as np
import pytest

from fsl_mrs_dl.cli import main
from fsl_mrs_dl.data import Complex, MRSData
from fsl_mrs_dl.errors import DataError, OptionError
from fsl_mrs_dl.fit import reconstruction as sparse
from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.io.basis import read_basis
from fsl_mrs_dl.physics import add_noise, damp, eddy_current_phase, fid_to_spectrum, shift, singlet
from fsl_mrs_dl.scores.linewidth import peak_linewidth_hz
from fsl_mrs_dl.simulate.shipped import shipped_basis
from fsl_mrs_dl.steps.quantify_notes import differences
from fsl_mrs_dl.steps.reconstruct import NOT_RAW, reconstruct
from fsl_mrs_dl.train.reconstruction_data import scans

N, DT, F0 = 1024, 5e-4, 123.25
LINE_HZ = 6.0


def lines(width_hz: float = LINE_HZ, n: int = N) -> Complex:
    """NAA, creatine and choline as singlets of one width."""
    hz = (np.array([2.01, 3.03, 3.2]) - 4.65) * F0
    like = np.zeros(1, complex)
    each = singlet(n, DT, hz, np.full(3, np.pi * width_hz), np.zeros(3), like)
    return np.array([3.0, 2.0, 1.0]) @ each


def data(fids: Complex, *tags: str) -> MRSData:
    """One voxel whose FIDs, shape (..., time), have these dimensions."""
    fid = np.moveaxis(fids, -1, 0)[None, None, None]
    return MRSData(fid.astype(np.complex64), DT, F0, dim_tags=tags, name="scan")


def error(result: MRSData, truth: Complex) -> float:
    fid = np.moveaxis(result.fid[0, 0, 0], 0, -1)
    return float(np.linalg.norm(fid - truth) / np.linalg.norm(np.broadcast_to(truth, fid.shape)))


class TestSingleSpectrum:
    @pytest.mark.parametrize("penalty", ["noise", "universal", "sure", "discrepancy", "0.1"])
    def test_the_error_falls(self, penalty: str, rng: np.random.Generator) -> None:
        scan = data(add_noise(lines(), 0.3, rng))
        result = reconstruct(scan, penalty=penalty)
        assert error(result.data, lines()) < 0.5 * error(scan, lines())
        assert result.data.processing[-1]["Method"] == "Denoising"
        assert f"penalty={penalty}" in result.data.processing[-1]["Details"]
        assert NOT_RAW in result.messages

    def test_lines_become_as_narrow_as_asked(self, rng: np.random.Generator) -> None:
        scan = data(add_noise(lines(), 0.02, rng))
        result = reconstruct(scan, linewidth=3.0, penalty="universal", debias=True)
        width = peak_linewidth_hz(result.data.fid[0, 0, 0], DT, F0, 4.65, 2.01).fwhm_hz
        assert width == pytest.approx(3.0, rel=0.15)
        assert error(result.data, lines(3.0)) < 0.3 * error(scan, lines(3.0))

    def test_water_reference_takes_eddy_currents_away(self, rng: np.random.Generator) -> None:
        like = np.zeros(1, complex)
        eddy = np.exp(1j * eddy_current_phase(N, DT, np.array(6.0), np.array(0.03), like))
        water = singlet(N, DT, np.array(2.0), np.array(np.pi * LINE_HZ), np.array(0.0), like)
        reference = data(add_noise(1e4 * water * eddy, 1.0, rng))
        scan = data(add_noise(lines() * eddy, 0.02, rng))
        plain, corrected = reconstruct(scan), reconstruct(scan, reference=reference)
        # A straight line in phase, a shift, belongs to no lineshape; it is what is left of eddy currents.
        moved = np.linspace(-6, 6, 121)
        left = [
            min(error(r.data, shift(lines(), np.array(hz), DT) * turn) for hz in moved for turn in TURNS)
            for r in (plain, corrected)
        ]
        assert left[1] < 0.5 * left[0]

    def test_a_reference_keeps_lines_that_are_not_lorentzian(self, rng: np.random.Generator) -> None:
        """Gaussian lines stay Gaussian: a Lorentzian of the same width would lose a third of their height."""
        decay = np.exp(-((18.0 * DT * np.arange(N)) ** 2))
        reference = data(add_noise(1e4 * decay.astype(complex), 1.0, rng))
        clean = lines(1.0) * decay
        scan = data(add_noise(clean, 0.05, rng))
        result = reconstruct(scan, reference=reference)
        after, before = (np.abs(fid_to_spectrum(fid)).max() for fid in (result.data.fid[0, 0, 0], clean))
        assert after == pytest.approx(before, rel=0.05)

    def test_heights_are_kept(self, rng: np.random.Generator) -> None:
        scan = data(add_noise(lines(), 0.1, rng))
        heights = [
            np.abs(
                fid_to_spectrum(reconstruct(scan, penalty="universal", debias=debias).data.fid[0, 0, 0])
            ).max()
            for debias in (False, True)
        ]
        truth = np.abs(fid_to_spectrum(lines())).max()
        np.testing.assert_allclose(heights, truth, atol=3 * 0.1)  # three SDs of the noise

    def test_noise_level(self, rng: np.random.Generator) -> None:
        result = reconstruct(data(add_noise(lines(), 0.3, rng)))
        # 1 024 bins, about half of them without signal: 0.72 / sqrt(500) = 3 %
        assert result.images["noise"].item() == pytest.approx(0.3, rel=0.1)

    def test_basis_set(self, rng: np.random.Generator) -> None:
        basis = read_basis(shipped_basis("press_3t_te30"))
        scale = 1 / np.abs(basis.fids[:, 0]).max()
        clean = damp(
            scale * np.asarray(basis.fids).sum(axis=0), np.array(10.0), np.array(0.0), basis.dwelltime_s
        )
        sd = 0.03 * np.abs(clean[0])
        fid = add_noise(clean, sd, rng)[None, None, None]
        scan = MRSData(fid, basis.dwelltime_s, F0)
        result = reconstruct(scan, basis=basis)
        window = (scan.ppm_axis > 0.4) & (scan.ppm_axis < 4.0)
        spectra = [fid_to_spectrum(x)[..., window] for x in (clean, fid[0, 0, 0], result.data.fid[0, 0, 0])]
        before, after = (np.linalg.norm(spectra[i] - spectra[0]) for i in (1, 2))
        assert after < 0.5 * before


def residual_water(height: float, decay: Complex | float = 1.0) -> Complex:
    """Water of an uneven shim: five lines within 20 Hz, of widths and phases of their own."""
    hz, width = np.array([-9.0, -4.0, 1.0, 5.0, 11.0]), np.array([9.0, 6.0, 7.0, 12.0, 8.0])
    each = singlet(N, DT, hz, np.pi * width, np.zeros(5), np.zeros(1, complex))
    turns = np.exp(1j * np.array([0.4, 2.0, -0.6, 1.1, 3.0]))
    return height * decay * ((turns * [0.3, 0.5, 1.0, 0.4, 0.2]) @ each)


class TestWater:
    """Strong residual water costs no lines, and comes back as it was."""

    @pytest.mark.parametrize("tags", [(), ("DIM_DYN",)])
    def test_result_is_that_of_dry_data_and_the_water(self, tags, rng: np.random.Generator) -> None:
        water = residual_water(60.0)
        noise = add_noise(np.zeros((3, N) if tags else N, complex), 0.05, rng)
        wet, dry = (reconstruct(data(lines() + noise + part, *tags)) for part in (water, 0))
        assert wet.reconstruction.gap.max() < 0.003  # the aim is met
        assert wet.reconstruction.support[0] < 1.3 * dry.reconstruction.support[0]
        assert error(wet.data, lines() + water) * np.linalg.norm(lines() + water) < 1.5 * (
            error(dry.data, lines()) * np.linalg.norm(lines())
        )
        place = float(wet.data.processing[-1]["Details"].split("water_ppm=")[1].rstrip("."))
        assert place == pytest.approx(4.65, abs=0.03)  # lines within 11 Hz of 4.65 ppm, the highest at 1 Hz
        text = next(text for text in wet.messages if text.startswith("Residual water"))
        assert "`remove`" in text
        assert not any(text.startswith(("Residual", "WARNING")) for text in dry.messages)

    def test_weak_water_is_lines(self, rng: np.random.Generator) -> None:
        scan = data(add_noise(lines() + residual_water(1.0), 0.05, rng))
        result = reconstruct(scan)
        assert "water_ppm" not in result.data.processing[-1]["Details"]
        assert error(result.data, lines() + residual_water(1.0)) < 0.5 * error(
            scan, lines() + residual_water(1.0)
        )

    def test_a_reference_is_not_set_aside(self, rng: np.random.Generator) -> None:
        reference = data(add_noise(residual_water(1e3), 0.05, rng))
        result = reconstruct(reference)
        assert "water_ppm" not in result.data.processing[-1]["Details"]
        assert error(result.data, residual_water(1e3)) < error(reference, residual_water(1e3))


def test_an_average_of_high_snr_meets_the_aim(rng: np.random.Generator) -> None:
    """At an SNR_f of 200 the gap of spectra of the brain closes with time to spare.

    With the ridge of balanced residuals to the end, two of four such spectra are at the limit of 2000 iterations.
    """
    part = scans(read_basis(shipped_basis("press_3t_te30")), 4, rng, (200.0, 200.0))
    penalty = sparse.noise_penalty(part.operator, np.ones(4))
    _, solution = sparse.two_passes(part.operator, part.fids[:, None], penalty)
    assert solution.gap.max() <= 0.003
    assert solution.iterations.max() < 1200


TURNS = np.exp(1j * np.linspace(-0.8, 0.8, 33))


class TestDictionary:
    def test_members_stand_at_three_places_as_wide_as_asked(self, rng: np.random.Generator) -> None:
        """At 0.01 ppm to either side, 1.23 Hz at 123.25 MHz, about the fitted shift; 4 Hz wide in the result."""
        basis = read_basis(shipped_basis("press_3t_te30"))
        dt, n = basis.dwelltime_s, basis.fids.shape[1]
        t = np.arange(n) * dt
        members = np.asarray(basis.fids)
        clean = members[basis.names.index("NAA")] + members[basis.names.index("Cr")]
        clean = clean * np.exp((2j * np.pi * 3.0 - np.pi * 5.0) * t)
        scan = MRSData(add_noise(clean, 0.02, rng)[None, None, None], dt, F0)
        model = sparse.dictionary(scan, basis, sparse.Sets.of(scan, None), 4.0)
        places = model.operator.atoms.reshape(3, -1, n)[:, basis.names.index("NAA")]
        head = slice(0, n // 4)
        for atom, hz in ((places[0], -1.2325), (places[2], 1.2325)):
            angle = np.unwrap(np.angle(atom[head] / places[1][head]))
            np.testing.assert_allclose(angle, 2 * np.pi * hz * t[head], atol=2e-3)
        # Shift and width of the data, and width of the result: angle and size of the decay after a time.
        measured, wanted = (part[0, 0] for part in (model.operator.decay, model.operator.target))
        end = n // 8
        assert np.unwrap(np.angle(measured))[end] == pytest.approx(2 * np.pi * 3.0 * t[end], rel=0.02)
        assert -np.log(np.abs(measured[end])) / (np.pi * t[end]) == pytest.approx(5.0, rel=0.05)
        assert -np.log(np.abs(wanted[end])) / (np.pi * t[end]) == pytest.approx(4.0, rel=1e-3)
        assert model.lineshape.fwhm_hz == pytest.approx(5.0, rel=0.05)
        assert model.fwhm_hz == 4.0


@pytest.mark.parametrize(("width_hz", "a_bin"), [(6.0, 1), (3.0, 2)])
def test_narrow_lines_get_frequencies_between_the_bins(width_hz: float, a_bin: int) -> None:
    """A bin of 1024 points of 0.5 ms has 1.95 Hz, and twice that is 3.9 Hz."""
    scan = data(lines(width_hz))
    shape = sparse.of_lines(scan, lines(width_hz)[None], np.ones(1))
    model = sparse.grid_of_lines(scan, shape, None, N)
    assert model.operator.n_lines == a_bin * N


class TestSets:
    def test_transients_share_their_lines(self, rng: np.random.Generator) -> None:
        turns = np.exp(1j * rng.uniform(-3, 3, (8, 1)))
        scan = data(add_noise(lines() * turns, 0.8, rng), "DIM_DYN")
        result = reconstruct(scan)
        used = result.reconstruction.amplitudes[0] != 0
        assert (used == used[0]).all()
        assert error(result.data, lines() * turns) < 0.5 * error(scan, lines() * turns)

    def test_what_cannot_be_used_stays(self, rng: np.random.Generator) -> None:
        fids = add_noise(np.broadcast_to(lines(), (3, 4, N)).copy(), 0.3, rng)
        fids[1, 2], fids[2, 0], fids[0] = np.nan, 0, 0
        scan = data(fids, "DIM_COIL", "DIM_DYN")
        result = reconstruct(scan)
        assert np.isnan(result.data.fid[0, 0, 0, :, 1, 2]).all()
        assert not result.data.fid[0, 0, 0, :, 0].any()
        assert not result.data.fid[0, 0, 0, :, 2, 0].any()
        assert np.isfinite(result.data.fid[0, 0, 0, :, 1, 0]).all()
        assert "not_reconstructed=6" in result.data.processing[-1]["Details"]

    def test_zeros_at_the_end_are_not_data(self, rng: np.random.Generator) -> None:
        fids = add_noise(lines(), 0.05, rng)
        fids[600:] = 0
        result = reconstruct(data(fids))
        assert error(result.data, lines()) < 0.05
        assert np.abs(result.data.fid[0, 0, 0, 600:]).max() > 0


class TestRefusals:
    @pytest.mark.parametrize(
        "options",
        [
            {"penalty": "much"},
            {"penalty": "2"},
            {"linewidth": -1.0},
            {"linewidth": 0.01},
            {"linewidth": 200.0},
            {"model": "x", "penalty": "sure"},
        ],
    )
    def test_options(self, options: dict[str, object], rng: np.random.Generator) -> None:
        with pytest.raises(OptionError):
            reconstruct(data(add_noise(lines(), 0.3, rng)), **options)

    def test_noise_alone(self, rng: np.random.Generator) -> None:
        with pytest.raises(DataError, match="--reference"):
            reconstruct(data(add_noise(np.zeros(N, complex), 0.3, rng)))

    def test_missing_dimension(self, rng: np.random.Generator) -> None:
        with pytest.raises(DataError, match="DIM_EDIT"):
            reconstruct(data(add_noise(lines(), 0.3, rng)), dim="DIM_EDIT")


def test_quantify_warns(rng: np.random.Generator) -> None:
    scan = data(add_noise(lines(), 0.05, rng))
    basis = read_basis(shipped_basis("press_3t_te30"))
    assert not differences(scan, scan, basis)[1]
    denoised = reconstruct(scan).data
    notes, doubts = differences(denoised, denoised, basis)
    assert "denoised" in doubts[0]
    assert any(note.startswith("WARNING") for note in notes)


def test_command_writes_noise_and_page(tmp_path: Path, rng: np.random.Generator) -> None:
    fids = add_noise(np.broadcast_to(lines(), (2, N)), 0.2, rng)
    nifti.write(data(fids, "DIM_DYN"), tmp_path / "scan.nii.gz")
    command = [
        "reconstruct",
        "--file",
        str(tmp_path / "scan.nii.gz"),
        "--output",
        str(tmp_path / "out"),
        "-r",
    ]
    assert main(command) == 0
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"scan.nii.gz", "scan_reconstruct_noise.nii.gz", "scan_reconstruct.html"}
    page = (tmp_path / "out" / "scan_reconstruct.html").read_text()
    for words in (
        "first of 2 FIDs along DIM_DYN",
        "not raw data",
        "Chosen lines",
        "Residual",
        "1.96 SD",
        "duality_gap",
    ):
        assert words in page
    assert main(command) == 2  # nothing is replaced unasked


class TestNotes:
    """What is wrong with the input is told, and nothing where nothing is."""

    def warnings(self, scan: MRSData, **options: object) -> list[str]:
        return [text for text in reconstruct(scan, **options).messages if text.startswith("WARNING")]

    def test_a_good_scan_has_none(self, rng: np.random.Generator) -> None:
        assert self.warnings(data(add_noise(np.broadcast_to(lines(), (4, N)), 0.2, rng), "DIM_DYN")) == []

    def test_water_that_was_not_suppressed(self, rng: np.random.Generator) -> None:
        """HSVD leaves more of it than metabolites have: it stays where it is, and is told."""
        water = residual_water(3e4, np.exp(-((40 * DT * np.arange(N)) ** 1.5)))
        (text,) = self.warnings(data(add_noise(lines() + water, 0.2, rng)))
        assert "water at 4.6" in text
        assert "`remove`" in text

    def test_transients_that_are_not_aligned(self, rng: np.random.Generator) -> None:
        moved = shift(np.broadcast_to(lines(), (6, N)), np.linspace(-8, 8, 6), DT)
        (text,) = self.warnings(data(add_noise(moved, 0.2, rng), "DIM_DYN"))
        assert "`align`" in text
        # From -8 to 8 Hz, the 10th and the 90th percentile of six are 12.8 Hz apart.
        assert float(text.split(" are ")[1].split(" Hz")[0]) == pytest.approx(12.8, abs=0.6)

    def test_apodised(self, rng: np.random.Generator) -> None:
        filtered = add_noise(lines(), 0.2, rng) * np.exp(-8 * DT * np.arange(N))
        (text,) = self.warnings(data(filtered))
        assert "apodised" in text

    def test_reconstructed_already(self, rng: np.random.Generator) -> None:
        again = reconstruct(data(add_noise(lines(), 0.2, rng))).data
        assert any("denoised already" in text for text in self.warnings(again))


def test_what_is_left_of_the_iteration_is_told(rng: np.random.Generator) -> None:
    result = reconstruct(data(add_noise(lines(), 1e-3, rng)))
    gap = result.reconstruction.gap[0]
    assert gap > 0.003  # at an SNR of thousands, 2000 iterations are not enough for this aim
    text = next(text for text in result.messages if "2000 iterations" in text)
    assert f"{100 * np.sqrt(gap):.0f} %" in text
