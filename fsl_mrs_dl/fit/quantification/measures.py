"""Compute the measures behind a verdict from fits."""

from collections.abc import Mapping, Sequence

import numpy as np

from fsl_mrs_dl.data import Complex, MRSData, Real
from fsl_mrs_dl.fit.lcm import FitCurves, FitResult
from fsl_mrs_dl.fit.quantification.appearance import Appearance, appearance
from fsl_mrs_dl.fit.quantification.filtered_spectra import Fitted
from fsl_mrs_dl.fit.quantification.quality import QualityBand

_BROAD = ("MM", "MAC", "LIP")  # beginnings of names of members that are no metabolites
_MAIN = (("NAA+NAAG", "NAA"), ("Cr+PCr", "Cr", "PCr"), ("GPC+PCh", "PCh", "GPC"))  # visible in every brain


def _metabolites(names: Sequence[str]) -> list[int]:
    """Return the indices of the metabolites among members; all, if none is a metabolite."""
    own = [n for n, name in enumerate(names) if not name.upper().startswith(_BROAD)]
    return own or list(range(len(names)))


def measure_appearance(
    data: MRSData,
    names: Sequence[str],
    band: QualityBand,
    fids: Complex,
    result: FitResult,
    drawn: FitCurves,
    noise_sd: Real,
) -> Appearance:
    """Measure the signals beside the metabolites of fitted spectra.

    Parameters
    ----------
    data : MRSData
        Gives nucleus and frequency.
    names : sequence of str
        Of the members of the basis set.
    band : QualityBand
    fids : ndarray, complex, shape (S, time)
    result, drawn : FitResult, FitCurves
        Of these spectra.
    noise_sd : ndarray, float, shape (S,)
        Of one channel, from outside of the signal.
    """
    fitted = Fitted(
        fids,
        drawn.metabolites[:, _metabolites(names)].sum(axis=1),
        # Phase and delay count from the first group's shift.
        result.phase_rad - 2 * np.pi * result.delay_s * result.shift_hz[:, 0],
        result.delay_s,
        result.shift_hz[:, 0],
        noise_sd,
    )
    return appearance(band, fitted, data.spectrometer_frequency_mhz, data.nucleus)


def measures(
    names: Sequence[str],
    sums: Sequence[Sequence[str]],
    results: Mapping[str, Real],
    looks: Mapping[str, Real],
    spectrometer_frequency_mhz: float,
) -> tuple[dict[str, Real], str]:
    """Return the measures of a verdict, by the keys of :func:`~.grade.grade`, and the main metabolites in words.

    Parameters
    ----------
    names : sequence of str
        Of the members.
    sums : sequence of sequence of str
    results : mapping of str to ndarray
        ``crlb_percent`` of members and sums, ``snr`` of members, ``misfit``.
    looks : mapping of str to ndarray, float, shape (V,)
        The attributes of an :class:`~.appearance.Appearance`.
    spectrometer_frequency_mhz : float
    """
    columns = [*names, *("+".join(parts) for parts in sums)]
    main = [next((name for name in some if name in columns), "") for some in _MAIN]
    main = [name for name in main if name]
    own = _metabolites(names)
    # If the basis set has no main metabolite, the three with the smallest bounds replace them. The middle one
    # counts, of two the better one: a difference of edited spectra has no choline.
    certain = np.sort(results["crlb_percent"][:, [columns.index(name) for name in main] or own], axis=1)
    certain = certain[:, : len(_MAIN)]
    own_measures = {
        "snr": results["snr"][:, own].max(axis=1),
        "crlb": certain[:, (certain.shape[1] - 1) // 2],
        "misfit": results["misfit"],
        "fwhm_ppm": looks["fwhm_hz"] / spectrometer_frequency_mhz,
        "base_ppm": looks["base_hz"] / spectrometer_frequency_mhz,
    }
    return {**looks, **own_measures}, ", ".join(main) or "the best known"
