"""Fault injection at a process's calls to the registry, the provider and the login check."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from adapters.memory.provider import MemoryLoginCheck, Trouble
from domain.connection import Connection
from domain.errors import ProviderBusy, Unavailable
from ports.driven.login_check import LoginCheck
from ports.driven.registry import Registry
from tests.support.doubles import WrappedRegistry
from tests.support.memory_service import Memory

T = TypeVar("T")


class Killed(BaseException):
    """The process was killed: no handler of its own runs."""


@dataclass
class Fate:
    """A fault hook that counts the moments before and after each external effect, and raises at
    number `at` (from 1); if it is `lasting`, at all later ones too."""

    error: BaseException
    at: int
    lasting: bool
    moments: int = 0

    @property
    def has_struck(self) -> bool:
        return self.moments >= self.at

    async def __call__(self, moment: str) -> None:
        self.moments += 1
        if self.moments == self.at or (self.lasting and self.has_struck):
            raise self.error


class Dawdling:
    """A fault hook that yields to other tasks a random number of times."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)  # noqa: S311 - tests have to be repeatable

    async def __call__(self, moment: str) -> None:
        for _ in range(self._dice.randrange(4)):
            await asyncio.sleep(0)


@dataclass
class TroubledRegistry(WrappedRegistry):
    inner: Registry
    trouble: Trouble

    async def called(self, call: Callable[[], Awaitable[T]]) -> T:
        await self.trouble("before")
        result = await call()
        await self.trouble("after")
        return result


@dataclass(frozen=True)
class TroubledLoginCheck(LoginCheck):
    inner: LoginCheck
    trouble: Trouble

    async def verify(self, connection: Connection) -> None:
        await self.trouble("verify")
        await self.inner.verify(connection)


@dataclass(frozen=True)
class Process:
    """One process of a service, with its login check."""

    memory: Memory
    login_check: LoginCheck


def troubled(memory: Memory, trouble: Trouble) -> Process:
    """Return a process of the service with `trouble` in its registry and login check, and, like all
    processes until it is turned off, in the provider."""
    memory.trouble = trouble
    process = memory.replica()
    process.registry = TroubledRegistry(memory.registry, trouble)
    return Process(process, TroubledLoginCheck(MemoryLoginCheck(memory.provider), trouble))


@dataclass(frozen=True)
class Blow:
    error: type[BaseException]
    lasting: bool = False

    def fate(self, at: int) -> Fate:
        return Fate(self.error(), at, self.lasting)


BLOWS = {
    "killed": Blow(Killed, lasting=True),
    "outage": Blow(Unavailable, lasting=True),
    "busy-once": Blow(ProviderBusy),
    "cancelled": Blow(asyncio.CancelledError),
    "bug": Blow(ValueError),
}
