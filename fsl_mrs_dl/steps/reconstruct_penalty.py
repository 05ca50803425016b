"""The penalty of ``reconstruct``: a rule by name, a share of the largest, or a network."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from fsl_mrs_dl.data import MRSData, Real
from fsl_mrs_dl.errors import MissingDependencyError, ModelError, OptionError
from fsl_mrs_dl.extras import require

if TYPE_CHECKING:
    from fsl_mrs_dl.fit.reconstruction import GridOperator, Operator, Sets

SHIPPED = "reconstruct-asds-vae-1h-3t"
"""The package that comes with the program."""
_SEED = 0  # of the probe of SURE: equal runs give equal results


@dataclass(frozen=True, eq=False)
class Weights:
    """A rule that gives each set its penalty, what is recorded of it, and what the user is told."""

    function: Callable[["Operator", "Sets"], Real]
    settled: dict[str, object] = field(default_factory=dict)
    messages: tuple[str, ...] = ()


def penalty_of(
    penalty: str, model: str | None, data: MRSData, *, on_grid: bool = True, allow_mismatch: bool = False
) -> Weights:
    """Return the rule for a penalty.

    Parameters
    ----------
    penalty : str
        ``auto``, ``noise``, ``universal``, ``sure``, ``discrepancy``, or a number between 0 and 1.
    model : str or None
        Package, for ``auto``.
    data : MRSData
    on_grid : bool
        Whether lines on a grid are looked for, and no members of a basis set.
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
        return _by_network(model, data, on_grid=on_grid, allow_mismatch=allow_mismatch)
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


def _by_network(model: str | None, data: MRSData, *, on_grid: bool, allow_mismatch: bool) -> Weights:
    """Return the rule of a network: the one that is asked for, or the shipped one where it is valid.

    Raises
    ------
    ModelError
        If the one that is asked for is not there, of another task, or not valid for the data.
    """
    from fsl_mrs_dl.fit.reconstruction import GridOperator
    from fsl_mrs_dl.models.package import load

    if model is None:
        reason = _why_not(data, on_grid=on_grid)
        if reason is not None:
            return Weights(_noise, {"penalty": "noise"}, (f"The penalty follows from the noise: {reason}.",))
    loaded = load(model or SHIPPED)
    card = loaded.card
    if card.task != "reconstruct":
        raise ModelError(
            f"{card.full_name} is a {card.architecture} for {card.task}; reconstruct needs its own."
        )
    mismatch = card.check(data, allow_mismatch=allow_mismatch)
    settled: dict[str, object] = {
        "penalty": "network",
        "model": card.full_name,
        "package_sha256": card.package_sha256,
    }
    if mismatch:
        settled["mismatch"] = "; ".join(mismatch)

    def rule(operator: "Operator", sets: "Sets") -> Real:
        assert isinstance(operator, GridOperator)
        return _network_penalty(loaded.network, data, operator, sets)

    return Weights(rule, settled, (f"The penalty is set by {card.full_name}.",))


def _why_not(data: MRSData, *, on_grid: bool) -> str | None:
    """Return why no network can be used, None where one can."""
    if not on_grid:
        return "the network knows single lines, not a basis set"
    if "DIM_EDIT" in data.dim_tags:
        return "the network does not know edited spectra"
    from fsl_mrs_dl.models.package import find, packages, read_card

    if not any(folder.parent.name == SHIPPED for folder in packages()):
        return f"there is no package {SHIPPED}"
    if outside := read_card(find(SHIPPED)).check(data, allow_mismatch=True):
        return outside[0]
    try:
        for package in ("torch", "safetensors"):
            require(package, "the network")
    except MissingDependencyError as error:
        return str(error).rstrip(".")
    return None


def _network_penalty(network: Any, data: MRSData, operator: "GridOperator", sets: "Sets") -> Real:
    """Return the penalty of each set from the posterior variance of its FIDs.

    Shares are of the largest line that the network sees: residual water does not count.
    """
    from fsl_mrs_dl.fit.reconstruction import near_noise, noise_penalty, universal_penalty
    from fsl_mrs_dl.models.reconstruction import GRID_PPM, grid_axis_hz, grid_spectra, independent_bins

    mhz, reference_ppm = data.spectrometer_frequency_mhz, data.reference_ppm
    ppm = reference_ppm + np.fft.fftfreq(operator.n_lines, data.dwelltime_s) / mhz
    inside = (ppm > GRID_PPM[0]) & (ppm < GRID_PPM[1])
    largest = np.abs(operator.lines(sets.fids)[..., inside]).max(axis=-1)
    unit = (largest / operator.norms[..., 0])[sets.usable]
    fids = sets.fids[sets.usable][:, : sets.n_measured]
    inputs, _ = grid_spectra(fids, grid_axis_hz(mhz, reference_ppm), data.dwelltime_s, unit)
    each = np.zeros(sets.usable.shape)
    bins = independent_bins(sets.n_measured, data.dwelltime_s, mhz)
    each[sets.usable] = network.penalty_ratio(inputs, bins) * largest[sets.usable]
    mean = each.sum(axis=1) / sets.usable.sum(axis=1)
    together, alone = (universal_penalty(operator, _ones(sets), n) for n in (sets.shape[-1], 1))
    return near_noise(mean * together / alone, noise_penalty(operator, _ones(sets), sets.shape[-1]))


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
