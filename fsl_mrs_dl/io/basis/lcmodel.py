"""Read basis sets of LCModel: a ``.BASIS`` file of spectra, or a folder of ``.RAW`` files of FIDs.

Provencher, LCModel & LCMgui User's Manual, sections 8 and 11.10. LCModel's FIDs are the complex conjugate of the
package's sign. A ``.BASIS`` file has their discrete Fourier transform, zero frequency first, zero-filled to twice
the points. ``CONC``, ``TRAMP`` and ``VOLUME`` scale the basis spectra relative to data of LCModel's own
calibration; like FSL-MRS, this reader does not apply them.

``SEQPAR`` has the echo time (``ECHOT``, ms) and the sequence (``SEQ``). spant, TARQUIN and FID-A write
``SEQ = 'PRESS'`` for every sequence, so that theirs is ignored.

No key names the nucleus: it is assumed to be 1H, until the field of the data and ``HZPPPM`` decide it.
``PPMCEN`` is the chemical shift at the centre of the spectra, 4.65 for 1H, 0 for most others.
"""

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from fsl_mrs_dl.data import NUCLEI, Basis, Complex
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.io.basis.entries import Entry, assemble_basis, every_member
from fsl_mrs_dl.io.basis.namelist import Section, numbers, sections, text_of

logger = logging.getLogger(__name__)

_ZERO_LEVEL = (
    1e-4  # relative: files have five digits, so that zeros return from the transform as rounding errors
)
_PPM = NUCLEI["1H"].reference_ppm
_SCALES = ("conc", "tramp", "volume")
_ALWAYS_PRESS = ("SPANT", "TARQUIN")


def read_lcmodel_basis(path: Path | str, is_used: Callable[[str], bool] = every_member) -> Basis:
    """Read a ``.BASIS`` file.

    Parameters
    ----------
    path : Path or str
    wanted : callable
        See :func:`~fsl_mrs_dl.io.basis.read_basis`.

    Returns
    -------
    Basis
        In the order of the names, as in FSL-MRS. Zero-filling of the second half is removed: the fit must not
        take it as signal.

    Raises
    ------
    DataError
        If the file is damaged, encrypted, or has no field or dwell time.
    """
    path = Path(path)
    namelists = sections(text_of(path))
    by_name = {section.name: section for section in namelists}
    if "basis1" not in by_name or "basis" not in by_name:
        has = ", ".join(f"${name}" for name in by_name) or "none"
        raise DataError(
            f"{path} has the namelists {has}; needed are $SEQPAR, $BASIS1 and one $BASIS a metabolite of an "
            "LCModel .BASIS file."
        )
    for section in namelists:
        if section.name != "basis" and (name := _name(section)):
            raise DataError(
                f"{path}, {name} stands in ${section.name.upper()} in place of $BASIS; export the damaged "
                "file again."
            )
    head = by_name["basis1"]
    dwelltime_s, points = head.number("badelt"), head.number("ndatab")
    mhz = by_name["seqpar"].number("hzpppm") if "seqpar" in by_name else float("nan")
    if dwelltime_s < 0:
        raise DataError(f"{path} is encrypted (BADELT {dwelltime_s:g}); only LCModel can read it.")
    if not (dwelltime_s > 0 and mhz > 0 and points >= 1):
        raise DataError(
            f"{path} has BADELT {dwelltime_s:g}, HZPPPM {mhz:g} and NDATAB {points:g}; all must be positive."
        )
    acquired = _echo_time_s([by_name["seqpar"]]), _sequence([by_name["seqpar"], head])
    centre_ppm = _centre_ppm(namelists)
    entries = [
        Entry(
            f"{path}, {_name(section)}",
            _name(section),
            _fid(section, head, path, int(points)),
            dwelltime_s,
            mhz,
            "1H",
            *acquired,
            has_nucleus=False,
            centre_ppm=centre_ppm,
        )
        for section in namelists
        if section.name == "basis"
    ]
    notes = _unlike_scales([section for section in namelists if section.name == "basis"], path)
    entries, more = (entries, ()) if centre_ppm is not None else _at_reference(entries, by_name.get("nmused"))
    entries, filled = _without_zero_filling(entries)
    entries.sort(key=lambda entry: entry.name)
    return assemble_basis(entries, path.name, "LCModel .BASIS", notes + more + filled, is_used)


def _centre_ppm(namelists: list[Section]) -> float | None:
    """Return PPMCEN, in ppm, if a namelist has it."""
    values = [section.number("ppmcen") for section in namelists]
    return next((value for value in values if np.isfinite(value)), None)


def _name(section: Section) -> str:
    """Return the name of the metabolite of a namelist; empty if it has none."""
    return section.values.get("metabo", "").strip()


def _fid(section: Section, head: Section, path: Path, points: int) -> Complex:
    """Return the FID of one $BASIS from the numbers after it, in the package's sign."""
    where = f"{path}, {_name(section) or 'a metabolite without name'}"
    values = numbers(section.after, head.values.get("fmtbas", ""), where)
    # Some programs (spant) write one point less than NDATAB.
    if values.size not in (2 * points, 2 * points - 2):
        raise DataError(
            f"{where} has {values.size} numbers; {2 * points} are needed (NDATAB {points}). "
            "The file is truncated or damaged; export it again, or take the metabolite out of it."
        )
    moved = section.number("ishift")
    spectrum = np.roll(values[::2] + 1j * values[1::2], -int(moved) if np.isfinite(moved) else 0)
    fid: Complex = np.fft.ifft(spectrum).conj()
    return fid


