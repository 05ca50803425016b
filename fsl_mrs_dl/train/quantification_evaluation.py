"""Evaluation of quantification: R2 of each amplitude, beside a fit, a bound and the training mean."""

from dataclasses import dataclass

import numpy as np

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.fit.fisher import crlb, fisher_matrix
from fsl_mrs_dl.fit.lcm import FitResult, FitSettings, Fitter
from fsl_mrs_dl.models.card import Score
from fsl_mrs_dl.models.quantification import QuantificationNetwork
from fsl_mrs_dl.models.quantification_inference import network_parameters
from fsl_mrs_dl.physics import damp
from fsl_mrs_dl.scores import r2
from fsl_mrs_dl.simulate.brain import macromolecules
from fsl_mrs_dl.train.quantification_data import Spectra

BOUNDED = 256
"""Spectra whose bounds are computed."""
FIT, MEAN = "maximum likelihood", "training mean"
EFFICIENT, BAYES = "efficient", "Bayes"


@dataclass(frozen=True, eq=False)
class Bounds:
    """Mean variance of each amplitude that an estimator can reach, shape (M,).

    Attributes
    ----------
    efficient : ndarray
        Of an unbiased one: Cramer-Rao.
    bayes : ndarray
        Of one that knows the ranges from which the parameters were drawn; Gaussians of the same variance.
    prior : ndarray
        Variance of the truth: that of the training mean.
    """

    efficient: Real
    bayes: Real
    prior: Real

    @property
    def r2_efficient(self) -> Real:
        """R2 of the Cramer-Rao bound; may be negative."""
        return 1 - self.efficient / self.prior

    @property
    def r2_bayes(self) -> Real:
        """R2 of the Bayesian bound."""
        return 1 - self.bayes / self.prior


def bounds(spectra: Spectra, n: int = BOUNDED, first_point: int = 1) -> Bounds:
    """Return the bounds of the first spectra, all other parameters of the model unknown too.

    Damped noise is white once the damping is undone, so there its bound is that of undamped signals.

    Parameters
    ----------
    spectra : Spectra
        With truth.
    n : int
    first_point : int
        First sample that an estimator uses.

    Returns
    -------
    Bounds
    """
    some = spectra.take(n)
    expected = some.expected
    shared = [expected.shift_hz, expected.gamma, expected.phase_rad]
    shared += [(expected.sigma[0] ** 2, expected.sigma[1] ** 2)] if expected.sigma[1] > 0 else []
    widths = np.array([high - low for low, high in [*expected.amplitudes, *shared]])
    m = len(expected.amplitudes)
    derivatives = _derivatives(some, len(shared))[:, :, first_point:]
    variances = []
    for rows, noise_sd in zip(derivatives, some.noise_sd, strict=True):
        fisher = fisher_matrix(rows, float(noise_sd))
        with_prior = fisher + np.diag(12 / widths**2)
        variances.append([crlb(fisher)[:m] ** 2, crlb(with_prior)[:m] ** 2])
    efficient, bayes = np.mean(variances, axis=0)
    return Bounds(efficient, bayes, widths[:m] ** 2 / 12)


def _derivatives(some: Spectra, n_shared: int) -> Complex:
    """Return the derivatives by amplitudes, shift, gamma, phase and sigma squared: (S, parameter, time)."""
    basis, dt = some.basis, some.basis.dwelltime_s
    fids = np.asarray(basis.fids, dtype=np.complex128)
    gamma, sigma = (some.gamma, some.sigma) if some.noise == "white" else (0 * some.gamma, 0 * some.sigma)
    members = damp(fids[None], gamma[:, None], sigma[:, None], dt)
    total = np.einsum("sm,smn->sn", some.amplitudes, members)[:, None]
    t = np.arange(fids.shape[1]) * dt
    columns = [members, 2j * np.pi * t * total, -t * total, 1j * total, -(t**2) * total]
    return np.concatenate(columns[: 1 + n_shared], axis=1)


def plain_fit(spectra: Spectra, **changed: object) -> FitResult:
    """Return the maximum-likelihood fit of spectra by the model they were made with, whole band."""
    lorentzian = spectra.expected.sigma[1] <= 0
    settings = FitSettings(
        ppmlim=None,
        lorentzian=lorentzian,
        first_order_phase=False,
        **changed,  # type: ignore[arg-type]
    )
    fitter = Fitter(spectra.basis, settings, reference_ppm=spectra.basis.reference_ppm)
    return fitter(spectra.fids)


def scores(network: QuantificationNetwork, test: Spectra) -> tuple[Score, ...]:
    """Evaluate a network on spectra that it was not trained on: R2 of each metabolite.

    Parameters
    ----------
    network : QuantificationNetwork
        In evaluation mode.
    test : Spectra
        With truth.

    Returns
    -------
    tuple of Score
        Beside the maximum-likelihood fit and the bound of an efficient one; for R2 also the Bayesian bound.
    """
    answer = network_parameters(network, test.fids, test.basis.dwelltime_s)
    return amplitude_scores(answer.amplitudes, test)


def amplitude_scores(amplitudes: Real, test: Spectra) -> tuple[Score, ...]:
    """Return R2 of each metabolite, of amplitudes of shape (S, M), as :func:`scores` does."""
    fitted = plain_fit(test).amplitudes
    reached = bounds(test)
    efficient, bayes = reached.r2_efficient, reached.r2_bayes
    n, rows = len(test.fids), []
    for m in metabolites(test.basis.names):
        truth, of = test.amplitudes[:, m], f"R2 {test.basis.names[m]}"
        value, fit = float(r2(amplitudes[:, m], truth)), float(r2(fitted[:, m], truth))
        rows.append(Score(of, "1", value, fit, FIT, float(efficient[m]), EFFICIENT, n))
        rows.append(Score(of, "1", value, 0.0, MEAN, float(bayes[m]), BAYES, n))
    return tuple(rows)


def metabolites(names: tuple[str, ...]) -> list[int]:
    """Return which members are metabolites: all but macromolecules."""
    broad = macromolecules(names)
    return [m for m, name in enumerate(names) if m not in broad and name != "Mac"]
