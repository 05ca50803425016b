"""What is fitted: which spectra, which members of a basis, in which groups, and which sums are reported."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import TIME_AXIS, Basis, MRSData, fid_flags
from fsl_mrs_dl.errors import DataError, OptionError
from fsl_mrs_dl.io.basis import canonical_name, check_names, nearest_names
from fsl_mrs_dl.physics.lines import WILSON_2011, line_basis

PPM_WINDOWS: Mapping[str, tuple[float, float]] = MappingProxyType(
    {"1H": (0.2, 4.2), "2H": (0.0, 6.0), "13C": (10.0, 100.0), "31P": (-20.0, 10.0)}
)
"""Where metabolites are fitted, in ppm, unless the user says otherwise (FSL-MRS's defaults)."""

USUAL_SUMS: tuple[tuple[str, ...], ...] = (("Cr", "PCr"), ("NAA", "NAAG"), ("Glu", "Gln"), ("GPC", "PCh"))
"""Pairs whose sum is better known than its parts; reported where the basis has both."""

_LEAST_POINTS = 4  # fewer leave no spectrum to fit
_LONGEST_SUM = 200
"""Bytes of a sum's name: with the ending of a map below the 255 of a file system."""

_FIRST = MappingProxyType(
    {
        "DIM_COIL": "combine the coils first (fsl_mrs_dl coilcombine)",
        "DIM_DYN": "align and average the transients first (fsl_mrs_dl align --average)",
        "DIM_EDIT": "take the difference, or one condition, first (fsl_mrs_dl subtract, or mrs_tools split)",
    }
)


def one_spectrum_a_voxel(data: MRSData) -> MRSData:
    """Return the data without dimensions of one element.

    Raises
    ------
    DataError
        If a voxel has several spectra.
    """
    for tag in data.dim_tags:
        size = data.fid.shape[data.axis(tag)]
        if size > 1:
            todo = _FIRST.get(tag, "reduce it to one (for example mrs_tools split)")
            raise DataError(
                f"{data.name or 'The data'} has {tag} of {size}; quantify needs one spectrum a voxel: {todo}."
            )
    if not data.dim_tags:
        return data
    return replace(data, fid=data.fid.reshape(data.fid.shape[:4]), dim_tags=(), dim_headers={})


def voxels_to_fit(data: MRSData, mask: NDArray[np.bool_] | None) -> NDArray[np.intp]:
    """Return the voxels in the mask that are not zero everywhere, in the order of the file's x, y, z.

    Parameters
    ----------
    data : MRSData
        One spectrum a voxel.
    mask : ndarray, bool, shape (x, y, z), optional

    Returns
    -------
    ndarray, int, shape (V, 3)

    Raises
    ------
    DataError
        If there are none.
    """
    there = fid_flags(data.fid, TIME_AXIS) != "zero"
    voxels = np.argwhere(there if mask is None else there & mask)
    if not len(voxels):
        raise DataError(
            f"No voxel of {data.name or 'the data'} lies in the mask and holds signal; check --mask."
        )
    return voxels


def fit_window(
    nucleus: str, ppmlim: tuple[float, float] | None, ppm: NDArray[np.floating] | None = None
) -> tuple[float, float]:
    """Return the fit window, low limit first: the user's, or the usual one of the nucleus.

    Parameters
    ----------
    nucleus : str
    ppmlim : tuple of float, optional
        As asked for, in ppm.
    ppm : ndarray, float, optional
        Axis of the data, ascending, in ppm, on which the window must hold points.

    Raises
    ------
    OptionError
        If the limits are equal or out of order, none are known for the nucleus, or the data have fewer than four
        points there.
    """
    window = _limits(nucleus, ppmlim)
    if ppm is not None and (held := int(((ppm >= window[0]) & (ppm <= window[1])).sum())) < _LEAST_POINTS:
        raise OptionError(
            f"The fit window of {window[0]:g} to {window[1]:g} ppm holds {held} points of data that reach from "
            f"{ppm[0]:.2f} to {ppm[-1]:.2f} ppm; at least {_LEAST_POINTS} are needed: choose another one "
            "(--ppmlim LO HI)."
        )
    return window


def _limits(nucleus: str, ppmlim: tuple[float, float] | None) -> tuple[float, float]:
    if ppmlim is None:
        if nucleus not in PPM_WINDOWS:
            raise OptionError(f"No fit window is known for {nucleus}; give --ppmlim LO HI.")
        return PPM_WINDOWS[nucleus]
    low, high = ppmlim
    if not low < high:
        raise OptionError(f"--ppmlim is {low:g} {high:g}; the low limit comes first and must be smaller.")
    return low, high


def known_names(
    names: Sequence[str], asked: Sequence[str], flag: str, left_out: Mapping[str, str] = MappingProxyType({})
) -> list[str]:
    """Return asked names in the spelling of the basis.

    Parameters
    ----------
    names : sequence of str
        Members of the basis.
    asked : sequence of str
    flag : str
        The option that asks, without dashes, for messages.
    left_out : mapping of str to str
        Members that the basis set had -> why it has them no more.

    Raises
    ------
    OptionError
        If a name is not in the basis.
    """
    found = [canonical_name(name) if name not in names else name for name in asked]
    for name, spelled in zip(asked, found, strict=True):
        if spelled in names:
            continue
        if reason := left_out.get(name, left_out.get(spelled)):
            raise OptionError(f"--{flag} names {name}, which is not fitted: {reason}.")
        near = nearest_names(name, names)
        meant = f" (did you mean {' or '.join(near)}?)" if near else ""
        raise OptionError(f"--{flag} names {name}{meant}; the basis has {', '.join(names)}.")
    return found


def with_macromolecules(basis: Basis) -> Basis:
    """Return a basis set with the default macromolecules that it lacks, MM09 to MM20 of Wilson et al. 2011.

    Raises
    ------
    OptionError
        If the basis set is not of 1H, or has macromolecules already.
    """
    return _with_default_lines(basis, "MM", ("MM", "MAC"), "macromolecules", "--add_MM")


def with_lipids(basis: Basis) -> Basis:
    """Return a basis set with the default lipids that it lacks, Lip09, Lip13 and Lip20 of Wilson et al. 2011.

    Raises
    ------
    OptionError
        If the basis set is not of 1H, or has lipids already.
    """
    return _with_default_lines(basis, "Lip", ("LIP",), "lipids", "--add_lipids")


def _with_default_lines(basis: Basis, added: str, same: tuple[str, ...], words: str, flag: str) -> Basis:
    theirs = [name for name in basis.names if name.upper().startswith(same)]
    if basis.nucleus != "1H" or theirs:
        has = f"has {', '.join(theirs)}" if theirs else f"is of {basis.nucleus}"
        raise OptionError(f"{flag}: the basis set {has}; leave {flag} out, or --ignore its {words}.")
    n, axes = basis.fids.shape[1], (basis.dwelltime_s, basis.spectrometer_frequency_mhz)
    lines = line_basis([line for line in WILSON_2011 if line.signal.startswith(added)], n, *axes)
    note = f"added the default {words} {', '.join(lines.names)} (doi:10.1002/mrm.22579)"
    fids = np.concatenate([basis.fids, lines.fids])
    return replace(basis, fids=fids, names=(*basis.names, *lines.names), notes=(*basis.notes, note))


def chosen_members(basis: Basis, keep: Sequence[str] | None, ignore: Sequence[str] | None) -> Basis:
    """Return the basis with the members that shall be fitted.

    Parameters
    ----------
    basis : Basis
        As read: what is left out here is checked nowhere.
    keep, ignore : sequence of str, optional

    Raises
    ------
    OptionError
        If a name is not in the basis, none are left, or one that is left cannot name a file of results.
    """
    # A member that was left out when the set was read may be ignored, but not kept.
    has = (*basis.names, *basis.left_out)
    unwanted = known_names(has, ignore, "ignore") if ignore else []
    wanted = known_names(basis.names, keep, "keep", basis.left_out) if keep else list(basis.names)
    rows = [i for i, name in enumerate(basis.names) if name in wanted and name not in unwanted]
    if not rows:
        raise OptionError("--keep and --ignore leave no metabolite to fit.")
    names = tuple(basis.names[row] for row in rows)
    check_names(names)
    out = dict.fromkeys(unwanted, "--ignore leaves it out")
    out |= {name: "--keep leaves it out" for name in basis.names if name not in wanted}
    return replace(basis, fids=basis.fids[rows], names=names, left_out={**basis.left_out, **out})


def groups_of(
    names: Sequence[str],
    metab_groups: Sequence[str] | None,
    left_out: Mapping[str, str] = MappingProxyType({}),
) -> tuple[int, ...]:
    """Return the lineshape-and-shift group of each member, in FSL-MRS's words.

    Parameters
    ----------
    names : sequence of str
        Members of the basis.
    metab_groups : sequence of str, optional
        Names, each of which makes a group of its own (``A+B`` puts two into one) while the others share
        group 0; or one number a member; or ``separate_all`` or ``combine_all``.
    left_out : mapping of str to str
        See :func:`known_names`.

    Raises
    ------
    OptionError
        If a name is not in the basis, or the numbers are not one a member.
    """
    if not metab_groups or [text.lower() for text in metab_groups] == ["combine_all"]:
        return (0,) * len(names)
    if [text.lower() for text in metab_groups] == ["separate_all"]:
        return tuple(range(len(names)))
    if all(text.isdigit() for text in metab_groups):
        if metab_groups in (["0"], ("0",)):
            return (0,) * len(names)
        if len(metab_groups) != len(names):
            raise OptionError(
                f"--metab_groups has {len(metab_groups)} numbers; {len(names)} are needed, one a member of the "
                f"basis in the order {', '.join(names)}."
            )
        numbers = [int(text) for text in metab_groups]
        order = sorted(set(numbers))
        return tuple(order.index(number) for number in numbers)
    groups = [0] * len(names)
    for group, text in enumerate(metab_groups, start=1):
        whole = text in names or canonical_name(text) in names  # a member may be called Cr+PCr
        parts = [text] if whole else text.split("+")
        for name in known_names(names, parts, "metab_groups", left_out):
            groups[list(names).index(name)] = group
    order = sorted(set(groups))
    return tuple(order.index(group) for group in groups)


def sums_of(
    names: Sequence[str],
    combine: Sequence[Sequence[str]] | None,
    left_out: Mapping[str, str] = MappingProxyType({}),
) -> tuple[tuple[str, ...], ...]:
    """Return the sums to report: the usual ones whose parts the basis has, then those asked for.

    Parameters
    ----------
    names : sequence of str
        Members of the basis.
    combine : sequence of sequence of str, optional
    left_out : mapping of str to str
        See :func:`known_names`.

    Raises
    ------
    OptionError
        If a name is not in the basis, a sum has one part, or it would be called as a member is.
    """
    sums = [pair for pair in USUAL_SUMS if all(name in names for name in pair)]
    for asked in combine or ():
        parts = tuple(dict.fromkeys(known_names(names, asked, "combine", left_out)))
        if len(parts) < 2:
            raise OptionError(f"--combine {' '.join(asked)} adds nothing up; give two or more metabolites.")
        if parts not in sums:
            sums.append(parts)
    for parts in sums:
        label = "+".join(parts)
        if label in names:
            raise OptionError(
                f"The basis set has a member called {label} beside {' and '.join(parts)}, whose sum has the same "
                f"name; leave out the member (--ignore {label}) or its parts (--ignore {' '.join(parts)})."
            )
        if len(label.encode()) > _LONGEST_SUM:
            raise OptionError(
                f"--combine {' '.join(parts)} makes a name of {len(label.encode())} bytes, too long for a file of "
                f"results; {_LONGEST_SUM} are possible: add fewer metabolites up, or shorten their names."
            )
    return tuple(sums)


def reference_sum(
    names: Sequence[str],
    internal_ref: Sequence[str] | None,
    left_out: Mapping[str, str] = MappingProxyType({}),
) -> tuple[str, ...]:
    """Return what the internal ratios refer to: as asked, or what the basis has of Cr and PCr.

    Parameters
    ----------
    names : sequence of str
        Members of the basis.
    internal_ref : sequence of str, optional
    left_out : mapping of str to str
        See :func:`known_names`.

    Raises
    ------
    OptionError
        If a name is not in the basis.
    """
    if internal_ref:
        return tuple(dict.fromkeys(known_names(names, internal_ref, "internal_ref", left_out)))
    return tuple(name for name in ("Cr", "PCr") if name in names)
