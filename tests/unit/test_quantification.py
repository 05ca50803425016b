"""From fit to concentration: selection, ratios, water, quality."""

import subprocess
import sys

import numpy as np
import pytest
from scipy.signal import find_peaks

from fsl_mrs_dl import physics
from fsl_mrs_dl.data import Basis, MRSData
from fsl_mrs_dl.errors import DataError, OptionError
from fsl_mrs_dl.fit import quantification
from fsl_mrs_dl.fit.quantification.amounts import combination, combined, percent, ratios
from fsl_mrs_dl.fit.quantification.quality import peak_widths_hz
from fsl_mrs_dl.fit.quantification.water import water_area, water_reference
from fsl_mrs_dl.physics.areas import area
from fsl_mrs_dl.physics.relaxation import (
    T1_S,
    T2_S,
    TISSUE_WATER,
    WATER_MOLALITY,
    visible_water,
)

N, DT, F0 = 1024, 5e-4, 123.25
NAMES = ("NAA", "NAAG", "Cr", "PCr", "GPC", "PCh", "Mac")


def line(ppm: float, gamma: float = 15.0, points: int = N, dt: float = DT) -> np.ndarray:
    return physics.singlet(points, dt, (ppm - 4.65) * F0, gamma, 0.0, np.zeros(1, dtype=complex))


def data_of(fids: np.ndarray, **more: object) -> MRSData:
    return MRSData(fids.reshape(-1, 1, 1, fids.shape[-1]), DT, F0, **more)


class TestSelection:
    basis = Basis(np.ones((7, 8), dtype=complex), NAMES, DT, F0)

    def test_keep_and_ignore(self) -> None:
        assert quantification.chosen_members(self.basis, ("Cr", "NAA"), None).names == ("NAA", "Cr")
        assert quantification.chosen_members(self.basis, None, ("Mac", "PCho")).names == NAMES[:5]
        with pytest.raises(OptionError, match="--keep names Lac; the basis has NAA"):
            quantification.chosen_members(self.basis, ("Lac",), None)
        with pytest.raises(OptionError, match="no metabolite"):
            quantification.chosen_members(self.basis, ("Cr",), ("Cr",))

    @pytest.mark.parametrize(
        ("asked", "groups"),
        [
            (None, (0,) * 7),
            (("0",), (0,) * 7),
            (("combine_all",), (0,) * 7),
            (("separate_all",), tuple(range(7))),
            (("Mac",), (0, 0, 0, 0, 0, 0, 1)),
            (("Mac", "Cr+PCr"), (0, 0, 2, 2, 0, 0, 1)),
            (("0", "0", "2", "2", "1", "1", "0"), (0, 0, 2, 2, 1, 1, 0)),
            (("3", "3", "9", "9", "9", "9", "3"), (0, 0, 1, 1, 1, 1, 0)),
        ],
    )
    def test_groups_are_those_of_fsl_mrs(
        self, asked: tuple[str, ...] | None, groups: tuple[int, ...]
    ) -> None:
        assert quantification.groups_of(NAMES, asked) == groups

    def test_groups_that_make_no_sense(self) -> None:
        with pytest.raises(OptionError, match="3 numbers; 7 are needed"):
            quantification.groups_of(NAMES, ("0", "1", "2"))
        with pytest.raises(OptionError, match="names Lac"):
            quantification.groups_of(NAMES, ("Lac",))

    def test_sums(self) -> None:
        usual = (("Cr", "PCr"), ("NAA", "NAAG"), ("GPC", "PCh"))
        assert quantification.sums_of(NAMES, None) == usual
        assert quantification.sums_of(NAMES, (("NAA", "Cr"), ("Cr", "PCr"))) == (*usual, ("NAA", "Cr"))
        with pytest.raises(OptionError, match="adds nothing up"):
            quantification.sums_of(NAMES, (("NAA",),))

    def test_internal_reference(self) -> None:
        assert quantification.reference_sum(NAMES, None) == ("Cr", "PCr")
        assert quantification.reference_sum(("NAA", "Cr"), None) == ("Cr",)
        assert quantification.reference_sum(("NAA",), None) == ()
        with pytest.raises(OptionError, match="names Lac"):
            quantification.reference_sum(NAMES, ("Lac",))

    def test_window(self) -> None:
        assert quantification.fit_window("1H", None) == (0.2, 4.2)
        assert quantification.fit_window("31P", (-5, 3)) == (-5, 3)
        with pytest.raises(OptionError, match="the low limit comes first"):
            quantification.fit_window("1H", (4.2, 0.2))
        with pytest.raises(OptionError, match="No fit window is known for 19F"):
            quantification.fit_window("19F", None)

    @pytest.mark.parametrize(
        ("tag", "todo"), [("DIM_COIL", "coilcombine"), ("DIM_DYN", "average"), ("DIM_EDIT", "subtract")]
    )
    def test_several_spectra_a_voxel_are_refused(self, tag: str, todo: str) -> None:
        fids = np.ones((1, 1, 1, 64, 2), dtype=complex)
        with pytest.raises(DataError, match=rf"has {tag} of 2.*{todo}"):
            quantification.one_spectrum_a_voxel(MRSData(fids, DT, F0, dim_tags=(tag,)))
        single = quantification.one_spectrum_a_voxel(MRSData(fids[..., :1], DT, F0, dim_tags=(tag,)))
        assert single.fid.shape == (1, 1, 1, 64)
        assert single.dim_tags == ()

    def test_voxels(self) -> None:
        fids = np.ones((4, 64), dtype=complex)
        fids[1] = 0
        assert quantification.voxels_to_fit(data_of(fids), None)[:, 0].tolist() == [0, 2, 3]
        mask = np.array([1, 1, 0, 1], dtype=bool).reshape(4, 1, 1)
        assert quantification.voxels_to_fit(data_of(fids), mask)[:, 0].tolist() == [0, 3]
        with pytest.raises(DataError, match="No voxel"):
            quantification.voxels_to_fit(data_of(fids), np.zeros((4, 1, 1), dtype=bool))


