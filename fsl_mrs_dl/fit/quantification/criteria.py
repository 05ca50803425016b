"""Criteria of the verdict: measures of a spectrum and their limits, all in :data:`CRITERIA`.

The measures are those of the experts' consensus: signal-to-noise ratio, linewidth, suppression of water, unwanted
coherences (abstract of Öz et al 2020, doi:10.1002/nbm.4236), and the residual against the noise (Wilson et al
2019, doi:10.1002/mrm.27742, and Near et al 2021, doi:10.1002/nbm.4257). *Measured* limits are those that spectra
of healthy brains from several scanners keep, with a margin; the benchmark ``verdict`` measures and tests them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import VERDICTS, Real

GOOD, USABLE, UNUSABLE = (VERDICTS[word].code for word in ("good", "usable", "unusable"))
WATER_ALONE = 400.0
"""Height of water over that of metabolites, from which it was not suppressed. Measured: at least 1450 without and
at most 110 with suppression; the limit is in between."""
TURNED = 3.0
"""Structure in the mirror image over that in the fit window, from which data are conjugated. Measured: at most
0.2, and at least 6 for conjugated copies."""
BESIDE = 0.5
"""The same ratio, from which a part of the signal is not of the nucleus: above all measured ones, at most 0.2."""
SIGNAL = 10.0
"""SNR from which the main metabolites cannot be hidden by noise; also the limit of a good spectrum."""
LINE = 6.0
"""Height of the highest line in SDs of the noise, from which it is signal: noise alone has about 3."""


@dataclass(frozen=True)
class Criterion:
    """One measure with two limits.

    Attributes
    ----------
    good, usable : float
        Limit of a good and of a usable spectrum: the smallest value if ``at_least``, else the largest.
    label : str
        A short name.
    words : str
        The reason that is printed beyond a limit; ``{value}``, ``{percent}``, ``{limit}`` and any measure stand
        for numbers, ``{main}`` for the main metabolites, ``{side}`` for whether the fit is too low or too high.
    unit : str
        Of the limits; empty for ratios.
    source : str
        Source of the limits.
    at_least : bool
        Whether the limits are lower limits.
    protons : bool
        Whether it is for 1H only.
    family : str
        Criteria of one family have the same cause: only the first of the worst is printed.
    """

    good: float
    usable: float
    label: str
    words: str
    unit: str
    source: str
    at_least: bool = False
    protons: bool = False
    family: str = ""

    def beyond(self, values: Real) -> NDArray[np.int8]:
        """Return the verdict by this measure alone; good where the measure is NaN."""
        sign = -1.0 if self.at_least else 1.0
        with np.errstate(invalid="ignore"):
            bad = (sign * values > sign * self.good).astype(np.int8)
            worse = (sign * values > sign * self.usable).astype(np.int8)
        return (GOOD + bad + worse).astype(np.int8)

    def limit(self, verdict: int) -> float:
        """Return the limit that leads to a verdict."""
        return self.usable if verdict == UNUSABLE else self.good


MEASURED = "measured"

CRITERIA: Mapping[str, Criterion] = MappingProxyType(
    {
        "snr": Criterion(
            10.0,
            3.0,
            "noise",
            "SNR {value:.0f}, below {limit:g}: too much noise",
            "",
            "Öz 2020 asks for the quantity; 3 is the usual limit of detection, 10 of this program",
            at_least=True,
        ),
        "echo": Criterion(
            0.03,
            0.15,
            "spurious echo",
            "a spurious echo at {echo_ppm:.1f} ppm, {percent:.0f} % of the metabolites",
            "",
            f"{MEASURED}; unwanted coherences, Öz 2020",
            protons=True,
        ),
        "fwhm_ppm": Criterion(
            0.07,
            0.1,
            "linewidth",
            "linewidth {fwhm_hz:.1f} Hz ({value:.3f} ppm), above {limit:g} ppm: poor shim or motion",
            "ppm",
            f"good: {MEASURED}; usable: the customary limit of metabolites' lines",
            protons=True,
            family="lines",
        ),
        "base_ppm": Criterion(
            0.125,
            0.25,
            "lineshape",
            "lineshape with a broad or double foot ({value:.2f} ppm at a quarter of the height): uneven shim or "
            "motion",
            "ppm",
            f"{MEASURED}; a Lorentzian line of the largest good width has 0.12 ppm",
            protons=True,
            family="lines",
        ),
        "distorted": Criterion(
            0.27,
            0.6,
            "lineshape",
            "lineshape that the fit could not take ({percent:.0f} % of the metabolites lies beside their lines): "
            "motion or uneven shim",
            "",
            MEASURED,
            protons=True,
            family="lines",
        ),
        "lipid": Criterion(
            0.25,
            1.0,
            "lipid",
            "lipid at 1.3 ppm, {percent:.0f} % of the highest metabolite",
            "",
            MEASURED,
            protons=True,
        ),
        "line": Criterion(
            0.23,
            0.6,
            "unmodelled line",
            "{side} at {line_ppm:.2f} ppm, {percent:.0f} % of the highest metabolite",
            "",
            f"{MEASURED}; the residual, Wilson 2019",
        ),
        "crlb": Criterion(
            25.0,
            50.0,
            "uncertain main metabolites",
            "the main metabolites ({main}) are uncertain by {value:.0f} %",
            "%",
            "of the program; large relative bounds of small metabolites count for nothing (Kreis 2016, "
            "doi:10.1002/mrm.25568)",
        ),
        "misfit": Criterion(
            0.18,
            0.5,
            "misfit",
            "the residual holds {percent:.0f} % of the metabolites' signal, more than in good spectra: check "
            "that the basis set has the field, echo time and sequence of the scan",
            "",
            f"{MEASURED}; the residual over the noise, Near 2021",
            family="rest",
        ),
        "undescribed": Criterion(
            0.42,
            0.8,
            "unmodelled structure",
            "unmodelled structure of {percent:.0f} % of the metabolites of the basis set",
            "",
            MEASURED,
            protons=True,
            family="rest",
        ),
        "water": Criterion(
            30.0,
            WATER_ALONE,
            "residual water",
            "residual water {value:.0f} times as high as the metabolites: remove it first",
            "",
            "water suppression, Öz 2020; limits of the program",
            protons=True,
        ),
    }
)
"""Measure -> its limits; a reason lists them in this order."""
_OR_AMPLITUDES = ", or wrong amplitudes of the regressor"
REGRESSED: Mapping[str, Criterion] = MappingProxyType(
    {
        **CRITERIA,
        "base_ppm": replace(CRITERIA["base_ppm"], words=CRITERIA["base_ppm"].words + _OR_AMPLITUDES),
        "distorted": replace(CRITERIA["distorted"], words=CRITERIA["distorted"].words + _OR_AMPLITUDES),
        "misfit": replace(
            CRITERIA["misfit"],
            words="the regressor's amplitudes leave {percent:.0f} % of the metabolites' signal unexplained, more "
            "than a fit of good spectra: take the fit (leave --model out, or --refine 40)",
        ),
    }
)
"""The same limits for amplitudes of a regressor, whose errors are the likeliest cause of what is left over."""
