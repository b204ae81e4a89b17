"""The server's own databases, its files, and what it can be made to run."""

import asyncpg

from tests.security.attack import Attack, at_once, attacks, in_own, into, of_own
from tests.security.outcome import EMBEDDED, NONE, POSTGRES, PROJECT, ROLE, Outcome
from tests.security.stage import Stage

_ON_NEON = dict.fromkeys((ROLE, NONE, PROJECT), Outcome.UNTRIED)
_WITHOUT_CONTRIB = {f"{POSTGRES} 16": Outcome.UNTRIED, **_ON_NEON}
_ONLY_ON_15 = {EMBEDDED: Outcome.UNTRIED, f"{POSTGRES} 18": Outcome.UNTRIED, **_WITHOUT_CONTRIB}
"""Extensions: the 16 of the tests has hardly any, and newer versions have fewer."""
_VECTOR = {EMBEDDED: Outcome.OWN, f"{POSTGRES} 15": Outcome.UNTRIED, **_ON_NEON}
"""On the bundled server alone it is trusted."""
_FOR_API_ROLES = dict.fromkeys((NONE, PROJECT), Outcome.UNTRIED)
"""Neon gives the roles that its API makes powers of its own, by patches to PostgreSQL."""


async def _replicates(stage: Stage) -> Outcome:
    try:
        async with stage.as_b(server_settings={"replication": "database"}):
            return stage.happened
    except asyncpg.TooManyConnectionsError:  # where the server is set to take none
        return Outcome.STOPPED


async def _ends_pgvend(stage: Stage) -> Outcome:
    async with stage.as_b() as session:
        ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1"
        assert await session.fetch(ended, stage.admin), "there is none"
    return stage.happened


_DATABASES = {f"log in to `{name}`": name for name in ("postgres", "template1", "template0")}
_HALL = {"log in to the database that pgvend works from": "{hall}"}

_TRUSTED = {"install an extension that PostgreSQL calls trusted": "CREATE EXTENSION hstore"}
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

_POWERS = {
    "write functions in C": ("CREATE FUNCTION of_b() RETURNS int LANGUAGE c AS 'libc', 'abort'"),
    "write functions that are the server's inner ones": (
        "CREATE FUNCTION of_b() RETURNS int LANGUAGE internal AS 'pg_reload_conf'"
    ),
    "load a library": "LOAD 'of_b'",
    "run a program": "COPY (SELECT 1) TO PROGRAM 'true'",
    "read the server's files": "SELECT pg_read_file('PG_VERSION')",
    "copy the server's files into a table": (
        "CREATE TABLE of_b (line text); COPY of_b FROM '/etc/passwd'"
    ),
    "write files of the server": "COPY (SELECT 1) TO '/tmp/of_b'",
    "read the server's files into a large object": "SELECT lo_import('/etc/passwd')",
    "list the server's folders": "SELECT pg_ls_dir('.')",
    "read `pg_hba.conf`": "SELECT * FROM pg_hba_file_rules",
    "have it read its settings anew": "SELECT pg_reload_conf()",
    "make an event trigger": _EVENT_FUNCTION + _EVENT_TRIGGER.format("ddl_command_end"),
    "make a trigger on logins": _EVENT_FUNCTION + _EVENT_TRIGGER.format("login"),
    "switch triggers off": "SET session_replication_role = replica",
    "publish all tables": "CREATE PUBLICATION of_b FOR ALL TABLES",
    "subscribe to another server": _SUBSCRIPTION,
    "keep WAL by a replication slot": (
        "SELECT pg_create_physical_replication_slot('of_b', true, true)"
    ),
    "read everybody's changes by logical decoding": (
        "SELECT pg_create_logical_replication_slot('of_b', 'test_decoding', true)"
    ),
}
_POWERS_AT_ONCE = {
    "make a tablespace": "CREATE TABLESPACE of_b LOCATION '/tmp'",
    "force checkpoints": "CHECKPOINT",
}

ATTACKS = (
    *attacks(into, _DATABASES, _ON_NEON),
    *attacks(into, _HALL, {NONE: Outcome.POSSIBLE}),
    Attack("end pgvend's sessions", _ends_pgvend, _FOR_API_ROLES),
    *attacks(of_own, _TRUSTED, {EMBEDDED: Outcome.OWN, POSTGRES: Outcome.OWN, **_WITHOUT_CONTRIB}),
    *attacks(of_own, {"install `vector`": "CREATE EXTENSION vector"}, _VECTOR),
    *attacks(in_own, _EXTENSIONS, _WITHOUT_CONTRIB),
    *attacks(in_own, _ADMINPACK, _ONLY_ON_15),
    *attacks(in_own, _POWERS, _FOR_API_ROLES),
    *attacks(at_once, _POWERS_AT_ONCE, _FOR_API_ROLES),
    *attacks(
        at_once, {"change the server's settings": "ALTER SYSTEM SET work_mem = '1GB'"}, _ON_NEON
    ),
    Attack("log in to replicate", _replicates, _FOR_API_ROLES),
)
