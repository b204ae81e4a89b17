"""Doctor checks of PostgreSQL's version and missing security fixes."""

from pathlib import Path

from adapters.embedded.doctor import EmbeddedChecks
from adapters.embedded.server import EmbeddedOptions
from adapters.postgres.doctor import admin
from adapters.postgres.doctor.context import CheckContext, LocalState, run_check_function
from adapters.postgres.factory import open_provider
from adapters.postgres.server import server_from_dsn
from adapters.postgres.sessions import acquire_session
from adapters.system.clock import SystemClock
from domain.doctor import Outcome
from domain.postgres_versions import FIXED_IN
from tests.support.doctor import FAIL, LACKS_FIXES, LOCAL_STATE, OK, WARN, collect_outcomes
from tests.support.provision_requests import INSTALLATION
from tests.support.servers import OperatorsServer, find_former_programs


async def check_version_of(server: OperatorsServer, *, has_superuser: bool) -> Outcome:
    description = server_from_dsn(
        server.dsn(), public_host=None, public_port=None, connection_limit=3
    )
    context = CheckContext(
        server=description,
        local_state=LOCAL_STATE,
        clock=SystemClock(),
        has_superuser=has_superuser,
    )
    async with (
        open_provider(description, INSTALLATION) as provider,
        acquire_session(provider.pool) as session,
    ):
        return await run_check_function(admin.check_version, session, context)


async def check_programs(options: EmbeddedOptions) -> Outcome:
    async def load_local_state() -> LocalState:
        return LOCAL_STATE

    checks = EmbeddedChecks(options=options, load_local_state=load_local_state, clock=SystemClock())
    return (await collect_outcomes(checks))["programs"]


async def test_a_server_that_lacks_fixes_is_warned_about(server_16: OperatorsServer) -> None:
    outcome = await check_version_of(server_16, has_superuser=True)

    assert outcome.verdict is WARN
    assert f"16.{FIXED_IN[16]} of " in outcome.detail
    assert "16.14" in outcome.detail


async def test_missing_fixes_are_not_reported_if_the_operator_cannot_install_them(
    server_16: OperatorsServer,
) -> None:
    assert (await check_version_of(server_16, has_superuser=False)).verdict is OK


async def test_other_programs_than_the_bundled_ones_are_named(tmp_path: Path) -> None:
    programs = await find_former_programs(16)

    outcome = await check_programs(EmbeddedOptions(folder=tmp_path / "embedded", programs=programs))

    assert outcome.verdict is WARN
    assert outcome.detail.startswith(f"PostgreSQL 16.14, in {programs}.")
    assert LACKS_FIXES in outcome.detail


async def test_programs_that_cannot_read_the_data_fail_the_check(tmp_path: Path) -> None:
    data = tmp_path / "embedded" / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("18\n")

    outcome = await check_programs(
        EmbeddedOptions(folder=tmp_path / "embedded", programs=await find_former_programs(16))
    )

    assert outcome.verdict is FAIL
    assert "set PGVEND_EMBEDDED_PROGRAMS" in outcome.detail
    assert "docs/providers/embedded.md" in outcome.detail
