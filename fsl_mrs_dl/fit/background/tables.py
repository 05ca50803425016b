"""Published tables of macromolecules as hypotheses: lines of their own sizes, with a common width and place."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from fsl_mrs_dl.data import Real
from fsl_mrs_dl.fit.background.density import (
    CONTINUUM_PPM,
    METHYL_PROTONS,
    REFERENCE_PPM,
    SHIFT_SD_PPM,
    WIDTH_SD,
)
from fsl_mrs_dl.physics.lines import GaussianLine, area_in
from fsl_mrs_dl.physics.macromolecules import MM_SETS

_SIZE = (
    1.0  # SD of the size of each signal over its size in the table: as large as itself, so the data decide
)

Drawing = Callable[[Sequence[GaussianLine]], Real]
"""A function of lines that returns one vector for each line, shape (line, 2 inside)."""


@dataclass(frozen=True)
class MacromoleculeTable:
    """A published table of macromolecules, scaled to 1 mmol/kg of the methyl groups at 0.9 ppm.

    Attributes
    ----------
    lines : tuple of GaussianLine
        Without the continuum.
    continuum : tuple of GaussianLine
        Lines wider than :data:`~.density.CONTINUUM_PPM`; in most tables the baseline of the fit took them.
    """

    lines: tuple[GaussianLine, ...]
    continuum: tuple[GaussianLine, ...]

    @classmethod
    def of(cls, name: str) -> "MacromoleculeTable":
        """Return a table by its key in :data:`~fsl_mrs_dl.physics.macromolecules.MM_SETS`."""
        every = MM_SETS[name]
        narrow = [line for line in every if line.fwhm_ppm <= CONTINUUM_PPM]
        unit = METHYL_PROTONS / area_in(narrow, REFERENCE_PPM)
        scaled = [replace(line, amplitude=unit * line.amplitude) for line in every]
        return cls(
            tuple(line for line in scaled if line.fwhm_ppm <= CONTINUUM_PPM),
            tuple(line for line in scaled if line.fwhm_ppm > CONTINUUM_PPM),
        )

    def deviations(self, draw: Drawing) -> Real:
        """Return independent deviations of unit variance, one a row: sizes of signals, width, shift, continuum."""
        vectors = draw(self.lines)
        signals = dict.fromkeys(line.signal for line in self.lines)
        if len(signals) > 1:
            sizes = [vectors[[line.signal == name for line in self.lines]].sum(axis=0) for name in signals]
        else:
            sizes = list(vectors)
        wider, narrower = (
            draw([replace(line, fwhm_ppm=factor * line.fwhm_ppm) for line in self.lines]).sum(axis=0)
            for factor in (1 + WIDTH_SD, 1 - WIDTH_SD)
        )
        right, left = (
            draw([replace(line, ppm=line.ppm + by) for line in self.lines]).sum(axis=0)
            for by in (SHIFT_SD_PPM, -SHIFT_SD_PPM)
        )
        parts = [*(_SIZE * size for size in sizes), (wider - narrower) / 2, (right - left) / 2]
        if self.continuum:
            parts.append(draw(self.continuum).sum(axis=0))
        return np.array(parts)
