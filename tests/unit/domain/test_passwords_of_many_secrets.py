"""Derived passwords, where the service's secret is not the first that it has."""

from dataclasses import replace

import pytest

from domain.database import Database
from domain.errors import SecretUnknown
from domain.passwords import PasswordDeriver, name_of
from domain.secret import MissingSecret, Secret
from tests.support.records import new_record
from tests.support.rekeyed import NEW, OLD, UNDER_BOTH, UNDER_NEW, UNDER_OLD

ID = "db_00000000000000000000000000"
OLDEST = Secret("the secret of long ago, which is long enough too")


def test_a_password_is_that_of_the_secret_that_is_named() -> None:
    assert UNDER_BOTH(ID, 3, name_of(OLD)) == UNDER_OLD(ID, 3)
    assert UNDER_BOTH(ID, 3, name_of(NEW)) == PasswordDeriver(NEW)(ID, 3)


def test_where_none_is_named_it_is_that_of_the_first() -> None:
    assert UNDER_BOTH(ID, 0) == UNDER_OLD(ID, 0)


def test_where_there_was_no_other_it_is_that_of_the_only_one() -> None:
    assert PasswordDeriver(NEW)(ID, 0) == PasswordDeriver(NEW)(ID, 0, name_of(NEW))


def test_every_one_of_several_secrets_is_known() -> None:
    passwords = PasswordDeriver(NEW, previous=(OLD, OLDEST), first=name_of(OLDEST))

    assert passwords(ID, 1, name_of(OLD)) == UNDER_OLD(ID, 1)
    assert passwords(ID, 1) == PasswordDeriver(OLDEST)(ID, 1)
    assert all(map(passwords.knows, ("", *map(name_of, (NEW, OLD, OLDEST)))))


def test_a_password_that_nobody_can_derive_is_not_replaced_by_another() -> None:
    password = UNDER_NEW(ID, 0)

    assert not UNDER_NEW.knows("")
    assert not password.is_known
    with pytest.raises(SecretUnknown, match="PGVEND_SECRET_PREVIOUS"):
        password.reveal()


def test_what_is_missing_is_equal_to_nothing_else() -> None:
    missing = MissingSecret()

    assert missing != MissingSecret()
    assert missing != Secret("")
    assert Secret("") != missing
    assert len({missing, missing, Secret("")}) == 2


def test_what_is_missing_shows_no_more_than_a_secret() -> None:
    assert f"{MissingSecret()} {MissingSecret()!r}" == "*** Secret('***')"


def test_the_next_password_comes_from_the_current_secret() -> None:
    rotated = record_of(OLD).rotated(UNDER_BOTH)

    assert (rotated.rotation, rotated.secret) == (1, name_of(NEW))
    assert rotated.order(UNDER_BOTH).password == PasswordDeriver(NEW)(rotated.id, 1)


def test_a_password_that_can_be_derived_stays() -> None:
    for record in (record_of(OLD), new_record()):
        assert record.keyed(UNDER_BOTH) == record


def test_one_that_cannot_gives_way_to_one_of_the_current_secret() -> None:
    for record in (record_of(OLD), new_record()):
        keyed = record.keyed(UNDER_NEW)

        assert keyed.order(UNDER_NEW).password == PasswordDeriver(NEW)(record.id, 0)


def record_of(secret: Secret) -> Database:
    return replace(new_record(), secret=name_of(secret))
