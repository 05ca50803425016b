"""Checks of the options of ``train quantify`` that shape regressors. No PyTorch."""

from collections.abc import Mapping
from typing import Any

from fsl_mrs_dl.errors import OptionError
from fsl_mrs_dl.models.catalogue import AMPLITUDES, CATALOGUE

SIZES = ("widths", "kernels", "dropout")
"""Options of the networks of Rizzo et al. (doi:10.1002/mrm.29561)."""
STACKED = ("members", "folds")
"""Options of ensembles."""


def check_regressor(settings: Mapping[str, Any]) -> None:
    """Refuse options of other networks, and sizes that no network can have.

    Parameters
    ----------
    settings : mapping
        Options of ``train quantify``, resolved.

    Raises
    ------
    OptionError
        If one cannot be used.
    """
    architecture = settings["architecture"]
    entry = CATALOGUE[architecture]
    unused = [name for name in (*SIZES, "search") if settings[name] and "widths" not in entry.options]
    if unused:
        raise OptionError(
            f"--{unused[0]} is for the networks of Rizzo et al., {architecture} is not one; leave it out."
        )
    if unused := [name for name in STACKED if settings[name] and architecture != "stacked"]:
        raise OptionError(f"--{unused[0]} is for stacked; leave it out.")
    if settings["query"] and not (entry.labels and entry.gives == AMPLITUDES):
        raise OptionError(f"--query is for regressors, {architecture} is not one; leave it out.")
    if settings["folds"] == 1:
        raise OptionError("--folds is 1; 0, or 2 or more, is needed.")
    for option in ("widths", "kernels"):
        if settings[option] and min(settings[option]) < 1:
            raise OptionError(f"--{option} are {settings[option]}; numbers of 1 or more are needed.")
    if any(kernel % 2 == 0 for kernel in settings["kernels"] or ()):
        raise OptionError(f"--kernels are {settings['kernels']}; odd numbers are needed.")
    if settings["dropout"] is not None and not 0 <= settings["dropout"] < 1:
        raise OptionError(f"--dropout is {settings['dropout']:g}; a share from 0 to below 1 is needed.")
