"""Derived passwords."""

from collections import Counter
from math import log2
from string import ascii_lowercase, ascii_uppercase, digits
from urllib.parse import quote

from hypothesis import assume, given
from hypothesis import strategies as st

from domain.passwords import ALPHABET, LENGTH, PasswordDeriver, _characters, name_of
from domain.secret import Secret

secrets = st.text(min_size=1).filter(lambda text: text.isprintable()).map(Secret)
ids = st.text("0123456789abcdefghjkmnpqrstvwxyz", min_size=26, max_size=26).map("db_{}".format)
rotations = st.integers(min_value=0, max_value=10**6)


@given(secrets, ids, rotations)
def test_every_password_meets_the_policy(secret: Secret, tenant: str, rotation: int) -> None:
    password = PasswordDeriver(secret)(tenant, rotation).reveal()

    assert len(password) >= 24
    for characters in (ascii_lowercase, ascii_uppercase, digits, "-_.~"):
        assert set(password) & set(characters)


@given(secrets, ids, rotations)
def test_a_password_needs_no_escaping_in_a_uri(secret: Secret, tenant: str, rotation: int) -> None:
    password = PasswordDeriver(secret)(tenant, rotation).reveal()

    assert quote(password, safe="") == password


@given(secrets, ids, rotations)
def test_the_same_order_gets_the_same_password(secret: Secret, tenant: str, rotation: int) -> None:
    again = PasswordDeriver(Secret(secret.reveal()))

    assert PasswordDeriver(secret)(tenant, rotation) == again(tenant, rotation)


@given(secrets, st.lists(ids, min_size=2, max_size=2, unique=True), rotations)
def test_two_databases_get_two_passwords(secret: Secret, two: list[str], rotation: int) -> None:
    derive = PasswordDeriver(secret)

    assert derive(two[0], rotation) != derive(two[1], rotation)


@given(secrets, ids, st.lists(rotations, min_size=2, max_size=2, unique=True))
def test_every_rotation_gives_a_new_password(secret: Secret, tenant: str, two: list[int]) -> None:
    derive = PasswordDeriver(secret)

    assert derive(tenant, two[0]) != derive(tenant, two[1])


@given(secrets, secrets, ids, rotations)
def test_two_secrets_give_two_passwords(
    one: Secret, other: Secret, tenant: str, rotation: int
) -> None:
    assume(one != other)

    assert PasswordDeriver(one)(tenant, rotation) != PasswordDeriver(other)(tenant, rotation)


def test_each_character_stands_for_the_same_number_of_bytes() -> None:
    counts = Counter(_characters(iter(range(256))))

    assert set(counts) == set(ALPHABET)
    assert len(set(counts.values())) == 1


def test_the_alphabet_holds_each_unreserved_character_once() -> None:
    assert Counter(ALPHABET) == Counter(ascii_lowercase + ascii_uppercase + digits + "-_.~")


def test_a_password_is_worth_128_bits() -> None:
    assert LENGTH * log2(len(ALPHABET)) >= 128


def test_passwords_stay_what_they_are_from_release_to_release() -> None:
    """A change here would lock every tenant out whose password is written again."""
    derive = PasswordDeriver(Secret("0123456789abcdef0123456789abcdef"))

    assert derive("db_00000000000000000000000000", 0).reveal() == "MH6b-YjbY_cUaiH0g90_op38"
    assert derive.current == "4d92704380ef"


@given(secrets)
def test_a_secret_has_one_name(secret: Secret) -> None:
    assert name_of(secret) == name_of(Secret(secret.reveal()))
    assert len(bytes.fromhex(name_of(secret))) == 6


def test_a_thousand_secrets_have_a_thousand_names() -> None:
    """Under one name, each installation would take the other's databases on a shared server for its
    own."""
    names = {name_of(Secret(f"secret {number}")) for number in range(1000)}

    assert len(names) == 1000


@given(secrets, secrets)
def test_two_secrets_have_two_names(one: Secret, other: Secret) -> None:
    assume(one != other)

    assert name_of(one) != name_of(other)


@given(st.text("0123456789abcdef", min_size=32, max_size=64))
def test_neither_the_deriver_nor_the_name_shows_the_secret(text: str) -> None:
    secret = Secret(text)

    assert text not in repr(PasswordDeriver(secret, previous=(secret,)))
    assert name_of(secret) not in text
