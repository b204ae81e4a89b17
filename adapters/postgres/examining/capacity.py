"""Is there room, and does the server's clock agree with ours?"""

from datetime import timedelta

from adapters.postgres.examining.marks import ANY_MARK
from adapters.postgres.examining.subject import Questions, Subject, row
from adapters.postgres.measuring import MAY_MEASURE
from adapters.postgres.quoting import identifier
from adapters.postgres.sessions import POOL_SIZE, Session
from adapters.postgres.sight import TOMBSTONE
from domain.checkup import Mend, Outcome, Verdict, counted

OWN_SESSIONS = POOL_SIZE + 3
"""What the service itself has open at most, but for moments: the pool, the guard, a ping, a single
session."""

TOLERANCE = timedelta(seconds=5)

_PLACES = """
SELECT current_setting('max_connections')::int
       - current_setting('superuser_reserved_connections')::int
       - coalesce(current_setting('reserved_connections', true)::int, 0) AS places,
       (SELECT count(*) FROM pg_roles
        WHERE starts_with(shobj_description(oid, 'pg_authid'), $1)
          AND NOT starts_with(rolname, $2)) AS tenants
"""

_SIZES = """
SELECT count(*) AS databases, count(size) AS measured, coalesce(sum(size), 0)::bigint AS bytes
FROM (
    SELECT CASE WHEN has_database_privilege(oid, 'CONNECT')
                  OR pg_has_role('pg_read_all_stats', 'USAGE') THEN pg_database_size(oid) END
    FROM pg_database WHERE datconnlimit <> -2
) AS database (size)
"""


async def places(session: Session, subject: Subject) -> Outcome:
    found = await row(session, _PLACES, ANY_MARK, TOMBSTONE)
    limit, tenants = subject.server.connection_limit, found["tenants"]
    free = found["places"] - OWN_SESSIONS
    sum_ = f"{counted(tenants, 'tenant')} with up to {limit} sessions each, {free} places"
    if limit > free:
        return Outcome(
            Verdict.FAIL,
            f"One tenant alone can take every place: it may have {limit} sessions, and {free} are "
            "free. Lower PGVEND_CONNECTION_LIMIT, or raise max_connections.",
        )
    if limit * tenants > free:
        return Outcome(
            Verdict.WARN,
            f"Together, tenants can take every place ({sum_}). Lower PGVEND_CONNECTION_LIMIT, or "
            "raise max_connections.",
        )
    return Outcome(Verdict.OK, f"There is room for all: {sum_}.")


async def clock(session: Session, subject: Subject) -> Outcome:
    before = subject.clock.now()
    theirs = await session.fetchval("SELECT clock_timestamp()")
    return clocks_compared(theirs - (before + (subject.clock.now() - before) / 2))


def clocks_compared(difference: timedelta) -> Outcome:
    """By how much the server's clock is ahead of ours."""
    seconds = difference.total_seconds()
    if abs(difference) > TOLERANCE:
        way = "ahead of" if seconds > 0 else "behind"
        told = f"The server's clock is {abs(seconds):.0f} s {way} ours: set both by NTP."
        return Outcome(Verdict.WARN, told)
    return Outcome(Verdict.OK, f"The server's clock and ours differ by {abs(seconds):.1f} s.")


async def disk(session: Session, _: Subject) -> Outcome:
    """SQL does not see how much room is left."""
    found = await row(session, _SIZES)
    told = f"{counted(found['measured'], 'database')}, {found['bytes'] / 1_000_000:.0f} MB in all"
    unseen = found["databases"] - found["measured"]
    more = f", and {unseen} that the admin may not measure" if unseen else ""
    return Outcome(Verdict.OK, f"{told}{more}. What is left on the disk, SQL does not tell.")


async def sizes(session: Session, _: Subject) -> Outcome:
    """Where PGVEND_SIZE_LIMIT is set, tenants' databases are measured."""
    found = await row(session, MAY_MEASURE)
    if found["may_measure"]:
        return Outcome(Verdict.OK, "The admin may measure all databases.")
    mend = Mend(f"GRANT pg_read_all_stats TO {identifier(found['admin'])};")
    told = "PGVEND_SIZE_LIMIT is set, and the admin may not measure tenants' databases."
    return Outcome(Verdict.FAIL, told, (mend,))


QUESTIONS: Questions = {
    "connections": places,
    "clock": clock,
    "disk": disk,
}

OF_SIZES: Questions = {"sizes": sizes}
