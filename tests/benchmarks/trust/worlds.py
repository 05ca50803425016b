"""What happens to estimates, intervals and flags where the world is not that of the model."""

import numpy as np
from scipy.stats import chi2, ncx2, norm
from tqdm import tqdm

from fsl_mrs_dl.data import FLAGS, Real
from fsl_mrs_dl.fit.lcm import Baseline, FitSettings
from fsl_mrs_dl.io.results import Outcome
from fsl_mrs_dl.physics import ppm_axis, ppm_window
from fsl_mrs_dl.scores import auroc, coverage
from tests.benchmarks.table import NOT_RUN, Table
from tests.benchmarks.trust.scans import NOISELESS, WorldSpectra, scan, unusual, usual, worlds
from tests.benchmarks.trust.tangents import taken_up

STRONG = ("NAA+NAAG", "GPC+PCh", "Ins", "Glu+Gln")
WORLD_SNR_F = 67.0  # of spectra that the model does not describe, as published for DQ
OOD_SNR_F = (20.0, 67.0)  # where unusual spectra are to be flagged: an MRSI voxel, a single voxel
FALSE_SNR_F = (20.0, 67.0, 200.0)  # where usual ones are not
QUANTIFY = FitSettings(baseline=Baseline.parse("poly, 2"))
"""What ``quantify`` does by default."""
_SHARED = 5 + 6  # shift, two widths, two phases; a baseline of three complex values


def worlds_table(caption: str, n: int, seed: int, kinds: int | None) -> Table:
    """Return bias, coverage and flags in each world."""
    columns = ["world", "difference", "n", *(f"{name}, bias %" for name in STRONG)]
    columns += ["median error / CRLB", "widening", "95 % covers", "+-1.96 CRLB covers"]
    columns += ["flagged", "taken up"]
    rows = []
    for at, world in enumerate(tqdm([usual(), *worlds()[:kinds]], desc="worlds", leave=False, disable=None)):
        if world.basis is None:
            rows.append([world.name, world.effect, *[NOT_RUN] * (len(columns) - 2)])
            continue
        rng = np.random.default_rng([seed, at])
        simulated = scan(world, n, rng)
        data = simulated.measured(WORLD_SNR_F, rng)
        outcome = simulated.quantified(data, posterior=True)
        row = _row(simulated, outcome)
        share = taken_up(simulated, simulated.measured(None, rng), outcome, QUANTIFY)
        rows.append([world.name, world.effect, str(n), *row, f"{100 * share:.0f} %" if at else "-"])
    return Table(caption, columns, rows)


def _row(simulated: WorldSpectra, outcome: Outcome) -> list[str]:
    ratios = outcome.scaled["internal"]
    reference = simulated.truth["Cr"] + simulated.truth["PCr"]
    truth = {
        name: sum(simulated.truth.get(part, 0.0) for part in name.split("+")) / reference
        for name in outcome.names
    }
    parts = []
    for name in STRONG:
        results = ratios.value[:, outcome.column(name)]
        parts.append(f"{100 * np.median(results / truth[name] - 1):+.1f}")
    errors: list[float] = []
    names: list[str] = []
    covered: dict[str, list[float]] = {"widened": [], "bound": []}
    for name in outcome.members:
        if name not in simulated.truth or not simulated.truth[name].any() or name.startswith("MM"):
            continue
        column = outcome.column(name)
        value, sd = ratios.value[:, column], ratios.sd[:, column]
        names.append(name)
        errors.append(np.median(np.abs(value - truth[name]) / sd))
        low, high = (ratios.extra[end][:, column] for end in ("ci95_low", "ci95_high"))
        covered["widened"].append(coverage(low, high, truth[name]))
        covered["bound"].append(coverage(value - 1.96 * sd, value + 1.96 * sd, truth[name]))
    assert outcome.widening is not None
    return [
        *parts,
        f"{np.mean(errors):.1f}",
        f"{np.nanmedian(outcome.widening):.2f}",
        *(
            f"{100 * np.mean(some):.0f} ({100 * np.min(some):.0f} {names[int(np.argmin(some))]})"
            for some in covered.values()
        ),
        _flagged(outcome),
    ]


