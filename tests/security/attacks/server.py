"""Attacks on the server's own databases, its files, and its code."""

import asyncpg

from tests.security.attack import (
    Attack,
    create_attacks,
    in_own_database,
    log_in_to,
    on_own_objects,
    outside_transaction,
)
from tests.security.outcome import EMBEDDED, NONE, POSTGRES, PROJECT, ROLE, Outcome
from tests.security.stage import Stage

_UNTRIED_ON_NEON = dict.fromkeys((ROLE, NONE, PROJECT), Outcome.UNTRIED)
_WITHOUT_CONTRIB = {f"{POSTGRES} 16": Outcome.UNTRIED, **_UNTRIED_ON_NEON}
_ONLY_ON_15 = {EMBEDDED: Outcome.UNTRIED, f"{POSTGRES} 18": Outcome.UNTRIED, **_WITHOUT_CONTRIB}
"""Extensions: the tests' PostgreSQL 16 has very few, and newer versions have fewer than 15."""
_VECTOR = {EMBEDDED: Outcome.OWN, f"{POSTGRES} 15": Outcome.UNTRIED, **_UNTRIED_ON_NEON}
"""It is trusted on the bundled server only."""
_UNTRIED_FOR_API_ROLES = dict.fromkeys((NONE, PROJECT), Outcome.UNTRIED)
"""Neon patches PostgreSQL to give more privileges to the roles that its API creates."""


async def _replicate(stage: Stage) -> Outcome:
    try:
        async with stage.as_b(server_settings={"replication": "database"}):
            return stage.success
    except asyncpg.TooManyConnectionsError:  # if the server allows none
        return Outcome.STOPPED


async def _end_pgvend_sessions(stage: Stage) -> Outcome:
    async with stage.as_b() as session:
        end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1"
        assert await session.fetch(end, stage.admin), "pgvend has no session"
    return stage.success


_DATABASES = {f"log in to `{name}`": name for name in ("postgres", "template1", "template0")}
_ADMIN_DATABASE = {"log in to pgvend's own database": "{admin_database}"}

_TRUSTED = {"install a trusted extension": "CREATE EXTENSION hstore"}
_EXTENSIONS = {
    f"install `{name}`": f"CREATE EXTENSION {name}"
    for name in ("dblink", "postgres_fdw", "file_fdw")
}
_ADMINPACK = {"install `adminpack`": "CREATE EXTENSION adminpack"}

_EVENT_FUNCTION = "CREATE FUNCTION of_b() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';"
_EVENT_TRIGGER = "CREATE EVENT TRIGGER of_b ON {} EXECUTE FUNCTION of_b()"
_SUBSCRIPTION = """
CREATE SUBSCRIPTION of_b CONNECTION 'host=127.0.0.1 password=x' PUBLICATION of_b
    WITH (connect = false)
"""

_PRIVILEGED = {
    "write functions in C": ("CREATE FUNCTION of_b() RETURNS int LANGUAGE c AS 'libc', 'abort'"),
    "write functions that call the server's internal ones": (
        "CREATE FUNCTION of_b() RETURNS int LANGUAGE internal AS 'pg_reload_conf'"
    ),
    "load a library": "LOAD 'of_b'",
    "run a program": "COPY (SELECT 1) TO PROGRAM 'true'",
    "read the server's files": "SELECT pg_read_file('PG_VERSION')",
    "copy the server's files into a table": (
        "CREATE TABLE of_b (line text); COPY of_b FROM '/etc/passwd'"
    ),
    "write the server's files": "COPY (SELECT 1) TO '/tmp/of_b'",
    "read the server's files into a large object": "SELECT lo_import('/etc/passwd')",
    "list the server's folders": "SELECT pg_ls_dir('.')",
    "read `pg_hba.conf`": "SELECT * FROM pg_hba_file_rules",
    "reload the server's configuration": "SELECT pg_reload_conf()",
    "create an event trigger": _EVENT_FUNCTION + _EVENT_TRIGGER.format("ddl_command_end"),
    "create a trigger on logins": _EVENT_FUNCTION + _EVENT_TRIGGER.format("login"),
    "disable triggers": "SET session_replication_role = replica",
    "publish all tables": "CREATE PUBLICATION of_b FOR ALL TABLES",
    "subscribe to another server": _SUBSCRIPTION,
    "keep WAL by a replication slot": (
        "SELECT pg_create_physical_replication_slot('of_b', true, true)"
    ),
    "read everybody's changes by logical decoding": (
        "SELECT pg_create_logical_replication_slot('of_b', 'test_decoding', true)"
    ),
}
_PRIVILEGED_OUTSIDE_TRANSACTION = {
    "create a tablespace": "CREATE TABLESPACE of_b LOCATION '/tmp'",
    "force checkpoints": "CHECKPOINT",
}

ATTACKS = (
    *create_attacks(log_in_to, _DATABASES, _UNTRIED_ON_NEON),
    *create_attacks(log_in_to, _ADMIN_DATABASE, {NONE: Outcome.POSSIBLE}),
    Attack("end pgvend's sessions", _end_pgvend_sessions, _UNTRIED_FOR_API_ROLES),
    *create_attacks(
        on_own_objects, _TRUSTED, {EMBEDDED: Outcome.OWN, POSTGRES: Outcome.OWN, **_WITHOUT_CONTRIB}
    ),
    *create_attacks(on_own_objects, {"install `vector`": "CREATE EXTENSION vector"}, _VECTOR),
    *create_attacks(in_own_database, _EXTENSIONS, _WITHOUT_CONTRIB),
    *create_attacks(in_own_database, _ADMINPACK, _ONLY_ON_15),
    *create_attacks(in_own_database, _PRIVILEGED, _UNTRIED_FOR_API_ROLES),
    *create_attacks(outside_transaction, _PRIVILEGED_OUTSIDE_TRANSACTION, _UNTRIED_FOR_API_ROLES),
    *create_attacks(
        outside_transaction,
        {"change the server's settings": "ALTER SYSTEM SET work_mem = '1GB'"},
        _UNTRIED_ON_NEON,
    ),
    Attack("open a replication connection", _replicate, _UNTRIED_FOR_API_ROLES),
)
