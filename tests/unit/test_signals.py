"""Signals that end a run: raised once, never lost, and passed on to the command around."""

import signal
import time

import pytest

from fsl_mrs_dl.io.signals import Raising, Stopped, defer_signals


def interrupted_inside() -> None:
    """Interrupt a block that swallows what it raises, as a command does that becomes an exit status."""
    with Raising():
        try:
            signal.raise_signal(signal.SIGINT)
            time.sleep(1)
        except Stopped:
            pass


class TestSignals:
    def test_one_is_not_lost_that_another_package_swallows(self) -> None:
        with Raising() as raising:
            try:
                signal.raise_signal(signal.SIGINT)
                time.sleep(1)
            except BaseException:  # noqa: BLE001 - as a package might
                pass
        assert raising.stopped is not None
        assert (raising.stopped.status, raising.stopped.words) == (130, "interrupted.")

    def test_one_that_ends_an_inner_block_ends_the_outer_one(self) -> None:
        went_on = False

        def both() -> None:
            nonlocal went_on
            with Raising():
                interrupted_inside()
                went_on = True

        with pytest.raises(Stopped):
            both()
        assert not went_on

    def test_one_that_follows_at_once_does_not_end_the_cleaning_up(self) -> None:
        cleaned = False

        def work() -> None:
            nonlocal cleaned
            with Raising():
                try:
                    signal.raise_signal(signal.SIGINT)
                finally:
                    signal.raise_signal(signal.SIGINT)
                    signal.raise_signal(signal.SIGTERM)
                    cleaned = True

        with pytest.raises(Stopped, match="SIGINT"):
            work()
        assert cleaned

    def test_handlers_are_put_back(self) -> None:
        before = signal.getsignal(signal.SIGTERM)
        with Raising(), defer_signals():
            pass
        assert signal.getsignal(signal.SIGTERM) is before
