"""Whose databases are on the server."""

from adapters.postgres.examining.marks import ANY_MARK, judged
from adapters.postgres.examining.subject import Questions, Subject
from adapters.postgres.sessions import Session
from domain.checkup import Outcome

_MARKS = """
SELECT mark FROM pg_roles CROSS JOIN LATERAL shobj_description(oid, 'pg_authid') AS marks (mark)
WHERE starts_with(mark, $1)
"""


async def marks(session: Session, subject: Subject) -> Outcome:
    return judged([row["mark"] for row in await session.fetch(_MARKS, ANY_MARK)], subject.known)


QUESTIONS: Questions = {"marks": marks}
