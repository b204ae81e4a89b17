"""The end of a tenant: whatever it, or a neighbour, put in the way."""

from collections.abc import Sequence

import asyncpg

from adapters.postgres import statements
from adapters.postgres.grants import take_back_grants
from adapters.postgres.guests import end_guests, end_holders
from adapters.postgres.quoting import identifier
from adapters.postgres.server import Server
from adapters.postgres.sessions import Login, Session, single_session
from adapters.postgres.sight import Marks, SeenDatabase
from domain.errors import ProviderBusy, ProviderRejected, Unavailable

_PREPARED = "SELECT gid, owner FROM pg_prepared_xacts WHERE database = $1"


async def drop(
    session: Session, owner: str, databases: Sequence[SeenDatabase], server: Server, marks: Marks
) -> None:
    """Shut the owner out, drop its databases, then itself. Every prefix of it can be repeated."""
    await session.execute(statements.throw_out(owner))
    for database in databases:
        # before anything waits for what such a transaction has locked
        await _end_prepared_transactions(session, database.name, owner, server)
    await session.execute(statements.shut_out(owner))
    for database in databases:
        await _drop_database(session, database, owner, server)
    await _drop_role(session, owner, server, marks)


async def _drop_database(
    session: Session, database: SeenDatabase, owner: str, server: Server
) -> None:
    if not database.broken:
        await session.execute(statements.close_database(database.name))
    try:
        await session.execute(statements.drop_database(database.name))
    except asyncpg.ObjectInUseError:
        await _end_prepared_transactions(session, database.name, owner, server)
        await session.execute(statements.drop_database(database.name))
    except asyncpg.InsufficientPrivilegeError:
        await _drop_with_guests(session, database.name)


async def _drop_with_guests(session: Session, database: str) -> None:
    """FORCE ends nobody's session when one is there that the admin may not end: of a neighbour who
    was let in, or who is being refused at this moment; of autovacuum; of a superuser.

    Without FORCE, autovacuum is sent away and all others are waited for.
    """
    await end_guests(session, database)
    try:
        await session.execute(statements.drop_database(database, force=False))
    except asyncpg.ObjectInUseError as error:
        raise ProviderBusy("Somebody else's session is in the database and has to end.") from error


async def _end_prepared_transactions(
    session: Session, database: str, owner: str, server: Server
) -> None:
    """FORCE ends sessions, but a prepared transaction has none, and stays until it is rolled back.

    That takes a session in the tenant's database: its search_path holds nothing of the tenant's.
    """
    prepared = await session.fetch(_PREPARED, database)
    if not prepared:
        return
    login = {**server.admin, "database": database}
    try:
        await _roll_back(session, prepared, login, owner)
    except (ProviderRejected, Unavailable):  # the owner may have closed the door behind it
        await session.execute(statements.let_admin_in(database, owner))
        await _roll_back(session, prepared, login, owner)


async def _roll_back(
    session: Session, prepared: Sequence[asyncpg.Record], login: Login, owner: str
) -> None:
    """Each as who prepared it, a neighbour who was let in perhaps: nobody else may."""
    async with single_session(login) as inside:
        for transaction in prepared:
            neighbours = transaction["owner"] != owner
            if neighbours:
                await session.execute(statements.join(transaction["owner"]))
            await inside.execute(statements.act_as(transaction["owner"]))
            await inside.execute(statements.roll_back_prepared(transaction["gid"]))
            if neighbours:
                await session.execute(statements.leave(transaction["owner"]))


async def _drop_role(session: Session, owner: str, server: Server, marks: Marks) -> None:
    try:
        await session.execute(statements.drop_role(owner))
        return
    except asyncpg.DependentObjectsStillExistError:
        await take_back_grants(session, owner, server, marks)
    except asyncpg.LockNotAvailableError:
        await end_holders(session, owner)
    try:
        await session.execute(statements.drop_role(owner))
    except asyncpg.DependentObjectsStillExistError as error:
        raise ProviderRejected(
            f"Others granted the role {owner!r} what the admin cannot take back; have a superuser "
            f"run DROP OWNED BY {identifier(owner)}; in each database where they did."
        ) from error
