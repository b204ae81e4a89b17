"""Measurement of tenants' databases."""

from collections.abc import Collection, Mapping
from contextlib import suppress

import asyncpg

from adapters.postgres.marks import IS_CLAIMED, Marks
from adapters.postgres.quoting import quote_identifier
from adapters.postgres.sessions import Session
from domain.errors import ProviderRejected
from domain.sizes import Measurement

MEASURE_PRIVILEGE = """
SELECT current_user AS admin, pg_has_role('pg_read_all_stats', 'USAGE') AS may_measure
"""

_DATABASES = f"""
SELECT substr(marks.description, length($1) + 1) AS id, d.oid, EXISTS (
    SELECT FROM pg_db_role_setting AS s
    WHERE s.setdatabase = d.oid AND s.setrole = r.oid
      AND 'default_transaction_read_only=on' = ANY (s.setconfig)
) AS read_only
FROM pg_roles r
JOIN pg_shdescription marks ON marks.objoid = r.oid AND marks.classoid = 'pg_authid'::regclass
JOIN pg_database d ON d.datdba = r.oid
WHERE starts_with(marks.description, $1) AND d.datconnlimit <> -2
  AND {IS_CLAIMED.format(mark="marks.description")}
  AND ($2::text[] IS NULL OR marks.description = ANY ($2))
"""
# -2: an interrupted DROP left the database unusable; nobody can fill a spare

_SIZE = "SELECT pg_database_size($1::oid)"

_DROPPED_MEANWHILE = (asyncpg.InvalidCatalogNameError, asyncpg.UndefinedObjectError)
"""Errors, depending on the server's version, for a database that was dropped after it was
listed."""


async def check_measure_privilege(session: Session) -> None:
    """Check that the admin may measure all databases. Without pg_read_all_stats it may measure only
    databases that it may connect to. Raises ProviderRejected."""
    row = await session.fetchrow(MEASURE_PRIVILEGE)
    if row is None or not row["may_measure"]:
        admin = quote_identifier(row["admin"]) if row else "the admin"
        raise ProviderRejected(
            "The admin lacks the privilege to measure databases: have a superuser run "
            f"GRANT pg_read_all_stats TO {admin};"
        )


async def measure_databases(
    session: Session, marks: Marks, tenant_ids: Collection[str] | None = None
) -> Mapping[str, Measurement]:
    """Measure all databases that bear a mark of this installation, or those of these tenants,
    except for spares.

    Each database is measured by its own statement, so that one that is being dropped does not fail
    the others.
    """
    await check_measure_privilege(session)
    wanted = None if tenant_ids is None else [*map(marks.of_claimed, tenant_ids)]
    measurements: dict[str, Measurement] = {}
    for row in await session.fetch(_DATABASES, marks.prefix, wanted):
        with suppress(*_DROPPED_MEANWHILE):
            size = await session.fetchval(_SIZE, row["oid"]) or 0
            before = measurements.get(row["id"], Measurement(0, read_only=True))
            read_only = before.read_only and row["read_only"]
            measurements[row["id"]] = Measurement(before.size + size, read_only)
    return measurements
