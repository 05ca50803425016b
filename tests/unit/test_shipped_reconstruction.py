"""The package that comes with the program for ``reconstruct``, and what the step does with it."""

from pathlib import Path

import numpy as np
import pytest

from fsl_mrs_dl.data import MRSData
from fsl_mrs_dl.errors import IncompatibleModelError, ModelError
from fsl_mrs_dl.io.basis import read_basis
from fsl_mrs_dl.models.package import find, read_card, verified
from fsl_mrs_dl.simulate.shipped import shipped_basis
from fsl_mrs_dl.steps.reconstruct import reconstruct
from fsl_mrs_dl.steps.reconstruct_penalty import SHIPPED
from fsl_mrs_dl.train.reconstruction_data import scans

pytestmark = pytest.mark.usefixtures("one_thread")
DOCS = Path(__file__).parents[2] / "docs"


def spectra(snr_f: float, rng: np.random.Generator, n: int = 6, name: str = "press_3t_te30") -> MRSData:
    basis = read_basis(shipped_basis(name))
    made = scans(basis, n, rng, (snr_f, snr_f))
    fids = made.fids.T[None, None, None]
    return MRSData(fids, basis.dwelltime_s, basis.spectrometer_frequency_mhz, dim_tags=("DIM_USER_0",))


class TestShipped:
    def test_penalty_follows_the_noise(self, rng: np.random.Generator) -> None:
        ratios = [
            np.median(reconstruct(spectra(snr, rng), penalty="auto").reconstruction.ratio)
            for snr in (8, 20, 49)
        ]
        assert ratios[0] > 1.7 * ratios[1] > 1.7**2 * ratios[2]

    def test_record_names_it(self, rng: np.random.Generator) -> None:
        result = reconstruct(spectra(20, rng), penalty="auto")
        details = result.data.processing[-1]["Details"]
        assert f"model={SHIPPED}@" in details
        assert "package_sha256=" in details

    def test_fids_of_a_set_have_about_the_penalty_of_the_noise(self, rng: np.random.Generator) -> None:
        """Of 6 FIDs that share their lines the penalty is larger; the network counts as one FID's noise."""
        data = spectra(15, rng)
        by_network = reconstruct(data, dim="DIM_USER_0", penalty="auto").reconstruction.penalty
        by_noise = reconstruct(data, dim="DIM_USER_0", penalty="noise").reconstruction.penalty
        # The card says how far single penalties are off; a wrong count of the FIDs would be a factor of 2.4 more.
        assert 1 / 3 < by_network[0] / by_noise[0] < 3

    def test_where_it_is_not_valid_the_noise_decides(self, rng: np.random.Generator) -> None:
        data = spectra(20, rng)
        short = data.with_fid(data.fid[:, :, :, :400])
        result = reconstruct(short, penalty="auto")
        assert "duration_s" in result.messages[0]
        assert "penalty=noise" in result.data.processing[-1]["Details"]
        with pytest.raises(IncompatibleModelError):
            reconstruct(short, penalty="auto", model=SHIPPED)
        assert (
            "mismatch"
            in reconstruct(short, penalty="auto", model=SHIPPED, allow_mismatch=True).data.processing[-1][
                "Details"
            ]
        )

    def test_model_of_another_task(self, rng: np.random.Generator) -> None:
        with pytest.raises(ModelError, match="reconstruct needs"):
            reconstruct(spectra(20, rng), penalty="auto", model="quantify-start-1h")

    def test_package_is_small_and_made_by_the_documented_command(self) -> None:
        folder = find(SHIPPED)
        card, weights = verified(folder)
        assert len(weights) < 1e6
        assert card.name == SHIPPED
        options = dict(zip(*[iter(card.recipe.command.split()[3:])] * 2, strict=True))
        text = (DOCS / "reference" / "models.md").read_text(encoding="utf-8").replace("\\\n", " ")
        line = next(one for one in text.splitlines() if one.startswith("fsl_mrs_dl train reconstruct"))
        words = line.split()[3:]
        written = dict(zip(words[::2], words[1::2], strict=True))
        assert {key: value for key, value in written.items() if key != "--output"}.items() <= options.items()
        assert f"`{card.full_name}` | `{card.package_sha256}`" in text

    def test_card_says_how_far_from_the_oracle_it_is(self) -> None:
        scores = read_card(find(SHIPPED)).evaluation
        error = scores[0]
        assert error.bound < error.value < error.baseline
        rank = next(score for score in scores if score.metric.startswith("rank"))
        assert rank.value > 0.5
