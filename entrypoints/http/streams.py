"""Places for streams of events: each asks the registry four times a second."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from domain.caller import Caller
from domain.errors import Unavailable

MOST = 200
MOST_OF_ONE = 50
"""Streams at the same time: in all, and of one caller among others."""


class Streams:
    def __init__(self) -> None:
        self._open = Counter[str]()

    @contextmanager
    def one_of(self, caller: Caller) -> Iterator[None]:
        """A place for as long as the context lasts. Raises Unavailable."""
        bound = MOST_OF_ONE if caller.key else MOST
        if self._open[caller.name] >= bound or self._open.total() >= MOST:
            raise Unavailable("Too many streams are open; ask for the database itself at times.")
        self._open[caller.name] += 1
        try:
            yield
        finally:
            self._open[caller.name] -= 1
            self._open += Counter()  # forgets who has none
