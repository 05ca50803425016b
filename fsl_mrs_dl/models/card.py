"""The card of a model package: what it is, what it takes, where it may be used, how well it did. No PyTorch."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fsl_mrs_dl.data import MRSData
from fsl_mrs_dl.errors import IncompatibleModelError
from fsl_mrs_dl.io.text_table import text_table

SCHEMA_VERSION = 2
"""Version of the format of ``card.json``; packages of another version are refused."""
_SLACK = 1e-6
"""Relative tolerance of a range: values in headers are rounded."""
_SIMILARITY_NOTE = (
    "A similarity index can exceed that of the true values: estimates that fit noise, water or lipid of\n"
    "single transients make them more alike, not more correct."
)


@dataclass(frozen=True)
class Channel:
    """An input or an output of a network.

    Attributes
    ----------
    name : str
    domain : str
        ``time``, ``frequency`` or ``parameter``.
    shape : tuple of str
        Names or sizes of the axes, for example ``("batch", "2", "512")``.
    unit : str
    normalisation : str
        What is done to it on the way in, in words.
    """

    name: str
    domain: str
    shape: tuple[str, ...]
    unit: str
    normalisation: str = "none"


@dataclass(frozen=True)
class ValidRange:
    """The data that a model was trained for; each range is (lowest, highest), both included.

    Data of another nucleus, field, dwell time or duration are refused. The other values cannot be read from data
    beforehand: they are for the reader.

    Attributes
    ----------
    nucleus : str
    spectrometer_frequency_mhz, dwelltime_s, duration_s : tuple of float
        In MHz and s. The duration is points x dwell time.
    echo_time_s : tuple of float
        Of the training signals, in s; empty: several, or none. Other echo times are not refused, because
        registration compares a set with itself.
    snr_t0, shift_hz, phase_deg, linewidth_hz : tuple of float
        SNR_t0; the rest in Hz and degrees. The linewidth is what was added to the lines of the basis.
    """

    nucleus: str
    spectrometer_frequency_mhz: tuple[float, float]
    dwelltime_s: tuple[float, float]
    duration_s: tuple[float, float]
    echo_time_s: tuple[float, ...] = ()
    snr_t0: tuple[float, float] = (0.0, 0.0)
    shift_hz: tuple[float, float] = (0.0, 0.0)
    phase_deg: tuple[float, float] = (0.0, 0.0)
    linewidth_hz: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True)
class TrainingRecipe:
    """The training of the weights.

    Attributes
    ----------
    command : str
        Repeats the training.
    seed : int
    data : str
        The training data in words.
    data_sha256 : str
        Of the training FIDs.
    hours : float
        Of computing.
    device : str
    software : mapping of str to str
        Package -> version.
    """

    command: str
    seed: int
    data: str
    data_sha256: str
    hours: float
    device: str = "cpu"
    software: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Score:
    """One row of the evaluation: a value of the model, with a baseline and a bound.

    Attributes
    ----------
    metric, unit : str
    value, baseline, bound : float or None
        None where there is none.
    baseline_name, bound_name : str
    n : int
        Test cases.
    """

    metric: str
    unit: str
    value: float
    baseline: float | None
    baseline_name: str
    bound: float | None
    bound_name: str
    n: int


@dataclass(frozen=True)
class Card:
    """The description of a model; ``card.json``.

    Attributes
    ----------
    name, version : str
        ``<task>-<architecture>-<nucleus>-<field>`` and for example ``1.0.0``: the package's two folders.
    task : str
    architecture : str
        Key of :data:`fsl_mrs_dl.models.catalogue.CATALOGUE`.
    config : mapping
        Keywords of the architecture.
    inputs, outputs : tuple of Channel
    valid : ValidRange
    recipe : TrainingRecipe
    evaluation : tuple of Score
    intended_use, refused_use : str
    licence : str
    package_sha256 : str
        Of this card and the weights, see :func:`fsl_mrs_dl.models.card_file.seal`.
    schema_version : int
    """

    name: str
    version: str
    task: str
    architecture: str
    config: Mapping[str, Any]
    inputs: tuple[Channel, ...]
    outputs: tuple[Channel, ...]
    valid: ValidRange
    recipe: TrainingRecipe
    evaluation: tuple[Score, ...]
    intended_use: str
    refused_use: str
    licence: str = "BSD-3-Clause"
    package_sha256: str = ""
    schema_version: int = SCHEMA_VERSION

    @property
    def full_name(self) -> str:
        """``name@version``, as in a record."""
        return f"{self.name}@{self.version}"

    def check(self, data: MRSData, *, allow_mismatch: bool = False) -> tuple[str, ...]:
        """Compare data with the valid range; return a sentence for each value outside it.

        Raises
        ------
        IncompatibleModelError
            If a value is outside it and ``allow_mismatch`` is false; the message names the first.
        """
        valid = self.valid
        values: dict[str, tuple[float, tuple[float, float], str]] = {
            "spectrometer_frequency_mhz": (
                data.spectrometer_frequency_mhz,
                valid.spectrometer_frequency_mhz,
                "MHz",
            ),
            "dwelltime_s": (data.dwelltime_s, valid.dwelltime_s, "s"),
            "duration_s": (data.n_points * data.dwelltime_s, valid.duration_s, "s"),
        }
        outside = []
        if data.nucleus != valid.nucleus:
            outside.append(f"nucleus is {data.nucleus}, the model's {valid.nucleus}")
        for name, (value, (low, high), unit) in values.items():
            if not low * (1 - _SLACK) <= value <= high * (1 + _SLACK):
                outside.append(f"{name} is {value:g} {unit}, the model's {low:g} to {high:g}")
        if outside and not allow_mismatch:
            raise IncompatibleModelError(
                f"{data.name or 'The data'} lies outside the valid range of {self.full_name}: {outside[0]}. "
                "Take another model or train one on such data; --allow_mismatch uses this one all the same."
            )
        return tuple(outside)


def evaluation_text(card: Card) -> str:
    """Return the evaluation as a table for the terminal: errors and scores beside baseline and bound."""
    if not card.evaluation:
        return "It was not evaluated."
    cases = " or ".join(str(count) for count in sorted({score.n for score in card.evaluation}))
    rows = [
        (
            score.metric,
            f"{score.value:.3g}{'' if score.unit in ('', '1') else f' {score.unit}'}",
            _reference_text(score.baseline, score.baseline_name),
            _reference_text(score.bound, score.bound_name),
        )
        for score in card.evaluation
    ]
    lines = [
        f"Measured on {cases} test cases that it did not learn from:",
        text_table(("error or score", "this model", "baseline", "bound or ideal"), rows),
    ]
    if any(score.metric.startswith("similarity") for score in card.evaluation):
        lines.append(_SIMILARITY_NOTE)
    return "\n".join(lines)


def _reference_text(value: float | None, name: str) -> str:
    return "-" if value is None else f"{value:.3g} ({name})"
