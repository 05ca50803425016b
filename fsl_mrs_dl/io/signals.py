"""Signals that end a run: raised where it can clean up, held back while files are renamed."""

import contextlib
import math
import signal
import threading
import time
from collections.abc import Iterator
from types import FrameType
from typing import Any

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""What a user, a scheduler or a closed terminal sends to end a run."""


_IMPATIENCE_S = 1.0
"""A signal that follows another one within this time raises nothing: the first one is being cleaned up after."""


class Stopped(BaseException):
    """A signal asked the run to end.

    Not a ``KeyboardInterrupt``, which training loops of other packages catch and go on from.

    Parameters
    ----------
    number : int
        Of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number

    @property
    def status(self) -> int:
        """The exit status that a shell gives to a program ended by this signal."""
        return 128 + self.number

    @property
    def words(self) -> str:
        """What is told to the user."""
        return "interrupted." if self.number == signal.SIGINT else f"stopped by {self}."


class Raising:
    """Turn :data:`ENDING` signals into :class:`Stopped` inside a block; only in the main thread.

    Attributes
    ----------
    stopped : Stopped or None
        The first signal that came, also if the exception was lost on its way through another package.
    """

    def __init__(self) -> None:
        self.stopped: Stopped | None = None
        self._before: dict[int, Any] = {}
        self._last = -math.inf

    def _raise(self, number: int, _frame: FrameType | None) -> None:
        self.stopped = self.stopped or Stopped(number)
        last, self._last = self._last, time.monotonic()
        if self._last - last > _IMPATIENCE_S:
            raise Stopped(number)

    def __enter__(self) -> "Raising":
        if threading.current_thread() is threading.main_thread():
            for number in ENDING:
                # What is ignored stays so: nohup ignores SIGHUP, a shell's background job SIGINT.
                if signal.getsignal(number) is not signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._raise)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if self.stopped is not None:
            outer = getattr(self._before.get(self.stopped.number), "__self__", None)
            if isinstance(outer, Raising):  # a command that runs commands is to end too
                signal.raise_signal(self.stopped.number)


@contextlib.contextmanager
def held_back() -> Iterator[None]:
    """Let no signal end the block; one that came is delivered after it.

    By handlers, not by a mask: with threads about, a masked signal still runs the handler of the main thread.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []

    def keep(number: int, _frame: FrameType | None) -> None:
        came.append(number)

    # None: a handler that was not set by Python and cannot be put back.
    known = [n for n in ENDING if signal.getsignal(n) not in (signal.SIG_IGN, None)]
    before = {number: signal.signal(number, keep) for number in known}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])
