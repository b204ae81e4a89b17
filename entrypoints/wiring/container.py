"""The container: the adapter behind each port, and the use cases over them."""

import asyncio
import inspect
from collections.abc import Awaitable, Sequence
from operator import attrgetter
from typing import TypeVar

import structlog
from dependency_injector.containers import DeclarativeContainer
from dependency_injector.providers import (
    Callable,
    Dependency,
    Object,
    Resource,
    Selector,
    Singleton,
)
from structlog.stdlib import BoundLogger

from adapters.decorators.logging import CallLogger, LoggingRegistry
from adapters.decorators.observing import (
    Observer,
    Observers,
    ObservingLoginCheck,
    ObservingProvider,
    ObservingRegistry,
    ObservingSizeLimiter,
    ObservingWebhookSender,
)
from adapters.decorators.publishing import PublishingRegistry
from adapters.decorators.retrying import (
    Retrying,
    RetryingLoginCheck,
    RetryingProvider,
    RetryingSizeLimiter,
)
from adapters.memory.provider import MemoryLoginCheck, MemoryProvider
from adapters.memory.rate_limiter import MemoryRateLimiter
from adapters.memory.size_limiter import NoSizeLimiter
from adapters.metrics.prometheus import PrometheusMetrics
from adapters.metrics.steps import StepMeter
from adapters.neon.login_check import NeonLoginCheck
from adapters.postgres.login_check import NoLoginCheck, PostgresLoginCheck
from adapters.registry.stores import Stores
from adapters.system.clock import SystemClock
from adapters.system.randomness import SystemRandomness
from adapters.webhooks.sender import HttpWebhookSender
from domain.receivers import ReceiverPolicy
from domain.retry import DEFAULT
from domain.secrets import Secret
from entrypoints.config.settings import Settings
from entrypoints.wiring.access import Access
from entrypoints.wiring.exports import create_exporter
from entrypoints.wiring.maintenance import Maintenance
from entrypoints.wiring.neon import open_neon_provider, with_retries
from entrypoints.wiring.resources import (
    create_password_deriver,
    open_embedded,
    open_embedded_server_guard,
    open_postgres,
    open_postgres_guard,
    open_stores,
    read_installation,
)
from entrypoints.wiring.tracing import Tracing
from entrypoints.wiring.use_cases import UseCases
from entrypoints.wiring.webhooks import Webhooks
from ports.driven.login_check import LoginCheck
from ports.driven.rate_limiter import RateLimiter
from ports.use_cases.record_feed import RecordFeed

T = TypeVar("T")


def _if_enabled(is_enabled: bool, login_check: LoginCheck) -> LoginCheck | None:
    return login_check if is_enabled else None


def _bind_logger() -> BoundLogger:
    """Return a logger that is bound already: an unbound one is bound again for each event."""
    log: BoundLogger = structlog.get_logger().bind()
    return log


def _select_rate_limiter(stores: Stores, local: RateLimiter) -> RateLimiter:
    """Return the rate limiter that replicas share, or else the local one."""
    return stores.shared_rate_limiter or local


def _list_observers(tracing: Tracing | None, *others: Observer) -> Sequence[Observer]:
    return others if tracing is None else [tracing.trace_step, *others]


