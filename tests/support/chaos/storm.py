"""Load, and whatever breaks meanwhile, round after round; then the checks."""

import asyncio
import os
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random

import aiohttp

from tests.support.chaos.checks import Checks
from tests.support.chaos.client import Client
from tests.support.chaos.grounds import Ground
from tests.support.chaos.house import House
from tests.support.chaos.ledger import Ledger

CLIENTS = 8

USUAL = 50

TIMEOUT = aiohttp.ClientTimeout(total=120)
"""Longer than the service takes to say that it could not be done."""

Calamity = Callable[[Random], Awaitable[None]]
"""One round; it leaves everything as it found it."""


def rounds(usual: int) -> int:
    """How many, where there are so `usual`ly; CHAOS_ROUNDS says how many for the longest tests."""
    wanted = int(os.environ.get("CHAOS_ROUNDS") or USUAL)
    return max(1, usual * wanted // USUAL)


def _seed() -> int:
    return int(os.environ.get("CHAOS_SEED") or random.randrange(10**6))  # noqa: S311 - no secret


@dataclass(frozen=True)
class Storm:
    """`seed` decides what is asked for and what breaks; when exactly, the machine."""

    house: House
    ground: Ground
    ledger: Ledger = field(default_factory=Ledger)
    seed: int = field(default_factory=_seed)

    async def __call__(self, many: int, calamity: Calamity) -> None:
        """So many rounds, and then nothing may be wrong. Tells the counts, and what is wrong."""
        try:
            async with aiohttp.ClientSession(timeout=TIMEOUT) as http:
                await self._through(http, many, calamity)
            assert not self.house.slips()
            assert not self.ledger.complaints
        except BaseException:
            _tell(*self.ledger.complaints, *self.house.slips(), self.house.tail())
            raise
        finally:
            counts = (f"{what}={count}" for what, count in sorted(self.ledger.counts.items()))
            _tell(f"seed={self.seed} rounds={many} kills={self.house.kills}", *counts)

    async def _through(self, http: aiohttp.ClientSession, many: int, calamity: Calamity) -> None:
        await self.house.start()
        before = await self.ground.census()
        async with self._crowd(http):
            for number in range(many):
                await calamity(self._chance(f"round {number}"))
        checks = Checks(self._client(http, "checks", loyalty=1))
        await checks.settle()
        await checks.promises()
        await checks.reality(before, await self.ground.census())

    @asynccontextmanager
    async def _crowd(self, http: aiohttp.ClientSession) -> AsyncIterator[None]:
        """Clients at work; in the end each finishes what it has begun."""
        over = asyncio.Event()
        async with asyncio.TaskGroup() as crowd:
            for number in range(CLIENTS):
                crowd.create_task(self._client(http, str(number)).work(over))
            yield
            over.set()

    def _client(self, http: aiohttp.ClientSession, name: str, loyalty: float = 0.8) -> Client:
        return Client(self.house, self.ledger, http, self._chance(name), loyalty)

    def _chance(self, what: str) -> Random:
        return Random(f"{self.seed} {what}")  # noqa: S311 - no secret


def _tell(*lines: str) -> None:
    print("", *lines, sep="\n  ")  # noqa: T201 - what `make chaos` is run for
