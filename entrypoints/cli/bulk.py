"""One call for each of many names: several at once, with a progress bar, and stopped by Ctrl-C."""

import sys
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import nullcontext, suppress
from threading import Event, Lock, Thread
from typing import Any

import typer

from entrypoints.cli.errors import ExitStatus, RequestError

AT_ONCE = 8

_FATAL = {ExitStatus.AUTHENTICATION, ExitStatus.UNREACHABLE}
"""Exit statuses of errors that the calls for all other names would have too."""

_FATAL_CODES = {"quota_reached"}

Call = Callable[[str, Event], Any]
"""Returns the result for a name; raises RequestError. Once the event is set, it does not wait."""


class BulkRun:
    """Calls for each name, AT_ONCE at the same time. `results` and `errors` are by name.

    After Ctrl-C, or an error that concerns all names, the calls that run are finished and no other
    is started. A second Ctrl-C leaves the calls that run.
    """

    def __init__(self, names: Sequence[str], call: Call, label: str) -> None:
        self.names = names
        self.results: dict[str, Any] = {}
        self.errors: dict[str, Exception] = {}
        self.is_interrupted = False
        self._call = call
        self._label = label
        self._waiting = deque(names)
        self._stopping = Event()
        self._lock = Lock()
        self._progress: Any = None

    def run(self) -> None:
        """Raises what a call raised, unless it is a RequestError."""
        workers = [_Worker(self._work) for _ in range(min(AT_ONCE, len(self.names)))]
        with self._open_progress() as self._progress:
            try:
                for worker in workers:
                    worker.start()
                _wait_for(workers)
            except KeyboardInterrupt:
                self._interrupt(workers)
        for error in self.errors.values():
            if not isinstance(error, RequestError):
                raise error

    def _interrupt(self, workers: Sequence["_Worker"]) -> None:
        with suppress(KeyboardInterrupt):  # the second one may come at any moment from here on
            self.is_interrupted = True
            self._stop()
            print(
                "\npgvend: finishing what has begun; press Ctrl-C again to leave at once.",
                file=sys.stderr,
            )
            _wait_for(workers)

    def _work(self) -> None:
        while True:
            try:
                name = self._waiting.popleft()
            except IndexError:
                return
            self._process(name)

    def _process(self, name: str) -> None:
        try:
            self.results[name] = self._call(name, self._stopping)
        except Exception as error:
            self.errors[name] = error
            if _is_fatal(error):
                self._stop()
        with self._lock:
            if self._progress is not None:
                self._progress.update(1)

    def _stop(self) -> None:
        self._waiting.clear()
        self._stopping.set()

    def _open_progress(self) -> Any:
        if not sys.stderr.isatty():
            return nullcontext()
        return typer.progressbar(
            length=len(self.names), label=self._label, show_pos=True, file=sys.stderr
        )


class _Worker(Thread):
    """A thread whose end can be waited for again after Ctrl-C: Python 3.11 takes a thread for ended
    if Ctrl-C interrupts its `join`."""

    def __init__(self, work: Callable[[], None]) -> None:
        super().__init__(daemon=True)
        self.ended = Event()
        self._work = work

    def run(self) -> None:
        try:
            self._work()
        finally:
            self.ended.set()


def _wait_for(workers: Sequence[_Worker]) -> None:
    for worker in workers:
        if worker.ident is not None:  # it was started
            worker.ended.wait()


def _is_fatal(error: Exception) -> bool:
    """Return whether the calls for other names would fail alike."""
    if not isinstance(error, RequestError):
        return True
    return error.exit_status in _FATAL or error.problem.get("code") in _FATAL_CODES