class Container(DeclarativeContainer):
    """Only the resources of the selected provider are opened. Traces are off unless `tracing` is
    given."""

    settings = Dependency(instance_of=Settings)
    secret = Dependency(instance_of=Secret)
    tracing: Object[Tracing | None] = Object(None)

    provider_name = Callable(attrgetter("provider"), settings)
    isolation = Callable(attrgetter("isolation"), settings)
    verify_login = Callable(attrgetter("verify_login"), settings)

    clock = Singleton(SystemClock)
    randomness = Singleton(SystemRandomness)
    log = Singleton(_bind_logger)
    metrics = Singleton(PrometheusMetrics)
    step_meter = Singleton(StepMeter, clock, metrics)
    observe = Singleton(
        Observers,
        Callable(_list_observers, tracing, Singleton(CallLogger, clock, log), step_meter),
    )
    retrying = Singleton(Retrying, DEFAULT, clock, randomness, metrics)

    stores = Resource(open_stores, settings)
    installation = Resource(read_installation, stores, settings, secret)
    passwords = Resource(create_password_deriver, stores, settings, secret, installation, log)

    memory = Singleton(MemoryProvider)
    embedded = Resource(open_embedded, settings, installation, clock, log, metrics)
    postgres = Resource(open_postgres, settings, installation, log, metrics)
    neon = Resource(open_neon_provider, settings, installation, clock, log, metrics, tracing)
    bare_provider = Selector(
        provider_name, memory=memory, embedded=embedded, postgres=postgres, neon=neon
    )
    observing_provider = Singleton(ObservingProvider, bare_provider, observe)
    retrying_provider = Singleton(RetryingProvider, observing_provider, retrying)
    provider = Selector(
        provider_name,
        memory=retrying_provider,
        embedded=retrying_provider,
        postgres=retrying_provider,
        neon=Singleton(with_retries, observing_provider, isolation, retrying, log),
    )

    memory_login_check = Singleton(MemoryLoginCheck, memory)
    postgres_login_check = Singleton(PostgresLoginCheck)
    bare_login_check = Selector(
        Callable(attrgetter("login_check"), settings),
        memory=memory_login_check,
        embedded=postgres_login_check,
        postgres=postgres_login_check,
        neon=Singleton(NeonLoginCheck, postgres_login_check, clock),
        none=Singleton(NoLoginCheck),
    )
    observing_login_check = Singleton(ObservingLoginCheck, bare_login_check, observe)
    login_check = Singleton(RetryingLoginCheck, observing_login_check, retrying)
    password_check = Selector(
        provider_name,
        memory=memory_login_check,
        embedded=postgres_login_check,
        postgres=postgres_login_check,
        neon=postgres_login_check,
    )

    bare_size_limiter = Selector(
        provider_name,
        memory=memory,
        embedded=embedded,
        postgres=postgres,
        neon=Singleton(NoSizeLimiter),
    )
    observing_size_limiter = Singleton(ObservingSizeLimiter, bare_size_limiter, observe)
    size_limiter = Singleton(RetryingSizeLimiter, observing_size_limiter, retrying)

    guard = Selector(
        provider_name,
        memory=Object(None),
        embedded=Resource(open_embedded_server_guard, embedded),
        postgres=Resource(open_postgres_guard, postgres),
        neon=Object(None),
    )

    bare_registry = Callable(attrgetter("registry"), stores)
    observing_registry = Singleton(ObservingRegistry, bare_registry, step_meter)
    feed = Singleton(RecordFeed)
    publishing_registry = Singleton(PublishingRegistry, observing_registry, feed.provided.publish)
    memory_rate_limiter = Singleton(MemoryRateLimiter, clock)

    registry = Singleton(LoggingRegistry, publishing_registry, log)
    access = Singleton(
        Access,
        settings=settings,
        clock=clock,
        randomness=randomness,
        registry=registry,
        key_store=Callable(attrgetter("keys"), stores),
        audit_log=Callable(attrgetter("audit"), stores),
        rate_limiter=Callable(_select_rate_limiter, stores, memory_rate_limiter),
        failures=Singleton(MemoryRateLimiter, clock),
        tracing=tracing,
    )
    leases = Callable(attrgetter("leases"), stores)
    receiver_policy = Singleton(
        ReceiverPolicy, Callable(attrgetter("webhook_allow_networks"), settings)
    )
    bare_webhook_sender = Singleton(HttpWebhookSender, receiver_policy, clock)
    webhook_sender = Singleton(ObservingWebhookSender, bare_webhook_sender, observe)
    webhooks = Singleton(
        Webhooks,
        settings=settings,
        clock=clock,
        randomness=randomness,
        passwords=passwords,
        registry=registry,
        leases=leases,
        store=Callable(attrgetter("webhooks"), stores),
        deliveries=Callable(attrgetter("deliveries"), stores),
        announcements=Callable(attrgetter("announcements"), stores),
        sender=webhook_sender,
        metrics=metrics,
        tracing=tracing,
    )
    use_cases = Singleton(
        UseCases,
        settings=settings,
        access=access,
        webhooks=webhooks,
        clock=clock,
        randomness=randomness,
        passwords=passwords,
        registry=registry,
        leases=leases,
        provider=provider,
        login_check=login_check,
        # without retries: the caller waits for it, and gets the connection in any case
        reveal_check=Callable(_if_enabled, verify_login, observing_login_check),
        restore_check=Callable(_if_enabled, verify_login, password_check),
        size_limiter=size_limiter,
        size_meter=bare_size_limiter,
        guard=guard,
        feed=feed,
        metrics=metrics,
        tracing=tracing,
    )
    exporter = Resource(create_exporter, settings, bare_provider, log)
    maintenance = Singleton(Maintenance, use_cases, exporter)


async def resolve(value: T | Awaitable[T]) -> T:
    """Return the value of a provider of the container, which is awaitable if a dependency is
    asynchronous; dependency-injector's types do not say so.

    Shielded, because its futures do not support cancellation: a resource that is being opened is
    opened, and closed with the others.
    """
    return await asyncio.shield(value) if inspect.isawaitable(value) else value
