"""Clients at work, and what breaks meanwhile, round after round; then the checks."""

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
from tests.support.chaos.environments import Environment
from tests.support.chaos.ledger import Ledger
from tests.support.chaos.replicas import Replicas

CLIENTS = 8

ANSWERS = 24
"""How many requests are answered, at most, before the next thing breaks."""

TIMEOUT = aiohttp.ClientTimeout(total=120)
"""Longer than the service takes to say that it could not be done."""

Calamity = Callable[[Random], Awaitable[None]]
"""One round; it leaves everything as it found it."""


def _seed() -> int:
    return int(os.environ.get("CHAOS_SEED") or random.randrange(10**6))  # noqa: S311 - no secret


@dataclass(frozen=True)
class Storm:
    """`seed` decides what is asked for and what breaks; when exactly, the machine."""

    service: Replicas
    environment: Environment
    calamity: Calamity
    ledger: Ledger = field(default_factory=Ledger)
    seed: int = field(default_factory=_seed)

    async def __call__(self, rounds: int) -> None:
        """So many rounds, and then nothing may be wrong. Prints the counts, and what is wrong."""
        try:
            async with aiohttp.ClientSession(timeout=TIMEOUT) as http:
                await self._through(http, rounds)
            assert not self.service.slips()
            assert not self.ledger.complaints
        except BaseException:
            _print(*self.ledger.complaints, *self.service.slips(), self.service.tail())
            raise
        finally:
            counts = (f"{what}={count}" for what, count in sorted(self.ledger.counts.items()))
            _print(f"seed={self.seed} rounds={rounds} kills={self.service.kills}", *counts)

    async def _through(self, http: aiohttp.ClientSession, rounds: int) -> None:
        await self.service.start()
        before = await self.environment.census()
        async with self._crowd(http):
            for number in range(rounds):
                chance = self._chance(f"round {number}")
                await self.ledger.answered(chance.randint(1, ANSWERS))
                await asyncio.sleep(chance.uniform(0, 0.05))  # and at any moment after that one
                await self.calamity(chance)
        checks = Checks(self._client(http, "checks", loyalty=1))
        await checks.settle()
        await checks.promises()
        await checks.reality(before, await self.environment.census())

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
        return Client(self.service, self.ledger, http, self._chance(name), loyalty)

    def _chance(self, what: str) -> Random:
        return Random(f"{self.seed} {what}")  # noqa: S311 - no secret


def _print(*lines: str) -> None:
    print("", *lines, sep="\n  ")  # noqa: T201 - what `make chaos` is run for
