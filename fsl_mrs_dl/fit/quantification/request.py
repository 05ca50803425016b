"""What is fitted, resolved from the options of the command."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Basis
from fsl_mrs_dl.fit.lcm import FitSettings, Fitter
from fsl_mrs_dl.fit.quantification.water import WaterPlan


@dataclass(frozen=True, eq=False)
class Request:
    """What is fitted, and what is made of it.

    Attributes
    ----------
    basis : Basis
        At the points of the data, with the chosen members.
    settings : FitSettings
        With one group a member.
    sums : tuple of tuple of str
    internal_reference : tuple of str
        Empty: no ratios.
    voxels : ndarray, int, shape (V, 3)
    water : WaterPlan or None
    notes : tuple of str
    posterior : bool
        Whether the posterior is drawn too.
    fitter : Fitter or None
        What fits; None: the fit from its own starts.
    doubts : tuple of str
        Sentences that make every result usable at best, whatever the fit says.
    parallel : str
        Where chunks of voxels are fitted, see :func:`~.workers.chunks_done`.
    workers : int or None
        How many processes on this machine; None: as many as cores.
    """

    basis: Basis
    settings: FitSettings
    sums: tuple[tuple[str, ...], ...]
    internal_reference: tuple[str, ...]
    voxels: NDArray[np.intp]
    water: WaterPlan | None = None
    notes: tuple[str, ...] = ()
    posterior: bool = True
    fitter: Fitter | None = None
    doubts: tuple[str, ...] = ()
    parallel: str = "off"
    workers: int | None = None
