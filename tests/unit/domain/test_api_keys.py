"""API keys: ids, digests, names and scopes."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.api_keys import (
    ID_BYTES,
    KEY_ID_PATTERN,
    SECRET_BYTES,
    digest_key,
    is_same_digest,
    new_key,
    parse_key_id,
    restrict_scopes,
    validate_key_name,
)
from domain.audit import SYSTEM_CALLER
from domain.callers import Caller, Scope
from domain.errors import InvalidRequest, KeyRefused
from domain.rates import Rate
from domain.secrets import Secret
from tests.support.key_records import new_api_key

NOW = datetime(2026, 1, 2, tzinfo=UTC)
SECOND = timedelta(seconds=1)
APP = frozenset({"https://app.example"})

entropies = st.binary(min_size=ID_BYTES + SECRET_BYTES, max_size=ID_BYTES + SECRET_BYTES)
scopes = st.frozensets(st.sampled_from(Scope))


@given(entropies, entropies)
def test_a_new_key_has_its_id_and_all_of_its_entropy(one: bytes, other: bytes) -> None:
    (one_id, key), (other_id, _) = new_key(one), new_key(other)

    assert KEY_ID_PATTERN.fullmatch(one_id)
    assert key.reveal() == f"{one_id}_{one[ID_BYTES:].hex()}"
    assert parse_key_id(key) == one_id
    assert (one_id == other_id) == (one[:ID_BYTES] == other[:ID_BYTES])


MALFORMED_KEYS = ["", "pgv_", "pgv_00000000", "pgv_00000000_"]
MALFORMED_KEYS += ["pgv_00000000_" + "0" * length for length in (63, 65)]
MALFORMED_KEYS += ["pgv_00000000_" + digit * 64 for digit in ("A", "\u0660")]
MALFORMED_KEYS += [f"{key_id}_{'0' * 64}" for key_id in ("PGV_00000000", "pgv_0000000i")]
MALFORMED_KEYS += ["pgv_00000000_" + "0" * 64 + "\n"]


@pytest.mark.parametrize("text", MALFORMED_KEYS)
def test_a_malformed_key_has_no_id(text: str) -> None:
    assert parse_key_id(Secret(text)) is None


@given(st.text(), st.text())
def test_only_equal_keys_have_equal_digests(one: str, other: str) -> None:
    try:
        same = is_same_digest(digest_key(Secret(one)), digest_key(Secret(other)))
    except UnicodeEncodeError:
        assert re.search("[\ud800-\udfff]", one + other), "only a lone surrogate cannot be encoded"
    else:
        assert same == (one == other)


def test_a_key_that_cannot_be_encoded_has_a_digest() -> None:
    assert digest_key(Secret("\udcff")) != digest_key(Secret("\udcfe"))


@pytest.mark.parametrize("name", ["a", "7", "web", "ann@app.example", "a.b_c-d", "a" * 63])
def test_valid_names_of_keys(name: str) -> None:
    assert validate_key_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["", " ", "-", "a-", ".a", "a b", "a\n", "a" * 64, "ä", "a/b", "a=b", "a,b", SYSTEM_CALLER],
)
def test_invalid_names_of_keys(name: str) -> None:
    with pytest.raises(InvalidRequest, match="name of a key must have 1 to 63 letters"):
        validate_key_name(name)


@given(scopes)
def test_a_key_with_origins_can_only_create(
    asked: frozenset[Scope],
) -> None:
    for origins, left in ((frozenset[str](), asked), (APP, asked & {Scope.CREATE})):
        if left:
            assert restrict_scopes(asked, origins) == left
        else:
            with pytest.raises(
                InvalidRequest, match="needs a scope; with origins, the only possible one is create"
            ):
                restrict_scopes(asked, origins)


def test_a_key_is_valid_until_it_expires() -> None:
    key = new_api_key(expires_at=NOW)

    new_api_key().check_valid(datetime.max.replace(tzinfo=UTC))
    key.check_valid(NOW - SECOND)
    for moment in (NOW, NOW + SECOND):
        with pytest.raises(KeyRefused, match=f"The API key {key.id} has expired"):
            key.check_valid(moment)


def test_a_key_is_invalid_from_its_first_revocation() -> None:
    key = new_api_key().revoke(NOW + SECOND)

    with pytest.raises(KeyRefused, match=f"The API key {key.id} was revoked"):
        key.check_valid(NOW)
    assert key.revoke(NOW + 2 * SECOND) == key


def test_the_caller_of_a_key_has_its_scopes() -> None:
    key = new_api_key(name="web", quota=3, origins=APP, rate=Rate(1, 60))

    assert key.caller == Caller(
        name="web", scopes=key.scopes, quota=3, rate=Rate(1, 60), origins=APP, key=key.id
    )
