"""Task ``quantify_invivo``: the fit on measured spectra, beside published ranges and beside FSL-MRS."""

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from fsl_mrs_dl import fslmrs
from fsl_mrs_dl.data import FLAGS, Complex, MRSData, Real
from fsl_mrs_dl.io.results import Outcome
from fsl_mrs_dl.physics import fid_to_spectrum, ppm_window
from fsl_mrs_dl.report.concentrations import tokens
from fsl_mrs_dl.scores import noise_sd
from fsl_mrs_dl.simulate.papers import DQ_RANGES
from tests.benchmarks.quantify_cases import (
    BASELINES,
    DEFAULT,
    WINDOW_PPM,
    QuantifyCase,
    shipped,
    single_voxels,
    with_measured_mm,
)
from tests.benchmarks.quantify_default import default_table, moves_table
from tests.benchmarks.realdata import in_vivo
from tests.benchmarks.table import NOT_RUN, Page, Table, fslmrs_words

RATIOS = ("NAA+NAAG", "GPC+PCh", "Ins", "Glu+Gln")
HEADS = ("tNAA/tCr", "tCho/tCr", "Ins/tCr", "Glx/tCr")
_MRSI_BASES = ("slaser_3t_te28", "press_3t_te30", "press_3t_te35")

STRUCTURED = ("model_misfit", "unmodelled_line")
METHOD = """\
Measured spectra of the folder that `FSL_MRS_DL_TEST_DATA` names, as in [Measured data](invivo.md). There is
no truth for them. Each is fitted from 0.2 to 4.2 ppm, with the default, which averages over baselines
and macromolecules, and with two fixed baselines, all members then sharing a shift and a Voigt line.

- *PRESS TE 30*: `sub-01_press`, 3 T Philips, TR 2 s, 48 averages; the water is left in. The basis set of
  the ISMRM 2016 challenge is of 123.26 MHz and holds measured macromolecules (MM); the scanner is 3.6 %
  higher.
- *PRESS TE 35*: `unedited_sub-01_act`, another subject and protocol, after `remove`. The `.BASIS` has no
  MM.
- *7 T STEAM TE 11*: `coilcombine`, `ecc` with `quant_raw`, `align`, `average` of 4 coils x 16 transients.
- ± is the SD: the Cramér-Rao bound, and of the default also what the choice of hypothesis costs. *residual /
  noise*: SD of the residual in the window over that of the noise outside of the signal; *whiteness*:
  correlation of neighbouring channels of the residual; 1 and 0 if only noise is left. Bounds of fixed
  baselines assume that, so that they are too small wherever the residual is not white."""

PICTURES = """\
## The fits as pictures

Drawn by `python -m tests.benchmarks.quantify_cases FOLDER`; the default but for the second. The lower
panel has the largest metabolites alone; macromolecules are what remains between them and the fit.

![Fit of PRESS TE 30](../images/fit-press30.png)

*PRESS TE 30, `press_3t_te30`.* The residual looks like noise from 0.2 to 4 ppm. The broad lines at 0.9, 1.35
and 1.6 ppm are followed, with their mean from published tables and their own amplitudes; the baseline is
flat. At the left end the data rise towards the water, which is left in: the channels next to 4.2 ppm, which
the shifted window of the fit leaves out, have a large part in *residual / noise*. **Glu and Glx are below the
published mean**, and the interval of Glx ends below it; fixed baselines give more, and differ by 70 %.

![Fit of PRESS TE 30 with measured macromolecules](../images/fit-press30-mm.png)

*The same with macromolecules measured in the same head, `poly, 2`.* They follow the data from 0.8 to 1.8 ppm,
but the residual is not noise: features at 3.55 and 2.4 ppm stand where couplings decide (Ins, Glu). The fit of
creatine's CH2 at 3.92 ppm is above the data: CH2 and CH3 are tied in the basis set, but relax differently.
GSH is fitted far above the default's value, Gln at zero. Glx/tCr is 1.16 beside the default's 0.90, and the
bound of either fixed baseline does not hold the difference.

![Fit of PRESS TE 35](../images/fit-press35.png)

*PRESS TE 35, `press_3t_te35`.* Below 1.5 ppm the data turn downwards to a dip at 1.05 ppm: lipid of another
phase, from outside of the voxel. No lipid of the model has that phase; the background, whose lines may be
negative, follows it. The residual is noise but for single channels at 3.9 ppm. Lactate, a doublet at 1.31 ppm,
which a spline made of this shape, is near zero.

![Fit of 7 T STEAM](../images/fit-steam.png)

*7 T STEAM TE 11.* Noise is left. The baseline rises towards the water by a tenth of the NAA line."""