def _unlike_scales(namelists: list[Section], path: Path) -> tuple[str, ...]:
    """Return a note, and warn, if LCModel would scale the metabolites by different factors."""
    unlike = [key.upper() for key in _SCALES if len({str(section.number(key)) for section in namelists}) > 1]
    if not unlike:
        return ()
    note = f"{', '.join(unlike)} differ between metabolites and are not applied"
    logger.warning("%s: %s; compare amplitudes with care.", path, note)
    return (note,)


def _at_reference(entries: list[Entry], used: Section | None) -> tuple[list[Entry], tuple[str, ...]]:
    """Shift FIDs to the reference of the package, if the file has another centre (PPMSEP)."""
    centre = used.number("ppmsep") if used else float("nan")
    if not np.isfinite(centre) or abs(centre - _PPM) < 1e-3:
        return entries, ()
    mhz, dwelltime_s = entries[0].spectrometer_frequency_mhz, entries[0].dwelltime_s
    turn = 2j * np.pi * (centre - _PPM) * mhz * dwelltime_s * np.arange(entries[0].fid.size)
    moved = [_with_fid(entry, entry.fid * np.exp(turn)) for entry in entries]
    return moved, (f"centre moved from PPMSEP {centre:g} to {_PPM:g} ppm",)


def _without_zero_filling(entries: list[Entry]) -> tuple[list[Entry], tuple[str, ...]]:
    """Return FIDs without their second half, if it is zero."""
    points = entries[0].fid.size
    filled = all(
        np.abs(entry.fid[points // 2 :]).max() <= _ZERO_LEVEL * np.abs(entry.fid).max() for entry in entries
    )
    if points % 2 or not filled:
        return entries, ()
    half = points // 2
    return [_with_fid(entry, entry.fid[:half]) for entry in entries], (
        f"zero-filling removed: {half} of {points} points",
    )


def _with_fid(entry: Entry, fid: Complex) -> Entry:
    return replace(entry, fid=fid)


def _echo_time_s(namelists: list[Section]) -> float | None:
    """Return ECHOT, converted from ms to s; programs that do not know it write -1, or nothing."""
    time_ms = _first_positive(namelists, ("echot",))
    return None if time_ms is None else time_ms / 1e3


def _sequence(namelists: list[Section]) -> str:
    """Return SEQ, or the title IDBASI; empty if it is PRESS from a program that always writes PRESS."""
    values: dict[str, str] = {}
    for section in namelists:
        values = {**section.values, **values}
    title, sequence = values.get("idbasi", "").strip(), values.get("seq", "").strip()
    # Only FID-A writes the key DWELLTIME.
    if title.upper().startswith(_ALWAYS_PRESS) or "dwelltime" in values:
        return "" if sequence.upper() == "PRESS" else sequence
    return sequence or title


def read_lcmodel_raw(
    folder: Path | str,
    dwelltime_s: float | None = None,
    spectrometer_frequency_mhz: float | None = None,
    is_used: Callable[[str], bool] = every_member,
) -> Basis:
    """Read a folder of ``.RAW`` files, one for each metabolite, named as the file.

    Parameters
    ----------
    folder : Path or str
        A ``.IN`` file of MakeBasis in it supplies values that the others lack.
    dwelltime_s, spectrometer_frequency_mhz : float, optional
        In s and MHz; they are preferred to the files.
    is_used : callable
        See :func:`~fsl_mrs_dl.io.basis.read_basis`.

    Returns
    -------
    Basis

    Raises
    ------
    DataError
        If a file is damaged, or dwell time or field are not known.
    """
    folder = Path(folder)
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() == ".raw")
    recipes = [path for path in sorted(folder.iterdir()) if path.suffix.lower() == ".in"]
    shared = [section for path in recipes for section in sections(text_of(path))]
    entries = []
    for path in paths:
        namelists = sections(text_of(path))
        if not any(section.name == "nmid" for section in namelists):
            raise DataError(f"{path} has no namelist $NMID; it is not a .RAW file of LCModel.")
        head = next(section for section in namelists if section.name == "nmid")
        values = numbers(namelists[-1].after, head.values.get("fmtdat", ""), str(path))
        if values.size % 2 or not values.size:
            raise DataError(f"{path} has {values.size} numbers; pairs are needed. The file is truncated.")
        dwell = dwelltime_s or _first_positive(namelists + shared, ("deltat", "dwelltime", "badelt"))
        mhz = spectrometer_frequency_mhz or _first_positive(namelists + shared, ("hzpppm",))
        if dwell is None or mhz is None:
            raise DataError(
                f"{path} does not say its {'dwell time' if dwell is None else 'field (HZPPPM)'}; put the .IN "
                "file of MakeBasis beside it, or give dwelltime_s and spectrometer_frequency_mhz in Python."
            )
        fid: Complex = values.view(np.complex128).conj() * _calibration(head)
        acquired = _echo_time_s(namelists + shared), _sequence(namelists + shared)
        centre_ppm = _centre_ppm(namelists + shared)
        axes = (dwell, mhz, "1H")
        entries.append(
            Entry(str(path), path.stem, fid, *axes, *acquired, has_nucleus=False, centre_ppm=centre_ppm)
        )
    return assemble_basis(entries, folder.name, "LCModel .RAW", is_used=is_used)


def _calibration(head: Section) -> float:
    """Return TRAMP / VOLUME, by which LCModel scales the data of a .RAW file; 1 if one is missing."""
    factor = head.number("tramp") / head.number("volume") if head.number("volume") else float("nan")
    return factor if np.isfinite(factor) and factor > 0 else 1.0


def _first_positive(namelists: list[Section], keys: tuple[str, ...]) -> float | None:
    values = [section.number(key) for section in namelists for key in keys]
    return next((value for value in values if value > 0), None)
