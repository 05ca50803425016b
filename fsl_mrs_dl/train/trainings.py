"""The trainings by name: what the rows of :mod:`fsl_mrs_dl.models.catalogue` call ``training``."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from fsl_mrs_dl.models.catalogue import CATALOGUE
from fsl_mrs_dl.train.compared import ComparedTraining
from fsl_mrs_dl.train.concentrations import ConcentrationsTraining
from fsl_mrs_dl.train.quantification import AmplitudesTraining
from fsl_mrs_dl.train.reconstruction import ReconstructionTraining
from fsl_mrs_dl.train.registration import RegistrationTraining
from fsl_mrs_dl.train.regression import FullBatchRegression, RegressionTraining
from fsl_mrs_dl.train.stacked import StackedTraining
from fsl_mrs_dl.train.start import StartTraining
from fsl_mrs_dl.train.training import Training
from fsl_mrs_dl.train.transients import TransientsTraining

TRAININGS: Mapping[str, type[Training[Any, Any]]] = MappingProxyType(
    {
        "registration": RegistrationTraining,
        "amplitudes": AmplitudesTraining,
        "regression": RegressionTraining,
        "full-batch regression": FullBatchRegression,
        "compared": ComparedTraining,
        "stacked": StackedTraining,
        "start": StartTraining,
        "concentrations": ConcentrationsTraining,
        "transients": TransientsTraining,
        "reconstruction": ReconstructionTraining,
    }
)


def training_of(options: Mapping[str, Any]) -> Training[Any, Any]:
    """Return the training of a network.

    Parameters
    ----------
    options : mapping
        From :func:`fsl_mrs_dl.train.command.resolved`.

    Returns
    -------
    Training
    """
    entry = CATALOGUE[options["architecture"]]
    return TRAININGS[entry.training](entry, options)
