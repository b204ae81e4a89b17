"""The error tree: its drawing, codes and messages."""

from collections.abc import Iterator

import pytest

import domain.errors
from domain.errors import InFlight, PgvendError, Unavailable
from entrypoints.http.api import problems as http_errors

INDENT = 4
"""Columns for each level in the drawing."""


def parse_drawing() -> Iterator[tuple[str, str | None]]:
    """Yield every class in the drawing with its base class."""
    above: dict[int, str] = {}
    tree = (domain.errors.__doc__ or "").split("\n\n")[1]
    for line in tree.splitlines():
        names = line.lstrip("│├└─ ").split("  ")[0].split(", ")
        depth = line.index(names[0]) // INDENT
        above[depth] = names[-1]
        for name in names:
            yield name, above.get(depth - 1)


def walk_errors(root: type[PgvendError] = PgvendError) -> Iterator[type[PgvendError]]:
    yield root
    for error in root.__subclasses__():
        yield from walk_errors(error)


ALL = list(walk_errors())
DOMAIN_ERRORS = [error for error in ALL if error.__module__ == "domain.errors"]


def test_the_tree_is_as_drawn() -> None:
    bases = {error: error.__base__.__name__ for error in DOMAIN_ERRORS if error.__base__}
    bases[PgvendError] = None  # type: ignore[assignment] # the root

    assert sorted(parse_drawing(), key=str) == sorted(
        ((error.__name__, base) for error, base in bases.items()), key=str
    )


def test_every_error_of_the_domain_has_its_own_code() -> None:
    assert all("code" in vars(error) for error in DOMAIN_ERRORS)

    own = [vars(error)["code"] for error in ALL if "code" in vars(error)]

    assert http_errors.MalformedBody.code in own
    assert len(own) == len(set(own))


@pytest.mark.parametrize("error", ALL, ids=lambda error: error.__name__)
def test_an_error_has_a_slug_and_a_message(error: type[PgvendError]) -> None:
    assert error.code.replace("_", "").isalpha()
    assert error.code == error.code.lower()
    assert str(error()) == (error.__doc__ or "").strip()
    assert str(error()).endswith(".")
    assert str(error("Do this.")) == "Do this."


@pytest.mark.parametrize("error", DOMAIN_ERRORS, ids=lambda error: error.__name__)
def test_unavailable_and_in_flight_are_retryable(error: type[PgvendError]) -> None:
    assert error.retryable == issubclass(error, (Unavailable, InFlight))
    if issubclass(error, Unavailable):
        assert error("", retry_after=2.5).retry_after == 2.5
        assert not error().retry_after
