"""What others granted to a tenant: PostgreSQL drops no role that anything on the server names."""

from adapters.postgres import statements
from adapters.postgres.server import Server
from adapters.postgres.sessions import Session, single_session
from adapters.postgres.sight import Marks
from domain.naming import Names
from domain.order import Tenant

_HOSTS = """
SELECT DISTINCT d.datname AS database, pg_get_userbyid(d.datdba) AS owner,
       shobj_description(d.datdba, 'pg_authid') AS mark
FROM pg_shdepend AS dependency JOIN pg_database AS d ON d.oid = CASE
    WHEN dependency.dbid <> 0 THEN dependency.dbid
    WHEN dependency.classid = 'pg_database'::regclass THEN dependency.objid
END
WHERE dependency.refclassid = 'pg_authid'::regclass AND d.datallowconn
  AND dependency.refobjid = (SELECT oid FROM pg_roles WHERE rolname = $1)
"""


async def take_back_grants(session: Session, owner: str, server: Server, marks: Marks) -> None:
    """Where the admin may: here, in its neighbours' databases, and, where there is a superuser to
    do it, everywhere. A neighbour needs no consent to grant somebody something."""
    await session.execute(statements.drop_grants(owner))
    for host in await session.fetch(_HOSTS, owner):
        if server.superuser:
            login = {**server.superuser, "database": host["database"]}
            async with single_session(login) as inside:
                await inside.execute(statements.drop_grants(owner))
        elif (host["mark"] or "").startswith(marks.prefix):
            names = Names(database=host["database"], owner=host["owner"])
            neighbour = Tenant(id=host["mark"].removeprefix(marks.prefix), names=names)
            await _take_back_from(session, neighbour, owner, server)


async def _take_back_from(session: Session, neighbour: Tenant, owner: str, server: Server) -> None:
    """As the neighbour, under its lock: a provision of it would be between joining and leaving."""
    await session.execute(statements.lock(neighbour))
    await session.execute(statements.join(neighbour.names.owner))
    login = {**server.admin, "database": neighbour.names.database}
    async with single_session(login) as inside:
        await inside.execute(statements.drop_grants(owner))
    await session.execute(statements.leave(neighbour.names.owner))
