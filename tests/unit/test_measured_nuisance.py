"""Water and lipids of each transient: found where they were put, none where there are none, drawn as they vary."""

import numpy as np
import pytest

from fsl_mrs_dl.data import MRSData
from fsl_mrs_dl.io.transient_sets import deviations_of
from fsl_mrs_dl.models.synthesis_deviations import DeviationNetwork
from fsl_mrs_dl.scores import noise_sd
from fsl_mrs_dl.simulate.measured_nuisance import MeasuredNuisance, SplitSet
from fsl_mrs_dl.steps.synthesis_models import new_transients

N, DT, F0, SD, HALF_PPM = 512, 5e-4, 123.2, 0.5, 0.5
T = np.arange(N) * DT
LINE = 60 * np.exp(-15 * T - 2j * np.pi * 200 * T)


def water(n: int, rng: np.random.Generator) -> np.ndarray:
    """Return three Lorentzian lines of random places, widths, sizes and phases for each transient."""
    hz, width = rng.normal(0, 10, (n, 3, 1)), rng.uniform(5, 25, (n, 3, 1))
    area = 40 * (rng.standard_normal((n, 3, 1)) + 1j * rng.standard_normal((n, 3, 1)))
    return (area * np.exp((2j * np.pi * hz - np.pi * width) * T)).sum(axis=1)


def noise(n: int, rng: np.random.Generator) -> np.ndarray:
    return SD * (rng.standard_normal((n, N)) + 1j * rng.standard_normal((n, N)))


def data_of(fids: np.ndarray, nucleus: str = "1H") -> MRSData:
    return MRSData(fids.T[None, None, None], DT, F0, nucleus=nucleus, dim_tags=("DIM_DYN",))


def test_water_of_each_transient_is_parted_to_the_noise(rng: np.random.Generator) -> None:
    true = water(60, rng)
    fids = LINE + true + noise(60, rng)
    split = SplitSet.of(fids, data_of(fids), SD)
    _, expected = deviations_of(true)
    error = np.sum(np.abs(split.nuisance.fids - expected) ** 2, axis=1).mean()
    energy = np.sum(np.abs(expected) ** 2, axis=1).mean()
    # A band of B Hz seen for T s has B T complex numbers, and of an energy over noise of E a few more (Landau and
    # Widom 1980, doi:10.1016/0022-247X(80)90241-3); each with the noise of two channels.
    numbers = 2 * HALF_PPM * F0 * N * DT
    numbers += np.log(energy / (2 * SD**2)) * np.log(np.pi * numbers) / np.pi**2
    assert error < 2 * SD**2 * numbers
    assert energy > 100 * error
    # What is left is the noise, but for the part of it that the water took along.
    left = np.sum(np.abs(split.deviations) ** 2, axis=1).mean() / (2 * SD**2)
    assert N - numbers < left < N * (1 + 4 / np.sqrt(60 * N))


def test_lipids_are_not_taken_for_water(rng: np.random.Generator) -> None:
    hz = (1.25 - 4.65) * F0 + rng.normal(0, 5, (60, 1))
    lipid = 150 * rng.standard_normal((60, 1)) * np.exp((2j * np.pi * hz - np.pi * 30) * T)
    fids = LINE + lipid + noise(60, rng)
    split = SplitSet.of(fids, data_of(fids), SD)
    _, expected = deviations_of(lipid)
    energy = np.sum(np.abs(expected) ** 2, axis=1).mean()
    # Of the band of lipids, 1.2 ppm, as of water above; and nothing of them in the band of water.
    numbers = 1.2 * F0 * N * DT
    numbers += np.log(energy / (2 * SD**2)) * np.log(np.pi * numbers) / np.pi**2
    assert np.sum(np.abs(split.nuisance.fids - expected) ** 2, axis=1).mean() < 2 * SD**2 * numbers
    in_water = np.exp(-2j * np.pi * np.arange(-40, 41, 10)[:, None] * T)
    left = np.mean(np.abs((split.nuisance.fids - expected) @ in_water.T) ** 2)
    assert left < 2 * SD**2 * N


def test_the_carrier_has_no_water_and_the_average_keeps_it(rng: np.random.Generator) -> None:
    still = water(1, rng)[0]
    fids = LINE + still + noise(60, rng)
    split = SplitSet.of(fids, data_of(fids), SD)
    np.testing.assert_array_equal(split.average, fids.mean(axis=0))
    # 20 lines of HSVD on noise of SD / sqrt(60): far less than the water was.
    assert np.linalg.norm(split.carrier - LINE) < 0.05 * np.linalg.norm(still)


def test_of_noise_alone_nothing_is_water(rng: np.random.Generator) -> None:
    fids = LINE + noise(60, rng)
    split = SplitSet.of(fids, data_of(fids), SD)
    assert np.linalg.norm(split.nuisance.fids) < 0.1 * np.linalg.norm(split.deviations)


def test_other_nuclei_have_no_water(rng: np.random.Generator) -> None:
    fids = LINE + water(20, rng) + noise(20, rng)
    split = SplitSet.of(fids, data_of(fids, "31P"), SD)
    assert not split.nuisance.fids.any()
    np.testing.assert_array_equal(split.carrier, split.average)


def test_drawn_water_varies_as_the_transients_do_and_copies_none(rng: np.random.Generator) -> None:
    own = water(60, rng)
    own -= own.mean(axis=0)
    made = MeasuredNuisance(own).draw(4000, rng)
    power = np.mean(np.abs(own) ** 2, axis=0)
    # Of 4000 draws from 60: the power of each point to 4 SD of the mean of an exponential.
    np.testing.assert_allclose(np.mean(np.abs(made) ** 2, axis=0)[:100], power[:100], rtol=4 / np.sqrt(60))
    nearest = np.linalg.norm(made[:100, None] - own[None], axis=2).min(axis=1)
    # The angle is at least pi / 8 from either of the two: what is added is sin(pi / 8) of another one.
    typical = np.sqrt(np.mean(np.sum(np.abs(own) ** 2, axis=1)))
    assert np.median(nearest) > np.sin(np.pi / 8) * typical
    assert not MeasuredNuisance(own[:1]).draw(3, rng).any()


@pytest.mark.parametrize("mode", ["random", "interpolate", "hybrid"])
def test_new_transients_have_water_like_that_of_others(mode: str, rng: np.random.Generator) -> None:
    fids = LINE + water(200, rng) + noise(200, rng)
    parents, others = fids[:100], fids[100:]
    network = DeviationNetwork(N, DT, F0, 0)
    made = new_transients(network, parents, data_of(parents), 100, mode, rng)  # type: ignore[arg-type]
    # Beside the water, where its tails are: spread and mean as those of others (each of 100, to 4 SD).
    beside = np.exp(-2j * np.pi * 60 * T)
    real, new = (part @ beside.conj() for part in (others, made))
    assert abs(np.log(new.var() / real.var())) < 4 * np.sqrt(2 / 100)
    assert abs(new.mean() - real.mean()) < 4 * np.sqrt(2 * real.var() / 100)
    ratio = np.median(noise_sd(made, data_of(made).ppm_axis)) / SD
    assert abs(ratio - 1) < 0.05
