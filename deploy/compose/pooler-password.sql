-- Set the password of the pooler's role, which pgbouncer/pooler.sql creates.
\set password `cat /run/secrets/pooler-password`
ALTER ROLE pgvend_pooler PASSWORD :'password';
