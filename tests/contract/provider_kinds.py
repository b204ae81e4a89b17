"""Providers for the contract tests: bare, or wrapped as in the service."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import cycle
from typing import Any, cast

import asyncpg
import structlog

from adapters.decorators.logging import Observation, ObservedProvider, ObservedSizeGuard
from adapters.decorators.retrying import (
    Retrying,
    RetryingLoginCheck,
    RetryingProvider,
    RetryingSizeGuard,
)
from adapters.memory.provider import MemoryLoginCheck, MemoryProvider
from adapters.memory.size_limiter import NoSizeGuard
from adapters.neon.login_check import NeonLoginCheck
from adapters.postgres.factory import opened_provider
from adapters.postgres.login_check import PostgresLoginCheck
from adapters.postgres.provider import PostgresProvider
from adapters.postgres.server import server_of_dsn
from adapters.postgres.statements import rename_role
from adapters.system.clock import SystemClock
from adapters.system.randomness import SystemRandomness
from domain.retry import RetryPolicy
from domain.targets import Isolation
from entrypoints.wiring.neon import with_retries
from ports.driven.database_provider import DatabaseProvider
from ports.driven.login_check import LoginCheck
from ports.driven.size_limiter import SizeGuard
from tests.support.clock import FakeClock
from tests.support.neon.emulator import RunningEmulator, turned
from tests.support.neon.providers import vending_on
from tests.support.provision_requests import INSTALLATION
from tests.support.randomness import SeededRandomness
from tests.support.servers import OperatorsServer

Make = Callable[[Any], AbstractAsyncContextManager["Subject"]]


@dataclass(frozen=True)
class Subject:
    """A provider, with the login check and the size limiter for it.

    `crowd` is the number of databases that may be provisioned at the same time. Calls are cancelled
    after each of `turns` of the loop, and at each of `moments` within the time of a call. `admins`
    are sessions of the admin that can rename roles, if there are any.
    """

    provider: DatabaseProvider
    login_check: LoginCheck
    size_guard: SizeGuard = field(default_factory=NoSizeGuard)
    crowd: int = 20
    turns: int = 1
    moments: int = 6
    admins: asyncpg.Pool | None = None

    async def rename_role(self, owner: str, name: str) -> None:
        """Rename a role as an operator would, without the provider."""
        assert self.admins
        await self.admins.execute(rename_role(owner, name))


def decorated(subject: Subject) -> Subject:
    """Wrap the provider as the service does."""
    clock = FakeClock()
    retrying = Retrying(RetryPolicy(), clock, SeededRandomness())
    observed = Observation(clock, structlog.get_logger())
    return replace(
        subject,
        provider=RetryingProvider(ObservedProvider(subject.provider, observed), retrying),
        login_check=RetryingLoginCheck(subject.login_check, retrying),
        size_guard=RetryingSizeGuard(ObservedSizeGuard(subject.size_guard, observed), retrying),
    )


async def _others_first(_: str) -> None:
    """Make concurrent calls in memory interleave, as on a server, so that they can be cancelled."""
    await asyncio.sleep(0)


@asynccontextmanager
async def memory(_: None) -> AsyncIterator[Subject]:
    provider = MemoryProvider(trouble=_others_first)
    yield Subject(provider, MemoryLoginCheck(provider), provider, turns=4)


@asynccontextmanager
async def embedded(provider: PostgresProvider) -> AsyncIterator[Subject]:
    yield Subject(provider, PostgresLoginCheck(), provider, admins=provider.pool)


@asynccontextmanager
async def postgres(server: OperatorsServer) -> AsyncIterator[Subject]:
    described = server_of_dsn(server.dsn(), public_host=None, public_port=None, connection_limit=3)
    async with opened_provider(described, INSTALLATION) as provider:
        yield Subject(provider, PostgresLoginCheck(), provider, admins=provider.pool)


class InTurn:
    """Sends each call to the next replica."""

    def __init__(self, *replicas: object) -> None:
        self._replicas = cycle(replicas)

    def __getattr__(self, name: str) -> Any:
        return getattr(next(self._replicas), name)


@asynccontextmanager
async def replicas(server: OperatorsServer) -> AsyncIterator[Subject]:
    async with postgres(server) as one, postgres(server) as other:
        both = InTurn(one.provider, other.provider)
        yield replace(one, provider=cast("DatabaseProvider", both))


@asynccontextmanager
async def emulated(
    neon: RunningEmulator, isolation: Isolation, crowd: int = 6
) -> AsyncIterator[Subject]:
    async with vending_on(neon, isolation) as provider:
        admins = provider.pool if isinstance(provider, PostgresProvider) else None
        yield Subject(provider, PostgresLoginCheck(), crowd=crowd, moments=3, admins=admins)


neon_by_api = partial(emulated, isolation=Isolation.NONE)
neon_by_role = partial(emulated, isolation=Isolation.ROLE)
neon_by_project = partial(emulated, isolation=Isolation.PROJECT, crowd=4)  # one server for each


def overlapping(make: Make) -> Make:
    """Let changes of one project overlap, as Neon sometimes does. For bare providers."""

    @asynccontextmanager
    async def made(neon: RunningEmulator) -> AsyncIterator[Subject]:
        async with turned(neon, pass_while_locked=1_000), make(neon) as subject:
            yield subject

    return made


def patiently(isolation: Isolation) -> Callable[[Subject], Subject]:
    """Wrap the provider as the service does on Neon, with retries in real time."""

    def decorated(subject: Subject) -> Subject:
        clock, log = SystemClock(), structlog.get_logger()
        observed = ObservedProvider(subject.provider, Observation(clock, log))
        return replace(
            subject,
            provider=with_retries(observed, isolation, clock, SystemRandomness(), log),
            login_check=NeonLoginCheck(subject.login_check, FakeClock()),
        )

    return decorated
