"""Contents of copies: everything belongs to the new owner, and the source stays as it is."""

from collections.abc import Sequence
from dataclasses import replace

from adapters.postgres.ownership import PART_SIZE
from domain.connection import Connection
from tests.support.copies import copied, copy_of
from tests.support.databases import provisioned_database
from tests.support.obstacles import fetch_memberships, run
from tests.support.postgres_under_test import PostgresUnderTest, expect_refusal, tenant_session
from tests.support.provision_requests import new_provision_request

CONTENTS = """
CREATE SCHEMA app;
CREATE TABLE app.items (id serial PRIMARY KEY, name text);
INSERT INTO app.items (name) SELECT 'item ' || n FROM generate_series(1, 3) AS n;
COMMENT ON TABLE app.items IS 'the items';
CREATE TABLE parts (id int GENERATED ALWAYS AS IDENTITY, at date) PARTITION BY RANGE (at);
CREATE TABLE parts_first PARTITION OF parts DEFAULT;
CREATE SEQUENCE app.alone;
CREATE FUNCTION app.increment(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 + 1';
CREATE PROCEDURE app.act() LANGUAGE sql AS 'SELECT 1';
CREATE AGGREGATE app.total(int) (sfunc = int4pl, stype = int);
CREATE FUNCTION app.react() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER reaction BEFORE INSERT ON app.items FOR EACH ROW EXECUTE FUNCTION app.react();
CREATE INDEX by_function ON app.items (app.increment(id));
CREATE VIEW app.names AS SELECT name FROM app.items;
CREATE MATERIALIZED VIEW app.counted AS SELECT count(*) FROM app.items;
CREATE TYPE app.mood AS ENUM ('good', 'bad');
CREATE TYPE app.pair AS (a int, b int);
CREATE TYPE app.span AS RANGE (subtype = int);
CREATE DOMAIN app.positive AS int CHECK (app.increment(VALUE) > 1);
CREATE OPERATOR app.@@@@ (leftarg = int, rightarg = int, function = int4pl);
CREATE COLLATION app.plain (provider = libc, locale = 'C');
CREATE CONVERSION app.conversion FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
CREATE TEXT SEARCH CONFIGURATION app.words (COPY = simple);
CREATE TEXT SEARCH DICTIONARY app.dictionary (TEMPLATE = simple);
CREATE STATISTICS app.correlated ON id, name FROM app.items;
CREATE PUBLICATION changes FOR TABLE app.items;
SELECT lo_from_bytea(0, 'large');
CREATE POLICY own ON app.items TO {user} USING (app.increment(id) > 0);
CREATE POLICY shared ON app.items TO {user}, pg_monitor USING (true);
ALTER TABLE app.items ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT ALL ON SCHEMA public TO {user};
GRANT SELECT ON app.items TO pg_monitor WITH GRANT OPTION;
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT ON TABLES TO pg_monitor WITH GRANT OPTION;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES GRANT USAGE ON SCHEMAS TO pg_monitor;
ALTER DEFAULT PRIVILEGES GRANT USAGE ON SEQUENCES TO PUBLIC;
REVOKE CREATE ON SCHEMA app FROM {user}
"""

DEPENDENCIES = """
SELECT classid::regclass::text, deptype::text, count(*) FROM pg_shdepend
WHERE refclassid = 'pg_authid'::regclass
  AND refobjid = (SELECT oid FROM pg_roles WHERE rolname = $1)
  AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
GROUP BY 1, 2 ORDER BY 1, 2
"""

RIGHTS = """
SELECT unnest(ARRAY(SELECT concat(nspname, nspacl) FROM pg_namespace WHERE nspname !~ '^pg_')
    || ARRAY(SELECT concat(relname, relacl) FROM pg_class WHERE relacl IS NOT NULL AND oid > 16384)
    || ARRAY(SELECT concat(defaclobjtype, defaclnamespace, defaclacl) FROM pg_default_acl)
    || ARRAY(SELECT concat(polname, role::regrole) FROM pg_policy, unnest(polroles) AS role)
    || ARRAY(SELECT description FROM pg_description WHERE objoid > 16384)
    || ARRAY(SELECT convert_from(lo_get(oid), 'UTF8') FROM pg_largeobject_metadata)
    || ARRAY(SELECT concat(extname, ' ', pg_get_userbyid(extowner)) FROM pg_extension)) ORDER BY 1
"""

