"""The run of task ``verdict`` and its tables."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import VERDICTS, Real
from fsl_mrs_dl.fit.quantification.criteria import CRITERIA, GOOD, USABLE, Criterion
from fsl_mrs_dl.io.results import Outcome
from tests.benchmarks.table import Page, Table
from tests.benchmarks.verdict.judged import Copies, again, damaged
from tests.benchmarks.verdict.limits import LEAST, MARGIN, OF_SPECTRA, QUANTILE, Values, criteria, limits
from tests.benchmarks.verdict.scans import (
    MRSI,
    MRSI_BASIS,
    MeasuredFile,
    mrsi,
    simulated,
    single_spectra,
    voxel,
)

_MRSI_WEIGHT = 4.0  # of its voxels together: as the people of one site
_DAMAGED_VOXELS = 4  # of MRSI: as many as a site of single voxels has spectra
_WORDS = ("good", "usable", "unusable")

METHOD = f"""\
What `quantify` says of a spectrum: `good`, `usable` or `unusable`, and why. The limits are judged on measured
spectra and on copies of them that are damaged on purpose.

- *Spectra*: twelve people of three sites of the Big GABA study (PRESS TE 35, water removed by `remove`), 3 T PRESS
  TE 30 and TE 35 of another two people, 7 T STEAM TE 11, and 3 T MRSI (its sequence is not known;
  `{MRSI_BASIS}` is assumed), of the folder that `FSL_MRS_DL_TEST_DATA` names; with the defaults of `quantify` and
  shipped basis sets. Nobody has judged them by eye: they count as what good scans are like, and a few of them may
  not be.
- *Limits for good* that are measured: {MARGIN:g} times what {100 * QUANTILE:.0f} % of the spectra keep (`echo`: at
  least {LEAST["echo"]:g}, as most have none). All voxels of the MRSI count as {_MRSI_WEIGHT:.0f} spectra.
  *Without* a site or scan: from all others; it is judged with these. Those *in use* are rounded from all,
  `base_ppm` downwards to what a Lorentzian line of the largest good width has.
- *Damaged copies* are made of the measured FIDs. Lipid: lines at 1.3 and 0.9 ppm, 0.25 ppm wide, of a phase up to
  90° off, as high as a share of the highest metabolite. Echo: a Gaussian burst of 10 to 30 ms, 50 to 150 ms after
  the start, at 2 to 4 ppm, a share of the first point of the metabolites. Foreign line: at 2.62 ppm, as wide as
  the others. Motion and shim: the FID times the mean of the phase factors of its parts; noise is made white again.
  Of MRSI, {_DAMAGED_VOXELS} good voxels are damaged.
