"""dSR, dSRF, dCrR and dCrRF that learn from the likelihood of every shift, and give the probability of each.

The published loss compares one decoded transient with the input. Where residual water is taller than the
metabolites it compares water; where the shift is wrong by more than a linewidth its gradient points nowhere; and
no number can follow a phase around the circle. Here the decoder is tried at every shift of a grid, with the best
scale and phase for each, on what is left of the input without water and lipids (:mod:`~.signal_space`). The
encoder learns the probabilities that these likelihoods give. No truth is needed, as with the published loss. Our
proposal.
"""

import math
from functools import cached_property
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from fsl_mrs_dl.data import NUCLEI, Complex
from fsl_mrs_dl.models.inputs import from_channels, to_channels
from fsl_mrs_dl.models.registration_encoders import (
    CreatineReferencing,
    Encoder,
    RegistrationNetwork,
    SpectralRegistration,
)
from fsl_mrs_dl.models.signal_space import WINDOW_PPM, concentrated, signal_space
from fsl_mrs_dl.physics import shift, singlet
from fsl_mrs_dl.physics.landmarks import METHYLS_PPM

N_SHIFTS = 128
"""Shifts of the grid: 0.8 Hz apart for +-40 Hz, a tenth of a linewidth."""
N_FREQUENCIES = 256
"""Points of the spectrum that the encoder reads: 1.2 Hz apart at 3 T, six to what 128 ms resolve."""
MARGIN = 1.25
"""Half-width of the grid over the largest shift that is learned."""
_NARROWEST = 0.8
"""Least SD of the probabilities learned, in steps of the grid: narrower ones could not be told between two."""
_ROUNDS = 3
"""Rounds of averaging and turning: after the first, what is left to turn is of the average's noise."""
_AROUND = 4
"""Steps to each side of the most probable shift over which the mean is taken."""
_LONGEST = 8192
"""Most points of an FID: the sequences of a longer one take minutes, and a card could ask for any number."""
_LINES_PPM = {**METHYLS_PPM, "Cho": 3.21}
"""Chemical shifts of the lines, in ppm; choline's is the mean of GPC and PCh (Govindaraju et al 2000,
doi:10.1002/1099-1492(200005)13:3<129::AID-NBM619>3.0.CO;2-V)."""
_WIDTHS_HZ = (4.0, 8.0, 14.0)
"""Linewidths (FWHM) of the lines of creatine, choline and NAA that are tried, in Hz at any field."""


