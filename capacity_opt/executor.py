"""One seam for work that falls into independent parts: here, in local processes, or on an engine that is there already.

A part is whatever ``function`` takes; results come back one by one **in the order of the parts**, whoever computed
them, so the executor never changes an answer. Parts may be a generator: only a few are in flight at a time. Parts,
function and results travel to other processes by pickle, so hand over what each part *reads* (a path and a bucket
number), not the data, and a function defined at the top of a module.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing import context
from multiprocessing.process import BaseProcess
from typing import Any, Protocol, TypeVar

from capacity_opt.errors import ArgumentError, PartError, SolverError

P = TypeVar("P")
R = TypeVar("R")

AHEAD = 2
"""Parts in flight per worker: enough that nobody waits, few enough that results do not pile up."""

STOP_SECONDS = 5.0


class Executor(Protocol):
    """Where parts are computed. An executor of your own needs only :meth:`map`."""

    def map(
        self, function: Callable[[P], R], parts: Iterable[P], *, label: Callable[[P], str] | None = None
    ) -> Iterator[R]:
        """``function`` of every part, lazily, in the order of ``parts``. The first failure ends the work and raises
        :class:`~capacity_opt.PartError`, which names the part (its ``label``, or its number)."""
        ...


@dataclass(frozen=True)
class SerialExecutor:
    """One part after the other, in this process.

    >>> list(SerialExecutor().map(abs, [-1, 2, -3]))
    [1, 2, 3]
    """

    def map(
        self, function: Callable[[P], R], parts: Iterable[P], *, label: Callable[[P], str] | None = None
    ) -> Iterator[R]:
        """As :meth:`Executor.map`."""
        for number, part in enumerate(parts):
            try:
                result = function(part)
            except Exception as error:
                raise _failed(error, number, part, label) from error
            yield result


@dataclass(frozen=True)
class ProcessExecutor:
    """Local processes, started afresh (``spawn``) with one thread each; ``workers`` 0: one per processor.

    A script that uses it needs ``if __name__ == "__main__":`` around what it runs. Ctrl-C, an error, or an abandoned
    iteration ends the workers at once.
    """

    workers: int = 0

    def map(
        self, function: Callable[[P], R], parts: Iterable[P], *, label: Callable[[P], str] | None = None
    ) -> Iterator[R]:
        """As :meth:`Executor.map`."""
        from concurrent.futures import ProcessPoolExecutor

        workers, spawn = self.workers or processors(), Spawn()
        pool = ProcessPoolExecutor(workers, mp_context=spawn, initializer=settle_in)
        done = False
        try:
            yield from _in_order(lambda part: pool.submit(function, part), _result, parts, AHEAD * workers, label)
            done = True
        finally:
            if not done:
                spawn.end()
            pool.shutdown(wait=True, cancel_futures=True)


@dataclass(frozen=True)
class DaskExecutor:
    """A Dask cluster: the current client's, or that at ``DASK_SCHEDULER_ADDRESS``, or a local one of ``workers``
    processes (0: one per processor). Needs ``pip install 'capacity-opt[dask]'``."""

    workers: int = 0

    def map(
        self, function: Callable[[P], R], parts: Iterable[P], *, label: Callable[[P], str] | None = None
    ) -> Iterator[R]:
        """As :meth:`Executor.map`."""
        distributed = _extra("distributed", "dask")
        client, own = _dask_client(distributed, self.workers)
        waiting: deque[Any] = deque()

        def submit(part: P) -> Any:
            waiting.append(client.submit(function, part, pure=False))
            return waiting[-1]

        def result(future: Any) -> Any:
            value = future.result()
            waiting.popleft()
            return value

        try:
            ahead = AHEAD * max(1, sum(client.ncores().values()))
            yield from _in_order(submit, result, parts, ahead, label)
        finally:
            if waiting:
                client.cancel(list(waiting), force=True)
                _end_workers(own)
            for thing in reversed(own):
                thing.close()


@dataclass(frozen=True)
class RayExecutor:
    """A Ray cluster: the one this process is in, or that at ``RAY_ADDRESS``, or a local one of ``workers`` processes
    (0: one per processor). Needs ``pip install 'capacity-opt[ray]'``."""

    workers: int = 0

    def map(
        self, function: Callable[[P], R], parts: Iterable[P], *, label: Callable[[P], str] | None = None
    ) -> Iterator[R]:
        """As :meth:`Executor.map`."""
        ray = _extra("ray", "ray")
        own = not ray.is_initialized()
        if own:
            _start_ray(ray, self.workers)
        # the function's own retries would hide a part that kills its worker
        task = ray.remote(max_retries=0)(_call)
        waiting: deque[Any] = deque()

        def submit(part: P) -> Any:
            waiting.append(task.remote(function, part))
            return waiting[-1]

        def result(reference: Any) -> Any:
            try:
                value = ray.get(reference)
            except ray.exceptions.RayTaskError as error:
                raise error.cause from error
            waiting.popleft()
            return value

        try:
            ahead = AHEAD * max(1, int(ray.cluster_resources().get("CPU", 1)))
            yield from _in_order(submit, result, parts, ahead, label)
        finally:
            for reference in waiting:
                ray.cancel(reference, force=True)
            if own:
                ray.shutdown()


EXECUTORS: dict[str, Callable[[int], Executor]] = {
    "serial": lambda workers: SerialExecutor(),  # noqa: ARG005
    "processes": ProcessExecutor,
    "dask": DaskExecutor,
    "ray": RayExecutor,
}


def executor_named(name: str, workers: int = 0) -> Executor:
    """The executor called ``serial``, ``processes``, ``dask`` or ``ray``, with ``workers`` (0: one per processor; an
    engine that is running already keeps its own number).

    Raises :class:`~capacity_opt.ArgumentError` for another name, and :class:`~capacity_opt.SolverError` naming the
    extra to install where the engine is not there.

    >>> list(executor_named("serial").map(len, ["a", "bc"]))
    [1, 2]
    """
    if name not in EXECUTORS:
        raise ArgumentError(f"executor must be one of {', '.join(EXECUTORS)}, got {name!r}")
    if workers < 0:
        raise ArgumentError(f"workers must be >= 0 (0: one per processor), got {workers}")
    if name in ("dask", "ray"):
        _extra("distributed" if name == "dask" else "ray", name)
    return EXECUTORS[name](workers)


def processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


def _in_order(
    submit: Callable[[P], Any],
    result: Callable[[Any], R],
    parts: Iterable[P],
    ahead: int,
    label: Callable[[P], str] | None,
) -> Iterator[R]:
    """Results in the order of the parts, with at most ``ahead`` parts in flight."""
    flying: deque[tuple[int, P, Any]] = deque()
    for number, part in enumerate(parts):
        if len(flying) >= ahead:
            yield _landed(flying, result, label)
        try:
            flying.append((number, part, submit(part)))
        except Exception as error:
            raise _failed(error, number, part, label) from error
    while flying:
        yield _landed(flying, result, label)


def _landed(flying: deque[tuple[int, P, Any]], result: Callable[[Any], R], label: Callable[[P], str] | None) -> R:
    number, part, future = flying.popleft()
    try:
        return result(future)
    except Exception as error:
        raise _failed(error, number, part, label) from error


def _failed(error: Exception, number: int, part: P, label: Callable[[P], str] | None) -> PartError:
    name = str(number + 1) if label is None else label(part)
    if type(error).__name__ in {"BrokenProcessPool", "KilledWorker", "WorkerCrashedError", "OutOfMemoryError"}:
        what = (
            "a worker process ended while it was waited for (out of memory, killed, or a script without "
            '`if __name__ == "__main__":`). Use fewer workers, or the serial executor to see it fail here'
        )
        return PartError(name, SolverError(what))
    return PartError(name, error)


def _result(future: Any) -> Any:
    return future.result()


def _call(function: Callable[[P], R], part: P) -> R:
    return function(part)


def settle_in() -> None:
    """Ctrl-C reaches every process of a terminal: workers leave it to the parent, which ends them."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for library in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
        os.environ[f"{library}_NUM_THREADS"] = "1"


