"""Task ``invivo``: the steps on measured files, each method beside the others and beside FSL-MRS."""

import numpy as np

from fsl_mrs_dl import fslmrs
from fsl_mrs_dl.data import MRSData, Real
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.physics.coils import noise_covariance
from fsl_mrs_dl.steps.align import align
from fsl_mrs_dl.steps.average import average
from fsl_mrs_dl.steps.coilcombine import coilcombine
from tests.benchmarks import quality
from tests.benchmarks.realdata import in_vivo
from tests.benchmarks.rivals import Chain, Window, aligners, difference
from tests.benchmarks.table import Page, Table, fslmrs_words

LOWER_PPM, UPPER_PPM, WHOLE_PPM = (1.8, 3.1), (3.1, 4.2), (1.8, 4.2)
"""The halves of the metabolites' range, of which one is aligned and the other judges, and the whole."""
ON, OFF = 0, 1  # places of the edit conditions along DIM_EDIT
MEGA, STEAM = "mega_press_drift_3t", "steam_7t"
PRESS = ("sub-01_press", "unedited_sub-01_act", "sub-01_press-inverted")
SEES_WINDOW_ONLY = ("gn", "srf", "corrf", "FSL-MRS align", "FSL-MRS align, align-diff")

METHOD = """\
Measured files of the folder that `FSL_MRS_DL_TEST_DATA` names. There is no truth for them; what is told is

- *water scatter*: SD, over the transients, of the place of their residual water after alignment. Water is outside
  of every alignment window here, so that a method that works within its window does not see it.
- *SI*: similarity index of complex spectra in a window; *of the lines*, after a complex cubic was taken off each
  transient, as otherwise the tail of the water decides. *Highest* is what transients reach that differ by their
  noise alone.
- *linewidth*: FWHM of one Voigt line on a sloping baseline, fitted to the average, with the SD of the fit.
- *choline left*: what the difference of ON and OFF still holds of choline, in per cent of choline in OFF. ON and
  OFF of this file are half a turn apart, so that their difference is their sum.
- *height*: of the fitted line, in SDs of the noise in one channel of the spectrum."""


def run(profile: str, seed: int) -> Page:
    """Run the task, a :class:`~tests.benchmarks.table.Task`; one of each file, and nothing random."""
    held_out = [_held_out(LOWER_PPM, UPPER_PPM), _held_out(UPPER_PPM, LOWER_PPM)]
    tables = [_whole_window(), *held_out, _deviations(), _steam(), _agreement(), _remove()]
    return Page("Measured data", METHOD, tables, fslmrs_words())


def _whole_window() -> Table:
    columns = [
        "method",
        "water scatter ON (Hz)",
        "OFF",
        "Cr linewidth ON (Hz)",
        "OFF",
        "NAA linewidth OFF (Hz)",
    ]
    columns += ["choline left (%)", "flagged FIDs"]
    caption = (
        "3 T MEGA-PRESS, 20 x ON and OFF, `align` with its own window, 1.8 to 4.2 ppm. sr, crr and corr use the "
        "whole band, water included: for them its scatter is no independent measure."
    )
    data = in_vivo(MEGA, "metab.nii.gz")

    def row(name: str, one: MRSData, flagged: int | None) -> list[str]:
        widths = [quality.line(one, "Cr", ON), quality.line(one, "Cr", OFF), quality.line(one, "NAA", OFF)]
        scatter = [f"{v:.3f}" for v in quality.water_scatter(one)[0]]
        count = "-" if flagged is None else f"{flagged} of {quality.fids(one)[..., 0].size}"
        return [name, *scatter, *map(quality.width, widths), f"{100 * quality.choline_left(one):.0f}", count]

    rows = [["before"] if data is None else row("before", data, None)]
    for name, aligner in aligners(WHOLE_PPM):
        rows.append([name] if data is None or aligner is None else row(name, *aligner(data)))
    return Table.filled(caption, columns, rows)


