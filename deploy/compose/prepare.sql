-- Prepare the server of compose.yaml for pgvend, at its first start: docs/providers/postgres.md.
\set password `cat /run/secrets/pgvend-password`
CREATE ROLE pgvend LOGIN CREATEDB CREATEROLE PASSWORD :'password';
REVOKE CONNECT, TEMPORARY ON DATABASE postgres, template1 FROM PUBLIC;
GRANT CONNECT ON DATABASE postgres TO pgvend;
GRANT pg_signal_backend, pg_read_all_stats TO pgvend;
-- For `pgvend doctor`, and so that this superuser runs no function of a tenant
GRANT SELECT ON pg_catalog.pg_hba_file_rules TO pgvend;
GRANT EXECUTE ON FUNCTION pg_catalog.pg_hba_file_rules() TO pgvend;
ALTER ROLE postgres SET search_path = pg_catalog;

-- The registry
CREATE DATABASE pgvend OWNER pgvend;
REVOKE CONNECT, TEMPORARY ON DATABASE pgvend FROM PUBLIC;
