"""Task ``elsewhere``: the shipped networks for ``align`` and its default, on data that none was trained on."""

from tqdm import tqdm

from tests.benchmarks.fpc import figures, subjects
from tests.benchmarks.fpc.default import default_tables, speed_table
from tests.benchmarks.fpc.elsewhere_table import elsewhere_tables
from tests.benchmarks.fpc.profiles import PROFILES
from tests.benchmarks.one_thread import one_thread
from tests.benchmarks.table import Page, Picture, Table, fslmrs_words

METHOD = """\
The networks that are shipped for `align`, beside its default `gn`, on transients that others made or measured. How
they were trained is under [Model packages](../reference/models.md).

- A network stands here twice: alone, and *checked*, as `align --method` runs it. The check compares each of its
  estimates with that of `gn` by the likelihood of the transient, and replaces what is not supported.
- The worlds of *Elsewhere* come from other basis sets, lineshapes and generators of water and lipid than the
  training. They were made before the shipped networks were trained, but after a pilot. Three of their tables of
  macromolecules are also in the training.
"""


def run(profile: str, seed: int) -> Page:
    """Run the task.

    Parameters
    ----------
    profile : {"smoke", "small", "paper"}
    seed : int
        Of the test sets.

    Returns
    -------
    Page
    """
    with one_thread():
        return _page(profile, seed)


def _page(name: str, seed: int) -> Page:
    profile = PROFILES[name]
    tables: list[Table] = []
    with tqdm(total=4, desc="elsewhere", leave=False, disable=None) as bar:
        tables += elsewhere_tables(profile, seed)
        bar.update()
        tables += [*default_tables(profile, seed), speed_table(profile, seed)]
        bar.update()
        edited = subjects.subjects(profile, seed)
        tables.append(subjects.subjects_table(edited))
        bar.update()
        tables += [subjects.measured_table("mega"), subjects.measured_table("mega", removed=True)]
        tables.append(subjects.measured_table("steam"))
        pictures: list[Picture | None] = [figures.subjects_picture(edited), figures.difference_picture()]
        bar.update()
    return Page("Networks for align, elsewhere", METHOD, tables, fslmrs_words(), figures.present(pictures))
