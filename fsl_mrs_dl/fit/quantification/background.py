"""Resolve the background of a fit for a scan and its basis set: macromolecules, lipids and echo time."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from fsl_mrs_dl.data import Basis, MRSData
from fsl_mrs_dl.errors import OptionError
from fsl_mrs_dl.fit.acquisition import of_basis, of_data
from fsl_mrs_dl.fit.background import LEFT_OUT, density_prior, with_member
from fsl_mrs_dl.fit.lcm import FitSettings

_TABLE = re.compile(r"MM\d\d|Lip\d\d[a-d]?")
"""Names of the simulated lines of default tables (LCModel, TARQUIN, Osprey, FSL-MRS), which the prior replaces;
broad members of another name are measured ones."""
_BROAD = ("MM", "MAC")
_LIPID = "LIP"
_REPLACED = (
    "--baseline auto fits a prior of macromolecules, the member MM, in its place; name MM, or take a fixed "
    "--baseline such as 'poly, 2'"
)
_REPLACED_LIPID = (
    "--baseline auto weighs lipid as a hypothesis in its place; --add_lipids fits it as a member, as a fixed "
    "--baseline such as 'poly, 2' does"
)
_SHIFT_PPM = 0.004
"""Expected size (SD) of a metabolite's own shift, in ppm: 0.5 Hz at 3 T. Temperature, acidity and errors of the
tables behind basis sets move lines by up to about 0.01 ppm."""


def with_background(
    basis: Basis,
    settings: FitSettings,
    data: MRSData,
    echo_time_s: float | None,
    *,
    ignored: Sequence[str] = (),
    keep_lipids: bool = False,
) -> tuple[Basis, FitSettings]:
    """Return basis set and settings of a fit that averages over backgrounds.

    The prior of macromolecules replaces those of the default tables, and hypotheses replace their lipids.
    Macromolecules and lipids of another name are measured ones and stay. For other nuclei than 1H and for edited
    spectra the hypotheses are baselines only, beside the broad lines of the basis set.

    Parameters
    ----------
    basis : Basis
        At the points of the data, with the chosen members.
    settings : FitSettings
    data : MRSData
        For nucleus and echo time.
    echo_time_s : float, optional
        In s; by default that of the data, the basis set, or 30 ms.
    ignored : sequence of str
        Members that the user left out. If they include all macromolecules, none are fitted.
    keep_lipids : bool
        Whether lipids of the basis set stay as members.

    Raises
    ------
    OptionError
        If no member is left.
    """
    acquisition, theirs = of_data(data, echo_time_s), of_basis(basis)
    known = [value for value in (acquisition.echo_time_s, theirs.echo_time_s) if value is not None]
    settings = replace(settings, without_tables=LEFT_OUT.get())
    settings = replace(settings, echo_time_s=known[0]) if known else settings
    if not stands_in(basis, data):
        own = any(name.upper().startswith(_BROAD) for name in basis.names) and basis.nucleus == "1H"
        return basis, replace(settings, macromolecules="own" if own else "none", lipids=False)
    dropped = [
        name
        for name in basis.names
        if _TABLE.fullmatch(name) and not (keep_lipids and name.upper().startswith(_LIPID))
    ]
    if len(dropped) == len(basis.names):
        raise OptionError(
            f"All that is to be fitted is {', '.join(dropped)}, which --baseline auto has hypotheses for; keep a "
            "metabolite too, or use a fixed --baseline such as 'poly, 2'."
        )
    dropped_mm = [name for name in dropped if name.upper().startswith(_BROAD)]
    basis = _without(basis, dropped)
    settings = replace(settings, lipids=not has_lipids(basis))
    if any(name.upper().startswith(_BROAD) for name in basis.names):
        return basis, replace(settings, macromolecules="own")
    if any(name.upper().startswith(_BROAD) for name in ignored) and not dropped_mm:
        note = "no macromolecules are fitted, as --ignore asks"
        return replace(basis, notes=(*basis.notes, note)), replace(
            settings, macromolecules="none", lipids=False
        )
    return with_member(basis, density_prior(settings.without_tables)), replace(
        settings, macromolecules="prior"
    )


def stands_in(basis: Basis, data: MRSData) -> bool:
    """Return whether an averaged fit replaces macromolecules and lipids of default tables by hypotheses.

    Parameters
    ----------
    basis : Basis
    data : MRSData

    Returns
    -------
    bool
        False for edited spectra and for another nucleus than 1H.
    """
    return not (basis.nucleus != "1H" or of_basis(basis).sequence.edited or of_data(data).sequence.edited)


def has_lipids(basis: Basis) -> bool:
    """Return whether a basis set has lipids, by their names."""
    return any(name.upper().startswith(_LIPID) for name in basis.names)


def background_record(settings: FitSettings) -> dict[str, object]:
    """Return the assumptions of a fit that averages over backgrounds, by name, for ``run.json``."""
    return {
        "macromolecules": settings.macromolecules,
        "lipids": settings.lipids,
        "background_TE": 1e3 * settings.echo_time_s,
        "metab_shift_ppm": settings.member_shift_ppm,
    }


def settings_from_record(recorded: Mapping[str, Any], settings: FitSettings) -> FitSettings:
    """Return settings with the values of a record by :func:`background_record`; defaults for missing ones."""
    if not settings.averaged:
        return settings
    return replace(
        settings,
        macromolecules=str(recorded.get("macromolecules", settings.macromolecules)),
        lipids=bool(recorded.get("lipids", settings.lipids)),
        echo_time_s=float(recorded.get("background_TE") or 1e3 * settings.echo_time_s) / 1e3,
        member_shift_ppm=float(recorded.get("metab_shift_ppm") or 0.0),
    )


def _without(basis: Basis, dropped: list[str]) -> Basis:
    if not dropped:
        return basis
    rows = [index for index, name in enumerate(basis.names) if name not in dropped]
    note = f"the prior of macromolecules and lipids stands in for {', '.join(dropped)}"
    names = tuple(basis.names[row] for row in rows)
    why = {name: _REPLACED_LIPID if name.upper().startswith(_LIPID) else _REPLACED for name in dropped}
    return replace(
        basis,
        fids=np.asarray(basis.fids)[rows],
        names=names,
        notes=(*basis.notes, note),
        left_out={**basis.left_out, **why},
    )


def with_own_shifts(settings: FitSettings, shift_ppm: float | None, mhz: float) -> FitSettings:
    """Return settings with small shifts of each metabolite.

    Parameters
    ----------
    settings : FitSettings
    shift_ppm : float or None
        Expected size (SD) in ppm; None: 0.004 where hypotheses are averaged over, else none.
    mhz : float
        Spectrometer frequency.
    """
    if settings.averaged:
        return replace(settings, member_shift_ppm=_SHIFT_PPM if shift_ppm is None else shift_ppm)
    return replace(settings, member_shift_hz=(shift_ppm or 0.0) * mhz)
