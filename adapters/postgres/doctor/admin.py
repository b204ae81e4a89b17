"""Checks of the server's version and role, and of the admin's privileges."""

import asyncpg

from adapters.postgres.doctor.context import CheckContext, CheckFunctions, LocalState, fetch_row
from adapters.postgres.guard import GUARD_GRANTS
from adapters.postgres.marks import Marks
from adapters.postgres.quoting import quote_identifier
from adapters.postgres.requirements import SERVER_DATABASES
from adapters.postgres.sessions import Session
from domain.doctor import Fix, Outcome, Verdict, format_count
from domain.postgres_versions import NEWEST, OLDEST, parse_version

FIRST_WITH_ADMIN_OPTION = 16
"""The first version in which CREATEROLE covers only roles with the ADMIN option."""

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
SELECT rolname AS name, rolsuper AS is_super, rolcreatedb AS "CREATEDB",
       rolcreaterole AS "CREATEROLE", rolinherit AS "INHERIT", current_database() AS database,
       oid = 10 OR EXISTS (
           SELECT FROM pg_database WHERE datdba = r.oid AND datname <> current_database()
       ) AS is_shared
FROM pg_roles AS r WHERE rolname = current_user
"""
# 10: initdb's superuser, which cannot lose SUPERUSER; an owner of databases has other uses

_OUT_OF_REACH = """
SELECT r.rolname AS name FROM pg_roles r
CROSS JOIN LATERAL shobj_description(r.oid, 'pg_authid') AS marks (mark)
WHERE starts_with(mark, $1) AND NOT EXISTS (
    SELECT FROM pg_auth_members m JOIN pg_roles a ON a.oid = m.member
    WHERE m.roleid = r.oid AND m.admin_option AND a.rolname = $2
) ORDER BY r.rolname
"""


async def check_login(session: Session, _: CheckContext) -> Outcome:
    row = await fetch_row(session, _LOGIN)
    tls = "with TLS" if row["ssl"] else "without TLS"
    message = f"The admin {row['name']} logs in to the database {row['database']}, {tls}."
    return Outcome(Verdict.OK, message)


async def check_version(session: Session, context: CheckContext) -> Outcome:
    text = str(await session.fetchval("SHOW server_version"))
    return assess_version(text, can_install_fixes=context.has_superuser)


def assess_version(text: str, *, can_install_fixes: bool) -> Outcome:
    """Assess the text of the setting `server_version`."""
    version = parse_version(text)
    if version is None or version.major < OLDEST:
        return Outcome(
            Verdict.FAIL, f"PostgreSQL {text} is too old: pgvend needs {OLDEST} or newer."
        )
    if version.major > NEWEST:
        return Outcome(
            Verdict.WARN,
            f"PostgreSQL {text} is newer than the versions that pgvend supports "
            f"({OLDEST} to {NEWEST}): use one of these, or a newer pgvend.",
        )
    if version.lacks_fixes and can_install_fixes:
        return Outcome(Verdict.WARN, version.advice)
    return Outcome(Verdict.OK, f"PostgreSQL {text}.")


async def check_primary(session: Session, _: CheckContext) -> Outcome:
    row = await fetch_row(session, _PRIMARY)
    if row["standby"]:
        return Outcome(Verdict.FAIL, "The server is a standby: set the DSN to its primary.")
    if row["read_only"]:
        admin = quote_identifier(row["admin"])
        fix = f"ALTER ROLE {admin} SET default_transaction_read_only = off;"
        return Outcome(Verdict.FAIL, "The admin's sessions are read-only.", (Fix(fix),))
    return Outcome(Verdict.OK, "The server is the primary and accepts changes.")


async def check_privileges(session: Session, context: CheckContext) -> Outcome:
    """Check for CREATEDB, CREATEROLE and INHERIT, and for no more. The admin needs INHERIT to drop
    a tenant's database as a member of its owner."""
    admin = await fetch_row(session, _ADMIN)
    name = admin["name"]
    if admin["is_super"]:
        return Outcome(
            Verdict.WARN,
            f"The admin {name} is a superuser, which pgvend does not need: an error in pgvend "
            f"could affect the whole server. {_describe_demotion(admin)}",
            await _build_demotion_fixes(session, admin, context.local_state),
        )
    missing = [
        attribute for attribute in ("CREATEDB", "CREATEROLE", "INHERIT") if not admin[attribute]
    ]
    if missing:
        fix = f"ALTER ROLE {quote_identifier(name)} {' '.join(missing)};"
        return Outcome(Verdict.FAIL, f"The admin {name} lacks {', '.join(missing)}.", (Fix(fix),))
    return Outcome(
        Verdict.OK, f"The admin {name} has CREATEDB and CREATEROLE, and is not a superuser."
    )


