"""The part of the composition root that is about the guard of a server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from adapters.embedded.guarding import opened_bundles_guard
from adapters.postgres.guard import opened_guard
from adapters.postgres.provider import PostgresProvider
from domain.guard_policy import GuardPolicy
from entrypoints.provider_settings import ProviderName
from entrypoints.settings import Settings
from ports.driven.clock import Clock
from ports.driven.guard import Guard
from ports.driving.guard_server import GuardServer

BUNDLED_TRANSACTION_LIMIT = timedelta(hours=24)
"""On a server of one's own nothing is ended for its age unless the operator says so."""


@asynccontextmanager
async def guard_on_embedded(provider: PostgresProvider) -> AsyncIterator[Guard]:
    async with opened_bundles_guard(provider) as guard:
        yield guard


@asynccontextmanager
async def guard_on_postgres(provider: PostgresProvider) -> AsyncIterator[Guard]:
    async with opened_guard(provider.server, provider.marks) as guard:
        yield guard


def guard_policy(settings: Settings) -> GuardPolicy:
    limit = settings.transaction_limit
    if limit is None and settings.provider is ProviderName.EMBEDDED:
        limit = BUNDLED_TRANSACTION_LIMIT
    return GuardPolicy(oldest_transaction=limit.total_seconds() if limit else None)


def guard_server(guard: Guard | None, policy: GuardPolicy, clock: Clock) -> GuardServer | None:
    """Return the use case, or None without a guard, which would keep a Neon compute awake."""
    return GuardServer(guard, policy, clock) if guard else None
