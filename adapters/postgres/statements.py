"""Every statement that changes a server, in the order of a database's life.

Why this order and these words: each prefix of it can be repeated after a crash, nobody can log in
before the last statement, and it works with CREATEDB and CREATEROLE alone on PostgreSQL 15 to 18.
A text of several statements is one transaction and one round trip.
"""

from adapters.postgres.quoting import identifier, literal
from domain.order import Tenant


def lock_key(tenant_id: str) -> int:
    """From the random end of a tenant's id, as the signed 64-bit number that the server wants."""
    return int.from_bytes(tenant_id.encode()[-8:], signed=True)


def lock(tenant_id: str) -> str:
    """A tenant's advisory lock: the session's, until it ends or goes back into the pool."""
    return f"SELECT pg_advisory_lock({lock_key(tenant_id)})"


def make_role(tenant: Tenant, mark: str, password: str, connection_limit: int) -> str:
    """The owner with its mark; the admin joins it until the database has been given away.

    `password` may be a verifier of it, here and below.
    """
    owner = identifier(tenant.names.owner)
    return (
        f"CREATE ROLE {owner} LOGIN CONNECTION LIMIT {connection_limit:d} "
        f"PASSWORD {literal(password)}; "
        f"COMMENT ON ROLE {owner} IS {literal(mark)}; "
        f"{join(tenant.names.owner)}"
    )


def remake_role(tenant: Tenant, password: str, connection_limit: int) -> str:
    """The same for an owner that an earlier attempt left."""
    owner = identifier(tenant.names.owner)
    return (
        f"ALTER ROLE {owner} LOGIN CONNECTION LIMIT {connection_limit:d} "
        f"PASSWORD {literal(password)}; {join(tenant.names.owner)}"
    )


def make_database(tenant: Tenant, encoding: str) -> str:
    """The database, closed until it is private; `encoding` is a Template's clause.

    From template0, which nobody can block by sitting in it; by FILE_COPY, because WAL_LOG leaves
    its cost to the next checkpoint, which every DROP DATABASE waits for.
    """
    return (
        f"CREATE DATABASE {identifier(tenant.names.database)} "
        f"OWNER {identifier(tenant.names.owner)} "
        f"TEMPLATE template0 {encoding} STRATEGY FILE_COPY ALLOW_CONNECTIONS false"
    )


def open_database(tenant: Tenant, mark: str) -> str:
    """Private first, then open; the admin leaves the owner, for memberships slow a server down."""
    database, owner = identifier(tenant.names.database), identifier(tenant.names.owner)
    return (
        f"REVOKE ALL ON DATABASE {database} FROM PUBLIC; "
        f"GRANT CONNECT, TEMPORARY, CREATE ON DATABASE {database} TO {owner}; "
        f"ALTER DATABASE {database} ALLOW_CONNECTIONS true; "
        f"COMMENT ON DATABASE {database} IS {literal(mark)}; "
        f"{leave(tenant.names.owner)}"
    )


def rename_role(owner: str, name: str) -> str:
    """Rename the role. Its sessions go on, and its SCRAM password stays valid."""
    return f"ALTER ROLE {identifier(owner)} RENAME TO {identifier(name)}"


def rename_database(database: str, name: str) -> str:
    """Rename the database, as a member of its owner. Waits five seconds for its sessions to end."""
    return f"ALTER DATABASE {identifier(database)} RENAME TO {identifier(name)}"


def set_password(tenant: Tenant, password: str) -> str:
    return f"ALTER ROLE {identifier(tenant.names.owner)} PASSWORD {literal(password)}"


def join(owner: str) -> str:
    return f"GRANT {identifier(owner)} TO CURRENT_USER"


def leave(owner: str) -> str:
    return f"REVOKE {identifier(owner)} FROM CURRENT_USER"


MAY_SIGNAL = """
(current_setting('is_superuser') = 'on' OR pg_has_role('pg_signal_backend', 'USAGE'))
"""
"""Whether one may end sessions of any tenant without being a member of its role."""