- *Named*: the reason holds the cause in words, for example `lipid`; of shim and motion, linewidth or lineshape."""

SMOKE = "The profile `smoke` needs no files: one simulated spectrum and its copies, judged with the limits in use."


def run(profile: str, seed: int) -> Page:
    """Run the task, a :class:`~tests.benchmarks.table.Task`.

    Parameters
    ----------
    profile : {"smoke", "small", "paper"}
        smoke: one simulated spectrum; the others: all measured ones that are there.
    seed : int
    """
    rng = np.random.default_rng(seed)
    spectra = [simulated(seed)] if profile == "smoke" else list(single_spectra())
    whole = None if profile == "smoke" else mrsi()
    results = [(one, one.judged(one.data)) for one in spectra]
    copies = [damaged(one, outcome, rng) for one, outcome in results]
    if whole is not None:
        outcome = whole.judged(whole.data)
        for one in _good_voxels(whole, outcome):
            copies.append(damaged(one, one.judged(one.data), rng))
        results.append((whole, outcome))
    tables = [] if profile == "smoke" or not results else _measured(results)
    if copies:
        tables.append(_damaged(copies, _values(results) if tables else None))
    if not tables:
        tables = [Table.filled("The measured spectra are not there.", ["spectrum", "verdict"], [["all"]])]
    return Page("One verdict a spectrum", METHOD, tables, SMOKE if profile == "smoke" else "")


def _good_voxels(whole: MeasuredFile, outcome: Outcome) -> list[MeasuredFile]:
    """Return a few good voxels, evenly spread."""
    assert outcome.verdict is not None
    rows = np.flatnonzero(outcome.verdict == GOOD)
    some = rows[np.linspace(0, len(rows) - 1, min(len(rows), _DAMAGED_VOXELS)).astype(int)]
    return [voxel(whole, (int(x), int(y), int(z))) for x, y, z in outcome.voxels[some]]


def _values(result: Sequence[tuple[MeasuredFile, Outcome]]) -> list[Values]:
    """Return the measures by group."""
    groups: dict[str, list[Mapping[str, Real]]] = {}
    for one, outcome in result:
        groups.setdefault(one.group, []).append(outcome.quality or {})
    return [
        Values(
            group,
            {key: np.concatenate([part[key] for part in parts]) for key in parts[0]},
            _MRSI_WEIGHT if group == MRSI else float(len(parts)),
        )
        for group, parts in groups.items()
    ]


def _measured(result: Sequence[tuple[MeasuredFile, Outcome]]) -> list[Table]:
    """Return the limits, and the verdicts on the undamaged spectra."""
    values = _values(result)
    groups = [one.group for one in values]
    rows = []
    for key, one in CRITERIA.items():
        row = [f"`{key}`", f"{one.good:g}", f"{one.usable:g}"]
        if key in OF_SPECTRA:
            row += [f"{limits(values)[key]:.3f}", *(f"{limits(values, group)[key]:.3f}" for group in groups)]
        else:
            row += ["-"] * (1 + len(groups))
        rows.append(row)
    caption = (
        "Limits: those in use, and what the measured spectra give, all of them and without one site or scan."
    )
    columns = ["measure", "in use: good", "usable", "all", *(f"without {group}" for group in groups)]
    tables = [Table(caption, columns, rows)]
    judged = []
    for measured, outcome in result:
        own = again(outcome, criteria(limits(values, measured.group)))
        judged.append(
            [
                measured.name,
                _verdict_in_words(outcome.verdict),
                _verdict_in_words(own.verdict),
                _reason(outcome.reasons),
                _reason(own.reasons),
            ]
        )
    head = [
        "spectrum",
        "verdict in use",
        "with limits without its site",
        "reason in use",
        "reason without its site",
    ]
    tables.append(Table("Undamaged spectra; of MRSI the number of voxels with each verdict.", head, judged))
    return tables


def _verdict_in_words(verdict: NDArray[np.int8] | None) -> str:
    assert verdict is not None
    words = {level.code: word for word, level in VERDICTS.items()}
    if len(verdict) == 1:
        return words[int(verdict[0])]
    return ", ".join(f"{count} {words[code]}" for code, count in sorted(Counter(verdict.tolist()).items()))


def _reason(reasons: Sequence[str]) -> str:
    return reasons[0] if len(reasons) == 1 else "-"


def _damaged(copies: Sequence[Copies], values: Sequence[Values] | None) -> Table:
    """Return how damaged copies are judged, with the limits that their site did not set, or with those in use."""
    own = _judged(
        copies, {some.group: criteria(limits(values, some.group)) for some in copies} if values else {}
    )
    rows = [[kind, size, *_counts(counts)] for (kind, size), counts in own.items()]
    rows.append(["**all**", "", *_counts([one for counts in own.values() for one in counts])])
    limit = "in use"
    if values:
        limit = "set without their site or scan"
        used = _judged(copies, {})
        rows.append(
            ["**all**", "limits in use", *_counts([one for counts in used.values() for one in counts])]
        )
    caption = (
        f"Damaged copies, judged with the limits {limit}. *Named*: not good, and the reason names the damage."
    )
    return Table(caption, ["damage", "size", "copies", *_WORDS, "named"], rows)


def _judged(
    copies: Sequence[Copies], rules: Mapping[str, Mapping[str, Criterion]]
) -> dict[tuple[str, str], list[tuple[int, bool]]]:
    """Return verdicts, and whether the damage is named, by damage; groups without rules have those in use."""
    results: dict[tuple[str, str], list[tuple[int, bool]]] = {}
    for some in copies:
        for damage, verdict, reason in some.graded(rules.get(some.group, CRITERIA)):
            named = any(word in reason for word in damage.words)
            results.setdefault((damage.kind, damage.size), []).append((verdict, named))
    return results


def _counts(counts: Sequence[tuple[int, bool]]) -> list[str]:
    codes = Counter(verdict for verdict, _ in counts)
    named = sum(verdict >= USABLE and names_cause for verdict, names_cause in counts)
    share = f"{named} ({100 * named / len(counts):.0f} %)"
    return [str(len(counts)), *(str(codes[VERDICTS[word].code]) for word in _WORDS), share]