class TestAmounts:
    def test_sums_and_ratios_have_the_bounds_of_a_simulation(self, rng: np.random.Generator) -> None:
        mean = np.array([[10.0, 5.0, 3.0]])
        root = np.array([[0.1, 0, 0], [0.05, 0.2, 0], [0.02, -0.15, 0.08]])
        drawn = mean + rng.standard_normal((200_000, 3)) @ root.T
        covariance = (root @ root.T)[None]
        matrix = combination(("a", "b", "c"), (("b", "c"),))
        reference = np.array([0.0, 1.0, 1.0])
        value, sd = combined(mean, covariance, matrix)
        np.testing.assert_allclose(value[0], [10, 5, 3, 8])
        np.testing.assert_allclose(sd[0], (drawn @ matrix.T).std(axis=0), rtol=0.01)
        ratio, ratio_sd = ratios(mean, covariance, matrix, reference)
        by_draw = (drawn @ matrix.T) / (drawn @ reference)[:, None]
        np.testing.assert_allclose(ratio[0], [10 / 8, 5 / 8, 3 / 8, 1])
        np.testing.assert_allclose(ratio_sd[0, :3], by_draw.std(axis=0)[:3], rtol=0.02)
        assert ratio_sd[0, 3] < 1e-7

    def test_reference_that_was_not_found(self) -> None:
        ratio, sd = ratios(np.array([[1.0, 0.0]]), np.eye(2)[None], np.eye(2), np.array([0.0, 1.0]))
        assert np.isnan(ratio).all()
        assert np.isnan(sd).all()

    def test_percent_stops_at_999(self) -> None:
        found = percent(np.array([2.0, 0.0, 1e-9, np.nan]), np.array([0.1, 0.1, 0.1, np.nan]))
        np.testing.assert_array_equal(found, [5.0, 999.0, 999.0, np.nan])


