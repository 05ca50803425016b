"""The page of a step that has none of its own: the spectrum before and after, and what was done."""

from collections.abc import Mapping
from typing import Any, Protocol

from fsl_mrs_dl.data import MRSData, Stage
from fsl_mrs_dl.report.page import acquisition_rows, page, plain, processing_table, section, table
from fsl_mrs_dl.report.stages import stages_part


class SingleResult(Protocol):
    """What the page needs of a step's result."""

    @property
    def data(self) -> MRSData:
        """The result."""

    @property
    def settled(self) -> Mapping[str, Any]:
        """Settings that the step chose."""

    @property
    def messages(self) -> tuple[str, ...]:
        """Decisions and results of the step, in words."""


def step_page(before: MRSData, result: SingleResult, settings: Mapping[str, Any]) -> str:
    """Return the HTML page of one step: one file that needs no network.

    Parameters
    ----------
    before : MRSData
        Input of the step.
    result : SingleResult
    settings : mapping
        The options of the step by name.

    Returns
    -------
    str
    """
    record = result.data.processing[-1]  # of the step, which appends its own
    name = str(record["Method"])
    words = result.messages or (str(record["Details"]),)
    stages = (Stage("before", before), Stage(name, result.data, words))
    chosen = {**settings, **result.settled}
    parts = [
        stages_part(stages),
        section("Settings", table((key, plain(value)) for key, value in chosen.items())),
        section("Acquisition", table(acquisition_rows(result.data))),
        section("Processing applied", processing_table(result.data)),
    ]
    return page(name, result.data, parts)
