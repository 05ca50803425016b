"""The model that ``quantify`` fits to the spectra: members of the basis set, baseline, groups, sums."""

from dataclasses import dataclass, replace

from fsl_mrs_dl.data import Basis, MRSData
from fsl_mrs_dl.errors import OptionError
from fsl_mrs_dl.fit import quantification
from fsl_mrs_dl.fit.acquisition import AcquisitionComparison
from fsl_mrs_dl.fit.basis import basis_for
from fsl_mrs_dl.fit.lcm import Baseline, FitSettings
from fsl_mrs_dl.models.catalogue import CATALOGUE
from fsl_mrs_dl.steps import quantify_notes as notes
from fsl_mrs_dl.steps.quantify_basis import agreement_of, chemical_shift, chosen_members, is_difference
from fsl_mrs_dl.steps.quantify_spectra import ScanSpectra
from fsl_mrs_dl.steps.removed_noise import removed_noise_sd

_STIFF = Baseline.parse("poly, 2")
"""The fixed baseline of FSL-MRS: the networks were trained with it, and it shows water that reaches into the
window."""


@dataclass(frozen=True)
class BasisOptions:
    """Options of ``quantify`` for the basis set; see there.

    Attributes
    ----------
    keep, ignore : tuple of str or None
    add_macromolecules, add_lipids : bool
    conj_basis : bool or None
    basis_centre_ppm : float or None
        In ppm.
    field_tolerance : float
        Relative.
    allow_mismatch : bool
        Whether a basis set of another scan is a doubt instead of an error.
    """

    keep: tuple[str, ...] | None = None
    ignore: tuple[str, ...] | None = None
    add_macromolecules: bool = False
    add_lipids: bool = False
    conj_basis: bool | None = None
    basis_centre_ppm: float | None = None
    field_tolerance: float = 0.05
    allow_mismatch: bool = False


@dataclass(frozen=True)
class ModelOptions:
    """Options of ``quantify`` for the model of a spectrum; see there.

    Attributes
    ----------
    method : str
    baseline : str
    lorentzian : bool
    metab_shift_ppm : float or None
        In ppm.
    metab_groups : tuple of str or None
    combine : tuple of tuple of str or None
    internal_ref : tuple of str or None
    """

    method: str = "lcm"
    baseline: str = "auto"
    lorentzian: bool = False
    metab_shift_ppm: float | None = None
    metab_groups: tuple[str, ...] | None = None
    combine: tuple[tuple[str, ...], ...] | None = None
    internal_ref: tuple[str, ...] | None = None


@dataclass(frozen=True, eq=False)
class FitModel:
    """The model of a spectrum, resolved.

    Attributes
    ----------
    basis : Basis
        At the points of the data, with the members that are fitted.
    settings : FitSettings
    sums : tuple of tuple of str
    internal_reference : tuple of str
        Empty: no ratios.
    stiff : Baseline
        Fixed baseline. What of the residual water it cannot describe tells whether the data have too much of it.
    agreement : AcquisitionComparison
        Of the basis set with the scan.
    notes, doubts : tuple of str
        Of points, field and denoising.
    settled : dict
        Options as they were resolved.
    """

    basis: Basis
    settings: FitSettings
    sums: tuple[tuple[str, ...], ...]
    internal_reference: tuple[str, ...]
    stiff: Baseline
    agreement: AcquisitionComparison
    notes: tuple[str, ...]
    doubts: tuple[str, ...]
    settled: dict[str, object]

    @classmethod
    def of(
        cls, spectra: ScanSpectra, basis: Basis, basis_options: BasisOptions, options: ModelOptions
    ) -> "FitModel":
        """Resolve the model.

        Parameters
        ----------
        spectra : ScanSpectra
        basis : Basis
            As read.
        basis_options : BasisOptions
        options : ModelOptions

        Raises
        ------
        DataError
            If the basis set is not of the scan or does not reach it.
        OptionError
            If the value of an option is invalid, or names something that does not exist.
        """
        baseline = Baseline.parse(options.baseline)
        shift_ppm = options.metab_shift_ppm
        if shift_ppm is not None and not 0 <= shift_ppm < float("inf"):
            raise OptionError(f"--metab_shift_ppm is {shift_ppm:g}; a size in ppm, 0 or more, is needed.")
        members = _members(spectra, basis, basis_options, options.method, averaged=baseline.averaged)
        agreement = agreement_of(spectra.measured, basis, spectra.times.echo_s, basis_options.allow_mismatch)
        different, doubts = notes.differences(spectra.whole, spectra.data, basis)
        # A regressor gives amplitudes alone, which no prior of a background changes.
        averaged = baseline.averaged and not CATALOGUE[options.method].labels
        members = _with_additions(members, spectra.measured, basis_options, averaged=averaged)
        fitted_baseline = _STIFF if baseline.averaged and not averaged else baseline
        settings = FitSettings(
            spectra.window_ppm,
            fitted_baseline,
            lorentzian=options.lorentzian,
            removed_noise_sd=removed_noise_sd(spectra.measured),
        )
        if averaged:
            members, settings = _with_background(members, settings, spectra, basis_options)
        groups = quantification.groups_of(members.names, options.metab_groups, members.left_out)
        internal = quantification.reference_sum(members.names, options.internal_ref, members.left_out)
        sums = quantification.sums_of(members.names, options.combine, members.left_out)
        mhz = spectra.measured.spectrometer_frequency_mhz
        settings = quantification.with_own_shifts(settings, shift_ppm, mhz)
        return cls(
            basis=members,
            settings=replace(settings, groups=groups),
            sums=sums,
            internal_reference=internal,
            stiff=_STIFF if fitted_baseline.averaged else fitted_baseline,
            agreement=agreement,
            notes=different,
            doubts=doubts,
            settled={
                "basis": members.name or "given in memory",
                "ppmlim": spectra.window_ppm,
                "baseline": options.baseline if fitted_baseline == baseline else fitted_baseline.words,
                "internal_ref": internal or "none in the basis set",
            },
        )


def _members(
    spectra: ScanSpectra, basis: Basis, options: BasisOptions, method: str, *, averaged: bool
) -> Basis:
    """Return the chosen members at the points of the data."""
    chosen = chosen_members(basis, options.keep, options.ignore, averaged=averaged)
    if method == "lcm" and not options.keep and is_difference(spectra.measured, basis):
        chosen = quantification.without_cancelled(chosen)
    return basis_for(
        spectra.data,
        chosen,
        conjugate=options.conj_basis,
        centre_ppm=chemical_shift(options.basis_centre_ppm, "basis_centre_ppm"),
        witnesses=basis,
        field_tolerance=options.field_tolerance,
    )


def _with_additions(members: Basis, data: MRSData, options: BasisOptions, *, averaged: bool) -> Basis:
    """Return the members with the default macromolecules and lipids, if the options ask for them."""
    if options.add_macromolecules and not notes.unused_macromolecules(members, data, averaged=averaged):
        members = quantification.with_macromolecules(members)
    if options.add_lipids and not (averaged and quantification.has_lipids(members)):
        members = quantification.with_lipids(members)
    return members


def _with_background(
    members: Basis, settings: FitSettings, spectra: ScanSpectra, options: BasisOptions
) -> tuple[Basis, FitSettings]:
    """Return members and settings of a fit that averages over backgrounds."""
    averaged, settings = quantification.with_background(
        members,
        settings,
        spectra.measured,
        spectra.times.echo_s,
        ignored=options.ignore or (),
        keep_lipids=options.add_lipids,
    )
    notes.warn_of_replaced(members, averaged, options.keep)
    return averaged, settings
