"""Task ``dq``: from a profile to the page."""

import contextlib
import tempfile
from collections.abc import Callable
from pathlib import Path

from fsl_mrs_dl.train.quantification_data import SEED_NOISE_SD, WHITE_NOISE_SD
from tests.benchmarks.dq import figures
from tests.benchmarks.dq.accuracy import (
    mape_table,
    r2_table,
    rows_of,
    test_set,
    thresholds_table,
    training_table,
)
from tests.benchmarks.dq.invivo import invivo_table
from tests.benchmarks.dq.order import order_table
from tests.benchmarks.dq.plans import PROFILES, basis_of_tables, paper_hours
from tests.benchmarks.dq.rivals import TRUNCATED
from tests.benchmarks.dq.starts import starts_table
from tests.benchmarks.dq.studies import (
    adaptation_table,
    draws_of,
    draws_table,
    pairs_table,
    studies_of,
    study_tables,
)
from tests.benchmarks.store import NotTrainedError, Store
from tests.benchmarks.table import NOT_RUN, Page, Table


def run(profile: str, seed: int, models: Path | None = None, trained_only: bool = False) -> Page:
    """Run the task.

    Parameters
    ----------
    profile : {"smoke", "small", "paper"}
    seed : int
    models : Path, optional
        Folder that keeps the networks; one that is there already is not trained again.
    trained_only : bool
        Train nothing: what is not there prints ``not run``.

    Returns
    -------
    Page
    """
    if models is None:
        with tempfile.TemporaryDirectory() as folder:
            return run(profile, seed, Path(folder), trained_only)
    chosen, store = PROFILES[profile], Store(models, train=not trained_only)
    white, damped = (test_set(chosen, noise, seed) for noise in ("white", "seed"))
    rows = rows_of(chosen, seed, store, "white", white)
    damped_rows = rows_of(chosen, seed, store, "seed", damped)
    studies = studies_of(chosen, seed, store)
    tables = [
        r2_table(rows, white, "white"),
        mape_table(rows, white, "white"),
        r2_table(damped_rows, damped, "damped"),
        thresholds_table(rows, white),
        training_table([*rows, *damped_rows]),
        _or_not("Order of nMM, pMM and rpMM", lambda: order_table(chosen, seed, store, white)),
    ]
    pictures = []
    with contextlib.suppress(NotTrainedError):
        draws = draws_of(chosen, seed, store)
        tables += [draws_table(draws), pairs_table(draws)]
        pictures += [figures.histograms(draws), figures.scatter(draws), figures.heat_map(draws)]
    tables += [
        *study_tables(studies, white),
        _or_not("Adaptation", lambda: adaptation_table(chosen, seed, store)),
        _or_not("Measured transients", lambda: invivo_table(chosen, seed, store)),
        starts_table(chosen, seed),
    ]
    main = [row.trained for row in (*rows, *damped_rows) if row.trained is not None]
    pictures.append(figures.curves(main, studies))
    method = _METHOD.format(basis=basis_of_tables()[1])
    remarks = _REMARKS
    if profile != "paper":
        with contextlib.suppress(NotTrainedError):
            hours = paper_hours(chosen, seed, store)
            remarks += (
                f" The trainings of the profile `paper` would take {hours:.2g} hours, by those of this page."
            )
    return Page("Quantification networks", method, tables, remarks, pictures)


def _or_not(caption: str, make: Callable[[], Table]) -> Table:
    """Return a table, or one that says that it was not run."""
    try:
        return make()
    except NotTrainedError as error:
        return Table(f"{caption}: a network is not trained ({error}).", ["table"], [[NOT_RUN]])


_METHOD = f"""\
Signals of 1024 points of 0.25 ms from the basis set that is fitted ({{basis}}): amplitudes uniform in the
published ranges, one Lorentzian damping of 0 to 15 /s, shift within +-3 Hz, phase within +-9 degrees; white
noise of {WHITE_NOISE_SD} a channel, or noise of {SEED_NOISE_SD:g} that is damped with the signal, as in the
published simulation (Shamaei et al. 2023, doi:10.1016/j.compbiomed.2023.106837). Networks are trained
without labels, with Adam and a learning rate that falls along half a cosine. Amplitudes are read in three ways.
*published*: the encoder gives them through a softplus. *whitened*: the encoder gives them in coordinates in
which all have the same bound. *projected*: they are the least-squares solution for the encoder's shift, width
and phase (for rpMM with the weights of its loss). nMM, pMM and rpMM are compared with projected amplitudes,
which minimise each loss from the first step on. With the other two, so few steps would show how far a training
has come, not which loss is better. All fits use the same 1024 points and the full band:
*QUEST-like* gives each member a small shift of its own (0.5 Hz expected), *Subtract-like* fits metabolites
alone to what follows the first {TRUNCATED} points, *bounded areas* keeps amplitudes within -0.5 to 2.5
times the mean of their ranges as FiTAID does. They follow the ideas of these programs; they are not the
programs. Two bounds of the true model: *efficient* is the Cramer-Rao bound, *Bayes* that of an estimator that
also knows the ranges."""
_REMARKS = """\
An R2 above the efficient bound is not a better measurement: the estimate is drawn to the ranges of the training.
The training mean has an R2 of 0; it shows what one knows from the ranges alone. With damped noise, networks and
fits treat all points as equally noisy, and so stay below the bounds. The last rows before the training mean undo
the damping first, which makes the noise white. Then the fit reaches the efficient bound. The published R2 of Ins
and Tau are above that bound; the posterior mean, which knows the ranges, reaches them. Measured spectra have
white noise.

Of the three losses, that of nMM is the best by far. In the publication, the late part of rpMM nearly doubles the
R2 of GPC, Ins and PCh over pMM. This is not seen here, neither as trained nor at the minimum of the losses: the
table has the ratios."""
