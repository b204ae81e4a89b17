"""The part of the composition root that is about Neon."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from structlog.stdlib import BoundLogger

from adapters.decorators.queued import Queue, QueuedProvider
from adapters.decorators.retrying import Retrying, RetryingProvider
from adapters.neon.budget import Budget
from adapters.neon.opening import Neon, Place, opened_neon
from domain.retry import SHARED_PROJECT
from domain.secret import Secret
from domain.target import Isolation
from entrypoints.setting_types import needed
from entrypoints.settings import Settings
from ports.driven.clock import Clock
from ports.driven.database_provider import DatabaseProvider
from ports.driven.randomness import Randomness

PATIENCE = SHARED_PROJECT.deadline
"""Seconds that a call waits for its turn, and then for a project that others have locked."""

LONGEST_QUEUE = 100
"""Calls that may wait for their turn."""


@asynccontextmanager
async def on_neon(
    settings: Settings, installation: str, clock: Clock, log: BoundLogger
) -> AsyncIterator[DatabaseProvider]:
    async with opened_neon(neon_of(settings, installation, clock, log)) as provider:
        yield provider


def neon_of(settings: Settings, installation: str, clock: Clock, log: BoundLogger) -> Neon:
    return Neon(
        place=_place(settings),
        isolation=settings.isolation,
        installation=installation,
        connection_limit=settings.connection_limit,
        clock=clock,
        log=log,
        budget=Budget(clock),
    )


def _place(settings: Settings) -> Place:
    return Place(
        api_url=settings.neon_api_url,
        key=Secret(needed(settings.neon_api_key).get_secret_value()),
        project_id=needed(settings.neon_project_id),
        branch_id=needed(settings.neon_branch_id),
        host=needed(settings.neon_host),
    )


def cared_for(
    provider: DatabaseProvider,
    isolation: Isolation,
    clock: Clock,
    randomness: Randomness,
    log: BoundLogger,
    patience: float = PATIENCE,
) -> DatabaseProvider:
    """By the API a project takes one change at a time: ours wait for each other in a queue, and
    only the one whose turn it is meets those of others."""
    retrying = Retrying(SHARED_PROJECT.with_deadline(patience), clock, randomness)
    retried = RetryingProvider(provider, retrying)
    if isolation is not Isolation.NONE:
        return retried
    return QueuedProvider(retried, Queue(LONGEST_QUEUE, patience, clock, log))
