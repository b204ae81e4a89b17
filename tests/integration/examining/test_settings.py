"""What a server's configuration leads to, and what is on it already."""

from datetime import UTC, datetime

import pytest

from adapters.postgres.examining.admin import version
from adapters.postgres.examining.examination import PostgresExamination
from adapters.postgres.examining.marks import Known
from adapters.postgres.examining.subject import Subject
from adapters.postgres.sessions import Session
from domain.checkup import Outcome
from domain.errors import ProviderRejected
from tests.support.checkups import (
    FAIL,
    OK,
    UNKNOWN,
    WARN,
    examination,
    mend,
    outcomes,
    run,
)
from tests.support.clock import FakeClock
from tests.support.orders import INSTALLATION, new_order
from tests.support.places import operated
from tests.support.servers import PASSWORD, OperatorsServer


async def test_an_admin_who_cannot_log_in_is_told_where_to_look(server: OperatorsServer) -> None:
    dsn = server.dsn().replace(PASSWORD, "hunter2")

    with pytest.raises(ProviderRejected, match="PGVEND_POSTGRES_ADMIN_DSN") as refused:
        await outcomes(examination(server, dsn))
    assert "hunter2" not in f"{refused.value!r} {examination(server, dsn)!r}"


async def test_who_may_see_pg_hba_conf_is_told_the_lines_that_are_weak(
    server: OperatorsServer,
) -> None:
    file = server.data / "pg_hba.conf"
    before = file.read_text()
    try:
        file.write_text(f"host all all 10.0.0.0/8 trust\n{before}")
        found = await _one(examination(server, server.superuser_dsn), "pg_hba.conf")
        elsewhere = examination(server, server.superuser_dsn, public_host="10.1.2.3")
        from_there = await _one(elsewhere, "pg_hba.conf")
    finally:
        file.write_text(before)

    assert found.verdict is from_there.verdict is FAIL
    assert "line 1" in found.detail
    assert (await _one(examination(server, server.superuser_dsn), "pg_hba.conf")).verdict is OK


async def test_template1_is_emptied_of_what_leads_elsewhere(server_15: OperatorsServer) -> None:
    """Debian's server has such extensions."""
    examined = examination(server_15, server_15.superuser_dsn)
    await run(
        server_15,
        "GRANT CREATE ON SCHEMA public TO PUBLIC",
        "CREATE EXTENSION dblink",
        "CREATE EXTENSION postgres_fdw",
        database="template1",
    )
    before = await _one(examined, "template1")
    await mend(server_15, before)

    assert before.verdict is WARN
    assert "dblink and the extension postgres_fdw" in before.detail
    assert (await _one(examined, "template1")).verdict is OK


async def test_a_clock_that_differs_is_told(server: OperatorsServer) -> None:
    """Ours is in January 2026, by the fake one."""
    late = await _one(examination(server, clock=FakeClock()), "clock")

    assert late.verdict is WARN
    assert "ahead of ours" in late.detail
    assert datetime.now(UTC) > FakeClock().now()


@pytest.mark.parametrize(("limit", "verdict"), [(89, OK), (90, FAIL)])
async def test_one_tenant_must_not_have_every_place(
    server: OperatorsServer, limit: int, verdict: object
) -> None:
    """There are 100, of which 3 are for superusers and 8 our own."""
    assert (await _one(examination(server, limit=limit), "connections")).verdict is verdict


async def test_tenants_who_together_may_take_every_place_are_warned_of(
    server: OperatorsServer,
) -> None:
    orders = [new_order(), new_order()]
    async with operated(server) as place:
        for order in orders:
            await place.provider.provision(order)
        found = await outcomes(examination(server, limit=50))
        alone = await outcomes(examination(server, limit=40))
        for order in orders:
            await place.provider.retire(order.tenant)

    assert found["connections"].verdict is WARN
    assert alone["connections"].verdict is OK


async def test_whose_databases_there_are_is_told(server: OperatorsServer) -> None:
    order = new_order()
    recorded = Known(installation="another", recorded={order.tenant.id})
    async with operated(server) as place:
        await place.provider.provision(order)
        ours = await _one(examination(server), "marks")
        others = await _one(examination(server, known=Known(installation="another")), "marks")
        lost = await _one(examination(server, known=recorded), "marks")
        await place.provider.retire(order.tenant)

    assert (ours.verdict, others.verdict, lost.verdict) == (OK, WARN, FAIL)
    assert INSTALLATION in others.detail
    assert "PGVEND_SECRET" in lost.detail


async def test_clear_text_to_tenants_elsewhere_is_warned_of(server: OperatorsServer) -> None:
    assert (await _one(examination(server, public_host="db.example"), "tls")).verdict is WARN
    assert (await _one(examination(server), "tls")).verdict is OK


async def test_a_question_that_fails_hides_no_other(server: OperatorsServer) -> None:
    """Nor could one change anything."""
    questions = {"broken": _broken, "writing": _writing, "version": version}
    found = await outcomes(examination(server, questions=questions))
    after = await outcomes(examination(server, questions={"dying": _dying, "version": version}))

    assert [outcome.verdict for outcome in found.values()] == [UNKNOWN, UNKNOWN, OK]
    assert [outcome.verdict for outcome in after.values()] == [UNKNOWN, UNKNOWN]
    assert "hunter2" not in repr([found, after])


async def test_an_examination_changes_nothing(server: OperatorsServer) -> None:
    async with operated(server) as place:
        before = await place.census(), await place.sql(_CATALOG)
        await outcomes(examination(server))
        await outcomes(examination(server, server.superuser_dsn))
        assert (await place.census(), await place.sql(_CATALOG)) == before


_CATALOG = """
SELECT md5(string_agg(entry::text, ',' ORDER BY entry::text)) FROM (
    SELECT d::text FROM pg_database d UNION ALL SELECT r::text FROM pg_roles r
    UNION ALL SELECT m::text FROM pg_auth_members m
    UNION ALL SELECT s::text FROM pg_db_role_setting s
    UNION ALL SELECT c::text FROM pg_shdescription c
) AS entries (entry)
"""


async def _broken(session: Session, _: Subject) -> Outcome:
    await session.execute("SELECT * FROM hunter2")
    raise AssertionError


async def _dying(session: Session, _: Subject) -> Outcome:
    await session.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    raise AssertionError


async def _writing(session: Session, _: Subject) -> Outcome:
    await session.execute("CREATE ROLE written")
    return Outcome(OK, "It was possible.")


async def _one(examined: PostgresExamination, name: str) -> Outcome:
    return (await outcomes(examined))[name]
