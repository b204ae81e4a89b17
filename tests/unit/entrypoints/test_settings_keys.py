"""The operator's own keys: PGVEND_API_KEYS and PGVEND_ADMIN_KEY."""

import pytest

from domain.caller import Caller, Scope
from domain.keys import digest_of
from domain.secret import Secret
from entrypoints.settings_loading import load_settings
from tests.unit.entrypoints.conftest import Set
from tests.unit.entrypoints.test_settings_mistakes import told

ONE, OTHER = "Zk3vT0pQx9LmN2sW", "9xQwErTyUiOpAsDf"

BASE64 = "q83vEjRWeJq83u8SNFZ4mrze7xI0VniavN7vEjRWeJo="
"""32 bytes, as `openssl rand -base64 32` prints them."""

PADDED_TWICE = "q83vEjRWeJq83u8SNFZ4mrze7xI0Vnia7xI0Vg=="


def callers() -> dict[str, Caller]:
    """By the digests of their keys."""
    return {key.digest: key.caller for key in load_settings().static_keys}


def digest(key: str) -> str:
    return digest_of(Secret(key))


def test_without_keys_the_service_is_open(environment: Set) -> None:
    environment()

    assert load_settings().is_open
    assert callers() == {}


@pytest.mark.parametrize("variable", ["PGVEND_API_KEYS", "PGVEND_ADMIN_KEY"])
def test_with_a_key_of_either_kind_it_is_not(environment: Set, variable: str) -> None:
    environment(**{variable: ONE})

    assert not load_settings().is_open


@pytest.mark.parametrize("text", [f"web={ONE},ci={OTHER}", f" web={ONE} , ci={OTHER} ,"])
def test_a_key_has_the_name_that_stands_before_it(environment: Set, text: str) -> None:
    environment(PGVEND_API_KEYS=text)

    assert {key: caller.name for key, caller in callers().items()} == {
        digest(ONE): "web",
        digest(OTHER): "ci",
    }


def test_such_a_key_may_do_everything_with_what_is_its_own(environment: Set) -> None:
    environment(PGVEND_API_KEYS=f"web={ONE}")

    (caller,) = callers().values()

    assert caller.scopes == {Scope.CREATE, Scope.READ, Scope.MANAGE}
    assert (caller.quota, caller.rate, caller.origins) == (None, None, frozenset())


def test_a_key_without_a_name_is_a_caller_of_its_own_in_every_process(environment: Set) -> None:
    environment(PGVEND_API_KEYS=f"{ONE},{OTHER}")

    names = {caller.name for caller in callers().values()}

    assert len(names) == 2
    assert names == {caller.name for caller in callers().values()}
    assert not any(key in name for key in (ONE, OTHER) for name in names)


def test_two_keys_may_be_one_callers(environment: Set) -> None:
    """One of them takes the other's place."""
    environment(PGVEND_API_KEYS=f"web={ONE},web={OTHER}")

    assert {caller.name for caller in callers().values()} == {"web"}
    assert len(callers()) == 2


@pytest.mark.parametrize("key", [BASE64, PADDED_TWICE])
def test_padding_belongs_to_a_key_that_has_no_name(environment: Set, key: str) -> None:
    environment(PGVEND_API_KEYS=key)

    assert list(callers()) == [digest(key)]


@pytest.mark.parametrize("key", [BASE64, PADDED_TWICE, f"a=b=={ONE}", f"=={ONE}"])
def test_what_stands_behind_the_first_sign_is_the_key(environment: Set, key: str) -> None:
    environment(PGVEND_API_KEYS=f"web={key}")

    assert {key: caller.name for key, caller in callers().items()} == {digest(key): "web"}


def test_the_admins_key_may_do_everything(environment: Set) -> None:
    environment(PGVEND_ADMIN_KEY=ONE)

    (caller,) = callers().values()

    assert caller.sees_all
    assert digest(ONE) in callers()


def test_a_key_that_is_named_admin_is_no_admins(environment: Set) -> None:
    environment(PGVEND_API_KEYS=f"admin={ONE}")

    (caller,) = callers().values()

    assert not caller.sees_all


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("hunter2", "key 1 is shorter than 16 characters"),
        ("web=hunter2", "key 1 is shorter than 16 characters"),
        ("a-long-name-before=hunter2", "key 1 is shorter than 16 characters"),
        (f"{ONE},ci=hunter2", "key 2 is shorter than 16 characters"),
        ("production-frontend=", "key 1 is shorter than 16 characters"),
        ("hunter2 and a space", "visible ASCII"),
        ("hunter2hunter2hünter2", "visible ASCII"),
        ("hunter2hunter2hunter2\t!", "visible ASCII"),
        ("hunter2hunter2hunter2\udcff", "visible ASCII"),
        (f"a name={ONE}", "the name of key 1 is none"),
        (f"{ONE},-={OTHER}", "the name of key 2 is none"),
        (f"pgvend={ONE}", "the name of key 1 is none"),
        (f"={ONE}", "the name of key 1 is none"),
        (f"web={ONE},ci={ONE}", "the same key is there twice"),
        (",", "there is no key in it"),
        ("  ", "there is no key in it"),
    ],
)
def test_a_mistake_is_told_without_showing_a_key(environment: Set, text: str, mistake: str) -> None:
    environment(PGVEND_API_KEYS=text)

    (line,) = told()

    assert line.startswith("PGVEND_API_KEYS: ")
    assert mistake in line
    assert not any(secret in line for secret in (ONE, OTHER, "hunter2"))


@pytest.mark.parametrize("key", ["hunter2", "hunter2 hunter2 hunter2", "hunter2hunter2hünter2"])
def test_an_admins_key_that_is_none_is_told_without_showing_it(environment: Set, key: str) -> None:
    environment(PGVEND_ADMIN_KEY=key)

    (line,) = told()

    assert line.startswith("PGVEND_ADMIN_KEY: ")
    assert "hunter2" not in line


def test_an_admins_key_that_others_have_is_a_mistake(environment: Set) -> None:
    """It would be theirs or the admin's, whichever was found first."""
    environment(PGVEND_API_KEYS=f"web={ONE}", PGVEND_ADMIN_KEY=ONE)

    (line,) = told()

    assert line.startswith("PGVEND_ADMIN_KEY: the same key is there twice")
    assert ONE not in line


def test_settings_do_not_show_the_keys(environment: Set) -> None:
    environment(PGVEND_API_KEYS=f"web={ONE}", PGVEND_ADMIN_KEY=OTHER)

    settings = load_settings()

    assert not any(key in repr(settings) for key in (ONE, OTHER))
    assert not any(key in repr(settings.static_keys) for key in (ONE, OTHER))
