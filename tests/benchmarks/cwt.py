"""Task ``cwt``: the same amplitudes from the spectrum, the complex scalogram and its magnitude, at equal data."""

import contextlib
import tempfile
from pathlib import Path

import numpy as np

from fsl_mrs_dl.physics import basis_sum, fid_to_spectrum, ppm_axis
from fsl_mrs_dl.scores import mae
from fsl_mrs_dl.simulate.components import ComponentSignals
from tests.benchmarks.store import NotTrainedError, Store
from tests.benchmarks.supervised import words
from tests.benchmarks.supervised.answers import (
    Answer,
    accuracy_cells,
    bar_picture,
    beats,
    component_table,
    difference,
    interval,
    new_figure,
    png,
)
from tests.benchmarks.supervised.plans import COMPLEX, CWT, MAGNITUDE, SPECTRUM, cwt_plans
from tests.benchmarks.supervised.sets import challenge_basis, judging_signals
from tests.benchmarks.supervised.trainings import Trained, estimates, trained
from tests.benchmarks.table import NOT_RUN, Page, Picture, Table

STUDY = "noise-free"
_ORDER = (SPECTRUM, COMPLEX, MAGNITUDE)
_NO_SKILL = 25.0
"""SMAPE in % of the constant 0.5 for amplitudes uniform in [0, 1]."""
_GOALS = {"small": 20, "paper": 12}
"""Mean SMAPE in % that was asked of the complex scalogram."""


def run(
    profile: str,
    seed: int,
    models: Path | None = None,
    trained_only: bool = False,
    basis: str = "",
    share: float = 1.0,
) -> Page:
    """Run the task; parameters as of :func:`tests.benchmarks.hatami.run`."""
    if models is None:
        with tempfile.TemporaryDirectory() as folder:
            return run(profile, seed, Path(folder), trained_only, basis, share)
    size, store = CWT[profile].shared(share), Store(models, train=not trained_only)
    networks: dict[str, list[Trained]] = {label: [] for label in _ORDER}
    for plan in cwt_plans(size, STUDY, seed, basis):
        with contextlib.suppress(NotTrainedError):
            networks[plan.label].append(trained(plan, store))
    test = judging_signals(STUDY, size.tested, seed, basis)
    answers = {
        label: Answer(label, tuple(estimates(one, test)["amplitudes"] for one in several))
        for label, several in networks.items()
        if several
    }
    tables = [
        _summary(answers, networks, test, profile),
        _comparisons(answers, test),
        component_table(
            words.CWT_COMPONENTS, test.basis.names, test.amplitudes, list(answers.values()), {}, _ORDER
        ),
        _absolute(answers, test),
    ]
    grid = f"{2 * size.scales} frequencies by {size.times} times"
    method = words.CWT_METHOD.format(basis=challenge_basis(basis)[1], grid=grid, samples=size.scale.samples)
    method += words.how_much(profile, share)
    return Page("A network on the scalogram", method, tables, words.CWT_REMARKS, _pictures(answers, test))


def _summary(
    answers: dict[str, Answer], networks: dict[str, list[Trained]], test: ComponentSignals, profile: str
) -> Table:
    rows = []
    for label in _ORDER:
        if label not in answers:
            rows.append([label])
            continue
        several = networks[label]
        seconds = [f"{np.mean([getattr(one, name) for one in several]):.0f}" for name in _SECONDS]
        cells = [str(len(several)), str(several[0].plan.steps), *seconds, several[0].machine]
        rows.append([label, *accuracy_cells(answers[label], test.amplitudes), *cells])
    goal = str(_GOALS.get(profile, ""))
    rows.append([f"*asked of `{profile}`, complex*", goal, *[""] * 7])
    rows.append(["*no skill*", f"{_NO_SKILL:g}", "0.2500", "0.00", *[""] * 5])
    columns = ["input", "mean SMAPE in %", "mean absolute error", "mean slope", "seeds", "steps"]
    columns += ["seconds of features", "seconds of training", "of"]
    return Table.filled(words.CWT_SUMMARY, columns, rows)