class Spawn(context.SpawnContext):
    """Starts fresh processes with one thread each, and knows them, so that they can be ended."""

    def __init__(self) -> None:
        super().__init__()
        self.started: list[BaseProcess] = []

    def Process(self, *args: Any, **options: Any) -> BaseProcess:  # type: ignore[override]
        """A fresh process, noted."""
        process = context.SpawnProcess(*args, **options)
        self.started.append(process)
        return process

    def end(self) -> None:
        """End the workers that still run, the deaf ones by force."""
        running = [process for process in self.started if process.pid is not None]
        for process in running:
            process.terminate()
        for process in running:
            process.join(STOP_SECONDS)
            if process.is_alive():
                process.kill()


def _dask_client(distributed: Any, workers: int) -> tuple[Any, list[Any]]:
    """A client, and what has to be closed after use."""
    try:
        return distributed.default_client(), []
    except ValueError:
        pass
    if os.environ.get("DASK_SCHEDULER_ADDRESS"):
        client = distributed.Client()
        return client, [client]
    import logging

    cluster = distributed.LocalCluster(
        n_workers=workers or processors(), threads_per_worker=1, processes=True, dashboard_address=None,
        silence_logs=logging.CRITICAL,
    )  # fmt: skip
    client = distributed.Client(cluster)
    return client, [cluster, client]


def _end_workers(own: list[Any]) -> None:
    """Workers of our own cluster that still compute are not waited for: nobody wants their answer."""
    for cluster in own[:1]:
        for nanny in getattr(cluster, "workers", {}).values():
            if hasattr(nanny, "close"):
                cluster.sync(nanny.close, timeout=0.2)


def _start_ray(ray: Any, workers: int) -> None:
    import logging

    quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
    if os.environ.get("RAY_ADDRESS"):
        ray.init(**quiet)
    else:
        ray.init(num_cpus=workers or processors(), include_dashboard=False, **quiet)


def _extra(module: str, extra: str) -> Any:
    from importlib import import_module

    try:
        return import_module(module)
    except ImportError:
        raise SolverError(
            f"the {extra} executor needs the package {module}, which is not installed: "
            f"pip install 'capacity-opt[{extra}]', or use --executor processes"
        ) from None
