"""Verdicts on measured spectra: good scans pass, water alone and damaged copies do not."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fsl_mrs_dl.data import VERDICTS
from fsl_mrs_dl.fit.quantification.criteria import CRITERIA, GOOD, UNUSABLE, USABLE
from tests.benchmarks.verdict.judged import damaged
from tests.benchmarks.verdict.scans import MeasuredFile, mrsi, single_spectra

pytestmark = pytest.mark.realdata


@pytest.fixture(scope="module")
def spectra(shared_data: Path) -> Iterator[dict[str, MeasuredFile]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FSL_MRS_DL_TEST_DATA", str(shared_data))
        yield {one.name: one for one in single_spectra()}


def test_measured_brains_are_good_or_usable(spectra: dict[str, MeasuredFile]) -> None:
    found = {name: one.judged(one.data) for name, one in spectra.items()}
    codes = {name: int(outcome.verdict[0]) for name, outcome in found.items()}
    gaba = [code for name, code in codes.items() if name[0] == "P" and name[1].isdigit()]
    assert len(gaba) == 12
    assert sum(code in (GOOD, USABLE) for code in gaba) >= 9
    assert sum(code == GOOD for code in gaba) >= 9
    assert all(codes[name] in (GOOD, USABLE) for name in ("PRESS TE 30", "PRESS TE 35", "7 T STEAM TE 11"))


def test_water_alone_and_another_basis_set(spectra: dict[str, MeasuredFile]) -> None:
    one = spectra["P1_S01"]
    water = one.data.with_fid(one.water.fid[..., : one.data.n_points].reshape(1, 1, 1, -1))
    found = one.judged(water)
    assert (found.verdict[0], found.causes[0]) == (UNUSABLE, "water alone")
    found = one.judged(one.data, one.other_basis)
    assert found.verdict[0] >= USABLE
    assert "echo time" in found.reasons[0]


def test_no_damaged_copy_is_good_and_its_damage_is_named(spectra: dict[str, MeasuredFile]) -> None:
    one = spectra["PRESS TE 30"]
    seen = list(damaged(one, one.judged(one.data), np.random.default_rng(1)).graded(CRITERIA))
    assert not [(damage.kind, damage.size) for damage, verdict, _ in seen if verdict == GOOD]
    named = [any(word in reason for word in damage.words) for damage, _, reason in seen]
    assert np.mean(named) >= 0.9
    alone = {damage.kind: verdict for damage, verdict, _ in seen}
    assert {alone[kind] for kind in ("water alone", "noise alone", "another nucleus", "conjugated")} == {
        UNUSABLE
    }


def test_most_voxels_of_a_measured_mrsi_are_good(spectra: dict[str, MeasuredFile]) -> None:
    whole = mrsi()
    assert whole is not None
    some = replace(whole, data=whole.data.with_fid(whole.data.fid * _every_fourth(whole)[..., None]))
    verdict = some.judged(some.data).verdict
    assert np.mean(verdict == VERDICTS["good"].code) > 0.5
    assert np.mean(verdict == VERDICTS["unusable"].code) < 0.2


def _every_fourth(whole: MeasuredFile) -> np.ndarray:
    there = np.abs(whole.data.fid).max(axis=-1) > 0
    chosen = np.zeros(there.size, dtype=bool)
    chosen[np.flatnonzero(there)[::4]] = True
    return chosen.reshape(there.shape)
