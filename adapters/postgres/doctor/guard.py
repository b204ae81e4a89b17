"""Checks of the guard's privileges, and of the age of transaction ids."""

from adapters.postgres.doctor.context import CheckContext, CheckFunctions, fetch_row
from adapters.postgres.guard import GUARD_GRANTS
from adapters.postgres.quoting import quote_identifier
from adapters.postgres.sessions import Session
from domain.doctor import Fix, Outcome, Verdict
from domain.guard_policy import GuardPolicy

_PRIVILEGES = """
SELECT rolname AS admin, rolsuper OR pg_has_role('pg_signal_backend', 'USAGE') AS may_end,
       rolsuper OR pg_has_role('pg_read_all_stats', 'USAGE') AS may_see
FROM pg_roles WHERE rolname = current_user
"""

_OLDEST = """
SELECT datname AS database, greatest(age(datfrozenxid), mxid_age(datminmxid)) AS age
FROM pg_database ORDER BY age DESC, datname LIMIT 1
"""


async def check_guard_privileges(session: Session, _: CheckContext) -> Outcome:
    row = await fetch_row(session, _PRIVILEGES)
    if row["may_end"] and row["may_see"]:
        return Outcome(Verdict.OK, "The guard may end tenants' transactions and see their age.")
    detail = (
        "The guard cannot see the age of tenants' transactions."
        if row["may_end"]
        else "The guard may not end tenants' sessions: one tenant can block all logins "
        "indefinitely."
    )
    fix = Fix(GUARD_GRANTS.format(admin=quote_identifier(row["admin"])))
    return Outcome(Verdict.WARN, detail, (fix,))


async def check_transaction_ids(session: Session, _: CheckContext) -> Outcome:
    """Check the age of the oldest transaction id. PostgreSQL stops all writes when the ids are used
    up."""
    row = await fetch_row(session, _OLDEST)
    return assess_age(row["database"], row["age"])


def assess_age(database: str, age: int) -> Outcome:
    policy = GuardPolicy()
    detail = (
        f"The oldest transaction id, in the database {database}, is {age / 1_000_000:.0f} million "
        "ids old, of 2,147 million."
    )
    if age < policy.high_age:
        return Outcome(Verdict.OK, detail)
    verdict = Verdict.WARN if age < policy.critical_age else Verdict.FAIL
    advice = "End old transactions, prepared ones too, and let autovacuum finish."
    return Outcome(verdict, f"{detail} {advice}")


CHECKS: CheckFunctions = {"transaction ids": check_transaction_ids}

GUARD_CHECKS: CheckFunctions = {"guard": check_guard_privileges}
"""Checks for a server whose guard is not a superuser."""
