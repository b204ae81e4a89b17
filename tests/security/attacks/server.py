"""The server's own databases, its files, and what it can be made to run."""

import asyncpg

from tests.security.attack import Attack, at_once, in_own, logs_in, of_own
from tests.security.outcome import EMBEDDED, NONE, POSTGRES, PROJECT, ROLE, Outcome
from tests.security.stage import Stage

_ON_NEON = {ROLE: Outcome.UNTRIED, NONE: Outcome.UNTRIED, PROJECT: Outcome.UNTRIED}
_NOT_IN_THE_WHEEL = {
    EMBEDDED: Outcome.UNTRIED,
    f"{POSTGRES} 16": Outcome.UNTRIED,
    f"{POSTGRES} 18": Outcome.UNTRIED,
    **_ON_NEON,
}
_FOR_API_ROLES = {NONE: Outcome.UNTRIED, PROJECT: Outcome.UNTRIED}
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


def _extension(name: str) -> Attack:
    return Attack(f"install `{name}`", in_own(f"CREATE EXTENSION {name}"), _NOT_IN_THE_WHEEL)


ATTACKS = (
    Attack("log in to `postgres`", logs_in(database="postgres"), _ON_NEON),
    Attack("log in to `template1`", logs_in(database="template1"), _ON_NEON),
    Attack("log in to `template0`", logs_in(database="template0"), _ON_NEON),
    Attack(
        "log in to the database that pgvend works from",
        logs_in(database="{hall}"),
        {NONE: Outcome.POSSIBLE},
    ),
    Attack("end pgvend's sessions", _ends_pgvend, _FOR_API_ROLES),
    Attack(
        "install an extension that PostgreSQL calls trusted",
        of_own("CREATE EXTENSION hstore"),
        {**_NOT_IN_THE_WHEEL, f"{POSTGRES} 15": Outcome.OWN},
    ),
    *map(_extension, ("dblink", "postgres_fdw", "file_fdw", "adminpack")),
    Attack(
        "write functions in C",
        in_own("CREATE FUNCTION of_b() RETURNS int LANGUAGE c AS 'libc', 'abort'"),
        _FOR_API_ROLES,
    ),
    Attack(
        "write functions that are the server's inner ones",
        in_own("CREATE FUNCTION of_b() RETURNS int LANGUAGE internal AS 'pg_reload_conf'"),
        _FOR_API_ROLES,
    ),
    Attack("load a library", in_own("LOAD 'of_b'"), _FOR_API_ROLES),
    Attack("run a program", in_own("COPY (SELECT 1) TO PROGRAM 'true'"), _FOR_API_ROLES),
    Attack("read the server's files", in_own("SELECT pg_read_file('PG_VERSION')"), _FOR_API_ROLES),
    Attack(
        "copy the server's files into a table",
        in_own("CREATE TABLE of_b (line text)", "COPY of_b FROM '/etc/passwd'"),
        _FOR_API_ROLES,
    ),
    Attack("write files of the server", in_own("COPY (SELECT 1) TO '/tmp/of_b'"), _FOR_API_ROLES),
    Attack(
        "read the server's files into a large object",
        in_own("SELECT lo_import('/etc/passwd')"),
        _FOR_API_ROLES,
    ),
    Attack("list the server's folders", in_own("SELECT pg_ls_dir('.')"), _FOR_API_ROLES),
    Attack("read `pg_hba.conf`", in_own("SELECT * FROM pg_hba_file_rules"), _FOR_API_ROLES),
    Attack(
        "make a tablespace",
        at_once("CREATE TABLESPACE of_b LOCATION '/tmp'"),
        _FOR_API_ROLES,
    ),
    Attack("change the server's settings", at_once("ALTER SYSTEM SET work_mem = '1GB'"), _ON_NEON),
    Attack("have it read its settings anew", in_own("SELECT pg_reload_conf()"), _FOR_API_ROLES),
    Attack("force checkpoints", at_once("CHECKPOINT"), _FOR_API_ROLES),
    Attack(
        "make an event trigger",
        in_own(
            "CREATE FUNCTION of_b() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'",
            "CREATE EVENT TRIGGER of_b ON ddl_command_end EXECUTE FUNCTION of_b()",
        ),
        _FOR_API_ROLES,
    ),
    Attack(
        "make a trigger on logins",
        in_own(
            "CREATE FUNCTION of_b() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'",
            "CREATE EVENT TRIGGER of_b ON login EXECUTE FUNCTION of_b()",
        ),
        _FOR_API_ROLES,
    ),
    Attack("switch triggers off", in_own("SET session_replication_role = replica"), _FOR_API_ROLES),
    Attack("publish all tables", in_own("CREATE PUBLICATION of_b FOR ALL TABLES"), _FOR_API_ROLES),
    Attack(
        "subscribe to another server",
        in_own(
            "CREATE SUBSCRIPTION of_b CONNECTION 'host=127.0.0.1 password=x' PUBLICATION of_b "
            "WITH (connect = false)"
        ),
        _FOR_API_ROLES,
    ),
    Attack("log in to replicate", _replicates, _FOR_API_ROLES),
    Attack(
        "keep WAL by a replication slot",
        in_own("SELECT pg_create_physical_replication_slot('of_b', true, true)"),
        _FOR_API_ROLES,
    ),
    Attack(
        "read everybody's changes by logical decoding",
        in_own("SELECT pg_create_logical_replication_slot('of_b', 'test_decoding', true)"),
        _FOR_API_ROLES,
    ),
)
