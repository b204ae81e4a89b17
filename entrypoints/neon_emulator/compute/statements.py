"""SQL that a Neon compute runs for its control plane."""

from adapters.postgres.quoting import quote_identifier, quote_literal

SUPERUSER_ROLE = "neon_superuser"

HIDDEN_ROLES = ("postgres", "pgvend_admin", SUPERUSER_ROLE)
"""The emulator's own roles, which the API does not list."""

CONTENTS = f"""
SELECT
    ARRAY(
        SELECT rolname::text FROM pg_roles
        WHERE rolname !~ '^pg_' AND rolname NOT IN ({", ".join(map(quote_literal, HIDDEN_ROLES))})
        ORDER BY oid
    ) AS roles,
    ARRAY(
        SELECT datname::text FROM pg_database
        WHERE datname NOT IN ('postgres', 'template0', 'template1') ORDER BY oid
    ) AS databases,
    ARRAY(
        SELECT pg_get_userbyid(datdba)::text FROM pg_database
        WHERE datname NOT IN ('postgres', 'template0', 'template1') ORDER BY oid
    ) AS owners,
    (
        SELECT count(*) FROM pg_stat_activity WHERE usename NOT IN ('postgres', 'pgvend_admin')
    ) AS sessions
"""

END_SESSIONS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE backend_type = 'client backend' AND usename NOT IN ('postgres', 'pgvend_admin')
"""

CREATE_SUPERUSER_ROLE = f"""
CREATE ROLE {SUPERUSER_ROLE} NOLOGIN CREATEDB CREATEROLE REPLICATION BYPASSRLS;
GRANT pg_read_all_data, pg_write_all_data, pg_create_subscription, pg_maintain,
      pg_signal_autovacuum_worker TO {SUPERUSER_ROLE};
GRANT pg_monitor, pg_signal_backend TO {SUPERUSER_ROLE} WITH ADMIN OPTION
"""
"""Creates the role of which every role created by the API is a member."""


def create_role(name: str, password: str | None) -> str:
    """Create a role as Neon's API does: with nearly all privileges, on all databases."""
    login = f"LOGIN PASSWORD {quote_literal(password)}" if password else "NOLOGIN"
    return (
        f"CREATE ROLE {quote_identifier(name)} {login} "
        f"CREATEDB CREATEROLE BYPASSRLS REPLICATION INHERIT IN ROLE {SUPERUSER_ROLE}"
    )


def set_password(name: str, password: str) -> str:
    return f"ALTER ROLE {quote_identifier(name)} PASSWORD {quote_literal(password)}"


def list_databases_of(name: str) -> str:
    """List databases where the role owns objects or has privileges, and `postgres` for shared
    objects."""
    return f"""
        SELECT datname AS name, pg_get_userbyid(datdba) AS owner FROM pg_database
        WHERE datname = 'postgres' OR oid IN (
            SELECT dbid FROM pg_shdepend
            WHERE refclassid = 'pg_authid'::regclass
            AND refobjid = (SELECT oid FROM pg_roles WHERE rolname = {quote_literal(name)})
        )
    """


def reassign_owned(name: str, new_owner: str) -> str:
    """Give a role's objects in one database to its owner, and revoke the role's privileges."""
    role = quote_identifier(name)
    return f"REASSIGN OWNED BY {role} TO {quote_identifier(new_owner)}; DROP OWNED BY {role}"


def drop_role(name: str) -> str:
    return f"DROP ROLE IF EXISTS {quote_identifier(name)}"


def create_database(name: str, owner: str) -> str:
    return (
        f"CREATE DATABASE {quote_identifier(name)} OWNER {quote_identifier(owner)} "
        "TEMPLATE template0 STRATEGY FILE_COPY"
    )


def grant_database(name: str, owner: str) -> str:
    """Inside a new database, give its owner the schema `public` and all API roles its tables."""
    return (
        f"GRANT ALL ON DATABASE {quote_identifier(name)} TO {SUPERUSER_ROLE}; "
        f"ALTER SCHEMA public OWNER TO {quote_identifier(owner)}; "
        "ALTER DEFAULT PRIVILEGES IN SCHEMA public "
        f"GRANT ALL ON TABLES TO {SUPERUSER_ROLE} WITH GRANT OPTION; "
        "ALTER DEFAULT PRIVILEGES IN SCHEMA public "
        f"GRANT ALL ON SEQUENCES TO {SUPERUSER_ROLE} WITH GRANT OPTION"
    )


def end_sessions_in(database: str) -> str:
    return (
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
        f"WHERE datname = {quote_literal(database)}"
    )


def rename_database(name: str, new: str) -> str:
    return f"ALTER DATABASE {quote_identifier(name)} RENAME TO {quote_identifier(new)}"


def change_owner(name: str, owner: str) -> str:
    return f"ALTER DATABASE {quote_identifier(name)} OWNER TO {quote_identifier(owner)}"


def drop_database(name: str) -> str:
    return f"DROP DATABASE IF EXISTS {quote_identifier(name)} WITH (FORCE)"
