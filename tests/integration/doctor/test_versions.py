"""Doctor checks of PostgreSQL's version and missing security fixes."""

from pathlib import Path

from adapters.embedded.doctor import EmbeddedExamination
from adapters.embedded.server import Bundle
from adapters.postgres.doctor import admin
from adapters.postgres.doctor.context import Subject, answer
from adapters.postgres.doctor.marks import Known
from adapters.postgres.factory import opened_provider
from adapters.postgres.server import server_of_dsn
from adapters.postgres.sessions import session_of
from adapters.system.clock import SystemClock
from domain.doctor import Outcome
from domain.postgres_versions import FIXED_IN
from tests.support.doctor import FAIL, KNOWN, LACKING, OK, WARN, outcomes
from tests.support.provision_requests import INSTALLATION
from tests.support.servers import OperatorsServer, former_programs


async def asked(server: OperatorsServer, *, has_superuser: bool) -> Outcome:
    described = server_of_dsn(server.dsn(), public_host=None, public_port=None, connection_limit=3)
    subject = Subject(
        server=described, known=KNOWN, clock=SystemClock(), has_superuser=has_superuser
    )
    async with (
        opened_provider(described, INSTALLATION) as provider,
        session_of(provider.pool) as session,
    ):
        return await answer(admin.check_version, session, subject)


async def examined(bundle: Bundle) -> Outcome:
    async def recall() -> Known:
        return KNOWN

    examination = EmbeddedExamination(bundle=bundle, recall=recall, clock=SystemClock())
    return (await outcomes(examination))["programs"]


async def test_a_server_that_lacks_fixes_is_warned_about(server_16: OperatorsServer) -> None:
    outcome = await asked(server_16, has_superuser=True)

    assert outcome.verdict is WARN
    assert f"PostgreSQL 16.{FIXED_IN[16]}" in outcome.detail
    assert "16.14" in outcome.detail


async def test_missing_fixes_are_not_reported_if_the_operator_cannot_install_them(
    server_16: OperatorsServer,
) -> None:
    assert (await asked(server_16, has_superuser=False)).verdict is OK


async def test_other_programs_than_the_bundled_ones_are_named(tmp_path: Path) -> None:
    programs = await former_programs(16)

    outcome = await examined(Bundle(folder=tmp_path / "embedded", programs=programs))

    assert outcome.verdict is WARN
    assert outcome.detail.startswith(f"PostgreSQL 16.14, in {programs}.")
    assert LACKING in outcome.detail


async def test_programs_that_cannot_read_the_data_fail_the_check(tmp_path: Path) -> None:
    data = tmp_path / "embedded" / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("18\n")

    outcome = await examined(
        Bundle(folder=tmp_path / "embedded", programs=await former_programs(16))
    )

    assert outcome.verdict is FAIL
    assert "set PGVEND_EMBEDDED_PROGRAMS" in outcome.detail
    assert "docs/providers/embedded.md" in outcome.detail
