"""Task ``reconstruct``: from a profile to the page."""

from dataclasses import dataclass

import numpy as np

from fsl_mrs_dl.fit.reconstruction import universal_penalty
from tests.benchmarks.reconstruct.agreement import agreement_table
from tests.benchmarks.reconstruct.figures import measured_picture, penalty_picture, simulated_picture
from tests.benchmarks.reconstruct.measures import fitter, measured
from tests.benchmarks.reconstruct.methods import (
    ADAPTIVE,
    LEAST_SQUARES,
    LITERAL,
    NOISE,
    ONE_PASS,
    RAW,
    SHIPPED,
    largest,
    methods_of,
)
from tests.benchmarks.reconstruct.networks import error_curves, networks_of
from tests.benchmarks.reconstruct.references import reference_table
from tests.benchmarks.reconstruct.repeats import beats_raw, metabolites_table, repeated, repeats_table
from tests.benchmarks.reconstruct.scans import mrsi_errors, scan_table, transient_errors
from tests.benchmarks.reconstruct.sets import TARGET_HZ, draw
from tests.benchmarks.reconstruct.spectra import fixed_ratio, penalty_table, snr_table, source_table
from tests.benchmarks.reconstruct.speed import speed_table
from tests.benchmarks.table import Page


@dataclass(frozen=True)
class Profile:
    """Sizes of the study.

    Attributes
    ----------
    training, epochs, hidden : int
        Spectra and passes of the networks, and their units.
    judged : int
        Spectra that calibrate, and as many that judge.
    repeats : int
        Of the Monte Carlo at each SNR.
    scans, slabs : int
    points : tuple of int
        Of the rows of run time.
    fids : int
    large : int
    """

    training: int
    epochs: int
    hidden: int
    judged: int
    repeats: int
    scans: int
    slabs: int
    points: tuple[int, ...]
    fids: int
    large: int


PROFILES = {
    "smoke": Profile(64, 1, 16, 8, 8, 2, 1, (512,), 16, 0),
    "small": Profile(5000, 8, 64, 100, 500, 60, 4, (512, 1024, 2048, 4096), 32, 1024),
    "paper": Profile(20_000, 100, 128, 1000, 2000, 1000, 30, (512, 1024, 2048, 4096, 8192), 256, 1024),
}
SNRS = (5.0, 10.0, 20.0)
"""SNR_f of the repeats: a voxel of MRSI, a short scan, and a usual one."""
_REPEATED: tuple[str, ...] = (
    RAW,
    "matched filter",
    LEAST_SQUARES,
    ONE_PASS,
    "sparse, universal",
    NOISE,
    ADAPTIVE,
    SHIPPED,
)
_REPEATED += ("sparse, universal, debiased", LITERAL)


def run(profile: str, seed: int) -> Page:
    """Run the task, a :class:`~tests.benchmarks.table.Task`."""
    chosen = PROFILES[profile]
    rng = np.random.default_rng([seed, 2])
    calibrating, judged = draw(chosen.judged, rng), draw(chosen.judged, rng)
    learned, curves = error_curves(calibrating), error_curves(judged)
    networks = networks_of(chosen.training, chosen.epochs, chosen.hidden, calibrating, learned, seed)
    methods, fit = methods_of(networks, fixed_ratio(learned), seed), fitter()
    results = {name: measured(method, judged, TARGET_HZ, fit) for name, method in methods.items()}
    several = {name: methods[name] for name in _REPEATED if name in methods}
    by_snr = {snr: repeated(several, chosen.repeats, snr, fit, seed) for snr in SNRS}
    tables = [
        source_table(results, judged),
        penalty_table(networks, judged, curves, learned, seed),
        snr_table(networks, judged, curves, learned),
        repeats_table(by_snr, chosen.repeats, seed),
        metabolites_table(by_snr[SNRS[0]], SNRS[0]),
        metabolites_table(by_snr[SNRS[-1]], SNRS[-1]),
        scan_table(transient_errors(chosen.scans, fit, seed), mrsi_errors(chosen.slabs, fit, seed), seed),
        reference_table(chosen.scans, seed),
        speed_table(chosen.points, chosen.fids, chosen.large, seed),
    ]
    agreement = agreement_table() if profile != "smoke" else None
    tables.extend([agreement] if agreement else [])
    universal = universal_penalty(judged.operator(None), np.ones(chosen.judged)) / largest(judged)
    pictures = [simulated_picture(methods, judged), penalty_picture(curves, judged, universal)]
    real = measured_picture() if profile != "smoke" else None
    winners = beats_raw(by_snr, seed)
    words = (
        "No method beats the fit on raw data at every SNR."
        if not winners
        else f"The RMSE of a fit is below that on raw data at every SNR after: {'; '.join(winners)}."
    )
    method = _METHOD.format(training=chosen.training, epochs=chosen.epochs)
    return Page(
        "Sparse reconstruction",
        method,
        tables,
        f"**{words}**\n\n{_REMARKS}",
        [*pictures, *([real] if real else [])],
    )


_METHOD = """\
What `reconstruct` does to simulated spectra of six metabolites (NAA, Cr, GPC, Lac, Ala, Glc; shipped PRESS TE
30, 2048 points of 0.5 ms), SNR_f 5 to 30, lines of 10 to 12 Hz, any phase, shift within +-3 Hz, amplitudes
uniform over the ranges of the brain, white noise. The source, a text that a machine wrote (ASDS-VAE), claims an
SNR 80 % higher, lines 35 % narrower and an accuracy of 0.98 in place of 0.90, without data or definitions; its
absolute numbers cannot be checked. The width of the lines is known to all methods. The networks are trained
here on {training} spectra ({epochs} passes; one of them on 500, as the source says) and calibrated on spectra
that judge nothing."""
_REMARKS = """\
A fit uses all that the data hold, so that no denoiser can give it more: where the RMSE is lower after one, it
pays in bias (brackets), as any prior does: small metabolites shrink. Low rank makes amplitudes of neighbours
alike, which is the truth of these slabs and need not be that of a brain. `VAE as published` minimises a mean
squared error: its posterior variance hardly changes with the noise, whatever its rank correlation, so that its
penalty is nearly one fixed share. `VAE, corrected` knows the noise of each spectrum in its likelihood; it
learns that from 5000 spectra, not from 500, and comes to what the noise itself says, without a network. `one
pass, no broad lines` is the problem as the specification has it, at half of the universal penalty; all other
sparse rows weigh a second pass by the first, and have broad lines for what lies under the others.
`literal recipe` takes a polynomial off the spectrum, divides by the maximum, and runs plain ISTA at lambda =
alpha sigma^2 with the alpha of least error; the iteration as printed adds the threshold in place of applying
it, and diverges."""
