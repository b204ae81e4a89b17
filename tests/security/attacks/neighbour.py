"""Attacks on A's database and its contents, and on the identity of other roles."""

from functools import partial

from tests.security.attack import (
    Attempt,
    create_attacks,
    in_neighbours_database,
    in_open_database,
    in_own_database,
    log_in_with,
    outside_transaction,
)
from tests.security.outcome import EMBEDDED, NONE, POSTGRES, PROJECT, ROLE, Outcome

_POSSIBLE_ON_NONE = {NONE: Outcome.POSSIBLE}
_VISIBLE = dict.fromkeys((EMBEDDED, POSTGRES, ROLE), Outcome.VISIBLE)
_ELSEWHERE = dict.fromkeys((NONE, PROJECT), Outcome.UNTRIED)
# on NONE, A's database is open anyway; on PROJECT, it is on another server
_UNLIMITED_ON_NEON = {NONE: Outcome.POSSIBLE, PROJECT: Outcome.OWN}

_create_crossing = partial(create_attacks, crosses_tenants=True)


def _log_in_as(user: str) -> Attempt:
    return log_in_with(user=user)


_IN_A = {
    "log in to A's database": "SELECT 1",
    "list A's tables": "SELECT 'public.treasure'::regclass",
    "read A's tables": "SELECT word FROM treasure",
    "write to A's tables": "UPDATE treasure SET word = 'gone'",
    "read A's large objects": "SELECT data FROM pg_largeobject",
    "create a temporary table in A's database": "CREATE TEMPORARY TABLE of_b (word text)",
    "create a schema in A's database": "CREATE SCHEMA of_b",
}
_ABOUT_A = {
    "rename A's database": "ALTER DATABASE {a_database} RENAME TO of_b",
    "close A's database": "ALTER DATABASE {a_database} ALLOW_CONNECTIONS false",
    "change settings of A's sessions": "ALTER DATABASE {a_database} SET search_path = of_b",
}
_GRANT = {"grant itself access to A's database": "GRANT CONNECT ON DATABASE {a_database} TO {b}"}
_IN_OPEN_A = {
    "read A's tables, where A lets everybody connect": "SELECT word FROM treasure",
    "read A's large objects, where A lets everybody connect": (
        "SELECT lo_get(oid) FROM pg_largeobject_metadata"
    ),
    "create a table, where A lets everybody connect": "CREATE TABLE public.of_b ()",
    "create a temporary table, where A lets everybody connect": "CREATE TEMPORARY TABLE of_b ()",
}
_LIST_IN_OPEN_A = {
    "list A's tables, where A lets everybody connect": "SELECT 'public.treasure'::regclass"
}

DATABASE = (
    *_create_crossing(in_neighbours_database, _IN_A, _POSSIBLE_ON_NONE),
    *_create_crossing(
        in_neighbours_database, {"create a table in A's schemas": "CREATE TABLE vault.of_b ()"}
    ),
    *_create_crossing(outside_transaction, {"drop A's database": "DROP DATABASE {a_database}"}),
    *_create_crossing(in_own_database, _ABOUT_A),
    *_create_crossing(in_own_database, _GRANT, _POSSIBLE_ON_NONE),
    *create_attacks(
        partial(in_open_database, success=Outcome.VISIBLE), _LIST_IN_OPEN_A, _VISIBLE | _ELSEWHERE
    ),
    *create_attacks(in_open_database, _IN_OPEN_A, _ELSEWHERE),
)

_AS_A = {
    "`SET ROLE` to A": "SET ROLE {a}",
    "`SET SESSION AUTHORIZATION` to A": "SET SESSION AUTHORIZATION {a}",
    "become a member of A": "GRANT {a} TO {b}",
    "change A's password": "ALTER ROLE {a} PASSWORD 'of b'",
    "disable A's logins": "ALTER ROLE {a} NOLOGIN",
    "drop A's role": "DROP ROLE {a}",
    "take over A's objects": "REASSIGN OWNED BY {a} TO {b}",
    "change settings of A's role": "ALTER ROLE {a} SET search_path = of_b",
}
_AS_OTHERS = {
    "`SET ROLE` to pgvend's admin": "SET ROLE {admin}",
    "become a member of pgvend's admin": "GRANT {admin} TO {b}",
    "make pgvend's admin, or A, a member of its own role": "GRANT {b} TO {admin}",
    "become a superuser": "ALTER ROLE {b} SUPERUSER",
    "get the right to create roles": "ALTER ROLE {b} CREATEROLE",
    "get the right to read everything": "GRANT pg_read_all_data TO {b}",
}
_CREATE_OR_READ = {
    "create a role": "CREATE ROLE of_b",
    "read password hashes": "SELECT rolpassword FROM pg_authid",
    "read password hashes in `pg_shadow`": "SELECT passwd FROM pg_shadow",
}
_create_database = partial(outside_transaction, undo="DROP DATABASE of_b")

IDENTITY = (
    *_create_crossing(_log_in_as, {"log in as A with B's password": "{a}"}),
    *_create_crossing(in_own_database, _AS_A),
    *create_attacks(_log_in_as, {"log in as pgvend's admin with B's password": "{admin}"}),
    *create_attacks(in_own_database, _AS_OTHERS),
    *create_attacks(in_own_database, _CREATE_OR_READ, _UNLIMITED_ON_NEON),
    *create_attacks(
        _create_database, {"create a database": "CREATE DATABASE of_b"}, _UNLIMITED_ON_NEON
    ),
)