def _held_out(ppm: Window, unseen: Window) -> Table:
    where, option = "{:g} to {:g} ppm".format(*unseen), "--ppm {:g} {:g}".format(*ppm)
    columns = ["method", "sees the scored lines", "SI ON", "SI OFF", "SI of the lines ON", "OFF"]
    caption = (
        f"The same file after `align {option}`, scored from {where}. sr, corr and crr use the whole band, crrf "
        "2.5 to 3.5 ppm as far as they are in the window; it refuses a window without creatine."
    )
    data = in_vivo(MEGA, "metab.nii.gz")

    def row(name: str, sees: str, indices: list[Real]) -> list[str]:
        return [name, sees, *(f"{v:.4f}" for v in np.ravel(indices))]

    def scores(one: MRSData) -> list[Real]:
        return [quality.similarity(one, unseen, lines=lines) for lines in (False, True)]

    rows = [["before"] if data is None else row("before", "-", scores(data))]
    for name, aligner in aligners(ppm):
        if data is None or aligner is None:
            rows.append([name])
            continue
        try:
            rows.append(row(name, "no" if name in SEES_WINDOW_ONLY else "yes", scores(aligner(data)[0])))
        except DataError:
            rows.append([name, "-", *["refused"] * 4])
    if data is not None:
        highest = [quality.highest_similarity(data, unseen, lines=lines) for lines in (False, True)]
        rows.append(row("highest", "-", highest))
    return Table.filled(caption, columns, rows)


def _deviations() -> Table:
    columns = ["window (ppm)", "shift ON (Hz): stated SD", "water", "OFF: stated SD", "water"]
    columns += ["phase ON (degrees): stated SD", "water", "OFF: stated SD", "water"]
    caption = (
        "The same file, `gn`: the median SD that it states beside the scatter of the water that it does not see. "
        "The scatter holds also what moves water alone."
    )
    data = in_vivo(MEGA, "metab.nii.gz")
    rows = []
    for window in (LOWER_PPM, UPPER_PPM, WHOLE_PPM):
        rows.append(["{:g} to {:g}".format(*window)])
        if data is None:
            continue
        result = align(data, ppm=window)
        assert result.estimates is not None
        stated = (result.estimates.shift_hz_sd[0, 0, 0], np.degrees(result.estimates.phase_rad_sd[0, 0, 0]))
        place, turn = quality.water_scatter(result.data)
        for sd, scatter, digits in zip(stated, (place, np.degrees(turn)), (3, 2), strict=True):
            for n in (ON, OFF):
                rows[-1] += [f"{np.median(sd[:, n]):.{digits}f}", f"{scatter[n]:.{digits}f}"]
    return Table.filled(caption, columns, rows)


def _steam() -> Table:
    columns = ["program", "steps", "reference of ecc", "SI of the lines 3.1-4.2 ppm", "Cr linewidth (Hz)"]
    columns += ["NAA linewidth (Hz)", "NAA height", "water scatter (Hz)"]
    caption = (
        "7 T STEAM, 4 coils x 16: `coilcombine` with the weights of `wref_raw`, `ecc` with a reference averaged "
        "and combined in the same way, `align --ppm 1.8 3.1`."
    )
    data, water = in_vivo(STEAM, "metab_raw.nii.gz"), in_vivo(STEAM, "wref_raw.nii.gz")
    if data is None or water is None:
        return Table.filled(caption, columns, [["fsl_mrs_dl"]])
    water = average(water).data

    def row(program: str, steps: str, reference: str, one: MRSData) -> list[str]:
        naa = quality.line(one, "NAA")
        widths = [quality.width(quality.line(one, "Cr")), quality.width(naa)]
        index = f"{quality.similarity(one, UPPER_PPM, lines=True)[0]:.4f}"
        return [
            program,
            steps,
            reference,
            index,
            *widths,
            f"{naa.height_sd:.1f}",
            f"{quality.water_scatter(one)[0][0]:.2f}",
        ]

    rows = []
    for program in ("fsl_mrs_dl", "FSL-MRS"):
        chain = Chain(program == "FSL-MRS")
        if chain.fsl_mrs and not fslmrs.available():
            rows.append([program])
            continue
        combined = chain.coilcombine(data, water)
        rows.append(row(program, "coilcombine", "-", combined))
        rows.append(row(program, "coilcombine, align", "-", chain.align(combined, LOWER_PPM)))
        for name in ("ecc", "wref_raw", "quant_raw"):
            reference = in_vivo(STEAM, f"{name}.nii.gz")
            if reference is None:
                continue
            reference = average(reference).data if "DIM_DYN" in reference.dim_tags else reference
            corrected = chain.ecc(combined, chain.coilcombine(reference, water))
            rows.append(row(program, "coilcombine, ecc", f"`{name}`", corrected))
            rows.append(
                row(program, "coilcombine, ecc, align", f"`{name}`", chain.align(corrected, LOWER_PPM))
            )
    highest = quality.highest_similarity(coilcombine(data, reference=water).data, UPPER_PPM, lines=True)
    rows.append(["highest", "-", "-", f"{highest[0]:.4f}", "-", "-", "-", "-"])
    return Table.filled(caption, columns, rows)


