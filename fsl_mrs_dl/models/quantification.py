r"""Quantification networks that learn without labels: an encoder, and the model of the FID as decoder.

.. math:: \hat y(t) = e^{i \phi + 2 \pi i f t - \gamma t - \sigma^2 t^2}
          \Big(\sum_m a_m x_m(t) + \sum_k b_k l_k(t)\Big)

with metabolites and macromolecules from a basis set (DQ-nMM), or macromolecules as lines of their own (DQ-pMM,
and DQ-rpMM with a loss that tells them from metabolites by their early decay). Shamaei, Starcukova and Starcuk
2023, doi:10.1016/j.compbiomed.2023.106837; in its code the lines of pMM and rpMM move against the metabolites,
which ``seed_sign`` repeats and the default does not.

How the amplitudes come out of the encoder is a choice: ``softplus`` as published; ``whitened``, in coordinates in
which the bound of every amplitude is one; ``projected``, not at all: the encoder gives shift, width and phase (of
rpMM the end of the early part too), and the amplitudes are those of least loss that belong to them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from fsl_mrs_dl.data import NUCLEI, Basis
from fsl_mrs_dl.models.inputs import from_channels
from fsl_mrs_dl.models.network import Network
from fsl_mrs_dl.models.quantification_encoders import ENCODERS
from fsl_mrs_dl.physics import basis_sum, correct, damp, phase, singlet
from fsl_mrs_dl.physics.lines import gamma_from_fwhm

Amplitudes = Literal["softplus", "whitened", "projected"]
MAC_LINES = (
    (3.886, 7.39, 0.314), (3.804, 10.6, 1.3), (3.667, 14.9, 1.62), (3.54, 16.6, 1.5), (3.12, 11.3, 0.678),
    (2.93, 12.9, 2.25), (2.78, 19.1, 0.674), (2.53, 21.4, 1.43), (2.24, 31.7, 4.29), (1.98, 23.9, 8.1),
    (1.71, 23.1, 1.48), (1.41, 15.6, 1.85), (1.56, 19.1, 2.85), (1.32, 12.0, 1.52), (1.24, 11.4, 0.877),
    (1.15, 13.5, 1.15), (0.91, 12.0, 1.6), (0.83, 10.8, 2.21),
)  # fmt: skip
"""Lorentzian lines that stand for the measured macromolecules of the ISMRM 2016 challenge at 3 T: ppm, width in
Hz, amplitude. From the public code of Shamaei et al. 2023."""
_RIDGE = 1e-9
"""Added to the diagonal of the normal equations, over its mean: members that overlap stay solvable."""
_SMOOTH = 1e-7
"""In s^2: the sign in the loss of rpMM is smooth over its root, 0.3 ms; see :meth:`QuantificationNetwork.loss`."""
_RETARDED = 5.0
"""Taken off the logit of rpMM's early time, which then starts at 7 ms instead of 0.5 s."""
_LINE_RANGE = (0.0, 2.0)
"""Expected amplitude of a macromolecular line, over that of the table."""
_PUBLISHED_SIZE = 50.0
"""Magnitude of the FIDs of the published simulation, against which its weight of the early time is chosen."""


@dataclass(frozen=True, eq=False)
class Modelled:
    """Parameters of FIDs, estimated by a network.

    Attributes
    ----------
    amplitudes : Tensor, float, shape (batch, member)
        Of the network's basis; of a line, over its amplitude in the table.
    shift_hz, gamma, sigma, phase_rad : Tensor, float, shape (batch,)
        Hz, rad/s, rad/s, rad.
    early_s : Tensor, float, shape (batch,), or None
        End of the early part of the FID, which rpMM leaves to macromolecules, in s.
    """

    amplitudes: Tensor
    shift_hz: Tensor
    gamma: Tensor
    sigma: Tensor
    phase_rad: Tensor
    early_s: Tensor | None = None


@dataclass(frozen=True)
class Expected:
    """Ranges of the parameters that a network is trained on: lowest and highest.

    Attributes
    ----------
    amplitudes : tuple of tuple of float
        One a member.
    shift_hz, gamma, sigma, phase_rad : tuple of float
        ``sigma`` of (0, 0): Lorentzian lines.
    noise_sd : float
        Of a channel; for the whitened coordinates.
    """

    amplitudes: tuple[tuple[float, float], ...]
    shift_hz: tuple[float, float]
    gamma: tuple[float, float]
    sigma: tuple[float, float]
    phase_rad: tuple[float, float]
    noise_sd: float

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> "Expected":
        """Read the ranges of a card's config, where tuples are lists."""
        return cls(**{field.name: _frozen(config[field.name]) for field in fields(cls)})


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, (list, tuple)) else value


