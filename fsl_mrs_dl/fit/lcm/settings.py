"""Settings of a linear-combination fit."""

from dataclasses import dataclass

from fsl_mrs_dl.errors import OptionError
from fsl_mrs_dl.physics.macromolecules import MM_SETS

BASIS_TABLE = "wilson_2011"
"""Table of the macromolecules in shipped basis sets and in FSL-MRS's ``--add_MM``."""
SPLINES = {"very-stiff": 3.0, "stiff": 10.0, "moderate": 20.0, "flexible": 30.0, "very-flexible": 50.0}
"""FSL-MRS's names of a spline baseline -> effective dimension, that is its number of free complex values."""


@dataclass(frozen=True)
class Baseline:
    """A smooth baseline in the fit window.

    Attributes
    ----------
    kind : {"off", "poly", "spline", "auto"}
        ``auto``: a background with a Gaussian prior, whose hypotheses the data weigh, see
        :mod:`fsl_mrs_dl.fit.background`.
    order : int
        Of the polynomial (complex coefficients); 0 without one.
    dimension : float
        Effective dimension of the spline, above 2 (a straight line); 0 without one.
    """

    kind: str = "off"
    order: int = 0
    dimension: float = 0.0

    @classmethod
    def parse(cls, text: str) -> "Baseline":
        """Read ``auto`` and FSL-MRS's words: ``off``, ``poly, 2``, ``spline, moderate``, ``spline, 12.5``.

        Raises
        ------
        OptionError
            If the text is none of them.
        """
        kind, _, rest = (part.strip() for part in text.partition(","))
        if kind == "auto" and not rest:
            return cls("auto")
        if kind == "off" and not rest:
            return cls("poly", order=0)  # the first point of an FID is never exact, and adds a constant
        if kind == "poly" and rest.isdigit() and int(rest) <= 12:
            return cls("poly", order=int(rest))
        if kind == "spline":
            dimension = SPLINES.get(rest) or _number(rest)
            if dimension > 2:
                return cls("spline", dimension=dimension)
        raise OptionError(
            f"--baseline is {text!r}; needed is auto, off, 'poly, N' with N up to 12, or 'spline, S' with S "
            f"one of {', '.join(SPLINES)} or an effective dimension above 2."
        )

    @property
    def averaged(self) -> bool:
        """Whether the fit averages over hypotheses instead of fitting one baseline."""
        return self.kind == "auto"

    @property
    def words(self) -> str:
        """Return the words that :meth:`parse` reads."""
        rest = {"poly": f", {self.order}", "spline": f", {self.dimension:g}"}
        return self.kind + rest.get(self.kind, "")


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


@dataclass(frozen=True)
class FitSettings:
    """Resolved settings of a fit; ``run.json`` contains all of them.

    Attributes
    ----------
    ppmlim : tuple of float or None
        The fit window, in ppm; None = the full band.
    baseline : Baseline
    groups : tuple of int
        The lineshape-and-shift group of each member of the basis; empty = all in one.
    lorentzian : bool
        Whether the lineshape has no Gaussian part.
    first_order_phase : bool
        Whether a delay is fitted.
    non_negative : bool
        Whether amplitudes are at or above zero.
    member_shift_hz : float
        Expected size (SD) of a shift of each member of its own, in Hz; 0 = none. Temperature and acidity move
        lines by about 0.01 ppm. Shifts without support by the data stay small.
    max_iterations : int
    macromolecules : {"prior", "own", "none"}
        With ``auto``: source of macromolecules. ``prior``: the member MM is the mean of the prior; ``own``: those
        of the basis set; ``none``: no macromolecules.
    lipids : bool
        With ``auto``: whether some hypotheses have lipids.
    echo_time_s : float
        With ``auto``: echo time of the data, in s, on which the usual size of macromolecules depends.
    member_shift_ppm, member_width_hz : float
        With ``auto``: expected size (SD) of each member's own shift, in ppm, and of its own width (FWHM), in Hz.
    delay_sd_s : float
        With ``auto``: expected size (SD) of the delay behind a first-order phase, in s.
    gamma_expected : tuple of float
        With ``auto``: middle and width of the prior of the Lorentzian rate on top of the basis set's, in rad/s: a
        T2 of 0.1 to 0.3 s gives 3 to 10. Without this prior, the wide feet of lines replace macromolecules. It is
        a Cauchy density, in its middle as narrow as a Gaussian of this SD: much wider lines, of a poor shim or a
        simulation, are not pulled to the middle.
    lineshape_sd : float
        With ``auto``: expected size (SD) of each line beside the Voigt line, which an uneven shim causes.
    held_widths : bool
        Whether gamma and sigma keep their start values; the lines beside the Voigt line then change the shape.
    without_tables : tuple of str
        With ``auto``: tables that the prior of macromolecules does not use, to test it on spectra simulated from
        them.
    removed_noise_sd : float
        Noise SD of a channel, in the unit of the data, that a reconstruction took from the FIDs. The fit counts it
        as if it were still there: their error is that of the data before.
    """

    ppmlim: tuple[float, float] | None = (0.2, 4.2)
    baseline: Baseline = Baseline()
    groups: tuple[int, ...] = ()
    lorentzian: bool = False
    first_order_phase: bool = True
    non_negative: bool = True
    member_shift_hz: float = 0.0
    max_iterations: int = 40
    macromolecules: str = "prior"
    lipids: bool = True
    echo_time_s: float = 0.03
    member_shift_ppm: float = 0.004
    member_width_hz: float = 0.5
    delay_sd_s: float = 5e-5
    gamma_expected: tuple[float, float] = (5.0, 6.0)
    lineshape_sd: float = 0.15
    held_widths: bool = False
    without_tables: tuple[str, ...] = ()
    removed_noise_sd: float = 0.0

    @property
    def tables(self) -> tuple[str, ...]:
        """Published tables of macromolecules that are hypotheses; that of shipped basis sets is always one."""
        return tuple(name for name in MM_SETS if name == BASIS_TABLE or name not in self.without_tables)

    @property
    def averaged(self) -> bool:
        """Whether hypotheses are averaged."""
        return self.baseline.averaged
