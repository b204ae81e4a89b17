"""The setting PGVEND_ANONYMOUS_CREATE, with its three limits."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from domain.anonymous import AnonymousAccess
from domain.api_keys import LARGEST_QUOTA
from domain.errors import InvalidRequest
from domain.expiry import parse_duration
from domain.rates import parse_rate

EXAMPLE = "rate=10/min,quota=50,ttl=24h"


def _quota(text: str) -> int:
    """Raises InvalidRequest."""
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= LARGEST_QUOTA):
        raise InvalidRequest(
            f"{text[:63]!r} is not a number of databases from 1 to {LARGEST_QUOTA}: write 50."
        )
    return int(text)


_READERS: Mapping[str, Callable[[str], Any]] = {
    "rate": parse_rate,
    "quota": _quota,
    "ttl": parse_duration,
}
"""The parts, all required."""


def _anonymous_access(text: Any) -> Any:
    """Parse the limits. Raises ValueError, with every invalid part and its fix."""
    if not isinstance(text, str):
        return text
    parts = [part.strip() for part in text.split(",") if part.strip()]
    given = dict(_named(parts))
    if mistakes := [*_misnamed(parts), *_mistakes(given)]:
        raise ValueError("; ".join(mistakes))
    rate, quota, longest = (read(given[name]) for name, read in _READERS.items())
    return AnonymousAccess(rate=rate, quota=quota, longest=longest)


def _named(parts: Sequence[str]) -> Iterator[tuple[str, str]]:
    for part in parts:
        name, _, value = part.partition("=")
        yield name.strip(), value.strip()


def _misnamed(parts: Sequence[str]) -> Iterator[str]:
    names = [name for name, _ in _named(parts)]
    for name in dict.fromkeys(names):
        if name not in _READERS:
            yield f"{name[:63]!r} is not one of its limits, remove it"
        elif names.count(name) > 1:
            yield f"{name} occurs twice, give it once"


def _mistakes(given: Mapping[str, str]) -> Iterator[str]:
    for name, read in _READERS.items():
        if name not in given:
            yield f"{name} is missing, add it"
            continue
        try:
            read(given[name])
        except InvalidRequest as error:
            yield f"{name}: {str(error).removesuffix('.')}"


AnonymousCreate = Annotated[
    AnonymousAccess | None,
    BeforeValidator(_anonymous_access),
    Field(
        validate_default=True,
        validation_alias="PGVEND_ANONYMOUS_CREATE",
        description=f"the limits of creation without a key by the original route: {EXAMPLE}",
    ),
]
