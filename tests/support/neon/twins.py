"""Project mode over Neon: projects that bear a tenant's name, and what is kept in them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from adapters.neon.opening import opened_neon
from adapters.postgres.sessions import tenant_session
from domain.connection import Connection
from domain.order import Order
from domain.target import Isolation
from ports.driven.database_provider import DatabaseProvider
from tests.support.hurried import HurriedClock
from tests.support.neon.emulator import RunningEmulator
from tests.support.neon.providers import settings_on


@asynccontextmanager
async def hurriedly_on(neon: RunningEmulator) -> AsyncIterator[DatabaseProvider]:
    """A project for each database; what waits for lists that are behind does so in a hurry."""
    settings = replace(settings_on(neon, Isolation.PROJECT), clock=HurriedClock())
    async with opened_neon(settings) as provider:
        yield provider


async def make_twin(neon: RunningEmulator, order: Order) -> None:
    """One more project of the tenant's, as a request makes it that was lost and came about."""
    (name,) = (
        each.name for each in neon.emulator.projects.values() if order.tenant.id in each.name
    )
    names = order.tenant.names
    branch = {"database_name": names.database, "role_name": names.owner}
    await neon.client.done(await neon.client.create_project(name=name, branch=branch))


async def keep_something(connection: Connection) -> None:
    async with tenant_session(connection) as session:
        await session.execute("CREATE TABLE precious AS SELECT 42 AS number")


async def has_something(connection: Connection) -> bool:
    async with tenant_session(connection) as session:
        return bool(await session.fetchval("SELECT to_regclass('precious') IS NOT NULL"))
