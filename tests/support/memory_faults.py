"""Fault injection at a process's calls to the registry, the provider and the login check."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from adapters.memory.provider import FaultHook, MemoryLoginCheck
from domain.connection import Connection
from domain.errors import ProviderBusy, Unavailable
from ports.driven.login_check import LoginCheck
from ports.driven.registry import Registry
from tests.support.doubles import WrappedRegistry
from tests.support.memory_service import MemoryService

T = TypeVar("T")


class Killed(BaseException):
    """The process was killed: no handler of its own runs."""


@dataclass
class FaultInjection:
    """A fault hook that counts the moments before and after each external effect, and raises at
    number `at` (from 1); if it is `lasting`, at all later ones too."""

    error: BaseException
    at: int
    lasting: bool
    moments: int = 0

    @property
    def has_failed(self) -> bool:
        return self.moments >= self.at

    async def __call__(self, moment: str) -> None:
        self.moments += 1
        if self.moments == self.at or (self.lasting and self.has_failed):
            raise self.error


@dataclass
class KillAt:
    """A fault hook that kills the process at the first moment of that name."""

    at: str
    is_dead: bool = False

    async def __call__(self, moment: str) -> None:
        self.is_dead = self.is_dead or moment == self.at
        if self.is_dead:
            raise Killed


class RandomYields:
    """A fault hook that yields to other tasks a random number of times."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)  # noqa: S311 - tests have to be repeatable

    async def __call__(self, moment: str) -> None:
        for _ in range(self._dice.randrange(4)):
            await asyncio.sleep(0)


@dataclass
class FaultyRegistry(WrappedRegistry):
    inner: Registry
    fault_hook: FaultHook

    async def call_inner(self, call: Callable[[], Awaitable[T]]) -> T:
        await self.fault_hook("before")
        result = await call()
        await self.fault_hook("after")
        return result


@dataclass(frozen=True)
class FaultyLoginCheck(LoginCheck):
    inner: LoginCheck
    fault_hook: FaultHook

    async def verify(self, connection: Connection) -> None:
        await self.fault_hook("verify")
        await self.inner.verify(connection)


@dataclass(frozen=True)
class Process:
    """One process of a service, with its login check."""

    memory: MemoryService
    login_check: LoginCheck


def create_faulty_process(memory: MemoryService, fault_hook: FaultHook) -> Process:
    """Return a process of the service with the `fault_hook` in its registry and login check. It is
    in the provider too, for all processes, until it is turned off."""
    memory.fault_hook = fault_hook
    process = memory.replica()
    process.registry = FaultyRegistry(memory.registry, fault_hook)
    return Process(process, FaultyLoginCheck(MemoryLoginCheck(memory.provider), fault_hook))


@dataclass(frozen=True)
class FaultKind:
    error: type[BaseException]
    lasting: bool = False

    def fault(self, at: int) -> FaultInjection:
        return FaultInjection(self.error(), at, self.lasting)


FAULT_KINDS = {
    "killed": FaultKind(Killed, lasting=True),
    "outage": FaultKind(Unavailable, lasting=True),
    "busy-once": FaultKind(ProviderBusy),
    "cancelled": FaultKind(asyncio.CancelledError),
    "bug": FaultKind(ValueError),
}
