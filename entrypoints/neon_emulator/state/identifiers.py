"""Ids and passwords in Neon's formats."""

import secrets
import string
import time

_ADJECTIVES = (
    "bitter",
    "calm",
    "cool",
    "dark",
    "late",
    "little",
    "misty",
    "old",
    "patient",
    "wild",
)
_NOUNS = ("band", "bush", "cloud", "dew", "fire", "meadow", "night", "pond", "river", "sky", "snow")
_TAIL = string.ascii_lowercase + string.digits


def create_project_id() -> str:
    return f"{_choose_words()}-{secrets.randbelow(90_000_000) + 10_000_000}"


def create_branch_id() -> str:
    return f"br-{_choose_words()}-{_choose_characters(8, _TAIL)}"


def create_endpoint_id() -> str:
    return f"ep-{_choose_words()}-{_choose_characters(8, _TAIL)}"


def create_database_id() -> int:
    """Return an id greater than all earlier ones: clients take the database with the lowest id for
    the branch's first."""
    return time.time_ns() // 1_000


def create_password() -> str:
    return "npg_" + _choose_characters(12, string.ascii_letters + string.digits)


def create_api_key() -> str:
    return "napi_" + _choose_characters(48, _TAIL)


def _choose_words() -> str:
    return f"{secrets.choice(_ADJECTIVES)}-{secrets.choice(_NOUNS)}"


def _choose_characters(length: int, alphabet: str) -> str:
    return "".join(secrets.choice(alphabet) for _ in range(length))
