"""The composition root: with `neon_parts` the only place that knows which adapters there are."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from operator import attrgetter
from typing import TypeVar

import structlog
from dependency_injector import containers, providers
from structlog.stdlib import BoundLogger

from adapters.decorators.observed import (
    Observation,
    ObservedLoginCheck,
    ObservedProvider,
    ObservedRegistry,
)
from adapters.decorators.retrying import Retrying, RetryingLoginCheck, RetryingProvider
from adapters.embedded.opening import Bundle, opened_bundle
from adapters.memory.provider import MemoryLoginCheck, MemoryProvider
from adapters.memory.registry import MemoryRegistry
from adapters.neon.login_check import NeonLoginCheck
from adapters.postgres.login_check import NoLoginCheck, PostgresLoginCheck
from adapters.postgres.opening import checked_provider
from adapters.postgres.provider import PostgresProvider
from adapters.postgres.server import server_of_dsn
from adapters.system.clock import SystemClock
from adapters.system.randomness import SystemRandomness
from domain.database import Target
from domain.expiry import ExpiryPolicy
from domain.passwords import PasswordDeriver
from domain.retry import RetryPolicy
from domain.secret import Secret
from entrypoints.neon_parts import cared_for, on_neon
from entrypoints.settings import ProviderName, Settings
from entrypoints.use_cases import UseCases
from ports.driven.clock import Clock
from ports.driving.check_health import CheckHealth
from ports.driving.list import ListDatabases
from ports.driving.retire import RetireDatabase
from ports.driving.show import ShowDatabase
from ports.driving.vend import VendDatabase

T = TypeVar("T")


@asynccontextmanager
async def _embedded(
    settings: Settings, passwords: PasswordDeriver, clock: Clock, log: BoundLogger
) -> AsyncIterator[PostgresProvider]:
    bundle = Bundle(
        folder=settings.data_dir.resolve() / "embedded",
        port=settings.embedded_port,
        connection_limit=settings.connection_limit,
    )
    async with opened_bundle(bundle, passwords.installation(), clock, log) as provider:
        yield provider


@asynccontextmanager
async def _postgres(
    settings: Settings, passwords: PasswordDeriver, log: BoundLogger
) -> AsyncIterator[PostgresProvider]:
    server = server_of_dsn(
        settings.admin_dsn(),
        public_host=settings.postgres_public_host,
        public_port=settings.postgres_public_port,
        connection_limit=settings.connection_limit,
    )
    async with checked_provider(server, passwords.installation(), log) as provider:
        yield provider


def _expiry(settings: Settings) -> ExpiryPolicy:
    return ExpiryPolicy(default=settings.default_ttl, longest=settings.max_ttl)


def _target(settings: Settings) -> Target:
    name = settings.provider.value
    return Target(name=name, provider=name, isolation=settings.isolation)


def _care(settings: Settings) -> str:
    """How the provider's calls are taken care of."""
    return "patient" if settings.provider is ProviderName.NEON else "retried"


def _login_check_name(settings: Settings) -> str:
    return settings.provider if settings.verify_login else "none"


class Container(containers.DeclarativeContainer):
    """Give it `settings` and `secret`; only the chosen provider's resource is ever opened."""

    settings = providers.Dependency(instance_of=Settings)
    secret = providers.Dependency(instance_of=Secret)

    clock = providers.Singleton(SystemClock)
    randomness = providers.Singleton(SystemRandomness)
    log = providers.Singleton(structlog.get_logger)
    passwords = providers.Singleton(PasswordDeriver, secret)
    retrying = providers.Singleton(Retrying, RetryPolicy(), clock, randomness)

    memory = providers.Singleton(MemoryProvider)
    embedded = providers.Resource(_embedded, settings, passwords, clock, log)
    postgres = providers.Resource(_postgres, settings, passwords, log)
    neon = providers.Resource(on_neon, settings, passwords, clock, log)
    bare_provider = providers.Selector(
        providers.Callable(attrgetter("provider"), settings),
        memory=memory,
        embedded=embedded,
        postgres=postgres,
        neon=neon,
    )
    bare_login_check = providers.Selector(
        providers.Callable(_login_check_name, settings),
        memory=providers.Singleton(MemoryLoginCheck, memory),
        embedded=providers.Singleton(PostgresLoginCheck),
        postgres=providers.Singleton(PostgresLoginCheck),
        neon=providers.Singleton(NeonLoginCheck, providers.Singleton(PostgresLoginCheck), clock),
        none=providers.Singleton(NoLoginCheck),
    )

    observed = providers.Singleton(Observation, clock, log)
    isolation = providers.Callable(attrgetter("isolation"), settings)
    observed_provider = providers.Singleton(ObservedProvider, bare_provider, observed)
    provider = providers.Selector(
        providers.Callable(_care, settings),
        retried=providers.Singleton(RetryingProvider, observed_provider, retrying),
        patient=providers.Singleton(
            cared_for, observed_provider, isolation, clock, randomness, log
        ),
    )
    login_check = providers.Singleton(
        RetryingLoginCheck,
        providers.Singleton(ObservedLoginCheck, bare_login_check, observed),
        retrying,
    )
    registry = providers.Singleton(ObservedRegistry, providers.Singleton(MemoryRegistry), log)

    use_cases = providers.Singleton(
        UseCases,
        vend=providers.Singleton(
            VendDatabase,
            registry=registry,
            provider=provider,
            login_check=login_check,
            clock=clock,
            randomness=randomness,
            passwords=passwords,
            expiry=providers.Singleton(_expiry, settings),
            target=providers.Singleton(_target, settings),
        ),
        show=providers.Singleton(ShowDatabase, registry=registry),
        list=providers.Singleton(ListDatabases, registry=registry),
        retire=providers.Singleton(
            RetireDatabase, registry=registry, provider=provider, clock=clock
        ),
        check_health=providers.Singleton(CheckHealth, registry=registry, provider=provider),
    )


async def resolved(value: T | Awaitable[T]) -> T:
    """dependency-injector answers with an awaitable when anything below is asynchronous, and its
    types do not say so: this is the one place that knows.

    Shielded, because its futures do not take a cancellation: what is being opened is opened, and
    closed with the rest.
    """
    return await asyncio.shield(value) if inspect.isawaitable(value) else value
