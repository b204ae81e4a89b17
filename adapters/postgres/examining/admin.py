"""What the server is, and what the admin may do on it."""

import asyncpg

from adapters.postgres.examining.marks import Known
from adapters.postgres.examining.subject import Questions, Subject, row
from adapters.postgres.guard import MISSING
from adapters.postgres.quoting import identifier
from adapters.postgres.sessions import Session
from adapters.postgres.sight import Marks
from domain.checkup import Mend, Outcome, Verdict, counted
from domain.postgresql import NEWEST, OLDEST, parse_version

FIRST_WITH_ADMIN_OPTION = 16
"""From this version on CREATEROLE reaches only the roles that one holds the ADMIN option on."""

NEW_ADMIN = "pgvend_admin"

_LOGIN = """
SELECT current_user AS name, current_database() AS database,
       (SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()) AS ssl
"""

_PRIMARY = """
SELECT pg_is_in_recovery() AS standby,
       current_setting('default_transaction_read_only') = 'on' AS read_only,
       current_user AS admin
"""

_ADMIN = """
SELECT rolname AS name, rolsuper AS is_super, oid = 10 AS is_first, rolcreatedb AS "CREATEDB",
       rolcreaterole AS "CREATEROLE", rolinherit AS "INHERIT", current_database() AS database
FROM pg_roles WHERE rolname = current_user
"""
# 10: initdb's superuser, who cannot be made less than that

_OUT_OF_REACH = """
SELECT r.rolname AS name FROM pg_roles r
CROSS JOIN LATERAL shobj_description(r.oid, 'pg_authid') AS marks (mark)
WHERE starts_with(mark, $1) AND NOT EXISTS (
    SELECT FROM pg_auth_members m JOIN pg_roles a ON a.oid = m.member
    WHERE m.roleid = r.oid AND m.admin_option AND a.rolname = $2
) ORDER BY r.rolname
"""


async def login(session: Session, _: Subject) -> Outcome:
    found = await row(session, _LOGIN)
    way = "with TLS" if found["ssl"] else "without TLS"
    told = f"The admin {found['name']} logs in to the database {found['database']}, {way}."
    return Outcome(Verdict.OK, told)


async def version(session: Session, subject: Subject) -> Outcome:
    text = str(await session.fetchval("SHOW server_version"))
    found = parse_version(text)
    if found is None or found.major < OLDEST:
        return Outcome(
            Verdict.FAIL, f"PostgreSQL {text} is too old: pgvend needs {OLDEST} or newer."
        )
    if found.major > NEWEST:
        return Outcome(
            Verdict.WARN, f"PostgreSQL {text} is newer than pgvend is tested on ({NEWEST})."
        )
    if found.lacks_fixes and subject.has_superuser:  # else nobody here can install another one
        return Outcome(Verdict.WARN, found.advice)
    return Outcome(Verdict.OK, f"PostgreSQL {text}.")


async def primary(session: Session, _: Subject) -> Outcome:
    found = await row(session, _PRIMARY)
    if found["standby"]:
        return Outcome(Verdict.FAIL, "The server is a standby; name its primary.")
    if found["read_only"]:
        mend = f"ALTER ROLE {identifier(found['admin'])} SET default_transaction_read_only = off;"
        return Outcome(Verdict.FAIL, "The admin's sessions are read-only.", (Mend(mend),))
    return Outcome(Verdict.OK, "It is the primary, and takes changes.")


async def powers(session: Session, subject: Subject) -> Outcome:
    """CREATEDB and CREATEROLE, and INHERIT: the admin drops a tenant's database as a member of its
    owner. No more than that."""
    admin = await row(session, _ADMIN)
    name = admin["name"]
    if admin["is_super"]:
        return Outcome(
            Verdict.WARN,
            f"The admin {name} is a superuser, which vending does not need: a mistake of ours "
            f"could reach everything. {_how_to_demote(admin)}",
            await _demoting(session, admin, subject.known),
        )
    lacking = [power for power in ("CREATEDB", "CREATEROLE", "INHERIT") if not admin[power]]
    if lacking:
        mend = f"ALTER ROLE {identifier(name)} {' '.join(lacking)};"
        return Outcome(Verdict.FAIL, f"The admin {name} lacks {', '.join(lacking)}.", (Mend(mend),))
    return Outcome(
        Verdict.OK, f"The admin {name} has CREATEDB and CREATEROLE, and is no superuser."
    )


async def reach(session: Session, subject: Subject) -> Outcome:
    """Roles of ours that this admin cannot change: another one made them."""
    if session.get_server_version().major < FIRST_WITH_ADMIN_OPTION:
        return Outcome(Verdict.OK, "The admin reaches all roles.")
    admin = await row(session, _ADMIN)
    mends = () if admin["is_super"] else await _grants(session, admin["name"], subject.known)
    if mends:
        return Outcome(
            Verdict.FAIL,
            f"The admin {admin['name']} cannot change {counted(len(mends), 'role')} of our "
            "databases, which another admin made.",
            mends,
        )
    return Outcome(Verdict.OK, "The admin reaches the roles of all our databases.")


def _how_to_demote(admin: asyncpg.Record) -> str:
    if not admin["is_first"]:
        return "Take it away."
    return (
        f"Make a role of its own, give it a password (\\password {NEW_ADMIN} in psql), and name it "
        "in PGVEND_POSTGRES_ADMIN_DSN."
    )


async def _demoting(session: Session, admin: asyncpg.Record, known: Known) -> tuple[Mend, ...]:
    """An ordinary admin in the superuser's place, who may do the same for what there is already."""
    if admin["is_first"]:
        name, first = NEW_ADMIN, f"CREATE ROLE {NEW_ADMIN} LOGIN CREATEDB CREATEROLE;"
    else:
        name = admin["name"]
        first = f"ALTER ROLE {identifier(name)} NOSUPERUSER CREATEDB CREATEROLE INHERIT;"
    connect = f"GRANT CONNECT ON DATABASE {identifier(admin['database'])} TO {identifier(name)};"
    guard = MISSING.format(admin=identifier(name))
    return (Mend(first), Mend(connect), Mend(guard), *await _grants(session, name, known))


async def _grants(session: Session, admin: str, known: Known) -> tuple[Mend, ...]:
    """As PostgreSQL itself grants it to who makes a role."""
    has_option = session.get_server_version().major >= FIRST_WITH_ADMIN_OPTION
    if not (has_option and known.installation):
        return ()
    found = await session.fetch(_OUT_OF_REACH, Marks(known.installation).prefix, admin)
    return tuple(
        Mend(
            f"GRANT {identifier(role['name'])} TO {identifier(admin)} "
            "WITH ADMIN TRUE, INHERIT FALSE, SET FALSE;"
        )
        for role in found
    )


QUESTIONS: Questions = {
    "login": login,
    "version": version,
    "primary": primary,
    "admin": powers,
    "reach": reach,
}
