"""The step ``reconstruct``."""

from typing import TYPE_CHECKING

import numpy as np

from fsl_mrs_dl.data import TIME_AXIS, Basis, MRSData
from fsl_mrs_dl.errors import DataError, OptionError
from fsl_mrs_dl.steps.registry import StepResult, step, usable_fids

if TYPE_CHECKING:
    from fsl_mrs_dl.fit.reconstruction import FidModel, Lineshape, Reconstruction, Sets, WaterAside

NOT_RAW = (
    "A reconstructed FID is not raw data: its noise is gone, not its error. Quantify the file that went in; in "
    "this one small amounts are pulled to zero, and fits of other programs find bounds that are too small."
)
_DIM = "DIM_DYN"
_NARROWEST = 0.5  # of a bin of the spectrum: an FID does not show more
_WIDEST_HZ = 100.0  # 0.8 ppm at 3 T, in which metabolites can no longer be told apart


@step(method="Denoising", report="reconstruct_page")
def reconstruct(
    data: MRSData,
    *,
    dim: str | None = None,
    reference: MRSData | None = None,
    basis: Basis | None = None,
    linewidth: float | None = None,
    penalty: str = "noise",
    debias: bool = False,
    model: str | None = None,
    allow_mismatch: bool = False,
) -> StepResult:
    """Reconstruct FIDs by sparse deconvolution.

    Describes each FID by few lines of a known shape and broad ones for what lies under them, or by few members of
    a basis set, and writes the FID of these lines: without noise, without eddy-current phase and, with
    --linewidth, with narrower lines. Residual water is set aside before, and put back. The result is for the eye.
    A reconstructed FID is not raw data: quantify the file that went in. In simulations a fit to the result gains
    little, and only by shrinking weak metabolites.

    Parameters
    ----------
    data : MRSData
    dim : str
        NIfTI-MRS tag of the dimension whose FIDs share their lines (not their amplitudes and phases). Align them
        first. Default: DIM_DYN, where the data have it.
    reference : MRSData
        Water reference: its decay and eddy-current phase are the shape of every line; where lines are narrower
        than water, its decay is reduced. Default: Lorentzian lines as wide as those of NAA, creatine and choline,
        or as the highest line.
    basis : Basis
        Basis set whose members are looked for, instead of single lines. What it does not describe (water, lipids)
        is left out of the result.
    linewidth : float
        Width (FWHM) of the lines of the result in Hz; with --basis what is added to the lines of the basis set.
        Default: as measured, without deconvolution.
    penalty : str
        Weight of sparsity. noise: 0.8 times universal, the least error in simulations. auto: by a network that
        refines it, or as noise where no network is valid. universal: what noise alone does not exceed. sure: the
        least estimated error. discrepancy: the residual is as large as the noise. Or a number: the share, between
        0 and 1, of the weight that leaves nothing.
    debias : bool
        Least squares on the chosen lines afterwards: their heights are not shrunk, but have more noise. Goes with
        --penalty universal.
    model : str
        Model package for --penalty auto: a name, with @version or without, or a path.
    allow_mismatch : bool
        Also use a model outside its valid range.

    Returns
    -------
    StepResult
        The reconstructed data, the noise level, and what the report shows.

    Raises
    ------
    DataError
        If a dimension is missing, reference or basis set do not fit the data, or no linewidth can be measured.
    OptionError
        If an option makes no sense.
    ModelError
        If there is no such model, or the data lie outside its valid range.

    Examples
    --------
    fsl_mrs_dl reconstruct --file metab.nii.gz --output reconstructed --linewidth 4 -r
    """
    from fsl_mrs_dl.fit import reconstruction as sparse
    from fsl_mrs_dl.steps.reconstruct_notes import input_notes
    from fsl_mrs_dl.steps.reconstruct_penalty import penalty_of
    from fsl_mrs_dl.steps.removed_noise import REMOVED_NOISE

    if linewidth is not None:
        _check_width(linewidth, data)
    if reference is not None and basis is not None:
        raise OptionError("--reference and --basis both give the lineshape; leave one of them out.")
    if dim is None and _DIM in data.dim_tags:
        dim = _DIM
    sets, water = sparse.Sets.of(data, dim), None
    if basis is None:
        sets, water = sparse.without_water(data, sets)
    weights = penalty_of(penalty, model, data, on_grid=basis is None, allow_mismatch=allow_mismatch)
    model_of_fids = _model_of_fids(data, sets, reference, basis, linewidth)
    result = sparse.reconstruct_sets(sets, model_of_fids, weights.function, refit=debias)
    shape = model_of_fids.lineshape
    notes = input_notes(data, sets, shape.fwhm_hz)
    settled: dict[str, object] = {
        "dim": dim or "none",
        "basis": getattr(basis, "name", basis) or "none",
        "lineshape": f"{shape.source}, {shape.fwhm_hz:.2f} Hz",
        "linewidth": model_of_fids.fwhm_hz,
        **weights.settled,
        "noise_sd": float(np.median(sets.noise_sd[sets.usable])),
        "penalty_ratio": float(np.median(result.ratio)),
        "duality_gap": float(result.gap.max()),
    }
    if linewidth is None:
        settled[REMOVED_NOISE] = settled["noise_sd"]
    left = int((~usable_fids(data)).sum())
    if water:
        settled["water_ppm"] = water.ppm
    if left:
        settled["not_reconstructed"] = left
    return StepResult(
        sets.back(result.fids, data),
        settled=settled,
        messages=(*weights.messages, *_messages(result, left, water), *notes, NOT_RAW),
        images={"noise": sets.noise_map(data)},
        reconstruction=result,
    )


