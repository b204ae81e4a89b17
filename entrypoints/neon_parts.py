"""The part of the composition root that is about Neon."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from structlog.stdlib import BoundLogger

from adapters.decorators.queued import Queue, QueuedProvider
from adapters.decorators.retrying import Retrying, RetryingProvider
from adapters.neon.budget import Budget
from adapters.neon.fitness import Place
from adapters.neon.opening import Neon, opened_neon
from domain.database import Isolation
from domain.errors import ProviderLocked
from domain.passwords import PasswordDeriver
from domain.retry import RetryPolicy
from domain.secret import Secret
from entrypoints.settings import ProviderName, Settings
from ports.driven.clock import Clock
from ports.driven.database_provider import DatabaseProvider
from ports.driven.randomness import Randomness

PATIENCE = 120.0
"""Seconds that a call waits for its turn, and then for whoever else has locked the project."""

LONGEST_QUEUE = 100
"""Calls that may wait for their turn."""


@asynccontextmanager
async def on_neon(
    settings: Settings, passwords: PasswordDeriver, clock: Clock, log: BoundLogger
) -> AsyncIterator[DatabaseProvider]:
    branch = settings.neon_branch()
    place = Place(
        api_url=settings.neon_api_url,
        key=Secret(branch.api_key.get_secret_value()),
        project_id=branch.project_id,
        branch_id=branch.branch_id,
        host=branch.host,
    )
    neon = Neon(
        place=place,
        isolation=Isolation(settings.neon_isolation),
        installation=passwords.installation(),
        connection_limit=settings.connection_limit,
        clock=clock,
        log=log,
        budget=Budget(clock),
    )
    async with opened_neon(neon) as provider:
        yield provider


def isolation_of(settings: Settings) -> Isolation:
    is_neon = settings.provider is ProviderName.NEON
    return Isolation(settings.neon_isolation) if is_neon else Isolation.ROLE


def patient(
    provider: DatabaseProvider, clock: Clock, randomness: Randomness, patience: float = PATIENCE
) -> DatabaseProvider:
    """Somebody else's operations may lock a project for minutes; all else is tried less often."""
    until_free = RetryPolicy(attempts=1_000, base=0.25, cap=2.0, deadline=patience)
    locked = Retrying(until_free, clock, randomness, after=(ProviderLocked,))
    usual = Retrying(RetryPolicy(deadline=patience), clock, randomness, never=(ProviderLocked,))
    return RetryingProvider(RetryingProvider(provider, locked), usual)


def one_at_a_time(
    provider: DatabaseProvider,
    clock: Clock,
    randomness: Randomness,
    log: BoundLogger,
    patience: float = PATIENCE,
) -> DatabaseProvider:
    """For a project that takes one change at a time: ours wait for each other in a queue, and only
    the one whose turn it is meets those of others."""
    queue = Queue(LONGEST_QUEUE, patience, clock, log)
    return QueuedProvider(patient(provider, clock, randomness, patience), queue)
