"""The frame of every page: one file with style and plotly.js, which needs no network."""

import html
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import quote

import numpy as np

from fsl_mrs_dl import __version__
from fsl_mrs_dl.data import NUCLEI, MRSData

BEFORE, AFTER, TRUTH, FLAGGED = "#808080", "#0072b2", "#e69f00", "#d55e00"
"""Colours of Okabe and Ito (jfly.uni-koeln.de/color), which colour-blind readers can distinguish."""
CONDITIONS = ("#0072b2", "#cc79a7", "#009e73", "#e69f00", "#56b4e9", "#000000")

PUBLIC_FIELDS = {
    "EchoTime": ("Echo time", 1e3, "ms"),
    "RepetitionTime": ("Repetition time", 1e3, "ms"),
    "InversionTime": ("Inversion time", 1e3, "ms"),
    "MixingTime": ("Mixing time", 1e3, "ms"),
    "ExcitationFlipAngle": ("Excitation flip angle", 1, "degrees"),
    "TxOffset": ("Transmit offset", 1, "ppm"),
    "WaterSuppressed": ("Water suppressed", 1, ""),
    "WaterSuppressionType": ("Water suppression", 1, ""),
    "Manufacturer": ("Manufacturer", 1, ""),
    "SoftwareVersions": ("Scanner software", 1, ""),
    "SequenceName": ("Sequence", 1, ""),
    "TxCoil": ("Transmit coil", 1, ""),
    "RxCoil": ("Receive coil", 1, ""),
}
"""Header fields that a page shows (name, factor, unit). All others stay private, also those of other programs."""

_STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, sans-serif; color: #222; background: #fff; max-width: 1180px; margin: 0 auto;
  padding: 24px; }
