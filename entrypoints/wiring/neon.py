"""The provider on Neon."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from structlog.stdlib import BoundLogger

from adapters.decorators.queueing import Queue, QueueingProvider
from adapters.decorators.retrying import Retrying, RetryingProvider
from adapters.metrics.neon_requests import NeonRequestMeter
from adapters.neon.budget import Budget
from adapters.neon.startup import NeonAccess, NeonConfig, open_neon
from domain.retry import SHARED_PROJECT
from domain.secrets import Secret
from domain.targets import Isolation
from entrypoints.config.field_types import require
from entrypoints.config.settings import Settings
from entrypoints.wiring.tracing import Tracing
from ports.driven.clock import Clock
from ports.driven.database_provider import DatabaseProvider
from ports.driven.metrics import Metrics

TIMEOUT = SHARED_PROJECT.deadline
"""Seconds that a call waits for its turn, and then for a project that others have locked."""

MAX_QUEUE_LENGTH = 100
"""Calls that may wait for their turn."""


@asynccontextmanager
async def open_neon_provider(
    settings: Settings,
    installation: str,
    clock: Clock,
    log: BoundLogger,
    metrics: Metrics,
    tracing: Tracing | None,
) -> AsyncIterator[DatabaseProvider]:
    meter = NeonRequestMeter(clock, metrics, tracing.trace_outgoing if tracing else None)
    config = create_neon_config(settings, installation, clock, log)
    async with open_neon(replace(config, trace_request=meter)) as provider:
        yield provider


def create_neon_config(
    settings: Settings, installation: str, clock: Clock, log: BoundLogger
) -> NeonConfig:
    return NeonConfig(
        access=NeonAccess(
            api_url=settings.neon_api_url,
            key=Secret(require(settings.neon_api_key).get_secret_value()),
            project_id=require(settings.neon_project_id),
            branch_id=require(settings.neon_branch_id),
            host=require(settings.neon_host),
        ),
        isolation=settings.isolation,
        installation=installation,
        connection_limit=settings.connection_limit,
        clock=clock,
        log=log,
        budget=Budget(clock),
    )


def with_retries(
    provider: DatabaseProvider,
    isolation: Isolation,
    retrying: Retrying,
    log: BoundLogger,
    timeout: float = TIMEOUT,
) -> DatabaseProvider:
    """Return the provider with retries by Neon's policy, and without isolation also with a queue.

    The API accepts one change to a project at a time. In the queue our own changes wait for each
    other, so that only the call whose turn it is meets operations of others.
    """
    retrying = replace(retrying, policy=SHARED_PROJECT.with_deadline(timeout))
    retrying_provider = RetryingProvider(provider, retrying)
    if isolation is not Isolation.NONE:
        return retrying_provider
    queue = Queue(MAX_QUEUE_LENGTH, timeout, retrying.clock, log, retrying.metrics)
    return QueueingProvider(retrying_provider, queue)
