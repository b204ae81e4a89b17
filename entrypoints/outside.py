"""The outer half of the composition root: which adapter stands behind each port."""

from operator import attrgetter

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
from adapters.memory.size_guard import NoSizeGuard
from adapters.neon.login_check import NeonLoginCheck
from adapters.postgres.login_check import NoLoginCheck, PostgresLoginCheck
from adapters.registry.opening import Opened
from adapters.system.clock import SystemClock
from adapters.system.randomness import SystemRandomness
from domain.known_keys import KnownKeys
from domain.retry import DEFAULT
from domain.secret import Secret
from entrypoints.guard_parts import guard_on_embedded, guard_on_postgres
from entrypoints.neon_parts import cared_for, on_neon
from entrypoints.provider_settings import ProviderName
from entrypoints.resources import on_embedded, on_postgres, records_of
from entrypoints.secret_parts import installation_of, passwords_of
from entrypoints.settings import Settings
from ports.driven.login_check import LoginCheck
from ports.driven.rates import Rates


def _rates(records: Opened, alone: Rates) -> Rates:
    """Replicas count together where they share a server."""
    return records.shared_rates or alone


def _care(settings: Settings) -> str:
    """How the provider's calls are taken care of."""
    return "patient" if settings.provider is ProviderName.NEON else "retried"


def _unless_off(settings: Settings, login_check: LoginCheck) -> LoginCheck | None:
    return login_check if settings.verify_login else None


def _fake_or_real(settings: Settings) -> str:
    return "fake" if settings.provider is ProviderName.MEMORY else "real"


def _login_check_name(settings: Settings) -> str:
    return settings.provider if settings.verify_login else "none"


class Outside(containers.DeclarativeContainer):
    """Only the chosen provider's resource is ever opened."""

    settings = providers.Dependency(instance_of=Settings)
    secret = providers.Dependency(instance_of=Secret)

    clock = providers.Singleton(SystemClock)
    randomness = providers.Singleton(SystemRandomness)
    log = providers.Singleton(structlog.get_logger)
    retrying = providers.Singleton(Retrying, DEFAULT, clock, randomness)

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

    guard = providers.Selector(
        providers.Callable(attrgetter("provider"), settings),
        memory=providers.Object(None),
        embedded=providers.Resource(guard_on_embedded, embedded),
        postgres=providers.Resource(guard_on_postgres, postgres),
        neon=providers.Object(None),
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
    login_check_once = providers.Singleton(ObservedLoginCheck, bare_login_check, observed)
    login_check = providers.Singleton(RetryingLoginCheck, login_check_once, retrying)
    login_check_if_any = providers.Callable(_unless_off, settings, login_check_once)
    password_check = providers.Selector(
        providers.Callable(_fake_or_real, settings),
        fake=providers.Singleton(MemoryLoginCheck, memory),
        real=providers.Singleton(PostgresLoginCheck),
    )
    password_check_if_any = providers.Callable(_unless_off, settings, password_check)
    size_guard = providers.Singleton(
        RetryingSizeGuard,
        providers.Singleton(ObservedSizeGuard, bare_size_guard, observed),
        retrying,
    )
    leases = providers.Callable(attrgetter("leases"), records)
    bare_registry = providers.Callable(attrgetter("registry"), records)
    registry = providers.Singleton(ObservedRegistry, bare_registry, log)
    key_ring = providers.Callable(attrgetter("keys"), records)
    own_rates = providers.Singleton(MemoryRates, clock)
    rates = providers.Callable(_rates, records, own_rates)
    failures = providers.Singleton(MemoryRates, clock)
    known_keys = providers.Singleton(KnownKeys)
    trail = providers.Callable(attrgetter("audit"), records)
