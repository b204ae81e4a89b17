"""A tenant's code that could run while pgvend copies its database, with the admin's rights."""

import asyncpg
import pytest

from domain.connection import Connection
from domain.errors import CopyUnsupported
from tests.support.copies import copy_of
from tests.support.databases import provisioned_database
from tests.support.obstacles import run
from tests.support.postgres_under_test import PostgresUnderTest, expect_refusal
from tests.support.provision_requests import new_provision_request

SPRING = """
CREATE SCHEMA trap;
CREATE FUNCTION trap.spring() RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN
    IF session_user::text <> trim('"' FROM '{user}') THEN
        RAISE EXCEPTION 'caught %', session_user;
    END IF;
    RETURN 1;
END $$
"""

HACKED = "SELECT rolname FROM pg_roles WHERE rolname = 'hacked'"

SETTINGS = """
SELECT unnest(setconfig) FROM pg_db_role_setting
WHERE setrole = (SELECT oid FROM pg_roles WHERE rolname = $1)
   OR setdatabase = (SELECT oid FROM pg_database WHERE datname = $2) ORDER BY 1
"""

TRAPS = {
    "functions with the names of the server's": """
        CREATE FUNCTION public.format(text, VARIADIC text[]) RETURNS text LANGUAGE sql
            AS 'SELECT trap.spring()::text';
        CREATE FUNCTION public.quote_ident(text) RETURNS text LANGUAGE sql
            AS 'SELECT trap.spring()::text';
        CREATE FUNCTION public.current_database() RETURNS name LANGUAGE sql
            AS 'SELECT trap.spring()::text::name';
        CREATE FUNCTION public.pg_get_userbyid(oid) RETURNS name LANGUAGE sql
            AS 'SELECT trap.spring()::text::name';
        CREATE VIEW public.pg_shdepend AS SELECT trap.spring() AS refobjid;
        CREATE VIEW public.pg_roles AS SELECT trap.spring() AS rolname;
        CREATE VIEW public.pg_event_trigger AS SELECT trap.spring() AS evtname;
        ALTER DATABASE {database} SET search_path = public, pg_catalog;
        ALTER ROLE {user} SET search_path = public, pg_catalog""",
    "operators with the names of the server's": """
        CREATE FUNCTION public.same(name, name) RETURNS boolean LANGUAGE sql
            AS 'SELECT trap.spring() = 1';
        CREATE OPERATOR public.= (leftarg = name, rightarg = name, function = public.same);
        CREATE FUNCTION public.join(text, text) RETURNS text LANGUAGE sql
            AS 'SELECT trap.spring()::text';
        CREATE OPERATOR public.|| (leftarg = text, rightarg = text, function = public.join)""",
    "expressions of tables": """
        CREATE TABLE public.expressions (id int DEFAULT trap.spring() CHECK (trap.spring() = 1),
            derived int GENERATED ALWAYS AS (trap.spring()) STORED);
        INSERT INTO public.expressions VALUES (1);
        CREATE INDEX ON public.expressions ((trap.spring() + id)) WHERE trap.spring() = 1;
        CREATE STATISTICS public.statistics ON (trap.spring() + id), id FROM public.expressions;
        CREATE TABLE public.parts (id int) PARTITION BY LIST ((trap.spring() + id));
        CREATE TABLE public.parts_rest PARTITION OF public.parts DEFAULT""",
    "policies": """
        CREATE TABLE public.guarded (id int);
        CREATE POLICY guard ON public.guarded TO {user} USING (trap.spring() = 1)
            WITH CHECK (trap.spring() = 1);
        ALTER TABLE public.guarded ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY""",
    "triggers, rules and views": """
        CREATE FUNCTION trap.react() RETURNS trigger LANGUAGE plpgsql
            AS 'BEGIN PERFORM trap.spring(); RETURN NEW; END';
        CREATE TABLE public.reacting (id int);
        CREATE TRIGGER reaction BEFORE INSERT OR UPDATE ON public.reacting
            FOR EACH ROW EXECUTE FUNCTION trap.react();
        CREATE RULE rewriting AS ON UPDATE TO public.reacting DO ALSO SELECT trap.spring();
        CREATE MATERIALIZED VIEW public.stored AS SELECT trap.spring()""",
    "types, domains and casts": """
        CREATE DOMAIN public.checked AS int DEFAULT trap.spring() CHECK (trap.spring() = VALUE);
        CREATE FUNCTION public.measure(float8, float8) RETURNS float8 LANGUAGE sql IMMUTABLE
            AS 'SELECT trap.spring()::float8';
        CREATE TYPE public.span AS RANGE (subtype = float8, subtype_diff = public.measure);
        CREATE TYPE public.pair AS (a int);
        CREATE FUNCTION public.cast(public.pair) RETURNS text LANGUAGE sql
            AS 'SELECT trap.spring()::text';
        CREATE CAST (public.pair AS text) WITH FUNCTION public.cast(public.pair) AS IMPLICIT""",
    "functions that support others": """
        CREATE AGGREGATE public.total(int) (sfunc = int4pl, stype = int, initcond = '0');
        CREATE FUNCTION public.defaults(a int DEFAULT trap.spring()) RETURNS int LANGUAGE sql
            AS 'SELECT a';
        CREATE FUNCTION public.configured() RETURNS int LANGUAGE sql SET search_path = public
            SECURITY DEFINER AS 'SELECT trap.spring()'""",
    "settings of the database": """
        ALTER DATABASE {database} SET role = {user};
        ALTER DATABASE {database} SET local_preload_libraries = 'none_such';
        ALTER DATABASE {database} SET default_transaction_read_only = on;
        ALTER DATABASE {database} SET default_transaction_isolation = serializable;
        ALTER DATABASE {database} SET lock_timeout = 1;
        ALTER DATABASE {database} SET statement_timeout = 1;
        ALTER ROLE {user} SET default_transaction_read_only = on;
        ALTER ROLE {user} SET check_function_bodies = off""",
    "settings that contain statements": """
        SELECT set_config('search_path', 'a;RESET/**/ROLE;CREATE/**/ROLE/**/hacked;', false);
        ALTER ROLE {user} IN DATABASE {database} SET search_path FROM CURRENT;
        SELECT set_config('local_preload_libraries', $$x'; CREATE ROLE hacked; --$$, false);
        ALTER ROLE {user} IN DATABASE {database} SET local_preload_libraries FROM CURRENT;
        RESET search_path;
        ALTER DATABASE {database} SET application_name = $$';CREATE ROLE hacked;--\\$$""",
    "names that contain statements": """
        CREATE SCHEMA "x;CREATE ROLE hacked;--";
        CREATE TABLE "x;CREATE ROLE hacked;--"."y"";CREATE ROLE hacked;'--$1%s%I" ();
        CREATE POLICY "p;CREATE ROLE hacked;--"
            ON "x;CREATE ROLE hacked;--"."y"";CREATE ROLE hacked;'--$1%s%I" TO {user};
        CREATE FUNCTION "x;CREATE ROLE hacked;--"."f'(;CREATE ROLE hacked;--"("a;'" int)
            RETURNS int LANGUAGE sql AS 'SELECT 1';
        REVOKE CREATE ON SCHEMA "x;CREATE ROLE hacked;--" FROM {user};
        GRANT ALL ON SCHEMA public TO {user};
        ALTER DEFAULT PRIVILEGES IN SCHEMA "x;CREATE ROLE hacked;--" GRANT ALL ON TABLES TO PUBLIC;
        CREATE PUBLICATION "x;CREATE ROLE hacked;--" FOR TABLE public.expressions""",
}

