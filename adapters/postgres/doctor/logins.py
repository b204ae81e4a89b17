"""Checks of login methods, TLS, password encryption and the statement log."""

from adapters.postgres.doctor.context import CheckContext, CheckFunctions, fetch_row
from adapters.postgres.doctor.hba import RULES, Rule, assess_rules, build_read_grants, is_local
from adapters.postgres.marks import ANY_MARK
from adapters.postgres.quoting import quote_identifier
from adapters.postgres.requirements import SERVER_DATABASES
from adapters.postgres.sessions import Session
from domain.doctor import Fix, Outcome, Verdict

_MAY_SEE_RULES = """
SELECT has_table_privilege('pg_hba_file_rules', 'SELECT')
       AND has_function_privilege('pg_hba_file_rules()', 'EXECUTE')
"""

_TENANTS = """
SELECT r.rolname AS owner, d.datname AS database
FROM pg_roles AS r JOIN pg_database AS d ON d.datdba = r.oid
WHERE starts_with(shobj_description(r.oid, 'pg_authid'), $1)
"""

_LOGIN = "SELECT current_user AS admin, current_database() AS database"


async def check_rules(session: Session, context: CheckContext) -> Outcome:
    if not await session.fetchval(_MAY_SEE_RULES):
        return await _report_hidden_rules(session)
    tenants = [(row["owner"], row["database"]) for row in await session.fetch(_TENANTS, ANY_MARK)]
    rules = [Rule.from_row(row) for row in await session.fetch(RULES)]
    return assess_rules(rules, tenants, context.server.public_host)


async def _report_hidden_rules(session: Session) -> Outcome:
    login = await fetch_row(session, _LOGIN)
    return Outcome(
        Verdict.UNKNOWN,
        "The admin may not read pg_hba.conf. No line should let tenants log in by `trust`, "
        "`password` or `md5`: check it, or run the fix and this check again.",
        tuple(
            Fix(line, login["database"], affects_others=login["database"] not in SERVER_DATABASES)
            for line in build_read_grants(login["admin"])
        ),
    )


async def check_tls(session: Session, context: CheckContext) -> Outcome:
    host = context.server.public_host
    if is_local(host):
        return Outcome(Verdict.OK, f"Tenants reach the server on this machine ({host}).")
    if await session.fetchval("SHOW ssl") != "on":
        return Outcome(
            Verdict.WARN,
            f"Tenants reach the server at {host} without encryption: configure a certificate "
            "(ssl_cert_file, ssl_key_file), and set ssl = on.",
        )
    sslmode = await context.server.resolve_sslmode()
    if sslmode == "disable":
        return Outcome(
            Verdict.WARN,
            "The server offers TLS, but connections have sslmode=disable, as set in "
            "PGVEND_POSTGRES_ADMIN_DSN: remove that parameter, or set it to require or stricter.",
        )
    return Outcome(Verdict.OK, f"The server offers TLS, and connections have sslmode={sslmode}.")


async def check_password_encryption(session: Session, _: CheckContext) -> Outcome:
    """Check how the server stores passwords that tenants set themselves. pgvend sends verifiers."""
    method = await session.fetchval("SHOW password_encryption")
    if method == "scram-sha-256":
        return Outcome(Verdict.OK, "New passwords are stored as SCRAM-SHA-256.")
    return Outcome(
        Verdict.WARN,
        f"Passwords that tenants set themselves are stored as {method}.",
        (
            Fix(
                "ALTER SYSTEM SET password_encryption = 'scram-sha-256';",
                affects_others=True,
            ),
            Fix("SELECT pg_reload_conf();", affects_others=True),
        ),
    )


async def check_logging(session: Session, _: CheckContext) -> Outcome:
    """Check whether the admin's own statements are logged. A role's setting overrides the
    server's."""
    statements = await session.fetchval("SHOW log_statement")
    min_duration = await session.fetchval("SHOW log_min_duration_statement")
    is_logged = {
        "log_statement = none": statements != "none",
        "log_min_duration_statement = -1": min_duration == "0",
    }
    settings = [setting for setting in is_logged if is_logged[setting]]
    if not settings:
        return Outcome(Verdict.OK, "The admin's statements are not logged.")
    admin = quote_identifier(await session.fetchval("SELECT current_user"))
    return Outcome(
        Verdict.WARN,
        "The server logs the admin's statements, including SCRAM verifiers of tenants' passwords: "
        "a reader of the log can test guesses against them. Passwords are not logged.",
        tuple(Fix(f"ALTER ROLE {admin} SET {setting};") for setting in settings),
    )


CHECKS: CheckFunctions = {
    "pg_hba.conf": check_rules,
    "tls": check_tls,
    "password encryption": check_password_encryption,
    "statement log": check_logging,
}