def signal(owner: str) -> str:
    """End its sessions, where that takes no membership: joining waits for locks that they may
    hold."""
    return f"{_end_sessions(owner)} AND {MAY_SIGNAL}"


def throw_out(owner: str) -> str:
    """End the role's sessions, whose open transactions would keep the next statements waiting. Join
    the role first, because on every version only members may do that, and FORCE ends only their
    roles' sessions."""
    return f"{join(owner)}; {_end_sessions(owner)}"


def _end_sessions(owner: str) -> str:
    return (
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = {literal(owner)}"
    )


def shut_out(owner: str) -> str:
    """No new logins. Sessions that came in the meantime are thrown out as well, but for those of
    the last moment: whoever needs their end has to look again, or drop with FORCE."""
    return f"{throw_out(owner)}; ALTER ROLE {identifier(owner)} NOLOGIN"


def close_database(database: str) -> str:
    """To those too whom the owner let in. A template, which it may be by now, is not dropped."""
    return f"ALTER DATABASE {identifier(database)} IS_TEMPLATE false ALLOW_CONNECTIONS false"


def confine(owner: str, database: str) -> str:
    """The owner's sessions there begin read-only. Its own setting, not the database's: that one
    would go with `let_admin_in`."""
    return (
        f"ALTER ROLE {identifier(owner)} IN DATABASE {identifier(database)} "
        "SET default_transaction_read_only = on"
    )


def release(owner: str, database: str) -> str:
    return (
        f"ALTER ROLE {identifier(owner)} IN DATABASE {identifier(database)} "
        "RESET default_transaction_read_only"
    )


def end_idle(owner: str) -> str:
    """The sessions that do nothing now, such as a pool's; for who is a member of their role."""
    return (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        f"WHERE usename = {literal(owner)} AND state = 'idle'"
    )


def let_admin_in(database: str, owner: str) -> str:
    """Whatever the owner did to keep everybody out: the admin comes in as a member of it."""
    name = identifier(database)
    return (
        f"ALTER DATABASE {name} ALLOW_CONNECTIONS true CONNECTION LIMIT -1; "
        f"ALTER DATABASE {name} RESET ALL; "
        f"GRANT CONNECT ON DATABASE {name} TO {identifier(owner)}"
    )


def drop_database(database: str, *, force: bool = True) -> str:
    """Without `force`: sends only autovacuum away, and waits some seconds for all others."""
    return f"DROP DATABASE IF EXISTS {identifier(database)}{' WITH (FORCE)' if force else ''}"


def soon(statement: str) -> str:
    """The statement, with less patience than usual for whoever has locked what it changes."""
    return f"SET LOCAL lock_timeout = '2s'; {statement}"


def act_as(owner: str) -> str:
    return f"SET ROLE {identifier(owner)}"


def roll_back_prepared(gid: str) -> str:
    return f"ROLLBACK PREPARED {literal(gid)}"


END_SESSIONS_HERE = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND usename <> current_user AND pg_has_role(usename, 'USAGE')
"""
"""Of all others in the session's database whom the session's user may end."""


def drop_grants(owner: str) -> str:
    """What the role was granted on shared objects would keep it from being dropped."""
    return f"DROP OWNED BY {identifier(owner)}"


def drop_role(owner: str) -> str:
    return f"DROP ROLE IF EXISTS {identifier(owner)}"


def bury(owner: str, tombstone: str) -> str:
    """Leave no more of the role than a tombstone: nobody logs in as it, or is in from the moment
    before it was shut out, and its name is free."""
    name = identifier(tombstone)
    renamed = "" if owner == tombstone else f"{rename_role(owner, tombstone)}; "
    return f"{renamed}ALTER ROLE {name} NOLOGIN; {_end_sessions(tombstone)}; {leave(tombstone)}"


def install_extension(extension: str) -> str:
    return f"CREATE EXTENSION IF NOT EXISTS {identifier(extension)} WITH SCHEMA public"


def install_own_extension(extension: str) -> str:
    """With those that it requires, in the schema of the extension's own choice, or the first of
    the tenant's search_path."""
    return f"CREATE EXTENSION IF NOT EXISTS {identifier(extension)} CASCADE"
