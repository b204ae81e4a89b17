"""The settings PGVEND_API_KEYS and PGVEND_ADMIN_KEY."""

import pytest

from domain.api_keys import digest_key
from domain.callers import Caller, Scope
from domain.secrets import Secret
from tests.unit.entrypoints.conftest import Environment

ONE, OTHER = "Zk3vT0pQx9LmN2sW", "9xQwErTyUiOpAsDf"

BASE64 = "q83vEjRWeJq83u8SNFZ4mrze7xI0VniavN7vEjRWeJo="
"""32 bytes, as `openssl rand -base64 32` prints them."""

PADDED_TWICE = "q83vEjRWeJq83u8SNFZ4mrze7xI0Vnia7xI0Vg=="

NAMED = {
    f"web={ONE},ci={OTHER}": {ONE: "web", OTHER: "ci"},
    f" web={ONE} , ci={OTHER} ,": {ONE: "web", OTHER: "ci"},
    f"web={ONE},web={OTHER}": {ONE: "web", OTHER: "web"},
    **{f"web={key}": {key: "web"} for key in (BASE64, PADDED_TWICE, f"a=b=={ONE}", f"=={ONE}")},
}


def names_by_digest(env: Environment, **variables: str) -> dict[str, Caller]:
    """Return the names of the callers by the digests of their keys."""
    return {key.digest: key.caller for key in env.load(**variables).static_keys}


def digest(key: str) -> str:
    return digest_key(Secret(key))


def test_without_keys_the_service_is_open(env: Environment) -> None:
    assert env.load().is_open
    assert names_by_digest(env) == {}


@pytest.mark.parametrize("variable", ["PGVEND_API_KEYS", "PGVEND_ADMIN_KEY"])
def test_with_either_kind_of_key_it_is_not(env: Environment, variable: str) -> None:
    assert not env.load(**{variable: ONE}).is_open


@pytest.mark.parametrize(("text", "names"), NAMED.items())
def test_the_name_of_a_key_ends_at_the_first_equals_sign(
    env: Environment, text: str, names: dict[str, str]
) -> None:
    found = {key: caller.name for key, caller in names_by_digest(env, PGVEND_API_KEYS=text).items()}
    assert found == {digest(key): name for key, name in names.items()}


def test_a_named_key_has_all_scopes_but_admin(env: Environment) -> None:
    (caller,) = names_by_digest(env, PGVEND_API_KEYS=f"admin={ONE}").values()
    assert caller.scopes == {Scope.CREATE, Scope.READ, Scope.MANAGE}
    assert (caller.quota, caller.rate, caller.origins) == (None, None, frozenset())
    assert not caller.can_see_all, "a name does not make an admin"


def test_a_key_without_a_name_is_the_same_caller_in_every_process(env: Environment) -> None:
    first = {
        caller.name for caller in names_by_digest(env, PGVEND_API_KEYS=f"{ONE},{OTHER}").values()
    }
    assert len(first) == 2
    assert first == {caller.name for caller in names_by_digest(env).values()}
    assert not any(key in name for key in (ONE, OTHER) for name in first)


@pytest.mark.parametrize("key", [BASE64, PADDED_TWICE])
def test_base64_padding_is_not_a_name(env: Environment, key: str) -> None:
    assert list(names_by_digest(env, PGVEND_API_KEYS=key)) == [digest(key)]


def test_the_admin_key_has_all_rights(env: Environment) -> None:
    assert names_by_digest(env, PGVEND_ADMIN_KEY=ONE)[digest(ONE)].can_see_all