def run(profile: str, seed: int) -> Page:
    """Run the task, a :class:`~tests.benchmarks.table.Task`; one of each file, and nothing random."""
    cases = list(single_voxels())
    tables = [default_table(cases), moves_table(cases), *_tables(cases)]
    tables += [_measured_mm(cases[:2]), _mrsi(), *_rival(cases[1])]
    return Page("Quantification of measured spectra", METHOD, tables, f"{fslmrs_words()}\n\n{PICTURES}")


def _tables(cases: Sequence[QuantifyCase]) -> list[Table]:
    """Return ratios and quality of the single-voxel spectra."""
    amounts, quality = [], []
    for case in cases:
        for baseline in BASELINES:
            start = [case.data_name, case.basis_name, baseline]
            if case.data is None or case.basis is None:
                amounts.append(start)
                quality.append(start)
                continue
            fitted, outcome = case.fit(baseline)
            amounts.append([*start, *_ratios(outcome), *_absolute(outcome)])
            quality.append([*start, *_quality(fitted, outcome)])
    amounts.append(["published", "middles of ranges", "-", *_published(), "-"])
    columns = ["data", "basis set", "baseline", *HEADS, "tCr (mmol/kg)"]
    caption = (
        "Ratios with their bounds, and tCr by the water as if the voxel were pure water. *Published*: "
        "ratios of the middles of the ranges of concentrations of brain in the public code of Shamaei 2023 "
        "([doi:10.1016/j.compbiomed.2023.106837](https://doi.org/10.1016/j.compbiomed.2023.106837)); "
        "they are of many places and methods. Ranges of ratios for these voxels: not given."
    )
    more = [
        "data",
        "basis set",
        "baseline",
        "CRLB (%): " + HEADS[0].split("/")[0],
        "tCr",
        "tCho",
        "Ins",
        "Glx",
    ]
    more += ["NAA FWHM (Hz)", "NAA SNR", "shift (ppm)", "phase (degrees)", "delay (µs)"]
    more += ["residual / noise", "whiteness", "widening", "line (ppm)", "z", "iterations", "flags"]
    text = (
        "Quality of the same fits. For 3 T PRESS of the parietal lobe at 26 sites, linewidths of NAA of"
        " 4.4 to 5.0 Hz and SNRs of 174 to 289 are published (abstract of Považan 2020, "
        "[doi:10.1148/radiol.2020191037](https://doi.org/10.1148/radiol.2020191037); its SNR is defined"
        " otherwise). *Widening*: how much larger errors are than bounds, as the residual tells; *line*: what "
        "stands out of the residual most."
    )
    return [Table.filled(caption, columns, amounts), Table.filled(text, more, quality)]


def _ratios(outcome: Outcome) -> list[str]:
    scaled = outcome.scaled["internal"]
    columns = [outcome.column(name) for name in RATIOS]
    return [f"{scaled.value[0, n]:.3f} ± {scaled.sd[0, n]:.3f}" for n in columns]


def _absolute(outcome: Outcome) -> list[str]:
    scaled = outcome.scaled.get("molality")
    return ["-" if scaled is None else f"{scaled.value[0, outcome.column('Cr+PCr')]:.2f}"]


def _published() -> list[str]:
    middle = {name: sum(ends) / 2 for name, ends in DQ_RANGES.items()}
    whole = middle["Cr"] + middle["PCr"]
    return [f"{sum(middle[part] for part in name.split('+')) / whole:.2f}" for name in RATIOS]