OF_DATABASE = """
SELECT pg_get_userbyid(datdba)::text, datacl::text, datconnlimit, datallowconn, datistemplate,
       shobj_description(oid, 'pg_database')
FROM pg_database WHERE datname = $1
"""

THEIRS = """
CREATE SCHEMA theirs CREATE TABLE theirs.kept (word text);
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC
"""

SETTINGS = {
    "search_path": '"A b", app, public',
    "DateStyle": "ISO, DMY",
    "work_mem": "5MB",
    "statement_timeout": "7s",
}


async def test_everything_in_a_copy_belongs_to_the_new_owner(postgres: PostgresUnderTest) -> None:
    async with copied(postgres, CONTENTS) as (source, copy):
        of_source = await postgres.sql(DEPENDENCIES, source.user, database=source.database)
        of_copy = await postgres.sql(DEPENDENCIES, copy.user, database=copy.database)
        assert of_copy == of_source
        assert await postgres.sql(DEPENDENCIES, source.user, database=copy.database) == []
        assert await _fetch_rights(postgres, copy) == await _fetch_rights(postgres, source)
        for connection in (source, copy):
            assert await fetch_memberships(postgres, connection) == []
        await run(
            copy,
            "INSERT INTO app.items (name) VALUES ('own')",
            "ALTER PUBLICATION changes DROP TABLE app.items",
            "DROP SCHEMA app CASCADE",
        )


async def _fetch_rights(postgres: PostgresUnderTest, connection: Connection) -> Sequence[str]:
    rows = await postgres.sql(RIGHTS, database=connection.database)
    return sorted(row.replace(connection.user, "OWNER") for row in rows)


async def test_the_source_stays_as_it_is(postgres: PostgresUnderTest) -> None:
    source = new_provision_request()
    async with provisioned_database(postgres.provider, source) as of_source:
        await run(of_source, CONTENTS, "GRANT CONNECT ON DATABASE {database} TO pg_monitor")

        async def snapshot() -> object:
            return [
                await postgres.sql(OF_DATABASE, of_source.database),
                await postgres.sql(DEPENDENCIES, of_source.user, database=of_source.database),
                await _fetch_rights(postgres, of_source),
                await postgres.sql("SELECT * FROM pg_roles WHERE rolname = $1", of_source.user),
            ]

        before = await snapshot()
        async with provisioned_database(postgres.provider, copy_of(source)):
            assert await snapshot() == before
        assert await snapshot() == before
        await run(of_source, "INSERT INTO app.items (name) VALUES ('own')")


async def test_a_copy_is_as_private_as_a_new_database(postgres: PostgresUnderTest) -> None:
    opened = (
        "GRANT ALL ON DATABASE {database} TO PUBLIC",
        "ALTER DATABASE {database} IS_TEMPLATE true CONNECTION LIMIT 7",
    )
    async with (
        provisioned_database(postgres.provider, new_provision_request()) as other,
        copied(postgres, *opened) as (_, copy),
    ):
        [of_copy] = await postgres.sql(OF_DATABASE, copy.database)
        [of_other] = await postgres.sql(OF_DATABASE, other.database)
        assert [str(value).replace(copy.user, "OWNER") for value in of_copy[:-1]] == [
            str(value).replace(other.user, "OWNER") for value in of_other[:-1]
        ]
        attributes = "SELECT rolcanlogin, rolconnlimit FROM pg_roles WHERE rolname = $1"
        limit = postgres.provider.server.connection_limit
        assert await postgres.sql(attributes, copy.user) == [(True, limit)]
        with expect_refusal():
            async with tenant_session(other, database=copy.database):
                pass


