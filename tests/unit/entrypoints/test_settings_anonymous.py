"""The setting PGVEND_ANONYMOUS_CREATE."""

from datetime import timedelta

import pytest

from domain.callers import AnonymousAccess
from domain.rates import Rate
from entrypoints.doctor.settings import check_callers
from tests.unit.entrypoints.conftest import Environment

KEY = "a-key-of-sixteen-characters-or-more"
VARIABLE = "PGVEND_ANONYMOUS_CREATE"
EXAMPLE = "rate=10/min,quota=50,ttl=24h"
ACCESS = AnonymousAccess(rate=Rate(10, 60), quota=50, max_ttl=timedelta(days=1))

MISTAKES = {
    "rate=10/min": ["quota is missing, add it", "ttl is missing, add it"],
    "quota=50,ttl=24h": ["rate is missing, add it"],
    "rate=10,quota=50,ttl=24h": ["rate: '10' is not a rate: write 10/min"],
    "rate=10/min,quota=0,ttl=24h": ["quota: '0' is not a number of databases from 1 to"],
    "rate=10/min,quota=many,ttl=24h": ["quota: 'many' is not a number"],
    "rate=10/min,quota=99999999999999,ttl=24h": ["quota: '99999999999999' is not a number"],
    "rate=10/min,quota=50,ttl=forever": ["ttl: 'forever' is not a duration"],
    "rate=x,quota=x,ttl=x": ["rate: 'x'", "quota: 'x'", "ttl: 'x'"],
    f"{EXAMPLE},burst=3": ["'burst' is not one of its limits, remove it"],
    f"{EXAMPLE},quota=60": ["quota occurs twice, give it once"],
    "on": ["'on' is not one of its limits, remove it", "rate is missing, add it"],
}


@pytest.mark.parametrize("text", [EXAMPLE, " ttl = P1D , quota=50,rate=10/minute,"])
@pytest.mark.parametrize("keys", ["PGVEND_ADMIN_KEY", "PGVEND_API_KEYS"])
def test_the_limits_are_read_in_any_order(env: Environment, text: str, keys: str) -> None:
    settings = env.load(**{VARIABLE: text, keys: KEY})
    assert settings.anonymous_create == ACCESS
    assert not settings.is_open


@pytest.mark.parametrize(("text", "parts"), MISTAKES.items())
def test_every_invalid_part_is_reported_with_its_fix(
    env: Environment, text: str, parts: list[str]
) -> None:
    mistake = env.mistake(**{VARIABLE: text, "PGVEND_ADMIN_KEY": KEY})
    assert mistake.startswith(f"{VARIABLE}: ")
    assert all(part in mistake for part in parts)
    assert mistake.endswith(f"{EXAMPLE}.")


def test_without_keys_it_is_refused(env: Environment) -> None:
    mistake = env.mistake(**{VARIABLE: EXAMPLE})
    assert "no keys are set" in mistake
    assert "PGVEND_ADMIN_KEY or PGVEND_API_KEYS" in mistake


def test_an_invalid_key_is_the_only_error(env: Environment) -> None:
    assert env.mistake(**{VARIABLE: EXAMPLE, "PGVEND_ADMIN_KEY": "short"}).startswith(
        "PGVEND_ADMIN_KEY"
    )


def test_doctor_describes_the_anonymous_access(env: Environment) -> None:
    outcome = check_callers(env.load(**{VARIABLE: EXAMPLE, "PGVEND_ADMIN_KEY": KEY}))
    assert "original route: 10/min for each address, 50 databases at once" in outcome.detail
