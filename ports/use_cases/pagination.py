"""Pagination. A page begins after an id, so that new entries do not shift the pages."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Protocol, TypeVar

from domain.errors import InvalidPageToken
from domain.ids import PREFIX, is_id
from ports.driven.registry import Position


class HasId(Protocol):
    @property
    def id(self) -> str: ...


L = TypeVar("L", bound=HasId)


def split_page(found: Sequence[L], size: int) -> tuple[list[L], str]:
    """Return the page and the token of the next page, empty on the last one. `found` has one entry
    more than `size` if there is a next page."""
    page = list(found[:size])
    return page, encode_token(page[-1].id) if len(found) > size else ""


def encode_token(last_id: str) -> str:
    return urlsafe_b64encode(last_id.encode()).decode()


def encode_position(position: Position) -> str:
    return encode_token(f"{position.created_at.isoformat()} {position.id}")


def parse_position(token: str) -> Position | None:
    """Return the position before the page, None for the first page. Raises InvalidPageToken."""
    text = decode_token(token)
    if text is None:
        return None
    moment, _, last_id = text.partition(" ")
    try:
        position = Position(datetime.fromisoformat(moment).astimezone(UTC), last_id)
    except (ValueError, OverflowError):
        raise InvalidPageToken from None
    if not is_id(last_id):
        raise InvalidPageToken
    return position


def parse_token(token: str, prefix: str = PREFIX) -> str | None:
    """Return the id before the page, None for the first page. Raises InvalidPageToken."""
    last_id = decode_token(token)
    if last_id is not None and not is_id(last_id, prefix):
        raise InvalidPageToken
    return last_id


def decode_token(token: str) -> str | None:
    """Return the id in the token, None for the first page. Raises InvalidPageToken."""
    if not token:
        return None
    try:
        return urlsafe_b64decode(token.encode()).decode()
    except ValueError:
        raise InvalidPageToken from None