async def test_settings_come_along(postgres: PostgresUnderTest) -> None:
    statements = [
        f"ALTER DATABASE {{database}} SET search_path = {SETTINGS['search_path']}",
        f"ALTER DATABASE {{database}} SET datestyle = {SETTINGS['DateStyle']}",
        "ALTER ROLE {user} SET work_mem = '5MB'",
        "ALTER ROLE {user} IN DATABASE {database} SET statement_timeout = '7s'",
        "ALTER DATABASE {database} SET role = {user}",
        "ALTER ROLE {user} IN DATABASE {database} SET default_transaction_read_only = on",
    ]
    async with copied(postgres, *statements) as (_, copy), tenant_session(copy) as session:
        assert {name: await session.fetchval(f"SHOW {name}") for name in SETTINGS} == SETTINGS
        await session.execute("CREATE TABLE writable ()")
        assert await session.fetchval("SELECT current_user = session_user")
        of_copy = "SELECT unnest(setconfig) FROM pg_db_role_setting WHERE setdatabase = $1::oid"
        oid = await session.fetchval(
            "SELECT oid FROM pg_database WHERE datname = current_database()"
        )
        assert not [each for each in await postgres.sql(of_copy, oid) if each.startswith("role=")]


async def test_settings_of_operators_do_not_prevent_a_copy(postgres: PostgresUnderTest) -> None:
    source = new_provision_request()
    async with provisioned_database(postgres.provider, source) as connection:
        place = f'DATABASE "{connection.database}"'
        await postgres.sql(f"ALTER {place} SET temp_file_limit = '1GB'")
        await postgres.sql(f"ALTER {place} SET app.custom = 'text'")
        await postgres.sql(f"ALTER {place} SET session_preload_libraries = 'none_such'")
        async with provisioned_database(postgres.provider, copy_of(source)) as copy:
            await run(copy, "SELECT 1")


async def test_extensions_belong_to_the_new_owner(postgres_15: PostgresUnderTest) -> None:
    extensions = ("CREATE EXTENSION hstore", "CREATE EXTENSION citext SCHEMA pg_catalog")
    async with copied(postgres_15, *extensions) as (source, copy):
        assert await _fetch_rights(postgres_15, copy) == await _fetch_rights(postgres_15, source)
        await run(copy, "SELECT 'a=>1'::hstore", "DROP EXTENSION hstore, citext")


async def test_vector_belongs_to_the_new_owner(bundled_postgres: PostgresUnderTest) -> None:
    source = replace(new_provision_request(), extensions=("vector",))
    async with (
        provisioned_database(bundled_postgres.provider, source),
        provisioned_database(
            bundled_postgres.provider, replace(copy_of(source), extensions=("vector",))
        ) as copy,
    ):
        await run(copy, "CREATE TABLE embedded (v vector(2))")


async def test_objects_of_neighbours_in_the_source_belong_to_the_new_owner(
    postgres: PostgresUnderTest,
) -> None:
    source, neighbour = new_provision_request(), new_provision_request()
    async with (
        provisioned_database(postgres.provider, neighbour) as of_neighbour,
        provisioned_database(postgres.provider, source) as of_source,
    ):
        role, before = of_neighbour.user, await postgres.sql(OF_DATABASE, of_neighbour.database)
        await run(of_source, f'GRANT CONNECT, CREATE ON DATABASE {{database}} TO "{role}"')
        async with tenant_session(of_neighbour, database=of_source.database) as session:
            await session.execute(THEIRS)
        async with provisioned_database(postgres.provider, copy_of(source)) as copy:
            assert await postgres.sql(DEPENDENCIES, role, database=copy.database) == []
            assert await postgres.sql(OF_DATABASE, of_neighbour.database) == before
            assert await fetch_memberships(postgres, of_neighbour) == []
            await postgres.provider.delete(source.tenant)
            assert await postgres.provider.delete(neighbour.tenant) is None
            await run(copy, "SELECT * FROM theirs.kept")


async def test_a_copy_may_have_many_relations(postgres_18: PostgresUnderTest) -> None:
    many = f"""DO $$ BEGIN FOR i IN 1..{PART_SIZE} LOOP
        EXECUTE format('CREATE TABLE t%s (id serial)', i);
    END LOOP; END $$"""
    statements = ("CREATE SEQUENCE alone", "CREATE TYPE pair AS (a int)", many)
    transactions = (
        "SELECT count(DISTINCT xmin::text)::int FROM pg_class WHERE relname ~ '^t[0-9]*$'"
    )
    async with copied(postgres_18, *statements) as (source, copy):
        of_source = await postgres_18.sql(DEPENDENCIES, source.user, database=source.database)
        of_copy = await postgres_18.sql(DEPENDENCIES, copy.user, database=copy.database)
        assert of_copy == of_source
        assert await postgres_18.sql(transactions, database=copy.database) == [2]
