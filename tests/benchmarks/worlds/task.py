"""Task ``worlds``: from a profile to the page."""

from dataclasses import dataclass

from tests.benchmarks.table import Page, fslmrs_words
from tests.benchmarks.worlds import words
from tests.benchmarks.worlds.broad import SIZE
from tests.benchmarks.worlds.design import COMBINATIONS, worlds
from tests.benchmarks.worlds.figures import errors_picture
from tests.benchmarks.worlds.held_out import held_out_table
from tests.benchmarks.worlds.judged import STRONG
from tests.benchmarks.worlds.run_worlds import scores
from tests.benchmarks.worlds.sites import sites_table
from tests.benchmarks.worlds.spins import DWELLTIME_S, POINTS
from tests.benchmarks.worlds.tables import design_table, missing_worlds, score_table, summary_table


@dataclass(frozen=True)
class WorldsProfile:
    """How many spectra a world, how many of them by FSL-MRS, and how many people of each site."""

    spectra: int
    rival: int
    people: int | None = None


PROFILES = {"smoke": WorldsProfile(4, 1, 2), "small": WorldsProfile(40, 5), "paper": WorldsProfile(500, 100)}


def run(profile: str, seed: int) -> Page:
    """Run the task, a :class:`~tests.benchmarks.table.Task`."""
    chosen, every = PROFILES[profile], worlds(profile)
    results = scores(every, chosen.spectra, seed, rival=chosen.rival)
    method = words.METHOD.format(
        points=POINTS,
        ms=1e3 * DWELLTIME_S,
        combinations=COMBINATIONS,
        size=SIZE,
        strong=", ".join(STRONG),
    )
    tables = [
        design_table(words.DESIGN, every),
        summary_table(words.SUMMARY, results),
        score_table(words.SCORES, results),
        held_out_table(words.HELD_OUT, chosen.spectra, seed),
        sites_table(words.SITES, chosen.people),
    ]
    remarks = "\n\n".join(filter(None, (missing_worlds(results), fslmrs_words())))
    title = "Quantification in worlds that the model did not make"
    return Page(title, method, tables, remarks, [errors_picture(results)])