class TestWater:
    t1, t2 = T1_S["3T"], T2_S["3T"]

    def test_pure_water_without_relaxation(self) -> None:
        molal, molar = visible_water(None, self.t1, self.t2, 1e-9, 1e9)
        assert molal == pytest.approx(WATER_MOLALITY)
        assert molar == molal

    def test_tissue_without_relaxation(self) -> None:
        """Molality counts the water of tissue, molarity its volume: both stay if CSF is added to a voxel."""
        for csf in (0.0, 0.3):
            parts = {"WM": 0.6 * (1 - csf), "GM": 0.4 * (1 - csf), "CSF": csf}
            molal, molar = visible_water(
                {name: np.array([v]) for name, v in parts.items()}, self.t1, self.t2, 1e-9, 1e9
            )
            water = sum(parts[name] * TISSUE_WATER[name] for name in parts)
            tissue = water - csf * TISSUE_WATER["CSF"]
            # What the water signal of the whole voxel is divided by: tissue water, and tissue volume.
            assert molal[0] == pytest.approx(WATER_MOLALITY * water / tissue)
            assert molar[0] == pytest.approx(WATER_MOLALITY * water / (1 - csf))

    def test_each_tissue_relaxes_by_the_times_of_the_water_reference(self) -> None:
        """White matter alone, by hand: water at its own times over metabolites at theirs."""
        times = {"water_echo_time_s": 0.08, "water_repetition_time_s": 9.0}
        only = {"WM": np.ones(1), "GM": np.zeros(1), "CSF": np.zeros(1)}
        molal, molar = visible_water(only, self.t1, self.t2, 0.03, 2.0, **times)
        water = (1 - np.exp(-9.0 / self.t1["H2O_WM"])) * np.exp(-0.08 / self.t2["H2O_WM"])
        metabolites = (1 - np.exp(-2.0 / self.t1["METAB"])) * np.exp(-0.03 / self.t2["METAB"])
        assert molal[0] == pytest.approx(WATER_MOLALITY * water / metabolites)
        assert molar[0] == pytest.approx(WATER_MOLALITY * TISSUE_WATER["WM"] * water / metabolites)

    def test_a_voxel_of_csf_has_no_concentration(self) -> None:
        only = {"WM": np.zeros(1), "GM": np.zeros(1), "CSF": np.ones(1)}
        assert np.isnan(visible_water(only, self.t1, self.t2, 0.03, 2.0)).all()

    def test_relaxation_times(self) -> None:
        t1, t2 = quantification.relaxation_times(297.2, None, None)
        assert (t1["H2O_GM"], t2["METAB"]) == (2.05, 0.131)
        mine = dict.fromkeys(("H2O_WM", "H2O_GM", "H2O_CSF", "METAB"), 1.5)
        assert quantification.relaxation_times(400.2, mine, mine) == (mine, mine)
        with pytest.raises(OptionError, match=r"known for 9.4 T.*--t1_values"):
            quantification.relaxation_times(400.2, None, mine)
        with pytest.raises(OptionError, match="METAB = "):
            quantification.relaxation_times(123.2, {**mine, "METAB": 0.0}, None)

    def test_area_does_not_depend_on_the_sampling(self) -> None:
        found = []
        for points, dt in ((1024, 5e-4), (4096, 2.5e-4), (3000, 1 / 2500)):
            ppm = physics.ppm_axis(points, dt, F0, 4.65)
            found.append(float(area(3 * line(4.65, points=points, dt=dt), dt, ppm, (1.65, 7.65))))
        np.testing.assert_allclose(found, found[0], rtol=1e-3)
        # Half the start of the FID, less the tails beyond 3 ppm: 2/pi atan(gamma / (2 pi 3 f0)).
        tails = 2 / np.pi * np.arctan(15.0 / (2 * np.pi * 3 * F0))
        assert found[0] == pytest.approx(1.5 * (1 - tails), rel=1e-3)

    def test_water_is_measured_whatever_its_phase_and_shift(self, rng: np.random.Generator) -> None:
        pure = physics.damp(line(4.65)[None] * 1e4, np.array([3.0]), np.array([6.0]), DT)
        seen = physics.phase(physics.shift(pure, np.array([4.0]), DT), np.array([2.5]))
        fids = np.concatenate([physics.add_noise(seen, 5.0, rng), np.full((1, N), np.nan), np.zeros((1, N))])
        found = water_area(data_of(fids), fids)
        truth = area(pure[0], DT, data_of(pure).ppm_axis, (1.65, 7.65))
        assert found[0] == pytest.approx(truth, rel=2e-3)
        assert np.isnan(found[1:]).all()

    def test_reference_metabolite(self) -> None:
        assert water_reference(NAMES, None, None, None) == (("Cr", "PCr"), 5, (2.0, 5.0))
        assert water_reference(("NAA", "Ins"), None, None, None) == (("NAA",), 3, (1.8, 2.2))
        assert water_reference(NAMES, ("PCho", "GPC"), 9, (3.1, 3.3)) == (("PCh", "GPC"), 9, (3.1, 3.3))
        with pytest.raises(OptionError, match="protons of GPC are not known"):
            water_reference(NAMES, ("GPC",), None, None)
        with pytest.raises(OptionError, match="has none of them"):
            water_reference(("Ins",), None, None, None)


