"""Compute parts of a task on several processes with dask; results come in order."""

import logging
import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
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

    Raises
    ------
    MissingDependencyError
        If dask is needed and not installed.
    OptionError
        If no scheduler is named, or it does not answer.
    """
    if parallel == "off":
        for part in parts:
            yield function(common, part)
        return
    distributed = require("distributed", "--parallel")
    if parallel == "cluster":
        with _client_of_cluster(distributed.Client) as client:
            yield from _done_by(client, function, common, parts)
        return
    for name in ("distributed", "distributed.nanny", "distributed.scheduler", "distributed.worker", "bokeh"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # messages about starts and ends of processes
    count = len(os.sched_getaffinity(0)) if workers is None else workers
    options = {"n_workers": count, "threads_per_worker": 1, "processes": True, "dashboard_address": None}
    with (
        distributed.LocalCluster(silence_logs="CRITICAL", **options) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield from _done_by(client, function, common, parts)


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


def _done_by(
    client: Any, function: Callable[[Common, Part], Result], common: Common, parts: Iterable[Part]
) -> Iterator[Result]:
    """Yield the results of a client's workers, in the order of the parts."""
    shared = client.scatter(common, broadcast=True)
    most = _AHEAD * max(len(client.scheduler_info()["workers"]), 1)
    waiting: deque[Any] = deque()
    for part in parts:
        waiting.append(client.submit(function, shared, part, pure=False))
        if len(waiting) >= most:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()
