"""The process of the program: its signals and streams from the first moment on, then the command line."""

import errno
import io
import os
import signal
import sys
from types import FrameType

# Nothing that takes time to import stands above: Ctrl-C is not ours before start() has begun.

_GONE = (errno.EPIPE, errno.EIO, errno.EBADF)
"""What the system answers when the reader of a pipe or a terminal is no longer there."""


class _Lasting:
    """A stream whose reader may go away (``| head``): what is written after that goes nowhere."""

    def __init__(self, stream: io.TextIOWrapper, number: int) -> None:
        self._stream, self._number = stream, number

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except OSError as error:
            self._to_nowhere(error)
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError as error:
            self._to_nowhere(error)

    def _to_nowhere(self, error: OSError) -> None:
        if error.errno not in _GONE:
            raise error
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._number)
        os.close(nowhere)

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)


def _end(number: int, _frame: FrameType | None) -> None:
    """End at once: nothing has been written yet, and packages that are being imported may swallow exceptions."""
    os.write(2, b"fsl_mrs_dl: interrupted.\n")
    os._exit(128 + number)


def _lasting_streams() -> None:
    """Open what was closed, lest a file of results takes its number; let a reader go away; print any name."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
    for number, name in ((1, "stdout"), (2, "stderr")):
        stream = getattr(sys, name)
        if stream is None:
            stream = os.fdopen(number, "w", encoding="utf-8", closefd=False)
        stream.reconfigure(errors="backslashreplace")  # names of files hold any bytes, terminals do not
        setattr(sys, name, _Lasting(stream, number))


_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "GOTO_NUM_THREADS")
"""Environment variables from which OpenBLAS, which NumPy and SciPy compute with, reads its number of threads."""


def _one_thread_of_algebra() -> None:
    """Give OpenBLAS one thread, unless the user set a number; must run before NumPy is imported.

    The matrices of a fit are small: further threads wait for each other, and on a busy machine the same fit took
    four times the processor time. ``--parallel local`` is what uses several cores.
    """
    if not any(os.environ.get(name) for name in _THREADS):
        os.environ[_THREADS[0]] = "1"


def start() -> int:
    """Run the program as the process that it is; return its exit status."""
    _one_thread_of_algebra()
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, _end)
    _lasting_streams()
    from fsl_mrs_dl.cli import main

    try:
        status = main()
        sys.stdout.flush()
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # all is done: no more than the end of Python follows
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        os.write(2, f"fsl_mrs_dl: cannot write what is printed: {error.strerror}.\n".encode())
        os._exit(2)  # a flush at the regular end would fail again, aloud
    return status


if __name__ == "__main__":
    sys.exit(start())
