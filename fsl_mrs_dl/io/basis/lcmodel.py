"""Basis sets of LCModel: a ``.BASIS`` file of spectra, or a folder of ``.RAW`` files of FIDs.

Provencher, LCModel & LCMgui User's Manual, sections 8 and 11.10. LCModel's FIDs are the complex conjugate of
memory; a ``.BASIS`` file holds their discrete Fourier transform, zero frequency first, zero-filled to twice
the points. ``CONC``, ``TRAMP`` and ``VOLUME`` scale the basis spectra against data of LCModel's own
calibration; like FSL-MRS, this reader leaves the numbers of the file as they are.

``SEQPAR`` has the echo time (``ECHOT``, ms) and the sequence (``SEQ``). spant, TARQUIN and FID-A write
``SEQ = 'PRESS'`` whatever the sequence, so that theirs is not believed.

No key says the nucleus: it is assumed to be 1H until the field of the data and ``HZPPPM`` tell it.
``PPMCEN`` is the chemical shift at the centre of the spectra, 4.65 for 1H, 0 for most others.
"""

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from fsl_mrs_dl.data import NUCLEI, Basis, Complex
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.io.basis.entries import Entry, every_member, put_together
from fsl_mrs_dl.io.basis.namelist import Section, numbers, sections, text_of

logger = logging.getLogger(__name__)

_ZERO_FILLED = 1e-4
_PPM = NUCLEI["1H"].reference_ppm
_SCALES = ("conc", "tramp", "volume")
_ALWAYS_PRESS = ("SPANT", "TARQUIN")


def read_lcmodel_basis(path: Path | str, wanted: Callable[[str], bool] = every_member) -> Basis:
    """Read a ``.BASIS`` file.

    Parameters
    ----------
    path : Path or str
    wanted : callable
        See :func:`~fsl_mrs_dl.io.basis.read_basis`.

    Returns
    -------
    Basis
        In the order of the names, as FSL-MRS has it. Zeros that only fill up the second half are taken off:
        they are no signal that the fit could rely on.

    Raises
    ------
    DataError
        If the file is damaged, encrypted, or says neither field nor dwell time.
    """
    path = Path(path)
    found = sections(text_of(path))
    said = {section.name: section for section in found}
    if "basis1" not in said or "basis" not in said:
        has = ", ".join(f"${name}" for name in said) or "none"
        raise DataError(
            f"{path} has the namelists {has}; needed are $SEQPAR, $BASIS1 and one $BASIS a metabolite of an "
            "LCModel .BASIS file."
        )
    head = said["basis1"]
    dwelltime_s, points = head.number("badelt"), head.number("ndatab")
    mhz = said["seqpar"].number("hzpppm") if "seqpar" in said else float("nan")
    if dwelltime_s < 0:
        raise DataError(f"{path} is encrypted (BADELT {dwelltime_s:g}); only LCModel can read it.")
    if not (dwelltime_s > 0 and mhz > 0 and points >= 1):
        raise DataError(
            f"{path} has BADELT {dwelltime_s:g}, HZPPPM {mhz:g} and NDATAB {points:g}; all must be positive."
        )
    acquired = _echo_time_s([said["seqpar"]]), _sequence([said["seqpar"], head])
    centre_ppm = _centre_ppm(found)
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
        for section in found
        if section.name == "basis"
    ]
    notes = _unlike_scales([section for section in found if section.name == "basis"], path)
    entries, more = (entries, ()) if centre_ppm is not None else _at_reference(entries, said.get("nmused"))
    entries, filled = _without_zero_filling(entries)
    entries.sort(key=lambda entry: entry.name)
    return put_together(entries, path.name, "LCModel .BASIS", notes + more + filled, wanted)


def _centre_ppm(found: list[Section]) -> float | None:
    """Return PPMCEN where a namelist has it."""
    values = [section.number("ppmcen") for section in found]
    return next((value for value in values if np.isfinite(value)), None)


def _name(section: Section) -> str:
    return section.values.get("metabo", "").strip()


def _fid(section: Section, head: Section, path: Path, points: int) -> Complex:
    """Return the FID of one $BASIS and the numbers after it, in the sign of memory."""
    where = f"{path}, {_name(section) or 'a metabolite without name'}"
    values = numbers(section.after, head.values.get("fmtbas", ""), where)
    # Some programs (spant) write one point less than they say.
    if values.size not in (2 * points, 2 * points - 2):
        raise DataError(
            f"{where} has {values.size} numbers; {2 * points} are needed (NDATAB {points}). "
            "The file is truncated or damaged."
        )
    moved = section.number("ishift")
    spectrum = np.roll(values[::2] + 1j * values[1::2], -int(moved) if np.isfinite(moved) else 0)
    fid: Complex = np.fft.ifft(spectrum).conj()
    return fid


def _unlike_scales(found: list[Section], path: Path) -> tuple[str, ...]:
    """Say where LCModel would scale the metabolites unlike each other."""
    unlike = [key.upper() for key in _SCALES if len({str(section.number(key)) for section in found}) > 1]
    if not unlike:
        return ()
    note = f"{', '.join(unlike)} differ between metabolites and are not applied"
    logger.warning("%s: %s; compare amplitudes with care.", path, note)
    return (note,)


