"""Task ``rizzo``: from a profile to the page."""

import tempfile
from pathlib import Path

from fsl_mrs_dl.models.rizzo.table import CONFIGS
from tests.benchmarks.rizzo import calibration, compared, learning, words
from tests.benchmarks.rizzo.answers import Run
from tests.benchmarks.rizzo.figures import pictures
from tests.benchmarks.rizzo.findings import findings_table, orderings_table
from tests.benchmarks.rizzo.plans import PROFILES, Plans
from tests.benchmarks.rizzo.spectra import BASIS, POINTS
from tests.benchmarks.store import Store
from tests.benchmarks.table import Page


def run(profile: str, seed: int, models: Path | None = None, trained_only: bool = False) -> Page:
    """Run the task; parameters as of :func:`tests.benchmarks.hatami.run`."""
    if models is None:
        with tempfile.TemporaryDirectory() as folder:
            return run(profile, seed, Path(folder), trained_only)
    size = PROFILES[profile]
    plans = Plans(size, seed)
    this = Run(plans, Store(models, train=not trained_only), seed)
    this.networks(list(plans))
    built = compared.builds(profile, this)
    shallow = plans.shallow
    tables = [
        compared.build_table(built, this),
        orderings_table(this),
        findings_table(this),
        compared.group_table(this),
        compared.metabolite_table(this),
        compared.shrinkage_table(this),
        compared.snr_table(this),
        compared.ensemble_table(this),
        learning.water_table(this, words.WATER.format(shallow=shallow)),
        learning.set_table(this, words.SETS.format(shallow=shallow)),
        learning.clip_table(this, words.CLIPS_CAPTION.format(network=plans.strong)),
        learning.noiseless_table(this),
        calibration.table(words.CALIBRATION, this),
        compared.training_table(this),
    ]
    sizes = words.PUBLISHED if size.published else words.SMALLER
    hours = words.HOURS.format(n=len(built), hours=sum(one.hours for one in built.values()))
    method = words.METHOD.format(
        points=POINTS,
        basis=BASIS,
        samples=size.samples,
        tested=size.tested,
        sizes=sizes.format(epochs=size.networks[shallow].epochs, samples=plans.network(shallow).samples),
        hours=hours if len(built) == len(CONFIGS) else "",
    )
    return Page(
        words.TITLE,
        method,
        tables,
        words.REMARKS.format(wins=compared.wins(this)),
        pictures(this, few=profile == "smoke"),
    )
