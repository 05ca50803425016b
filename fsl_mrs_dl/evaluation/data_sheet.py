"""The data sheet of a model package for the terminal: what it is for, its range, its training, its errors."""

import textwrap
from pathlib import Path

from fsl_mrs_dl.data import NUCLEI
from fsl_mrs_dl.models.card import Card, evaluation_text
from fsl_mrs_dl.models.catalogue import architectures
from fsl_mrs_dl.models.package import CARD

_WIDTH = 100  # characters of a line
_LABEL = 13  # characters of the column of labels
_LONGEST_S = 100.0
"""Upper end of a range of durations, in s, above which a card has no limit: no FID is as long."""


def data_sheet(card: Card, folder: Path) -> str:
    """Return the lines of the data sheet.

    Parameters
    ----------
    card : Card
    folder : Path
        Of the package.
    """
    known = architectures().get(card.architecture)
    network = f"{card.architecture}: {known.summary}" if known else card.architecture
    recipe = card.recipe
    facts = (
        ("Use", card.intended_use),
        ("Not for", card.refused_use),
        ("Network", f"{network}{f' ({known.source})' if known and known.source else ''}"),
        ("Data", _data_words(card)),
        ("Trained for", _range_words(card)),
        ("Trained on", f"{recipe.data}; {recipe.hours:.2g} hours on {recipe.device}"),
    )
    lines = [f"{card.full_name}, for {card.task}", ""]
    lines += [_entry(label, words) for label, words in facts if words]
    lines.append(f"{'Made by':{_LABEL}}{recipe.command}")  # one line, to be copied
    lines += ["", evaluation_text(card), ""]
    lines += [_entry("Licence", card.licence), f"{'Checksum':{_LABEL}}{card.package_sha256}"]
    lines.append(f"{'Card':{_LABEL}}{folder / CARD}")
    return "\n".join(lines)


def _entry(label: str, words: str) -> str:
    """Return a label with its words beside it, wrapped."""
    after = " " * _LABEL
    return textwrap.fill(
        words,
        _WIDTH,
        initial_indent=f"{label:{_LABEL}}",
        subsequent_indent=after,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _data_words(card: Card) -> str:
    """Describe the data that the model takes; others are refused."""
    valid = card.valid
    low, high = valid.spectrometer_frequency_mhz
    field = ""
    if valid.nucleus in NUCLEI:
        mhz_per_t = NUCLEI[valid.nucleus].gyromagnetic_mhz_per_t
        field = f" ({low / mhz_per_t:.1f} to {high / mhz_per_t:.1f} T)"
    shortest, longest = valid.duration_s
    length = f"{shortest * 1e3:.0f} ms or longer"
    if longest < _LONGEST_S:
        length = f"{shortest * 1e3:.0f} to {longest * 1e3:.0f} ms long"
    echo = "no single echo time"
    if valid.echo_time_s:
        times = sorted({round(time * 1e3, 3) for time in valid.echo_time_s})
        echo = f"echo time {' to '.join(f'{time:g}' for time in times)} ms"
    return (
        f"{valid.nucleus} at {low:.0f} to {high:.0f} MHz{field}, {echo}, dwell time "
        f"{valid.dwelltime_s[0] * 1e3:.3g} to {valid.dwelltime_s[1] * 1e3:.3g} ms, FIDs {length}. Data of another "
        "nucleus, field, dwell time or length are refused."
    )


def _range_words(card: Card) -> str:
    """Describe what the model met in training; this is not checked, as data do not say it."""
    valid = card.valid
    ranges = (
        ("SNR", valid.snr_t0, ""),
        ("shifts", valid.shift_hz, " Hz"),
        ("phases", valid.phase_deg, " degrees"),
        ("widths added to the lines", valid.linewidth_hz, " Hz"),
    )
    words = [f"{name} {low:.3g} to {high:.3g}{unit}" for name, (low, high), unit in ranges if low < high]
    return ", ".join(words)
