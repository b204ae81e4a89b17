"""Doctor checks find faults of a server, and pass after their fixes were applied."""

import pytest

from adapters.postgres.doctor.checks import OPERATOR_CHECKS, SIZE_LIMIT_CHECKS
from adapters.postgres.factory import open_provider
from tests.support.doctor import (
    EXPECTED_FINDINGS,
    FAIL,
    OK,
    UNKNOWN,
    WARN,
    apply_fixes,
    collect_outcomes,
    create_postgres_checks,
    has_no_secret,
    other_admin,
    run_as_superuser,
    select_not_ok,
)
from tests.support.postgres_under_test import operators_under_test
from tests.support.provision_requests import INSTALLATION, new_provision_request
from tests.support.servers import PASSWORD, OperatorsServer


async def test_a_correctly_configured_server_passes(server: OperatorsServer) -> None:
    found = await collect_outcomes(create_postgres_checks(server))

    assert select_not_ok(found) == EXPECTED_FINDINGS
    assert set(found) == set(OPERATOR_CHECKS)
    assert has_no_secret(found.values())


async def test_printed_fixes_resolve_all_findings_that_sql_can(
    server: OperatorsServer,
) -> None:
    found = await collect_outcomes(create_postgres_checks(server))
    try:
        for outcome in found.values():
            await apply_fixes(server, outcome)
        again = await collect_outcomes(create_postgres_checks(server))
    finally:
        await run_as_superuser(
            server,
            "ALTER ROLE postgres RESET search_path",
            "REVOKE ALL ON pg_hba_file_rules FROM admin",
            "REVOKE ALL ON FUNCTION pg_hba_file_rules() FROM admin",
        )

    assert select_not_ok(again) == {"template1": UNKNOWN}


READ_ONLY = "ALTER ROLE admin SET default_transaction_read_only = on"
MD5 = "ALTER SYSTEM SET password_encryption = 'md5'"
RELOAD = "SELECT pg_reload_conf()"
LOGGING = [
    "ALTER ROLE admin SET log_statement = ddl",
    "ALTER ROLE admin SET log_min_duration_statement = 0",
]
OPEN = '"open ""to"" all"'

FINDINGS = {
    "open databases": (FAIL, [f"CREATE DATABASE {OPEN}"], [f"DROP DATABASE {OPEN}"]),
    "statement log": (WARN, LOGGING, ["ALTER ROLE admin RESET ALL"]),
    "password encryption": (WARN, [MD5, RELOAD], ["ALTER SYSTEM RESET ALL", RELOAD]),
    "primary": (FAIL, [READ_ONLY], ["ALTER ROLE admin RESET ALL"]),
    "guard": (WARN, ["REVOKE pg_signal_backend FROM admin"], []),
    "sizes": (FAIL, ["REVOKE pg_read_all_stats FROM admin"], []),
}
"""A check's verdict after some statements, and the statements that undo them."""


@pytest.mark.parametrize("check", FINDINGS)
async def test_a_check_passes_after_its_fixes(server: OperatorsServer, check: str) -> None:
    verdict, statements, undo = FINDINGS[check]
    checks = create_postgres_checks(server, check_functions=SIZE_LIMIT_CHECKS)
    try:
        await run_as_superuser(server, *statements)
        before = (await collect_outcomes(checks))[check]
        await apply_fixes(server, before)
        again = (await collect_outcomes(checks))[check]
    finally:
        await run_as_superuser(server, *undo)

    assert (before.verdict, again.verdict) == (verdict, OK)


async def test_a_database_opened_by_its_tenant_is_not_reported(
    server: OperatorsServer,
) -> None:
    provision_request = new_provision_request()
    async with operators_under_test(server) as postgres:
        await postgres.provider.provision(provision_request)
        name = provision_request.tenant.names.database
        await postgres.sql(f'GRANT CONNECT ON DATABASE "{name}" TO PUBLIC')
        found = await collect_outcomes(create_postgres_checks(server))
        await postgres.provider.delete(provision_request.tenant)

    assert found["open databases"].verdict is OK


@pytest.mark.parametrize(
    ("attributes", "missing"),
    [
        ("NOCREATEDB CREATEROLE", "CREATEDB"),
        ("CREATEDB NOCREATEROLE", "CREATEROLE"),
        ("CREATEDB CREATEROLE NOINHERIT", "INHERIT"),
    ],
)
async def test_missing_admin_privileges_are_granted(
    server: OperatorsServer, attributes: str, missing: str
) -> None:
    async with other_admin(server, attributes) as other:
        before = (await collect_outcomes(other))["admin"]
        assert (before.verdict, before.detail) == (FAIL, f"The admin other lacks {missing}.")
        await apply_fixes(server, before)
        assert (await collect_outcomes(other))["admin"].verdict is OK