AUDIT = """
CREATE FUNCTION public.audit() RETURNS {returns} LANGUAGE plpgsql
    AS 'BEGIN PERFORM 1; END';
CREATE EVENT TRIGGER audit ON {event} EXECUTE FUNCTION public.audit()
"""


async def test_no_code_of_the_tenant_runs_during_a_copy(postgres: PostgresUnderTest) -> None:
    source = new_provision_request()
    async with provisioned_database(postgres.provider, source) as connection:
        await run(connection, SPRING)
        with pytest.raises(asyncpg.RaiseError, match="caught"):
            await postgres.sql("SELECT trap.spring()", database=connection.database)
        await run(connection, ";".join(TRAPS.values()))
        async with provisioned_database(postgres.provider, copy_of(source)) as copy:
            assert await postgres.sql(HACKED) == []
            assert await _fetch_settings(postgres, copy) == await _fetch_settings(
                postgres, connection
            )


async def _fetch_settings(postgres: PostgresUnderTest, connection: Connection) -> list[str]:
    """Return the settings, except for those that name the role or are no valid lists."""
    return [
        text
        for text in await postgres.sql(SETTINGS, connection.user, connection.database)
        if not text.startswith(("role=", "search_path=a", 'search_path="a', "local_preload"))
    ]


@pytest.mark.parametrize("event", ["ddl_command_start", "ddl_command_end", "sql_drop"])
async def test_an_event_trigger_with_a_tenants_function_prevents_a_copy(
    postgres_15: PostgresUnderTest, event: str
) -> None:
    source = new_provision_request()
    async with provisioned_database(postgres_15.provider, source) as connection:
        place = {"database": connection.database}
        await postgres_15.sql(AUDIT.format(returns="event_trigger", event=event), **place)
        async with provisioned_database(postgres_15.provider, copy_of(source)):
            pass  # an operator's function
        await postgres_15.sql(f'ALTER FUNCTION audit() OWNER TO "{connection.user}"', **place)
        copy = copy_of(source)
        with pytest.raises(CopyUnsupported):
            await postgres_15.provider.provision(copy)
        await postgres_15.provider.delete(copy.tenant)
        await postgres_15.sql("ALTER EVENT TRIGGER audit DISABLE", **place)
        async with provisioned_database(postgres_15.provider, copy):
            pass


