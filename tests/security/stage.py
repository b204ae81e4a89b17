"""Two tenants of one service: A, who has something to lose, and B, who is after it."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg

from adapters.postgres.sessions import Login
from domain.connection import Connection
from domain.order import Order
from ports.driven.database_provider import DatabaseProvider
from tests.security.outcome import Kind, Outcome
from tests.support.databases import vended
from tests.support.orders import new_order
from tests.support.places import tenant

WORD = "the crown jewels"

LIMIT = 3
"""Sessions that a tenant may have at once, where the admin may say so."""

_REFUSALS = (
    asyncpg.InsufficientPrivilegeError,
    asyncpg.InvalidAuthorizationSpecificationError,  # pg_hba.conf, or the password, says no
    asyncpg.ObjectNotInPrerequisiteStateError,  # template0 takes nobody
    asyncpg.InvalidCatalogNameError,  # on a server of one's own there is no such database
    asyncpg.UndefinedObjectError,  # nor such a role
)


class Stopped(Exception):
    """The server refuses what B tries."""


@contextmanager
def stoppable() -> Iterator[None]:
    """Raises Stopped for a refusal, and nothing else."""
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
    """A tenant for a while."""

    order: Order
    connection: Connection


@dataclass(frozen=True)
class Stage:
    """`hall` is the database that pgvend itself works from, `superuser` a login of the operator and
    `log` the server's, where there are such."""

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
        """What it means that the server that B is on let something happen."""
        return Outcome.POSSIBLE if self.kind.is_shared else Outcome.OWN

    def as_a(self) -> AbstractAsyncContextManager[asyncpg.Connection]:
        return tenant(self.a)

    @asynccontextmanager
    async def as_b(self, **login: object) -> AsyncIterator[asyncpg.Connection]:
        """Raises Stopped for whatever B is refused."""
        with stoppable():
            async with tenant(self.b, **login) as session:
                yield session

    def as_guest(self) -> AbstractAsyncContextManager[asyncpg.Connection]:
        """B, with its own login, in A's database."""
        return self.as_b(host=self.a.host, port=self.a.port, database=self.a.database)

    @asynccontextmanager
    async def another(self) -> AsyncIterator[Guest]:
        """One more tenant, for as long as the context lasts."""
        order = new_order()
        async with vended(self.provider, order) as connection:
            yield Guest(order, connection)

    def filled(self, text: str) -> str:
        """With the names of whom it is about."""
        return text.format(
            a=f'"{self.a.user}"',
            a_database=f'"{self.a.database}"',
            b=f'"{self.b.user}"',
            b_database=f'"{self.b.database}"',
            admin=f'"{self.admin}"',
        )

    async def portrait(self) -> str:
        """All that A has, and may, as A finds it by logging in anew."""
        async with self.as_a() as session:
            return str(await session.fetchval(_PORTRAIT))


async def furnish(connection: Connection) -> None:
    """Give A something to lose."""
    async with tenant(connection) as session:
        await session.execute(_BELONGINGS)
        await session.execute("INSERT INTO treasure VALUES ($1)", WORD)
        await session.execute("SELECT lo_from_bytea(0, $1)", WORD.encode())