def _flagged(outcome: Outcome) -> str:
    results = {token: np.mean((outcome.flags >> flag.bit) & 1) for token, flag in FLAGS.items()}
    text = ", ".join(f"{token} {100 * share:.3g} %" for token, share in results.items() if share > 0)
    return text or "0 %"


def false_alarm_table(caption: str, n: int, seed: int) -> Table:
    """Return how many of the model's own spectra are called unusual."""
    levels = (0.1, 0.01, 0.001)
    columns = ["SNR_f", "n", *(f"surprise above {-np.log10(level):g}" for level in levels), "expected"]
    columns += ["flagged", "widening, median", "95 % quantile"]
    rng = np.random.default_rng([seed, 98])
    rows = []
    for snr in FALSE_SNR_F:
        known = scan(usual(), n, rng)
        outcome = known.quantified(known.measured(snr, rng), posterior=False)
        assert outcome.surprise is not None
        assert outcome.widening is not None
        shares = [f"{100 * np.nanmean(outcome.surprise > -np.log10(level)):.2f} %" for level in levels]
        expected = ", ".join(f"{100 * level:g}" for level in levels) + " %"
        wider = (f"{value:.2f}" for value in np.nanquantile(outcome.widening, [0.5, 0.95]))
        rows.append([f"{snr:g}", str(n), *shares, expected, _flagged(outcome), *wider])
    return Table(caption, columns, rows)


def unusual_table(caption: str, n: int, seed: int, kinds: int | None) -> Table:
    """Return how well each unusual input is told from usual ones, and how well it could be."""
    rng = np.random.default_rng([seed, 99])
    known = scan(usual(), n, rng)
    columns = ["input", "effect"]
    for snr in OOD_SNR_F:
        columns += [f"SNR_f {snr:g}: AUROC", "misfit alone", "energy oracle", "shape oracle", "flagged"]
    usual_ones = {snr: known.quantified(known.measured(snr, rng), posterior=False) for snr in OOD_SNR_F}
    own = [known.world.name, known.world.effect]
    for snr in OOD_SNR_F:
        own += ["-", "-", "-", "-", _flagged(usual_ones[snr])]
    rows = [own]
    for world in tqdm(unusual()[:kinds], desc="unusual", leave=False, disable=None):
        simulated = scan(world, n, rng)
        left = simulated.quantified(simulated.measured(None, rng), posterior=False)
        row = [world.name, world.effect]
        for snr in OOD_SNR_F:
            outcome, own_one = (
                simulated.quantified(simulated.measured(snr, rng), posterior=False),
                usual_ones[snr],
            )
            scores = [auroc(_score(own_one, name), _score(outcome, name)) for name in ("surprise", "misfit")]
            row += [f"{score:.2f}" for score in (*scores, *_oracles(left, simulated.height / snr, rng))]
            row.append(_flagged(outcome))
        rows.append(row)
    return Table(caption, columns, rows)


def _score(outcome: Outcome, name: str) -> Real:
    """Return a score of each spectrum; where nothing was found or fitted, it is as unusual as can be."""
    score: Real = getattr(outcome, name)
    nothing = (outcome.flags >> FLAGS["low_snr"].bit) & 1
    return np.where((nothing > 0) | np.isnan(score), np.inf, score)


def _oracles(left: Outcome, noise_sd: Real, rng: np.random.Generator) -> tuple[float, float]:
    r"""Return the AUROC of the residual's energy, and of its very shape, from what a noiseless fit leaves.

    The noise is known to both. The second is the most that any test of residuals can reach: of a known vector
    of length d in noise of unit SD, :math:`\Phi(d / \sqrt 2)`.
    """
    points = left.fit.shape[1]
    dwelltime_s, mhz = left.basis.dwelltime_s, left.basis.spectrometer_frequency_mhz
    axis = ppm_axis(points, dwelltime_s, mhz, left.basis.reference_ppm)
    freedom = 2 * int(ppm_window(axis, left.ppmlim).sum()) - len(left.members) - _SHARED
    energy = freedom * (left.noise_sd / noise_sd) ** 2
    draws = 50
    unusual_ones = ncx2.rvs(freedom, np.tile(energy, draws) + 1 / NOISELESS, random_state=rng)
    by_energy = auroc(chi2.rvs(freedom, size=len(unusual_ones), random_state=rng), unusual_ones)
    return by_energy, float(norm.cdf(np.sqrt(energy / 2)).mean())
