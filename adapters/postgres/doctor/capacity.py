"""Checks of the server's free connections, disk and clock."""

from datetime import timedelta

from adapters.postgres.doctor.context import CheckContext, CheckFunctions, fetch_row
from adapters.postgres.inspection import TOMBSTONE_PREFIX
from adapters.postgres.marks import ANY_MARK, IS_CLAIMED
from adapters.postgres.measurement import MEASURE_PRIVILEGE
from adapters.postgres.quoting import quote_identifier
from adapters.postgres.sessions import POOL_SIZE, Session
from domain.doctor import Fix, Outcome, Verdict, format_count

OWN_SESSIONS = POOL_SIZE + 3
"""The maximum number of sessions that the service usually has open: the pool, the guard, a ping and
a single session."""

CLOCK_TOLERANCE = timedelta(seconds=5)

_CONNECTIONS = f"""
SELECT current_setting('max_connections')::int
       - current_setting('superuser_reserved_connections')::int
       - coalesce(current_setting('reserved_connections', true)::int, 0) AS connections,
       (SELECT count(*) FROM pg_roles
        CROSS JOIN LATERAL shobj_description(oid, 'pg_authid') AS marks (mark)
        WHERE starts_with(mark, $1) AND {IS_CLAIMED.format(mark="mark")}
          AND NOT starts_with(rolname, $2)) AS tenants
"""
# a spare accepts no logins

_SIZES = """
SELECT count(*) AS databases, count(size) AS measured, coalesce(sum(size), 0)::bigint AS bytes
FROM (
    SELECT CASE WHEN has_database_privilege(oid, 'CONNECT')
                  OR pg_has_role('pg_read_all_stats', 'USAGE') THEN pg_database_size(oid) END
    FROM pg_database WHERE datconnlimit <> -2
) AS database (size)
"""


async def check_connections(session: Session, context: CheckContext) -> Outcome:
    row = await fetch_row(session, _CONNECTIONS, ANY_MARK, TOMBSTONE_PREFIX)
    limit, tenants = context.server.connection_limit, row["tenants"]
    free = row["connections"] - OWN_SESSIONS
    summary = (
        f"{format_count(tenants, 'tenant')} with up to {limit} sessions each, {free} connections"
    )
    if limit > free:
        return Outcome(
            Verdict.FAIL,
            f"A single tenant can use all connections: it may have {limit} sessions, and {free} "
            "are free. Lower PGVEND_CONNECTION_LIMIT, or raise max_connections.",
        )
    if limit * tenants > free:
        return Outcome(
            Verdict.WARN,
            f"Together, tenants can use all connections ({summary}). Lower "
            "PGVEND_CONNECTION_LIMIT, or raise max_connections.",
        )
    return Outcome(Verdict.OK, f"There are enough connections: {summary}.")


async def check_clock(session: Session, context: CheckContext) -> Outcome:
    before = context.clock.now()
    server_time = await session.fetchval("SELECT clock_timestamp()")
    return assess_clock(server_time - (before + (context.clock.now() - before) / 2))


def assess_clock(difference: timedelta) -> Outcome:
    """Assess the difference by which the server's clock is ahead of pgvend's."""
    seconds = difference.total_seconds()
    if abs(difference) > CLOCK_TOLERANCE:
        direction = "ahead of" if seconds > 0 else "behind"
        message = (
            f"The server's clock is {abs(seconds):.0f} s {direction} pgvend's: synchronize both by "
            "NTP."
        )
        return Outcome(Verdict.WARN, message)
    return Outcome(Verdict.OK, f"The server's and pgvend's clocks differ by {abs(seconds):.1f} s.")


async def check_disk(session: Session, _: CheckContext) -> Outcome:
    """Report the size of all databases."""
    row = await fetch_row(session, _SIZES)
    message = (
        f"{format_count(row['measured'], 'database')}, {row['bytes'] / 1_000_000:.0f} MB in all"
    )
    unmeasured = row["databases"] - row["measured"]
    more = f", and {unmeasured} that the admin may not measure" if unmeasured else ""
    return Outcome(Verdict.OK, f"{message}{more}. SQL does not show the free disk space.")


async def check_measure_grant(session: Session, _: CheckContext) -> Outcome:
    """Check that the admin may measure databases, which PGVEND_SIZE_LIMIT requires."""
    row = await fetch_row(session, MEASURE_PRIVILEGE)
    if row["may_measure"]:
        return Outcome(Verdict.OK, "The admin may measure all databases.")
    fix = Fix(f"GRANT pg_read_all_stats TO {quote_identifier(row['admin'])};")
    message = "PGVEND_SIZE_LIMIT is set, but the admin may not measure tenants' databases."
    return Outcome(Verdict.FAIL, message, (fix,))


CHECKS: CheckFunctions = {
    "connections": check_connections,
    "clock": check_clock,
    "disk": check_disk,
}

SIZE_CHECKS: CheckFunctions = {"sizes": check_measure_grant}