_SECONDS = ("feature_seconds", "training_seconds")


def _comparisons(answers: dict[str, Answer], test: ComponentSignals) -> Table:
    rows = []
    for one, other in ((COMPLEX, SPECTRUM), (COMPLEX, MAGNITUDE), (MAGNITUDE, SPECTRUM)):
        if one in answers and other in answers:
            n = min(len(answers[name].amplitudes) for name in (one, other))
            both = [Answer(name, answers[name].amplitudes[:n]) for name in (one, other)]
            apart = difference(both[0], both[1], test.amplitudes)
            rows.append([f"{one} against {other}", str(n), interval(apart), beats(apart)])
    columns = ["which", "seeds", "difference of mean SMAPE", "does the first beat the second?"]
    return Table.filled(words.CWT_COMPARISONS, columns, rows or [[NOT_RUN]])


def _absolute(answers: dict[str, Answer], test: ComponentSignals) -> Table:
    """Return the mean absolute errors, in hundredths of the range of amplitudes."""
    truth = test.amplitudes
    errors = {
        label: 100 * np.array([mae(a, truth) for a in one.amplitudes]) for label, one in answers.items()
    }
    rows = [
        [name, *(interval(values[:, m]) for values in errors.values())]
        for m, name in enumerate(test.basis.names)
    ]
    return Table(words.CWT_ABSOLUTE, ["component", *errors], rows if errors else [[NOT_RUN]])


def _pictures(answers: dict[str, Answer], test: ComponentSignals) -> list[Picture]:
    names = test.basis.names
    if not answers:
        return []
    absolute = {
        label: np.mean([mae(a, test.amplitudes) for a in one.amplitudes], axis=0)
        for label, one in answers.items()
    }
    relative = {label: one.smape(test.amplitudes) for label, one in answers.items()}
    pictures = [
        bar_picture("mae", "Mean absolute error of each component.", names, absolute, "Mean absolute error"),
        bar_picture("smape", "SMAPE of each component.", names, relative, "SMAPE (%)"),
    ]
    if COMPLEX in answers:
        pictures.append(_signal_picture(answers[COMPLEX], test))
    return pictures


def _signal_picture(answer: Answer, test: ComponentSignals) -> Picture:
    """Draw a signal, the model at its estimated amplitudes and true shifts and dampings, and the residual."""
    row, basis = 0, test.basis
    shapes = (test.shift_hz[[row]], test.gamma[[row]], 0 * test.gamma[[row]])
    groups = tuple(range(len(basis.names)))
    fids = np.asarray(basis.fids, dtype=np.complex128)
    amplitudes = answer.amplitudes[0][[row]]
    modelled = basis_sum(fids, amplitudes, *shapes, basis.dwelltime_s, groups)[0]
    ppm = ppm_axis(fids.shape[1], basis.dwelltime_s, basis.spectrometer_frequency_mhz, basis.reference_ppm)
    inside = (ppm > 0) & (ppm < 4.5)
    figure, axes = new_figure((7.5, 3.6), 1, 1)
    axis = axes[0, 0]
    curves = {"signal": test.fids[row], "of the estimated amplitudes": modelled}
    spectra = {label: fid_to_spectrum(fid).real for label, fid in curves.items()}
    spectra["residual"] = spectra["signal"] - spectra["of the estimated amplitudes"]
    low = float(spectra["signal"][inside].max())
    for label, values in spectra.items():
        axis.plot(ppm[inside], values[inside] - 0.35 * low * (label == "residual"), linewidth=1, label=label)
    axis.invert_xaxis()
    axis.set_xlabel("Chemical shift (ppm)")
    axis.set_yticks([])
    axis.legend(frameon=False, fontsize="x-small")
    caption = (
        "A test signal, the model at the amplitudes that the network on the complex scalogram gives and the true "
        "shifts and dampings, and the residual (moved down)."
    )
    return Picture("signal", caption, png(figure))
