"""Parts of the page for one spectrum."""

import html
import math

import numpy as np

from fsl_mrs_dl.data import FLAGS, MRSData, Real
from fsl_mrs_dl.io.results.outcome import Outcome
from fsl_mrs_dl.physics import ppm_window
from fsl_mrs_dl.report import quantify_figures as figures
from fsl_mrs_dl.report.amounts import amount_tables, amount_text
from fsl_mrs_dl.report.concentrations import (
    PLUS_MINUS,
    WITHOUT_PRIOR,
    leading_member,
    leading_text,
    leading_words,
    main_columns,
    scaling_title,
    tokens,
    water_words,
)
from fsl_mrs_dl.report.page import cards, figure, number, section, table
from fsl_mrs_dl.report.spectra import FitView, main_group, view_fit
from fsl_mrs_dl.scores import voigt_fwhm_hz

_STRONG_CORRELATION = 0.7  # magnitude from which a pair is named: half of the variance is shared
_MOST_CARDS = 5  # as many as fit in a row


def svs_parts(data: MRSData, outcome: Outcome) -> list[str]:
    """Return the HTML of the parts of one spectrum."""
    view = view_fit(data, outcome)
    parts = [*_headline(outcome), _flag_text(outcome)]
    parts.append(section("Fit", figure(figures.fit_figure(view), "fit"), text=fit_text(view, outcome, 0)))
    if view.fitted:
        drawing = figure(figures.stacked_figure(view), "metabolites")
        text = (
            "Each metabolite as it was fitted, from the highest to the lowest, without the baseline. Small "
            "ones are drawn larger by the factor beside their name."
        )
        parts.append(section("Metabolites", drawing, text=text))
    parts.append(section("Concentrations", amount_text(outcome), *amount_tables(outcome)))
    if outcome.correlation is not None and len(outcome.members) > 1:
        drawing = figure(figures.correlation_figure(outcome.correlation, outcome.members), "correlation")
        parts.append(section("Correlations of the amplitudes", drawing, text=_correlation_text(outcome)))
    parts.append(section("Quality", table(_quality_rows(data, outcome))))
    parts.append(section("Lineshape and phase", *_shape_tables(data, outcome)))
    return parts


def fit_text(view: FitView, outcome: Outcome, row: int) -> str:
    """Describe the figure of a fit."""
    low, high = view.limits_ppm
    if not view.fitted:
        return "This spectrum could not be fitted; shown is the real part of the data."
    degrees = math.degrees(_wrapped(float(outcome.phase_rad[row])))
    shift_hz = float(outcome.shift_hz[row, main_group(outcome, row)])
    return (
        f"Real parts. The fit's phase ({degrees:.1f} degrees), delay ({1e3 * outcome.delay_s[row]:.3f} ms) and "
        f"shift ({shift_hz:.2f} Hz) are removed from all curves. The fit range is {low:.2f} to {high:.2f} "
        "ppm; the shaded range was not fitted. The fit includes the baseline."
    )


def _wrapped(angle: float) -> float:
    return math.remainder(angle, 2 * math.pi)


def _headline(outcome: Outcome) -> list[str]:
    """Return the main amounts and the quality of the spectrum."""
    lead = leading_member(outcome)
    name = outcome.members[lead]
    scaling = outcome.leading_scaling
    scaled = outcome.scaled[scaling]
    amounts = [
        (outcome.names[n], leading_text(scaled, 0, n)) for n in main_columns(outcome, scaling)[:_MOST_CARDS]
    ]
    quality = [
        (f"SNR of {name} (matched filter)", number(float(outcome.snr[0, lead]), 0)),
        (f"linewidth of {name} (FWHM)", number(float(outcome.fwhm_hz[0, lead]), 1) + " Hz"),
        ("residual whiteness (0 = noise)", number(float(outcome.residual_whiteness[0]))),
        ("flags", ", ".join(tokens(int(outcome.flags[0]))) or "none"),
    ]
    text = f"{scaling_title(outcome, scaling)}, {leading_words(scaled)}. {water_words(outcome)}".rstrip()
    return [f"<p>{html.escape(text)}</p>", cards(amounts), cards(quality)]


def _flag_text(outcome: Outcome) -> str:
    flags = tokens(int(outcome.flags[0]))
    if not flags:
        return "<p>The spectrum is not flagged.</p>"
    rows = [(token, FLAGS[token].meaning) for token in flags]
    return table(rows, ("Flag", "Meaning"))


