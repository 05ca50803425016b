"""Task ``trust``: from a profile to the page."""

from dataclasses import dataclass, replace

import numpy as np

from fsl_mrs_dl.data import Basis
from fsl_mrs_dl.fit.lcm import Fitter
from fsl_mrs_dl.fit.posterior import PRIOR_WORDS, UNIFORM_WORDS, WEAK
from fsl_mrs_dl.scores import rmse
from tests.benchmarks.fit import task_basis
from tests.benchmarks.table import Page, Table
from tests.benchmarks.trust import bias, calibration, figures, words
from tests.benchmarks.trust.reference import long_chain
from tests.benchmarks.trust.scans import DWELLTIME_S, POINTS
from tests.benchmarks.trust.sets import QUANTIFY, Believer, noise_sd, simulate
from tests.benchmarks.trust.worlds import (
    OOD_SNR_F,
    WORLD_SNR_F,
    false_alarm_table,
    unusual_table,
    worlds_table,
)

# SNR_f of the tables: 67 as published for DQ, 10 as of a weak voxel of MRSI, 200 as of a very good scan.
SHOWN_SNR_F = 67.0
REFERENCE_SNR_F = (10.0, 67.0)  # where long chains are run
ABSENT_SNR_F = 67.0  # where one metabolite is absent
LINES_SNR_F = (10.0, 67.0, 200.0)  # where Voigt and Lorentzian lines are compared
LORENTZIAN = replace(QUANTIFY, lorentzian=True)


@dataclass(frozen=True)
class TrustProfile:
    """How many spectra a cell, with which SNR_f, how long the reference chain runs, how many kinds of worlds."""

    snr_f: tuple[float, ...]
    spectra: int
    weak: int
    reference: int
    steps: int
    absent: int
    world: int
    kinds: int | None = None


PROFILES = {
    "smoke": TrustProfile((10.0, 67.0), 48, 48, 8, 60, 2, 8, 2),
    "small": TrustProfile((10.0, 20.0, 40.0, 67.0, 200.0), 5000, 1000, 200, 1000, 100, 200),
    "paper": TrustProfile((10.0, 20.0, 40.0, 67.0, 200.0), 50_000, 20_000, 1000, 20_000, 1000, 2000),
}


def run(profile: str, seed: int) -> Page:
    """Run the task, a :class:`~tests.benchmarks.table.Task`."""
    from tests.benchmarks.trust.learned import learned_table  # PyTorch, which --help does not wait for

    chosen = PROFILES[profile]
    basis, text = task_basis()
    informed, weak = (Believer.of(basis, generating=known) for known in (True, False))
    sets = {snr: simulate(basis, chosen.spectra, snr, seed) for snr in chosen.snr_f}
    known = [calibration.believe(informed, simulated, snr) for snr, simulated in sets.items()]
    usual = [calibration.believe(weak, simulated.take(chosen.weak), snr) for snr, simulated in sets.items()]
    lorentzian = Believer(Fitter(basis, LORENTZIAN, reference_ppm=basis.reference_ppm), generating=False)
    lines = {
        "Voigt": [cell for cell in usual if cell.snr_f in LINES_SNR_F],
        "Lorentzian": [
            calibration.believe(lorentzian, simulated.take(chosen.weak), snr)
            for snr, simulated in sets.items()
            if snr in LINES_SNR_F
        ],
    }
    rivals = [
        bias.methods(cell.take(chosen.weak), other, basis) for cell, other in zip(known, usual, strict=True)
    ]
    at = chosen.snr_f.index(SHOWN_SNR_F)
    tables = [
        calibration.coverage_table(words.COVERAGE, known, basis),
        calibration.member_table(words.MEMBERS, known, basis),
        calibration.width_table(words.WIDTHS, known, basis),
        calibration.conformal_table(words.CONFORMAL, known, basis),
        learned_table(profile, basis, sets, known, seed),
        _reference_table(basis, informed, chosen, seed),
        calibration.coverage_table(words.WEAK, usual, basis),
        calibration.member_table(words.WEAK_MEMBERS, usual, basis),
        calibration.lines_table(words.LINES, lines, basis),
        bias.summary_table(words.SLOPES, [one for every in rivals for one in every], basis),
        bias.member_table(words.SLOPE_MEMBERS.format(snr=SHOWN_SNR_F), rivals[at], basis),
        bias.absent_table(words.ABSENT.format(snr=ABSENT_SNR_F), basis, chosen.absent, ABSENT_SNR_F, seed),
        worlds_table(words.WORLDS.format(snr=WORLD_SNR_F), chosen.world, seed, chosen.kinds),
        false_alarm_table(words.FALSE_ALARMS, 10 * chosen.world, seed),
        unusual_table(words.UNUSUAL, chosen.world, seed, chosen.kinds),
    ]
    pictures = [
        figures.coverage_picture(known, usual),
        figures.ranks_picture(known[at], basis),
        figures.slopes_picture(rivals[at], basis),
    ]
    method = words.METHOD.format(
        basis=text, points=POINTS, ms=1e3 * DWELLTIME_S, prior=WEAK, words=f"{PRIOR_WORDS}; {UNIFORM_WORDS}"
    )
    snr = " and ".join(f"{value:g}" for value in OOD_SNR_F)
    return Page("How far to believe it", method, tables, words.REMARKS.format(snr=snr), pictures)


def _reference_table(basis: Basis, believer: Believer, chosen: TrustProfile, seed: int) -> Table:
    """Return the RMSE of the fast posterior mean over that of long chains on the exact likelihood."""
    columns = ["SNR_f", "n", "steps x chains", "chains apart, in posterior SDs", "RMSE over the chains'"]
    columns += ["largest", "members within 1.05", "fast mean from the chains', in posterior SDs"]
    rows = []
    for snr in REFERENCE_SNR_F:
        spectra = simulate(basis, chosen.reference, snr, seed + 1)
        fit = believer.fitter(spectra.fids)
        mean = believer(spectra.fids, fit)[0].mean(axis=1)
        rng = np.random.default_rng([seed, 7])
        chains, spread = long_chain(spectra, basis, noise_sd(snr), fit, chosen.steps, rng)
        reference = chains.mean(axis=0)
        ratio = rmse(mean, spectra.amplitudes) / rmse(reference, spectra.amplitudes)
        apart = np.sqrt((((chains[0] - chains[1]) / spread) ** 2).mean())
        away = np.sqrt((((mean - reference) / spread) ** 2).mean(axis=0))
        rows.append(
            [
                f"{snr:g}",
                str(len(spectra)),
                f"{chosen.steps} x 2",
                f"{apart:.2f}",
                f"{ratio.mean():.3f}",
                f"{ratio.max():.3f} {basis.names[int(ratio.argmax())]}",
                f"{int((ratio <= 1.05).sum())} of {len(ratio)}",
                f"{away.mean():.2f}, at most {away.max():.2f} {basis.names[int(away.argmax())]}",
            ]
        )
    return Table(words.REFERENCE, columns, rows)
