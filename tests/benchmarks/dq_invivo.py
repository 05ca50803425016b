"""Task ``dq_invivo``: networks of amplitudes on measured spectra, beside the fit and its intervals."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fsl_mrs_dl.data import MRSData
from fsl_mrs_dl.errors import ModelError
from fsl_mrs_dl.steps.average import average
from fsl_mrs_dl.steps.quantify import quantify
from fsl_mrs_dl.steps.remove import remove
from tests.benchmarks.quantify_cases import shipped, steam_transients
from tests.benchmarks.realdata import in_vivo
from tests.benchmarks.table import NOT_RUN, Page, Table

FIVE = {"tNAA": "NAA+NAAG", "tCho": "GPC+PCh", "Ins": "Ins", "Glu": "Glu", "Glu+Gln": "Glu+Gln"}
_METHOD = """\
Networks that give shift, width and phase of a spectrum without a search (DQ-nMM), on measured spectra of one
person each. Amplitudes are ratios to tCr, in the columns that FSL-MRS has too; in brackets the fit's 95 %
intervals.

- *fit*: `quantify` with its defaults, which average over macromolecules, lipids and baselines.
- *network*: `quantify --method dq-nmm`. Around the estimates of the network the model is linear; amplitudes are
  averages over the same backgrounds as the fit's. Residual water is projected out before the network reads.
- *network, fixed baseline*: the same with `--baseline 'poly, 2'`: the macromolecules of the basis set, and the
  whole band.
"""


@dataclass(frozen=True)
class _Quantified:
    """Ratios to tCr of one method, and the ends of their intervals; NaN where there are none."""

    ratios: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    misfit: str

    @classmethod
    def of(cls, data: MRSData, basis: str, **options: Any) -> "_Quantified":
        results = quantify(data, basis=shipped(basis), **options).outcome
        assert results is not None
        scaled = results.scaled["internal"]
        columns = {text: _column(results.names, name) for text, name in FIVE.items()}
        ratios = {text: float(scaled.value[0, column]) for text, column in columns.items()}
        intervals = {}
        if "ci95_low" in scaled.extra:
            low, high = (scaled.extra[f"ci95_{end}"][0] for end in ("low", "high"))
            intervals = {text: (float(low[column]), float(high[column])) for text, column in columns.items()}
        misfit = NOT_RUN if results.misfit is None else f"{float(results.misfit[0]):.2f}"
        return cls(ratios, intervals, misfit)

    def cells(self, fit: "_Quantified") -> list[str]:
        """Return the ratios, and how many lie in the intervals of the fit."""
        parts = [f"{value:.2f}" for value in self.ratios.values()]
        if self is fit:
            ends = [self.intervals[text] for text in FIVE]
            shown = [f"{part} [{low:.2f}, {high:.2f}]" for part, (low, high) in zip(parts, ends, strict=True)]
            return [*shown, "-", self.misfit]
        inside = [low <= self.ratios[text] <= high for text, (low, high) in fit.intervals.items()]
        return [*parts, f"{sum(inside)} of {len(inside)}", self.misfit]


def run(profile: str, seed: int) -> Page:
    """Run the task; profile and seed change nothing."""
    columns = ["spectrum", "method", *FIVE, "inside the fit's interval", "misfit"]
    rows = []
    for text, data, basis in _spectra():
        if data is None:
            rows.append([text])
            continue
        fit = _Quantified.of(data, basis)
        rows.append([text, "fit", *fit.cells(fit)])
        choices: dict[str, dict[str, Any]] = {
            "network": {},
            "network, then 3 iterations of the fit": {"refine": 3},
            "network, fixed baseline": {"baseline": "poly, 2"},
        }
        for name, options in choices.items():
            try:
                result = _Quantified.of(data, basis, method="dq-nmm", **options)
            except ModelError:  # no package of this sequence is shipped
                rows.append([text, name])
                continue
            rows.append([text, name, *result.cells(fit)])
    return Page("Networks of amplitudes, measured", _METHOD, [Table.filled("Ratios to tCr.", columns, rows)])


def _spectra() -> list[tuple[str, MRSData | None, str]]:
    press = in_vivo("press_3t", "sub-01_press.nii.gz")
    dry = None if press is None else remove(press).data
    steam = steam_transients()
    return [
        ("3 T PRESS TE 30", press, "press_3t_te30"),
        ("3 T PRESS TE 30, water removed", dry, "press_3t_te30"),
        ("7 T STEAM TE 11", None if steam is None else average(steam[0]).data, "steam_7t_te11"),
    ]


def _column(names: Sequence[str], name: str) -> int:
    """Return the column of a metabolite or a sum, whose members may stand in either order."""
    return names.index(name if name in names else "+".join(reversed(name.split("+"))))
