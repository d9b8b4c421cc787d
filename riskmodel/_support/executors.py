"""Independent tasks in this process or in any `concurrent.futures.Executor`."""

from __future__ import annotations

import os
import pickle
import signal
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from itertools import islice
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from riskmodel._support.checks import checked_whole
from riskmodel.errors import InputError, RiskModelError, UnavailableError

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

#: How many threads the linear algebra behind NumPy starts.
_THREADS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")
#: Tasks that wait or are worked at: more than a large cluster has workers, and memory does not grow with all tasks.
_AHEAD = 4096
#: Called with the number of tasks done and of all tasks.
Progress = Callable[[int, int], None]


@contextmanager
def workers(jobs: int) -> Iterator[Executor | None]:
    """Processes to work in: None for one, which is this process itself."""
    jobs = checked_whole(jobs, "jobs", 1, 256, "number of processes")
    if jobs == 1:
        yield None
        return
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    # Spawned, since a forked process inherits locks of threads that it does not have. Ctrl-C is for the process that
    # collects the results, which then stops the others.
    pool = ProcessPoolExecutor(
        jobs, mp_context=get_context("spawn"), initializer=signal.signal, initargs=(signal.SIGINT, signal.SIG_IGN)
    )
    # Each process reads these when it starts: with threads of their own they would get in each other's way.
    before = {name: os.environ[name] for name in _THREADS if name in os.environ}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        for name in _THREADS:
            os.environ.pop(name, None)
        os.environ.update(before)


def finished[Task, Result](
    function: Callable[[Task], Result],
    tasks: Mapping[str, Task],
    executor: Executor | None,
    missing: MutableMapping[str, str] | None = None,
    *,
    progress: Progress | None = None,
) -> Iterator[tuple[str, Result]]:
    """Results as they are finished; a task whose worker died is told in `missing`, or ends all where there is none."""
    tell = progress or (lambda done, of: None)
    tell(0, len(tasks))
    for done, (label, result, why) in enumerate(_results(function, tasks, executor), 1):
        if not why:
            yield label, result
        elif missing is None:
            raise UnavailableError(why, where=label, remedy="Nothing is kept: run it again, or with fewer processes")
        else:
            missing[label] = why
        tell(done, len(tasks))


def _results(
    function: Callable[[Any], Any], tasks: Mapping[str, Any], executor: Executor | None
) -> Iterator[tuple[str, Any, str]]:
    """Label, result, and why there is none."""
    if executor is None:
        yield from ((label, function(task), "") for label, task in tasks.items())
        return
    from concurrent.futures import BrokenExecutor, CancelledError, ProcessPoolExecutor

    if isinstance(executor, ProcessPoolExecutor):  # others may send more than pickle can
        _check_sendable(function, tasks)
    waiting = iter(tasks.items())
    done: SimpleQueue[Future[Any]] = SimpleQueue()
    futures: dict[Future[Any], str] = {}
    try:
        while True:
            for label, task in islice(waiting, _AHEAD - len(futures)):
                try:
                    future = executor.submit(function, task)
                except (BrokenExecutor, RuntimeError) as error:
                    yield label, None, f"no worker took it: {error}"
                    continue
                futures[future] = label
                future.add_done_callback(done.put)
            if not futures:
                return
            future = done.get()
            label = futures.pop(future)
            try:
                yield label, future.result(), ""
            except RiskModelError:
                raise  # a fault of what was asked, which every worker would meet
            except (Exception, CancelledError) as error:
                yield label, None, f"its worker died or failed: {type(error).__name__}: {error}"
    finally:
        for future in futures:
            future.cancel()


def _check_sendable(function: Callable[[Any], Any], tasks: Mapping[str, Any]) -> None:
    """Try the first task: the others hold the same functions."""
    label, task = next(iter(tasks.items()))
    try:
        pickle.dumps((function, task))
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        what = f"cannot be sent to another process: {error}"
        remedy = "Define the function at the top of a module, or leave the executor out"
        raise InputError(what, where=label, remedy=remedy) from None
