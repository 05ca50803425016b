"""What task ``fpc`` runs, in order, and the words around it."""

import tempfile
from pathlib import Path

from tqdm import tqdm

from tests.benchmarks.fpc import figures, methods_table, sets, studies
from tests.benchmarks.fpc.networks import TrainedFpcNetwork, train_all
from tests.benchmarks.fpc.profiles import PROFILES, FpcProfile
from tests.benchmarks.one_thread import one_thread
from tests.benchmarks.table import Page, Picture, Table, fslmrs_words

METHOD = """\
Frequency and phase correction by networks, by classical methods and by the default of `align`, `gn`; one set of
transients for all of them.

- The published set (Shamaei et al 2023, [doi:10.1002/mrm.29498](https://doi.org/10.1002/mrm.29498)) is simulated
  from {signal}: 1980 points of 0.2272 ms at 400.3 MHz, shift within +-20 Hz, phase within +-90
  degrees, damping as in the published code, noise of SD 0.05, unstable water and lipid in 40 % each.
- `dsr`, `dsrf`, `dcrr`, `dcrrf` learn without labels, `tapper` and `ma` with them, all here, by the commands
  below; {seeds}. They read 512 points. The shipped networks are judged by the task `elsewhere`.
- `sr`, `srf`, `crr`, `crrf`, `corr`, `corrf` are the classical methods as `align` runs them, without training.
- `gn` registers to the set's own average, `gn, known` to the noiseless signal.
- Every SD stands beside the Cramer-Rao bound of what the method reads. An estimate that is off by more than 3 Hz
  is a failure.

{networks}"""


def run(profile: str, seed: int, *, signal: Path | None = None, models: Path | None = None) -> Page:
    """Run the task.

    Parameters
    ----------
    profile : {"smoke", "small", "paper"}
    seed : int
        Of the test sets and of the trainings.
    signal : Path, optional
        The measured rat signal; by default that among the measured data, or singlets in its place.
    models : Path, optional
        Folder that keeps the networks trained here, and brings those of an earlier run.

    Returns
    -------
    Page
    """
    with one_thread():
        if models is not None:
            return _page(PROFILES[profile], profile, seed, sets.rat_signal(signal), models)
        with tempfile.TemporaryDirectory() as scratch:
            return _page(PROFILES[profile], profile, seed, sets.rat_signal(signal), Path(scratch))


def _page(profile: FpcProfile, name: str, seed: int, signal: Path | None, folder: Path) -> Page:
    networks = train_all(profile, signal, folder, seed)
    tables: list[Table] = []
    pictures: list[Picture | None] = []
    with tqdm(total=5, desc="fpc", leave=False, disable=None) as bar:
        test = sets.rat_set(signal, sets.RAT_SPREAD, profile.tested, seed)
        everything = methods_table.compare(test, networks, profile.slow)
        tables += methods_table.tables(everything, networks, profile)
        pictures += [
            figures.error_picture(everything),
            figures.correlation_picture(everything),
            figures.similarity_picture(everything),
        ]
        bar.update()
        quiet = sets.rat_set(signal, sets.CLEAR, profile.noise_tested, seed + 2)
        noise = studies.noise_study(quiet, networks, profile, seed)
        tables.append(studies.noise_table(noise))
        pictures.append(figures.noise_picture(noise))
        bar.update()
        draws = studies.monte_carlo(quiet, networks, profile, seed)
        tables.append(studies.monte_carlo_table(draws))
        pictures.append(figures.monte_carlo_picture(draws))
        bar.update()
        tables.append(studies.out_of_range_table(studies.out_of_range(signal, networks, profile, seed)))
        bar.update()
        drifting = studies.drift_study(quiet, networks, profile, folder, seed)
        tables.append(studies.drift_table(drifting, profile))
        bar.update()
    remarks = fslmrs_words() if name == "paper" else f"{fslmrs_words()} {_paper_words(profile, networks)}"
    method = METHOD.format(
        signal="the measured signal of a rat"
        if signal
        else "singlets of the brain, in place of the rat's signal",
        seeds=f"seed {seed}",
        networks=_networks_in_words(networks),
    )
    return Page("Frequency and phase correction", method, tables, remarks, figures.present(pictures))


def _paper_words(profile: FpcProfile, networks: dict[str, TrainedFpcNetwork]) -> str:
    """Return how long the trainings of the profile ``paper`` would take here, by those of this run."""
    minutes = 0.0
    for name, one in networks.items():
        (samples, epochs), (all_samples, all_epochs) = (
            profile.training[name],
            PROFILES["paper"].training[name],
        )
        minutes += one.minutes * all_samples * all_epochs / (samples * epochs)
    return (
        f"Profile `paper` of this page: not run. Its trainings would take {minutes / 60:.1f} hours here, "
        "by the minutes a transient and epoch in the table of cost."
    )


def _networks_in_words(networks: dict[str, TrainedFpcNetwork]) -> str:
    """Return the commands that train the networks of the tables."""
    lines = [one.card.recipe.command for one in networks.values()]
    return "\n".join(["```sh", *lines, "```"])
