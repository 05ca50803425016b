"""The MRSinMRS table: the minimum reporting standard, filled in from header and settings.

Lin et al 2021, doi:10.1002/nbm.4484, table 1. Only public header fields are shown (see
:data:`fsl_mrs_dl.report.page.PUBLIC_FIELDS`); unknown values are marked.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from fsl_mrs_dl import __version__
from fsl_mrs_dl.data import NUCLEI, MRSData
from fsl_mrs_dl.io.results.outcome import Outcome
from fsl_mrs_dl.io.untrusted_text import csv_cell, printable
from fsl_mrs_dl.report.page import plain, public_field, table

MISSING = "not in the header"


COLUMNS = ("part", "item", "value")


def reporting_table(data: MRSData, outcome: Outcome, settings: Mapping[str, Any]) -> str:
    """Return the table as HTML; parameters as of :func:`reporting_rows`."""
    shown, last = [], ""
    for part, item, value in reporting_rows(data, outcome, settings):
        shown.append(("" if part == last else part, item, value))
        last = part
    return table(shown)


def reporting_csv(rows: Iterable[Sequence[str]], columns: Sequence[str] = COLUMNS) -> str:
    """Return rows as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([csv_cell(cell) for cell in row] for row in rows)
    return text.getvalue()


def reporting_markdown(rows: Iterable[Sequence[str]], columns: Sequence[str] = COLUMNS) -> str:
    """Return rows as a table in Markdown."""
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(_in_cell(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _in_cell(text: str) -> str:
    return " ".join(printable(text).split()).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")


def reporting_rows(
    data: MRSData, outcome: Outcome, settings: Mapping[str, Any]
) -> list[tuple[str, str, str]]:
    """Return part, item and value of each line of the table.

    Parameters
    ----------
    data : MRSData
    outcome : Outcome
    settings : mapping
        The resolved settings; ``method``, ``model``, ``baseline``, ``TE`` and ``TR`` are used.

    Returns
    -------
    list of (str, str, str)
    """
    parts = {
        "1. Hardware": _hardware(data),
        "2. Acquisition": _acquisition(data, settings),
        "3. Analysis": _analysis(data, outcome, settings),
        "4. Data quality": _quality(outcome),
    }
    return [(part, name, str(value)) for part, lines in parts.items() for name, value in lines]


def _field_text(data: MRSData, *keys: str) -> str:
    """Format header fields for a reader."""
    texts = []
    for key in keys:
        if text := public_field(data, key):
            texts.append(text)
    return ", ".join(texts) or MISSING


def _hardware(data: MRSData) -> Iterable[tuple[str, str]]:
    field = MISSING
    if data.nucleus in NUCLEI:
        tesla = data.spectrometer_frequency_mhz / NUCLEI[data.nucleus].gyromagnetic_mhz_per_t
        field = f"{tesla:.2f} T ({data.spectrometer_frequency_mhz:.3f} MHz, {data.nucleus})"
    yield "Field strength", field
    yield "Manufacturer", _field_text(data, "Manufacturer")
    has_model = "ManufacturersModelName" in data.header
    yield "Model", "not shown: the file format marks it as private" if has_model else MISSING
    yield "Scanner software", _field_text(data, "SoftwareVersions")
    coils = [_field_text(data, key) for key in ("TxCoil", "RxCoil")]
    yield "RF coils (transmit, receive)", "; ".join(coils) if set(coils) != {MISSING} else MISSING
    yield "Additional hardware", MISSING


def _acquisition(data: MRSData, settings: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    yield "Pulse sequence", _field_text(data, "SequenceName")
    yield "Volume of interest, place", MISSING
    yield "Nominal size", _voxel_size(data)
    for name, key, flag, per_s in (
        ("Repetition time", "RepetitionTime", "TR", 1.0),
        ("Echo time", "EchoTime", "TE", 1e3),
    ):
        yield name, _time(data, key, settings.get(flag), per_s)
    yield "Mixing, inversion time", _field_text(data, "MixingTime", "InversionTime")
    yield "Excitations or averages", _averages(data)
    shape = " x ".join(str(n) for n in data.fid.shape[:3])
    yield "Matrix", shape if np.prod(data.fid.shape[:3]) > 1 else "single voxel"
    band = 1 / data.dwelltime_s
    yield "Bandwidth and points", f"{band:.1f} Hz, {data.n_points} points"
    yield "Water suppression", _field_text(data, "WaterSuppressed", "WaterSuppressionType")
    yield "Shimming", MISSING
    yield "Triggering or motion correction", MISSING


def _time(data: MRSData, key: str, user_value: Any, per_s: float) -> str:
    """Return a time of the header, or a different one from the user, in the unit of the option."""
    if user_value is None:
        return _field_text(data, key)
    header = data.header.get(key)
    if isinstance(header, (int, float)) and np.isclose(float(user_value) / per_s, header):
        return _field_text(data, key)
    return f"{1e3 * float(user_value) / per_s:g} ms (given by hand)"


def _voxel_size(data: MRSData) -> str:
    if data.affine is None:
        return MISSING
    sides = np.linalg.norm(data.affine[:3, :3], axis=0)
    volume = abs(float(np.linalg.det(data.affine[:3, :3]))) / 1000
    return " x ".join(f"{side:.1f}" for side in sides) + f" mm, {volume:.2g} ml"


def _averages(data: MRSData) -> str:
    averaged = [str(record.get("Details", "")) for record in data.processing if "averag" in _method(record)]
    return f"averaged: {'; '.join(averaged)}" if averaged else MISSING


def _method(record: Mapping[str, Any]) -> str:
    return str(record.get("Method", "")).lower()


def _analysis(data: MRSData, outcome: Outcome, settings: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    yield "Software", f"fsl_mrs_dl {__version__}"
    steps = [str(record.get("Method", "unnamed step")) for record in data.processing]
    yield "Processing before the fit", ", ".join(steps) or "none recorded"
    yield "Output measure", _measures(outcome)
    yield "Quantification reference", _reference(outcome)
    options = [
        f"{key} {plain(settings[key])}" for key in ("method", "model") if settings.get(key) is not None
    ]
    yield "Method", ", ".join(["linear-combination fit in the time domain's model, by spectrum", *options])
    named = f"{outcome.basis.name or 'unnamed'} ({outcome.basis.file_format or 'in memory'})"
    yield "Basis set", f"{named}, {len(outcome.members)} members: {', '.join(outcome.members)}"
    low, high = sorted(outcome.ppmlim) if outcome.ppmlim else data.ppm_axis[[0, -1]]
    yield "Fit range", f"{low:.2f} to {high:.2f} ppm"
    baseline = settings.get("baseline")
    yield "Baseline", plain(baseline) if baseline is not None else "as in the settings"
    n_groups = len(set(outcome.groups)) or 1
    yield "Lineshape", f"Voigt, {n_groups} group{'s' if n_groups > 1 else ''} of metabolites"


def _measures(outcome: Outcome) -> str:
    words = {
        "raw": "fitted amplitudes",
        "internal": f"ratios to {'+'.join(outcome.internal_reference)}",
        "molality": "molality in mmol/kg of tissue water",
        "molarity": "molarity in mmol/l of voxel",
    }
    return ", ".join(words[name] for name in words if name in outcome.scaled)


def _reference(outcome: Outcome) -> str:
    water = outcome.water
    if water is None:
        internal = "+".join(outcome.internal_reference)
        return f"{internal}; no water reference" if internal else "none"
    times = [
        f"{name} {name_of} {1e3 * value:.0f} ms"
        for name_of, group in (("T1", water.t1_s), ("T2", water.t2_s))
        for name, value in group.items()
    ]
    tissue = "no tissue fractions: the voxel counted as pure water, so that mmol/l equals mmol/kg"
    if water.fractions is not None:
        tissue = "tissue fractions " + ", ".join(
            f"{name} {float(np.nanmedian(values)):.2f}" for name, values in water.fractions.items()
        )
    theirs = (water.water_echo_time_s, water.water_repetition_time_s)
    own = (water.echo_time_s, water.repetition_time_s)
    times_text = "TE {:g} ms, TR {:g} ms".format(*(1e3 * value for value in own))
    if any(value not in (None, mine) for value, mine in zip(theirs, own, strict=True)):
        both = [1e3 * (mine if value is None else value) for value, mine in zip(theirs, own, strict=True)]
        times_text += "; of the water TE {:g} ms, TR {:g} ms".format(*both)
    return f"unsuppressed water; {times_text}; {tissue}; {', '.join(times)}"


_SD = (
    "SD of the maximum-likelihood estimate: Cramer-Rao bound from the Fisher matrix of all parameters, and "
    "the spread between the hypotheses of the fit"
)
_NO_SD = "none: a regressor gives amplitudes alone"


def _quality(outcome: Outcome) -> Iterable[tuple[str, str]]:
    known = np.isfinite(outcome.snr).any(axis=1)
    place = "the table of this page" if outcome.single_voxel else "the maps of this page"
    yield "SNR and linewidth", f"in {place}, by metabolite (of the fitted line, matched filter; FWHM)"
    yield "Exclusion criteria", "none applied; flags are shown"
    n_flagged = int(np.sum(outcome.flags != 0))
    yield "Voxels fitted and flagged", f"{int(known.sum())} and {n_flagged}"
    if outcome.posterior is not None:
        yield "Uncertainty", f"posterior mean and 95 % interval under the prior {outcome.posterior['prior']}"
    regressed = not next(iter(outcome.scaled.values())).has_bounds
    yield "Uncertainty without prior", _NO_SD if regressed else _SD
    yield "Sample spectrum", "on this page, with fit, baseline and residual"
