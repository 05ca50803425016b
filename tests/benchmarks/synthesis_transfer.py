"""Train on synthetic, test on real: what a regression learns from spectra of a cVAE."""

from collections.abc import Sequence

import numpy as np

from fsl_mrs_dl.data import Basis, Complex, Real
from fsl_mrs_dl.models.synthesis import SynthesisNetwork
from fsl_mrs_dl.physics import add_noise, fid_to_spectrum, ppm_axis, ppm_window
from fsl_mrs_dl.scores import r2
from fsl_mrs_dl.steps.synthesise import spectra_of
from fsl_mrs_dl.train.synthesis_data import simulated_spectra, training_basis
from tests.benchmarks.table import Table

_BASIS = "press_3t_te30"
_SNR_F = 50.0  # of the spectra, as of a good single voxel
_FEW = 100  # spectra that a small study has of its own
_TESTED = 300  # spectra, which tell an R2 to a few per cent
_COMPONENTS = 20  # principal components of a spectrum: more than there are metabolites to tell apart


def transfer_table(network: SynthesisNetwork, names: Sequence[str], n: int, seed: int) -> Table:
    """Return how well a kernel regression tells concentrations, by what it was trained on.

    Parameters
    ----------
    network : SynthesisNetwork
        A cVAE of these metabolites.
    names : sequence of str
    n : int
        Synthetic spectra to train on.
    seed : int
    """
    rng = np.random.default_rng([seed, 3])
    basis = training_basis(_BASIS, tuple(names))
    real, more, test = (simulated_spectra(basis, count, rng) for count in (_FEW, n, _TESTED))
    low, high = network.lowest.numpy(), network.highest.numpy()
    requested = rng.uniform(low, high, (n, len(low)))
    sample = spectra_of(network, requested, network.n_points, network.dwelltime_s, rng)
    sets = {
        f"{_FEW} simulated": (real.fids, real.amounts),
        f"{n} synthetic": (sample, requested),
        f"{_FEW} simulated and {n} synthetic": (
            np.concatenate([real.fids, sample]),
            np.concatenate([real.amounts, requested]),
        ),
        f"{_FEW + n} simulated": (
            np.concatenate([real.fids, more.fids]),
            np.concatenate([real.amounts, more.amounts]),
        ),
    }
    judged = _noisy(test.fids, rng)
    rows = []
    for name, (fids, amounts) in sets.items():
        results = _regression(_noisy(fids, rng), amounts, judged, basis)
        rows.append([name, *(f"{value:.3f}" for value in r2(results, test.amounts))])
    return Table(
        f"Train on synthetic, test on real: R2 of a kernel ridge regression on {_TESTED} simulated spectra it "
        f"never saw, SNR_f {_SNR_F:g}. The cVAE itself was trained on simulated spectra of the same kind.",
        ("trained on", *basis.names),
        rows,
    )


def _noisy(fids: Complex, rng: np.random.Generator) -> Complex:
    highest = np.abs(fid_to_spectrum(fids)).max(axis=1)
    noisy: Complex = add_noise(fids, highest / _SNR_F, rng)
    return noisy


def _regression(fids: Complex, amounts: Real, test: Complex, basis: Basis) -> Real:
    """Return concentrations of test spectra by kernel ridge regression on principal components."""
    from sklearn.decomposition import PCA
    from sklearn.kernel_ridge import KernelRidge
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    ppm = ppm_axis(fids.shape[1], basis.dwelltime_s, basis.spectrometer_frequency_mhz, basis.reference_ppm)
    inside = ppm_window(ppm, (0.5, 4.2))

    def features(some: Complex) -> Real:
        spectra = fid_to_spectrum(some)[:, inside]
        return np.concatenate([spectra.real, spectra.imag], axis=1)

    x = features(fids)
    reduced = PCA(min(_COMPONENTS, len(x) - 1), random_state=0).fit(x)
    judge = GridSearchCV(
        make_pipeline(StandardScaler(), KernelRidge(kernel="rbf")),
        {"kernelridge__alpha": [1e-3, 1e-2, 1e-1], "kernelridge__gamma": [3e-3, 1e-2, 3e-2]},
        cv=3,
    )
    judge.fit(reduced.transform(x), amounts)
    values: Real = judge.predict(reduced.transform(features(test)))
    return values
