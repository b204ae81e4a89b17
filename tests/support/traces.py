"""What a server holds of one tenant, as a superuser sees it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from adapters.postgres.errors import translated
from adapters.postgres.sessions import Login
from adapters.postgres.sight import Marks
from adapters.postgres.statements import lock_key
from domain.errors import ProviderBusy
from domain.order import Tenant
from tests.support.orders import INSTALLATION
from tests.support.patience import RETRYING

_LOOK = """
SELECT
  (SELECT count(*) FROM pg_roles
   WHERE rolname = $1 OR shobj_description(oid, 'pg_authid') = $3) AS roles,
  (SELECT count(*) FROM pg_database
   WHERE datname = $2 OR pg_get_userbyid(datdba) = $1
      OR shobj_description(oid, 'pg_database') = $3) AS databases,
  (SELECT count(*) FROM pg_database d,
          aclexplode(coalesce(datacl, acldefault('d', datdba))) AS entry
   WHERE datname = $2 AND entry.grantee = 0) AS open_to_all,
  (SELECT count(*) FROM pg_auth_members
   WHERE pg_get_userbyid(roleid) = $1 AND (inherit_option OR set_option)) AS members,
  (SELECT count(*) FROM pg_locks
   WHERE locktype = 'advisory' AND (classid::bigint << 32) | objid::bigint = $4) AS locks
"""

_AT_WORK = "SELECT pid FROM pg_stat_activity WHERE pid = ANY($1)"


@dataclass(frozen=True)
class Traces:
    roles: int
    databases: int
    open_to_all: int
    """Rights on the database that PUBLIC has."""
    members: int
    """Who may act as the owner."""
    locks: int


NOTHING = Traces(0, 0, 0, 0, 0)
WHOLE = Traces(1, 1, 0, 0, 0)


async def traces(superuser: Login, tenant: Tenant) -> Traces:
    names, mark = tenant.names, Marks(INSTALLATION).of(tenant)
    async with _session(superuser) as session:
        row = await session.fetchrow(_LOOK, names.owner, names.database, mark, lock_key(tenant.id))
    assert row is not None
    return Traces(**row)


async def ended(superuser: Login, pids: Sequence[int]) -> None:
    """Return when none of these sessions is on the server any more; fail when one stays."""
    async with _session(superuser) as session:
        for _ in range(500):
            if not await session.fetch(_AT_WORK, pids):
                return
            await asyncio.sleep(0.02)
    raise AssertionError("a session of the admin does not end")


@asynccontextmanager
async def _session(superuser: Login) -> AsyncIterator[asyncpg.Connection]:
    """A session as soon as the server takes one: it may have been killed a moment ago."""
    session = await RETRYING(lambda: _connected(superuser))
    try:
        yield session
    finally:
        await session.close()


async def _connected(superuser: Login) -> asyncpg.Connection:
    with translated(lost=ProviderBusy):
        return await asyncpg.connect(**superuser)
