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

from adapters.decorators.logging import CallLogger
from adapters.decorators.observing import ObservingProvider, ObservingSizeLimiter
from adapters.decorators.retrying import (
    Retrying,
    RetryingLoginCheck,
    RetryingProvider,
    RetryingSizeLimiter,
)
from adapters.memory.provider import MemoryLoginCheck, MemoryProvider
from adapters.memory.size_limiter import NoSizeLimiter
from adapters.neon.login_check import NeonLoginCheck
from adapters.postgres.factory import open_provider
from adapters.postgres.login_check import PostgresLoginCheck
from adapters.postgres.provider import PostgresProvider
from adapters.postgres.server import server_from_dsn
from adapters.postgres.statements import rename_role
from adapters.system.clock import SystemClock
from adapters.system.randomness import SystemRandomness
from domain.retry import RetryPolicy
from domain.targets import Isolation
from entrypoints.wiring.neon import with_retries
from ports.driven.database_provider import DatabaseProvider
from ports.driven.login_check import LoginCheck
from ports.driven.size_limiter import SizeLimiter
from tests.support.clock import FakeClock
from tests.support.neon.emulator import RunningEmulator, override_behaviour
from tests.support.neon.providers import provider_on
from tests.support.provision_requests import INSTALLATION
from tests.support.randomness import SeededRandomness
from tests.support.servers import OperatorsServer

OpenSetup = Callable[[Any], AbstractAsyncContextManager["ProviderSetup"]]


@dataclass(frozen=True)
class ProviderSetup:
    """A provider, with the login check and the size limiter for it.

    `max_concurrent` is the number of databases that may be provisioned at the same time. Calls are
    cancelled after each of `turns` of the loop, and at each of `moments` within the time of a call.
    `admins` are sessions of the admin that can rename roles, if there are any.
    """

    provider: DatabaseProvider
    login_check: LoginCheck
    size_limiter: SizeLimiter = field(default_factory=NoSizeLimiter)
    max_concurrent: int = 20
    turns: int = 1
    moments: int = 6
    admins: asyncpg.Pool | None = None

    async def rename_role(self, owner: str, name: str) -> None:
        """Rename a role as an operator would, without the provider."""
        assert self.admins
        await self.admins.execute(rename_role(owner, name))


def decorated(setup: ProviderSetup) -> ProviderSetup:
    """Wrap the provider as the service does."""
    clock = FakeClock()
    retrying = Retrying(RetryPolicy(), clock, SeededRandomness())
    observed = CallLogger(clock, structlog.get_logger())
    return replace(
        setup,
        provider=RetryingProvider(ObservingProvider(setup.provider, observed), retrying),
        login_check=RetryingLoginCheck(setup.login_check, retrying),
        size_limiter=RetryingSizeLimiter(
            ObservingSizeLimiter(setup.size_limiter, observed), retrying
        ),
    )


async def _yield_first(_: str) -> None:
    """Make concurrent calls in memory interleave, as on a server, so that they can be cancelled."""
    await asyncio.sleep(0)


@asynccontextmanager
async def memory(_: None) -> AsyncIterator[ProviderSetup]:
    provider = MemoryProvider(fault_hook=_yield_first)
    yield ProviderSetup(provider, MemoryLoginCheck(provider), provider, turns=4)


@asynccontextmanager
async def embedded(provider: PostgresProvider) -> AsyncIterator[ProviderSetup]:
    yield ProviderSetup(provider, PostgresLoginCheck(), provider, admins=provider.pool)


@asynccontextmanager
async def postgres(server: OperatorsServer) -> AsyncIterator[ProviderSetup]:
    described = server_from_dsn(
        server.dsn(), public_host=None, public_port=None, connection_limit=3
    )
    async with open_provider(described, INSTALLATION) as provider:
        yield ProviderSetup(provider, PostgresLoginCheck(), provider, admins=provider.pool)


class RoundRobin:
    """Sends each call to the next replica."""

    def __init__(self, *replicas: object) -> None:
        self._replicas = cycle(replicas)

    def __getattr__(self, name: str) -> Any:
        return getattr(next(self._replicas), name)


@asynccontextmanager
async def replicas(server: OperatorsServer) -> AsyncIterator[ProviderSetup]:
    async with postgres(server) as one, postgres(server) as other:
        both = RoundRobin(one.provider, other.provider)
        yield replace(one, provider=cast("DatabaseProvider", both))


@asynccontextmanager
async def open_emulated(
    neon: RunningEmulator, isolation: Isolation, max_concurrent: int = 6
) -> AsyncIterator[ProviderSetup]:
    async with provider_on(neon, isolation) as provider:
        admins = provider.pool if isinstance(provider, PostgresProvider) else None
        yield ProviderSetup(
            provider, PostgresLoginCheck(), max_concurrent=max_concurrent, moments=3, admins=admins
        )


neon_by_api = partial(open_emulated, isolation=Isolation.NONE)
neon_by_role = partial(open_emulated, isolation=Isolation.ROLE)
neon_by_project = partial(
    open_emulated, isolation=Isolation.PROJECT, max_concurrent=4
)  # one server for each


def allow_overlap(make: OpenSetup) -> OpenSetup:
    """Let changes of one project overlap, as Neon sometimes does. For bare providers."""

    @asynccontextmanager
    async def open_overlapping(neon: RunningEmulator) -> AsyncIterator[ProviderSetup]:
        async with override_behaviour(neon, pass_while_locked=1_000), make(neon) as setup:
            yield setup

    return open_overlapping


def wrap_with_lock_retries(isolation: Isolation) -> Callable[[ProviderSetup], ProviderSetup]:
    """Wrap the provider as the service does on Neon, with retries in real time."""

    def decorated(setup: ProviderSetup) -> ProviderSetup:
        clock, log = SystemClock(), structlog.get_logger()
        observed = ObservingProvider(setup.provider, CallLogger(clock, log))
        return replace(
            setup,
            provider=with_retries(
                observed, isolation, Retrying(RetryPolicy(), clock, SystemRandomness()), log
            ),
            login_check=NeonLoginCheck(setup.login_check, FakeClock()),
        )

    return decorated