class ShiftProbabilities(RegistrationNetwork):
    """A network that gives the probability of each shift of a grid.

    Parameters
    ----------
    n_points, dwelltime_s, spectrometer_frequency_mhz
        See :class:`~.registration_encoders.RegistrationNetwork`.
    max_shift_hz : float
        Largest shift that is learned, either way, in Hz.
    window_ppm : tuple of float, optional
        Where the decoder is compared with the input, in ppm, before it is moved; by default in all of the band.
    lines : tuple of str
        The decoder is a sum of these methyl lines; empty: a reference.
    depth, batch_norm
        See :class:`~.registration_encoders.Encoder`.
    """

    analysis: Tensor
    space: Tensor
    compared: Tensor
    shifts_hz: Tensor
    reference: Tensor
    moved: Tensor

    def __init__(
        self,
        n_points: int,
        dwelltime_s: float,
        spectrometer_frequency_mhz: float,
        max_shift_hz: float,
        window_ppm: tuple[float, float] | None = None,
        lines: tuple[str, ...] = (),
        depth: int = 4,
        batch_norm: bool = False,
    ) -> None:
        super().__init__(n_points, dwelltime_s, spectrometer_frequency_mhz)
        if n_points > _LONGEST:
            raise ValueError(f"{n_points} points; a network of the likelihood takes at most {_LONGEST}")
        self.lines = lines
        self.encoder = Encoder(N_SHIFTS, N_FREQUENCIES, depth, batch_norm, dropout=0.0, n_channels=3)
        sampling = (n_points, dwelltime_s, spectrometer_frequency_mhz)
        space = signal_space(*sampling)
        low_hz, high_hz = (
            (ppm - NUCLEI["1H"].reference_ppm) * spectrometer_frequency_mhz for ppm in WINDOW_PPM
        )
        turns = np.outer(np.linspace(low_hz, high_hz, N_FREQUENCIES), np.arange(n_points) * dwelltime_s)
        analysis = np.exp(-2j * np.pi * turns) @ space @ space.conj().T
        if window_ppm is None:
            compared = space
        else:
            wider = max_shift_hz / spectrometer_frequency_mhz
            limits = max(window_ppm[0] - wider, WINDOW_PPM[0]), min(window_ppm[1] + wider, WINDOW_PPM[1])
            compared = signal_space(*sampling, limits)
        grid = np.linspace(-MARGIN * max_shift_hz, MARGIN * max_shift_hz, N_SHIFTS)
        self.register_buffer("analysis", torch.from_numpy(analysis.T.copy()).to(torch.complex64), False)
        self.register_buffer("space", torch.from_numpy(space.conj()).to(torch.complex64), False)
        self.register_buffer("compared", torch.from_numpy(compared.conj()).to(torch.complex64), False)
        self.register_buffer("shifts_hz", torch.from_numpy(grid).to(torch.float32), False)
        if lines:
            self.register_buffer("moved", self._moved_lines(), False)
            self.register_buffer("reference", to_channels(self._lines(_WIDTHS_HZ[1]).sum(0)), False)
        else:
            self.register_buffer("reference", torch.zeros(2, n_points))

    def set_reference(self, fid: Complex) -> None:
        """Take a reference, complex, shape (time,), on the network's points."""
        self.reference.copy_(torch.from_numpy(to_channels(np.asarray(fid))))

    def features(self, inputs: Tensor) -> Tensor:
        """Return real part, imaginary part and magnitude of spectra, for the encoder: (batch, 3, frequency)."""
        spectra = from_channels(inputs) @ self.analysis
        power = spectra.real**2 + spectra.imag**2
        scale = power.mean(dim=1, keepdim=True).clamp_min(torch.finfo(power.dtype).tiny).rsqrt()
        features: Tensor = torch.stack([spectra.real, spectra.imag, power.sqrt()], dim=1) * scale[:, None]
        return features

    def probabilities(self, inputs: Tensor) -> Tensor:
        """Return the probability of each shift of the grid, shape (batch, shift)."""
        return torch.softmax(self.encoder(self.features(inputs)), dim=1)

    def estimates(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Return shift (Hz) and phase (rad), each of shape (batch,).

        The shift is the mean around the most probable one, the phase the best for it, against the reference.
        """
        probability = self.probabilities(inputs)
        around = nn.functional.avg_pool1d(probability[:, None], 2 * _AROUND + 1, 1, _AROUND)[:, 0]
        best = around.argmax(dim=1, keepdim=True)
        near = (torch.arange(N_SHIFTS, device=best.device) - best).abs() <= _AROUND
        weight = probability * near
        shift_hz = (weight * self.shifts_hz).sum(dim=1) / weight.sum(dim=1)
        decoded = shift(from_channels(self.reference)[None], shift_hz, self.dwelltime_s) @ self.compared
        return shift_hz, torch.angle((decoded.conj() * (from_channels(inputs) @ self.compared)).sum(dim=1))

    def phases_in_scan(self, inputs: Tensor, shift_hz: Tensor, phase_rad: Tensor) -> Tensor:
        """Return the phases of the transients of one scan against their own average, shape (transient,).

        Better than those against a reference of other scans, whose lines and first points are not theirs.

        Parameters
        ----------
        inputs : Tensor, float, shape (transient, 2, time)
        shift_hz, phase_rad : Tensor, float, shape (transient,)
            Of :meth:`estimates`.

        Returns
        -------
        Tensor
            In rad.
        """
        parts = shift(from_channels(inputs), -shift_hz, self.dwelltime_s) @ self.space
        parts = parts / torch.linalg.vector_norm(parts, dim=1, keepdim=True)
        for _ in range(_ROUNDS):
            average = (parts * torch.polar(torch.ones_like(phase_rad), -phase_rad)[:, None]).mean(dim=0)
            phase_rad = torch.angle(parts @ average.conj())
        return phase_rad

    def loss(self, inputs: Tensor, truth: Tensor | None = None) -> Tensor:
        r"""Return the cross entropy of the encoder's probabilities with those of the likelihood, a scalar.

        .. math:: -\frac{1}{B} \sum_b \sum_k p_{bk} \ln q_{bk}

        Parameters
        ----------
        inputs : Tensor, float, shape (batch, 2, time)
        truth : Tensor, float, shape (batch, shift), optional
            p, from :meth:`odds`; by default computed here, with the network's own reference.
        """
        learned = self.odds(inputs) if truth is None else truth
        return -(learned * torch.log_softmax(self.encoder(self.features(inputs)), dim=1)).sum(dim=1).mean()

    @torch.no_grad()
    def odds(self, inputs: Tensor, references: Tensor | None = None) -> Tensor:
        r"""Return the probability that the likelihood gives each shift of the grid, shape (batch, shift).

        .. math:: p_{bk} \propto (1 - \rho^2_{bk})^{-\tau_b N}

        :math:`\rho^2` is the share of the power of the compared signal that the decoder explains at a shift, N
        the number of complex values compared: the likelihood with scale, phase and noise unknown (Kay 1998,
        Detection theory, ch. 9.4). :math:`\tau` is 1, or less where the grid is too coarse for the likelihood.

        Parameters
        ----------
        inputs : Tensor, float, shape (batch, 2, time)
        references : Tensor, float, shape (scan, 2, time), optional
            Of each scan; the batch holds equally many transients of each, in order. By default the network's.
        """
        compared = from_channels(inputs) @ self.compared
        compared = compared / torch.linalg.vector_norm(compared, dim=1, keepdim=True)
        share = self._line_share(compared) if self.lines else self._reference_share(compared, references)
        log = torch.logsumexp(-compared.shape[-1] * torch.log1p(-share.clamp_max(1 - 1e-6)), dim=1)
        best = log.argmax(dim=1, keepdim=True).clamp(1, N_SHIFTS - 2)
        left, top, right = (log.gather(1, best + step) for step in (-1, 0, 1))
        bend = (2 * top - left - right).clamp_min(1e-3)
        return torch.softmax(log * (1 / (_NARROWEST**2 * bend)).clamp_max(1.0), dim=1)

    def _line_share(self, compared: Tensor) -> Tensor:
        """Return how much of each signal the lines explain, shape (batch, width, shift)."""
        explained = torch.einsum("wkld,bd->bwkl", self.moved.conj(), compared)
        share: Tensor = (explained.real**2 + explained.imag**2).sum(dim=-1)
        return share

    def _reference_share(self, compared: Tensor, references: Tensor | None) -> Tensor:
        """Return how much of each signal its reference explains, shape (batch, 1, shift)."""
        reference = from_channels(self.reference[None] if references is None else references)
        coordinates, movers = (part.to(compared.device) for part in self._movers)
        moved = torch.einsum("sb,kbd->skd", reference @ coordinates, movers)
        moved = moved / torch.linalg.vector_norm(moved, dim=-1, keepdim=True)
        scans = compared.reshape(len(reference), -1, compared.shape[-1])
        explained = torch.einsum("skd,std->stk", moved.conj(), scans).reshape(len(compared), 1, -1)
        return explained.real**2 + explained.imag**2

    @cached_property
    def _movers(self) -> tuple[Tensor, Tensor]:
        """Matrices that move a reference by each shift of the grid.

        The first, shape (time, sequence), gives the coordinates of the FID in all of the band that is moved into
        the window; the second, shape (shift, sequence, direction), what these are once moved.
        """
        farthest_ppm = float(self.shifts_hz[-1]) / self.spectrometer_frequency_mhz
        limits = WINDOW_PPM[0] - farthest_ppm, WINDOW_PPM[1] + farthest_ppm
        band = concentrated(self.n_points, self.dwelltime_s, self.spectrometer_frequency_mhz, limits, 8)
        sequences = torch.from_numpy(band).to(self.compared)
        turned = shift(sequences.mT, self.shifts_hz[:, None], self.dwelltime_s)
        return sequences.conj(), turned @ self.compared

    def _lines(self, width_hz: float) -> Tensor:
        """Return the methyl lines, complex, shape (line, time)."""
        offsets = [
            (_LINES_PPM[name] - NUCLEI["1H"].reference_ppm) * self.spectrometer_frequency_mhz
            for name in self.lines
        ]
        hz = torch.tensor(offsets)
        like = torch.zeros(len(offsets), self.n_points, dtype=torch.complex64)
        lines: Tensor = singlet(
            self.n_points, self.dwelltime_s, hz, 0 * hz + math.pi * width_hz, 0 * hz, like
        )
        return lines

    def _moved_lines(self) -> Tensor:
        """Return orthonormal lines at each width and shift, shape (width, shift, line, direction)."""
        lines = torch.stack([self._lines(width) for width in _WIDTHS_HZ])
        moved = shift(lines[:, None], self.shifts_hz[:, None], self.dwelltime_s) @ self.compared
        orthonormal: Tensor = torch.linalg.qr(moved.mT)[0].mT.contiguous()
        return orthonormal


Loss = Literal["published", "likelihood"]


def spectral_registration(*, loss: Loss = "published", **config: Any) -> RegistrationNetwork:
    """Return dSR, or with a window dSRF, of one of the losses."""
    return SpectralRegistration(**config) if loss == "published" else ShiftProbabilities(**config)


def creatine_referencing(
    *, loss: Loss = "published", window_ppm: tuple[float, float] | None = None, **config: Any
) -> RegistrationNetwork:
    """Return dCrR, or with a window dCrRF, of one of the losses.

    By the likelihood, choline (and without a window NAA) is decoded beside creatine, or the shifts that put
    creatine into their place would be as likely as the true one.
    """
    if loss == "published":
        return CreatineReferencing(**config, window_ppm=window_ppm)
    lines = ("Cr", "Cho", "NAA") if window_ppm is None else ("Cr", "Cho")
    return ShiftProbabilities(**config, window_ppm=window_ppm, lines=lines)
