"""A run of scenarios: its folder and its size."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

T = TypeVar("T")


class Size(StrEnum):
    """How much a run measures: a trial, ten minutes, or everything."""

    QUICK = "quick"
    NORMAL = "normal"
    FULL = "full"


@dataclass(frozen=True)
class Run:
    """`folder` is for one scenario alone."""

    folder: Path
    size: Size

    def pick(self, quick: T, normal: T, full: T | None = None) -> T:
        """Return the value for this size; a full run without its own value is a normal one."""
        if self.size is Size.QUICK:
            return quick
        return normal if full is None or self.size is Size.NORMAL else full


@contextmanager
def open_run(parent: Path | None, size: Size) -> Iterator[Run]:
    """Yield a run in a new folder, which is removed at the end."""
    with TemporaryDirectory(prefix="pgvend-bench-", dir=parent) as folder:
        yield Run(Path(folder), size)
