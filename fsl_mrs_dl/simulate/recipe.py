"""The recipe of an augmentation: distributions of the changes of each new FID, in an object or a TOML file."""

# The defaults are calls of frozen classes, which ruff sees only within one file.
# ruff: noqa: RUF009

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fsl_mrs_dl.errors import OptionError
from fsl_mrs_dl.io.toml_file import read_toml
from fsl_mrs_dl.simulate.distributions import Distribution, Fixed, LogNormal, Normal, Uniform
from fsl_mrs_dl.simulate.nuisance import (
    LipidContamination,
    Nuisance,
    ResidualWater,
    SpuriousEcho,
    UnstableWater,
)
from fsl_mrs_dl.simulate.priors import Drift, Eddy

_DISTRIBUTIONS: Mapping[str, tuple[type[Any], int]] = {
    "uniform": (Uniform, 2),
    "normal": (Normal, 2),
    "lognormal": (LogNormal, 2),
    "fixed": (Fixed, 1),
}


@dataclass(frozen=True)
class AugmentationRecipe:
    """Random changes that make a new FID from another; the defaults follow the FPC paper.

    Shamaei et al 2023, doi:10.1002/mrm.29498, list frequency, phase, apodisation, amplitude, noise and a nuisance
    peak, with ranges for the first two; the other ranges are proposals.

    Attributes
    ----------
    shift_hz, phase_rad : Distribution
        Added, in Hz and rad.
    lorentzian_hz, gaussian_hz : Distribution
        Width (FWHM) that is added to every line, in Hz; the noise of the FID is damped as well.
    scale : Distribution
        Factor on the FID.
    noise : Distribution
        Standard deviation of white noise that is added, over that of the FID's own noise.
    residual_water, unstable_water, lipid, echo : Nuisance
        Fractions are relative to the largest magnitude of the FID.
    drift : Drift
        Over the new FIDs in their order.
    eddy : Eddy
        One draw for each FID.
    """

    shift_hz: Distribution = Uniform(-5.0, 5.0)
    phase_rad: Distribution = Uniform(-math.pi / 6, math.pi / 6)
    lorentzian_hz: Distribution = Uniform(0.0, 2.0)
    gaussian_hz: Distribution = Fixed(0.0)
    scale: Distribution = Normal(1.0, 0.05)
    noise: Distribution = Uniform(0.0, 0.5)
    residual_water: ResidualWater = ResidualWater(probability=0.0, fraction=Uniform(0.0, 0.5))
    unstable_water: UnstableWater = UnstableWater(probability=0.2)
    lipid: LipidContamination = LipidContamination(probability=0.1, fraction=Uniform(0.0, 0.5))
    echo: SpuriousEcho = SpuriousEcho(probability=0.05)
    drift: Drift = Drift()
    eddy: Eddy = field(default_factory=lambda: Eddy(Fixed(0.0), Fixed(0.05)))

    @property
    def nuisances(self) -> tuple[Nuisance, ...]:
        """Nuisance signals, each in some of the FIDs."""
        return (self.residual_water, self.unstable_water, self.lipid, self.echo)


def read_recipe(path: Path) -> AugmentationRecipe:
    """Read a recipe from a TOML file; values that are not in the file keep their default.

    A value is a number or a table such as ``{uniform = [-5, 5]}``, ``{normal = [mean, sd]}``,
    ``{lognormal = [median, sd of the logarithm]}``. Angles are in degrees (``phase_deg``).

    Raises
    ------
    OptionError
        If the file cannot be read, or has a key that is not part of a recipe.
    """
    if not path.is_file():
        raise OptionError(
            f"--recipe {path} does not exist; name a TOML file, or leave it out for the defaults."
        )
    recipe: AugmentationRecipe = _changed(AugmentationRecipe(), read_toml(path, "recipe"), str(path), "")
    return recipe


def _changed(base: Any, content: Mapping[str, Any], path: str, where: str) -> Any:
    """Return a copy of a frozen object with the attributes that a file sets."""
    names = {f.name.replace("_rad", "_deg"): f.name for f in dataclasses.fields(base)}
    changes: dict[str, Any] = {}
    for key, value in content.items():
        if key not in names:
            raise OptionError(
                f"--recipe {path} has the key {where}{key}, which is not part of a recipe; known are "
                f"{', '.join(names)}."
            )
        now = getattr(base, names[key])
        factor = math.pi / 180 if key != names[key] else 1.0
        if isinstance(now, (Fixed, Uniform, Normal, LogNormal)):
            changes[names[key]] = _distribution(value, factor, path, where + key)
        elif isinstance(now, float):
            changes[names[key]] = factor * _number(value, path, where + key)
        elif isinstance(value, Mapping):
            changes[names[key]] = _changed(now, value, path, f"{where}{key}.")
        else:
            raise OptionError(f"--recipe {path} has {where}{key} = {value!r}; a table is needed.")
    changed = dataclasses.replace(base, **changes)
    if not 0 <= getattr(changed, "probability", 0.0) <= 1:
        raise OptionError(f"--recipe {path} has {where}probability outside of 0 to 1.")
    return changed


def _distribution(value: Any, factor: float, path: str, key: str) -> Distribution:
    if isinstance(value, Mapping) and len(value) == 1:
        (kind, numbers), *_ = value.items()
        distribution, count = _DISTRIBUTIONS.get(kind, (None, 0))
        listed = numbers if isinstance(numbers, list) else [numbers]
        if distribution is not None and len(listed) == count:
            numbers = [_number(number, path, key) for number in listed]
            scaled = [
                numbers[0] * factor,
                *(n if distribution is LogNormal else n * factor for n in numbers[1:]),
            ]
            return distribution(*scaled)  # type: ignore[no-any-return]
        raise OptionError(
            f"--recipe {path} has {key} = {dict(value)!r}; needed is one of {', '.join(_DISTRIBUTIONS)} with its "
            "numbers, for example {uniform = [-5, 5]}."
        )
    return Fixed(factor * _number(value, path, key))


def _number(value: Any, path: str, key: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise OptionError(
            f"--recipe {path} has {key} = {value!r}; a number or, for example, {{uniform = [-5, 5]}} is needed."
        )
    return float(value)
