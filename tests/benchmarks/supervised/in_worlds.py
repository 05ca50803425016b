"""What regressors, fits and the mean of the training make of spectra of known truth."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from fsl_mrs_dl.data import VERDICTS, Real
from fsl_mrs_dl.models.catalogue import architectures
from fsl_mrs_dl.models.package import load
from fsl_mrs_dl.steps import quantify_models
from fsl_mrs_dl.steps.quantify import quantify
from fsl_mrs_dl.train.command import resolved
from fsl_mrs_dl.train.quantification import basis_package_name
from fsl_mrs_dl.train.quantification_data import basis_of, ranges_of
from fsl_mrs_dl.train.regression import examples_of
from fsl_mrs_dl.train.training import run as train
from fsl_mrs_dl.train.trainings import training_of
from tests.benchmarks.supervised.classical import with_forest
from tests.benchmarks.supervised.scenes import BASIS, PRIOR, Scene
from tests.benchmarks.worlds.judged import LIKELIHOOD, MEAN, SettingScore, score
from tests.benchmarks.worlds.settings import CREATINES, SUMS, Ratios, prior_without, shipped

DEFAULT, FIXED, DUMMY = "fit, default", "fit, poly, 2", "training mean"
