"""The architectures by name: the only way from a card to a network. Never an import path."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from fsl_mrs_dl.models.network import Network
from fsl_mrs_dl.models.quantification import QuantificationNetwork
from fsl_mrs_dl.models.quantification_start import StartNetwork
from fsl_mrs_dl.models.registration_encoders import (
    WINDOW_PPM,
    CreatineReferencing,
    RegistrationNetwork,
    SpectralRegistration,
)
from fsl_mrs_dl.models.registration_rivals import SupervisedPair, convolutional, fully_connected
from fsl_mrs_dl.models.synthesis import SynthesisNetwork
from fsl_mrs_dl.models.synthesis_deviations import DeviationNetwork


def dsr(**config: Any) -> RegistrationNetwork:
    """Return dSR."""
    return SpectralRegistration(**config)


def dsrf(**config: Any) -> RegistrationNetwork:
    """Return dSRF."""
    return SpectralRegistration(**config, window_ppm=WINDOW_PPM)


def dcrr(**config: Any) -> RegistrationNetwork:
    """Return dCrR."""
    return CreatineReferencing(**config)


def dcrrf(**config: Any) -> RegistrationNetwork:
    """Return dCrRF."""
    return CreatineReferencing(**config, window_ppm=WINDOW_PPM)


def tapper(**config: Any) -> RegistrationNetwork:
    """Return the pair of fully connected networks."""
    n_points = config["n_points"]
    return SupervisedPair(fully_connected(n_points), fully_connected(n_points), **config)


def ma(**config: Any) -> RegistrationNetwork:
    """Return the pair of convolutional networks."""
    n_points = config["n_points"]
    return SupervisedPair(convolutional(n_points), convolutional(n_points), **config)


def dq_nmm(**config: Any) -> QuantificationNetwork:
    """Return DQ-nMM."""
    return QuantificationNetwork(**config)


def dq_pmm(**config: Any) -> QuantificationNetwork:
    """Return DQ-pMM."""
    return QuantificationNetwork(**config, lines=True)


def dq_rpmm(**config: Any) -> QuantificationNetwork:
    """Return DQ-rpMM."""
    return QuantificationNetwork(**config, lines=True, regularised=True)


def start(**config: Any) -> StartNetwork:
    """Return the network that starts a fit with any basis set."""
    return StartNetwork(**config)


def vae(*, decoder: str = "spectrum", **config: Any) -> Network:
    """Return the network of transients: of whole spectra, or of deviations from a set's average."""
    return DeviationNetwork(**config) if decoder == "physics" else SynthesisNetwork(**config)


REGISTRATION: Mapping[str, Callable[..., Network]] = MappingProxyType(
    {
        "dsr": dsr,
        "dsrf": dsrf,
        "dcrr": dcrr,
        "dcrrf": dcrrf,
        "tapper": tapper,
        "ma": ma,
    }
)
QUANTIFICATION: Mapping[str, Callable[..., Network]] = MappingProxyType(
    {"dq-nmm": dq_nmm, "dq-pmm": dq_pmm, "dq-rpmm": dq_rpmm, "start": start}
)
SYNTHESIS: Mapping[str, Callable[..., Network]] = MappingProxyType({"cvae": SynthesisNetwork, "vae": vae})
ARCHITECTURES: Mapping[str, Callable[..., Network]] = MappingProxyType(
    {**REGISTRATION, **QUANTIFICATION, **SYNTHESIS}
)
