"""The amortised estimate as a fit: a network's start and one linear model; what that does not reach is fitted."""

from dataclasses import replace
from math import pi
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import REPLACED, Basis, Complex, Real, fid_flags
from fsl_mrs_dl.errors import OptionError
from fsl_mrs_dl.fit.amortised import BatchEstimate, BatchModel, estimate
from fsl_mrs_dl.fit.amortised.estimate import STEPS
from fsl_mrs_dl.fit.background import joined
from fsl_mrs_dl.fit.lcm import AveragedFitter, FitResult, FitSettings
from fsl_mrs_dl.fit.lcm.engine import unfitted
from fsl_mrs_dl.fit.lcm.problem import LINESHAPE, Parameters
from fsl_mrs_dl.fit.lcm.result import N_HYPOTHESES, Average, Moments
from fsl_mrs_dl.models.package import Model

AT_ONCE = 128
"""Voxels that are estimated together on a CPU: their members fit the cache."""
AT_ONCE_GPU = 8192
"""The same on a GPU, whose memory they fill to a few GB."""


class AmortisedFitter(AveragedFitter):
    """The amortised estimate of :mod:`fsl_mrs_dl.fit.amortised`, and the whole fit where that does not reach.

    Parameters
    ----------
    basis : Basis
    settings : FitSettings
    reference_ppm : float
    model : Model
        Of the network that gives the start.

    Raises
    ------
    OptionError
        If the settings are not those of the default model: the baseline ``auto``, and one group of metabolites.
    """

    def __init__(self, basis: Basis, settings: FitSettings, *, reference_ppm: float, model: Model) -> None:
        if settings.removed_noise_sd:
            raise OptionError(
                "--method amortised takes the residual for the noise, but these data were denoised; take "
                "--method lcm."
            )
        if not settings.averaged or len(set(settings.groups)) > 1 or settings.member_shift_hz:
            raise OptionError(
                "--method amortised needs the default model of a spectrum: leave --baseline and --metab_groups "
                "out, or take --method lcm."
            )
        super().__init__(basis, settings, reference_ppm=reference_ppm)
        import torch

        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._network: Any = model.network.to(self._device)
        arrays = BatchModel.of(self.problem, basis)
        self._batch = arrays.changed(lambda values: torch.as_tensor(values).to(self._device))

    def __call__(self, fids: Complex, start: Parameters | None = None) -> FitResult:
        """Estimate spectra; see :class:`~fsl_mrs_dl.fit.lcm.Fitter`. A start is not used."""
        fids = np.atleast_2d(np.asarray(fids, dtype=np.complex128))
        flags = fid_flags(fids)
        good = np.flatnonzero(flags == "")
        result = unfitted(self.problem, self.basis, flags)
        n, m = result.amplitudes.shape
        moments = Moments(np.full((n, m), np.nan), np.full((n, m, m), np.nan), np.zeros(n, dtype=bool))
        most = AT_ONCE_GPU if self._device.type == "cuda" else AT_ONCE
        for first in range(0, len(good), most):
            rows = good[first : first + most]
            known = self._estimate(fids[rows])
            reached = ~known.doubtful
            moments.known[rows] = reached
            moments.mean[rows], moments.covariance[rows] = known.mean, known.covariance
            result.put(rows, self._result(known))
            if (beyond := rows[~reached]).size:
                whole = super().__call__(fids[beyond])
                whole.flag[:] = np.where(whole.flag == "", REPLACED, whole.flag)
                result.put(beyond, whole)
        return replace(result, moments=moments)

    def _estimate(self, fids: Complex) -> BatchEstimate:
        """Estimate good spectra, and return arrays of NumPy."""
        import torch

        from fsl_mrs_dl.models.quantification_start import mean_and_sd

        size = np.abs(fids).max(axis=1, keepdims=True)
        with torch.no_grad():
            some = torch.as_tensor((fids / size).astype(np.complex64)).to(self._device)
            axes = (self.basis.dwelltime_s, self.basis.spectrometer_frequency_mhz)
            shift_hz, phase_rad, delay_s, gamma, sigma = mean_and_sd(self._network, some, *axes)[0].T[:5]
            start = torch.stack([shift_hz, gamma, sigma**2, phase_rad, delay_s], dim=1)
            known = estimate(self._batch, some, start)
        return scaled(known.changed(lambda values: values.cpu().numpy()), size[:, 0])

    def _result(self, known: BatchEstimate) -> FitResult:
        """Return an estimate as the result of an averaged fit."""
        problem, average = self.problem, known.average
        n, m = known.amplitudes.shape
        unit = average.place.unit
        member_hz, member_gamma = np.zeros((n, m)), np.zeros((n, m))
        moving = np.asarray(self._batch.moving.cpu())
        by_shift, by_width = np.split(average.own, 2, axis=1)
        member_hz[:, moving] = by_shift * self._batch.shift_sd_hz
        member_gamma[:, moving] = by_width * pi * self._batch.width_sd_hz
        shift_hz, gamma, spread, phase_rad, delay_s = known.shared.T
        # Curves are in the frame of the place; results need them in that of the estimate.
        before = average.place.shared
        delays = (before[:, 4] - delay_s)[:, None] * problem.frequency_hz[problem.inside]
        turn = np.exp(1j * ((before[:, 3] - phase_rad)[:, None] + 2 * pi * delays))
        smooth, broad = (
            ((joined(values) * turn) @ problem.curves) * unit[:, None]
            for values in (average.smooth, average.broad)
        )
        covariance = average.covariance * known.scale[:, None, None] ** 2
        within = average.within * known.scale[:, None, None] ** 2
        lead = self._information(known)
        return FitResult(
            names=self.basis.names,
            amplitudes=known.amplitudes,
            crlb=np.sqrt(np.einsum("smm->sm", within)),
            covariance=covariance,
            information=lead,
            score=np.zeros(lead.shape[:2]),
            shift_hz=shift_hz[:, None],
            gamma=gamma[:, None],
            sigma=np.sqrt(spread)[:, None],
            phase_rad=np.angle(np.exp(1j * phase_rad)),
            delay_s=delay_s,
            member_hz=member_hz,
            member_gamma=member_gamma,
            lineshape=np.zeros((n, 2 * LINESHAPE[0])),
            baseline=smooth,
            broad=broad,
            noise_sd=np.sqrt((average.weights * average.noise).sum(axis=1)) * unit,
            explained=self._explained(known),
            freedom=np.full(n, float(self._batch.freedom)),
            residual_whiteness=average.lag,
            iterations=np.full(n, STEPS),
            flag=np.full(n, "", dtype="<U16"),
            unit=unit,
            average=self._average(known, within),
        )

    def _explained(self, known: BatchEstimate) -> Real:
        """Return the energy of the metabolites over the background of the search, (S,)."""
        own = known.amplitudes / known.scale[:, None]
        energy: Real = np.einsum("sm,smk,sk->s", own, known.average.gram, own) * known.average.place.unit**2
        return energy

    def _information(self, known: BatchEstimate) -> Real:
        """Return the Fisher matrix of amplitudes and shared parameters in SI, (S, M + 5, M + 5)."""
        tables, (n, m) = self._batch, known.amplitudes.shape
        size = np.ones((n, m + 5))
        size[:, :m] = known.scale[:, None]
        size[:, m + 1], size[:, m + 4] = tables.gamma_spread, tables.delay_sd_s
        order = np.r_[5 : 5 + m, 0:5]
        lead = known.average.lead[:, order][:, :, order]
        noise = np.take_along_axis(known.average.noise, known.average.weights.argmax(axis=1)[:, None], axis=1)
        about: Real = lead / (size[:, :, None] * size[:, None]) / noise[..., None]
        return about

    def _average(self, known: BatchEstimate, within: Real) -> Average:
        """Return the weighed backgrounds, best first, in the units of the data."""
        average, tables = known.average, self._batch
        count = average.weights.shape[1]
        order = np.argsort(-average.weights, axis=1)
        order = order[:, np.minimum(np.arange(N_HYPOTHESES), count - 1)]

        def best(values: NDArray[Any]) -> NDArray[Any]:
            return np.take_along_axis(values, order.reshape(*order.shape, *[1] * (values.ndim - 2)), axis=1)

        weight = best(average.weights) * (np.arange(N_HYPOTHESES) < count)
        scale = known.scale[:, None, None]
        information, noise = best(average.each_information), best(average.noise)
        precision = information / (noise[..., None, None] * scale[..., None] ** 2)
        mean = best(average.each_mean) * scale
        return Average(
            index=np.array([one.index for one in tables.hypotheses])[order],
            weight=weight / weight.sum(axis=1, keepdims=True),
            precision=precision,
            pull=(precision @ mean[..., None])[..., 0],
            amplitudes=np.maximum(mean, 0.0),
            within=within,
            independent=average.independent,
        )


def scaled(known: BatchEstimate, size: Real) -> BatchEstimate:
    """Return estimates of data that were divided by a size, (S,), in the units of the data."""
    place = known.average.place
    return replace(
        known,
        average=replace(known.average, place=replace(place, unit=place.unit * size)),
        scale=known.scale * size,
        amplitudes=known.amplitudes * size[:, None],
        mean=known.mean * size[:, None],
        covariance=known.covariance * size[:, None, None] ** 2,
        rate=known.rate / size[:, None],
    )
