"""Distributions of one number as frozen, comparable objects, which can be written to a record."""

from dataclasses import dataclass

import numpy as np

from fsl_mrs_dl.data import Real
from fsl_mrs_dl.errors import OptionError


@dataclass(frozen=True)
class Fixed:
    """A constant."""

    value: float

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Real:
        """Return the value in an array of this shape; the generator is not used."""
        return np.full(shape, float(self.value))


@dataclass(frozen=True)
class Uniform:
    """Uniform distribution from ``low`` to ``high``."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low <= self.high:
            raise OptionError(f"A uniform range from {self.low:g} to {self.high:g} is empty; swap the ends.")

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Real:
        """Return independent draws, float64, of this shape."""
        return rng.uniform(self.low, self.high, shape)


@dataclass(frozen=True)
class Normal:
    """Normal distribution with a mean and a standard deviation."""

    mean: float
    sd: float

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Real:
        """Return independent draws, float64, of this shape."""
        return rng.normal(self.mean, self.sd, shape)


@dataclass(frozen=True)
class LogNormal:
    """Log-normal distribution, with its median and the standard deviation of the natural logarithm."""

    median: float
    log_sd: float

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Real:
        """Return independent draws, float64, of this shape."""
        return self.median * np.exp(rng.normal(0.0, self.log_sd, shape))


Distribution = Fixed | Uniform | Normal | LogNormal
