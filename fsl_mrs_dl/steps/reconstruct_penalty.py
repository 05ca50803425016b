"""The penalty of ``reconstruct``: a rule by name, a share of the largest, or a network."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from fsl_mrs_dl.data import MRSData, Real
from fsl_mrs_dl.errors import OptionError

if TYPE_CHECKING:
    from fsl_mrs_dl.fit.reconstruction import Operator, Sets

_SEED = 0  # of the probe of SURE: equal runs give equal results


@dataclass(frozen=True, eq=False)
class Weights:
    """A rule that gives each set its penalty, what is recorded of it, and what the user is told."""

    function: Callable[["Operator", "Sets"], Real]
    settled: dict[str, object] = field(default_factory=dict)
    messages: tuple[str, ...] = ()


def penalty_of(penalty: str, model: str | None, data: MRSData, *, allow_mismatch: bool = False) -> Weights:
    """Return the rule for a penalty.

    Parameters
    ----------
    penalty : str
        ``auto``, ``noise``, ``universal``, ``sure``, ``discrepancy``, or a number between 0 and 1.
    model : str or None
        Package, for ``auto``.
    data : MRSData
    allow_mismatch : bool
        Whether data outside the model's valid range pass.

    Returns
    -------
    Weights

    Raises
    ------
    OptionError
        If it is none of them, or a model is given with another penalty than ``auto``.
    """
    if model is not None and penalty != "auto":
        raise OptionError(f"--model is for --penalty auto, not for {penalty}; leave one of them out.")
    if penalty == "auto":
        return Weights(RULES["noise"], {"penalty": "noise"})
    if penalty in RULES:
        return Weights(RULES[penalty], {"penalty": penalty})
    try:
        ratio = float(penalty)
    except ValueError:
        ratio = np.nan
    if not 0 < ratio < 1:
        raise OptionError(
            f"--penalty is {penalty!r}; needed is auto, {', '.join(RULES)}, or a number between 0 and 1."
        )
    return Weights(lambda operator, sets: ratio * _largest(operator, sets))


def _largest(operator: "Operator", sets: "Sets") -> Real:
    from fsl_mrs_dl.fit.reconstruction import largest_penalty

    return largest_penalty(operator, sets.fids)


def _ones(sets: "Sets") -> Real:
    """Return the noise of the sets, in units of which they are."""
    return np.ones(len(sets.fids))


def _universal(operator: "Operator", sets: "Sets") -> Real:
    from fsl_mrs_dl.fit.reconstruction import universal_penalty

    return universal_penalty(operator, _ones(sets), sets.shape[-1])


def _noise(operator: "Operator", sets: "Sets") -> Real:
    from fsl_mrs_dl.fit.reconstruction import noise_penalty

    return noise_penalty(operator, _ones(sets), sets.shape[-1])


def _sure(operator: "Operator", sets: "Sets") -> Real:
    from fsl_mrs_dl.fit.reconstruction import sure_penalty

    return sure_penalty(operator, sets.fids, _ones(sets), np.random.default_rng(_SEED))


def _discrepancy(operator: "Operator", sets: "Sets") -> Real:
    from fsl_mrs_dl.fit.reconstruction import discrepancy_penalty

    return discrepancy_penalty(operator, sets.fids, _ones(sets), sets.n_measured)


RULES = {"noise": _noise, "universal": _universal, "sure": _sure, "discrepancy": _discrepancy}
"""Rules by their names as options."""
