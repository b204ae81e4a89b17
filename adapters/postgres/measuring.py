"""How large tenants' databases are."""

from collections.abc import Mapping
from contextlib import suppress

import asyncpg

from adapters.postgres.quoting import identifier
from adapters.postgres.sessions import Session
from adapters.postgres.sight import Marks
from domain.errors import ProviderRejected
from domain.sizes import Measure

MAY_MEASURE = """
SELECT current_user AS admin, pg_has_role('pg_read_all_stats', 'USAGE') AS may_measure
"""

_DATABASES = """
SELECT substr(marks.mark, length($1) + 1) AS id, d.oid, EXISTS (
    SELECT FROM pg_db_role_setting AS s
    WHERE s.setdatabase = d.oid AND s.setrole = r.oid
      AND 'default_transaction_read_only=on' = ANY (s.setconfig)
) AS read_only
FROM pg_roles r
CROSS JOIN LATERAL shobj_description(r.oid, 'pg_authid') AS marks (mark)
JOIN pg_database d ON d.datdba = r.oid
WHERE starts_with(marks.mark, $1) AND d.datconnlimit <> -2
"""
# -2: broken, which an interrupted DROP left it

_SIZE = "SELECT pg_database_size($1::oid)"

_GONE = (asyncpg.InvalidCatalogNameError, asyncpg.UndefinedObjectError)
"""What the server says, by its version, of a database that was dropped since it was listed."""


async def check_may_measure(session: Session) -> None:
    """Raises ProviderRejected. Without that privilege, the size of a database is known only to
    those whom its owner lets in."""
    found = await session.fetchrow(MAY_MEASURE)
    if found is None or not found["may_measure"]:
        admin = identifier(found["admin"]) if found else "the admin"
        raise ProviderRejected(
            f"The admin may not measure databases: have a superuser run "
            f"GRANT pg_read_all_stats TO {admin};"
        )


async def measures(session: Session, marks: Marks) -> Mapping[str, Measure]:
    """Of all that bears a mark of this installation.

    A statement for each: one database that is being dropped must not fail all others.
    """
    await check_may_measure(session)
    found: dict[str, Measure] = {}
    for row in await session.fetch(_DATABASES, marks.prefix):
        with suppress(*_GONE):
            size = await session.fetchval(_SIZE, row["oid"]) or 0
            before = found.get(row["id"], Measure(0, read_only=True))
            read_only = before.read_only and row["read_only"]
            found[row["id"]] = Measure(before.size + size, read_only)
    return found