class TestQuality:
    def test_widths_are_those_of_find_peaks(self, rng: np.random.Generator) -> None:
        place = np.arange(300)
        centre, width = rng.uniform(40, 260, (60, 3)), rng.uniform(2, 30, (60, 3))
        height = rng.uniform(0, 1, (60, 3))
        lines = height[..., None] / (1 + ((place - centre[..., None]) / width[..., None]) ** 2)
        spectra = lines.sum(axis=1) + 0.05 * rng.random((60, 300))
        spectra[:20] = np.round(spectra[:20], 1)  # peaks with flat tops, and steps
        expected = rng.uniform(3, 20, 60)
        found = peak_widths_hz(spectra, 1.5, expected)
        for row, limit, mine in zip(spectra, 2 * expected, found, strict=True):
            _, said = find_peaks(row / row.max(), prominence=0.4, width=(None, limit))
            best = said["widths"][said["prominences"].argmax()] if said["prominences"].size else 0.0
            assert mine == pytest.approx(1.5 * best)

    def test_a_fit_starts_without_what_takes_long_to_import(self) -> None:
        script = (
            "import sys, fsl_mrs_dl.fit.quantification, fsl_mrs_dl.report\n"
            "print(*[name for name in ('scipy.stats', 'scipy.signal') if name in sys.modules])"
        )
        ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        assert ran.stdout.split() == []

    def test_conjugated_data_are_noticed(self, rng: np.random.Generator) -> None:
        fids = physics.add_noise(
            (line(2.01) + line(3.03) + 50 * line(4.66, 30.0))[None] * np.exp(1j), 0.05, rng
        )
        voxels = np.zeros((1, 3), dtype=int)
        assert not quantification.looks_conjugated(data_of(fids), voxels, (0.2, 4.2))
        assert quantification.looks_conjugated(data_of(fids.conj()), voxels, (0.2, 4.2))

    @pytest.mark.parametrize(
        ("places_hz", "telling"),
        [((0.0, -900.0), True), ((300.0, 800.0), True), ((0.0,), False), ((-400.0, 400.0), False)],
    )
    def test_other_nuclei_look_conjugated_only_where_their_basis_tells(
        self, rng: np.random.Generator, places_hz: tuple[float, ...], telling: bool
    ) -> None:
        time_s = np.arange(N) * DT
        lines = np.array([np.exp((2j * np.pi * hz - 20) * time_s) for hz in places_hz])
        members = Basis(lines, tuple("abcd")[: len(lines)], DT, F0, "13C")
        size = np.array([10.0, 1.0, 1.0, 1.0])[: len(lines), None]
        fids = physics.add_noise((size * lines).sum(axis=0)[None] * np.exp(1j), 0.1, rng)
        noise = physics.add_noise(np.zeros((1, N), complex), 0.1, rng)
        voxels = np.zeros((1, 3), dtype=int)
        for values, turned in ((fids, False), (fids.conj(), telling), (noise, False)):
            data = data_of(values, nucleus="13C")
            assert quantification.looks_conjugated(data, voxels, (10.0, 100.0), members) is turned
            assert not quantification.looks_conjugated(data, voxels, (10.0, 100.0))
