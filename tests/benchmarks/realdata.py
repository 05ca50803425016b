"""Where the measured files are that some tasks need; they are not part of the project."""

import os
from pathlib import Path


def data_folder() -> Path:
    """Return $FSL_MRS_DL_TEST_DATA, or shared/data beside the checkout; it may not exist."""
    beside = Path(__file__).parents[3] / "shared" / "data"
    return Path(os.environ.get("FSL_MRS_DL_TEST_DATA", beside))
