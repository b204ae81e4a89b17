"""Becoming somebody else, or more."""

from dataclasses import replace

from tests.security.attack import Attack, at_once, in_own, logs_in
from tests.security.outcome import NONE, PROJECT, Outcome

_FREE_ON_NEON = {NONE: Outcome.POSSIBLE, PROJECT: Outcome.OWN}

_AS_A = (
    Attack("log in as A with B's password", logs_in(user="{a}")),
    Attack("`SET ROLE` to A", in_own("SET ROLE {a}")),
    Attack("`SET SESSION AUTHORIZATION` to A", in_own("SET SESSION AUTHORIZATION {a}")),
    Attack("become a member of A", in_own("GRANT {a} TO {b}")),
    Attack("change A's password", in_own("ALTER ROLE {a} PASSWORD 'of b'")),
    Attack("shut A out", in_own("ALTER ROLE {a} NOLOGIN")),
    Attack("drop A's role", in_own("DROP ROLE {a}")),
    Attack("take over what A owns", in_own("REASSIGN OWNED BY {a} TO {b}")),
    Attack("make settings for A's role", in_own("ALTER ROLE {a} SET search_path = of_b")),
)

_AS_OTHERS = (
    Attack("log in as pgvend's admin with B's password", logs_in(user="{admin}")),
    Attack("`SET ROLE` to pgvend's admin", in_own("SET ROLE {admin}")),
    Attack("become a member of pgvend's admin", in_own("GRANT {admin} TO {b}")),
    Attack("make pgvend's admin, or A, a member of its own role", in_own("GRANT {b} TO {admin}")),
    Attack("become a superuser", in_own("ALTER ROLE {b} SUPERUSER")),
    Attack("be allowed to make roles", in_own("ALTER ROLE {b} CREATEROLE")),
    Attack("be allowed to read everything", in_own("GRANT pg_read_all_data TO {b}")),
    Attack("make a role", in_own("CREATE ROLE of_b"), _FREE_ON_NEON),
    Attack("make a database", at_once("CREATE DATABASE of_b", "DROP DATABASE of_b"), _FREE_ON_NEON),
    Attack(
        "read the hashes of passwords", in_own("SELECT rolpassword FROM pg_authid"), _FREE_ON_NEON
    ),
    Attack("read them in `pg_shadow`", in_own("SELECT passwd FROM pg_shadow"), _FREE_ON_NEON),
)

ATTACKS = tuple(replace(attack, crosses=True) for attack in _AS_A) + _AS_OTHERS
