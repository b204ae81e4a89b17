-- Prepare the server of compose.yaml for pgvend, at its first start: docs/providers/postgres.md.
\set password `cat /run/secrets/pgvend-password`
CREATE ROLE pgvend LOGIN CREATEDB CREATEROLE PASSWORD :'password';
REVOKE CONNECT, TEMPORARY ON DATABASE postgres, template1 FROM PUBLIC;
GRANT CONNECT ON DATABASE postgres TO pgvend;
GRANT pg_signal_backend, pg_read_all_stats TO pgvend;

-- The registry
CREATE DATABASE pgvend OWNER pgvend;
REVOKE CONNECT, TEMPORARY ON DATABASE pgvend FROM PUBLIC;
