"""Privileges that neighbours granted to a deleted tenant are revoked."""

from adapters.postgres.dependents import MAX_OBJECTS_AT_ONCE
from adapters.postgres.privileges import BATCH_SIZE, MAX_PRIVILEGES, revoke_in_batches
from tests.support.databases import (
    provisioned_database,
)
from tests.support.obstacles import (
    fill_names,
    run,
    tenant_with_references,
)
from tests.support.postgres_under_test import (
    PostgresUnderTest,
    session,
    tenant_session,
)
from tests.support.provision_requests import new_provision_request

MANY_SCHEMAS = 2 * MAX_OBJECTS_AT_ONCE

PASSING_ON = [
    "GRANT SELECT ON shared TO {user}",
    "GRANT UPDATE (id) ON shared TO {user}",
    "GRANT USAGE ON SCHEMA public TO {user}",
    "GRANT EXECUTE ON FUNCTION one() TO {user}",
    "GRANT USAGE ON TYPE few TO {user}",
    "GRANT CONNECT ON DATABASE {own} TO {user}",
]


async def test_privileges_passed_on_by_a_third_tenant_are_revoked(
    postgres: PostgresUnderTest,
) -> None:
    """Only the grantor can revoke them; the same call does."""
    async with (
        provisioned_database(postgres.provider, new_provision_request()) as third,
        tenant_with_references(postgres) as (provision_request, neighbour),
    ):
        connection = await postgres.provider.reveal(provision_request)
        passing_on = [each.replace("{own}", f'"{neighbour.database}"') for each in PASSING_ON]
        await run(
            neighbour,
            "CREATE TABLE shared (id int)",
            "CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "CREATE DOMAIN few AS int",
            *(f"{statement} WITH GRANT OPTION" for statement in passing_on),
            about=third,
        )
        async with tenant_session(third, database=neighbour.database) as guest:
            for statement in passing_on:
                await guest.execute(fill_names(statement, connection))
            assert await postgres.provider.delete(provision_request.tenant) is None
            assert await guest.fetch("SELECT FROM shared") == []


async def test_default_privileges_in_a_neighbours_database_are_removed_in_parts(
    postgres: PostgresUnderTest,
) -> None:
    schemas = f"""
        DO $$ BEGIN FOR i IN 1..{MANY_SCHEMAS} LOOP
            EXECUTE format('CREATE SCHEMA s%s; GRANT ALL ON SCHEMA s%s TO {{user}}', i, i);
        END LOOP; END $$
    """
    defaults = f"""
        DO $$ BEGIN FOR i IN 1..{MANY_SCHEMAS} LOOP
            EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA s%s GRANT ALL ON TABLES TO PUBLIC, '
                           || current_user, i);
        END LOOP; END $$
    """
    async with tenant_with_references(postgres, schemas) as (provision_request, neighbour):
        connection = await postgres.provider.reveal(provision_request)
        grant = f'GRANT CONNECT ON DATABASE "{neighbour.database}" TO {{user}}'
        await run(neighbour, grant, about=connection)
        async with tenant_session(connection, database=neighbour.database) as guest:
            await guest.execute(defaults)
        assert await postgres.provider.delete(provision_request.tenant)
        assert await postgres.provider.delete(provision_request.tenant) is None


async def test_many_privileges_are_revoked_in_parts(postgres: PostgresUnderTest) -> None:
    objects = f"""
        DO $$ DECLARE created oid; BEGIN FOR i IN 1..{MAX_PRIVILEGES + BATCH_SIZE} LOOP
            created := lo_create(0);
            EXECUTE format('GRANT SELECT ON LARGE OBJECT %s TO {{user}}', created);
            IF i % {BATCH_SIZE} = 0 THEN COMMIT; END IF;
        END LOOP; END $$
    """
    async with tenant_with_references(postgres, objects) as (provision_request, neighbour):
        owner, rest = (
            provision_request.tenant.names.owner,
            "SELECT count(*) FROM pg_shdepend WHERE classid = $1",
        )
        async with session(postgres.superuser, database=neighbour.database) as superuser:
            await revoke_in_batches(superuser, owner, postgres.provider.marks)
            named = "refobjid = (SELECT oid FROM pg_roles WHERE rolname = $2) AND deptype = 'a'"
            assert await superuser.fetchval(f"{rest} AND {named}", 2613, owner) == BATCH_SIZE
