"""Choose the members of a basis set to fit, their groups, and the sums to report."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from fsl_mrs_dl.data import Basis
from fsl_mrs_dl.errors import OptionError
from fsl_mrs_dl.io.basis import canonical_name, check_names, nearest_names
from fsl_mrs_dl.physics.lines import WILSON_2011, line_basis

USUAL_SUMS: tuple[tuple[str, ...], ...] = (
    ("Cr", "PCr"),
    ("NAA", "NAAG"),
    ("Glu", "Gln"),
    ("GPC", "PCh"),
    ("GABA", "MM3co"),
)
"""Pairs whose sum has a smaller relative error than its parts; reported if the basis has both."""
_CANCELLED = 0.05
"""Norm of a member of an edited difference over the usual one, below which it is left out: its SD is then 20
times that of GABA, about 4 mmol/kg at the usual SNR, which is as much as the brain has of any of them."""

_LONGEST_SUM = 200
"""Largest length of a sum's name in bytes: with the ending of a map it stays below the 255 of a file system."""


def known_names(
    names: Sequence[str],
    requested: Sequence[str],
    flag: str,
    left_out: Mapping[str, str] = MappingProxyType({}),
) -> list[str]:
    """Return requested names in the spelling of the basis.

    Parameters
    ----------
    names : sequence of str
        Members of the basis.
    requested : sequence of str
    flag : str
        The option with these names, without dashes, for messages.
    left_out : mapping of str to str
        Members that were left out of the basis set -> why.

    Raises
    ------
    OptionError
        If a name is not in the basis.
    """
    spellings = [canonical_name(name) if name not in names else name for name in requested]
    for name, spelled in zip(requested, spellings, strict=True):
        if spelled in names:
            continue
        if reason := left_out.get(name, left_out.get(spelled)):
            raise OptionError(f"--{flag} names {name}, which is not fitted: {reason}.")
        near = nearest_names(name, names)
        suggestion = f" (did you mean {' or '.join(near)}?)" if near else ""
        raise OptionError(f"--{flag} names {name}{suggestion}; the basis has {', '.join(names)}.")
    return spellings


def with_macromolecules(basis: Basis) -> Basis:
    """Add the default macromolecules to a basis set: MM09 to MM20 of Wilson et al. 2011.

    Raises
    ------
    OptionError
        If the basis set is not of 1H, or has macromolecules already.
    """
    return _with_default_lines(basis, "MM", ("MM", "MAC"), "macromolecules", "--add_MM")


def with_lipids(basis: Basis) -> Basis:
    """Add the default lipids to a basis set: Lip09, Lip13 and Lip20 of Wilson et al. 2011.

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
    """Return the basis with the members to fit.

    Parameters
    ----------
    basis : Basis
        As read from its files. Members that are left out here are not checked further.
    keep, ignore : sequence of str, optional

    Raises
    ------
    OptionError
        If a name is not in the basis, none are left, or one that is left cannot name a file of results.
    """
    # A member that was left out when the set was read may be ignored, but not kept.
    has = (*basis.names, *basis.left_out)
    ignored_names = known_names(has, ignore, "ignore") if ignore else []
    chosen = known_names(basis.names, keep, "keep", basis.left_out) if keep else list(basis.names)
    rows = [i for i, name in enumerate(basis.names) if name in chosen and name not in ignored_names]
    if not rows:
        raise OptionError("--keep and --ignore leave no metabolite to fit.")
    names = tuple(basis.names[row] for row in rows)
    check_names(names)
    out = dict.fromkeys(ignored_names, "--ignore leaves it out")
    out |= {name: "--keep leaves it out" for name in basis.names if name not in chosen}
    return replace(basis, fids=basis.fids[rows], names=names, left_out={**basis.left_out, **out})


def without_cancelled(basis: Basis) -> Basis:
    """Leave out the members of an edited difference of which subtraction leaves next to nothing.

    Singlets and others far from the editing pulse cancel in the difference, but for rounding and relaxation
    between the conditions. No fit can determine their amplitudes.

    Parameters
    ----------
    basis : Basis
        Of a difference. Macromolecules and lipids always stay.
    """
    norms = np.linalg.norm(basis.fids, axis=1)
    usual = np.quantile(norms, 0.75, method="lower")  # half of the members may have cancelled
    broad = [name.upper().startswith(("MM", "MAC", "LIP")) for name in basis.names]
    stays = (norms >= _CANCELLED * usual) | broad
    if stays.all():
        return basis
    reason = "editing leaves next to nothing of it in the difference (--keep fits it all the same)"
    out = {name: reason for name, here in zip(basis.names, stays, strict=True) if not here}
    note = f"left out {', '.join(out)}, of which editing leaves next to nothing in the difference"
    names = tuple(name for name in basis.names if name not in out)
    return replace(
        basis,
        fids=basis.fids[stays],
        names=names,
        left_out={**basis.left_out, **out},
        notes=(*basis.notes, note),
    )


def groups_of(
    names: Sequence[str],
    metab_groups: Sequence[str] | None,
    left_out: Mapping[str, str] = MappingProxyType({}),
) -> tuple[int, ...]:
    """Return the lineshape-and-shift group of each member, from FSL-MRS's option.

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
        If a name is not in the basis, or there is not one number for each member.
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
    """Return the sums to report: the usual ones whose parts the basis has, then those of ``combine``.

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
        If a name is not in the basis, a sum has one part, or its name is that of a member.
    """
    sums = [pair for pair in USUAL_SUMS if all(name in names for name in pair)]
    for request in combine or ():
        parts = tuple(dict.fromkeys(known_names(names, request, "combine", left_out)))
        if len(parts) < 2:
            raise OptionError(f"--combine {' '.join(request)} adds nothing up; give two or more metabolites.")
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
    """Return the reference of internal ratios: as requested, or those of Cr and PCr that the basis has.

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
