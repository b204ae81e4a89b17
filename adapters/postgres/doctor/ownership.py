"""Checks of the marks on the server and of tombstones."""

from adapters.postgres.doctor.context import CheckContext, CheckFunctions
from adapters.postgres.doctor.marks import ANY_MARK, judge_marks
from adapters.postgres.inspection import TOMBSTONE_PREFIX, Marks
from adapters.postgres.quoting import identifier
from adapters.postgres.sessions import Session
from domain.doctor import Fix, Outcome, Verdict, format_count

_MARKS = """
SELECT mark FROM pg_roles CROSS JOIN LATERAL shobj_description(oid, 'pg_authid') AS marks (mark)
WHERE starts_with(mark, $1)
"""


_TOMBSTONES = """
SELECT rolname AS role, coalesce(d.datname, current_database()) AS database,
       count(s.refobjid) AS objects
FROM pg_roles AS r
LEFT JOIN pg_shdepend AS s ON refclassid = 'pg_authid'::regclass AND refobjid = r.oid
LEFT JOIN pg_database AS d ON d.oid = s.dbid
WHERE starts_with(rolname, $1) AND NOT rolcanlogin
  AND starts_with(shobj_description(r.oid, 'pg_authid'), $2)
GROUP BY 1, 2 ORDER BY 1, 2
"""


async def check_marks(session: Session, context: CheckContext) -> Outcome:
    return judge_marks(
        [row["mark"] for row in await session.fetch(_MARKS, ANY_MARK)], context.local_state
    )


async def check_tombstones(session: Session, context: CheckContext) -> Outcome:
    """Check for roles of deleted databases that could not be dropped yet."""
    installation = context.local_state.installation
    prefix = Marks(installation).prefix if installation else ANY_MARK
    found = await session.fetch(_TOMBSTONES, TOMBSTONE_PREFIX, prefix)
    if not found:
        return Outcome(Verdict.OK, "No tombstones of deleted databases are left.")
    number = len({row["role"] for row in found})
    return Outcome(
        Verdict.WARN,
        f"{format_count(number, 'tombstone')}: locked roles of deleted databases, to which "
        f"{format_count(sum(row['objects'] for row in found), 'object')} of others refer. Each "
        "reconciliation removes some of them. If their number does not fall, a superuser can "
        "remove them.",
        tuple(
            Fix(f"DROP OWNED BY {identifier(row['role'])};", row["database"])
            for row in found
            if row["objects"]
        ),
    )


CHECKS: CheckFunctions = {"marks": check_marks, "tombstones": check_tombstones}
