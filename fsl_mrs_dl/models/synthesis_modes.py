"""Three ways to choose latent numbers for new transients, from those of encoded ones."""

from typing import Literal

import torch
from torch import Tensor

Mode = Literal["random", "interpolate", "hybrid"]


def new_latent(
    mean: Tensor, log_variance: Tensor, n: int, mode: Mode, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    r"""Return latent numbers of new transients, and which encoded one each is nearest to.

    ``random``: of the normal distribution with mean and covariance of all their encodings (covariance of the
    means, and mean variance), for the transients of one subject and condition do not fill the standard normal one.
    ``interpolate``: :math:`(1-u) z_a + u z_b` of two encoded ones, u uniform. ``hybrid``: the same, and a draw of
    the posterior's width between the two.

    Parameters
    ----------
    mean, log_variance : Tensor, float, shape (transient, latent)
        Of the encoded transients.
    n : int
    mode : {"random", "interpolate", "hybrid"}
    generator : torch.Generator

    Returns
    -------
    tuple of Tensor
        Shape (n, latent), and int, shape (n,).
    """
    first, second = torch.randint(len(mean), (2, n), generator=generator)
    share = torch.rand((n, 1), generator=generator)
    nearest = torch.where(share[:, 0] < 0.5, first, second)
    drawn = torch.randn((n, mean.shape[1]), generator=generator)
    if mode == "random":
        centre = mean.mean(dim=0)
        # Draws from the normal distribution of few points: weights of the points, no factor of a matrix.
        weights = torch.randn((n, len(mean)), generator=generator) / max(len(mean) - 1, 1) ** 0.5
        spread = torch.exp(log_variance).mean(dim=0).sqrt()
        return centre + weights @ (mean - centre) + spread * drawn, first
    between = (1 - share) * mean[first] + share * mean[second]
    if mode == "interpolate":
        return between, nearest
    spread = torch.exp(0.5 * ((1 - share) * log_variance[first] + share * log_variance[second]))
    return between + spread * drawn, nearest