async def test_a_login_trigger_prevents_a_copy(postgres_18: PostgresUnderTest) -> None:
    source = new_provision_request()
    async with provisioned_database(postgres_18.provider, source) as connection:
        text = AUDIT.format(returns="event_trigger", event="login")
        await postgres_18.sql(text, database=connection.database)
        copy = copy_of(source)
        with pytest.raises(CopyUnsupported):
            await postgres_18.provider.provision(copy)
        await postgres_18.provider.delete(copy.tenant)


async def test_privileges_that_an_operator_granted_do_not_prevent_a_copy(
    postgres: PostgresUnderTest,
) -> None:
    source = new_provision_request()
    async with provisioned_database(postgres.provider, source) as connection:
        await postgres.sql(
            f'GRANT EXECUTE ON FUNCTION pg_ls_waldir() TO "{connection.user}";'
            "CREATE SCHEMA operators CREATE TABLE operators.kept (id int);"
            f'GRANT ALL ON SCHEMA operators TO "{connection.user}";'
            f'GRANT SELECT (id) ON operators.kept TO "{connection.user}"',
            database=connection.database,
        )
        async with provisioned_database(postgres.provider, copy_of(source)) as copy:
            with expect_refusal():
                await run(copy, "SELECT pg_ls_waldir()")


async def test_passwords_for_other_servers_are_not_copied(postgres_15: PostgresUnderTest) -> None:
    source = new_provision_request()
    async with provisioned_database(postgres_15.provider, source) as connection:
        await postgres_15.sql(
            "CREATE EXTENSION postgres_fdw; CREATE SERVER other FOREIGN DATA WRAPPER postgres_fdw;"
            f'GRANT USAGE ON FOREIGN SERVER other TO "{connection.user}"',
            database=connection.database,
        )
        await run(connection, "CREATE USER MAPPING FOR {user} SERVER other OPTIONS (password 'x')")
        mappings = "SELECT usename::text FROM pg_user_mappings"
        async with provisioned_database(postgres_15.provider, copy_of(source)) as copy:
            assert await postgres_15.sql(mappings, database=copy.database) == []
            assert await postgres_15.sql(mappings, database=connection.database) == [
                connection.user
            ]


async def test_a_function_in_an_operators_schema_prevents_a_copy(
    postgres_15: PostgresUnderTest,
) -> None:
    source = new_provision_request()
    async with provisioned_database(postgres_15.provider, source) as connection:
        await postgres_15.sql(
            f'CREATE SCHEMA operators; GRANT ALL ON SCHEMA operators TO "{connection.user}"',
            database=connection.database,
        )
        await run(connection, "CREATE FUNCTION operators.one() RETURNS int RETURN 1")
        copy = copy_of(source)
        with pytest.raises(CopyUnsupported):
            await postgres_15.provider.provision(copy)
        await postgres_15.provider.delete(copy.tenant)
        await run(connection, "DROP FUNCTION operators.one()")
