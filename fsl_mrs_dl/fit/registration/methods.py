"""The registration methods by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.fit.registration.band import Band, Registration
from fsl_mrs_dl.fit.registration.classical import corr, corrf, crr, crrf, sr, srf
from fsl_mrs_dl.fit.registration.gauss_newton import gn


@dataclass(frozen=True)
class Method:
    """A registration method and how it is used.

    Attributes
    ----------
    register : callable
        ``(fids, reference, band) -> Registration``.
    iterates : bool
        Whether the reference is the iterated average of the set; otherwise it is a single transient.
    absolute : bool
        Whether the estimates are relative to a chemical shift, not to a reference.
    start : callable, optional
        ``(fids, reference, band) -> shift_hz``: shifts from which ``gn`` starts instead of its own search.
    checked : bool
        Whether estimates that the likelihood does not support are replaced by those of ``gn``.
    """

    register: Callable[[Complex, Complex, Band], Registration]
    iterates: bool = False
    absolute: bool = False
    start: Callable[[Complex, Complex, Band], Real] | None = None
    checked: bool = False


METHODS: Mapping[str, Method] = MappingProxyType(
    {
        "gn": Method(gn, iterates=True),
        "sr": Method(sr),
        "srf": Method(srf),
        "crr": Method(crr, absolute=True),
        "crrf": Method(crrf, absolute=True),
        "corr": Method(corr),
        "corrf": Method(corrf),
    }
)
