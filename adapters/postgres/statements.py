"""Statements that change a server, in the order of a database's life.

The order and the wording guarantee three things: every prefix can be repeated after a crash, no
login is possible before the last statement, and CREATEDB and CREATEROLE suffice on PostgreSQL 15 to
18. A text with several statements is one transaction and one round trip.
"""

from adapters.postgres.quoting import quote_identifier, quote_literal
from domain.provisioning import Tenant


def build_lock_key(tenant_id: str) -> int:
    """Return the random end of a tenant's id as the signed 64-bit number that the server
    expects."""
    return int.from_bytes(tenant_id.encode()[-8:], signed=True)


def lock_tenant(tenant_id: str) -> str:
    """Acquire a tenant's advisory lock, until the session ends or returns to the pool."""
    return f"SELECT pg_advisory_lock({build_lock_key(tenant_id)})"


def create_role(tenant: Tenant, mark: str, password: str, connection_limit: int) -> str:
    """Create the owner with its mark. The admin is a member until the database has been handed
    over.

    `password` may be a SCRAM verifier, here and below.
    """
    owner = quote_identifier(tenant.names.owner)
    return (
        f"CREATE ROLE {owner} LOGIN CONNECTION LIMIT {connection_limit:d} "
        f"PASSWORD {quote_literal(password)}; "
        f"COMMENT ON ROLE {owner} IS {quote_literal(mark)}; "
        f"{join_role(tenant.names.owner)}"
    )


def reset_role(tenant: Tenant, mark: str, password: str, connection_limit: int) -> str:
    """Reset an owner that an earlier attempt left, or that belonged to a spare."""
    owner = quote_identifier(tenant.names.owner)
    return (
        f"ALTER ROLE {owner} LOGIN CONNECTION LIMIT {connection_limit:d} "
        f"PASSWORD {quote_literal(password)}; "
        f"COMMENT ON ROLE {owner} IS {quote_literal(mark)}; "
        f"{join_role(tenant.names.owner)}"
    )


def create_database(tenant: Tenant, encoding: str) -> str:
    """Create the database, closed until it is private. `encoding` is the `clause` of a Template0.

    The template is template0, which no session can block by connecting to it. The strategy is
    FILE_COPY, because WAL_LOG defers its cost to the next checkpoint, which every DROP DATABASE
    waits for.
    """
    return (
        f"CREATE DATABASE {quote_identifier(tenant.names.database)} "
        f"OWNER {quote_identifier(tenant.names.owner)} "
        f"TEMPLATE template0 {encoding} STRATEGY FILE_COPY ALLOW_CONNECTIONS false"
    )


def copy_database(source: str, database: str, owner: str) -> str:
    """Create the database as a copy of `source`, closed until it is private. Requires membership in
    the source's owner. The lock of this statement on the source keeps new sessions out of it."""
    return (
        f"CREATE DATABASE {quote_identifier(database)} OWNER {quote_identifier(owner)} "
        f"TEMPLATE {quote_identifier(source)} STRATEGY FILE_COPY ALLOW_CONNECTIONS false"
    )


def open_to_owner(database: str, owner: str) -> str:
    """Make the database private, then open it for the owner and its members. An export that was
    interrupted may have limited its sessions."""
    name = quote_identifier(database)
    return (
        f"REVOKE ALL ON DATABASE {name} FROM PUBLIC; "
        f"GRANT CONNECT, TEMPORARY, CREATE ON DATABASE {name} TO {quote_identifier(owner)}; "
        f"ALTER DATABASE {name} ALLOW_CONNECTIONS true CONNECTION LIMIT -1"
    )


def open_database(tenant: Tenant, mark: str) -> str:
    """Make the database private, then open it. The admin leaves the owner's role, because
    memberships slow a server down."""
    return (
        f"{open_to_owner(tenant.names.database, tenant.names.owner)}; "
        f"COMMENT ON DATABASE {quote_identifier(tenant.names.database)} IS {quote_literal(mark)}; "
        f"{leave_role(tenant.names.owner)}"
    )


def rename_role(owner: str, name: str) -> str:
    """Rename the role. Its sessions continue, and its SCRAM password stays valid."""
    return f"ALTER ROLE {quote_identifier(owner)} RENAME TO {quote_identifier(name)}"


def rename_database(database: str, name: str) -> str:
    """Rename the database, as a member of its owner. Waits five seconds for its sessions to end."""
    return f"ALTER DATABASE {quote_identifier(database)} RENAME TO {quote_identifier(name)}"


def set_password(owner: str, password: str) -> str:
    return f"ALTER ROLE {quote_identifier(owner)} PASSWORD {quote_literal(password)}"


def join_role(owner: str) -> str:
    return f"GRANT {quote_identifier(owner)} TO CURRENT_USER"


def leave_role(owner: str) -> str:
    return f"REVOKE {quote_identifier(owner)} FROM CURRENT_USER"