def _messages(result: "Reconstruction", left: int, water: "WaterAside | None") -> list[str]:
    """Return what the terminal says of a result in which ``left`` FIDs were not reconstructed."""
    from fsl_mrs_dl.fit.reconstruction import GAP, ITERATIONS

    n_sets, n_fids = len(result.support), result.sets.shape[-1]
    each = f"{n_sets} FIDs" if n_fids == 1 else f"{n_sets} sets of {n_fids} FIDs that share their atoms"
    texts = [
        f"{'1 FID' if n_sets == n_fids == 1 else each}: {int(np.median(result.support))} of "
        f"{result.model.operator.n_atoms} atoms{'' if n_sets == 1 else ' in the median'}; {_widths(result)}."
    ]
    if water:
        usable = int(result.sets.usable.sum())
        where = "" if usable == 1 else f" in {water.n_fids} of {usable} FIDs"
        texts.append(
            f"Residual water{where}, at {water.ppm:.2f} ppm and {water.height:.3g} times as high as the highest "
            "metabolite, was set aside (HSVD) and is in the result as it was; `remove` takes it out."
        )
    if left:
        texts.append(
            f"{left} FIDs without signal, or with a value that is not finite, were left as they are."
        )
    if ended := int((result.gap > GAP).sum()):
        reached, aim = (100 * float(np.sqrt(gap)) for gap in (result.gap.max(), GAP))
        texts.append(
            f"{ended} of {n_sets} solutions stopped at the limit of {ITERATIONS} iterations: what they miss is "
            f"not larger than {reached:.0f} % of the noise (norm); the aim is {aim:.0f} %."
        )
    return texts


def _widths(result: "Reconstruction") -> str:
    """Return the widths of the lines, before and after, in words."""
    from fsl_mrs_dl.fit.reconstruction import BASIS_FIT

    shape, model = result.model.lineshape, result.model
    if shape.source == BASIS_FIT:
        return (
            f"the lines of the basis set are {shape.fwhm_hz:.1f} Hz wider in the data, {model.fwhm_hz:.1f} Hz in "
            "the result"
        )
    return f"lines of {shape.fwhm_hz:.1f} Hz ({shape.source}), {model.fwhm_hz:.1f} Hz in the result"


def _check_width(linewidth: float, data: MRSData) -> None:
    """Refuse a width of lines that an FID cannot show, or in which metabolites are one.

    Raises
    ------
    OptionError
    """
    bin_hz = 1 / (data.n_points * data.dwelltime_s)
    if not _NARROWEST * bin_hz <= linewidth <= _WIDEST_HZ:
        raise OptionError(
            f"--linewidth is {linewidth:g} Hz; an FID of {1 / bin_hz:.3g} s shows lines of "
            f"{_NARROWEST * bin_hz:.2g} Hz at best, and at {_WIDEST_HZ:g} Hz metabolites are one: give "
            "a width between them."
        )


def _model_of_fids(
    data: MRSData,
    sets: "Sets",
    reference: MRSData | None,
    basis: Basis | None,
    linewidth: float | None,
) -> "FidModel":
    """Return the atoms and their lineshape: of a basis set, a water reference, or the lines of the data."""
    from fsl_mrs_dl.fit import reconstruction as sparse

    if basis is not None:
        from fsl_mrs_dl.steps.quantify_basis import named_basis

        return sparse.dictionary(data, named_basis(basis), sets, linewidth)
    shape = _of_lines(data, sets) if reference is None else _of_reference(reference, data, sets)
    return sparse.grid_of_lines(data, shape, linewidth, sets.n_measured)


def _of_reference(reference: MRSData, data: MRSData, sets: "Sets") -> "Lineshape":
    """Return the lineshape of each set from the water reference of its voxel."""
    from fsl_mrs_dl.fit.reconstruction import of_water
    from fsl_mrs_dl.steps.ecc import as_shaped_as, check_belongs, check_sampling
    from fsl_mrs_dl.steps.water_references import reduce_reference

    check_belongs(reference, data)
    check_sampling(reference, data)
    fids = np.moveaxis(as_shaped_as(data, reduce_reference(reference, data)[0]), TIME_AXIS, -1)
    fids = fids[..., None, :] if sets.dim is None else np.moveaxis(fids, data.axis(sets.dim) - 1, -2)
    first = fids.reshape(-1, sets.shape[-1], data.n_points)[
        sets.rows, 0
    ]  # the FIDs of a set have one lineshape
    try:
        lines_hz = _of_lines(data, sets).fwhm_hz
    except DataError:  # no line stands out: then the width of water has to do
        lines_hz = None
    return of_water(first.astype(np.complex128), data.dwelltime_s, lines_hz)


def _of_lines(data: MRSData, sets: "Sets") -> "Lineshape":
    """Return the lineshape as the lines of the data show it."""
    from fsl_mrs_dl.fit.reconstruction import of_lines

    return of_lines(data, sets.fids[sets.usable], np.ones(int(sets.usable.sum())))