def _quality(fitted: MRSData, outcome: Outcome) -> list[str]:
    names = ("NAA+NAAG", "Cr+PCr", *RATIOS[1:])
    naa = outcome.column("NAA")
    assert outcome.line is not None
    assert outcome.widening is not None
    return [
        *(f"{outcome.crlb_percent[0, outcome.column(name)]:.1f}" for name in names),
        f"{outcome.fwhm_hz[0, naa]:.2f}",
        f"{outcome.snr[0, naa]:.0f}",
        f"{outcome.shift_hz[0, 0] / fitted.spectrometer_frequency_mhz:+.4f}",
        f"{np.degrees(outcome.phase_rad[0]):.1f}",
        f"{1e6 * outcome.delay_s[0]:.0f}",
        f"{_over_noise(fitted, outcome):.2f}",
        f"{outcome.residual_whiteness[0]:.2f}",
        f"{outcome.widening[0]:.2f}",
        f"{outcome.line[0]:.2f}",
        f"{outcome.line[1]:.1f}",
        str(int(outcome.iterations[0])),
        ", ".join(tokens(int(outcome.flags[0]))) or "none",
    ]


def _over_noise(fitted: MRSData, outcome: Outcome) -> float:
    """Return the SD of the residual in the window over that of the noise."""
    fid = fitted.fid[0, 0, 0].astype(np.complex128)
    left = fid - outcome.fit[0]
    return float(_window_sd(fitted, left) / noise_sd(fid, fitted.ppm_axis))


def _window_sd(data: MRSData, fids: Complex) -> Real:
    bins = fid_to_spectrum(fids)[..., ppm_window(data.ppm_axis, WINDOW_PPM)]
    values: Real = np.sqrt((np.abs(bins) ** 2).mean(axis=-1) / 2)
    return values


def _with_group(case: QuantifyCase, baseline: str) -> tuple[MRSData, Outcome]:
    """Fit with measured macromolecules in a group of their own, where the background has none."""
    return case.fit(baseline) if baseline == DEFAULT else case.fit(baseline, metab_groups=("Mac",))


def _measured_mm(cases: Sequence[QuantifyCase]) -> Table:
    columns = ["basis set", "baseline", *HEADS, "residual / noise", "whiteness", "left of metabolites"]
    caption = (
        "PRESS TE 30 with macromolecules from the same head: `sub-01_press-inverted` (inversion 600 ms "
        "before, metabolites nulled) in place of the MM of the basis set. *Left of metabolites*: what "
        "the nulled spectrum still held of them, as a share of the spectrum with metabolites; it was "
        "taken off."
    )
    rows = []
    for case in cases:
        measured = with_measured_mm(case)
        for one, shares in ((case, None), measured or (replace(case, data=None, basis_name=NOT_RUN), None)):
            for baseline in BASELINES:
                if one.data is None:
                    rows.append([one.basis_name, baseline])
                    continue
                fitted, outcome = _with_group(one, baseline) if shares else one.fit(baseline)
                left = ", ".join(f"{name} {share:+.3f}" for name, share in (shares or {}).items()) or "-"
                row = [f"{_over_noise(fitted, outcome):.2f}", f"{outcome.residual_whiteness[0]:.2f}", left]
                rows.append([one.basis_name, baseline, *_ratios(outcome), *row])
    return Table.filled(caption, columns, rows)


