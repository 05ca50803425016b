"""A display of its own for a process of tests: Xvfb, a server of X11 that draws into memory."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator

SIZE = (1600, 1000)
"""Width and height in pixels."""


@contextlib.contextmanager
def own_display() -> Iterator[bool]:
    """Set ``DISPLAY`` to a new display; give False where the program Xvfb is missing.

    With ``-noreset``: otherwise it resets when its first client leaves, and one start of FSLeyes in three fails.
    """
    program = shutil.which("Xvfb")
    if program is None:
        yield False
        return
    reading, writing = os.pipe()
    screen = "{}x{}x24".format(*SIZE)
    words = [program, "-displayfd", str(writing), "-screen", "0", screen, "-noreset", "-nolisten", "tcp"]
    with subprocess.Popen(words, pass_fds=(writing,), stderr=subprocess.DEVNULL) as server:
        os.close(writing)
        with os.fdopen(reading) as told:
            number = told.readline().strip()
        before = os.environ.get("DISPLAY")
        os.environ["DISPLAY"] = f":{number}"
        try:
            yield bool(number)
        finally:
            server.terminate()
            del os.environ["DISPLAY"]
            if before is not None:
                os.environ["DISPLAY"] = before
