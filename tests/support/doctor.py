"""Doctor checks of servers of the tests, and application of their fixes."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from adapters.embedded.doctor import EmbeddedChecks
from adapters.embedded.server import EmbeddedOptions
from adapters.postgres.doctor.checks import OPERATOR_CHECKS, PostgresChecks
from adapters.postgres.doctor.context import CheckFunctions, LocalState
from adapters.postgres.server import server_from_dsn
from adapters.system.clock import SystemClock
from domain.doctor import DoctorCheck, Outcome, Verdict
from ports.driven.clock import Clock
from ports.driven.doctor import DoctorChecks
from tests.support.postgres_under_test import session
from tests.support.provision_requests import INSTALLATION
from tests.support.servers import PASSWORD, OperatorsServer

OK, WARN, FAIL, UNKNOWN = Verdict

LACKS_FIXES = "lacks security fixes"
"""Part of the advice for a version that lacks fixes."""

LOCAL_STATE = LocalState(installation=INSTALLATION)

EXPECTED_FINDINGS = {"template1": UNKNOWN, "pg_hba.conf": UNKNOWN, "superusers": WARN}
"""Findings for a server whose operator followed the documentation."""


async def run_embedded_checks(folder: Path, port: int | None = None) -> Mapping[str, Outcome]:
    """Run the checks of the bundled server in the data folder."""

    async def load_local_state() -> LocalState:
        return LOCAL_STATE

    options = EmbeddedOptions(folder=folder / "embedded", port=port)
    return await collect_outcomes(
        EmbeddedChecks(options=options, load_local_state=load_local_state, clock=SystemClock())
    )


def create_postgres_checks(
    server: OperatorsServer,
    dsn: str = "",
    *,
    clock: Clock | None = None,
    limit: int = 20,
    public_host: str | None = None,
    local_state: LocalState = LOCAL_STATE,
    check_functions: CheckFunctions = OPERATOR_CHECKS,
) -> PostgresChecks:
    """Create the checks of that server, as its admin unless `dsn` has another login."""

    async def load_local_state() -> LocalState:
        return local_state

    return PostgresChecks(
        server=server_from_dsn(
            dsn or server.dsn(), public_host=public_host, public_port=None, connection_limit=limit
        ),
        load_local_state=load_local_state,
        clock=clock or SystemClock(),
        setting="PGVEND_POSTGRES_ADMIN_DSN",
        check_functions=check_functions,
    )


@asynccontextmanager
async def other_admin(server: OperatorsServer, attributes: str) -> AsyncIterator[PostgresChecks]:
    """Yield the checks as an admin with these attributes, who is dropped afterwards."""
    await run_as_superuser(
        server,
        f"CREATE ROLE other LOGIN {attributes} PASSWORD '{PASSWORD}'",
        "GRANT CONNECT ON DATABASE postgres TO other",
    )
    try:
        yield create_postgres_checks(server, server.dsn("other"))
    finally:
        await run_as_superuser(server, "DROP OWNED BY other", "DROP ROLE other")


async def collect_outcomes(checks: DoctorChecks) -> Mapping[str, Outcome]:
    """Run the checks, and return their outcomes by name."""
    return {check.name: check.outcome async for check in checks.run_checks()}


def select_not_ok(outcomes: Mapping[str, Outcome]) -> Mapping[str, Verdict]:
    """Return the verdicts that are not OK. Missing security fixes of this machine's PostgreSQL
    change with time and are left out."""
    return {
        name: each.verdict
        for name, each in outcomes.items()
        if each.verdict is not OK and LACKS_FIXES not in each.detail
    }


async def apply_fixes(server: OperatorsServer, outcome: Outcome) -> Sequence[str]:
    """Run the fixes one by one as a superuser, and return their statements."""
    for each in outcome.fixes:
        dsn = server.dsn("postgres", each.database or "postgres")
        async with session({"dsn": dsn}) as operator:
            await operator.execute(each.statement)
    return [each.statement for each in outcome.fixes]


async def run_as_superuser(
    server: OperatorsServer, *statements: str, database: str = "postgres"
) -> None:
    """Run the statements as a superuser, each in a transaction of its own."""
    async with session({"dsn": server.dsn("postgres", database)}) as operator:
        for statement in statements:
            await operator.execute(statement)


def has_no_secret(outcomes: Iterable[Outcome]) -> bool:
    return not any(PASSWORD in repr(each) for each in outcomes)


@dataclass(frozen=True)
class FakeDoctorChecks(DoctorChecks):
    """Checks with the given results, which may fail at the end."""

    checks: Sequence[DoctorCheck] = ()
    error: BaseException | None = field(default=None)

    async def run_checks(self) -> AsyncGenerator[DoctorCheck, None]:
        for check in self.checks:
            yield check
        if self.error:
            raise self.error
