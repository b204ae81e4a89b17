-- Let PgBouncer check the logins of pgvend's tenants. See docs/operations/pooler.md.
--
-- Run it as a superuser, in the database that `auth_dbname` names, which tenants cannot log in to:
--     psql --dbname=postgres --file=pooler.sql
-- Then give the pooler's role a password: \password pgvend_pooler
-- It is safe to repeat.

BEGIN;

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'pgvend_pooler') THEN
        CREATE ROLE pgvend_pooler LOGIN CONNECTION LIMIT 10;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'pgvend_pooler_reader') THEN
        CREATE ROLE pgvend_pooler_reader NOLOGIN;
    END IF;
    EXECUTE pg_catalog.format(
        'GRANT CONNECT ON DATABASE %I TO pgvend_pooler', pg_catalog.current_database());
END
$$;

CREATE SCHEMA IF NOT EXISTS pgvend_pooler;
GRANT USAGE ON SCHEMA pgvend_pooler TO pgvend_pooler;

-- The function runs as a role that can read these columns, in this database, and nothing else.
GRANT SELECT (
    oid, rolname, rolpassword, rolvaliduntil, rolcanlogin,
    rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls
) ON pg_catalog.pg_authid TO pgvend_pooler_reader;

CREATE OR REPLACE FUNCTION pgvend_pooler.find_login(name text)
RETURNS TABLE (username text, password text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT r.rolname::text, r.rolpassword
    FROM pg_catalog.pg_authid AS r
    CROSS JOIN LATERAL pg_catalog.shobj_description(r.oid, 'pg_authid') AS comment (mark)
    WHERE r.rolname = $1
      -- Only owners of pgvend's databases have a mark, and only roles with CREATEROLE can write one.
      AND pg_catalog.starts_with(mark, 'pgvend:')
      -- Only opaque names are never used twice. After a database was deleted, a client of it can still
      -- be connected to PgBouncer; another tenant's database of the same name would be open to it.
      -- The mark of a spare, into which pgvend logs in once before it closes it, ends with ` spare`.
      AND r.rolname = 'user_' || pg_catalog.split_part(pg_catalog.split_part(mark, ':', 3), ' ', 1)
      AND r.rolpassword LIKE 'SCRAM-SHA-256$%'
      AND r.rolcanlogin AND (r.rolvaliduntil IS NULL OR r.rolvaliduntil > pg_catalog.now())
      AND NOT (r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication OR r.rolbypassrls);
END;

ALTER FUNCTION pgvend_pooler.find_login(text) OWNER TO pgvend_pooler_reader;
REVOKE ALL ON FUNCTION pgvend_pooler.find_login(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pgvend_pooler.find_login(text) TO pgvend_pooler;

COMMIT;
