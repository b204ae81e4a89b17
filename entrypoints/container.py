"""The composition root: with `resources` and `neon_parts` the only place that knows which adapters
there are."""

import asyncio
import inspect
from collections.abc import Awaitable, Mapping
from datetime import timedelta
from operator import attrgetter
from typing import Any, ClassVar, TypeVar

import structlog
from dependency_injector import containers, providers

from adapters.decorators.observed import (
    Observation,
    ObservedLoginCheck,
    ObservedProvider,
    ObservedRegistry,
    ObservedSizeGuard,
)
from adapters.decorators.retrying import (
    Retrying,
    RetryingLoginCheck,
    RetryingProvider,
    RetryingSizeGuard,
)
from adapters.memory.provider import MemoryLoginCheck, MemoryProvider
from adapters.memory.rates import MemoryRates
from adapters.neon.login_check import NeonLoginCheck
from adapters.neon.size_guard import NoSizeGuard
from adapters.postgres.login_check import NoLoginCheck, PostgresLoginCheck
from adapters.registry.opening import Opened
from adapters.system.clock import SystemClock
from adapters.system.randomness import SystemRandomness
from domain.expiry import ExpiryPolicy
from domain.retry import RetryPolicy
from domain.secret import Secret
from entrypoints.http.sweeping import Sweeping
from entrypoints.neon_parts import cared_for, on_neon
from entrypoints.provider_settings import ProviderName
from entrypoints.resources import on_embedded, on_postgres, records_of
from entrypoints.secret_parts import installation_of, passwords_of
from entrypoints.settings import Settings
from entrypoints.use_cases import UseCases
from ports.driven.rates import Rates
from ports.driving.admit import AdmitCaller
from ports.driving.audit import Audit
from ports.driving.change import ChangeDatabase
from ports.driving.check_health import CheckHealth
from ports.driving.confine import ConfineDatabases
from ports.driving.connect import ShowConnection
from ports.driving.expire import ExpireDatabase
from ports.driving.list import ListDatabases
from ports.driving.make import MakeDatabase
from ports.driving.manage_keys import ManageKeys
from ports.driving.reconcile import Reconcile
from ports.driving.restore import RestoreDatabase
from ports.driving.retire import RetireDatabase
from ports.driving.rotate import RotatePassword
from ports.driving.show import ShowDatabase
from ports.driving.sweep import Sweep
from ports.driving.vend import VendDatabase
from ports.driving.watch import WatchDatabase

T = TypeVar("T")

Parts = Mapping[str, providers.Provider[Any]]
"""What several use cases are given, by the names that they know it by."""


def _expiry(settings: Settings) -> ExpiryPolicy:
    return ExpiryPolicy(default=settings.default_ttl, longest=settings.max_ttl)


def _rates(records: Opened, alone: Rates) -> Rates:
    """Replicas count together where they share a server."""
    return records.shared_rates or alone


def _grace(settings: Settings) -> timedelta:
    return settings.grace_period or timedelta(0)


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
    retrying = providers.Singleton(Retrying, RetryPolicy(), clock, randomness)

    records = providers.Resource(records_of, settings)
    installation = providers.Resource(installation_of, records, settings, secret)
    passwords = providers.Resource(passwords_of, records, settings, secret, installation, log)

    memory = providers.Singleton(MemoryProvider)
    embedded = providers.Resource(on_embedded, settings, installation, clock, log)
    postgres = providers.Resource(on_postgres, settings, installation, log)
    neon = providers.Resource(on_neon, settings, installation, clock, log)
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
    bare_size_guard = providers.Selector(
        providers.Callable(attrgetter("provider"), settings),
        memory=memory,
        embedded=embedded,
        postgres=postgres,
        neon=providers.Singleton(NoSizeGuard),
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
    size_guard = providers.Singleton(
        RetryingSizeGuard,
        providers.Singleton(ObservedSizeGuard, bare_size_guard, observed),
        retrying,
    )
    leases = providers.Callable(attrgetter("leases"), records)
    bare_registry = providers.Callable(attrgetter("registry"), records)
    registry = providers.Singleton(ObservedRegistry, bare_registry, log)
    key_ring = providers.Callable(attrgetter("keys"), records)
    rates = providers.Callable(_rates, records, providers.Singleton(MemoryRates, clock))
    trail = providers.Callable(attrgetter("audit"), records)

    target = providers.Callable(attrgetter("target"), settings)
    expiry = providers.Singleton(_expiry, settings)
    grace = providers.Callable(_grace, settings)
    records_only: ClassVar[Parts] = {"registry": registry, "clock": clock}
    made: ClassVar[Parts] = {**records_only, "provider": provider, "target": target}
    outside: ClassVar[Parts] = {**made, "leases": leases}

    retire = providers.Singleton(RetireDatabase, **outside)
    expire = providers.Singleton(
        ExpireDatabase,
        **records_only,
        provider=provider,
        leases=leases,
        retire=retire,
        grace=grace,
    )
    rotate = providers.Singleton(RotatePassword, **outside, passwords=passwords)
    restore = providers.Singleton(RestoreDatabase, **outside, passwords=passwords, expiry=expiry)
    make = providers.Singleton(
        MakeDatabase,
        **records_only,
        provider=provider,
        login_check=login_check,
        retire=retire,
        randomness=randomness,
        passwords=passwords,
    )
    vend = providers.Singleton(
        VendDatabase,
        **outside,
        make=make,
        randomness=randomness,
        passwords=passwords,
        expiry=expiry,
    )
    audit = providers.Singleton(Audit, trail=trail, clock=clock, randomness=randomness)
    sweep = providers.Singleton(
        Sweep,
        audit=audit,
        **records_only,
        leases=leases,
        target=target,
        vend=vend,
        retire=retire,
        expire=expire,
        rotate=rotate,
        restore=restore,
        reconcile=providers.Singleton(Reconcile, **outside),
        confine=providers.Singleton(
            ConfineDatabases,
            **records_only,
            guard=size_guard,
            leases=leases,
            target=target,
            limit=providers.Callable(attrgetter("size_limit"), settings),
        ),
    )
    sweep_interval = providers.Callable(attrgetter("sweep_interval"), settings)
    sweeping = providers.Singleton(Sweeping, sweep, sweep_interval, clock, log)

    use_cases = providers.Singleton(
        UseCases,
        vend=vend,
        show=providers.Singleton(ShowDatabase, registry=registry),
        connect=providers.Singleton(ShowConnection, **made, passwords=passwords),
        list=providers.Singleton(ListDatabases, registry=registry),
        watch=providers.Singleton(WatchDatabase, **records_only),
        change=providers.Singleton(ChangeDatabase, **records_only, expiry=expiry),
        rotate=rotate,
        restore=restore,
        retire=retire,
        sweep=sweep,
        check_health=providers.Singleton(CheckHealth, registry=registry, provider=provider),
        admit=providers.Singleton(
            AdmitCaller,
            ring=key_ring,
            rates=rates,
            clock=clock,
            static_keys=providers.Callable(attrgetter("static_keys"), settings),
            is_open=providers.Callable(attrgetter("is_open"), settings),
        ),
        keys=providers.Singleton(ManageKeys, ring=key_ring, clock=clock, randomness=randomness),
        audit=audit,
    )


async def resolved(value: T | Awaitable[T]) -> T:
    """dependency-injector answers with an awaitable when anything below is asynchronous, and its
    types do not say so: this is the one place that knows.

    Shielded, because its futures do not take a cancellation: what is being opened is opened, and
    closed with the rest.
    """
    return await asyncio.shield(value) if inspect.isawaitable(value) else value
