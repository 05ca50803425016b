"""Hypotheses about what lies under the metabolites, each with the sizes that its Gaussian priors have."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product


@dataclass(frozen=True)
class Smooth:
    """A smooth complex baseline: a Gaussian process along chemical shift.

    Attributes
    ----------
    length_ppm : float
        Its correlation length, in ppm; 0 = a constant alone.
    size : float
        Its SD over the height of the NAA line of a healthy brain.
    """

    length_ppm: float = 0.0
    size: float = 0.0

    @property
    def words(self) -> str:
        """Return the baseline in words."""
        return f"{self.length_ppm:g} ppm, {100 * self.size:g} %" if self.size else "constant"


@dataclass(frozen=True)
class Hypothesis:
    """One way in which a spectrum may come to be.

    Attributes
    ----------
    macromolecules : str
        ``prior``: the density of :mod:`~fsl_mrs_dl.fit.background.density`; ``own``: those of the basis set;
        ``none``; else a published table, see :class:`~fsl_mrs_dl.fit.background.tables.Table`.
    spread : float
        How large deviations are, in SDs of the prior.
    baseline : Smooth
    lipids : bool
        Whether mobile lipids may be there.
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
"""From what a good shim and water suppression leave to the tail of residual water."""
MACROMOLECULES = (("prior", 0.0), ("prior", 0.15), ("prior", 0.5), ("prior", 1.5), ("prior", 3.0))
BESIDE_A_TABLE = 0.1
"""SD of what may lie beside the lines of a table, in SDs of the prior."""
OWN_MACROMOLECULES = (("own", 0.02), ("own", 0.2), ("own", 1.0))
FIRST = ("prior", 0.5), ("own", 0.2), ("none", 0.0)
FIRST_BASELINE = Smooth(0.6, 0.05)


def hypotheses(kind: str, *, lipids: bool, tables: Sequence[str] = ()) -> tuple[Hypothesis, ...]:
    """Return the hypotheses that are weighed.

    Parameters
    ----------
    kind : {"prior", "own", "none"}
        Where macromolecules come from: the prior, a member of the basis set, or nowhere (other nuclei).
    lipids : bool
        Whether lipids are among them.
    tables : sequence of str
        With ``prior``: published tables that are hypotheses of their own.
    """
    broad: Sequence[tuple[str, float]] = {
        "prior": (*MACROMOLECULES, *((name, BESIDE_A_TABLE) for name in tables)),
        "own": OWN_MACROMOLECULES,
        "none": (("none", 0.0),),
    }[kind]
    made = product(broad, BASELINES, (False, True) if lipids else (False,))
    return tuple(Hypothesis(*mm, smooth, fat) for mm, smooth, fat in made)


def first(all_of_them: Sequence[Hypothesis]) -> int:
    """Return which hypothesis the parameters that are not linear are found under."""
    return next(
        at
        for at, one in enumerate(all_of_them)
        if (one.macromolecules, one.spread) in FIRST
        and one.baseline == FIRST_BASELINE
        and one.lipids == any(other.lipids for other in all_of_them)
    )
