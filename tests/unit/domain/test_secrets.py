"""Secrets do not leak by accident."""

import copy
import json
import logging
import pickle
import traceback
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.connection import Connection
from domain.passwords import PasswordDeriver
from domain.secrets import Secret

PLAIN_TEXT = "correct horse battery staple"
SECRET = Secret(PLAIN_TEXT)


@dataclass
class Holder:
    secret: Secret


@pytest.mark.parametrize(
    "shown",
    [
        repr(SECRET),
        str(SECRET),
        f"{SECRET}",
        f"{SECRET:>40}",
        f"{SECRET!r}",
        "{}".format(SECRET),  # noqa: UP032 - older formatting too
        "%s %r" % (SECRET, SECRET),  # noqa: UP031
        repr([SECRET]),
        repr({"password": SECRET}),
        repr(Holder(SECRET)),
        repr(PasswordDeriver(SECRET)),
        repr(Connection(host="h", port=1, database="d", user="u", password=SECRET)),
        str(ValueError(SECRET)),
        logging.LogRecord("n", 20, "f", 1, "%s", (SECRET,), None).getMessage(),
    ],
)
def test_a_secret_does_not_appear_in_text(shown: str) -> None:
    assert PLAIN_TEXT not in shown
    assert "***" in shown or "PasswordDeriver" in shown


def test_a_secret_does_not_appear_in_errors() -> None:
    with pytest.raises(TypeError) as caught:
        SECRET + "suffix"  # type: ignore[operator]
    assert PLAIN_TEXT not in "".join(traceback.format_exception(caught.value))


def test_a_secret_does_not_appear_in_json() -> None:
    with pytest.raises(TypeError):
        json.dumps({"password": SECRET})
    assert PLAIN_TEXT not in json.dumps({"password": SECRET}, default=repr)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("value", [SECRET, Holder(SECRET)], ids=["alone", "held"])
def test_a_secret_cannot_be_pickled(value: object, protocol: int) -> None:
    with pytest.raises(TypeError, match="cannot be serialized"):
        pickle.dumps(value, protocol)


def test_a_secret_cannot_be_copied() -> None:
    with pytest.raises(TypeError, match="cannot be serialized"):
        copy.deepcopy(SECRET)
    with pytest.raises(TypeError):
        vars(SECRET)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_only_reveal_returns_a_secret(text: str) -> None:
    assert Secret(text).reveal() == text


def test_secrets_are_equal_if_their_texts_are() -> None:
    assert Secret("é") == Secret("é")
    assert Secret("é") != Secret("e")
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2
    assert Secret("a") != "a"
