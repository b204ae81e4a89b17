"""Doctor checks of a server's configuration and of databases that are on it already."""

from dataclasses import replace
from typing import Any

import pytest

from adapters.postgres.doctor.admin import check_version
from adapters.postgres.doctor.checks import PostgresChecks
from adapters.postgres.doctor.context import CheckContext, LocalState
from adapters.postgres.sessions import Session
from domain.doctor import Outcome, Verdict
from domain.errors import ProviderRejected
from tests.support.clock import FakeClock
from tests.support.databases import provisioned_database
from tests.support.doctor import (
    FAIL,
    OK,
    UNKNOWN,
    WARN,
    apply_fixes,
    collect_outcomes,
    create_postgres_checks,
    run_as_superuser,
)
from tests.support.postgres_under_test import operators_under_test
from tests.support.provision_requests import INSTALLATION, new_provision_request
from tests.support.servers import PASSWORD, OperatorsServer


async def test_a_refused_login_is_reported_with_its_setting(server: OperatorsServer) -> None:
    dsn = server.dsn().replace(PASSWORD, "hunter2")

    with pytest.raises(ProviderRejected, match="PGVEND_POSTGRES_ADMIN_DSN") as refused:
        await collect_outcomes(create_postgres_checks(server, dsn))
    assert "hunter2" not in f"{refused.value!r} {create_postgres_checks(server, dsn)!r}"


async def test_weak_lines_of_pg_hba_conf_are_reported_to_a_superuser(
    server: OperatorsServer,
) -> None:
    file = server.data / "pg_hba.conf"
    before = file.read_text()
    try:
        file.write_text(f"host all all 10.0.0.0/8 trust\n{before}")
        found = await _run_check(
            create_postgres_checks(server, server.superuser_dsn), "pg_hba.conf"
        )
        elsewhere = create_postgres_checks(server, server.superuser_dsn, public_host="10.1.2.3")
        from_tenants = await _run_check(elsewhere, "pg_hba.conf")
    finally:
        file.write_text(before)

    assert found.verdict is from_tenants.verdict is FAIL
    assert "line 1" in found.detail
    assert (
        await _run_check(create_postgres_checks(server, server.superuser_dsn), "pg_hba.conf")
    ).verdict is OK


async def test_risky_objects_in_template1_are_reported_and_removed(
    server_15: OperatorsServer,
) -> None:
    """Debian's server has such extensions."""
    checks = create_postgres_checks(server_15, server_15.superuser_dsn)
    await run_as_superuser(
        server_15,
        "GRANT CREATE ON SCHEMA public TO PUBLIC",
        "CREATE EXTENSION dblink",
        "CREATE EXTENSION postgres_fdw",
        database="template1",
    )
    before = await _run_check(checks, "template1")
    await apply_fixes(server_15, before)

    assert before.verdict is WARN
    assert "dblink and the extension postgres_fdw" in before.detail
    assert (await _run_check(checks, "template1")).verdict is OK


CONFIGURATIONS: list[tuple[str, dict[str, Any], Verdict]] = [
    ("clock", {"clock": FakeClock()}, WARN),  # in January 2026
    ("connections", {"limit": 88}, OK),  # of 100, of which 3 are for superusers and 9 for pgvend
    ("connections", {"limit": 89}, FAIL),
    ("tls", {"public_host": "db.example"}, WARN),
    ("tls", {}, OK),
]


async def test_a_configuration_is_assessed_by_its_effects(server: OperatorsServer) -> None:
    found = [
        await _run_check(create_postgres_checks(server, **more), check)
        for check, more, _ in CONFIGURATIONS
    ]

    assert [outcome.verdict for outcome in found] == [verdict for *_, verdict in CONFIGURATIONS]
    assert "ahead of pgvend's" in found[0].detail


async def test_existing_databases_are_reported(server: OperatorsServer) -> None:
    """By their installation, and by whether their tenants can use all connections together."""
    provision_request, another = new_provision_request(), LocalState(installation="another")
    record_ids = replace(another, record_ids={provision_request.tenant.id})
    async with (
        operators_under_test(server) as postgres,
        provisioned_database(postgres.provider, provision_request),
        provisioned_database(postgres.provider, new_provision_request()),
    ):
        many = await collect_outcomes(create_postgres_checks(server, limit=50))
        ours = await collect_outcomes(create_postgres_checks(server, limit=40))
        others = await _run_check(create_postgres_checks(server, local_state=another), "marks")
        lost = await _run_check(create_postgres_checks(server, local_state=record_ids), "marks")

    assert (many["connections"].verdict, ours["connections"].verdict) == (WARN, OK)
    assert (ours["marks"].verdict, others.verdict, lost.verdict) == (OK, WARN, FAIL)
    assert INSTALLATION in others.detail
    assert "PGVEND_SECRET" in lost.detail


async def test_a_failed_check_does_not_prevent_the_next(server: OperatorsServer) -> None:
    """A check cannot change anything either."""
    check_functions = {"broken": _raise_error, "writing": _write, "version": check_version}
    found = await collect_outcomes(create_postgres_checks(server, check_functions=check_functions))
    version_verdict = (
        await collect_outcomes(
            create_postgres_checks(server, check_functions={"version": check_version})
        )
    )["version"].verdict
    after = await collect_outcomes(
        create_postgres_checks(
            server, check_functions={"dying": _end_session, "version": check_version}
        )
    )

    assert [outcome.verdict for outcome in found.values()] == [UNKNOWN, UNKNOWN, version_verdict]
    assert [outcome.verdict for outcome in after.values()] == [UNKNOWN, UNKNOWN]
    assert "hunter2" not in repr([found, after])


async def test_checks_change_nothing(server: OperatorsServer) -> None:
    async with operators_under_test(server) as postgres:
        before = await postgres.list_names(), await postgres.sql(_CATALOG)
        await collect_outcomes(create_postgres_checks(server))
        await collect_outcomes(create_postgres_checks(server, server.superuser_dsn))
        assert (await postgres.list_names(), await postgres.sql(_CATALOG)) == before


_CATALOG = """
SELECT md5(string_agg(entry::text, ',' ORDER BY entry::text)) FROM (
    SELECT d::text FROM pg_database d UNION ALL SELECT r::text FROM pg_roles r
    UNION ALL SELECT m::text FROM pg_auth_members m
    UNION ALL SELECT s::text FROM pg_db_role_setting s
    UNION ALL SELECT c::text FROM pg_shdescription c
) AS entries (entry)
"""


async def _raise_error(session: Session, _: CheckContext) -> Outcome:
    await session.execute("SELECT * FROM hunter2")
    raise AssertionError


async def _end_session(session: Session, _: CheckContext) -> Outcome:
    await session.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    raise AssertionError


async def _write(session: Session, _: CheckContext) -> Outcome:
    await session.execute("CREATE ROLE written")
    return Outcome(OK, "It was possible.")


async def _run_check(checks: PostgresChecks, name: str) -> Outcome:
    return (await collect_outcomes(checks))[name]