def _correlation_text(outcome: Outcome) -> str:
    matrix: Real = np.asarray(outcome.correlation)
    upper = np.triu(np.nan_to_num(matrix), k=1)
    order = np.argsort(-np.abs(upper), axis=None)
    pairs = []
    for flat in order[:6]:
        i, j = (int(k) for k in np.unravel_index(flat, matrix.shape))
        if abs(upper[i, j]) >= _STRONG_CORRELATION:
            pairs.append(f"{outcome.members[i]} and {outcome.members[j]} ({upper[i, j]:.2f})")
    whence = f"Of the estimates {WITHOUT_PRIOR.lower()}, from the Fisher matrix."
    if not pairs:
        return f"{whence} No two amplitudes are correlated by {_STRONG_CORRELATION} or more."
    return (
        f"{whence} Strongest: {', '.join(pairs)}. The sum of such a pair is better determined than its parts."
    )


def _quality_rows(data: MRSData, outcome: Outcome) -> list[tuple[str, str]]:
    inside = int(ppm_window(data.ppm_axis, outcome.ppmlim).sum())
    chance = 2 / math.sqrt(2 * inside)
    lag = float(outcome.residual_whiteness[0])
    verdict = "within what white noise gives" if abs(lag) <= chance else "more than white noise gives"
    if not np.isfinite(lag):
        verdict = "not known"
    return [
        (
            "Residual, correlation of neighbouring points",
            f"{number(lag, 3)} ({verdict}, {PLUS_MINUS}{chance:.3f})",
        ),
        *_residual_rows(outcome),
        ("Noise, SD of a channel of the FID", _significant(float(outcome.noise_sd[0]))),
        ("Points in the fit range", str(inside)),
        ("Iterations", str(int(outcome.iterations[0]))),
        ("Metabolites whose SD without prior is below 20 % of the estimate", _below(outcome, 20)),
    ]


def _residual_rows(outcome: Outcome) -> list[tuple[str, str]]:
    """Return the factor of the errors from the residual, and its highest line."""
    if outcome.widening is None or outcome.line_ppm is None or outcome.line_z is None:
        return []
    wider, place, z = (float(v[0]) for v in (outcome.widening, outcome.line_ppm, outcome.line_z))
    line = f"{number(place)} ppm, {number(z, 1)} SD"
    return [
        ("Errors over bounds, from the residual (in the posterior's intervals)", number(wider)),
        ("Line that stands out of the residual most", line),
    ]


def _significant(value: float) -> str:
    return f"{value:.4g}" if math.isfinite(value) else number(value)


def _below(outcome: Outcome, percent: float) -> str:
    values = outcome.crlb_percent[0, : len(outcome.members)]
    return f"{int(np.sum(values < percent))} of {values.size}"


def _shape_tables(data: MRSData, outcome: Outcome) -> list[str]:
    groups = outcome.groups or (0,) * len(outcome.members)
    rows = []
    for g in sorted(set(groups)):
        members = [name for name, group in zip(outcome.members, groups, strict=True) if group == g]
        shift_hz, gamma, sigma = (float(v[0, g]) for v in (outcome.shift_hz, outcome.gamma, outcome.sigma))
        rows.append(
            (
                g,
                f"{number(shift_hz)} Hz, {number(shift_hz / data.spectrometer_frequency_mhz, 4)} ppm",
                number(gamma / math.pi),
                number(2 * sigma * math.sqrt(math.log(2)) / math.pi),
                number(float(voigt_fwhm_hz(gamma, sigma))),
                ", ".join(members),
            )
        )
    head = ("Group", "Shift", "Lorentz (Hz)", "Gauss (Hz)", "Voigt (Hz)", "Metabolites")
    phase_deg = math.degrees(_wrapped(float(outcome.phase_rad[0]))) if is_fitted(outcome) else math.nan
    phases = [
        ("Zero-order phase", f"{number(phase_deg, 1)} degrees"),
        (
            "First-order phase, as a delay about the carrier",
            f"{number(1e6 * float(outcome.delay_s[0]), 1)} µs",
        ),
    ]
    note = "<p>Widths (FWHM) are what the fit added to the lines of the basis set.</p>"
    return [table(rows, head), note, table(phases)]


def is_fitted(outcome: Outcome) -> bool:
    """Return whether the spectrum could be fitted."""
    return bool(np.isfinite(outcome.phase_rad[0]))
