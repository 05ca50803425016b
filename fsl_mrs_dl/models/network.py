"""The base of every network of the program: a module that computes its loss."""

from abc import abstractmethod
from typing import Any

from torch import Tensor, nn


class Network(nn.Module):
    """A network that :mod:`fsl_mrs_dl.train.loop` can train and a package can hold."""

    @abstractmethod
    def loss(self, *args: Any, **kwargs: Any) -> Tensor:
        """Return the loss of a batch, a scalar; the arguments are the tensors of the batch."""
