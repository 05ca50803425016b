"""Trains the twenty-four networks of Rizzo et al. 2023 (doi:10.1002/mrm.29561) on simulated spectra."""

from typing import Any

from fsl_mrs_dl.errors import OptionError
from fsl_mrs_dl.models.rizzo.network import MEASURED_PPM, inputs_of
from fsl_mrs_dl.models.rizzo.table import CONFIGS
from fsl_mrs_dl.train.regression import RegressionTraining
from fsl_mrs_dl.train.search import Space, compared_space

_POINTS = 1792
"""As many as the last frame of the published spectrogram reaches, 1768, and a few: 0.45 s."""
_FIXED = ("efficientnet", "resnet50", "inception-v4")
"""Families of which the search tries the learning rate alone."""


class ComparedTraining(RegressionTraining):
    """Trains one of the networks that the table lists, as other regressors are trained."""

    @property
    def points(self) -> int:
        """Points of the FIDs."""
        return _POINTS

    def inputs(self, n_points: int, dwelltime_s: float, spectrometer_frequency_mhz: float) -> dict[str, Any]:
        """Return the published input in the band between fat and water."""
        reads = CONFIGS[self.entry.name].reads
        return inputs_of(reads, n_points, dwelltime_s, spectrometer_frequency_mhz, MEASURED_PPM)

    def new_network(self, sets: Any) -> tuple[Any, dict[str, Any]]:
        """Return a network with random weights, see :class:`RegressionTraining`.

        Raises
        ------
        OptionError
            If there are more or fewer widths or kernels than the network has.
        """
        config = CONFIGS[self.entry.name]
        for name in ("widths", "kernels"):
            sizes, published = self.options[name], getattr(config, name)
            if sizes is not None and len(sizes) != len(published):
                raise OptionError(
                    f"--{name} has {len(sizes)} numbers; {self.entry.name} needs {len(published)}, published are "
                    f"{', '.join(map(str, published)) or 'none'}."
                )
        return super().new_network(sets)

    def search_space(self) -> Space:
        """Return the published ranges of what the network has."""
        config = CONFIGS[self.entry.name]
        if config.family in _FIXED:
            return compared_space(0, 0, dropout=False)
        kernels = 0 if config.family == "unet" else len(config.kernels)
        return compared_space(len(config.widths), kernels, dropout=config.dropout > 0)
