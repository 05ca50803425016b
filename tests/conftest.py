"""Fixtures for all tests: a generator of its own for each test, and the real data where they are."""

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# Before NumPy is imported: tests run side by side, and threads of each beside them make all many times slower.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

import numpy as np  # noqa: E402
import pytest  # noqa: E402

from tests.benchmarks.realdata import data_folder  # noqa: E402


@pytest.fixture
def rng() -> np.random.Generator:
    """A seeded generator; nobody seeds the global one."""
    return np.random.default_rng(20221)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give each process whole files, in their order: what a module's fixtures make is made once.

    A network that a fixture trains would else be trained by each process. Reordered by their number of tests, the
    few long tests of the benchmarks would come last.
    """
    from xdist.scheduler import LoadFileScheduling

    config.option.loadscopereorder = False
    return LoadFileScheduling(config, log)


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Small networks are slower on several threads, above all where tests run side by side."""
    import torch  # not everywhere

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real files: $FSL_MRS_DL_TEST_DATA, or shared/data beside the repository."""
    folder = data_folder()
    if not folder.is_dir():
        pytest.skip(f"no real data in {folder}; name their folder in FSL_MRS_DL_TEST_DATA")
    return folder


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs FSL-MRS or the viewer where they are not installed."""
    for marker, package in (("fslmrs", "fsl_mrs"), ("gui", "fsleyes")):
        if importlib.util.find_spec(package) is None:
            skip = pytest.mark.skip(reason=f"{package} is not installed")
            for item in items:
                if item.get_closest_marker(marker):
                    item.add_marker(skip)