def _mrsi() -> Table:
    columns = ["fit", "baseline", "voxels", "flagged", *STRUCTURED, "widening, median"]
    columns += [f"{head}, median" for head in HEADS]
    columns += ["residual SD", "over that of FSL-MRS, median", "5 %", "95 %", "seconds"]
    caption = (
        "3 T MRSI, 48 x 48 x 1, beside the FSL-MRS fit that came with it. The header says neither "
        "sequence nor TE, and the basis set of that fit is not there: **the basis set is assumed**, "
        "which makes concentrations and ratios worth nothing; what is compared are the curves. Residual"
        " SD in the window, median of the voxels, in thousandths of the data's unit."
    )
    data, fsl_fit = in_vivo("mrsi_3t", "data.nii.gz"), in_vivo("mrsi_3t", "fit.nii.gz")
    if data is None or fsl_fit is None:
        return Table.filled(caption, columns, [["FSL-MRS, given"]])
    rows: list[list[str]] = []
    for name in _MRSI_BASES:
        for baseline in BASELINES:
            start = time.perf_counter()
            fitted, outcome = QuantifyCase("", name, data, shipped(name)).fit(baseline)
            seconds = time.perf_counter() - start
            place = tuple(outcome.voxels.T)
            fids = fitted.fid[place].astype(np.complex128)
            ours, theirs = (_window_sd(fitted, fids - fit) for fit in (outcome.fit, fsl_fit.fid[place]))
            if not rows:
                parts = ["FSL-MRS, given", "not known", str(len(fids)), "-", *["-"] * 7]
                rows.append([*parts, f"{1e3 * np.median(theirs):.3f}", "1", "1", "1", "-"])
            value = outcome.scaled["internal"].value
            medians = [f"{np.nanmedian(value[:, outcome.column(n)]):.3f}" for n in RATIOS]
            spread = [f"{v:.2f}" for v in np.nanpercentile(ours / theirs, [50, 5, 95])]
            bits = [(1 << len(FLAGS)) - 1, *(1 << FLAGS[token].bit for token in STRUCTURED)]
            counts = [str(len(fids)), *(str(int((outcome.flags & b != 0).sum())) for b in bits)]
            counts.append(f"{np.nanmedian(outcome.widening):.2f}" if outcome.widening is not None else "-")
            cells = [f"{1e3 * np.nanmedian(ours):.3f}", *spread, f"{seconds:.1f}"]
            rows.append([f"`{name}`", baseline, *counts, *medians, *cells])
    return Table.filled(caption, columns, rows)


def _rival(case: QuantifyCase) -> list[Table]:
    columns = ["program", "baseline", *HEADS, "SD (%): NAA", "Cr", "Ins", "Glu", "seconds"]
    caption = (
        f"{case.data_name} with {case.basis_name}: the same data, basis set at the same points, window, "
        "baseline and Voigt lines in both programs; FSL-MRS by Newton. SDs of single members. Seconds "
        "of the fit alone, one thread, the tables of ours included."
    )
    rows = []
    for baseline in BASELINES:
        if case.data is None:
            rows += [["fsl_mrs_dl", baseline], ["FSL-MRS", baseline]]
            continue
        start = time.perf_counter()
        fitted, outcome = replace(case, water=None).fit(baseline)
        seconds = time.perf_counter() - start
        raw, n = outcome.scaled["raw"], len(outcome.members)
        rows.append(["fsl_mrs_dl", baseline, *_compared(outcome, raw.value[0, :n], raw.sd[0, :n], seconds)])
        if not fslmrs.available():
            rows.append(["FSL-MRS", baseline])
            continue
        start = time.perf_counter()
        value, sd = fslmrs.fit(fitted.fid[0, 0, 0], outcome.basis, WINDOW_PPM, baseline)
        seconds = time.perf_counter() - start
        rows.append(["FSL-MRS", baseline, *_compared(outcome, value, sd, seconds)])
    return [Table.filled(caption, columns, rows)]


def _compared(outcome: Outcome, value: Real, sd: Real, seconds: float) -> list[str]:
    """Return ratios and relative SDs of amplitudes in the order of the members."""
    amount = dict(zip(outcome.members, value, strict=True))
    spread = dict(zip(outcome.members, sd, strict=True))
    whole = amount["Cr"] + amount["PCr"]
    ratios = [sum(amount[part] for part in name.split("+")) / whole for name in RATIOS]
    percent = [100 * spread[name] / amount[name] for name in ("NAA", "Cr", "Ins", "Glu")]
    return [*(f"{v:.3f}" for v in ratios), *(f"{v:.1f}" for v in percent), f"{seconds:.2f}"]