def _agreement() -> Table:
    columns = ["step", "relative difference"]
    caption = (
        "7 T STEAM: results of this package against those of FSL-MRS from the same input, all FIDs together, "
        "after one complex constant. FSL-MRS 2.4 agrees when it is given the complex conjugate of the noise "
        "covariance."
    )
    data, water = in_vivo(STEAM, "metab_raw.nii.gz"), in_vivo(STEAM, "wref_raw.nii.gz")
    if data is None or water is None or not fslmrs.available():
        return Table.filled(caption, columns, [["coilcombine"]])
    water, ours, theirs = average(water).data, Chain(False), Chain(True)
    combined, reference = ours.coilcombine(data, water), ours.coilcombine(water, water)
    transients = np.moveaxis(data.fid[0, 0, 0], 0, -1).swapaxes(0, 1).astype(np.complex128)
    covariance = noise_covariance(transients, np.ones(transients.shape[:2], dtype=bool))
    corrected = ours.ecc(combined, reference)
    aligned = ours.align(corrected, WHOLE_PPM)
    foreign = theirs.coilcombine(data, water)
    mixed = theirs.average(ours.align(foreign, WHOLE_PPM))
    own = ours.average(ours.align(combined, WHOLE_PPM))
    conjugated = theirs.coilcombine(data, water, covariance.conj())
    retold = theirs.average(ours.align(conjugated, WHOLE_PPM))
    differences = [
        ("coilcombine, as it is", difference(combined, foreign)),
        ("coilcombine, FSL-MRS given the conjugate covariance", difference(combined, conjugated)),
        ("ecc", difference(corrected, theirs.ecc(combined, reference))),
        ("average", difference(ours.average(aligned), theirs.average(aligned))),
        ("FSL-MRS coilcombine, our align, FSL-MRS average, against our three", difference(own, mixed)),
        ("the same, FSL-MRS given the conjugate covariance", difference(own, retold)),
    ]
    return Table.filled(caption, columns, [[name, f"{value:.3g}"] for name, value in differences])


def _remove() -> Table:
    columns = ["file", "program", "water energy left (%)", "NAA linewidth (Hz)", "NAA height"]
    caption = "3 T PRESS: `remove`, 4.5 to 4.8 ppm. `sub-01_press-inverted` has its metabolites nulled."
    rows = []
    for name in PRESS:
        data = in_vivo("press_3t", f"{name}.nii.gz")
        if data is None:
            rows.append([f"`{name}`"])
            continue
        before = quality.energy(data, quality.WATER_PPM)
        results = {"before": data, "fsl_mrs_dl": Chain(False).remove(data)}
        if fslmrs.available():
            results["FSL-MRS"] = Chain(True).remove(data)
        for program, one in results.items():
            naa = quality.line(one, "NAA")
            left = f"{100 * quality.energy(one, quality.WATER_PPM) / before:.3g}"
            height = f"{naa.height_sd:.0f}" if naa.height_sd > 0 else "-"
            rows.append([f"`{name}`", program, left, quality.width(naa), height])
    return Table.filled(caption, columns, rows)
