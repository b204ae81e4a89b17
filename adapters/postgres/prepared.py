"""Prepared transactions: FORCE ends sessions, but these have none, and stay until rolled back."""

from collections.abc import Sequence
from contextlib import nullcontext

import asyncpg

from adapters.postgres import statements
from adapters.postgres.membership import member_of
from adapters.postgres.server import Server
from adapters.postgres.sessions import Session, single_session
from adapters.postgres.sight import Marks
from domain.errors import ProviderRejected, Unavailable

_PREPARED = """
SELECT gid, owner, shobj_description(r.oid, 'pg_authid') AS mark
FROM pg_prepared_xacts LEFT JOIN pg_roles r ON r.rolname = owner WHERE database = $1
"""


async def end_prepared_transactions(
    session: Session, database: str, owner: str, server: Server, marks: Marks
) -> None:
    """Roll them back, as the admin who is a member of `owner`.

    That takes a session in the tenant's database: its search_path holds nothing of the tenant's.
    """
    prepared = await session.fetch(_PREPARED, database)
    if not prepared:
        return
    try:
        await _roll_back(session, prepared, database, owner, server, marks)
    except (ProviderRejected, Unavailable):  # the owner may have closed the door behind it
        await session.execute(statements.let_admin_in(database, owner))
        await _roll_back(session, prepared, database, owner, server, marks)


async def _roll_back(
    session: Session,
    prepared: Sequence[asyncpg.Record],
    database: str,
    owner: str,
    server: Server,
    marks: Marks,
) -> None:
    """Each as who prepared it, a neighbour who was let in perhaps: nobody else may."""
    async with single_session({**server.admin, "database": database}) as inside:
        for transaction in prepared:
            role, tenant_id = transaction["owner"], marks.id_in(transaction["mark"])
            async with nullcontext() if role == owner else member_of(session, role, tenant_id):
                await inside.execute(statements.act_as(role))
                await inside.execute(statements.roll_back_prepared(transaction["gid"]))
