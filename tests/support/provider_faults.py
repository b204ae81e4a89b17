"""Faults for the memory provider, at one moment of a call."""

import asyncio
from collections.abc import Callable

from adapters.memory.provider import FaultHook, no_fault


def fail_at(moment: str, error: Callable[[], Exception], times: int | None = None) -> FaultHook:
    """Return a fault hook that raises at that moment, always or the first `times` times."""
    remaining = times

    async def fault_hook(now: str) -> None:
        nonlocal remaining
        if now == moment and remaining != 0:
            remaining = None if remaining is None else remaining - 1
            raise error()

    return fault_hook


class Gate:
    """Blocks calls at that moment until it is opened; `reached` is set by the first."""

    def __init__(self, moment: str) -> None:
        self._moment = moment
        self._open = asyncio.Event()
        self.reached = asyncio.Event()

    def open(self) -> None:
        self._open.set()

    async def __call__(self, moment: str) -> None:
        if moment == self._moment:
            self.reached.set()
            await self._open.wait()


class DeferredFault:
    """A fault hook without a fault until `fault` is set."""

    def __init__(self) -> None:
        self.fault: FaultHook = no_fault

    async def __call__(self, moment: str) -> None:
        await self.fault(moment)
