"""Spares on a server: what their claim changes, and what prevents it."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from adapters.postgres.doctor.capacity import check_connections
from adapters.postgres.doctor.context import CheckContext, LocalState
from adapters.postgres.factory import open_provider
from adapters.postgres.guard_query import build_guard_query
from adapters.postgres.login_check import PostgresLoginCheck
from adapters.postgres.server import server_from_dsn
from adapters.system.clock import SystemClock
from domain.errors import NameTaken, ProviderBusy, SpareBroken
from domain.provisioning import ProvisionRequest
from tests.support.databases import expected_item, find_in_inventory, provisioned_database
from tests.support.obstacles import fetch_memberships
from tests.support.postgres_under_test import (
    PostgresUnderTest,
    session,
    tenant_session,
)
from tests.support.provision_requests import INSTALLATION, new_provision_request, with_next_password
from tests.support.servers import OperatorsServer
from tests.support.spare_requests import claim_of, filled_spare, new_spare_request
from tests.support.tasks import recorded_tasks

CHECK = PostgresLoginCheck()

_STATE = """
SELECT to_jsonb(r) - '{oid,rolname}'::text[] || jsonb_build_object(
    'database', to_jsonb(d) - '{oid,datname,datdba,datacl,datfrozenxid,datminmxid}'::text[],
    'privileges', (SELECT jsonb_agg(jsonb_build_array(grantee = datdba, privilege_type)
        ORDER BY privilege_type) FROM aclexplode(datacl)),
    'settings', (SELECT count(*) FROM pg_db_role_setting
        WHERE setdatabase = d.oid OR setrole = r.oid),
    'members', (SELECT jsonb_agg(to_jsonb(m) - '{oid,roleid}'::text[])
        FROM pg_auth_members AS m WHERE roleid = r.oid)
)::text
FROM pg_roles AS r JOIN pg_database AS d ON datdba = r.oid WHERE datname = $1
"""

_MARKS = """
SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = $1 UNION ALL
SELECT shobj_description(datdba, 'pg_authid') FROM pg_database WHERE datname = $1
"""


@pytest.fixture
async def spare(postgres: PostgresUnderTest) -> AsyncIterator[ProvisionRequest]:
    async with filled_spare(postgres.provider, CHECK) as spare:
        yield spare


@pytest.mark.parametrize("has_opaque_names", [False, True])
async def test_a_claimed_spare_does_not_differ_from_a_provisioned_database(
    postgres: PostgresUnderTest, spare: ProvisionRequest, has_opaque_names: bool
) -> None:
    """Not in its privileges, attributes, limits, settings and memberships either."""
    claim = claim_of(spare, has_opaque_names=has_opaque_names)
    async with provisioned_database(postgres.provider, new_provision_request()) as provisioned:
        connection = await postgres.provider.provision(claim)
        [expected] = await postgres.sql(_STATE, provisioned.database)
        assert await postgres.sql(_STATE, connection.database) == [expected]
    mark = f"pgvend:{INSTALLATION}:{spare.tenant.id}"
    assert await postgres.sql(_MARKS, connection.database) == [mark] * 2
    assert await fetch_memberships(postgres, connection) == []


async def test_a_spare_has_its_own_mark_and_is_closed(
    postgres: PostgresUnderTest, spare: ProvisionRequest
) -> None:
    mark = f"pgvend:{INSTALLATION}:{spare.tenant.id} spare"
    assert await postgres.sql(_MARKS, spare.tenant.names.database) == [mark] * 2
    closed = "SELECT datallowconn OR rolcanlogin FROM pg_database, pg_roles WHERE {which}"
    names = spare.tenant.names
    which = f"datname = '{names.database}' AND rolname = '{names.owner}'"
    assert await postgres.sql(closed.format(which=which)) == [False]


async def test_a_claim_starts_no_task_but_the_return_of_its_session(
    postgres: PostgresUnderTest, spare: ProvisionRequest
) -> None:
    """Each task costs several turns of the event loop, which other calls wait for."""
    with recorded_tasks() as begun:
        await postgres.provider.provision(claim_of(spare))

    assert len(begun) == 1


async def test_a_claim_keeps_the_verifier(
    postgres: PostgresUnderTest, spare: ProvisionRequest
) -> None:
    """A new one would cost more than the whole claim."""
    verifier = "SELECT rolpassword FROM pg_authid WHERE rolname = $1"
    before = await postgres.sql(verifier, spare.tenant.names.owner)
    connection = await postgres.provider.provision(claim_of(spare))
    assert await postgres.sql(verifier, connection.user) == before


BREAKS = {
    "its database was dropped": "DROP DATABASE {database}",
    "the deletion of its database was interrupted": (
        "UPDATE pg_database SET datconnlimit = -2 WHERE datname = '{name}'"
    ),
    "its role was renamed": "ALTER ROLE {user} RENAME TO renamed",
    "its database was renamed": "ALTER DATABASE {database} RENAME TO renamed",
    "its database has another owner": "ALTER DATABASE {database} OWNER TO postgres",
}


@pytest.mark.parametrize("break_spare", BREAKS.values(), ids=BREAKS)
async def test_a_broken_spare_is_not_claimed_and_nothing_is_changed(
    postgres_18: PostgresUnderTest, break_spare: str
) -> None:
    async with filled_spare(postgres_18.provider, CHECK) as spare:
        names = spare.tenant.names
        await postgres_18.sql(
            break_spare.format(
                database=f'"{names.database}"', user=f'"{names.owner}"', name=names.database
            )
        )
        before = await postgres_18.list_names()
        claim = claim_of(spare)
        with pytest.raises(SpareBroken):
            await postgres_18.provider.provision(claim)
        assert await postgres_18.list_names() == before
        if "OWNER" in break_spare:  # it is a stranger's now, and so it stays
            await postgres_18.sql(f'DROP DATABASE "{names.database}"')
        request = with_next_password(replace(claim, claims=False))
        await CHECK.verify(await postgres_18.provider.provision(request))
        assert await find_in_inventory(postgres_18.provider, claim) == [expected_item(claim)]


@pytest.mark.parametrize(
    "mark", [None, "a comment", "pgvend:another:{id} spare", "pgvend:testing:{id}0 spare"]
)
async def test_a_strangers_objects_are_not_claimed(
    postgres_18: PostgresUnderTest, mark: str | None
) -> None:
    """They have the names of a spare, but not its mark."""
    async with filled_spare(postgres_18.provider, CHECK) as spare:
        names, foreign = spare.tenant.names, mark and mark.format(id=spare.tenant.id)
        comment = f"'{foreign}'" if foreign else "NULL"
        await postgres_18.sql(f'COMMENT ON ROLE "{names.owner}" IS {comment}')
        with pytest.raises(SpareBroken):
            await postgres_18.provider.provision(claim_of(spare))
        with pytest.raises(NameTaken):
            await postgres_18.provider.provision(claim_of(spare, has_opaque_names=True))
        await postgres_18.provider.delete(spare.tenant)
        assert await postgres_18.has(spare) == (True, True)
        await postgres_18.sql(
            f"COMMENT ON ROLE \"{names.owner}\" IS 'pgvend:{INSTALLATION}:{spare.tenant.id} spare'"
        )


async def test_a_superuser_can_be_the_admin(
    server_15: OperatorsServer, server_18: OperatorsServer
) -> None:
    for server in (server_15, server_18):
        description = server_from_dsn(
            server.superuser_dsn, public_host=None, public_port=None, connection_limit=3
        )
        async with (
            open_provider(description, INSTALLATION) as provider,
            filled_spare(provider, CHECK) as spare,
        ):
            await CHECK.verify(await provider.provision(claim_of(spare)))


async def test_the_doctor_does_not_count_spares_as_users_of_connections(
    postgres_18: PostgresUnderTest,
) -> None:
    context = CheckContext(
        server=postgres_18.provider.server, local_state=LocalState(), clock=SystemClock()
    )
    async with session(postgres_18.superuser) as superuser:
        before = await check_connections(superuser, context)
        async with filled_spare(postgres_18.provider, CHECK) as spare:
            assert await check_connections(superuser, context) == before
            await postgres_18.provider.provision(claim_of(spare))
            assert await check_connections(superuser, context) != before


async def test_the_guard_knows_the_sessions_of_spares(postgres_18: PostgresUnderTest) -> None:
    spare = new_spare_request()
    async with provisioned_database(postgres_18.provider, spare) as connection:
        async with tenant_session(connection), session(postgres_18.superuser) as superuser:
            answer = await superuser.fetchval(build_guard_query(postgres_18.provider.marks))
        sessions = json.loads(answer)["sessions"]
        assert spare.tenant.id in [each["tenant"] for each in sessions]


async def test_a_spare_with_a_superusers_session_is_not_ready(
    postgres_15: PostgresUnderTest, server_15: OperatorsServer
) -> None:
    spare = new_spare_request()
    await postgres_15.provider.provision(spare)
    try:
        monitor = server_15.dsn("postgres", spare.tenant.names.database)
        async with session({"dsn": monitor}) as inside:
            with pytest.raises(ProviderBusy, match="superuser's session"):
                await postgres_15.provider.suspend(spare.tenant)
            assert not inside.is_closed()
        await postgres_15.provider.suspend(spare.tenant)
    finally:
        await postgres_15.provider.delete(spare.tenant)
