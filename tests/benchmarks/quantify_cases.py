"""The measured spectra of task ``quantify_invivo``, prepared for a fit, and their basis sets.

``python -m tests.benchmarks.quantify_cases FOLDER`` draws three of the fits into a folder.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from fsl_mrs_dl.data import Basis, MRSData
from fsl_mrs_dl.fit.basis import basis_for
from fsl_mrs_dl.fit.lcm import Baseline
from fsl_mrs_dl.fit.lcm.baseline import smoother
from fsl_mrs_dl.io.basis import read_basis
from fsl_mrs_dl.io.results import Outcome
from fsl_mrs_dl.physics import (
    correct,
    covered_points,
    damp,
    fid_to_spectrum,
    first_order_phase,
    ppm_window,
    spectrum_to_fid,
)
from fsl_mrs_dl.simulate.shipped import shipped_basis
from fsl_mrs_dl.steps.average import average
from fsl_mrs_dl.steps.quantify import quantify
from fsl_mrs_dl.steps.remove import remove
from tests.benchmarks.realdata import data_folder, in_vivo, philips_basis
from tests.benchmarks.rivals import Chain

FIELD_TOLERANCE = 0.05  # relative: scanners of 3 T, 123.2 to 127.8 MHz, share the shipped sets
DEFAULT, STIFF, FLEXIBLE = "auto", "poly, 2", "spline, moderate"
BASELINES = (DEFAULT, STIFF, FLEXIBLE)
WINDOW_PPM = (0.2, 4.2)  # where quantify fits by default
NULLED = "sub-01_press-inverted"
_LEFT = ("NAA", "Cr", "Glu", "Ins", "GPC")
_SMOOTHING = (
    6.0  # rad/s of a Gaussian, 3 Hz: takes noise from the macromolecules, which are ten times as wide
)
_BETWEEN_PPM = 3.5  # between the lines of creatine, CH3 at 3.03 and CH2 at 3.91 ppm


@dataclass(frozen=True, eq=False)
class QuantifyCase:
    """One spectrum, or one file of them, with one basis set; absent files are None."""

    data_name: str
    basis_name: str
    data: MRSData | None
    basis: Basis | None
    water: MRSData | None = None

    def fit(self, baseline: str, **options: Any) -> tuple[MRSData, Outcome]:
        """Return what was fitted, and the fit."""
        assert self.data is not None
        assert self.basis is not None
        axes = (self.data.dwelltime_s, self.data.spectrometer_frequency_mhz)
        options.setdefault("points", min(self.data.n_points, covered_points(self.basis, *axes)))
        passed = {"h2o": self.water} if self.water is not None else {}
        result = quantify(
            self.data,
            basis=self.basis,
            baseline=baseline,
            field_tolerance=FIELD_TOLERANCE,
            **passed,
            **options,
        )
        assert result.outcome is not None
        assert result.fitted is not None
        return result.fitted, result.outcome


def single_voxels() -> Iterator[QuantifyCase]:
    """Yield the single-voxel spectra, each with each of its basis sets."""
    scan, water = in_vivo("press_3t", "sub-01_press.nii.gz"), in_vivo("press_3t", "sub-01_press_ref.nii.gz")
    yield QuantifyCase("PRESS TE 30", "ISMRM 2016", scan, challenge(), water)
    yield QuantifyCase("PRESS TE 30", "`press_3t_te30`", scan, shipped("press_3t_te30"), water)
    scan, water = (
        in_vivo("press_3t", "unedited_sub-01_act.nii.gz"),
        in_vivo("press_3t", "unedited_sub-01_ref.nii.gz"),
    )
    scan = None if scan is None else remove(scan).data
    yield QuantifyCase("PRESS TE 35", "its `.BASIS`, no MM", scan, philips_basis(), water)
    yield QuantifyCase("PRESS TE 35", "`press_3t_te35`", scan, shipped("press_3t_te35"), water)
    scan, water = _steam()
    yield QuantifyCase("7 T STEAM TE 11", "`steam_7t_te11`", scan, shipped("steam_7t_te11"), water)


def shipped(name: str) -> Basis:
    """Return a shipped basis set."""
    return read_basis(shipped_basis(name))


def challenge() -> Basis | None:
    """Return the basis set of the ISMRM 2016 fitting challenge; None if it is absent."""
    path = data_folder() / "ismrm2016_basis" / "press3T_30ms.BASIS"
    return read_basis(path) if path.exists() else None


def _steam() -> tuple[MRSData | None, MRSData | None]:
    """Return the 7 T spectrum from its coils and transients, and its water."""
    results = steam_transients()
    if results is None:
        return None, None
    transients, water = results
    return average(transients).data, water


def steam_transients() -> tuple[MRSData, MRSData] | None:
    """Return the aligned 7 T transients, coils combined, and their water; None if a file is absent."""
    raw, weights, water = (
        in_vivo("steam_7t", f"{name}.nii.gz") for name in ("metab_raw", "wref_raw", "quant_raw")
    )
    if raw is None or weights is None or water is None:
        return None
    chain = Chain(fsl_mrs=False)
    weights = average(weights).data
    reference = chain.coilcombine(average(water).data, weights)
    corrected = chain.ecc(chain.coilcombine(raw, weights), reference)
    return chain.align(corrected, (1.8, 4.2)), chain.ecc(reference, reference)


def with_measured_mm(case: QuantifyCase) -> tuple[QuantifyCase, dict[str, float]] | None:
    """Return a case whose macromolecules are the metabolite-nulled spectrum, and what was left of metabolites.

    The nulled spectrum is of the same session. Its water is removed; shift, phase and delay are those of the fit
    of the spectrum with metabolites. What is left of metabolites, told from the macromolecules by its width, is
    taken off; the CH2 of creatine, whose T1 is shorter, apart from its CH3. The noise is smoothed by a Gaussian of
    3.2 Hz.

    Parameters
    ----------
    case : QuantifyCase

    Returns
    -------
    tuple or None
        None where a file is absent. What was left is a share of what the spectrum with metabolites has.
    """
    nulled = in_vivo("press_3t", f"{NULLED}.nii.gz")
    if nulled is None or case.data is None or case.basis is None:
        return None
    fitted, outcome = case.fit(FLEXIBLE)
    plain = basis_for(fitted, case.basis, field_tolerance=FIELD_TOLERANCE)
    fid = remove(nulled).data.fid[0, 0, 0, : fitted.n_points].astype(np.complex128)
    fid = correct(fid, outcome.shift_hz[0, 0], outcome.phase_rad[0], fitted.dwelltime_s)
    fid = first_order_phase(fid, -outcome.delay_s[0], fitted.dwelltime_s)
    rows = [plain.names.index(name) for name in _LEFT]
    lines = damp(np.asarray(plain.fids)[rows], outcome.gamma[:, 0], outcome.sigma[:, 0], fitted.dwelltime_s)
    creatine, high = fid_to_spectrum(lines[_LEFT.index("Cr")]), fitted.ppm_axis > _BETWEEN_PPM
    lines = np.vstack([lines, spectrum_to_fid(creatine * high)])
    lines[_LEFT.index("Cr")] = spectrum_to_fid(creatine * ~high)
    inside = ppm_window(fitted.ppm_axis, WINDOW_PPM)
    curves, share = smoother(Baseline.parse("spline, very-flexible"), int(inside.sum()))
    bins = fid_to_spectrum(np.vstack([lines, fid]))[:, inside]
    narrow = bins - (share * (bins @ curves)) @ curves.T
    split = np.concatenate([narrow.real, narrow.imag], axis=1)
    left = np.linalg.lstsq(split[:-1].T, split[-1], rcond=None)[0]
    raw = outcome.scaled["raw"].value[0]
    shares = {name: float(left[n] / raw[outcome.column(name)]) for n, name in enumerate(_LEFT)}
    shares["CH2 of Cr"] = float(left[-1] / raw[outcome.column("Cr")])
    measured = damp(fid - left @ lines, np.zeros(1), np.full(1, _SMOOTHING), fitted.dwelltime_s)
    chosen = [n for n, name in enumerate(plain.names) if name != "Mac" and not name.startswith("MM")]
    size = np.linalg.norm(plain.fids, axis=1).max() / np.linalg.norm(measured)
    basis = replace(
        plain,
        fids=np.vstack([plain.fids[chosen], np.ravel(measured * size)]),
        names=(*(plain.names[n] for n in chosen), "Mac"),
        name=f"{plain.name} and measured MM",
    )
    return replace(case, basis=basis, basis_name=f"{case.basis_name}, measured MM"), shares


def draw(folder: Path) -> None:
    """Draw fits into a folder."""
    from fsl_mrs_dl.report import save_fit_figure

    cases = list(single_voxels())
    names = {1: "press30", 3: "press35", 4: "steam"}
    for n, name in names.items():
        save_fit_figure(*cases[n].fit(DEFAULT), folder / f"fit-{name}.png")
    measured = with_measured_mm(cases[1])
    if measured is not None:
        save_fit_figure(*measured[0].fit(STIFF, metab_groups=("Mac",)), folder / "fit-press30-mm.png")


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
