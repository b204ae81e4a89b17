"""What others granted to a tenant: PostgreSQL drops no role that anything on the server names."""

import asyncpg

from adapters.driver.connecting import Login
from adapters.postgres import statements
from adapters.postgres.membership import member_of
from adapters.postgres.server import Server
from adapters.postgres.sessions import Session, single_session
from adapters.postgres.sight import Marks
from domain.errors import ProviderRejected, Unavailable

_HOSTS = """
SELECT DISTINCT d.datname AS database, pg_get_userbyid(d.datdba) AS owner,
       shobj_description(d.datdba, 'pg_authid') AS mark
FROM pg_shdepend AS dependency JOIN pg_database AS d ON d.oid = CASE
    WHEN dependency.dbid <> 0 THEN dependency.dbid
    WHEN dependency.classid = 'pg_database'::regclass THEN dependency.objid
END
WHERE dependency.refclassid = 'pg_authid'::regclass
  AND dependency.refobjid = (SELECT oid FROM pg_roles WHERE rolname = $1)
"""


async def take_back_grants(session: Session, owner: str, server: Server, marks: Marks) -> None:
    """Where the admin may: here, in its neighbours' databases, and, where there is a superuser to
    do it, everywhere. A neighbour needs no consent to grant somebody something."""
    await session.execute(statements.drop_grants(owner))
    for host in await session.fetch(_HOSTS, owner):
        if server.superuser:
            async with single_session(server.superuser) as superuser:
                await _take_back(superuser, server.superuser, host, owner)
        elif neighbour := marks.id_in(host["mark"]):
            async with member_of(session, host["owner"], neighbour):
                await _take_back(session, server.admin, host, owner)


async def _take_back(
    session: Session | asyncpg.Connection, login: Login, host: asyncpg.Record, owner: str
) -> None:
    inside = {**login, "database": host["database"]}
    try:
        await _drop_grants_in(inside, owner)
    except (ProviderRejected, Unavailable):  # the neighbour may have closed the door behind it
        await session.execute(statements.let_admin_in(host["database"], host["owner"]))
        await _drop_grants_in(inside, owner)


async def _drop_grants_in(login: Login, owner: str) -> None:
    """A neighbour's open transaction can hold what is to be changed: it gets a moment to end."""
    async with single_session(login, lock_timeout="2s") as inside:
        try:
            await inside.execute(statements.drop_grants(owner))
        except asyncpg.LockNotAvailableError:
            await inside.execute(statements.END_SESSIONS_HERE)
            await inside.execute(statements.drop_grants(owner))
