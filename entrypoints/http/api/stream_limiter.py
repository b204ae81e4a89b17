"""The limit of concurrent event streams. Those of one database poll the registry four times a
second each."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from domain.callers import Caller
from domain.errors import Unavailable

MAX_STREAMS = 200
MAX_STREAMS_PER_CALLER = 50
"""Maximum number of concurrent streams: in total, and per caller where there are several."""


class StreamLimiter:
    """Counts the open streams of each caller."""

    def __init__(self) -> None:
        self._open = Counter[str]()

    @contextmanager
    def slot(self, caller: Caller) -> Iterator[None]:
        """Reserve a stream until the context exits. Raise Unavailable at the limit."""
        bound = MAX_STREAMS_PER_CALLER if caller.key else MAX_STREAMS
        if self._open[caller.name] >= bound or self._open.total() >= MAX_STREAMS:
            raise Unavailable("Too many event streams are open: poll the database instead.")
        self._open[caller.name] += 1
        try:
            yield
        finally:
            self._open[caller.name] -= 1
            self._open += Counter()  # removes callers without streams
