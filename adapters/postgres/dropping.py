"""The end of a tenant: whatever it put in the way."""

from collections.abc import Sequence

import asyncpg

from adapters.postgres import statements
from adapters.postgres.quoting import identifier, literal
from adapters.postgres.server import Server, single_session
from adapters.postgres.sight import SeenDatabase, Session

_PREPARED = "SELECT gid, owner FROM pg_prepared_xacts WHERE database = $1"


async def drop(
    session: Session, owner: str, databases: Sequence[SeenDatabase], server: Server
) -> None:
    """Shut the owner out, drop its databases, then itself. Every prefix of it can be repeated."""
    await session.execute(statements.shut_out(owner))
    for database in databases:
        await _drop_database(session, database, owner, server)
    try:
        await session.execute(statements.drop_role(owner))
    except asyncpg.DependentObjectsStillExistError:
        await session.execute(statements.drop_grants(owner))
        await session.execute(statements.drop_role(owner))


async def _drop_database(
    session: Session, database: SeenDatabase, owner: str, server: Server
) -> None:
    if not database.broken:
        await session.execute(statements.not_a_template(database.name))
    try:
        await session.execute(statements.drop_database(database.name))
    except asyncpg.ObjectInUseError:
        await _end_prepared_transactions(session, database.name, owner, server)
        await session.execute(statements.drop_database(database.name))


async def _end_prepared_transactions(
    session: Session, database: str, owner: str, server: Server
) -> None:
    """FORCE ends sessions, but a prepared transaction has none, and stays until it is rolled back.

    That takes a session in the tenant's database: its search_path holds nothing of the tenant's.
    """
    prepared = await session.fetch(_PREPARED, database)
    async with single_session({**server.admin, "database": database}) as inside:
        await inside.execute(f"SET ROLE {identifier(owner)}")
        for transaction in prepared:
            await inside.execute(f"ROLLBACK PREPARED {literal(transaction['gid'])}")
