"""Read and write basis sets as FSL-MRS's folder of JSON files: one file for each metabolite.

The files have the complex conjugate of the package's sign, as FSL-MRS writes them; only this module knows it.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from fsl_mrs_dl import __version__
from fsl_mrs_dl.data import Basis, Complex
from fsl_mrs_dl.errors import DataError, OptionError
from fsl_mrs_dl.io.basis.entries import Entry, assemble_basis, every_member
from fsl_mrs_dl.io.basis.names import canonical_name
from fsl_mrs_dl.io.staging import Staging

_NEEDED = ("basis_re", "basis_im", "basis_dwell", "basis_centre", "basis_name")


def read_json_basis(folder: Path | str, is_used: Callable[[str], bool] = every_member) -> Basis:
    """Read a basis set from a folder of JSON files, in the order of their names.

    Parameters
    ----------
    folder : Path or str
        Only files named ``*.json`` are read.
    is_used : callable
        See :func:`~fsl_mrs_dl.io.basis.read_basis`.

    Returns
    -------
    Basis
        With names from :func:`~fsl_mrs_dl.io.basis.entries.assemble_basis`.

    Raises
    ------
    DataError
        If the folder has no such files, one of them is damaged, or they do not fit together.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise DataError(
            f"{folder} is not a folder; needed is FSL-MRS's folder of one JSON file a metabolite."
        )
    paths = sorted(folder.glob("*.json"))
    if not paths:
        raise DataError(
            f"{folder} holds no JSON files; needed is FSL-MRS's folder of one JSON file a metabolite."
        )
    entries, unreadable = [], {}
    for path in paths:
        try:
            entries.append(_entry(path))
        except DataError as error:
            name = canonical_name(path.stem)
            if is_used(name):
                raise
            unreadable[name] = f"it is damaged: {error}"
    if not entries:
        raise DataError(f"{folder} holds no member that can be read; write the basis set again.")
    basis = assemble_basis(entries, folder.name, "FSL-MRS JSON", is_used=is_used)
    return replace(basis, left_out={**unreadable, **basis.left_out})


def _entry(path: Path) -> Entry:
    """Read one file; the FID is returned in the package's sign."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path} is not a readable JSON file ({' '.join(str(error).split())}).") from error
    basis = content.get("basis") if isinstance(content, dict) else None
    if not isinstance(basis, dict):
        raise DataError(
            f"{path} has no 'basis' entry; it is not a basis file of FSL-MRS. Take it out of the folder."
        )
    missing = [key for key in _NEEDED if key not in basis]
    if missing:
        raise DataError(
            f"{path} lacks {', '.join(missing)}; write the basis set again with FSL-MRS's basis_tools."
        )
    fid = _fid(basis, path)
    dwell, centre = basis["basis_dwell"], basis["basis_centre"]
    for key, value in (("dwell", dwell), ("centre", centre)):
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < np.inf:
            raise DataError(f"{path} has basis_{key} {value!r}; a positive number is needed.")
    name = basis["basis_name"]
    if not isinstance(name, str) or not name:
        raise DataError(f"{path} has basis_name {name!r}; the name of a metabolite is needed.")
    nucleus, (echo_time_s, sequence) = _nucleus(basis, content), _acquisition(content)
    acquired = (nucleus or "1H", echo_time_s, sequence)
    return Entry(str(path), name, fid, dwell, centre, *acquired, has_nucleus=bool(nucleus))


def _fid(basis: Mapping[str, Any], path: Path) -> Complex:
    try:
        real = np.asarray(basis["basis_re"], dtype=np.float64)
        imaginary = np.asarray(basis["basis_im"], dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"{path} has a FID that is not a list of numbers ({error}).") from error
    if real.ndim != 1 or real.shape != imaginary.shape or not real.size:
        raise DataError(
            f"{path} has a FID of {real.shape} real and {imaginary.shape} imaginary numbers; it is damaged."
        )
    fid = np.empty(real.shape, np.complex128)
    fid.real, fid.imag = real, -imaginary  # the conjugate: see the module
    return fid


def _nucleus(basis: Mapping[str, Any], content: Mapping[str, Any]) -> str:
    """Return the nucleus of the basis or, as in FSL-MRS, of the sequence; empty if there is none."""
    sequence = content.get("seq")
    value = basis.get("basis_nucleus", sequence.get("Nucleus") if isinstance(sequence, dict) else None)
    first = value[0] if isinstance(value, list) and value else value
    return first if isinstance(first, str) else ""


def _acquisition(content: Mapping[str, Any]) -> tuple[float | None, str]:
    """Return echo time in s and sequence: this package writes both, ``fsl_mrs_sim`` the sequence."""
    meta, simulated = (part if isinstance(part := content.get(key), dict) else {} for key in ("meta", "seq"))
    time_ms: Any = meta.get("EchoTime_ms")
    known = isinstance(time_ms, (int, float)) and not isinstance(time_ms, bool) and 0 < time_ms < np.inf
    words = [meta.get("Sequence") or simulated.get("sequenceName"), meta.get("EditCondition")]
    return time_ms / 1e3 if known else None, " ".join(word for word in words if isinstance(word, str))


def write_json_basis(basis: Basis, folder: Path, *, overwrite: bool = False) -> None:
    """Write a basis set as FSL-MRS's folder of JSON files.

    Parameters
    ----------
    basis : Basis
    folder : Path
        Created if it does not exist.
    overwrite : bool
        Whether files of the same names may be replaced. Other files stay, and a reader would read them too.

    Raises
    ------
    OptionError
        If the name of a metabolite cannot name a file.
    OutputError
        If the folder cannot be written, or a file exists and may not be replaced.
    """
    for name in basis.names:
        if not name or name != Path(name).name or name in (".", ".."):
            raise OptionError(f"The metabolite {name!r} cannot name a file; give it a name without slashes.")
    meta: dict[str, Any] = {
        "time": datetime.now().strftime("%Y%m%d_%H%M%S"),
        "SimVersion": f"fsl_mrs_dl {__version__}",
    }
    if basis.sequence:
        meta["Sequence"] = basis.sequence
    if basis.echo_time_s is not None:
        meta["EchoTime_ms"] = round(basis.echo_time_s * 1e3, 6)
    with Staging(folder, overwrite=overwrite) as staging:
        for name, fid in zip(basis.names, basis.fids, strict=True):
            entry = {
                "basis_re": fid.real.tolist(),
                "basis_im": (-fid.imag).tolist(),  # the conjugate: see the module
                "basis_dwell": basis.dwelltime_s,
                "basis_centre": basis.spectrometer_frequency_mhz,
                "basis_width": None,
                "basis_name": name,
                "basis_nucleus": basis.nucleus,
            }
            content = json.dumps({"basis": entry, "meta": meta})
            staging.path(f"{name}.json").write_text(content, encoding="utf-8")
