"""Read basis sets in columns of text: jMRUI's files, and plain files with a real and an imaginary column.

Both are read as the complex conjugate of the package's sign, as FSL-MRS reads jMRUI's. Files with the other sign
exist: see :func:`fsl_mrs_dl.physics.oriented`.
"""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np

from fsl_mrs_dl.data import NUCLEI, Basis, Complex
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.io.basis.entries import Entry, assemble_basis, every_member
from fsl_mrs_dl.io.basis.namelist import text_of

_HEADER = re.compile(r"^(\w+):[ \t]*(.*?)[ \t]*$", re.MULTILINE)
_SIGNAL = re.compile(r"^Signal \d+ out of \d+ in file[^\n]*\n", re.MULTILINE)
_SUMMARY = "jmrui-text_output_summary.txt"


def read_text_basis(
    path: Path | str,
    dwelltime_s: float | None = None,
    spectrometer_frequency_mhz: float | None = None,
    is_used: Callable[[str], bool] = every_member,
) -> Basis:
    """Read a ``.txt`` file of jMRUI, or a folder of such files or of plain columns, one for each metabolite.

    Parameters
    ----------
    path : Path or str
    dwelltime_s, spectrometer_frequency_mhz : float, optional
        In s and MHz, for plain columns. jMRUI's files have their own values.
    is_used : callable
        See :func:`~fsl_mrs_dl.io.basis.read_basis`.

    Returns
    -------
    Basis

    Raises
    ------
    DataError
        If a file is damaged, or dwell time or frequency are not known.
    """
    path = Path(path)
    files = sorted(path.glob("*.txt")) if path.is_dir() else [path]
    entries, kinds = [], set()
    for file in files:
        if file.name == _SUMMARY:  # VESPA's report on the set, not a metabolite
            continue
        text = text_of(file)
        jmrui = text.lstrip("\ufeff").startswith("jMRUI") or _SIGNAL.search(text) is not None
        kinds.add("jMRUI text" if jmrui else "text")
        if jmrui:
            entries += _jmrui(file, text)
            continue
        if not dwelltime_s or not spectrometer_frequency_mhz:
            raise DataError(
                f"{file} holds plain numbers, which say neither dwell time nor field; give dwelltime_s and "
                "spectrometer_frequency_mhz in Python and write the set as JSON."
            )
        fid = _pairs(text, file)
        axes = (dwelltime_s, spectrometer_frequency_mhz)
        entries.append(Entry(str(file), file.stem, fid, *axes, has_nucleus=False))
    if not entries:
        raise DataError(f"{path} holds no metabolite; needed is one .txt file a metabolite.")
    return assemble_basis(entries, path.name, " and ".join(sorted(kinds)), is_used=is_used)


def _jmrui(file: Path, text: str) -> list[Entry]:
    """Return the signals of one file of jMRUI."""
    blocks = _SIGNAL.split(text)
    header = dict(_HEADER.findall(blocks[0]))
    step_ms, frequency_hz = _number(header, "SamplingInterval"), _number(header, "TransmitterFrequency")
    if not (step_ms > 0 and frequency_hz > 0):
        raise DataError(
            f"{file} has SamplingInterval {header.get('SamplingInterval')!r} and TransmitterFrequency "
            f"{header.get('TransmitterFrequency')!r}; a dwell time in ms and a frequency in Hz are needed."
        )
    if len(blocks) == 1:
        raise DataError(f"{file} has no 'Signal 1 out of ...' line; the file is truncated.")
    names = [name.removesuffix(".txt") for name in header.get("SignalNames", "").split(";") if name.strip()]
    if len(names) != len(blocks) - 1:
        if len(blocks) > 2:
            raise DataError(
                f"{file} has {len(blocks) - 1} signals and {len(names)} SignalNames; one a signal is needed."
            )
        names = [file.stem]
    n_points = _number(header, "PointsInDataset")
    kind = header.get("TypeOfNucleus", "")
    nucleus = kind if kind in NUCLEI else "1H"
    entries = []
    for name, block in zip(names, blocks[1:], strict=True):
        fid = _pairs(block, file)
        if np.isfinite(n_points) and fid.size != n_points:
            raise DataError(
                f"{file} has {fid.size} points of {name}, its header says {n_points:g}; the file is truncated."
            )
        axes = (step_ms * 1e-3, frequency_hz * 1e-6, nucleus)
        entries.append(Entry(f"{file}, {name}", name, fid, *axes, has_nucleus=kind in NUCLEI))
    return entries


def _number(header: dict[str, str], key: str) -> float:
    try:
        return float(header.get(key, ""))
    except ValueError:
        return float("nan")


def _pairs(text: str, file: Path) -> Complex:
    """Return the first two columns as an FID in the package's sign."""
    rows = [line.replace(",", " ").split()[:2] for line in text.splitlines() if line.strip()]
    try:
        values = np.array(rows, dtype=np.float64)
    except ValueError as error:
        raise DataError(f"{file} is not a table of numbers ({str(error)[:80]}); it is damaged.") from error
    if values.ndim != 2 or values.shape[1] != 2:
        raise DataError(f"{file} has no real and imaginary column; two columns of numbers are needed.")
    fid: Complex = values[:, 0] - 1j * values[:, 1]
    return fid
