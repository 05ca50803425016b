"""Settings of ``quantify`` that are judged, those of FSL-MRS, and what each makes of spectra."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from fsl_mrs_dl import fslmrs
from fsl_mrs_dl.data import FLAGS, Basis, MRSData, Real
from fsl_mrs_dl.fit.background import LEFT_OUT
from fsl_mrs_dl.fit.basis import basis_for
from fsl_mrs_dl.fit.quantification import fit_window
from fsl_mrs_dl.io.basis import read_basis
from fsl_mrs_dl.simulate.shipped import shipped_basis
from fsl_mrs_dl.steps.quantify import quantify
from tests.benchmarks.quantify_cases import FIELD_TOLERANCE

DEFAULT = "default"
SETTINGS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        DEFAULT: {},
        "poly, 2": {"baseline": "poly, 2"},
        "spline, moderate": {"baseline": "spline, moderate"},
    }
)
"""Name -> keyword arguments of ``quantify`` beside data and basis set. All but the default are fixed settings."""
RIVALS: Mapping[str, str] = MappingProxyType(
    {"FSL-MRS, poly, 2": "poly, 2", "FSL-MRS, spline, moderate": "spline, moderate"}
)
"""Name -> baseline of FSL-MRS."""
SUMS = (("NAA", "NAAG"), ("Glu", "Gln"), ("GPC", "PCh"))
CREATINES = ("Cr", "PCr")
LEVELS = (68, 95)  # of the intervals, in %
_FAILED = sum(1 << FLAGS[token].bit for token in ("nonfinite", "zero", "no_convergence", "out_of_range"))


@dataclass(frozen=True, eq=False)
class Ratios:
    """Ratios to total creatine of n spectra, by one setting.

    Attributes
    ----------
    likelihood : mapping of str to ndarray, float, shape (n,)
        Metabolite, or sum as ``"Glu+Gln"`` -> maximum-likelihood ratio; zero where none could be formed.
    mean : mapping of str to ndarray, float, shape (n,)
        Likewise the posterior mean; empty for FSL-MRS.
    intervals : mapping of int to mapping of str to tuple of ndarray
        Level in per cent -> name -> low and high end; empty for FSL-MRS.
    flagged, failed : ndarray, bool, shape (n,)
        Whether there was anything to say; whether the fit did not settle or gave no ratios.
    seconds : float
        For all spectra.
    creatine : ndarray, float, shape (n,), or None
        Amplitude of total creatine, maximum likelihood, in units of the basis set.
    """

    likelihood: Mapping[str, Real]
    mean: Mapping[str, Real]
    intervals: Mapping[int, Mapping[str, tuple[Real, Real]]]
    flagged: NDArray[np.bool_]
    failed: NDArray[np.bool_]
    seconds: float
    creatine: Real | None = None


@contextmanager
def prior_without(mm: str) -> Iterator[None]:
    """Let ``quantify`` know nothing of a table of macromolecules while the context lasts.

    The table of the shipped basis sets stays one of its hypotheses: it comes with the basis set.

    Parameters
    ----------
    mm : str
        As in :class:`~.world.World`.
    """
    before = LEFT_OUT.set((mm,))
    try:
        yield
    finally:
        LEFT_OUT.reset(before)


@cache
def shipped(name: str) -> Basis:
    """Return a shipped basis set by name."""
    return read_basis(shipped_basis(name))


def by_quantify(data: MRSData, fitted: str, options: Mapping[str, Any], *, without_mm: str) -> Ratios:
    """Return what ``quantify`` finds with a shipped basis set.

    Parameters
    ----------
    data : MRSData
    fitted : str
        Name of the basis set.
    options : mapping
        Keyword arguments beside data and basis set.
    without_mm : str
        Table of macromolecules that its prior must not know.
    """
    return by_basis(data, shipped(fitted), options, without_mm=without_mm)


def by_basis(data: MRSData, basis: Basis, options: Mapping[str, Any], *, without_mm: str) -> Ratios:
    """Return what ``quantify`` finds with any basis set; see :func:`by_quantify`."""
    started = time.perf_counter()
    with prior_without(without_mm):
        result = quantify(data, basis=basis, **options).outcome
    seconds = time.perf_counter() - started
    assert result is not None
    scaled = result.scaled["internal"]

    def columns(values: Real) -> dict[str, Real]:
        finite = np.where(np.isfinite(values), values, 0.0)
        return {name: finite[:, m] for m, name in enumerate(result.names)}

    ends = {
        level: (columns(scaled.extra[f"ci{level}_low"]), columns(scaled.extra[f"ci{level}_high"]))
        for level in LEVELS
    }
    raw = dict(zip(result.names, result.scaled["raw"].value.T, strict=True))
    unusable = ~np.isfinite(scaled.value).all(axis=1)
    return Ratios(
        columns(scaled.value),
        columns(scaled.extra["posterior_mean"]),
        {level: {name: (low[name], high[name]) for name in low} for level, (low, high) in ends.items()},
        result.flags != 0,
        unusable | (result.flags & _FAILED != 0),
        seconds,
        np.sum([raw[name] for name in CREATINES], axis=0),
    )


def by_fsl_mrs(data: MRSData, fitted: str, baseline: str) -> Ratios:
    """Return what FSL-MRS's Newton finds with the same basis set at the same points, window and Voigt line.

    Parameters
    ----------
    data : MRSData
    fitted : str
        Name of the shipped basis set.
    baseline : str
        As ``fsl_mrs --baseline`` takes it.
    """
    basis = basis_for(data, shipped(fitted), field_tolerance=FIELD_TOLERANCE)
    window = fit_window(data.nucleus, None)
    fids = data.fid.reshape(-1, data.n_points)
    started = time.perf_counter()
    amplitudes = np.array(
        [
            fslmrs.fit(fid, basis, window, baseline)[0]
            for fid in tqdm(fids, desc="FSL-MRS", leave=False, disable=None)
        ]
    )
    seconds = time.perf_counter() - started
    amount = dict(zip(basis.names, amplitudes.T, strict=True))
    creatine = sum(amount[name] for name in CREATINES)
    failed = ~np.isfinite(amplitudes).all(axis=1) | ~(creatine > 0)
    whole = np.where(failed, np.inf, creatine)
    ratios = {name: np.nan_to_num(value) / whole for name, value in amount.items()}
    sums = {"+".join(parts): np.sum([ratios[part] for part in parts], axis=0) for parts in SUMS}
    return Ratios(ratios | sums, {}, {}, failed, failed, seconds, np.asarray(creatine))
