"""A and B on a server of every kind, whose operator did what pgvend's start-up warning says."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

from adapters.postgres.provider import PostgresProvider
from ports.driven.database_provider import DatabaseProvider
from tests.security.outcome import Kind
from tests.security.stage import LIMIT, Stage, furnish
from tests.support.databases import vended
from tests.support.neon.emulator import RunningEmulator
from tests.support.neon.providers import vending_on
from tests.support.orders import new_order
from tests.support.places import Place, bundle, operated
from tests.support.servers import OperatorsServer

Base = OperatorsServer | PostgresProvider | RunningEmulator

NEON_OWNER = "neondb_owner"
NEON_HALL = "neondb"


@asynccontextmanager
async def opened_stage(kind: Kind, base: Base) -> AsyncIterator[Stage]:
    if isinstance(base, RunningEmulator):
        async with _closed_hall(base), vending_on(base, kind.isolation) as provider:
            make = partial(Stage, admin=NEON_OWNER, hall=NEON_HALL, superuser=None, log=None)
            async with _tenants(kind, provider, make) as stage:
                yield stage
    elif isinstance(base, OperatorsServer):
        async with operated(base) as place, _on_server(kind, place) as stage:
            yield stage
    else:
        async with _on_server(kind, bundle(base)) as stage:
            yield stage


@asynccontextmanager
async def _on_server(kind: Kind, place: Place) -> AsyncIterator[Stage]:
    server = replace(place.provider.server, connection_limit=LIMIT)
    make = partial(
        Stage, admin=place.admin, hall="postgres", superuser=place.superuser, log=place.log
    )
    async with _tenants(kind, replace(place.provider, server=server), make) as stage:
        yield stage


@asynccontextmanager
async def _tenants(
    kind: Kind, provider: DatabaseProvider, make: "partial[Stage]"
) -> AsyncIterator[Stage]:
    a_order, b_order = new_order("A"), new_order("B")
    async with vended(provider, a_order) as a, vended(provider, b_order) as b:
        await furnish(a)
        yield make(kind=kind, provider=provider, a_order=a_order, b_order=b_order, a=a, b=b)


@asynccontextmanager
async def _closed_hall(neon: RunningEmulator) -> AsyncIterator[None]:
    await _run(neon, f"REVOKE CONNECT, TEMPORARY ON DATABASE {NEON_HALL} FROM PUBLIC")
    try:
        yield
    finally:
        await _run(neon, f"GRANT CONNECT, TEMPORARY ON DATABASE {NEON_HALL} TO PUBLIC")


async def _run(neon: RunningEmulator, statement: str) -> None:
    async with neon.session(NEON_OWNER, NEON_HALL) as session:
        await session.execute(statement)
