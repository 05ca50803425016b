"""Hypotheses about the background under the metabolites, each with the sizes of its Gaussian priors."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product


@dataclass(frozen=True)
class Smooth:
    """A smooth complex baseline: a Gaussian process along chemical shift.

    Attributes
    ----------
    length_ppm : float
        Correlation length, in ppm; 0 = only a constant.
    size : float
        SD over the height of the NAA line of a healthy brain.
    """

    length_ppm: float = 0.0
    size: float = 0.0

    @property
    def words(self) -> str:
        """Return the baseline in words."""
        return f"{self.length_ppm:g} ppm, {100 * self.size:g} %" if self.size else "constant"


@dataclass(frozen=True)
class Hypothesis:
    """One possible background, with the size of each of its parts.

    Attributes
    ----------
    macromolecules : str
        ``prior``: the density of :mod:`~fsl_mrs_dl.fit.background.density`; ``own``: those of the basis set;
        ``none``; else a published table, see :class:`~fsl_mrs_dl.fit.background.tables.Table`.
    spread : float
        Size of deviations from the mean, in SDs of the prior.
    baseline : Smooth
    lipids : bool
        Whether mobile lipids are a part.
    """

    macromolecules: str
    spread: float
    baseline: Smooth
    lipids: bool

    @property
    def words(self) -> str:
        """Return the hypothesis in words, for records."""
        scaled = self.macromolecules in ("prior", "own")
        broad = f"{self.macromolecules} x {self.spread:g}" if scaled else self.macromolecules
        fat = "yes" if self.lipids else "no"
        return f"macromolecules: {broad}; baseline: {self.baseline.words}; lipids: {fat}"


BASELINES = (Smooth(), Smooth(1.0, 0.05), Smooth(0.6, 0.05), Smooth(0.6, 0.2), Smooth(0.35, 0.05))
"""From the baseline of a good shim and good water suppression to the tail of residual water."""
MACROMOLECULES = (("prior", 0.0), ("prior", 0.15), ("prior", 0.5), ("prior", 1.5), ("prior", 3.0))
"""Kind of macromolecules and their spread, in SDs of the prior: from its mean alone to three times its spread."""
BESIDE_A_TABLE = 0.1
"""SD of deviations from the lines of a table, in SDs of the prior."""
OWN_MACROMOLECULES = (("own", 0.02), ("own", 0.2), ("own", 1.0))
"""The same for macromolecules of the basis set: measured ones are nearly right, simulated ones less."""
FIRST = ("prior", 0.5), ("own", 0.2), ("none", 0.0)
"""Macromolecules of the hypothesis under which shift, widths and phases are fitted: of middle flexibility."""
FIRST_BASELINE = Smooth(0.6, 0.05)
"""Baseline of that hypothesis."""


def hypotheses(kind: str, *, lipids: bool, tables: Sequence[str] = ()) -> tuple[Hypothesis, ...]:
    """Return the hypotheses to weigh: all combinations of macromolecules, baseline and lipids.

    Parameters
    ----------
    kind : {"prior", "own", "none"}
        Source of the macromolecules: the prior, a member of the basis set, or none (other nuclei).
    lipids : bool
        Whether to add the hypotheses with lipids.
    tables : sequence of str
        With ``prior``: published tables that are hypotheses of their own.

    Returns
    -------
    tuple of Hypothesis
    """
    broad: Sequence[tuple[str, float]] = {
        "prior": (*MACROMOLECULES, *((name, BESIDE_A_TABLE) for name in tables)),
        "own": OWN_MACROMOLECULES,
        "none": (("none", 0.0),),
    }[kind]
    combinations = product(broad, BASELINES, (False, True) if lipids else (False,))
    return tuple(Hypothesis(*mm, smooth, fat) for mm, smooth, fat in combinations)


def first(choices: Sequence[Hypothesis]) -> int:
    """Return the index of the hypothesis under which the parameters that are not linear are fitted."""
    return next(
        index
        for index, one in enumerate(choices)
        if (one.macromolecules, one.spread) in FIRST
        and one.baseline == FIRST_BASELINE
        and one.lipids == any(other.lipids for other in choices)
    )
