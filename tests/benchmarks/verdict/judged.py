"""Spectra and damaged copies of them, fitted and judged."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Real
from fsl_mrs_dl.fit.quantification.criteria import Criterion
from fsl_mrs_dl.fit.quantification.grade import Grade, grade
from fsl_mrs_dl.io.results import Outcome
from fsl_mrs_dl.report.concentrations import is_broad
from tests.benchmarks.verdict.damages import Damage, JudgedScan, damages, nothings
from tests.benchmarks.verdict.scans import MeasuredFile

_MAIN = "NAA, creatine, choline"


@dataclass(frozen=True, eq=False)
class Copies:
    """Damaged copies of one spectrum, fitted.

    Attributes
    ----------
    group, name : str
        Of the spectrum.
    damage : tuple of Damage
        One a copy.
    measures : mapping of str to ndarray, float, shape (copies,)
    flags : ndarray, int16, shape (copies,)
    doubts : tuple of tuple of str
        One a copy.
    """

    group: str
    name: str
    damage: tuple[Damage, ...]
    measures: Mapping[str, Real]
    flags: NDArray[np.int16]
    doubts: tuple[tuple[str, ...], ...]

    def graded(self, criteria: Mapping[str, Criterion]) -> Iterator[tuple[Damage, int, str]]:
        """Yield damage, verdict and reason of each copy."""
        for row, one in enumerate(self.damage):
            some = {key: values[row : row + 1] for key, values in self.measures.items()}
            result = grade(
                some, self.flags[row : row + 1], doubts=self.doubts[row], main=_MAIN, criteria=criteria
            )
            yield one, int(result.verdict[0]), result.reasons[0]


def again(outcome: Outcome, criteria: Mapping[str, Criterion]) -> Grade:
    """Return the verdicts of an outcome with other limits."""
    assert outcome.quality is not None
    return grade(outcome.quality, outcome.flags, doubts=outcome.doubts, main=_MAIN, criteria=criteria)


def damaged(measured: MeasuredFile, outcome: Outcome, rng: np.random.Generator) -> Copies:
    """Return all damaged copies of a spectrum, fitted with its basis set, and itself with another basis set.

    Parameters
    ----------
    measured : MeasuredFile
        One spectrum.
    outcome : Outcome
        Of it.
    rng : numpy.random.Generator
    """
    assert outcome.metabolites is not None
    assert outcome.quality is not None
    n_points = outcome.fit.shape[1]
    data = measured.data.with_fid(measured.data.fid[..., :n_points])
    own = [n for n, name in enumerate(outcome.members) if not is_broad(name)]
    width, snr = (float(outcome.quality[key][0]) for key in ("fwhm_hz", "snr"))
    scan = JudgedScan(data, outcome.metabolites[0, own].sum(axis=0), width, snr)
    kinds = [*damages(), *nothings(scan, measured.water)]
    fids = np.stack([one.change(scan, rng) for one in kinds])
    parts = [measured.judged(data.with_fid(fids[:, None, None]))]
    doubts = [parts[0].doubts] * len(kinds)
    # Whether the header tells or not.
    silent = replace(data, header={})
    for size, some in (("the header says so", data), ("the header says nothing", silent)):
        parts.append(measured.judged(some, measured.other_basis))
        words = ("basis set", "echo time", "sequence")
        kinds.append(Damage("wrong basis", size, words, lambda scan, _: scan.fid))
        doubts.append(parts[-1].doubts)
    qualities = [part.quality or {} for part in parts]
    joined = {key: np.concatenate([quality[key] for quality in qualities]) for key in qualities[0]}
    flags = np.concatenate([part.flags for part in parts])
    return Copies(measured.group, measured.name, tuple(kinds), joined, flags, tuple(doubts))
