"""Where tenants get to besides their own databases, and what waits for superusers in theirs."""

from collections.abc import Iterable

from adapters.postgres.examining.subject import Questions, Subject
from adapters.postgres.fitness import closing_statements
from adapters.postgres.quoting import identifier
from adapters.postgres.sessions import Session, single_session
from domain.checkup import Mend, Outcome, Verdict

TEMPLATE = "template1"

REACHING = ("dblink", "postgres_fdw", "file_fdw", "adminpack")
"""Extensions by which SQL gets to other servers, or to the server's files."""

_MAY_LOOK = f"SELECT has_database_privilege('{TEMPLATE}', 'CONNECT')"

_IS_OPEN = """
SELECT EXISTS (
    SELECT FROM pg_namespace, aclexplode(coalesce(nspacl, acldefault('n', nspowner))) AS entry
    WHERE nspname = 'public' AND entry.grantee = 0 AND entry.privilege_type = 'CREATE'
)
"""

_REACHING = """
SELECT extname AS name FROM pg_extension AS e WHERE extname = ANY($1) OR EXISTS (
    SELECT FROM pg_depend AS d JOIN pg_language AS l ON l.oid = d.objid
    WHERE d.classid = 'pg_language'::regclass AND d.refclassid = 'pg_extension'::regclass
      AND d.refobjid = e.oid AND NOT l.lanpltrusted
) ORDER BY extname
"""

_UNGUARDED = """
SELECT rolname AS name FROM pg_roles
WHERE rolsuper AND rolcanlogin AND NOT EXISTS (
    SELECT FROM unnest(rolconfig) AS setting WHERE starts_with(setting, 'search_path=')
) ORDER BY rolname
"""


async def open_databases(session: Session, subject: Subject) -> Outcome:
    closing = await closing_statements(session, own=not subject.has_superuser)
    if closing:
        return Outcome(
            Verdict.FAIL,
            "Tenants can log in to databases that are not theirs: PostgreSQL lets everybody in. "
            "Whoever belongs in one needs a GRANT CONNECT of its own then.",
            tuple(Mend(line, by_admin=not subject.has_superuser) for line in closing),
        )
    if not subject.has_superuser and await closing_statements(session, own=False):
        return Outcome(
            Verdict.WARN,
            "Tenants can log in to databases of the host's own, which only the host can close.",
        )
    return Outcome(Verdict.OK, "Nobody is let into databases that are not theirs.")


async def template(session: Session, subject: Subject) -> Outcome:
    """What a database begins with that somebody makes without naming a template: we name one."""
    if not await session.fetchval(_MAY_LOOK):
        return Outcome(
            Verdict.UNKNOWN,
            f"The admin may not look into {TEMPLATE}. Tenants' databases are not made from it.",
        )
    inside = {**subject.server.admin, "database": TEMPLATE}
    async with single_session(inside) as looking:
        is_open = await looking.fetchval(_IS_OPEN)
        names = [row["name"] for row in await looking.fetch(_REACHING, REACHING)]
    return _judged(is_open, names)


def _judged(is_open: bool, extensions: list[str]) -> Outcome:
    found = ["a schema that everybody may write to"] if is_open else []
    found += [f"the extension {name}" for name in extensions]
    if not found:
        return Outcome(Verdict.OK, f"{TEMPLATE} holds nothing that leads elsewhere.")
    return Outcome(
        Verdict.WARN,
        f"Databases that others make from {TEMPLATE} begin with {' and '.join(found)}; tenants' "
        "databases are not made from it.",
        tuple(Mend(line, TEMPLATE) for line in _emptying(is_open, extensions)),
    )


def _emptying(is_open: bool, extensions: Iterable[str]) -> Iterable[str]:
    if is_open:
        yield "REVOKE CREATE ON SCHEMA public FROM PUBLIC;"
    for name in extensions:
        yield f"DROP EXTENSION {identifier(name)};"


async def superusers(session: Session, _: Subject) -> Outcome:
    """A function in the `public` schema of a tenant's database runs as who calls it there."""
    names = [row["name"] for row in await session.fetch(_UNGUARDED)]
    if not names:
        return Outcome(Verdict.OK, "Superusers look for functions in pg_catalog first.")
    return Outcome(
        Verdict.WARN,
        f"A superuser ({', '.join(names)}) who logs in to a tenant's database can be made to run "
        "the tenant's functions; other schemas than pg_catalog should be named in full.",
        tuple(Mend(f"ALTER ROLE {identifier(n)} SET search_path = pg_catalog;") for n in names),
    )


QUESTIONS: Questions = {
    "open databases": open_databases,
    "template1": template,
}

OF_SUPERUSERS: Questions = {"superusers": superusers}
