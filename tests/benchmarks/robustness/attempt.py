"""One command run in this process, whatever it does: what it says is caught, and its time is limited."""

import contextlib
import io
import logging
import signal
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from fsl_mrs_dl.errors import MRSDLError

HANG_S = 30
"""Seconds: a command on a few voxels takes a few; what takes longer hangs."""
Work = Callable[[], int]
"""Runs a command and returns its exit status."""


@dataclass(frozen=True)
class Attempt:
    """How a command ended.

    Attributes
    ----------
    defect : str
        traceback or hang; empty where it ended as a command does.
    status : int
        Exit status, where it ended as a command does.
    text : str
        Of a traceback the last lines, else the last line on standard error.
    """

    defect: str
    status: int
    text: str

    @property
    def refused(self) -> bool:
        """Whether the command told in a line of the program what it cannot do."""
        return not self.defect and self.status == 2


def attempt(work: Work) -> Attempt:
    """Run a command; a warning on the way is a defect, too."""
    printed = io.StringIO()
    try:
        with _limit(HANG_S), quiet(printed), warnings.catch_warnings():
            warnings.simplefilter("error")
            status = work()
    except TimeoutError:
        return Attempt("hang", 1, "")
    except SystemExit as left:
        status = int(left.code or 0)
    except MRSDLError as error:  # beside the command
        return Attempt("traceback", 1, f"not told as a command tells it: {error}")
    except Exception:  # noqa: BLE001 - counting what no one foresaw is the purpose
        return Attempt("traceback", 1, " / ".join(traceback.format_exc().strip().splitlines()[-3:]))
    text = (printed.getvalue().splitlines() or [""])[-1]
    if status not in (0, 2) or (status == 2 and not text.startswith("fsl_mrs_dl ")):
        return Attempt("traceback", status, f"status {status}: {text}")
    return Attempt("", status, text)


@contextlib.contextmanager
def quiet(printed: io.StringIO | None = None) -> Iterator[None]:
    """Catch what goes to standard error, drop what goes to standard output; nothing is logged."""
    logging.disable()
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(printed or io.StringIO()):
            yield
    finally:
        logging.disable(logging.NOTSET)


@contextlib.contextmanager
def _limit(seconds: int) -> Iterator[None]:
    """Raise a TimeoutError in a block that takes longer than some seconds."""

    def stop(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
