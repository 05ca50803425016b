"""The request of a quantification, resolved from the options of the command."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Basis, Real
from fsl_mrs_dl.fit.lcm import FitSettings, Fitter
from fsl_mrs_dl.fit.quantification.water import WaterPlan


@dataclass(frozen=True, eq=False)
class Request:
    """Everything that a quantification needs besides the data.

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
        Whether to draw the posterior.
    fitter : Fitter or None
        The fitter; None: the default fit with its own start values.
    doubts : tuple of str
        Sentences that make every result usable at best, whatever the fit is.
    regressed : bool
        Whether a regressor gives the amplitudes, which the words of the verdict then name as a cause.
    amortised : bool
        Whether the fitter is an amortised estimate, of many voxels at once.
    parallel : str
        Kind of parallel computation, see :func:`~.workers.chunks_done`.
    workers : int or None
        Number of processes on this machine; None: one for each core.
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
    regressed: bool = False
    amortised: bool = False
    parallel: str = "off"
    workers: int | None = None

    @property
    def reference_weights(self) -> Real:
        """Weights of the members in the internal reference, shape (M,)."""
        return np.array([float(name in self.internal_reference) for name in self.basis.names])