def _at_reference(entries: list[Entry], used: Section | None) -> tuple[list[Entry], tuple[str, ...]]:
    """Return FIDs whose centre is at the reference of the package, where the file names another (PPMSEP)."""
    centre = used.number("ppmsep") if used else float("nan")
    if not np.isfinite(centre) or abs(centre - _PPM) < 1e-3:
        return entries, ()
    mhz, dwelltime_s = entries[0].spectrometer_frequency_mhz, entries[0].dwelltime_s
    turn = 2j * np.pi * (centre - _PPM) * mhz * dwelltime_s * np.arange(entries[0].fid.size)
    moved = [_with_fid(entry, entry.fid * np.exp(turn)) for entry in entries]
    return moved, (f"centre moved from PPMSEP {centre:g} to {_PPM:g} ppm",)


def _without_zero_filling(entries: list[Entry]) -> tuple[list[Entry], tuple[str, ...]]:
    """Return FIDs without the second half, if that is filled with zeros."""
    points = entries[0].fid.size
    filled = all(
        np.abs(entry.fid[points // 2 :]).max() <= _ZERO_FILLED * np.abs(entry.fid).max() for entry in entries
    )
    if points % 2 or not filled:
        return entries, ()
    half = points // 2
    return [_with_fid(entry, entry.fid[:half]) for entry in entries], (
        f"zero-filling taken off: {half} of {points} points",
    )


def _with_fid(entry: Entry, fid: Complex) -> Entry:
    return replace(entry, fid=fid)


def _echo_time_s(found: list[Section]) -> float | None:
    """Return ECHOT, which is in ms, in s; programs that do not know it write -1, or nothing."""
    time_ms = _said(found, ("echot",))
    return None if time_ms is None else time_ms / 1e3


def _sequence(found: list[Section]) -> str:
    """Return SEQ, or else the title IDBASI; empty where a program wrote PRESS that writes it of any sequence."""
    values: dict[str, str] = {}
    for section in found:
        values = {**section.values, **values}
    title, sequence = values.get("idbasi", "").strip(), values.get("seq", "").strip()
    # DWELLTIME is a key of FID-A's own.
    if title.upper().startswith(_ALWAYS_PRESS) or "dwelltime" in values:
        return "" if sequence.upper() == "PRESS" else sequence
    return sequence or title


def read_lcmodel_raw(
    folder: Path | str,
    dwelltime_s: float | None = None,
    spectrometer_frequency_mhz: float | None = None,
    wanted: Callable[[str], bool] = every_member,
) -> Basis:
    """Read a folder of ``.RAW`` files, one a metabolite, called as the file.

    Parameters
    ----------
    folder : Path or str
        A ``.IN`` file of MakeBasis in it is asked for what the others do not say.
    dwelltime_s, spectrometer_frequency_mhz : float, optional
        In s and MHz; they count before the files.
    wanted : callable
        See :func:`~fsl_mrs_dl.io.basis.read_basis`.

    Returns
    -------
    Basis

    Raises
    ------
    DataError
        If a file is damaged, or dwell time or field are said nowhere.
    """
    folder = Path(folder)
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() == ".raw")
    recipes = [path for path in sorted(folder.iterdir()) if path.suffix.lower() == ".in"]
    shared = [section for path in recipes for section in sections(text_of(path))]
    entries = []
    for path in paths:
        found = sections(text_of(path))
        if not any(section.name == "nmid" for section in found):
            raise DataError(f"{path} has no namelist $NMID; it is not a .RAW file of LCModel.")
        head = next(section for section in found if section.name == "nmid")
        values = numbers(found[-1].after, head.values.get("fmtdat", ""), str(path))
        if values.size % 2 or not values.size:
            raise DataError(f"{path} has {values.size} numbers; pairs are needed. The file is truncated.")
        dwell = dwelltime_s or _said(found + shared, ("deltat", "dwelltime", "badelt"))
        mhz = spectrometer_frequency_mhz or _said(found + shared, ("hzpppm",))
        if dwell is None or mhz is None:
            raise DataError(
                f"{path} does not say its {'dwell time' if dwell is None else 'field (HZPPPM)'}; put the .IN "
                "file of MakeBasis beside it, or give dwelltime_s and spectrometer_frequency_mhz in Python."
            )
        fid: Complex = values.view(np.complex128).conj() * _calibration(head)
        acquired = _echo_time_s(found + shared), _sequence(found + shared)
        centre_ppm = _centre_ppm(found + shared)
        axes = (dwell, mhz, "1H")
        entries.append(
            Entry(str(path), path.stem, fid, *axes, *acquired, has_nucleus=False, centre_ppm=centre_ppm)
        )
    return put_together(entries, folder.name, "LCModel .RAW", wanted=wanted)


def _calibration(head: Section) -> float:
    """Return TRAMP / VOLUME, by which LCModel scales the data of a .RAW file; 1 where one is not said."""
    factor = head.number("tramp") / head.number("volume") if head.number("volume") else float("nan")
    return factor if np.isfinite(factor) and factor > 0 else 1.0


def _said(found: list[Section], keys: tuple[str, ...]) -> float | None:
    values = [section.number(key) for section in found for key in keys]
    return next((value for value in values if value > 0), None)
