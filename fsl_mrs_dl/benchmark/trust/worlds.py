"""What happens to estimates, intervals and flags where the world is not that of the model."""

import numpy as np
from scipy.stats import chi2, ncx2
from tqdm import tqdm

from fsl_mrs_dl.benchmark.table import NOT_RUN, Table
from fsl_mrs_dl.benchmark.trust.scans import NOISELESS, Scan, scan, unusual, usual, worlds
from fsl_mrs_dl.data import FLAGS, Real
from fsl_mrs_dl.io.results import Outcome
from fsl_mrs_dl.physics import ppm_axis, ppm_window
from fsl_mrs_dl.scores import auroc, coverage

STRONG = ("NAA+NAAG", "GPC+PCh", "Ins", "Glu+Gln")
WORLD_SNR_F = 67.0
OOD_SNR_F = (20.0, 67.0)
DETECTED = 0.9
_SHARED = 5 + 6  # shift, two widths, two phases; a baseline of three complex values


def worlds_table(caption: str, n: int, seed: int, kinds: int | None) -> Table:
    """Return bias, coverage and flags in each world."""
    columns = ["world", "difference", "n", *(f"{name}, bias %" for name in STRONG)]
    columns += ["median error / CRLB", "95 % covers", "+-1.96 CRLB covers", "flagged", "misfit, median"]
    rows = []
    for at, world in enumerate(tqdm([usual(), *worlds()[:kinds]], desc="worlds", leave=False, disable=None)):
        if world.basis is None:
            rows.append([world.name, world.effect, *[NOT_RUN] * (len(columns) - 2)])
            continue
        rng = np.random.default_rng([seed, at])
        made = scan(world, n, rng)
        outcome = made.quantified(WORLD_SNR_F, rng, posterior=True)
        rows.append([world.name, world.effect, str(n), *_row(made, outcome)])
    return Table(caption, columns, rows)


def _row(made: Scan, outcome: Outcome) -> list[str]:
    ratios = outcome.scaled["internal"]
    reference = made.truth["Cr"] + made.truth["PCr"]
    truth = {
        name: sum(made.truth.get(part, 0.0) for part in name.split("+")) / reference for name in outcome.names
    }
    said = []
    for name in STRONG:
        found = ratios.value[:, outcome.column(name)]
        said.append(f"{100 * np.median(found / truth[name] - 1):+.1f}")
    errors, ours, theirs = [], [], []
    for name in outcome.members:
        if name not in made.truth or not made.truth[name].any() or name.startswith("MM"):
            continue
        column = outcome.column(name)
        value, sd = ratios.value[:, column], ratios.sd[:, column]
        errors.append(np.median(np.abs(value - truth[name]) / sd))
        low, high = (ratios.extra[end][:, column] for end in ("ci95_low", "ci95_high"))
        ours.append(coverage(low, high, truth[name]))
        theirs.append(coverage(value - 1.96 * sd, value + 1.96 * sd, truth[name]))
    misfit = np.nan if outcome.misfit is None else np.nanmedian(outcome.misfit)
    return [
        *said,
        f"{np.mean(errors):.1f}",
        *(f"{100 * np.mean(some):.0f} ({100 * np.min(some):.0f})" for some in (ours, theirs)),
        _flagged(outcome),
        f"{misfit:+.3f}",
    ]


def _flagged(outcome: Outcome) -> str:
    found = {token: np.mean((outcome.flags >> flag.bit) & 1) for token, flag in FLAGS.items()}
    told = ", ".join(f"{token} {100 * share:.0f} %" for token, share in found.items() if share > 0)
    return told or "0 %"


def unusual_table(caption: str, n: int, seed: int, kinds: int | None) -> Table:
    """Return how well each unusual input is told from usual ones, and how well it could be."""
    rng = np.random.default_rng([seed, 99])
    known = scan(usual(), n, rng)
    columns = ["input", "effect"]
    for snr in OOD_SNR_F:
        columns += [f"SNR_f {snr:g}: AUROC", "whiteness alone", "oracle", "flagged"]
    usual_ones = {snr: known.quantified(snr, rng, posterior=False) for snr in OOD_SNR_F}
    own = [known.world.name, known.world.effect]
    for snr in OOD_SNR_F:
        own += ["-", "-", "-", _flagged(usual_ones[snr])]
    rows = [own]
    for world in tqdm(unusual()[:kinds], desc="unusual", leave=False, disable=None):
        made = scan(world, n, rng)
        left = made.quantified(None, rng, posterior=False)
        row = [world.name, world.effect]
        for snr in OOD_SNR_F:
            outcome = made.quantified(snr, rng, posterior=False)
            score = auroc(_score(usual_ones[snr]), _score(outcome))
            white = auroc(np.abs(usual_ones[snr].residual_whiteness), np.abs(outcome.residual_whiteness))
            best = _oracle(left, made.height / snr, rng)
            row += [f"{score:.2f}", f"{white:.2f}", f"{best:.2f}", _flagged(outcome)]
        rows.append(row)
    return Table(caption, columns, rows)


def _score(outcome: Outcome) -> Real:
    """Return the misfit; where nothing was found or fitted, that is as unusual as can be."""
    assert outcome.misfit is not None
    nothing = (outcome.flags >> FLAGS["low_snr"].bit) & 1
    return np.where((nothing > 0) | np.isnan(outcome.misfit), np.inf, outcome.misfit)


def _oracle(left: Outcome, noise_sd: Real, rng: np.random.Generator) -> float:
    """Return the AUROC of the residual's energy where the noise is known, from what a noiseless fit leaves."""
    assert left.basis is not None
    points = left.fit.shape[1]
    dwelltime_s, mhz = left.basis.dwelltime_s, left.basis.spectrometer_frequency_mhz
    axis = ppm_axis(points, dwelltime_s, mhz, left.basis.reference_ppm)
    freedom = 2 * int(ppm_window(axis, left.ppmlim).sum()) - len(left.members) - _SHARED
    energy = freedom * (left.noise_sd / noise_sd) ** 2
    draws = 50
    unusual_ones = ncx2.rvs(freedom, np.tile(energy, draws) + 1 / NOISELESS, random_state=rng)
    return auroc(chi2.rvs(freedom, size=len(unusual_ones), random_state=rng), unusual_ones)