async def test_a_superuser_becomes_an_ordinary_admin(server: OperatorsServer) -> None:
    """It keeps access to the databases that it created before."""
    provision_request = new_provision_request()
    async with other_admin(server, "SUPERUSER") as other:
        server_description = other.server
        async with open_provider(server_description, INSTALLATION) as provider:
            await provider.provision(provision_request)
            before = (await collect_outcomes(other))["admin"]
            assert before.verdict is WARN
            await apply_fixes(server, before)
        again = await collect_outcomes(other)
        async with open_provider(server_description, INSTALLATION) as provider:
            await provider.delete(provision_request.tenant)

    assert again["admin"].verdict is again["reach"].verdict is OK


async def test_the_first_superuser_is_replaced(server: OperatorsServer) -> None:
    before = (await collect_outcomes(create_postgres_checks(server, server.superuser_dsn)))["admin"]
    try:
        await apply_fixes(server, before)
        await run_as_superuser(server, f"ALTER ROLE pgvend_admin PASSWORD '{PASSWORD}'")
        found = await collect_outcomes(create_postgres_checks(server, server.dsn("pgvend_admin")))
    finally:
        await run_as_superuser(server, "DROP OWNED BY pgvend_admin", "DROP ROLE pgvend_admin")

    assert before.verdict is WARN
    assert select_not_ok(found) == EXPECTED_FINDINGS


async def test_access_to_databases_of_another_admin_is_granted(server: OperatorsServer) -> None:
    """On 15, CREATEROLE covers every role, so no fix is needed."""
    provision_request = new_provision_request()
    async with (
        operators_under_test(server) as postgres,
        other_admin(server, "CREATEDB CREATEROLE") as other,
    ):
        await postgres.provider.provision(provision_request)
        before = (await collect_outcomes(other))["reach"]
        await apply_fixes(server, before)
        again = (await collect_outcomes(other))["reach"]
        async with open_provider(other.server, INSTALLATION) as provider:
            await provider.delete(provision_request.tenant)

    assert before.verdict is (OK if server.major == 15 else FAIL)
    assert again.verdict is OK


async def test_fixes_of_databases_that_belong_to_others_are_marked(
    server: OperatorsServer,
) -> None:
    provision_request = new_provision_request()
    grant, team = "GRANT SELECT ON pg_catalog.pg_authid TO", "team"
    async with operators_under_test(server) as postgres:
        owner = (await postgres.provider.provision(provision_request)).user
        await run_as_superuser(server, f"CREATE DATABASE {team}")
        try:
            await run_as_superuser(server, f'{grant} "{owner}"')
            await run_as_superuser(server, f'{grant} "{owner}"', database=team)
            await postgres.provider.delete(provision_request.tenant)
            found = await collect_outcomes(create_postgres_checks(server))
            await apply_fixes(server, found["tombstones"])
            await postgres.provider.delete(provision_request.tenant)
        finally:
            await run_as_superuser(server, f"DROP DATABASE {team}")

    by_database = {fix.database: fix.affects_others for fix in found["tombstones"].fixes}
    assert by_database == {"postgres": False, team: True}
    assert [fix.affects_others for fix in found["open databases"].fixes] == [True]
    assert [fix.affects_others for fix in found["superusers"].fixes] == [True]


async def test_fixes_in_the_database_of_others_that_the_admin_logs_in_to_are_marked(
    server: OperatorsServer,
) -> None:
    await run_as_superuser(server, "CREATE DATABASE team OWNER admin")
    try:
        checks = create_postgres_checks(server, server.dsn(database="team"))
        found = await collect_outcomes(checks)
    finally:
        await run_as_superuser(server, "DROP DATABASE team")

    fixes = [fix for name in ("open databases", "pg_hba.conf") for fix in found[name].fixes]
    assert len(fixes) == 4
    assert all(fix.affects_others for fix in fixes)


async def test_a_superuser_that_owns_databases_keeps_its_privileges(
    server: OperatorsServer,
) -> None:
    async with other_admin(server, "SUPERUSER") as other:
        await run_as_superuser(server, "CREATE DATABASE team OWNER other")
        try:
            admin = (await collect_outcomes(other))["admin"]
        finally:
            await run_as_superuser(server, "DROP DATABASE team")

    assert "Create a separate role" in admin.detail
    assert not any("NOSUPERUSER" in fix.statement for fix in admin.fixes)


async def test_a_tombstone_is_reported_while_objects_refer_to_it(server: OperatorsServer) -> None:
    """A superuser granted a privilege to it, and only a superuser can revoke that."""
    provision_request = new_provision_request()
    async with operators_under_test(server) as postgres:
        owner = (await postgres.provider.provision(provision_request)).user
        await run_as_superuser(server, f'GRANT SELECT ON pg_catalog.pg_authid TO "{owner}"')
        await postgres.provider.delete(provision_request.tenant)
        found = await collect_outcomes(create_postgres_checks(server))
        [statement] = await apply_fixes(server, found["tombstones"])
        again = await postgres.provider.delete(provision_request.tenant)

    assert found["tombstones"].verdict is WARN
    assert "1 tombstone: " in found["tombstones"].detail
    assert statement.startswith('DROP OWNED BY "pgvend_tombstone_db_')
    assert "0 tenants" in found["connections"].detail
    assert again is None
    assert (await collect_outcomes(create_postgres_checks(server)))["tombstones"].verdict is OK