class QuantificationNetwork(Network):
    """DQ-nMM, DQ-pMM and DQ-rpMM.

    Parameters
    ----------
    names : sequence of str
        Members of the basis set.
    n_points : int
    dwelltime_s, spectrometer_frequency_mhz : float
        In s and MHz.
    expected : mapping
        Of :class:`Expected`.
    lines : bool
        Whether macromolecules are :data:`MAC_LINES` (pMM, rpMM) on top of the basis set.
    regularised : bool
        Whether the loss has the term of rpMM.
    encoder : str
        Of :data:`~fsl_mrs_dl.models.quantification_encoders.ENCODERS`.
    encoder_settings : mapping
        Its own settings.
    amplitudes : {"softplus", "whitened", "projected"}
    first_point : int
        First sample of the loss; the published code leaves out the first point, which is 0.
    penalty : float
        Weight of the early time in rpMM's loss, per s.
    seed_sign : bool
        Whether lines move against the metabolites.
    scaled : bool
        Whether FIDs are scaled to a largest magnitude of 1 on the way in, and amplitudes back on the way out.
    """

    basis: Tensor
    shared_middle: Tensor
    shared_half: Tensor
    centre: Tensor
    mixing: Tensor
    pairs: Tensor

    def __init__(
        self,
        names: list[str],
        n_points: int,
        dwelltime_s: float,
        spectrometer_frequency_mhz: float,
        expected: Mapping[str, Any],
        lines: bool = False,
        regularised: bool = False,
        encoder: str = "cnn",
        encoder_settings: Mapping[str, Any] | None = None,
        amplitudes: Amplitudes = "projected",
        first_point: int = 1,
        penalty: float = 3.0,
        seed_sign: bool = False,
        scaled: bool = True,
    ) -> None:
        super().__init__()
        self.names, self.n_points, self.dwelltime_s = tuple(names), n_points, dwelltime_s
        self.spectrometer_frequency_mhz = spectrometer_frequency_mhz
        self.expected = Expected.of(expected)
        self.amplitudes: Amplitudes = amplitudes
        self.first_point, self.penalty, self.scaled = first_point, penalty, scaled
        self.regularised, self.n_lines = regularised, len(MAC_LINES) if lines else 0
        self.groups = (0,) * len(names) + (int(seed_sign),) * self.n_lines
        if seed_sign and amplitudes == "projected":
            raise ValueError("The projected amplitudes have one shift; leave seed_sign out.")
        size = len(names) + self.n_lines
        self.voigt = self.expected.sigma[1] > 0
        self.n_shared = 3 + self.voigt
        n_outputs = self.n_shared + regularised + (0 if amplitudes == "projected" else size)
        self.encoder = ENCODERS[encoder](n_points, n_outputs, **(encoder_settings or {}))
        shared = [self.expected.shift_hz, self.expected.gamma, self.expected.phase_rad]
        shared += [self.expected.sigma] * self.voigt
        middle, half = _middles(shared)
        if amplitudes == "softplus":  # as published: outputs are Hz, 1/s and rad
            middle, half = torch.zeros_like(middle), torch.ones_like(half)
        self.register_buffer("shared_middle", middle, persistent=False)
        self.register_buffer("shared_half", half, persistent=False)
        self.register_buffer("basis", torch.zeros(2, size, n_points))
        self.register_buffer("centre", torch.zeros(size), persistent=False)
        self.register_buffer("mixing", torch.eye(size), persistent=False)
        self.register_buffer(
            "pairs", torch.zeros(n_points, size, size, dtype=torch.float64), persistent=False
        )
        derive: Any = self.register_load_state_dict_post_hook
        derive(lambda module, _: module._derive())

    def set_basis(self, basis: Basis) -> None:
        """Store the basis set, on the network's points and with its members; add the lines."""
        fids = torch.from_numpy(np.asarray(basis.fids, dtype=np.complex64))
        if self.n_lines:
            fids = torch.cat([fids, self._lines(fids)])
        self.basis.copy_(torch.stack([fids.real, fids.imag]))
        self._derive()

    def _lines(self, like: Tensor) -> Tensor:
        ppm, fwhm_hz, amplitude = torch.tensor(MAC_LINES, dtype=torch.float64).T
        offset_hz = (ppm - NUCLEI["1H"].reference_ppm) * self.spectrometer_frequency_mhz
        lines = singlet(
            self.n_points, self.dwelltime_s, offset_hz, gamma_from_fwhm(fwhm_hz), 0 * offset_hz, like
        )
        weighted: Tensor = amplitude[:, None].to(like.dtype) * lines
        return weighted

    def _derive(self) -> None:
        """Compute the products of members and the whitened coordinates from the basis set."""
        fids = self.members.to(torch.complex128)
        self.pairs.copy_((fids.conj()[:, None] * fids).real.permute(2, 0, 1))
        if self.amplitudes != "whitened":
            return
        middle, half = _middles((*self.expected.amplitudes, *[_LINE_RANGE] * self.n_lines))
        self.centre.copy_(middle)
        gamma = torch.tensor(sum(self.expected.gamma) / 2, dtype=torch.float64)
        damped = damp(fids, gamma, 0 * gamma, self.dwelltime_s)[:, self.first_point :]
        fisher = (damped.conj() @ damped.T).real / self.expected.noise_sd**2
        # A uniform range has the variance of its half width over three.
        fisher = fisher + torch.diag(3 / half.to(fisher) ** 2)
        self.mixing.copy_(torch.linalg.inv(torch.linalg.cholesky(fisher)).T)

    @property
    def members(self) -> Tensor:
        """The basis set and the lines, complex, shape (member, time)."""
        return torch.complex(self.basis[0], self.basis[1])

    def modelled(self, inputs: Tensor) -> Modelled:
        """Return the parameters of FIDs.

        Parameters
        ----------
        inputs : Tensor, float, shape (batch, 2, time)
        """
        fids = from_channels(inputs)
        size = self._size(fids)
        raw: Tensor = self.encoder(inputs / size[:, None, None])
        shared = self.shared_middle + self.shared_half * raw[:, -self.n_shared :]
        shift_hz, gamma, phase_rad = shared[:, 0], shared[:, 1], shared[:, 2]
        sigma = shared[:, 3] if self.voigt else torch.zeros_like(gamma)
        early = torch.sigmoid(raw[:, -self.n_shared - 1] - _RETARDED) if self.regularised else None
        if self.amplitudes == "projected":
            # At its minimum the loss does not change with the amplitudes: they need no gradient.
            with torch.no_grad():
                amplitudes = self.least_squares(fids, shift_hz, gamma, sigma, phase_rad, early)
        elif self.amplitudes == "whitened":
            amplitudes = (self.centre + raw[:, : len(self.centre)] @ self.mixing.T) * size[:, None]
        else:
            amplitudes = nn.functional.softplus(raw[:, : len(self.centre)]) * size[:, None]
        return Modelled(amplitudes, shift_hz, gamma, sigma, phase_rad, early)

    def _size(self, fids: Tensor) -> Tensor:
        if not self.scaled:
            return torch.ones(len(fids), device=fids.device)
        return fids.abs().amax(dim=1).clamp_min(1e-30)

    def least_squares(
        self,
        fids: Tensor,
        shift_hz: Tensor,
        gamma: Tensor,
        sigma: Tensor,
        phase_rad: Tensor,
        early_s: Tensor | None = None,
    ) -> Tensor:
        """Return the amplitudes of least loss, of either sign, shape (batch, member)."""
        gram, right = self.normal_equations(fids, shift_hz, gamma, sigma, phase_rad, early_s)
        size = gram.shape[-1]
        trace = gram.diagonal(dim1=1, dim2=2).mean(dim=1)[:, None, None]
        held = gram + _RIDGE * trace * torch.eye(size, dtype=gram.dtype, device=gram.device)
        solved: Tensor = torch.cholesky_solve(right[..., None], torch.linalg.cholesky(held))[..., 0]
        return solved.to(shift_hz.dtype)

    def normal_equations(
        self,
        fids: Tensor,
        shift_hz: Tensor,
        gamma: Tensor,
        sigma: Tensor,
        phase_rad: Tensor,
        early_s: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Return the products of the damped members with each other and with FIDs, in double precision.

        Those with each other are the products of the members times the square of the damping, so that no member
        is damped for each FID by itself. With ``early_s`` what is later counts for metabolites half as much again,
        as in the loss of rpMM.

        Parameters
        ----------
        fids : Tensor, complex, shape (batch, time)
        shift_hz, gamma, sigma, phase_rad, early_s : Tensor, float, shape (batch,)

        Returns
        -------
        gram : Tensor, float64, shape (batch, member, member)
        right : Tensor, float64, shape (batch, member)
        """
        ones = torch.ones(len(fids), self.n_points, dtype=torch.float64, device=fids.device)
        damping = damp(ones, gamma.double(), sigma.double(), self.dwelltime_s)
        data = correct(fids, shift_hz, phase_rad, self.dwelltime_s)
        weight = (torch.arange(self.n_points, device=fids.device) >= self.first_point).double()
        gram, right = self._products(data, damping, weight, slice(None))
        if early_s is not None:
            alone, share = self._metabolites, 1 - self.first_point / self.n_points  # a mean of more points
            more = self._products(data, damping, share * self._late(early_s).double() ** 2 / 2, alone)
            gram[:, alone, alone] += more[0]
            right[:, alone] += more[1]
        return gram, right

    def _products(self, data: Tensor, damping: Tensor, weight: Tensor, rows: slice) -> tuple[Tensor, Tensor]:
        pairs = self.pairs[:, rows, rows]
        gram = (damping**2 * weight) @ pairs.flatten(1)
        weighed = data * (damping * weight).to(data.real.dtype)
        right = (weighed @ self.members[rows].conj().T).real.double()
        return gram.reshape(-1, *pairs.shape[1:]), right

    @property
    def _metabolites(self) -> slice:
        """The members without the lines."""
        return slice(0, len(self.names))

    def _late(self, early_s: Tensor) -> Tensor:
        """Return rpMM's weight of each point, from 0 before ``early_s`` to 1 after it, shape (batch, time)."""
        after = torch.arange(self.n_points, device=early_s.device) * self.dwelltime_s - early_s[:, None]
        weight: Tensor = (1 + after / torch.sqrt(after**2 + _SMOOTH)) / 2
        return weight

    def decode(self, parameters: Modelled, rows: slice = slice(None)) -> Tensor:
        """Return the FIDs of parameters, complex, shape (batch, time); ``rows``: the sum of these members only."""
        shifts = torch.stack([parameters.shift_hz, -parameters.shift_hz], dim=1)
        gamma, sigma = (value[:, None].expand(-1, 2) for value in (parameters.gamma, parameters.sigma))
        amplitudes = parameters.amplitudes[:, rows]
        total = basis_sum(
            self.members[rows], amplitudes, shifts, gamma, sigma, self.dwelltime_s, self.groups[rows]
        )
        decoded: Tensor = phase(total, parameters.phase_rad)
        return decoded

    def loss(self, inputs: Tensor) -> Tensor:
        r"""Return the mean square residual of a point and channel, without the first points.

        .. math:: \frac{1}{2 B N} \sum_b \sum_{n \ge 1} |\hat y_{bn} - y_{bn}|^2 / c_b^2

        with :math:`c_b` the scale of each FID (1 where the network does not scale): its floor is the variance of
        the noise. For rpMM also half of the same for metabolites alone, over all points, each weighed by
        :math:`((1 + g(t - t_r)) / 2)^2` with :math:`g(u) = u / \sqrt{u^2 + 10^{-7}}`, a sign that has a slope,
        and :math:`\lambda t_r / 2`. What the published :math:`\lambda` is weighed against grows with the square
        of the FIDs, which are 50 there; scaled FIDs have :math:`\lambda / 50^2` instead.
        """
        parameters = self.modelled(inputs)
        fids = from_channels(inputs)
        unit = self._size(fids)[:, None]
        loss = _mean_square(((self.decode(parameters) - fids) / unit)[:, self.first_point :])
        if parameters.early_s is None:
            return loss
        alone = (self.decode(parameters, self._metabolites) - fids) / unit
        weighed = self.penalty / (_PUBLISHED_SIZE**2 if self.scaled else 1.0)
        late = _mean_square(self._late(parameters.early_s) * alone)
        return loss + 0.5 * (late + weighed * parameters.early_s.mean())


def _mean_square(residual: Tensor) -> Tensor:
    squared: Tensor = residual.real**2 + residual.imag**2
    return squared.mean() / 2


def _middles(ranges: Any) -> tuple[Tensor, Tensor]:
    """Return the middles and half widths of ranges."""
    low, high = torch.tensor(ranges, dtype=torch.float32).T
    return (low + high) / 2, (high - low) / 2
