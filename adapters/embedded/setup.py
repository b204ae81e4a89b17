"""Setup of the admin role and the shared databases, at each start."""

from adapters.driver.connector import Login
from adapters.embedded.cleanup import remove_unknown_databases
from adapters.embedded.cluster import Cluster
from adapters.embedded.configuration import ADMIN, SUPERUSER
from adapters.postgres.sessions import open_session
from ports.driven.cancellation import run_in_thread

_ADMIN = f"""
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{ADMIN}') THEN
        CREATE ROLE {ADMIN};
    END IF;
END $$;
ALTER ROLE {ADMIN} LOGIN CREATEDB CREATEROLE;
GRANT pg_read_all_stats, pg_signal_backend TO {ADMIN};
DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'pg_use_reserved_connections') THEN
        GRANT pg_use_reserved_connections TO {ADMIN};
    END IF;
END $$;
"""
# PostgreSQL 15 has no such role

_PRIVACY = f"""
REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC;
GRANT CONNECT ON DATABASE postgres TO {ADMIN};
-- in any database, a tenant's functions must not take precedence over the server's
ALTER ROLE {SUPERUSER} SET search_path = pg_catalog;
ALTER ROLE {ADMIN} SET search_path = pg_catalog;
"""


async def set_up(cluster: Cluster, superuser: Login) -> list[int]:
    """Set up the server. Idempotent. Return the oids of incomplete databases whose files were
    removed."""
    async with open_session(superuser) as session:
        await session.execute(_ADMIN)
        await session.execute(_PRIVACY)
        known = {row["oid"] for row in await session.fetch("SELECT oid FROM pg_database")}
    return await run_in_thread(remove_unknown_databases, cluster.data, known)


async def has_tls(superuser: Login) -> bool:
    """Return whether the operator enabled TLS in postgresql.conf, with programs that support it."""
    async with open_session(superuser) as session:
        return bool(await session.fetchval("SELECT current_setting('ssl') = 'on'"))
