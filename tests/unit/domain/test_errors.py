"""The error tree: as drawn, with a code and a message for everyone."""

from collections.abc import Iterator

import pytest

import domain.errors
from domain.errors import (
    InFlight,
    OutcomeUnknown,
    PgvendError,
    ProviderBusy,
    ProviderFull,
    Unavailable,
)
from entrypoints.http import errors as http_errors

INDENT = 4
"""Columns of one level in the drawing."""


def drawn() -> Iterator[tuple[str, str | None]]:
    """Every class in the drawing with the class above it."""
    above: dict[int, str] = {}
    tree = (domain.errors.__doc__ or "").split("\n\n")[1]
    for line in tree.splitlines():
        name = line.lstrip("│├└─ ").split()[0]
        depth = line.index(name) // INDENT
        above[depth] = name
        yield name, above.get(depth - 1)


def every_error(root: type[PgvendError] = PgvendError) -> Iterator[type[PgvendError]]:
    yield root
    for error in root.__subclasses__():
        yield from every_error(error)


ALL = list(every_error())
OURS = [error for error in ALL if error.__module__ == "domain.errors"]

each = pytest.mark.parametrize("error", ALL, ids=lambda error: error.__name__)


def test_the_tree_is_as_drawn() -> None:
    built = {(error.__name__, _parent(error)) for error in OURS}

    assert set(drawn()) == built


def test_nothing_is_drawn_twice() -> None:
    names = [name for name, _ in drawn()]

    assert len(names) == len(set(names))


def test_every_error_of_the_domain_has_a_code_of_its_own() -> None:
    codes = [vars(error).get("code") for error in OURS]

    assert None not in codes
    assert len(codes) == len(set(codes))


def test_a_code_elsewhere_is_new_or_that_of_what_it_refines() -> None:
    own = [vars(error)["code"] for error in ALL if "code" in vars(error)]

    assert http_errors.MalformedBody.code in own
    assert len(own) == len(set(own))


@each
def test_a_code_is_a_slug(error: type[PgvendError]) -> None:
    assert error.code.replace("_", "").isalpha()
    assert error.code == error.code.lower()


@each
def test_without_a_message_an_error_says_what_it_means(error: type[PgvendError]) -> None:
    message = str(error())

    assert message == (error.__doc__ or "").strip()
    assert message.endswith(".")


@each
def test_a_message_is_kept(error: type[PgvendError]) -> None:
    assert str(error("Do this.")) == "Do this."


@pytest.mark.parametrize("error", OURS, ids=lambda error: error.__name__)
def test_exactly_what_is_unavailable_now_or_under_way_can_be_repeated(
    error: type[PgvendError],
) -> None:
    assert error.retryable == issubclass(error, (Unavailable, InFlight))


@pytest.mark.parametrize("error", [Unavailable, ProviderBusy, OutcomeUnknown, ProviderFull])
def test_an_error_that_passes_carries_how_long_that_takes(error: type[Unavailable]) -> None:
    assert error("", retry_after=2.5).retry_after == 2.5
    assert error().retry_after is None


def _parent(error: type[PgvendError]) -> str | None:
    return error.__base__.__name__ if error is not PgvendError and error.__base__ else None