async def check_reach(session: Session, context: CheckContext) -> Outcome:
    """Check for tenants' roles that this admin cannot change because another admin created them."""
    if session.get_server_version().major < FIRST_WITH_ADMIN_OPTION:
        return Outcome(Verdict.OK, "The admin can change all roles.")
    admin = await fetch_row(session, _ADMIN)
    fixes = (
        ()
        if admin["is_super"]
        else await _build_grant_fixes(session, admin["name"], context.local_state)
    )
    if fixes:
        return Outcome(
            Verdict.FAIL,
            f"The admin {admin['name']} cannot change {format_count(len(fixes), 'role')} of "
            "pgvend's databases, which another admin created.",
            fixes,
        )
    return Outcome(
        Verdict.OK, "The admin can change the roles of all databases that pgvend created."
    )


def _describe_demotion(admin: asyncpg.Record) -> str:
    if not admin["is_shared"]:
        return "Remove SUPERUSER from it."
    return (
        f"Create a separate role, set its password (\\password {NEW_ADMIN} in psql), and use it "
        "in PGVEND_POSTGRES_ADMIN_DSN."
    )


async def _build_demotion_fixes(
    session: Session, admin: asyncpg.Record, local_state: LocalState
) -> tuple[Fix, ...]:
    """Return the statements that replace the superuser by an ordinary admin with the same access to
    existing databases."""
    if admin["is_shared"]:
        name, role = NEW_ADMIN, f"CREATE ROLE {NEW_ADMIN} LOGIN CREATEDB CREATEROLE;"
    else:
        name = admin["name"]
        role = f"ALTER ROLE {quote_identifier(name)} NOSUPERUSER CREATEDB CREATEROLE INHERIT;"
    database = quote_identifier(admin["database"])
    connect = f"GRANT CONNECT ON DATABASE {database} TO {quote_identifier(name)};"
    guard = GUARD_GRANTS.format(admin=quote_identifier(name))
    return (
        Fix(role),
        Fix(connect, affects_others=admin["database"] not in SERVER_DATABASES),
        Fix(guard),
        *await _build_grant_fixes(session, name, local_state),
    )


async def _build_grant_fixes(
    session: Session, admin: str, local_state: LocalState
) -> tuple[Fix, ...]:
    """Return the grants that PostgreSQL itself gives to the creator of a role."""
    has_option = session.get_server_version().major >= FIRST_WITH_ADMIN_OPTION
    if not (has_option and local_state.installation):
        return ()
    roles = await session.fetch(_OUT_OF_REACH, Marks(local_state.installation).prefix, admin)
    return tuple(
        Fix(
            f"GRANT {quote_identifier(role['name'])} TO {quote_identifier(admin)} "
            "WITH ADMIN TRUE, INHERIT FALSE, SET FALSE;"
        )
        for role in roles
    )


CHECKS: CheckFunctions = {
    "login": check_login,
    "version": check_version,
    "primary": check_primary,
    "admin": check_privileges,
    "reach": check_reach,
}
