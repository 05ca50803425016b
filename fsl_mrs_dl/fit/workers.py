"""Compute parts of a task on several processes, here or with dask; results come in order."""

import copyreg
import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from types import MappingProxyType
from typing import Any, TypeVar

from fsl_mrs_dl.errors import OptionError
from fsl_mrs_dl.extras import require

Common = TypeVar("Common")
Part = TypeVar("Part")
Result = TypeVar("Result")

SCHEDULER = "DASK_SCHEDULER_ADDRESS"
"""Environment variable with the address of the scheduler of a cluster."""
_AHEAD = 3  # chunks per worker that are submitted: it never waits, and only few results are in memory


def chunks_done(
    function: Callable[[Common, Part], Result],
    common: Common,
    parts: Iterable[Part],
    parallel: str = "off",
    workers: int | None = None,
    modules: Sequence[str] = (),
) -> Generator[Result, None, None]:
    """Yield ``function(common, part)`` for each part, in the order of the parts.

    Parameters
    ----------
    function : callable
        Defined in a module, so that other processes can import it.
    common : object
        Sent to each worker once.
    parts : iterable
        Each is sent shortly before it is computed.
    parallel : {"off", "local", "cluster"}
        In this process; on processes of this machine; on the workers of the dask scheduler in :data:`SCHEDULER`.
    workers : int, optional
        Number of processes on this machine. Default: one for each core that the program may use.
    modules : sequence of str
        Modules that the function imports when it is called: imported once for all processes of this machine.

    Raises
    ------
    MissingDependencyError
        If dask is needed, for a cluster, and not installed.
    OptionError
        If no scheduler is named, or it does not answer.
    """
    if parallel == "off":
        for part in parts:
            yield function(common, part)
        return
    if parallel == "local":
        count = len(os.sched_getaffinity(0)) if workers is None else workers
        yield from _done_here(function, common, parts, count, modules)
        return
    with _client_of_cluster(require("distributed", "--parallel cluster").Client) as client:
        yield from _done_by_dask(client, function, common, parts)


def _done_here(
    function: Callable[[Common, Part], Result],
    common: Common,
    parts: Iterable[Part],
    count: int,
    modules: Sequence[str],
) -> Iterator[Result]:
    """Yield the results of processes of this machine, in the order of the parts.

    Not with dask: its processes measure themselves all the time, and give each array back to the system at once,
    which took half of their time; and they start more slowly.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # of these processes: one thread for each core
    context = multiprocessing.get_context("forkserver" if sys.platform == "linux" else "spawn")
    if sys.platform == "linux":
        context.set_forkserver_preload([function.__module__, *modules])  # imported once, not by every process
    copyreg.pickle(MappingProxyType, _writable)  # headers are read-only, which Python sends to no process
    pool = ProcessPoolExecutor(count, context, initializer=_begin, initargs=(function, common))
    try:
        yield from _in_order((pool.submit(_compute, part) for part in parts), _AHEAD * count)
    except BrokenProcessPool as error:
        raise MemoryError("a process of --parallel local was ended by the system") from error
    finally:
        processes = list((pool._processes or {}).values())
        pool.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            process.terminate()


_TASK: list[Any] = []
"""Function and common object of this process, if it is one of :func:`_done_here`."""


def _begin(function: Callable[[Any, Any], Any], common: object) -> None:
    """Prepare a process: it ends with the one that started it, which alone is told of a Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    _TASK[:] = [function, common]
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _writable(mapping: MappingProxyType[Any, Any]) -> tuple[Any, ...]:
    return _read_only, (dict(mapping),)


def _read_only(mapping: dict[Any, Any]) -> MappingProxyType[Any, Any]:
    return MappingProxyType(mapping)


def _compute(part: Any) -> Any:
    function, common = _TASK
    return function(common, part)


def _in_order(futures: Iterable[Any], most: int) -> Iterator[Any]:
    """Yield the results of futures in their order; only so many are submitted and not yet used."""
    waiting: deque[Any] = deque()
    for future in futures:
        waiting.append(future)
        if len(waiting) >= most:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _client_of_cluster(client: Callable[..., Any]) -> Any:
    """Connect to the scheduler in the environment variable."""
    address = os.environ.get(SCHEDULER)
    if not address:
        raise OptionError(
            "--parallel cluster needs a dask scheduler: start one with its workers (dask scheduler, dask worker) "
            f"and say where it is in {SCHEDULER}, or take --parallel local."
        )
    try:
        return client(address, timeout="10s")
    except OSError as error:
        raise OptionError(
            f"No dask scheduler answers at {address} ({SCHEDULER}); start it, or take --parallel local."
        ) from error


def _done_by_dask(
    client: Any, function: Callable[[Common, Part], Result], common: Common, parts: Iterable[Part]
) -> Iterator[Result]:
    """Yield the results of a client's workers, in the order of the parts."""
    shared = client.scatter(common, broadcast=True)
    most = _AHEAD * max(len(client.scheduler_info()["workers"]), 1)
    submit = partial(client.submit, function, shared, pure=False)
    yield from _in_order((submit(part) for part in parts), most)
