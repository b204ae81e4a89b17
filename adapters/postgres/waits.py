"""Measurement of waits for sessions, places and locks."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from time import perf_counter
from typing import TypeVar

from ports.driven.metrics import Lock, Metrics

T = TypeVar("T")


@asynccontextmanager
async def measure_wait(
    metrics: Metrics, lock: Lock, context: AbstractAsyncContextManager[T]
) -> AsyncIterator[T]:
    """Enter the context, and count how long that took. An entry that fails is not counted."""
    started_at = perf_counter()
    async with context as value:
        metrics.count_wait(lock, perf_counter() - started_at)
        yield value