h1 { font-size: 24px; margin: 0; } h2 { font-size: 18px; margin: 34px 0 4px; }
h3 { font-size: 15px; margin: 14px 0 0; }
p { margin: 4px 0 8px; max-width: 90ch; color: #555; }
.synthetic { background: #fff3d6; border-left: 6px solid #e69f00; color: #222; padding: 10px 14px;
  margin: 14px 0;  max-width: none; }
.cards { display: flex; flex-wrap: wrap; gap: 12px; margin: 18px 0; }
.card { border: 1px solid #ddd; border-radius: 6px; padding: 10px 14px; min-width: 130px; }
.card b { display: block; font-size: 18px; font-weight: 600; } .card span { color: #555; font-size: 13px; }
table { border-collapse: collapse; margin: 8px 0; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 4px 18px 4px 0; border-bottom: 1px solid #e5e5e5; vertical-align: top; }
td:last-child { overflow-wrap: anywhere; }
th { font-weight: 600; } a { color: #0072b2; }
.part { border-left: 2px solid #bbb; padding-left: 14px; }
summary { cursor: pointer; margin: 8px 0; }
footer { margin-top: 40px; color: #777; font-size: 13px; }
@media print { .card, h2 { break-inside: avoid; } }
"""


def page(title: str, data: MRSData, parts: Iterable[str]) -> str:
    """Return a complete HTML document.

    Parameters
    ----------
    title : str
    data : MRSData
        Source of the spectra, for its name and the mark of synthetic data.
    parts : iterable of str
        HTML, in order.

    Returns
    -------
    str
    """
    from plotly.offline import get_plotlyjs

    heading = html.escape(f"{title}: {data.name}" if data.name else title)
    body = "\n".join([_synthetic(data), *parts])
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{heading}</title>\n'
        f"<style>{_STYLE}</style>\n<script>{get_plotlyjs()}</script>\n</head>\n<body>\n<h1>{heading}</h1>\n"
        f"{body}\n<footer>fsl_mrs_dl {__version__}, {date.today().isoformat()}</footer>\n</body>\n</html>\n"
    )


def _synthetic(data: MRSData) -> str:
    if "SyntheticData" not in data.header:
        return ""
    mark = data.header["SyntheticData"]
    return (
        '<p class="synthetic"><b>Synthetic data.</b> These spectra were made by a program, they were not '
        f"measured. {html.escape(_origin_text(mark))}</p>"
    )


def _origin_text(mark: Any) -> str:
    """Describe the header key SyntheticData; another program may have written any value.

    Only known keys with texts or numbers are shown: an object of another program may be personal.
    """
    if not isinstance(mark, Mapping):
        return ""
    sentences = []
    for key, words in (("method", "Made by"), ("seed", "Seed"), ("parents", "Made from")):
        value = mark.get(key)
        if value not in (None, "", [], ()) and _is_plain(value):
            sentences.append(f"{words} {plain(value)}.")
    return " ".join(sentences)


def _is_plain(value: Any) -> bool:
    """Return whether a header value is text, a number, a truth value, or a list of them."""
    if isinstance(value, (list, tuple)):
        return all(isinstance(item, (str, int, float)) for item in value)
    return isinstance(value, (str, int, float))


def public_field(data: MRSData, key: str) -> str:
    """Format a field of :data:`PUBLIC_FIELDS`; empty if there is none.

    A field that is an object is not shown.
    """
    _, factor, unit = PUBLIC_FIELDS[key]
    value = data.header.get(key)
    if value is None or value == "" or not _is_plain(value):
        return ""
    return f"{plain(value * factor if isinstance(value, float) else value)} {unit}".strip()


def section(heading: str, *parts: str, text: str = "") -> str:
    """Return a headed part of a page."""
    return (
        f"<h2>{html.escape(heading)}</h2>\n"
        + (f"<p>{html.escape(text)}</p>\n" if text else "")
        + "\n".join(parts)
    )


def cards(facts: Sequence[tuple[str, str]]) -> str:
    """Return the main numbers as HTML, from pairs of name and value."""
    shown = "".join(
        f'<div class="card"><b>{html.escape(v)}</b><span>{html.escape(k)}</span></div>' for k, v in facts
    )
    return f'<div class="cards">{shown}</div>'


@dataclass(frozen=True)
class Link:
    """Cell of a table that leads to another file.

    Attributes
    ----------
    text : str
    path : str
        Relative to the page.
    """

    text: str
    path: str

    def html(self) -> str:
        """Return the HTML."""
        return f'<a href="{html.escape(quote(self.path))}">{html.escape(self.text)}</a>'


def table(
    rows: Iterable[Sequence[Any]], head: Sequence[str] = (), groups: Sequence[tuple[str, int]] = ()
) -> str:
    """Return an HTML table; the first cell of each row names it.

    Parameters
    ----------
    rows : iterable of sequences
    head : sequence of str, optional
        Headings of the columns.
    groups : sequence of (str, int), optional
        Headings above those, with their number of columns; a line separates the groups.
    """
    starts = set(np.cumsum([width for _, width in groups]).tolist())

    def cell(kind: str, n: int, value: Any, more: str = "") -> str:
        part = ' class="part"' if n in starts else ""
        text = value.html() if isinstance(value, Link) else html.escape(plain(value))
        return f"<{kind}{part}{more}>{text}</{kind}>"

    top, column = "", 0
    if groups:
        top += "<tr>"
        for title, width in groups:
            top += cell("th", column, title, f' colspan="{width}"')
            column += width
        top += "</tr>\n"
    if head:
        top += "<tr>" + "".join(cell("th", n, text) for n, text in enumerate(head)) + "</tr>\n"
    body = "".join(
        "<tr>" + "".join(cell("td" if n else "th", n, value) for n, value in enumerate(row)) + "</tr>\n"
        for row in rows
    )
    return f"<table>\n{top}{body}</table>"


def folded(heading: str, part: str) -> str:
    """Return a part of a page that opens on a click."""
    return f"<details><summary>{html.escape(heading)}</summary>\n{part}\n</details>"


def figure(drawing: Any, name: str) -> str:
    """Return a plotly figure as HTML that uses the plotly.js of the page."""
    text: str = drawing.to_html(
        full_html=False,
        include_plotlyjs=False,
        div_id=name,
        config={"displaylogo": False, "responsive": True},
    )
    return text


def plain(value: Any) -> str:
    """Format a setting or header value for a reader."""
    if isinstance(value, MRSData):
        return value.name or "data in memory"
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "not set"}[value]
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, Mapping):
        return json.dumps(value, default=str, ensure_ascii=False)
    if isinstance(value, (list, tuple)):
        return " ".join(plain(item) for item in value)
    return str(getattr(value, "name", value))


def number(value: float, digits: int = 2) -> str:
    """Format a number with fixed decimals; a dash if it is not finite."""
    return f"{value:.{digits}f}" if np.isfinite(value) else "\N{EN DASH}"


def acquisition_rows(data: MRSData) -> list[tuple[str, str]]:
    """Return the public facts about the acquisition of data."""
    dims = ", ".join(f"{tag} {size}" for tag, size in zip(data.dim_tags, data.fid.shape[4:], strict=True))
    frequency = f"{data.spectrometer_frequency_mhz:.3f} MHz"
    if data.nucleus in NUCLEI:
        frequency += (
            f" ({data.spectrometer_frequency_mhz / NUCLEI[data.nucleus].gyromagnetic_mhz_per_t:.2f} T)"
        )
    rows = [
        ("Nucleus", data.nucleus),
        ("Spectrometer frequency", frequency),
        ("Points", str(data.n_points)),
        ("Bandwidth", f"{1 / data.dwelltime_s:.1f} Hz"),
        ("Voxels", " x ".join(str(n) for n in data.fid.shape[:3])),
        ("Higher dimensions", dims or "none"),
    ]
    rows += [(name, text) for key, (name, _, _) in PUBLIC_FIELDS.items() if (text := public_field(data, key))]
    return rows


def processing_table(data: MRSData) -> str:
    """Return the records of ``ProcessingApplied`` as a table: the keys of the standard, texts and numbers only."""
    keys = ("Time", "Program", "Version", "Method", "Details")
    rows = []
    for n, record in enumerate(data.processing, start=1):
        values = (record.get(key, "") for key in keys)
        rows.append((n, *(value if _is_plain(value) else "" for value in values)))
    return table(rows, ("", *keys)) if rows else "<p>There are no records.</p>"