MAY_SIGNAL = """
(current_setting('is_superuser') = 'on' OR pg_has_role('pg_signal_backend', 'USAGE'))
"""
"""Whether the current role may end any tenant's sessions without a membership."""


def end_sessions_if_allowed(owner: str) -> str:
    """End the role's sessions if that needs no membership: joining the role waits for locks that
    these sessions may hold."""
    return f"{_end_sessions(owner)} AND {MAY_SIGNAL}"


def join_and_end_sessions(owner: str) -> str:
    """Join the role, and end its sessions, whose open transactions would block the next statements.
    On every version, a member of a role may end its sessions; FORCE ends only sessions of roles
    that the admin is a member of."""
    return f"{join_role(owner)}; {_end_sessions(owner)}"


def _end_sessions(owner: str) -> str:
    return (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        f"WHERE usename = {quote_literal(owner)}"
    )


def disable_login(owner: str) -> str:
    """Disable logins. End sessions that opened before that took effect, except for those of the
    last moment: check for them afterwards, or drop with FORCE."""
    return f"{join_and_end_sessions(owner)}; ALTER ROLE {quote_identifier(owner)} NOLOGIN"


def close_database(database: str) -> str:
    """Close the database to all roles, including those that the owner granted access. Clear
    IS_TEMPLATE, because a template cannot be dropped."""
    return f"ALTER DATABASE {quote_identifier(database)} IS_TEMPLATE false ALLOW_CONNECTIONS false"


def set_read_only(owner: str, database: str) -> str:
    """Make the owner's sessions in the database begin read-only. This is a setting of the owner,
    because `open_to_admin` resets the database's settings."""
    return (
        f"ALTER ROLE {quote_identifier(owner)} IN DATABASE {quote_identifier(database)} "
        "SET default_transaction_read_only = on"
    )


def clear_read_only(owner: str, database: str) -> str:
    """Clear the setting of `set_read_only`."""
    return (
        f"ALTER ROLE {quote_identifier(owner)} IN DATABASE {quote_identifier(database)} "
        "RESET default_transaction_read_only"
    )


def end_idle_sessions(owner: str) -> str:
    """End the role's idle sessions, such as those of a pool. Requires membership in the role."""
    return (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        f"WHERE usename = {quote_literal(owner)} AND state = 'idle'"
    )


def open_to_admin(database: str, owner: str) -> str:
    """Undo everything that the owner did to close the database: the admin connects as a member of
    the owner."""
    name = quote_identifier(database)
    return (
        f"ALTER DATABASE {name} ALLOW_CONNECTIONS true CONNECTION LIMIT -1; "
        f"ALTER DATABASE {name} RESET ALL; "
        f"GRANT CONNECT ON DATABASE {name} TO {quote_identifier(owner)}"
    )


def drop_database(database: str, *, force: bool = True) -> str:
    """Drop the database. Without `force`, cancel only autovacuum, and wait some seconds for all
    other sessions."""
    return f"DROP DATABASE IF EXISTS {quote_identifier(database)}{' WITH (FORCE)' if force else ''}"


def with_short_lock_timeout(statement: str) -> str:
    """Run the statement with a shorter lock timeout than usual."""
    return f"SET LOCAL lock_timeout = '2s'; {statement}"


def set_role(owner: str) -> str:
    return f"SET ROLE {quote_identifier(owner)}"


def roll_back_prepared(gid: str) -> str:
    return f"ROLLBACK PREPARED {quote_literal(gid)}"


END_SESSIONS_IN_DATABASE = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND usename <> current_user AND pg_has_role(usename, 'USAGE')
"""
"""Ends all other sessions in the database that the session's user may end."""


def drop_owned(owner: str) -> str:
    """Drop the role's objects and privileges, which would prevent dropping the role."""
    return f"DROP OWNED BY {quote_identifier(owner)}"


def drop_role(owner: str) -> str:
    return f"DROP ROLE IF EXISTS {quote_identifier(owner)}"


def turn_into_tombstone(owner: str, tombstone: str) -> str:
    """Turn the role into a tombstone: disable its logins, end the sessions that opened in the
    meantime, and free its name."""
    name = quote_identifier(tombstone)
    rename = "" if owner == tombstone else f"{rename_role(owner, tombstone)}; "
    return f"{rename}ALTER ROLE {name} NOLOGIN; {_end_sessions(tombstone)}; {leave_role(tombstone)}"


def create_extension(extension: str) -> str:
    return f"CREATE EXTENSION IF NOT EXISTS {quote_identifier(extension)} WITH SCHEMA public"


def create_tenant_extension(extension: str) -> str:
    """Install the extension with its dependencies, in the schema that the extension requires or the
    first schema in the tenant's search_path."""
    return f"CREATE EXTENSION IF NOT EXISTS {quote_identifier(extension)} CASCADE"
