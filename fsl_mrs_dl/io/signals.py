"""Signals that end a run: raise an exception so that it can clean up, and defer them while files are renamed."""

import contextlib
import math
import signal
import threading
import time
from collections.abc import Iterator
from types import FrameType
from typing import Any

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals by which a user, a scheduler or a closed terminal ends a run."""


_IMPATIENCE_S = 1.0
"""A signal that follows another one within this time, in s, raises nothing: the run is already cleaning up."""


class Stopped(BaseException):
    """A signal that ends the run.

    It is not a ``KeyboardInterrupt``, because training loops of other packages catch that and continue.

    Parameters
    ----------
    number : int
        Number of the signal.
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
        """Message to the user."""
        return "interrupted." if self.number == signal.SIGINT else f"stopped by {self}."


class Raising:
    """Turn :data:`ENDING` signals into :class:`Stopped` inside a block; only in the main thread.

    Attributes
    ----------
    stopped : Stopped or None
        The first signal, also if another package swallowed the exception.
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
                # Ignored signals stay ignored: nohup ignores SIGHUP, a shell's background job SIGINT.
                if signal.getsignal(number) is not signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._raise)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if self.stopped is not None:
            outer = getattr(self._before.get(self.stopped.number), "__self__", None)
            if isinstance(outer, Raising):  # a command that runs other commands must end too
                signal.raise_signal(self.stopped.number)


@contextlib.contextmanager
def defer_signals() -> Iterator[None]:
    """Let no signal end the block; a signal is delivered after the block.

    With handlers, not with a mask: with threads, a masked signal still runs the handler of the main thread.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    received: list[int] = []

    def keep(number: int, _frame: FrameType | None) -> None:
        received.append(number)

    # None: a handler that was not set by Python and cannot be restored.
    replaceable = [n for n in ENDING if signal.getsignal(n) not in (signal.SIG_IGN, None)]
    before = {number: signal.signal(number, keep) for number in replaceable}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if received:
            signal.raise_signal(received[0])
