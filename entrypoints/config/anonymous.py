"""The setting PGVEND_ANONYMOUS_CREATE, with its three limits."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from domain.api_keys import MAX_QUOTA
from domain.callers import AnonymousAccess
from domain.errors import InvalidRequest
from domain.expiry import parse_duration
from domain.rates import parse_rate

EXAMPLE = "rate=10/min,quota=50,ttl=24h"


def _parse_quota(text: str) -> int:
    """Raises InvalidRequest."""
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= MAX_QUOTA):
        raise InvalidRequest(
            f"{text[:63]!r} is not a number of databases from 1 to {MAX_QUOTA}: write 50."
        )
    return int(text)


_PARSERS: Mapping[str, Callable[[str], Any]] = {
    "rate": parse_rate,
    "quota": _parse_quota,
    "ttl": parse_duration,
}
"""The parts, all required."""


def _parse_access(text: Any) -> Any:
    """Parse the limits. Raises ValueError, with every invalid part and its fix."""
    if not isinstance(text, str):
        return text
    parts = [part.strip() for part in text.split(",") if part.strip()]
    values = dict(_split_pairs(parts))
    if mistakes := [*_find_unknown_parts(parts), *_find_mistakes(values)]:
        raise ValueError("; ".join(mistakes))
    rate, quota, max_ttl = (parse(values[name]) for name, parse in _PARSERS.items())
    return AnonymousAccess(rate=rate, quota=quota, max_ttl=max_ttl)


def _split_pairs(parts: Sequence[str]) -> Iterator[tuple[str, str]]:
    for part in parts:
        name, _, value = part.partition("=")
        yield name.strip(), value.strip()


def _find_unknown_parts(parts: Sequence[str]) -> Iterator[str]:
    names = [name for name, _ in _split_pairs(parts)]
    for name in dict.fromkeys(names):
        if name not in _PARSERS:
            yield f"{name[:63]!r} is not one of its limits, remove it"
        elif names.count(name) > 1:
            yield f"{name} occurs twice, give it once"


def _find_mistakes(values: Mapping[str, str]) -> Iterator[str]:
    for name, parse in _PARSERS.items():
        if name not in values:
            yield f"{name} is missing, add it"
            continue
        try:
            parse(values[name])
        except InvalidRequest as error:
            yield f"{name}: {str(error).removesuffix('.')}"


AnonymousCreate = Annotated[
    AnonymousAccess | None,
    BeforeValidator(_parse_access),
    Field(
        validate_default=True,
        validation_alias="PGVEND_ANONYMOUS_CREATE",
        description=f"the limits of creation without a key by the original route: {EXAMPLE}",
    ),
]
