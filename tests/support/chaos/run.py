"""A run with clients, and failures in each round."""

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
"""The maximum number of answers before the next failure."""

TIMEOUT = aiohttp.ClientTimeout(total=120)
"""Longer than the service needs to answer that a request failed."""

Failure = Callable[[Random], Awaitable[None]]
"""A function that causes one failure and repairs it."""


def _seed() -> int:
    return int(os.environ.get("CHAOS_SEED") or random.randrange(10**6))  # noqa: S311 - no secret


@dataclass(frozen=True)
class ChaosRun:
    """A run. `seed` determines the requests and the failures, but not their exact times."""

    service: Replicas
    environment: Environment
    cause_failure: Failure
    ledger: Ledger = field(default_factory=Ledger)
    seed: int = field(default_factory=_seed)

    async def execute(self, rounds: int) -> None:
        """Run the rounds and the checks, and print the counts and all violations."""
        try:
            async with aiohttp.ClientSession(timeout=TIMEOUT) as http:
                await self._run_rounds(http, rounds)
            assert not self.service.find_error_lines()
            assert not self.ledger.violations
        except BaseException:
            _print(
                *self.ledger.violations,
                *self.service.find_error_lines(),
                self.service.read_log_tails(),
            )
            raise
        finally:
            counts = (f"{what}={count}" for what, count in sorted(self.ledger.counts.items()))
            _print(f"seed={self.seed} rounds={rounds} kills={self.service.kills}", *counts)

    async def _run_rounds(self, http: aiohttp.ClientSession, rounds: int) -> None:
        await self.service.start()
        checks = Checks(self._client(http, "checks", retry_probability=1))
        await checks.wait_for_spares()
        before = await self.environment.list_names()
        async with self._running_clients(http):
            for number in range(rounds):
                rng = self._create_rng(f"round {number}")
                await self.ledger.wait_for_answers(rng.randint(1, ANSWERS))
                await asyncio.sleep(rng.uniform(0, 0.05))  # so that the failure comes at any moment
                await self.cause_failure(rng)
        await checks.settle()
        await checks.check_requests()
        await checks.wait_for_spares()
        await checks.check_server(before, await self.environment.list_names())

    @asynccontextmanager
    async def _running_clients(self, http: aiohttp.ClientSession) -> AsyncIterator[None]:
        """Run the clients until the context exits; each completes its last request."""
        over = asyncio.Event()
        async with asyncio.TaskGroup() as clients:
            for number in range(CLIENTS):
                clients.create_task(self._client(http, str(number)).send_requests(over))
            yield
            over.set()

    def _client(
        self, http: aiohttp.ClientSession, name: str, retry_probability: float = 0.8
    ) -> Client:
        return Client(self.service, self.ledger, http, self._create_rng(name), retry_probability)

    def _create_rng(self, what: str) -> Random:
        return Random(f"{self.seed} {what}")  # noqa: S311 - no secret


def _print(*lines: str) -> None:
    print("", *lines, sep="\n  ")  # noqa: T201 - the result of `make chaos`
