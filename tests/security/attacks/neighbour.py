"""Reaching A's database, and what is in it."""

from dataclasses import replace

from tests.security.attack import Attack, at_neighbours, at_once, in_own, invited
from tests.security.outcome import EMBEDDED, NONE, POSTGRES, PROJECT, ROLE, Outcome

_OPEN = {NONE: Outcome.POSSIBLE}

_BY_ITSELF = (
    Attack("log in to A's database", at_neighbours("SELECT 1"), _OPEN),
    Attack("list A's tables", at_neighbours("SELECT 'public.treasure'::regclass"), _OPEN),
    Attack("read A's tables", at_neighbours("SELECT word FROM treasure"), _OPEN),
    Attack("write to A's tables", at_neighbours("UPDATE treasure SET word = 'gone'"), _OPEN),
    Attack(
        "make a temporary table in A's database",
        at_neighbours("CREATE TEMPORARY TABLE passing (word text)"),
        _OPEN,
    ),
    Attack("make a schema in A's database", at_neighbours("CREATE SCHEMA of_b"), _OPEN),
    Attack("make a table in A's schemas", at_neighbours("CREATE TABLE vault.of_b ()")),
    Attack(
        "read A's large objects",
        at_neighbours("SELECT data FROM pg_largeobject"),
        _OPEN,
    ),
    Attack("drop A's database", at_once("DROP DATABASE {a_database}")),
    Attack("rename A's database", in_own("ALTER DATABASE {a_database} RENAME TO of_b")),
    Attack("close A's database", in_own("ALTER DATABASE {a_database} ALLOW_CONNECTIONS false")),
    Attack(
        "let itself into A's database",
        in_own("GRANT CONNECT ON DATABASE {a_database} TO {b}"),
        _OPEN,
    ),
    Attack(
        "make settings for A's sessions",
        in_own("ALTER DATABASE {a_database} SET search_path = of_b"),
    ),
)

_VISIBLE = dict.fromkeys((EMBEDDED, POSTGRES, ROLE), Outcome.VISIBLE)
_ELSEWHERE = dict.fromkeys((NONE, PROJECT), Outcome.UNTRIED)  # open anyway, or alone anyway

_INVITED = (
    Attack(
        "list A's tables, where A lets everybody connect",
        invited("SELECT 'public.treasure'::regclass", happened=Outcome.VISIBLE),
        _VISIBLE | _ELSEWHERE,
    ),
    Attack(
        "read A's tables, where A lets everybody connect",
        invited("SELECT word FROM treasure"),
        _ELSEWHERE,
    ),
    Attack(
        "read A's large objects, where A lets everybody connect",
        invited("SELECT lo_get(oid) FROM pg_largeobject_metadata"),
        _ELSEWHERE,
    ),
    Attack(
        "make a table, where A lets everybody connect",
        invited("CREATE TABLE public.of_b ()"),
        _ELSEWHERE,
    ),
    Attack(
        "make a temporary table, where A lets everybody connect",
        invited("CREATE TEMPORARY TABLE passing ()"),
        _ELSEWHERE,
    ),
)

ATTACKS = tuple(replace(attack, crosses=True) for attack in _BY_ITSELF) + _INVITED
