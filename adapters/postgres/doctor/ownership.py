"""Checks of the marks on the server, which show the installation that created a database, and of
tombstones."""

from collections.abc import Collection, Iterable

from adapters.postgres.doctor.context import CheckContext, CheckFunctions, LocalState
from adapters.postgres.inspection import TOMBSTONE_PREFIX
from adapters.postgres.marks import ANY_MARK, Marks, find_id
from adapters.postgres.quoting import quote_identifier
from adapters.postgres.requirements import IS_OTHERS
from adapters.postgres.sessions import Session
from domain.doctor import Fix, Outcome, Verdict, format_count

_MARKS = """
SELECT mark FROM pg_roles CROSS JOIN LATERAL shobj_description(oid, 'pg_authid') AS marks (mark)
WHERE starts_with(mark, $1)
"""

_TOMBSTONES = f"""
SELECT rolname AS role, coalesce(d.datname, current_database()) AS database,
       count(s.refobjid) AS objects,
       coalesce(bool_or({IS_OTHERS.format(database="d.datname")} AND NOT starts_with(
           coalesce(shobj_description(d.datdba, 'pg_authid'), ''), $2)), false) AS is_others
FROM pg_roles AS r
LEFT JOIN pg_shdepend AS s ON refclassid = 'pg_authid'::regclass AND refobjid = r.oid
LEFT JOIN pg_database AS d ON d.oid = s.dbid
WHERE starts_with(rolname, $1) AND NOT rolcanlogin
  AND starts_with(shobj_description(r.oid, 'pg_authid'), $2)
GROUP BY 1, 2 ORDER BY 1, 2
"""


async def check_marks(session: Session, context: CheckContext) -> Outcome:
    return assess_marks(
        [row["mark"] for row in await session.fetch(_MARKS, ANY_MARK)], context.local_state
    )


def assess_marks(marks: Iterable[str], local_state: LocalState) -> Outcome:
    """Compare the marks on a server with pgvend's secret and records."""
    marks = list(marks)
    foreign = [mark for mark in marks if not local_state.has_mark(mark)]
    lost = [mark for mark in foreign if find_id(mark) in local_state.record_ids]
    if lost:
        return Outcome(
            Verdict.FAIL,
            f"{format_count(len(lost), 'database')} in the records have the mark of another "
            "installation: PGVEND_SECRET was lost or changed, and pgvend only modifies databases "
            "with its own mark. Before the next start, set the secret with which they were "
            "created, as PGVEND_SECRET or in PGVEND_SECRET_PREVIOUS.",
        )
    if foreign:
        names = sorted({mark.split(":")[1] for mark in foreign})
        return Outcome(
            Verdict.WARN,
            f"{format_count(len(foreign), 'database')} of {_describe_installations(names)}, left "
            "unchanged. If no other pgvend uses this server, they were created before "
            "PGVEND_SECRET changed or the records were lost: set the old secret again to manage "
            "them.",
        )
    return Outcome(
        Verdict.OK, f"{format_count(len(marks), 'database')} of this pgvend, and none of others."
    )


def _describe_installations(names: Collection[str]) -> str:
    return (
        f"another pgvend ({', '.join(names)})" if len(names) == 1 else f"{len(names)} other pgvends"
    )


async def check_tombstones(session: Session, context: CheckContext) -> Outcome:
    """Check for roles of deleted databases that could not be dropped yet."""
    installation = context.local_state.installation
    prefix = Marks(installation).prefix if installation else ANY_MARK
    rows = await session.fetch(_TOMBSTONES, TOMBSTONE_PREFIX, prefix)
    if not rows:
        return Outcome(Verdict.OK, "No tombstones of deleted databases are left.")
    number = len({row["role"] for row in rows})
    return Outcome(
        Verdict.WARN,
        f"{format_count(number, 'tombstone')}: locked roles of deleted databases, to which "
        f"{format_count(sum(row['objects'] for row in rows), 'object')} of others refer. Each "
        "reconciliation removes some of them. If their number does not fall, a superuser can "
        "remove them.",
        tuple(
            Fix(
                f"DROP OWNED BY {quote_identifier(row['role'])};",
                row["database"],
                affects_others=row["is_others"],
            )
            for row in rows
            if row["objects"]
        ),
    )


CHECKS: CheckFunctions = {"marks": check_marks, "tombstones": check_tombstones}
