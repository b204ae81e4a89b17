"""Two tenants of one service, A, which has data, and B, which attacks it, on servers of every kind,
whose operators applied the fixes of pgvend's startup warning."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import asyncpg

from adapters.driver.connector import Login
from adapters.postgres.provider import PostgresProvider
from domain.connection import Connection
from domain.provisioning import Order
from ports.driven.database_provider import DatabaseProvider
from tests.security.outcome import Kind, Outcome
from tests.support.databases import vended
from tests.support.guard_runs import guarded
from tests.support.neon.emulator import RunningEmulator
from tests.support.neon.providers import vending_on
from tests.support.postgres_under_test import Place, bundle, operated, tenant
from tests.support.provision_requests import new_order
from tests.support.servers import OperatorsServer

Base = OperatorsServer | PostgresProvider | RunningEmulator

NEON_OWNER = "neondb_owner"
NEON_HALL = "neondb"

WORD = "the crown jewels"

LIMIT = 3
"""The connection limit of a tenant, where the admin may set one."""

_REFUSALS = (
    asyncpg.InsufficientPrivilegeError,
    asyncpg.InvalidAuthorizationSpecificationError,  # pg_hba.conf or the password refuses
    asyncpg.ObjectNotInPrerequisiteStateError,  # template0 accepts no logins
    asyncpg.InvalidCatalogNameError,  # the database does not exist on other servers
    asyncpg.UndefinedObjectError,  # the role does not exist
)


class Stopped(Exception):
    """The server refused B's action."""


@contextmanager
def stoppable() -> Iterator[None]:
    """Turn a refusal into Stopped; other errors pass."""
    try:
        yield
    except _REFUSALS as error:
        raise Stopped from error
    except asyncpg.InvalidParameterValueError as error:
        if re.search("role .* does not exist", str(error)):
            raise Stopped from error
        raise


_BELONGINGS = """
CREATE TABLE treasure (word text);
CREATE SCHEMA vault CREATE TABLE box (word text)
"""

_PORTRAIT = """
SELECT row_to_json(whole)::text FROM (
    SELECT
        (SELECT array_agg(word) FROM public.treasure) AS words,
        (SELECT array_agg(convert_from(lo_get(oid), 'UTF8')) FROM pg_largeobject_metadata)
            AS objects,
        (SELECT array_agg(c::text ORDER BY c.oid) FROM pg_class AS c
            WHERE relnamespace IN ('public'::regnamespace, 'vault'::regnamespace)) AS relations,
        (SELECT array_agg(n::text ORDER BY n.oid) FROM pg_namespace AS n
            WHERE nspname !~ '^pg_') AS schemas,
        (SELECT array_agg(p.proname) FROM pg_proc AS p WHERE p.oid >= 16384) AS functions,
        (SELECT to_jsonb(d) - '{datfrozenxid,datminmxid}'::text[] FROM pg_database AS d
            WHERE datname = current_database()) AS database,
        (SELECT r::text FROM pg_roles AS r WHERE rolname = current_user) AS role,
        (SELECT array_agg(s::text) FROM pg_db_role_setting AS s
            WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
               OR setrole = current_user::regrole) AS settings,
        (SELECT array_agg(m::text ORDER BY m.oid) FROM
            (SELECT 1 AS oid, roleid, member FROM pg_auth_members
             WHERE current_user::regrole IN (roleid, member)) AS m) AS memberships
) AS whole
"""


@dataclass(frozen=True)
class Guest:
    """A tenant that exists for a part of an attack."""

    order: Order
    connection: Connection


@dataclass(frozen=True)
class Stage:
    """A server with both tenants. `hall` is pgvend's own database, `superuser` an operator's login,
    `log` the server's log; the last two are None where they do not exist."""

    kind: Kind
    provider: DatabaseProvider
    admin: str
    hall: str
    superuser: Login | None = field(repr=False)
    log: Path | None
    a_order: Order
    b_order: Order
    a: Connection
    b: Connection

    @property
    def happened(self) -> Outcome:
        """The outcome if the server allowed an action on B's server."""
        return Outcome.POSSIBLE if self.kind.is_shared else Outcome.OWN

    def as_a(self) -> AbstractAsyncContextManager[asyncpg.Connection]:
        return tenant(self.a)

    @asynccontextmanager
    async def as_b(self, **login: object) -> AsyncIterator[asyncpg.Connection]:
        """Log in as B. Raises Stopped for every refusal."""
        with stoppable():
            async with tenant(self.b, **login) as session:
                yield session

    def as_guest(self) -> AbstractAsyncContextManager[asyncpg.Connection]:
        """Log in to A's database with B's login."""
        return self.as_b(host=self.a.host, port=self.a.port, database=self.a.database)

    @asynccontextmanager
    async def another(self) -> AsyncIterator[Guest]:
        """One more tenant until the context exits."""
        order = new_order()
        async with vended(self.provider, order) as connection:
            yield Guest(order, connection)

    def filled(self, text: str) -> str:
        """Fill in the names of both tenants."""
        return text.format(
            a=f'"{self.a.user}"',
            a_database=f'"{self.a.database}"',
            b=f'"{self.b.user}"',
            b_database=f'"{self.b.database}"',
            admin=f'"{self.admin}"',
            hall=f'"{self.hall}"',
        )

    async def portrait(self) -> str:
        """Return all of A's data and rights, as a new session of A sees them."""
        async with self.as_a() as session:
            return str(await session.fetchval(_PORTRAIT))


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
    provider = replace(place.provider, server=server)
    async with guarded(provider) as watch, _tenants(kind, provider, make) as stage:
        yield stage
        mine = [ending for ending in watch.endings if ending[0] == stage.a_order.tenant.id]
        assert not mine, "the guard ended a session of A's"


@asynccontextmanager
async def _tenants(
    kind: Kind, provider: DatabaseProvider, make: partial[Stage]
) -> AsyncIterator[Stage]:
    a_order, b_order = new_order("A"), new_order("B")
    async with vended(provider, a_order) as a, vended(provider, b_order) as b:
        await _furnish(a)
        yield make(kind=kind, provider=provider, a_order=a_order, b_order=b_order, a=a, b=b)


@asynccontextmanager
async def _closed_hall(neon: RunningEmulator) -> AsyncIterator[None]:
    to_all = f"CONNECT, TEMPORARY ON DATABASE {NEON_HALL}"
    async with neon.session(NEON_OWNER, NEON_HALL) as owner:
        await owner.execute(f"REVOKE {to_all} FROM PUBLIC")
    try:
        yield
    finally:
        async with neon.session(NEON_OWNER, NEON_HALL) as owner:
            await owner.execute(f"GRANT {to_all} TO PUBLIC")


async def _furnish(connection: Connection) -> None:
    """Create data in A's database."""
    async with tenant(connection) as session:
        await session.execute(_BELONGINGS)
        await session.execute("INSERT INTO treasure VALUES ($1)", WORD)
        await session.execute("SELECT lo_from_bytea(0, $1)", WORD.encode())
