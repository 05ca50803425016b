"""The step ``augment``."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from fsl_mrs_dl.data import Complex, MRSData
from fsl_mrs_dl.errors import OptionError
from fsl_mrs_dl.io.synthetic import marked, synthetic_along, without_person
from fsl_mrs_dl.io.transient_sets import TransientSets
from fsl_mrs_dl.steps.registry import StepResult, step

if TYPE_CHECKING:
    from fsl_mrs_dl.simulate.recipe import AugmentationRecipe


@step(method="Data augmentation")
def augment(
    data: MRSData,
    *,
    dim: str = "DIM_DYN",
    n: int | None = None,
    keep: bool = False,
    recipe: Path | None = None,
    model: str | None = None,
    mode: Literal["random", "interpolate", "hybrid"] = "hybrid",
    noiseless: bool = False,
    allow_mismatch: bool = False,
    seed: int = 0,
) -> StepResult:
    """Make new FIDs from those of a file, by physics or with a generative model.

    Without a model, FIDs are drawn with replacement along a dimension. Their frequency, phase, linewidth,
    amplitude and noise are changed, and some get residual water, lipid, a spurious echo, drift or an eddy current.
    With a model, transients are encoded and new ones are decoded; noise that the model loses is added again. Each
    new FID is marked as synthetic in the header (SyntheticData). Averaging synthetic FIDs adds no information. The
    result keeps only those header keys that describe the acquisition, nothing about the person.

    Parameters
    ----------
    data : MRSData
    dim : str
        NIfTI-MRS tag of the dimension of the new FIDs. It is added if the data do not have it.
    n : int
        Number of new FIDs, for each edit condition and further dimension. Default: as many as there are.
    keep : bool
        Keep the FIDs of the file, and put the new ones behind them.
    recipe : Path
        TOML file that says what to change and by how much. Default: moderate changes of everything except drift
        and eddy currents.
    model : str
        Model package for synthesis: a name, with @version or without, or a path. It replaces the recipe.
    mode : str
        With a model. interpolate: between two encoded FIDs. hybrid: the same, plus the spread of the encoding.
        random: from the normal distribution of all encoded FIDs.
    noiseless : bool
        With a model: do not add the noise that decoding loses.
    allow_mismatch : bool
        Also use a model outside its valid range.
    seed : int
        Seed of the random numbers. The same seed gives the same result.

    Returns
    -------
    StepResult
        The new FIDs, marked as synthetic.

    Raises
    ------
    MRSDLError
        If the dimension is missing, the recipe is not one, or the model cannot be used on such data.

    Examples
    --------
    fsl_mrs_dl augment --file metab.nii.gz --n 32 --seed 1 --output more
    """
    if n is not None and n < 1:
        raise OptionError(f"--n is {n}; at least 1 is needed.")
    if seed < 0:
        raise OptionError(f"--seed is {seed}; at least 0 is needed.")
    if model is not None and recipe is not None:
        raise OptionError("--recipe draws by physics, --model decodes; give one of them.")
    from fsl_mrs_dl.io.sizes import check_new_fids
    from fsl_mrs_dl.simulate.recipe import AugmentationRecipe, read_recipe

    data = without_person(data)
    sets = TransientSets.of(data, dim)
    count = sets.fids.shape[1] if n is None else n
    check_new_fids(count * len(sets.fids) * sets.fids.shape[2], data.n_points, "n")
    rng = np.random.default_rng(seed)
    settled: dict[str, Any] = {"n": count}
    if model is None:
        new = _by_physics(
            sets, count, read_recipe(recipe) if recipe is not None else AugmentationRecipe(), rng
        )
        method = "augmented by physics"
    else:
        from fsl_mrs_dl.steps.synthesis_models import transients_like

        new, record = transients_like(
            sets, count, model, mode=mode, noiseless=noiseless, allow_mismatch=allow_mismatch, rng=rng
        )
        settled |= record
        method = f"augmented with {record['model']}, {mode}"
    is_synthetic = np.ones(count, dtype=bool)
    if keep:
        is_synthetic = np.concatenate([synthetic_along(sets.data, dim), is_synthetic])
        new = np.concatenate([sets.fids, new], axis=1)
    result = sets.with_fids(new)
    parents = (data.name,) if data.name else ()
    if dim not in data.dim_tags and len(is_synthetic) == 1:
        result = marked(data.with_fid(result.fid[..., 0]), None, is_synthetic, method, seed, parents)
    else:
        result = marked(result, dim, is_synthetic, method, seed, parents)
    return StepResult(result, settled=settled)


def _by_physics(
    sets: TransientSets, n: int, recipe: "AugmentationRecipe", rng: np.random.Generator
) -> Complex:
    """Return ``n`` new FIDs for each set, (set, n, coil, time); only the noise differs between coils."""
    from fsl_mrs_dl.scores import noise_sd
    from fsl_mrs_dl.simulate.augment import apply_augmentation, draw_augmentation

    data = sets.data
    augmented = np.zeros((len(sets.fids), n, *sets.fids.shape[2:]), dtype=np.complex128)
    for i, (fids, usable) in enumerate(zip(sets.fids, sets.usable, strict=True)):
        if not usable.any():
            continue
        drawn = draw_augmentation(recipe, n, data.reference_ppm, data.spectrometer_frequency_mhz, rng)
        chosen = fids[rng.choice(np.flatnonzero(usable), n)].astype(np.complex128)
        own = noise_sd(chosen, data.ppm_axis, data.nucleus)
        augmented[i] = apply_augmentation(chosen, drawn, own, data.dwelltime_s, rng)
    return augmented
