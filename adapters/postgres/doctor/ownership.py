"""Checks of the marks on the server and of tombstones."""

from adapters.postgres.doctor.context import Questions, Subject
from adapters.postgres.doctor.marks import ANY_MARK, judged
from adapters.postgres.inspection import TOMBSTONE, Marks
from adapters.postgres.quoting import identifier
from adapters.postgres.sessions import Session
from domain.doctor import Mend, Outcome, Verdict, counted

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


async def check_marks(session: Session, context: Subject) -> Outcome:
    return judged([row["mark"] for row in await session.fetch(_MARKS, ANY_MARK)], context.known)


async def check_tombstones(session: Session, context: Subject) -> Outcome:
    """Check for roles of deleted databases that could not be dropped yet."""
    installation = context.known.installation
    prefix = Marks(installation).prefix if installation else ANY_MARK
    found = await session.fetch(_TOMBSTONES, TOMBSTONE, prefix)
    if not found:
        return Outcome(Verdict.OK, "No tombstones of deleted databases are left.")
    number = len({row["role"] for row in found})
    return Outcome(
        Verdict.WARN,
        f"{counted(number, 'tombstone')}: locked roles of deleted databases, to which "
        f"{counted(sum(row['objects'] for row in found), 'object')} of others refer. Each "
        "reconciliation removes some of them. If their number does not fall, a superuser can "
        "remove them.",
        tuple(
            Mend(f"DROP OWNED BY {identifier(row['role'])};", row["database"])
            for row in found
            if row["objects"]
        ),
    )


QUESTIONS: Questions = {"marks": check_marks, "tombstones": check_tombstones}
