"""Passwords derived from one secret or several."""

from collections import Counter
from dataclasses import replace
from math import log2
from string import ascii_lowercase, ascii_uppercase, digits
from urllib.parse import quote

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.database import Database
from domain.errors import SecretUnknown
from domain.passwords import (
    ALPHABET,
    LENGTH,
    NONCE_BYTES,
    PasswordDeriver,
    _to_characters,
    derive_secret_name,
    new_nonce,
)
from domain.secrets import MissingSecret, Secret
from tests.support.changed_secrets import NEW_SECRET, OLD_SECRET, UNDER_BOTH, UNDER_NEW, UNDER_OLD
from tests.support.records import new_record

ID = "db_00000000000000000000000000"
NONCE = "00112233445566778899aabbccddeeff"
OLDEST = Secret("the secret of long ago, which is long enough too")

secrets = st.text(min_size=1).filter(lambda text: text.isprintable()).map(Secret)
ids = st.text("0123456789abcdefghjkmnpqrstvwxyz", min_size=26, max_size=26).map("db_{}".format)
nonces = st.binary(min_size=NONCE_BYTES, max_size=NONCE_BYTES).map(new_nonce)
rotations = st.integers(min_value=0, max_value=10**6)


def create_record(secret: Secret) -> Database:
    return replace(new_record(), secret=derive_secret_name(secret))


@given(secrets, ids, rotations)
def test_every_password_meets_the_policy_and_is_derived_again(
    secret: Secret, tenant: str, rotation: int
) -> None:
    password = PasswordDeriver(secret)(tenant, rotation).reveal()

    assert len(password) >= 24
    for characters in (ascii_lowercase, ascii_uppercase, digits, "-_.~"):
        assert set(password) & set(characters)
    assert quote(password, safe="") == password
    assert PasswordDeriver(Secret(secret.reveal()))(tenant, rotation).reveal() == password


@given(secrets, secrets, ids, ids, rotations, rotations)
def test_secret_database_and_rotation_change_the_password(
    secret: Secret, other: Secret, tenant: str, another: str, rotation: int, next_: int
) -> None:
    assume(secret != other)
    password = PasswordDeriver(secret)(tenant, rotation)

    assert password != PasswordDeriver(other)(tenant, rotation)
    assert (password == PasswordDeriver(secret)(another, rotation)) == (tenant == another)
    assert (password == PasswordDeriver(secret)(tenant, next_)) == (rotation == next_)
    assert derive_secret_name(secret) != derive_secret_name(other)


def test_every_character_is_equally_likely() -> None:
    counts = Counter(_to_characters(bytes(range(256))))

    assert set(counts) == set(ALPHABET)
    assert len(set(counts.values())) == 1
    assert Counter(ALPHABET) == Counter(ascii_lowercase + ascii_uppercase + digits + "-_.~")
    assert LENGTH * log2(len(ALPHABET)) >= 128


def test_passwords_are_the_same_in_every_release() -> None:
    """A change would lock out every tenant whose password is set again."""
    derive = PasswordDeriver(Secret("0123456789abcdef0123456789abcdef"))

    assert derive(ID, 0).reveal() == "MH6b-YjbY_cUaiH0g90_op38"
    assert derive(ID, 3, nonce="").reveal() == "X5s_-t_.4UTaA7pziusxrYrp"
    assert derive(ID, 0, nonce=NONCE).reveal() == "~10c7ZE.qhVElbuY~33LC~Pq"
    assert derive.current == "4d92704380ef"


@given(st.text("0123456789abcdef", min_size=32, max_size=64))
def test_a_secret_has_one_name_that_does_not_reveal_it(text: str) -> None:
    secret = Secret(text)

    assert derive_secret_name(secret) == derive_secret_name(Secret(text))
    assert len(bytes.fromhex(derive_secret_name(secret))) == 6
    assert derive_secret_name(secret) not in text
    assert text not in repr(PasswordDeriver(secret, previous=(secret,)))


def test_a_thousand_secrets_have_a_thousand_names() -> None:
    """Two installations with one name on a shared server would mistake each other's databases for
    their own."""
    assert len({derive_secret_name(Secret(f"secret {number}")) for number in range(1000)}) == 1000


def test_a_password_comes_from_the_named_or_the_first_secret() -> None:
    passwords = PasswordDeriver(
        NEW_SECRET, previous=(OLD_SECRET, OLDEST), first=derive_secret_name(OLDEST)
    )

    assert passwords(ID, 3, derive_secret_name(OLD_SECRET)) == UNDER_OLD(ID, 3)
    assert passwords(ID, 3, derive_secret_name(NEW_SECRET)) == PasswordDeriver(NEW_SECRET)(ID, 3)
    assert passwords(ID, 1) == PasswordDeriver(OLDEST)(ID, 1)
    assert PasswordDeriver(NEW_SECRET)(ID, 0) == PasswordDeriver(NEW_SECRET)(
        ID, 0, derive_secret_name(NEW_SECRET)
    )
    assert all(
        map(passwords.knows, ("", *map(derive_secret_name, (NEW_SECRET, OLD_SECRET, OLDEST))))
    )


def test_a_password_of_an_unknown_secret_cannot_be_revealed() -> None:
    password = UNDER_NEW(ID, 0)

    assert not UNDER_NEW.knows("")
    assert not password.is_known
    with pytest.raises(SecretUnknown, match="PGVEND_SECRET_PREVIOUS"):
        password.reveal()


def test_a_missing_secret_equals_only_itself() -> None:
    missing = MissingSecret()

    assert missing != MissingSecret()
    assert missing != Secret("")
    assert Secret("") != missing
    assert len({missing, missing, Secret("")}) == 2
    assert f"{missing} {missing!r}" == "*** Secret('***')"


def test_the_next_password_comes_from_the_current_secret() -> None:
    later = create_record(OLD_SECRET).with_next_password(UNDER_BOTH, NONCE)
    assert (later.rotation, later.secret, later.nonce) == (1, derive_secret_name(NEW_SECRET), NONCE)
    password = PasswordDeriver(NEW_SECRET)(later.id, 1, nonce=NONCE)
    assert later.to_provision_request(UNDER_BOTH).password == password


@pytest.mark.parametrize(
    "record", [create_record(OLD_SECRET), new_record()], ids=["named", "first"]
)
def test_a_password_of_an_unknown_secret_can_be_replaced(record: Database) -> None:
    with_new_password = record.with_new_password(UNDER_NEW, NONCE)
    assert with_new_password.to_provision_request(UNDER_NEW).password == PasswordDeriver(
        NEW_SECRET
    )(record.id, 0, nonce=NONCE)


@given(nonces, nonces, rotations)
def test_another_nonce_gives_another_password(nonce: str, other: str, rotation: int) -> None:
    with_nonce, with_other, without = [
        PasswordDeriver(NEW_SECRET)(ID, rotation, nonce=each).reveal()
        for each in (nonce, other, "")
    ]
    assert (with_nonce == with_other) == (nonce == other)
    assert without not in {with_nonce, with_other}
    assert len(with_nonce) == LENGTH


def test_a_nonce_has_all_of_its_entropy() -> None:
    assert bytes.fromhex(new_nonce(bytes(range(NONCE_BYTES)))) == bytes(range(NONCE_BYTES))
    with pytest.raises(ValueError, match="takes 16 random bytes, not 3"):
        new_nonce(b"abc")
