"""Measured transients at 7 T: how much estimates scatter over re-drawn averages, as Table 6 of the publication."""

from dataclasses import replace

import numpy as np

from fsl_mrs_dl.data import Real
from fsl_mrs_dl.fit.basis import basis_for
from fsl_mrs_dl.fit.lcm import Baseline, FitResult, FitSettings, Fitter
from fsl_mrs_dl.fit.quantification import chosen_members
from fsl_mrs_dl.models.package import CARD, Model, load
from fsl_mrs_dl.scores import cv
from fsl_mrs_dl.steps.quantify_fitters import NetworkFitter
from fsl_mrs_dl.steps.remove import remove
from tests.benchmarks.dq.plans import DqProfile, invivo_plan, trained
from tests.benchmarks.quantify_cases import shipped, steam_transients
from tests.benchmarks.store import Store
from tests.benchmarks.table import NOT_RUN, Table

SHARE = 0.25  # of the transients are in each average, so that many averages differ
RATIOS = {
    "mIns": ("Ins",),
    "Tau": ("Tau",),
    "tNAA": ("NAA", "NAAG"),
    "tCho": ("GPC", "PCh"),
    "Glx": ("Glu", "Gln"),
}
_SETTINGS = FitSettings(baseline=Baseline.parse("spline, moderate"))
_SEED = 64  # of the choice of transients


def invivo_table(profile: DqProfile, seed: int, store: Store) -> Table:
    """Return mean, SD and CV of ratios to tCr over averages of a random quarter of the transients."""
    columns = ["method", *RATIOS]
    caption = "Not run: the measured transients (invivo/steam_7t) are not here."
    results = steam_transients()
    if results is None:
        return Table(caption, columns, [["network", *[NOT_RUN] * len(RATIOS)]])
    data = remove(results[0]).data  # the network sees the whole band
    fids = data.fid[0, 0, 0].T.astype(np.complex128)
    rng = np.random.default_rng([_SEED, seed])
    each = max(1, round(SHARE * len(fids)))
    drawn = np.stack([fids[rng.permutation(len(fids))[:each]].mean(axis=0) for _ in range(profile.redrawn)])
    one = trained(invivo_plan(profile, seed), store)
    basis = basis_for(data, shipped("steam_7t_te11"), field_tolerance=0.05)
    chosen = tuple(name for name in basis.names if name in one.network.names)
    basis = chosen_members(basis, chosen, None)
    package = next(iter((store.folder / one.plan.folder).glob(f"*/*/{CARD}"))).parent
    model: Model = load(package)
    axes = {"reference_ppm": data.reference_ppm}
    three = replace(_SETTINGS, max_iterations=3)
    fitters: dict[str, Fitter] = {
        "fit": Fitter(basis, _SETTINGS, **axes),
        "network": NetworkFitter(basis, _SETTINGS, **axes, model=model, refine=False),
        "network, 3 iterations of the fit": NetworkFitter(basis, three, **axes, model=model, refine=True),
    }
    lines = [[name, *_cells(fitter(drawn))] for name, fitter in fitters.items()]
    caption = (
        f"Ratios to tCr of {profile.redrawn} averages, each of {each} of {len(fids)} transients (7 T STEAM, TE 11 "
        "ms, water removed): mean; SD; CV. The averages share transients: the CV understates that of repeated "
        "scans."
    )
    return Table(caption, columns, lines)


def _cells(fit: FitResult) -> list[str]:
    def total(parts: tuple[str, ...]) -> Real:
        summed: Real = fit.amplitudes[:, [fit.names.index(name) for name in parts]].sum(axis=1)
        return summed

    creatine = total(("Cr", "PCr"))
    cells = []
    for parts in RATIOS.values():
        ratio = total(parts) / creatine
        relative = f"{float(cv(ratio)):.3f}" if ratio.any() else "-"
        cells.append(f"{ratio.mean():.3f}; {ratio.std(ddof=1):.3f}; {relative}")
    return cells
